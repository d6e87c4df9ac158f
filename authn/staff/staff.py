"""Appointing staff, ending it, and what a person may do at the desk."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID, uuid4

from sqlalchemy import Connection, bindparam, select, update

from authn.audit.log import record
from authn.audit.staff_events import StaffAppointed, StaffDismissed
from authn.db.once import insert_once
from authn.db.transaction import must_write
from authn.errors import N_, InvalidRequest
from authn.secrets import Secrets
from authn.staff.roles import ROLES, Act, Role, may
from authn.staff.tables import LONGEST_DESK, staff, staff_beginning

FIRST_OPERATOR = "first-operator"

_OF = select(staff.c.role, staff.c.desk).where(
    staff.c.person_id == bindparam("person_id"), staff.c.ended_at.is_(None)
)
_END = (
    update(staff)
    .where(
        staff.c.person_id == bindparam("of_person"),
        staff.c.role == bindparam("of_role"),
        staff.c.ended_at.is_(None),
    )
    .values(ended_at=bindparam("now"), ended_by=bindparam("by"))
)


class NoStaff(InvalidRequest):
    """What is said about a member of staff is not accepted."""

    def __init__(self, description: str) -> None:
        super().__init__("invalid_staff", description)


@dataclass(frozen=True, slots=True)
class Staff:
    """A person at the desk: all their roles, and where they work."""

    person_id: UUID
    roles: frozenset[Role]
    desks: frozenset[str]

    def may(self, act: Act) -> bool:
        """Whether one of the roles may do the act at all."""
        return may(self.roles, act)


@dataclass(frozen=True, slots=True)
class Appointment:
    """A role of a person, with its beginning and end."""

    person_id: UUID
    role: Role
    desk: str
    appointed_at: datetime
    ended_at: datetime | None


def staff_of(connection: Connection, person_id: UUID) -> Staff | None:
    """What this person is at the desk now; None for whoever doesn't work there."""
    rows = connection.execute(_OF, {"person_id": person_id}).all()
    if not rows:
        return None
    roles = frozenset(cast("Role", row.role) for row in rows)
    return Staff(person_id, roles, frozenset(row.desk for row in rows))


def appointments(connection: Connection) -> list[Appointment]:
    """Every appointment that holds, and those that have ended, the newest first."""
    columns = [staff.c[name] for name in Appointment.__dataclass_fields__]
    rows = connection.execute(select(*columns).order_by(staff.c.appointed_at.desc(), staff.c.id))
    return [Appointment(*row) for row in rows]


def appoint(
    connection: Connection,
    secrets: Secrets,
    person_id: UUID,
    role: str,
    desk: str,
    now: datetime,
    *,
    by: UUID | None = None,
    reference: str = "-",
) -> bool:
    """Whether the person has this role from now on; False when they had it. Raises `NoStaff`."""
    if role not in ROLES:
        raise NoStaff(N_("There is no such role at the desk."))
    desk = desk.strip()
    if not desk or len(desk) > LONGEST_DESK or not desk.isprintable():
        raise NoStaff(N_("A desk has a name of at most 60 characters."))
    row = {
        "id": uuid4(),
        "person_id": person_id,
        "role": role,
        "desk": desk,
        "appointed_by": by,
        "appointed_at": now,
    }
    if not insert_once(connection, staff, row):
        return False
    event = StaffAppointed(person_id=person_id, actor_id=by, role=role, desk=desk)
    record(connection, secrets, event, now, reference)
    return True


def dismiss(
    connection: Connection,
    secrets: Secrets,
    person_id: UUID,
    role: str,
    now: datetime,
    *,
    by: UUID | None = None,
    reference: str = "-",
) -> bool:
    """Whether the role ended now; sessions at the desk look at it each time, and end with it."""
    must_write(connection)
    parameters = {"of_person": person_id, "of_role": role, "now": now, "by": by}
    if connection.execute(_END, parameters).rowcount != 1:
        return False
    event = StaffDismissed(person_id=person_id, actor_id=by, role=role)
    record(connection, secrets, event, now, reference)
    return True


def make_first_operator(
    connection: Connection, secrets: Secrets, person_id: UUID, desk: str, now: datetime
) -> bool:
    """Whether this person is the first operator by this; False once there has been one.

    Of two who try at the same moment one succeeds, and never again after that.
    """
    row = {"what": FIRST_OPERATOR, "person_id": person_id, "made_at": now}
    if not insert_once(connection, staff_beginning, row):
        return False
    return appoint(connection, secrets, person_id, "operator", desk, now)

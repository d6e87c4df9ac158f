"""Appointment to a role at the help desk, and dismissal; the profile follows in one transaction.

Why here, above the room `staff`: being staff is a profile like others. Who loses a role loses the
capacity that had it at that moment, and every grant in it with the next use; what is left to them
at that desk is another capacity. Why not by asking anew, as others are: nobody need look first for
a role to end. Both lock the person, as every act of theirs does: what they began
before is done first, and what they begin after finds the role ended.
"""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import Connection, bindparam, select, update

from authn.audit.events.staff import StaffAppointed, StaffDismissed
from authn.audit.log import record
from authn.db.occasion import NO_REFERENCE
from authn.db.once import insert_once
from authn.db.transaction import must_write
from authn.errors import N_, InvalidRequest
from authn.people.persons import lock_person
from authn.profiles.profiles import encrypt_fact, end_profile, read_fact_row
from authn.profiles.tables import profiles
from authn.secrets import Secrets
from authn.sources.answers import mark_answer_due
from authn.sources.embedded.facts import find_desk_roles
from authn.sources.facts import DeskRoles
from authn.staff.members import normalize_desk_name
from authn.staff.roles import ROLES
from authn.staff.tables import LONGEST_DESK, staff, staff_beginning

FIRST_OPERATOR = "first-operator"

_END = (
    update(staff)
    .where(
        staff.c.person_id == bindparam("of_person"),
        staff.c.role == bindparam("of_role"),
        staff.c.ended_at.is_(None),
    )
    .values(ended_at=bindparam("now"), ended_by=bindparam("by"))
    .returning(staff.c.desk)
)
_AS_STAFF = select(profiles.c.id, profiles.c.question, profiles.c.fact_encrypted).where(
    profiles.c.person_id == bindparam("of_person"),
    profiles.c.question == "staff",
    profiles.c.ended_at.is_(None),
)
_SAY = (
    update(profiles)
    .where(profiles.c.id == bindparam("profile_id"))
    .values(fact_encrypted=bindparam("fact"))
)


class InvalidStaff(InvalidRequest):
    """An appointment is not accepted: the role, the desk or the person is none that may be."""

    def __init__(self, description: str) -> None:
        super().__init__("invalid_staff", description)


def appoint(
    connection: Connection,
    secrets: Secrets,
    person_id: UUID,
    role: str,
    desk: str,
    now: datetime,
    *,
    by: UUID | None = None,
    reference: str = NO_REFERENCE,
) -> bool:
    """Whether the person was given the role; False when they had it. Raises `InvalidStaff`."""
    desk = require_desk(role, desk)
    must_write(connection)
    person = lock_person(connection, person_id)
    if person is None or person.deceased:
        raise InvalidStaff(N_("This person died, or is one with another: they work at no desk."))
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
    _widen(connection, secrets, person_id, desk, now)
    event = StaffAppointed(person_id=person_id, actor_id=by, role=role, desk=desk)
    record(connection, secrets, event, now, reference)
    return True


def require_desk(role: str, desk: str) -> str:
    """The stored form of a desk's name; raises `InvalidStaff` for an unknown role or a bad name."""
    if role not in ROLES:
        raise InvalidStaff(N_("There is no such role at the desk."))
    desk = normalize_desk_name(desk)
    if not desk or len(desk) > LONGEST_DESK or not desk.isprintable():
        raise InvalidStaff(N_("A desk has a name of at most 60 characters."))
    return desk


def dismiss(
    connection: Connection,
    secrets: Secrets,
    person_id: UUID,
    role: str,
    now: datetime,
    *,
    by: UUID | None = None,
    reference: str = NO_REFERENCE,
) -> bool:
    """Whether the role ended now, and with it the profile that had the role.

    Sessions at the desk look at the role each time, and end with it.
    """
    must_write(connection)
    lock_person(connection, person_id)
    parameters = {"of_person": person_id, "of_role": role, "now": now, "by": by}
    desk: str | None = connection.execute(_END, parameters).scalar()
    if desk is None:
        return False
    _end(connection, secrets, person_id, normalize_desk_name(desk), now)
    event = StaffDismissed(person_id=person_id, actor_id=by, role=role)
    record(connection, secrets, event, now, reference)
    return True


def make_first_operator(
    connection: Connection, secrets: Secrets, person_id: UUID, desk: str, now: datetime
) -> bool:
    """Whether the person was made the first operator; False once there has been any.

    Of two who try at the same moment one succeeds, and never again after that.
    """
    row = {"what": FIRST_OPERATOR, "person_id": person_id, "made_at": now}
    if not insert_once(connection, staff_beginning, row):
        return False
    return appoint(connection, secrets, person_id, "operator", desk, now)


def _widen(
    connection: Connection, secrets: Secrets, person_id: UUID, desk: str, now: datetime
) -> None:
    """The profile of a person who works at the desk already gets the new role too."""
    present = {each.desk: each for each in find_desk_roles(connection, person_id)}
    for profile_id in _at_desk(connection, secrets, person_id, desk):
        fact = encrypt_fact(secrets, profile_id, present[desk])
        connection.execute(_SAY, {"profile_id": profile_id, "fact": fact})
    mark_answer_due(connection, person_id, "staff", now)


def _end(
    connection: Connection, secrets: Secrets, person_id: UUID, desk: str, now: datetime
) -> None:
    """The profile in which the person acted at the desk ended; roles left there make another."""
    for profile_id in _at_desk(connection, secrets, person_id, desk):
        end_profile(connection, profile_id, now)
    mark_answer_due(connection, person_id, "staff", now)


def _at_desk(connection: Connection, secrets: Secrets, person_id: UUID, desk: str) -> list[UUID]:
    rows = connection.execute(_AS_STAFF, {"of_person": person_id}).all()
    facts = {row.id: read_fact_row(secrets, row) for row in rows}
    return [
        each for each, fact in facts.items() if isinstance(fact, DeskRoles) and fact.desk == desk
    ]

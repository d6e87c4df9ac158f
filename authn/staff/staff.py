"""What a person is and may do at the desk; `profiles.appointing` begins and ends it."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast
from unicodedata import normalize
from uuid import UUID

from sqlalchemy import Connection, bindparam, select

from authn.staff.roles import ROLES, Act, Role, may
from authn.staff.tables import staff

_OF = select(staff.c.role, staff.c.desk).where(
    staff.c.person_id == bindparam("person_id"), staff.c.ended_at.is_(None)
)

_OWN = staff.alias("own")
WHOM_THEY_SUPERVISE = select(staff.c.person_id).where(
    staff.c.desk.in_(
        select(_OWN.c.desk).where(
            _OWN.c.person_id == bindparam("supervisor_id"),
            _OWN.c.role == "supervisor",
            _OWN.c.ended_at.is_(None),
        )
    )
)
"""Who works, or worked, at a desk of which this person is a supervisor now: not one of which they
are an agent alone."""


@dataclass(frozen=True, slots=True)
class Staff:
    """A person at the desk: all their roles, and where they work."""

    person_id: UUID
    roles: frozenset[Role]
    desks: frozenset[str]

    def may(self, act: Act) -> bool:
        """Whether one of the roles may do the act at all."""
        return may(self.roles, act)

    @property
    def in_order(self) -> tuple[Role, ...]:
        """The roles as `ROLES` orders them."""
        return tuple(each for each in ROLES if each in self.roles)


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


def roles_by_desk(connection: Connection, person_id: UUID) -> dict[str, set[Role]]:
    """In which roles this person works at each of their desks now."""
    held: dict[str, set[Role]] = {}
    for row in connection.execute(_OF, {"person_id": person_id}):
        held.setdefault(desk_name(row.desk), set()).add(cast("Role", row.role))
    return held


def staff_at(connection: Connection, person_id: UUID, desk: str) -> Staff | None:
    """What they are there now, as who acts at this desk alone; None for whoever doesn't work there.

    Their other desks are still theirs: nobody acts on a colleague of any without a second person.
    """
    rows = connection.execute(_OF, {"person_id": person_id}).all()
    roles = frozenset(cast("Role", row.role) for row in rows if desk_name(row.desk) == desk)
    return Staff(person_id, roles, frozenset(row.desk for row in rows)) if roles else None


def desk_name(desk: str) -> str:
    """The name in one normal form, so that equal names are equal text."""
    return normalize("NFC", desk.strip())


def appointments(connection: Connection) -> list[Appointment]:
    """Every appointment that holds, and those that have ended, the newest first."""
    columns = [staff.c[name] for name in Appointment.__dataclass_fields__]
    rows = connection.execute(select(*columns).order_by(staff.c.appointed_at.desc(), staff.c.id))
    return [Appointment(*row) for row in rows]

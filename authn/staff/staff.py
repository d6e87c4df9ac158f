"""What a person is and may do at the desk; `profiles.appointing` begins and ends it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from unicodedata import normalize
from uuid import UUID

from sqlalchemy import Connection, bindparam, select

from authn.staff.roles import ROLES, RULES, Act, Role, may
from authn.staff.tables import staff

_OF = select(staff.c.role, staff.c.desk).where(
    staff.c.person_id == bindparam("person_id"), staff.c.ended_at.is_(None)
)

_HELD = (
    select(staff.c.id)
    .where(
        staff.c.person_id == bindparam("person_id"),
        staff.c.role.in_(bindparam("roles", expanding=True)),
        staff.c.ended_at.is_(None),
    )
    .with_for_update(read=True)
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
    """A person who works at a desk, in the roles that they have there and in no other.

    `desks` are all those at which they work: nobody acts on a colleague of any of them without a
    second person. `desk` is the one at which they act now, "" for who sits at none.
    """

    person_id: UUID
    roles: frozenset[Role]
    desks: frozenset[str]
    desk: str = ""

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


def staff_by_desk(connection: Connection, person_id: UUID) -> dict[str, Staff]:
    """What this person is at each of their desks now, in the order of names; empty for who works
    at none."""
    rows = connection.execute(_OF, {"person_id": person_id})
    return at_each_desk(person_id, ((row.role, row.desk) for row in rows))


def at_each_desk(person_id: UUID, held: Iterable[tuple[str, str]]) -> dict[str, Staff]:
    """The same, of the roles that they have, each with its desk as it is kept."""
    roles: dict[str, set[Role]] = {}
    for role, desk in held:
        roles.setdefault(desk_name(desk), set()).add(cast("Role", role))
    desks = frozenset(roles)
    return {
        desk: Staff(person_id, frozenset(roles[desk]), desks, desk)
        for desk in sorted(desks, key=lambda each: (each.casefold(), each))
    }


def staff_at(connection: Connection, person_id: UUID, desk: str) -> Staff | None:
    """What they are there now; None for whoever doesn't work at that desk."""
    return staff_by_desk(connection, person_id).get(desk)


def hold_roles_for(connection: Connection, person_id: UUID, act: Act) -> bool:
    """Whether this person has a role, at whatever desk, that may do the act.

    Until this transaction ends nobody takes that role away: who does waits for it, and where
    somebody is doing so at this moment, this waits for them. So what rests on somebody else's role
    comes before its end or after it. The last of all locks: whoever ends a role holds the person.
    """
    roles = sorted(RULES[act].roles)
    parameters = {"person_id": person_id, "roles": roles}
    return connection.execute(_HELD, parameters).first() is not None


def desk_name(desk: str) -> str:
    """The name in one normal form, so that equal names are equal text."""
    return normalize("NFC", desk.strip())


def appointments(connection: Connection) -> list[Appointment]:
    """Every appointment that holds, and those that have ended, the newest first."""
    columns = [staff.c[name] for name in Appointment.__dataclass_fields__]
    rows = connection.execute(select(*columns).order_by(staff.c.appointed_at.desc(), staff.c.id))
    return [Appointment(*row) for row in rows]

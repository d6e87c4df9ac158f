"""Who works at which desk in which roles now; `profiles.appointments` begins and ends a role."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from unicodedata import normalize
from uuid import UUID

from sqlalchemy import Connection, bindparam, select

from authn.errors import CommandError
from authn.people.merge import PersonMerge
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
SUPERVISED_STAFF_IDS = select(staff.c.person_id).where(
    staff.c.desk.in_(
        select(_OWN.c.desk).where(
            _OWN.c.person_id == bindparam("supervisor_id"),
            _OWN.c.role == "supervisor",
            _OWN.c.ended_at.is_(None),
        )
    )
)
"""The ids of all who work, or worked, at a desk of which the person `supervisor_id` is a
supervisor now."""


@dataclass(frozen=True, slots=True)
class Staff:
    """A person who works at a desk, with the roles that they have there.

    `desk` is where they act now, "" for none; `desks` are all desks at which they work: nobody acts
    on a colleague of any of these without a second person.
    """

    person_id: UUID
    roles: frozenset[Role]
    desks: frozenset[str]
    desk: str = ""

    def may(self, act: Act) -> bool:
        """Whether one of the roles may do the act."""
        return may(self.roles, act)

    @property
    def in_order(self) -> tuple[Role, ...]:
        """The roles as `ROLES` orders them."""
        return tuple(each for each in ROLES if each in self.roles)


@dataclass(frozen=True, slots=True)
class Appointment:
    """A role of a person at a desk, with its beginning and end."""

    person_id: UUID
    role: Role
    desk: str
    appointed_at: datetime
    ended_at: datetime | None


def staff_by_desk(connection: Connection, person_id: UUID) -> dict[str, Staff]:
    """The person as a member of staff at each desk where they work now, sorted by its name."""
    rows = connection.execute(_OF, {"person_id": person_id})
    return group_by_desk(person_id, ((row.role, row.desk) for row in rows))


def group_by_desk(person_id: UUID, held: Iterable[tuple[str, str]]) -> dict[str, Staff]:
    """`staff_by_desk` from pairs of a role and a desk, as the table keeps them."""
    roles: dict[str, set[Role]] = {}
    for role, desk in held:
        roles.setdefault(normalize_desk_name(desk), set()).add(cast("Role", role))
    desks = frozenset(roles)
    return {
        desk: Staff(person_id, frozenset(roles[desk]), desks, desk)
        for desk in sorted(desks, key=lambda each: (each.casefold(), each))
    }


def find_staff_at_desk(connection: Connection, person_id: UUID, desk: str) -> Staff | None:
    """The person as a member of staff at this desk; None if they do not work there now."""
    return staff_by_desk(connection, person_id).get(desk)


def lock_role_for(connection: Connection, person_id: UUID, act: Act) -> bool:
    """Whether this person has a role, at any desk, that may do the act; locks the role.

    Nobody ends the role until this transaction ends, so what rests on somebody else's role comes
    entirely before its end or after. Take this lock last: whoever ends a role holds the person.
    """
    roles = sorted(RULES[act].roles)
    parameters = {"person_id": person_id, "roles": roles}
    return connection.execute(_HELD, parameters).first() is not None


def normalize_desk_name(desk: str) -> str:
    """The name of a desk without outer spaces, in Unicode form NFC."""
    return normalize("NFC", desk.strip())


def list_appointments(connection: Connection) -> list[Appointment]:
    """Every appointment, also those that have ended, the newest first."""
    columns = [staff.c[name] for name in Appointment.__dataclass_fields__]
    rows = connection.execute(select(*columns).order_by(staff.c.appointed_at.desc(), staff.c.id))
    return [Appointment(*row) for row in rows]


_LIVE = select(staff.c.person_id).where(
    staff.c.person_id.in_(bindparam("both", expanding=True)), staff.c.ended_at.is_(None)
)


def refuse_merge_of_staff(merger: PersonMerge) -> list[str]:
    """Two persons are not merged while one of them is a member of staff: raises `CommandError`.

    A role never passes to another account unseen, and the devices of another account never come to
    open the desk. Returns no lines for the report: ended appointments stay as they were.
    """
    both = [merger.merged.id, merger.kept.id]
    working = {*merger.connection.execute(_LIVE, {"both": both}).scalars()}
    if merger.merged.id in working:
        raise CommandError(
            "The person who would be merged is a member of staff: end their roles first "
            "(`authn staff dismiss`), and appoint the one who stays."
        )
    if working:
        raise CommandError(
            "The person who stays is a member of staff: end their roles first (`authn staff "
            "dismiss`), look at the devices that go over to them, and appoint them again."
        )
    return []

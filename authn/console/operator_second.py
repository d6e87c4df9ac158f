"""Who could agree to what gives much: whether somebody must, and what is said where nobody can.

Until there was a first one in a role, nobody could: so a service is begun. After that somebody who
is alone does it at the machine only, for a reason, on record, in the log, and told by mail to every
operator and supervisor: so nobody is locked out of their own service, and nobody does it unseen.
"""

from datetime import timedelta
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import Connection, bindparam, or_, select

from authn.audit.log import record
from authn.audit.operator_events import OperatorActedAlone
from authn.console.operator_request_rows import OperatorRequest, OperatorRequestInput, name_and_id
from authn.db.metadata import UtcDateTime
from authn.db.occasion import Occasion
from authn.notices.kinds import (
    Notice,
    RoleChangedNotice,
    UnusualApprovalsNotice,
    UnusualRequestsNotice,
)
from authn.notices.notices import tell
from authn.people.persons import find_person
from authn.people.tables import persons
from authn.staff.roles import Role
from authn.staff.tables import staff
from authn.web.logs import logger

Way = Literal["free", "two", "alone"]
"""How something is done at the machine: as it always was, by two, or by one alone and loudly."""

_EVER = select(staff.c.id).where(staff.c.role == bindparam("role")).limit(1)
_OF_ROLES = (
    select(staff.c.person_id)
    .join(persons, persons.c.id == staff.c.person_id)
    .where(
        staff.c.role.in_(bindparam("roles", expanding=True)),
        persons.c.deceased.is_(False),
        persons.c.merged_into.is_(None),
    )
    .order_by(staff.c.person_id)
    .distinct()
)
_WORKING = _OF_ROLES.where(staff.c.ended_at.is_(None))
# Else whoever dismisses all of them first could do what they like, and nobody would hear of it.
STILL_TOLD: Final = timedelta(days=7)
_TOLD = _OF_ROLES.where(
    or_(staff.c.ended_at.is_(None), staff.c.ended_at > bindparam("since", type_=UtcDateTime))
)
# Whoever is at the machine counts for one of two operators, of which there is often one; a role is
# agreed to by anybody else who has it.
NEEDED_FOR_MUCH: Final = 2
NEEDED_FOR_A_ROLE: Final = 1
TOLD: Final[tuple[Role, ...]] = ("operator", "supervisor")


def working(connection: Connection, *roles: Role) -> list[UUID]:
    """Who works in one of these roles now."""
    return list(connection.execute(_WORKING, {"roles": roles}).scalars())


def is_there_a_second(connection: Connection, person_id: UUID, role: Role) -> bool:
    """Whether somebody else than this one could agree."""
    return any(each != person_id for each in working(connection, role))


def way_at_the_machine(connection: Connection, wanted: OperatorRequestInput | None) -> Way:
    """How whoever is at the machine may do this."""
    if wanted is None or not (wanted.gives or wanted.kind == "role"):
        return "free"
    if connection.execute(_EVER, {"role": wanted.decider}).first() is None:
        return "free"
    needed = NEEDED_FOR_A_ROLE if wanted.kind == "role" else NEEDED_FOR_MUCH
    there = [each for each in working(connection, wanted.decider) if each != wanted.person_id]
    return "two" if len(there) >= needed else "alone"


def note_alone(occasion: Occasion, wanted: OperatorRequestInput, reason: str, ticket: str) -> None:
    """It was done by one alone, and that can't be overlooked."""
    event = OperatorActedAlone(
        person_id=wanted.person_id,
        kind=wanted.kind,
        target=wanted.target,
        gives=wanted.gives,
        reason=reason,
        ticket=ticket,
    )
    record(occasion.connection, occasion.secrets, event, occasion.now, occasion.reference)
    logger.warning("operator_acted_alone", kind=wanted.kind, gives=list(wanted.gives))
    if wanted.person_id is None:
        name = name_and_id(occasion.connection, wanted.kind, wanted.target)
        tell_staff(occasion, UnusualRequestsNotice(name))


def tell_of_agreed(occasion: Occasion, request: OperatorRequest) -> None:
    """Every operator and supervisor reads what was asked at the machine, and who agreed: nobody
    knows who sits there, and it may be that one."""
    by = find_person(occasion.connection, request.decided_by) if request.decided_by else None
    name = name_and_id(occasion.connection, request.wanted.kind, request.wanted.target)
    tell_staff(occasion, UnusualApprovalsNotice(name, by.full_name if by else ""))


def tell_of_role(occasion: Occasion, person_id: UUID, role: str, desk: str, *, begun: bool) -> None:
    """Every operator and supervisor reads that somebody has, or has no more, a role like theirs."""
    if role not in TOLD:
        return
    person = find_person(occasion.connection, person_id)
    name = person.full_name if person else ""
    tell_staff(occasion, RoleChangedNotice(name, role, desk, begun), person_id)


def tell_staff(occasion: Occasion, notice: Notice, *also: UUID) -> None:
    """A mail to each of them, to who was one until lately, and to these."""
    parameters = {"roles": TOLD, "since": occasion.now - STILL_TOLD}
    there = occasion.connection.execute(_TOLD, parameters).scalars()
    for person_id in sorted({*there, *also}):
        tell(occasion, person_id, notice)

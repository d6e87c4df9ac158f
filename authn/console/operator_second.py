"""Whether a second operator must approve a change of high risk, and what one alone may do.

Until a role had its first holder nobody could approve: so a service is begun. Later an operator
who is alone acts as a local operator (with a shell on the host), for a reason; the act is in the
audit log, and every operator and supervisor gets a mail: nobody is locked out of their own service,
and nobody acts unseen.
"""

from datetime import timedelta
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import Connection, bindparam, or_, select

from authn.audit.events.operators import OperatorActedAlone
from authn.audit.log import record
from authn.console.operator_request_rows import (
    OperatorRequest,
    OperatorRequestInput,
    target_name_and_id,
)
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
"""How a local operator may act: freely, by two, or alone with a mail to everybody concerned."""

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
# Past holders are notified too: else whoever dismisses all of them first would act unseen.
STILL_TOLD: Final = timedelta(days=7)
_TOLD = _OF_ROLES.where(
    or_(staff.c.ended_at.is_(None), staff.c.ended_at > bindparam("since", type_=UtcDateTime))
)
# Holders of the role who must exist for two to be required. The local operator may be one of two
# operators; a role is approved by anybody else who has it.
NEEDED_FOR_MUCH: Final = 2
NEEDED_FOR_A_ROLE: Final = 1
TOLD: Final[tuple[Role, ...]] = ("operator", "supervisor")


def list_working_staff(connection: Connection, *roles: Role) -> list[UUID]:
    """The ids of the persons who work in one of these roles now."""
    return list(connection.execute(_WORKING, {"roles": roles}).scalars())


def has_second_decider(connection: Connection, person_id: UUID, role: Role) -> bool:
    """Whether somebody else than this person could approve, in this role."""
    return any(each != person_id for each in list_working_staff(connection, role))


def local_operator_way(connection: Connection, wanted: OperatorRequestInput | None) -> Way:
    """How a local operator may do an act; `wanted` is None for one that needs no second."""
    if wanted is None or not (wanted.gives or wanted.kind == "role"):
        return "free"
    if connection.execute(_EVER, {"role": wanted.decider}).first() is None:
        return "free"
    needed = NEEDED_FOR_A_ROLE if wanted.kind == "role" else NEEDED_FOR_MUCH
    there = [
        each for each in list_working_staff(connection, wanted.decider) if each != wanted.person_id
    ]
    return "two" if len(there) >= needed else "alone"


def record_acting_alone(
    occasion: Occasion, wanted: OperatorRequestInput, reason: str, ticket: str
) -> None:
    """Records that a local operator acted alone, and notifies operators and supervisors."""
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
        name = target_name_and_id(occasion.connection, wanted.kind, wanted.target)
        notify_deciding_staff(occasion, UnusualRequestsNotice(name))


def notify_of_local_approval(occasion: Occasion, request: OperatorRequest) -> None:
    """Every operator and supervisor gets a mail about a local operator's request that was approved.

    The local operator is unknown, and may be the one who approved.
    """
    by = find_person(occasion.connection, request.decided_by) if request.decided_by else None
    name = target_name_and_id(occasion.connection, request.wanted.kind, request.wanted.target)
    notify_deciding_staff(occasion, UnusualApprovalsNotice(name, by.full_name if by else ""))


def notify_of_role_change(
    occasion: Occasion, person_id: UUID, role: str, desk: str, *, begun: bool
) -> None:
    """Every operator and supervisor gets a mail when one of these roles begins or ends."""
    if role not in TOLD:
        return
    person = find_person(occasion.connection, person_id)
    name = person.full_name if person else ""
    notify_deciding_staff(occasion, RoleChangedNotice(name, role, desk, begun), person_id)


def notify_deciding_staff(occasion: Occasion, notice: Notice, *also: UUID) -> None:
    """A mail to every operator and supervisor, also those of the last week, and to `also`."""
    parameters = {"roles": TOLD, "since": occasion.now - STILL_TOLD}
    there = occasion.connection.execute(_TOLD, parameters).scalars()
    for person_id in sorted({*there, *also}):
        tell(occasion, person_id, notice)

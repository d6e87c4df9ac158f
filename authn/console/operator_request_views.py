"""A request of an operator as a page shows it, and what was done at the machine lately."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import Connection, bindparam, select

from authn.audit.log import audit_events
from authn.audit.operator_events import OperatorActedAlone
from authn.audit.staff_events import StaffAppointed, StaffDismissed
from authn.console.approval_views import AT_THE_MACHINE
from authn.console.desk_sessions import Desk
from authn.console.operator_client_views import ClientChange
from authn.console.operator_request_rows import OperatorRequest, name_and_id, name_of
from authn.console.operator_requests import may_decide
from authn.console.operator_second import TOLD
from authn.console.targets import seen_person
from authn.db.metadata import UtcDateTime
from authn.web.request import Request

LATELY: Final = timedelta(days=7)

# Down the index of the event; without an actor, it was at the machine.
_LATELY = (
    select(
        audit_events.c.event,
        audit_events.c.occurred_at,
        audit_events.c.person_id,
        audit_events.c.details,
    )
    .where(
        audit_events.c.event.in_(bindparam("events", expanding=True)),
        audit_events.c.occurred_at > bindparam("since", type_=UtcDateTime),
        audit_events.c.actor_id.is_(None),
    )
    .order_by(audit_events.c.occurred_at.desc(), audit_events.c.id.desc())
)


@dataclass(frozen=True, slots=True)
class RequestView:
    """A request as a page shows it; `decides` is whether whoever looks may decide about it.

    `name` is what `target`, the id, is called.
    """

    id: UUID
    kind: str
    name: str
    target: str
    person: str
    gives: tuple[str, ...]
    changes: list[ClientChange]
    state: str
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    decided_by: str
    remark: str
    reason: str
    ticket: str
    own: bool
    decides: bool


@dataclass(frozen=True, slots=True)
class LocalOperatorView:
    """What one alone did at the machine: gave an application much, or a role, or ended one."""

    what: str
    at: datetime
    target: str
    role: str
    person: str
    reason: str
    ticket: str


def request_view(request: Request, desk: Desk, found: OperatorRequest) -> RequestView:
    """As it is shown to this member of staff."""
    wanted, connection = found.wanted, request.connection
    state = found.state_at(request.now)
    asked_by = request.translate(AT_THE_MACHINE)
    if found.asked_by:
        asked_by = _name(connection, found.asked_by)
    return RequestView(
        id=found.id,
        kind=wanted.kind,
        name=name_of(connection, wanted.kind, wanted.target, wanted.values),
        target=wanted.target,
        person=_name(connection, wanted.person_id),
        gives=wanted.gives,
        changes=[ClientChange(*line) for line in wanted.shown],
        state=state,
        asked_by=asked_by,
        asked_at=found.asked_at,
        expires_at=found.expires_at,
        decided_by=_name(connection, found.decided_by),
        remark=found.remark,
        reason=found.reason,
        ticket=found.ticket,
        own=found.asked_by == desk.person_id,
        decides=state == "waiting" and may_decide(desk, found),
    )


def done_at_the_machine(connection: Connection, since: datetime) -> list[LocalOperatorView]:
    """What one alone did there since then, the latest first."""
    names = [OperatorActedAlone.name, StaffAppointed.name, StaffDismissed.name]
    rows = connection.execute(_LATELY, {"events": names, "since": since})
    found = [_done(connection, row) for row in rows]
    return [each for each in found if each.what == OperatorActedAlone.name or each.role in TOLD]


def _done(connection: Connection, row: Any) -> LocalOperatorView:
    details = orjson.loads(row.details)
    kind, target = details.get("kind", ""), details.get("target", "")
    of_role = kind == "role"
    return LocalOperatorView(
        what=row.event,
        at=row.occurred_at,
        target="" if of_role else name_and_id(connection, kind, target),
        role=details.get("role", target if of_role else ""),
        person=_name(connection, row.person_id),
        reason=details.get("reason", ""),
        ticket=details.get("ticket", ""),
    )


def _name(connection: Connection, person_id: UUID | None) -> str:
    person = seen_person(connection, person_id) if person_id else None
    return person.full_name if person else ""

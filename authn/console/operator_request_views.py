"""Requests of operators, and acts of local operators, as pages show them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import Connection, bindparam, select

from authn.audit.events.operators import OperatorActedAlone
from authn.audit.events.staff import StaffAppointed, StaffDismissed
from authn.audit.log import audit_events
from authn.console.act_rules import find_person_at_desk
from authn.console.approval_views import LOCAL_OPERATOR
from authn.console.desk_sessions import Desk
from authn.console.operator_changes import ClientChange
from authn.console.operator_request_rows import OperatorRequest, target_name, target_name_and_id
from authn.console.operator_requests import may_decide
from authn.console.operator_second import TOLD
from authn.db.metadata import UtcDateTime
from authn.web.request import Request

LATELY: Final = timedelta(days=7)

# By the index of the event; a local operator is an event without an actor.
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
    """A request as a page shows it; `decides`: whether the reader may decide about it.

    `name` is the name of `target`, which is an id.
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
    """An act that a local operator did alone: a change of high risk, or a role begun or ended."""

    what: str
    at: datetime
    target: str
    role: str
    person: str
    reason: str
    ticket: str


def operator_request_view(request: Request, desk: Desk, found: OperatorRequest) -> RequestView:
    """The request as this member of staff sees it."""
    wanted, connection = found.wanted, request.connection
    state = found.state_at(request.now)
    asked_by = request.translate(LOCAL_OPERATOR)
    if found.asked_by:
        asked_by = _name(connection, found.asked_by)
    return RequestView(
        id=found.id,
        kind=wanted.kind,
        name=target_name(connection, wanted.kind, wanted.target, wanted.values),
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


def list_local_operator_acts(connection: Connection, since: datetime) -> list[LocalOperatorView]:
    """The acts that local operators did alone since then, the latest first."""
    names = [OperatorActedAlone.name, StaffAppointed.name, StaffDismissed.name]
    rows = connection.execute(_LATELY, {"events": names, "since": since})
    found = [_local_operator_view(connection, row) for row in rows]
    return [each for each in found if each.what == OperatorActedAlone.name or each.role in TOLD]


def _local_operator_view(connection: Connection, row: Any) -> LocalOperatorView:
    details = orjson.loads(row.details)
    kind, target = details.get("kind", ""), details.get("target", "")
    of_role = kind == "role"
    return LocalOperatorView(
        what=row.event,
        at=row.occurred_at,
        target="" if of_role else target_name_and_id(connection, kind, target),
        role=details.get("role", target if of_role else ""),
        person=_name(connection, row.person_id),
        reason=details.get("reason", ""),
        ticket=details.get("ticket", ""),
    )


def _name(connection: Connection, person_id: UUID | None) -> str:
    person = find_person_at_desk(connection, person_id) if person_id else None
    return person.full_name if person else ""

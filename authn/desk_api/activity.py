"""The call of a supervisor: what their desk did, as at the page of the same name."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any, Final
from uuid import UUID

from authn.audit.watching_events import DeskActivitySeen
from authn.console.audit_filters import mark_of, written_mark
from authn.console.desk_activity import (
    CountedActivity,
    CountedAgent,
    agents_of,
    counted,
    deeds_of,
    last_days,
    open_approvals,
)
from authn.console.on_record import record_at_desk
from authn.console.targets import nothing_here
from authn.desk_api.members import ApiMember
from authn.desk_api.operations import Operation, OperationCall
from authn.web.protocol import ProtocolError

Json = Mapping[str, Any]

AGENT: Final = ApiMember("agent", "The id of one agent of the desk; without it, of all.", "id")
DAY: Final = ApiMember("day", "The day whose deeds are told: 2026-03-02; today without it.")
BEFORE: Final = ApiMember("before", "What the call before answered as `further`.")


def desk_activity(call: OperationCall) -> Json:
    """Two weeks by day and by agent, what waits, and each deed of one day, the latest first."""
    request, asked = call.request, call.request.query
    everybody = agents_of(request.connection, call.desk.staff)
    agents = [each for each in everybody if str(each.id) == asked.get(AGENT.name, str(each.id))]
    if AGENT.name in asked and not agents:
        raise nothing_here()
    days = last_days(request.now)
    day = _day(asked.get(DAY.name, "")) or days[-1]
    by_day, by_agent = counted(request.connection, agents, days)
    deeds, further = deeds_of(request, agents, day, mark_of(asked.get(BEFORE.name, "")))
    one: UUID | None = agents[0].id if AGENT.name in asked else None
    record_at_desk(request, call.desk, DeskActivitySeen(actor_id=call.desk.person_id, agent=one))
    return {
        "day": day,
        "days": [_counts(each) for each in by_day],
        "agents": [_counts(each) for each in by_agent],
        "deeds": [{k: v for k, v in asdict(each).items() if k != "id"} for each in deeds],
        "further": written_mark(further) if further else None,
        "open": [asdict(each) for each in open_approvals(request.connection, agents, request.now)],
    }


def _counts(each: CountedActivity) -> Json:
    if isinstance(each.of, CountedAgent):
        return {"id": each.of.id, "name": each.of.name, "counts": dict(each.counts)}
    return {"day": each.of, "counts": dict(each.counts)}


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not 2000 <= day.year <= 2999:
        raise ProtocolError("invalid_request", "The parameter day is a date.")
    return day


OPERATIONS: Final = (
    Operation(
        "desk_activity",
        "See what the desk did",
        "/activity",
        "see-desk",
        desk_activity,
        "DeskActivity",
        method="GET",
        with_why=False,
        query=(AGENT, DAY, BEFORE),
    ),
)

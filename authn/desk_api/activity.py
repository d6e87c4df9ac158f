"""The call by which a supervisor sees the activity of their desk (`console.desk_activity`)."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any, Final
from uuid import UUID

from authn.audit.events.audit_log import DeskActivitySeen
from authn.console.act_rules import not_found_error
from authn.console.audit_filters import format_row_mark, parse_row_mark
from authn.console.desk_activity import (
    ActivityCounts,
    DeskAgent,
    count_activity,
    last_days,
    list_activity,
    list_open_approvals,
    list_supervised_agents,
)
from authn.console.recording import record_at_desk
from authn.desk_api.members import ApiMember
from authn.desk_api.operations import Operation, OperationCall
from authn.web.protocol import ProtocolError

Json = Mapping[str, Any]

AGENT: Final = ApiMember("agent", "The id of one agent of the desk; without it, of all.", "id")
DAY: Final = ApiMember("day", "The day whose deeds are told: 2026-03-02; today without it.")
BEFORE: Final = ApiMember("before", "What the call before answered as `further`.")


def see_desk_activity(call: OperationCall) -> Json:
    """The activity of two weeks by day and agent, open approvals, and each act of a day."""
    request, asked = call.request, call.request.query
    everybody = list_supervised_agents(request.connection, call.desk.staff)
    agents = [each for each in everybody if str(each.id) == asked.get(AGENT.name, str(each.id))]
    if AGENT.name in asked and not agents:
        raise not_found_error()
    days = last_days(request.now)
    day = _read_day(asked.get(DAY.name, "")) or days[-1]
    by_day, by_agent = count_activity(request.connection, agents, days)
    deeds, further = list_activity(request, agents, day, parse_row_mark(asked.get(BEFORE.name, "")))
    one: UUID | None = agents[0].id if AGENT.name in asked else None
    record_at_desk(request, call.desk, DeskActivitySeen(actor_id=call.desk.person_id, agent=one))
    return {
        "day": day,
        "days": [_counts_json(each) for each in by_day],
        "agents": [_counts_json(each) for each in by_agent],
        "deeds": [{k: v for k, v in asdict(each).items() if k != "id"} for each in deeds],
        "further": format_row_mark(further) if further else None,
        "open": [
            asdict(each) for each in list_open_approvals(request.connection, agents, request.now)
        ],
    }


def _counts_json(each: ActivityCounts) -> Json:
    if isinstance(each.of, DeskAgent):
        return {"id": each.of.id, "name": each.of.name, "counts": dict(each.counts)}
    return {"day": each.of, "counts": dict(each.counts)}


def _read_day(text: str) -> date | None:
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
        see_desk_activity,
        "DeskActivity",
        method="GET",
        with_why=False,
        query=(AGENT, DAY, BEFORE),
    ),
)

"""The page /desk/activity: what the supervisor's own desk did, and what waits there."""

from datetime import date
from uuid import UUID

from starlette.responses import Response

from authn.audit.events.audit_log import DeskActivitySeen
from authn.console.audit_filters import format_row_mark, parse_row_mark
from authn.console.desk_activity import (
    count_activity,
    last_days,
    list_activity,
    list_open_approvals,
    list_supervised_agents,
)
from authn.console.desk_activity_chart import build_chart
from authn.console.desk_pages import render_desk_page
from authn.console.recording import record_at_desk
from authn.console.staff_endpoints import DeskSession, desk_endpoint, desk_page, not_found_error
from authn.console.unusual_activity import UNUSUAL_FOR, unusual_activity
from authn.web.request import Request


@desk_endpoint("see-desk")
def desk_activity(request: Request, desk: DeskSession) -> Response:
    """The activity of two weeks by day and agent, and of one day, or one agent, in full."""
    everybody = list_supervised_agents(request.connection, desk.staff)
    agent = next((each for each in everybody if str(each.id) == request.query.get("agent")), None)
    if "agent" in request.query and agent is None and request.query["agent"]:
        raise not_found_error()
    agents = [agent] if agent else everybody
    days = last_days(request.now)
    day = _day(request.query.get("day", "")) or days[-1]
    by_day, by_agent = count_activity(request.connection, agents, days)
    before = parse_row_mark(request.query.get("before", ""))
    rows, further = list_activity(request, agents, day, before)
    _record_seen(request, desk, agent.id if agent else None)
    return render_desk_page(
        request,
        desk,
        "console/activity.html",
        everybody=everybody,
        agent=agent,
        day=day,
        by_day=by_day,
        by_agent=by_agent,
        chart=build_chart(by_day),
        rows=rows,
        further=format_row_mark(further) if further else "",
        newest=before is None,
        open=list_open_approvals(request.connection, agents, request.now),
        **unusual_activity(request, desk.staff, request.now - UNUSUAL_FOR),
    )


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2999 else None


def _record_seen(request: Request, desk: DeskSession, agent_id: UUID | None) -> None:
    event = DeskActivitySeen(actor_id=desk.person_id, agent=agent_id)
    record_at_desk(request, desk, event)


routes = [desk_page("/desk/activity", desk_activity)]

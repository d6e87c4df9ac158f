"""/desk/activity: what the supervisor's own desk did, and what waits there."""

from datetime import date
from uuid import UUID

from starlette.responses import Response

from authn.audit.watching_events import DeskActivitySeen
from authn.console.audit_filters import mark_of, written_mark
from authn.console.desk import DeskSession, at_desk, nothing_here
from authn.console.desk_activity import agents_of, counted, deeds_of, last_days, open_approvals
from authn.console.desk_activity_chart import chart_of
from authn.console.home import UNUSUAL_FOR
from authn.console.on_record import record_at_desk
from authn.console.routes import desk_page
from authn.console.shown import desk_answer
from authn.console.unusual import told_of_desk
from authn.web.request import Request


@at_desk("see-desk")
def desk_activity(request: Request, desk: DeskSession) -> Response:
    """Two weeks by day and by agent; and one day, or one agent's, in full."""
    everybody = agents_of(request.connection, desk.staff)
    agent = next((each for each in everybody if str(each.id) == request.query.get("agent")), None)
    if "agent" in request.query and agent is None and request.query["agent"]:
        raise nothing_here()
    agents = [agent] if agent else everybody
    days = last_days(request.now)
    day = _day(request.query.get("day", "")) or days[-1]
    by_day, by_agent = counted(request.connection, agents, days)
    before = mark_of(request.query.get("before", ""))
    deeds, further = deeds_of(request, agents, day, before)
    _note(request, desk, agent.id if agent else None)
    return desk_answer(
        request,
        desk,
        "console/activity.html",
        everybody=everybody,
        agent=agent,
        day=day,
        by_day=by_day,
        by_agent=by_agent,
        chart=chart_of(by_day),
        deeds=deeds,
        further=written_mark(further) if further else "",
        newest=before is None,
        open=open_approvals(request.connection, agents, request.now),
        **told_of_desk(request, desk.staff, request.now - UNUSUAL_FOR),
    )


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2999 else None


def _note(request: Request, desk: DeskSession, agent_id: UUID | None) -> None:
    event = DeskActivitySeen(actor_id=desk.person_id, agent=agent_id)
    record_at_desk(request, desk, event)


routes = [desk_page("/desk/activity", desk_activity)]

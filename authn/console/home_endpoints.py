"""The first page of the desk, and closing it."""

from typing import Any

from starlette.responses import Response

from authn.audit.log import record
from authn.audit.staff_events import DeskClosed
from authn.console.desk import HOME, DeskSession, at_desk
from authn.console.desk_sessions import close
from authn.console.home import UNUSUAL_FOR, waiting_for
from authn.console.routes import desk_form, desk_page
from authn.console.shown import desk_answer
from authn.console.unusual import told_of_desk
from authn.web.cookies import DESK, delete_cookie
from authn.web.request import Request, redirect


@at_desk()
def desk_home(request: Request, desk: DeskSession) -> Response:
    """What waits for this member of staff; for a supervisor also who looked at too many people."""
    told: dict[str, Any] = {"unusual": (), "colleagues": (), "lately": ()}
    if desk.staff.may("see-desk"):
        told = told_of_desk(request, desk.staff, request.now - UNUSUAL_FOR)
    waiting = waiting_for(request, desk)
    return desk_answer(request, desk, "console/home.html", waiting=waiting, **told)


@at_desk()
def desk_help(request: Request, desk: DeskSession) -> Response:
    """What somebody new at the desk must know."""
    minutes = round(request.settings.desk_undo.total_seconds() / 60)
    return desk_answer(
        request,
        desk,
        "console/help.html",
        undo_minutes=minutes,
        two_operators=desk.staff.may("see-requests"),
    )


@at_desk()
def desk_closed(request: Request, desk: DeskSession) -> Response:
    """The desk is closed in this browser; whoever is signed in stays so."""
    if close(request.connection, desk, request.now):
        event = DeskClosed(
            actor_id=desk.person_id, person_id=desk.person_id, device_id=desk.device_id
        )
        record(request.connection, request.secrets, event, request.now, request.reference)
    response = redirect("/desk/login?closed=yes")
    delete_cookie(response, request.settings, DESK)
    return response


routes = [
    desk_page(HOME, desk_home),
    desk_page("/desk/help", desk_help),
    desk_form("/desk/close", desk_closed),
]

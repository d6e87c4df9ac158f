"""The first page of the desk, and closing it."""

from starlette.responses import Response

from authn.audit.log import record
from authn.audit.staff_events import DeskClosed
from authn.console.desk import HOME, DeskSession, at_desk
from authn.console.desk_sessions import close
from authn.console.home import UNUSUAL_FOR, waiting_for
from authn.console.routes import desk_form, desk_page
from authn.console.shown import desk_answer
from authn.console.unusual import unusual_looks
from authn.web.cookies import DESK, delete_cookie
from authn.web.request import Request, redirect


@at_desk()
def desk_home(request: Request, desk: DeskSession) -> Response:
    """What waits for this member of staff; for a supervisor also who looked at too many people."""
    unusual = []
    if desk.staff.may("see-desk"):
        since = request.now - UNUSUAL_FOR
        unusual = unusual_looks(request.connection, desk.staff, since)
    waiting = waiting_for(request, desk)
    return desk_answer(request, desk, "console/home.html", waiting=waiting, unusual=unusual)


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


routes = [desk_page(HOME, desk_home), desk_form("/desk/close", desk_closed)]

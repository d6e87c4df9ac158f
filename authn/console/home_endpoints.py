"""The first page of the desk with what waits for this member of staff; help; closing the desk."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from authn.audit.events.staff import DeskClosed
from authn.audit.log import record
from authn.console.approvals import count_waiting_approvals
from authn.console.desk_pages import render_desk_page
from authn.console.desk_sessions import close_desk_session
from authn.console.operator_requests import count_requests_to_decide as count_requests
from authn.console.registration_identities import count_unmatched
from authn.console.staff_endpoints import HOME, DeskSession, desk_endpoint, desk_form, desk_page
from authn.console.unusual_activity import UNUSUAL_FOR, unusual_activity
from authn.errors import N_
from authn.outbox.outbox import count_dead
from authn.staff.roles import Act
from authn.web.cookies import DESK, delete_cookie
from authn.web.request import Request, redirect

REQUESTS: Final = "/desk/requests"


@dataclass(frozen=True, slots=True)
class WaitingKind:
    """A kind of thing that may wait on the first page: for which act, its words, path and count."""

    act: Act
    words: str
    path: str
    count: Callable[[Request, DeskSession], int]


def _count_failed(request: Request, desk: DeskSession) -> int:
    return count_dead(request.connection)


# One line for each thing that may wait, in the order of the page.
WAITING: Final[tuple[WaitingKind, ...]] = (
    WaitingKind(
        "approve", N_("Approvals that wait for you"), "/desk/approvals", count_waiting_approvals
    ),
    WaitingKind(
        "match-identity",
        N_("Foreign identities to be matched"),
        "/desk/registration/identities",
        count_unmatched,
    ),
    WaitingKind(
        "decide-requests", N_("Permissions and roles that wait for you"), REQUESTS, count_requests
    ),
    WaitingKind(
        "retry-notices", N_("Notices that failed"), "/desk/operator/notices", _count_failed
    ),
)


@dataclass(frozen=True, slots=True)
class HomeCount:
    """A line of the first page, with how many things wait now."""

    words: str
    path: str
    count: int


def waiting_counts(request: Request, desk: DeskSession) -> list[HomeCount]:
    """The lines of the first page for this member of staff, with how many things wait."""
    return [
        HomeCount(each.words, each.path, each.count(request, desk))
        for each in WAITING
        if desk.staff.may(each.act)
    ]


@desk_endpoint()
def desk_home(request: Request, desk: DeskSession) -> Response:
    """The first page: what waits; for a supervisor also who looked at too many people."""
    unusual: dict[str, Any] = {"unusual": (), "colleagues": (), "lately": ()}
    if desk.staff.may("see-desk"):
        unusual = unusual_activity(request, desk.staff, request.now - UNUSUAL_FOR)
    waiting = waiting_counts(request, desk)
    return render_desk_page(request, desk, "console/home.html", waiting=waiting, **unusual)


@desk_endpoint()
def desk_help(request: Request, desk: DeskSession) -> Response:
    """The help page of the desk."""
    minutes = round(request.settings.desk_undo.total_seconds() / 60)
    return render_desk_page(
        request,
        desk,
        "console/help.html",
        undo_minutes=minutes,
        two_operators=desk.staff.may("see-requests"),
    )


@desk_endpoint()
def close_desk(request: Request, desk: DeskSession) -> Response:
    """Close the desk in this browser; the holder's own session stays."""
    if close_desk_session(request.connection, desk, request.now):
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
    desk_form("/desk/close", close_desk),
]

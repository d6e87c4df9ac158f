"""Signing out: in this browser, or everywhere at once."""

from starlette.responses import Response

from authn.account.applications import list_applications
from authn.account.required_session import require_session
from authn.audit.events.people import SignedOut, SignedOutEverywhere
from authn.audit.log import record
from authn.grants.grants import revoke_offline_grants
from authn.login.pages.signed_out_page import (
    build_signed_out_page,
    read_ended_session,
    signed_out_location,
)
from authn.people.persons import lock_person
from authn.sessions.browser import current_session, forget_session_cookie
from authn.sessions.sessions import Session, end_session, end_sessions_of_person
from authn.web.request import Request, page, redirect
from authn.web.routing import form_route, page_route


def sign_out(request: Request) -> Response:
    """Ends the session of this browser."""
    session = current_session(request)
    if session is not None and end_session(request.connection, session.id, request.now):
        event = SignedOut(person_id=session.person_id, device_id=session.device_id)
        record(request.connection, request.secrets, event, request.now, request.reference)
    ended = session.id if session else None
    return forget_session_cookie(redirect(signed_out_location(request, ended)), request)


@require_session
def sign_out_everywhere_page(request: Request, session: Session) -> Response:
    """The page that says what signing out everywhere ends, before it asks."""
    found = list_applications(request, session.person_id)
    return page(
        request,
        "account/sign_out_everywhere.html",
        person=session,
        offline=[each for each in found if each.offline],
    )


@require_session
def sign_out_everywhere(request: Request, session: Session) -> Response:
    """Ends every session of the person; offline grants too, if they chose that.

    A session is enough: what is taken can be had again at once, and whoever is afraid must be
    quick (decisions 2.9 names what needs a device in hand).
    """
    lock_person(request.connection, session.person_id)
    ended = end_sessions_of_person(
        request.connection, request.settings, session.person_id, request.now
    )
    offline = 0
    if request.form.get("offline"):
        offline = revoke_offline_grants(request.connection, session.person_id, request.now)
    if ended:
        event = SignedOutEverywhere(
            person_id=session.person_id,
            device_id=session.device_id,
            sessions=ended,
            offline_grants=offline,
        )
        record(request.connection, request.secrets, event, request.now, request.reference)
    return forget_session_cookie(redirect(signed_out_location(request, session.id)), request)


def signed_out_page(request: Request) -> Response:
    """The page after a sign-out."""
    return build_signed_out_page(request, read_ended_session(request))


routes = [
    form_route("/sign-out", sign_out),
    page_route("/sign-out/everywhere", sign_out_everywhere_page),
    form_route("/sign-out/everywhere", sign_out_everywhere),
    page_route("/signed-out", signed_out_page),
]

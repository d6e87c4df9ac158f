"""Signing out: in this browser, or everywhere at once."""

from starlette.responses import Response

from authn.account.applications import applications_of
from authn.account.signed_in import signed_in
from authn.audit.events import SignedOut, SignedOutEverywhere
from authn.audit.log import record
from authn.grants.grants import revoke_offline_grants
from authn.login.signed_out import read_ended_session, signed_out_location, signed_out_page
from authn.people.persons import lock_person
from authn.sessions.cookie import current_session
from authn.sessions.sessions import Session, end_session, end_sessions_of
from authn.sessions.sign_in import forget
from authn.web.request import Request, page, redirect
from authn.web.routing import form_route, page_route


def sign_out(request: Request) -> Response:
    """The session of this browser has ended."""
    session = current_session(request)
    if session is not None and end_session(request.connection, session.id, request.now):
        event = SignedOut(person_id=session.person_id, device_id=session.device_id)
        record(request.connection, request.secrets, event, request.now, request.reference)
    ended = session.id if session else None
    return forget(redirect(signed_out_location(request, ended)), request)


@signed_in
def everywhere(request: Request, session: Session) -> Response:
    """The page that says what ends and what stays, before it asks."""
    found = applications_of(request, session.person_id)
    return page(
        request,
        "account/sign_out_everywhere.html",
        person=session,
        offline=[each for each in found if each.offline],
    )


@signed_in
def signed_out_everywhere(request: Request, session: Session) -> Response:
    """Every session of the person has ended; with the second choice, offline grants too.

    Without a device in hand, as signing out here is: it takes nothing that cannot be had again at
    once, and whoever is afraid must be quick (decisions 2.9 names what needs one).
    """
    lock_person(request.connection, session.person_id)
    ended = end_sessions_of(request.connection, request.settings, session.person_id, request.now)
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
    return forget(redirect(signed_out_location(request, session.id)), request)


def signed_out(request: Request) -> Response:
    """The page that says so."""
    return signed_out_page(request, read_ended_session(request))


routes = [
    form_route("/sign-out", sign_out),
    page_route("/sign-out/everywhere", everywhere),
    form_route("/sign-out/everywhere", signed_out_everywhere),
    page_route("/signed-out", signed_out),
]

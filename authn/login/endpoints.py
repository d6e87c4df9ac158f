"""Signing in with a device: the page, and the two calls its script makes."""

from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from authn.audit.events import SignedIn
from authn.audit.log import record
from authn.clients.clients import Client
from authn.errors import N_, Expired, InvalidRequest
from authn.grants.authorization_request import DEVICE, AuthorizationRequest
from authn.login.consent_endpoints import routes as consent_routes
from authn.login.device_code_endpoints import routes as device_code_routes
from authn.login.device_endpoints import routes as device_routes
from authn.login.elsewhere import address_elsewhere
from authn.login.hallway import DECLINED, next_location, proceed
from authn.login.not_permitted_endpoints import routes as not_permitted_routes
from authn.login.passage import Passage
from authn.login.pending import pending_token, read_pending
from authn.login.permission_required import needing
from authn.login.profile_endpoints import routes as profile_routes
from authn.login.response import authorization_response
from authn.login.rules_of_today import refused_today
from authn.login.select_account_endpoints import routes as select_account_routes
from authn.login.steps import reason_to_sign_in
from authn.login.waiting import waiting
from authn.sessions.cookie import current_session
from authn.sessions.sessions import Session
from authn.sessions.sign_in import sign_in_with
from authn.web.endpoints import local_path
from authn.web.request import Request, json_answer, page, redirect
from authn.web.routing import NO_DATABASE, WHEN_NEEDED, NeededFromOutside, json_route, page_route
from authn.webauthn.authentication import authenticate_sign_in, sign_in_options
from authn.webauthn.policy import needed, policy_of

ACCOUNT = "/devices"


def sign_in(request: Request) -> Response:
    """The sign-in page: for the application whose request waits, or for the holder's own pages."""
    session = current_session(request)
    token = request.query.get("request", "")
    return_to = local_path(request.query.get("return_to", ACCOUNT))
    if not token:
        if session is not None:
            return redirect(return_to)
        return _sign_in_page(request, None, "", return_to, "")
    passage = needing(Passage(request, *waiting(request, token), session))
    reason = reason_to_sign_in(passage)
    refused = refused_today(passage.client, passage.pending)
    if refused or (reason is None and "another" not in request.query):
        return redirect("/login/continue?" + urlencode({"request": token}))
    return _sign_in_page(request, passage, token, return_to, reason or "")


def _sign_in_page(
    request: Request, passage: Passage | None, token: str, return_to: str, reason: str
) -> Response:
    own = policy_of(request.settings, None)
    elsewhere: str | None = ""
    if passage is not None:
        elsewhere = address_elsewhere(request.settings, passage.pending, passage.client)
    return page(
        request,
        "login/sign_in.html",
        client=passage.client if passage else None,
        request_token=token,
        return_to=return_to,
        reason=request.translate(reason),
        elsewhere=elsewhere,
        begins_there=passage is not None and _begins_at_the_application(passage),
        needed=request.translate(needed(passage.policy, own) if passage else ""),
    )


def _begins_at_the_application(passage: Passage) -> bool:
    """Whether another browser is to open the application, and not an address of ours."""
    from_a_browser = passage.pending.response_mode != DEVICE
    return from_a_browser and passage.client.application_type == "web"


def options(request: Request) -> Response:
    """What the browser needs to ask a device, for the pending request if there is one."""
    token = request.json.get("request") or ""
    request_id = read_pending(request, _text(token)).request_id if token else None
    return json_answer(sign_in_options(request, request_id))


def assertion(request: Request) -> Response:
    """The person is signed in with a device, and on the way to the application."""
    token = _text(request.json.get("request") or "")
    waiting_for = waiting(request, token) if token else None
    request_id = waiting_for[0].request_id if waiting_for else None
    device = authenticate_sign_in(request, request_id)
    session, remember = sign_in_with(request, device, request_id)
    event = SignedIn(
        person_id=session.person_id,
        device_id=session.device_id,
        client_id=waiting_for[0].client_id if waiting_for else None,
        level=session.level,
    )
    record(request.connection, request.secrets, event, request.now, request.reference)
    return remember(json_answer({"location": _after_sign_in(request, waiting_for, session)}))


def _after_sign_in(
    request: Request, waiting_for: tuple[AuthorizationRequest, Client] | None, session: Session
) -> str:
    if waiting_for is None:
        return local_path(_text(request.json.get("return_to") or ACCOUNT))
    try:
        return next_location(Passage(request, *waiting_for, session))
    except (Expired, NeededFromOutside):
        # Answered before, in another tab; or a source is to be asked. The session is open all the
        # same, and a refusal here would keep its cookie from the browser, a rollback its assertion
        # unspent: the page that this leads to sees to it instead.
        return "/login/continue?" + urlencode({"request": pending_token(request, waiting_for[0])})


def continue_request(request: Request) -> Response:
    """The pending request goes on with whoever is signed in now."""
    pending, client = waiting(request, request.query.get("request", ""))
    return proceed(request, pending, client, current_session(request))


def declined(request: Request) -> Response:
    """The application is told, in the form it asked for, that the person declined."""
    pending, client = waiting(request, request.query.get("request", ""))
    return authorization_response(request, client, pending, DECLINED)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidRequest("invalid_request", N_("What your browser sent could not be read."))
    return value


routes = [
    json_route("/login/options", options, writes=NO_DATABASE),
    json_route("/login/assertion", assertion, writes=True),
    page_route("/login", sign_in, writes=WHEN_NEEDED),
    page_route("/login/continue", continue_request, writes=True),
    page_route("/login/declined", declined),
    *device_routes,
    *device_code_routes,
    *profile_routes,
    *consent_routes,
    *select_account_routes,
    *not_permitted_routes,
]

"""Signing in with a device, choosing an account, and the page for a device that is not enough."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from authn.audit.events.people import SignedIn
from authn.audit.log import record
from authn.clients.clients import Client
from authn.errors import N_, Expired, InvalidRequest
from authn.federation.upstreams import upstreams
from authn.grants.authorization_request import DEVICE, AuthorizationRequest
from authn.login.checks.authentication import (
    UNMET,
    authentication_required,
    list_accepted_devices,
    reason_to_sign_in,
    unmet_policy,
)
from authn.login.checks.permission import with_required_level
from authn.login.current_client_rules import current_refusal
from authn.login.interaction import DECLINED, continue_interaction, next_location, next_step
from authn.login.pages.consent_endpoints import routes as consent_routes
from authn.login.pages.device_code_endpoints import routes as device_code_routes
from authn.login.pages.not_permitted_endpoints import routes as not_permitted_routes
from authn.login.pages.other_browser import address_for_another_browser
from authn.login.pages.profile_endpoints import routes as profile_routes
from authn.login.pending import (
    Interaction,
    find_interaction,
    find_pending_request,
    is_form_of_another_person,
    pending_token,
    read_pending_request,
)
from authn.login.response import authorization_response
from authn.sessions.browser import current_session, sign_in_browser
from authn.sessions.sessions import Session, select_session_for_request
from authn.web.endpoints import local_path
from authn.web.request import Request, json_answer, page, redirect
from authn.web.routing import (
    NO_DATABASE,
    WHEN_NEEDED,
    NeededFromOutside,
    form_route,
    json_route,
    page_route,
)
from authn.webauthn.authentication import authenticate_sign_in, sign_in_options
from authn.webauthn.policy import (
    IDENTITY,
    find_model,
    find_unmet,
    needed_device_sentence,
    required_policy,
)

ACCOUNT = "/devices"


def sign_in_page(request: Request) -> Response:
    """The sign-in page, for the application whose request waits or for the account pages."""
    session = current_session(request)
    token = request.query.get("request", "")
    return_to = local_path(request.query.get("return_to", ACCOUNT))
    if not token:
        if session is not None:
            return redirect(return_to)
        return _sign_in_page(request, None, "", return_to, "")
    interaction = with_required_level(
        Interaction(request, *find_pending_request(request, token), session)
    )
    reason = reason_to_sign_in(interaction)
    refused = current_refusal(interaction.client, interaction.pending)
    if refused or (reason is None and "another" not in request.query):
        return redirect("/login/continue?" + urlencode({"request": token}))
    return _sign_in_page(request, interaction, token, return_to, reason or "")


def _sign_in_page(
    request: Request, interaction: Interaction | None, token: str, return_to: str, reason: str
) -> Response:
    own = required_policy(request.settings, None)
    elsewhere: str | None = ""
    if interaction is not None:
        elsewhere = address_for_another_browser(
            request.settings, interaction.pending, interaction.client
        )
    return page(
        request,
        "login/sign_in.html",
        client=interaction.client if interaction else None,
        request_token=token,
        return_to=return_to,
        reason=request.translate(reason),
        elsewhere=elsewhere,
        begins_there=interaction is not None and _begins_at_the_application(interaction),
        needed=request.translate(
            needed_device_sentence(interaction.policy, own) if interaction else ""
        ),
    )


def _begins_at_the_application(interaction: Interaction) -> bool:
    """Whether another browser is to open the application, and not an address of ours."""
    from_a_browser = interaction.pending.response_mode != DEVICE
    return from_a_browser and interaction.client.application_type == "web"


def assertion_options(request: Request) -> Response:
    """Options for the assertion of a sign-in, bound to the pending request if there is one."""
    token = request.json.get("request") or ""
    request_id = read_pending_request(request, _text(token)).request_id if token else None
    return json_answer(sign_in_options(request, request_id))


def complete_sign_in(request: Request) -> Response:
    """Verifies the assertion and opens a session; the address to go to next, as JSON."""
    token = _text(request.json.get("request") or "")
    waiting_for = find_pending_request(request, token) if token else None
    request_id = waiting_for[0].request_id if waiting_for else None
    device = authenticate_sign_in(request, request_id)
    session, remember = sign_in_browser(request, device, request_id)
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
        return next_location(Interaction(request, *waiting_for, session))
    except (Expired, NeededFromOutside):
        # Answered before, in another tab; or a source is to be asked. The session is open all the
        # same, and a refusal here would keep its cookie from the browser, a rollback its assertion
        # unspent: the page that this leads to sees to it instead.
        return "/login/continue?" + urlencode({"request": pending_token(request, waiting_for[0])})


def continue_request(request: Request) -> Response:
    """Goes on with the pending request and the session of this browser."""
    pending, client = find_pending_request(request, request.query.get("request", ""))
    return continue_interaction(request, pending, client, current_session(request))


def send_decline(request: Request) -> Response:
    """Answers the application, in its response mode, that the person declined."""
    pending, client = find_pending_request(request, request.query.get("request", ""))
    return authorization_response(request, client, pending, DECLINED)


def select_account_page(request: Request) -> Response:
    """The page that asks whether to go on with the account signed in or another one."""
    interaction = find_interaction(request, request.query.get("request", ""))
    if authentication_required(interaction):
        return continue_interaction(
            request, interaction.pending, interaction.client, interaction.session
        )
    return page(
        request,
        "login/select_account.html",
        person=interaction.session,
        client=interaction.client,
        request_token=request.query["request"],
    )


def select_account(request: Request) -> Response:
    """Stores the choice of account for this one request; another account signs in anew."""
    interaction = find_interaction(request, request.form.get("request", ""))
    token = pending_token(request, interaction.pending)
    if interaction.session is None or request.form.get("choice") == "another":
        return redirect("/login?another=1&request=" + token)
    if is_form_of_another_person(interaction):
        return redirect("/select-account?" + urlencode({"request": token}))
    if request.form.get("choice") != "continue":
        raise InvalidRequest("invalid_request", N_("Please choose an account."))
    request_id = interaction.pending.request_id
    select_session_for_request(request.connection, interaction.session.id, request_id)
    selected = replace(interaction.session, selected_request=request_id)
    step = next_step(replace(interaction, session=selected))
    location = "/login/continue?request=" + token
    # Browsers hold the redirects after a form against `form-action` (decisions 4.16): where the
    # last one leads to the application, a page navigates.
    if step is None:
        return page(request, "login/continue.html", client=interaction.client, location=location)
    return redirect(location)


def device_needed_page(request: Request) -> Response:
    """The page that says what the device in use lacks, and which other devices will do."""
    token = request.query.get("request", "")
    interaction = with_required_level(
        Interaction(request, *find_pending_request(request, token), current_session(request))
    )
    if interaction.session is None or authentication_required(interaction):
        return continue_interaction(
            request, interaction.pending, interaction.client, interaction.session
        )
    found = unmet_policy(interaction)
    if found is None:
        return redirect("/login/continue?" + urlencode({"request": token}))
    return page(
        request,
        "login/device_needed.html",
        person=interaction.session,
        client=interaction.client,
        device=interaction.session.device,
        what_is=request.translate(found.what_is),
        what_is_needed=request.translate(found.what_is_needed),
        good_enough=list_accepted_devices(interaction),
        may_add=_may_add_device(interaction),
        upstreams=upstreams(request.settings) if found is IDENTITY else (),
        request_token=token,
    )


def _may_add_device(interaction: Interaction) -> bool:
    """Whether the device in use may confirm a new device: the service's own policy accepts it."""
    assert interaction.session is not None
    request, device = interaction.request, interaction.session.device
    own = required_policy(request.settings, None)
    return find_unmet(own, device, find_model(request.site, device)) is None


def leave_without_device(request: Request) -> Response:
    """Answers the application that no device of the person is good enough."""
    pending, client = find_pending_request(request, request.query.get("request", ""))
    return authorization_response(request, client, pending, UNMET)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidRequest("invalid_request", N_("What your browser sent could not be read."))
    return value


routes = [
    json_route("/login/options", assertion_options, writes=NO_DATABASE),
    json_route("/login/assertion", complete_sign_in, writes=True),
    page_route("/login", sign_in_page, writes=WHEN_NEEDED),
    page_route("/login/continue", continue_request, writes=True),
    page_route("/login/declined", send_decline),
    page_route("/login/device-needed", device_needed_page, writes=WHEN_NEEDED),
    page_route("/login/without-device", leave_without_device),
    *device_code_routes,
    *profile_routes,
    *consent_routes,
    page_route("/select-account", select_account_page, writes=True),
    form_route("/select-account", select_account),
    *not_permitted_routes,
]

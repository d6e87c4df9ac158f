"""The pages on which a person types a user code to let in an application on another screen.

RFC 8628 §3.3 (https://www.rfc-editor.org/rfc/rfc8628#section-3.3): the code, then which application
asks and whether the person started that, then the checks of every other login. An address with the
code (§3.3.1) fills in the field, and saves nobody a page: it may come from a stranger (§5.4).
"""

from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from authn.audit.events.applications import OtherScreenDeclined
from authn.audit.log import record
from authn.clients.clients import Client
from authn.consents.consent_names import find_requested_names
from authn.errors import N_, Forbidden, InvalidRequest
from authn.grants.authorization_request import DEVICE, AuthorizationRequest
from authn.grants.device_codes import (
    RunningDeviceCode,
    build_device_request,
    code_expired_refusal,
    decline_device,
    find_waiting_device_code,
    is_device_allowed,
)
from authn.grants.grants import OFFLINE_ACCESS
from authn.grants.issue import answered_before_refusal
from authn.grants.user_codes import format_user_code, give_back_try, read_user_code, spend_try
from authn.login.interaction import continue_interaction
from authn.login.pages.scope_texts import describe_scopes
from authn.login.pending import find_pending_request, pending_token, require_client
from authn.secrets import read_token, sign_token
from authn.sessions.browser import current_session
from authn.sessions.sessions import Session, record_session_use
from authn.web.place import network_hash, same_network
from authn.web.request import Request, page, redirect
from authn.web.routing import form_route, page_route

TYPED: Final = "user-code"
WRONG = N_("Nothing waits for this code. Check the letters, or ask for a new code there.")
TOO_MANY = N_("You typed too many wrong codes. Wait ten minutes, then try again.")


def user_code_page(request: Request) -> Response:
    """The page that asks for the user code."""
    user_code = read_user_code(request.query.get("user_code", ""))
    return _code_page(request, format_user_code(user_code) if user_code else "")


def submit_user_code(request: Request) -> Response:
    """Checks the user code; many wrong codes without a session lead to signing in first."""
    typed = request.form.get("user_code", "")
    user_code = read_user_code(typed)
    if user_code is None:
        return _code_page(request, typed, WRONG)
    session = current_session(request)
    who = _who(request, session)
    if not spend_try(request.connection, who, request.now):
        if session is not None:
            return _code_page(request, typed, TOO_MANY, status=429)
        return redirect("/login?" + urlencode({"return_to": "/device"}))
    found = find_waiting_device_code(request.connection, request.secrets, user_code, request.now)
    if found is None:
        return _code_page(request, typed, WRONG)
    give_back_try(request.connection, who)
    content = {"user_code": user_code, "browser": request.browser_hash}
    left = found.expires_at - request.now
    token = sign_token(request.secrets, TYPED, content, request.now, left)
    return redirect("/device/confirm?" + urlencode({"typed": token}))


def confirm_device_page(request: Request) -> Response:
    """The page that says which application asks, from where, and what to beware of."""
    token = request.query.get("typed", "")
    user_code, found, client = _typed(request, token)
    pending = build_device_request(found, client, request.now)
    own_network = network_hash(request.secrets, request.address, found.device_code_hash)
    return page(
        request,
        "login/device_confirm.html",
        person=current_session(request),
        client=client,
        user_code=format_user_code(user_code),
        place=(found.place or {}).get(request.language, ""),
        near=same_network(found.network, own_network),
        minutes=int((request.now - found.created_at).total_seconds()) // 60,
        asked=describe_scopes(
            request, None, find_requested_names(request.connection, pending), pending
        ),
        typed=token,
    )


def confirm_device(request: Request) -> Response:
    """Goes on with the device's request and the session of this browser, or stops the device."""
    _, found, client = _typed(request, request.form.get("typed", ""))
    decision = request.form.get("decision", "")
    pending = build_device_request(found, client, request.now)
    if decision == "no":
        return redirect("/device/stopped?" + _request_query(request, pending))
    if decision != "yes":
        raise InvalidRequest("invalid_request", N_("Please choose: go on or stop."))
    session = current_session(request)
    if session is not None:
        record_session_use(request.connection, session, request.now)
    return continue_interaction(request, pending, client, session)


def device_allowed_page(request: Request) -> Response:
    """The last page, which sends the person back to the other screen."""
    pending, client = _answered(request)
    if not is_device_allowed(request.connection, pending.request_id):
        return redirect("/device")
    return page(
        request,
        "login/device_allowed.html",
        person=current_session(request),
        client=client,
        lasting=OFFLINE_ACCESS in pending.scope.split(),
    )


def stop_device(request: Request) -> Response:
    """Declines the device code and records that; the code is not valid any more."""
    pending, client = _answered(request)
    session = current_session(request)
    if decline_device(request.connection, pending.request_id, request.now):
        event = OtherScreenDeclined(
            person_id=session.person_id if session else None,
            device_id=session.device_id if session else None,
            client_id=client.client_id,
        )
        record(request.connection, request.secrets, event, request.now, request.reference)
    elif is_device_allowed(request.connection, pending.request_id):
        raise answered_before_refusal()
    return page(request, "login/device_stopped.html", person=session, client=client)


def _code_page(request: Request, typed: str, error: str = "", status: int = 422) -> Response:
    errors = [{"field": "user_code", "text": request.translate(error)}] if error else []
    return page(
        request,
        "login/device_code.html",
        status=status if error else 200,
        person=current_session(request),
        typed=typed,
        errors=errors,
    )


def _who(request: Request, session: Session | None) -> str:
    """The name under which wrong codes are counted: the person, else the network."""
    if session is not None:
        return f"person {session.person_id}"
    network = network_hash(request.secrets, request.address, TYPED)
    return f"network {network or 'unknown'}"


def _typed(request: Request, token: str) -> tuple[str, RunningDeviceCode, Client]:
    """The user code in the token, its device code and client.

    Raises `InvalidRequest`, `Forbidden` in another browser, or `Expired`.
    """
    content = read_token(request.secrets, TYPED, token, request.now)
    if content["browser"] != request.browser_hash:
        raise Forbidden(
            "other_browser", N_("The code was typed in another browser. Type it here again.")
        )
    user_code: str = content["user_code"]
    found = find_waiting_device_code(request.connection, request.secrets, user_code, request.now)
    if found is None:
        raise code_expired_refusal()
    return user_code, found, require_client(request, found.client_id)


def _answered(request: Request) -> tuple[AuthorizationRequest, Client]:
    """The device's request that was answered, and its client."""
    pending, client = find_pending_request(request, request.query.get("request", ""))
    if pending.response_mode != DEVICE:
        raise InvalidRequest(
            "invalid_request", N_("This link or page is not valid. Please start again.")
        )
    return pending, client


def _request_query(request: Request, pending: AuthorizationRequest) -> str:
    return urlencode({"request": pending_token(request, pending)})


routes = [
    page_route("/device", user_code_page),
    form_route("/device", submit_user_code),
    page_route("/device/confirm", confirm_device_page),
    form_route("/device/confirm", confirm_device),
    page_route("/device/allowed", device_allowed_page),
    page_route("/device/stopped", stop_device, writes=True),
]

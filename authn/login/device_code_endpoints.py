"""The pages on which a person lets in an application on another screen, by the code it shows.

RFC 8628 §3.3 (https://www.rfc-editor.org/rfc/rfc8628#section-3.3): the code, then what asks and
whether the person started it, then the hallway of every other request. An address that has the code
in it (§3.3.1) fills in the field, and saves nobody a page: it may come from a stranger (§5.4).
"""

from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from authn.audit.events import OtherScreenDeclined
from authn.audit.log import record
from authn.clients.clients import Client
from authn.consents.asked import names_asked
from authn.errors import N_, Forbidden, InvalidRequest
from authn.grants.authorization_request import DEVICE, AuthorizationRequest
from authn.grants.device_codes import (
    RunningDeviceCode,
    code_expired,
    decline_device,
    find_waiting,
    request_of,
    was_allowed,
)
from authn.grants.grants import OFFLINE_ACCESS
from authn.grants.issue import answered_before
from authn.grants.user_codes import give_back_try, read_user_code, shown, spend_try
from authn.login.hallway import proceed
from authn.login.pending import pending_token
from authn.login.scopes import in_words
from authn.login.waiting import client_named, waiting
from authn.secrets import read_token, sign_token
from authn.sessions.cookie import current_session
from authn.sessions.sessions import Session, touch
from authn.web.place import network_hash, same_network
from authn.web.request import Request, page, redirect
from authn.web.routing import form_route, page_route

TYPED: Final = "user-code"
WRONG = N_("Nothing waits for this code. Check the letters, or ask for a new code there.")
TOO_MANY = N_("You typed too many wrong codes. Wait ten minutes, then try again.")


def device(request: Request) -> Response:
    """The page that asks for the code."""
    user_code = read_user_code(request.query.get("user_code", ""))
    return _code_page(request, shown(user_code) if user_code else "")


def code_typed(request: Request) -> Response:
    """On to what asks, or the page again. Who typed many wrong ones signs in first."""
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
    found = find_waiting(request.connection, request.secrets, user_code, request.now)
    if found is None:
        return _code_page(request, typed, WRONG)
    give_back_try(request.connection, who)
    content = {"user_code": user_code, "browser": request.browser_hash}
    left = found.expires_at - request.now
    token = sign_token(request.secrets, TYPED, content, request.now, left)
    return redirect("/device/confirm?" + urlencode({"typed": token}))


def confirm(request: Request) -> Response:
    """The page that says what asks, from where, and what to beware of."""
    token = request.query.get("typed", "")
    user_code, found, client = _typed(request, token)
    pending = request_of(found, client, request.now)
    here = network_hash(request.secrets, request.address, found.device_code_hash)
    return page(
        request,
        "login/device_confirm.html",
        person=current_session(request),
        client=client,
        user_code=shown(user_code),
        place=(found.place or {}).get(request.language, ""),
        near=same_network(found.network, here),
        minutes=int((request.now - found.created_at).total_seconds()) // 60,
        asked=in_words(request, None, names_asked(request.connection, pending), pending),
        typed=token,
    )


def confirmed(request: Request) -> Response:
    """Into the hallway, with whoever is signed in here; or the device is told no."""
    _, found, client = _typed(request, request.form.get("typed", ""))
    decision = request.form.get("decision", "")
    pending = request_of(found, client, request.now)
    if decision == "no":
        return redirect("/device/stopped?" + _named(request, pending))
    if decision != "yes":
        raise InvalidRequest("invalid_request", N_("Please choose: go on or stop."))
    session = current_session(request)
    if session is not None:
        touch(request.connection, session, request.now)
    return proceed(request, pending, client, session)


def allowed(request: Request) -> Response:
    """The last page: the person goes back to the other screen."""
    pending, client = _answered(request)
    if not was_allowed(request.connection, pending.request_id):
        return redirect("/device")
    return page(
        request,
        "login/device_allowed.html",
        person=current_session(request),
        client=client,
        lasting=OFFLINE_ACCESS in pending.scope.split(),
    )


def stopped(request: Request) -> Response:
    """The device is told no, on record; from then on its code is worth nothing."""
    pending, client = _answered(request)
    session = current_session(request)
    if decline_device(request.connection, pending.request_id, request.now):
        event = OtherScreenDeclined(
            person_id=session.person_id if session else None,
            device_id=session.device_id if session else None,
            client_id=client.client_id,
        )
        record(request.connection, request.secrets, event, request.now, request.reference)
    elif was_allowed(request.connection, pending.request_id):
        raise answered_before()
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
    """As whom wrong codes are counted: the person, else everybody on the network."""
    if session is not None:
        return f"person {session.person_id}"
    network = network_hash(request.secrets, request.address, TYPED)
    return f"network {network or 'unknown'}"


def _typed(request: Request, token: str) -> tuple[str, RunningDeviceCode, Client]:
    """The code that was typed in this browser, and what waits for it.

    Raises `InvalidRequest`, `Forbidden` in another browser, or `Expired`.
    """
    content = read_token(request.secrets, TYPED, token, request.now)
    if content["browser"] != request.browser_hash:
        raise Forbidden(
            "other_browser", N_("The code was typed in another browser. Type it here again.")
        )
    user_code: str = content["user_code"]
    found = find_waiting(request.connection, request.secrets, user_code, request.now)
    if found is None:
        raise code_expired()
    return user_code, found, client_named(request, found.client_id)


def _answered(request: Request) -> tuple[AuthorizationRequest, Client]:
    """The device's request that was answered, and its client; raises as `waiting` does."""
    pending, client = waiting(request, request.query.get("request", ""))
    if pending.response_mode != DEVICE:
        raise InvalidRequest(
            "invalid_request", N_("This link or page is not valid. Please start again.")
        )
    return pending, client


def _named(request: Request, pending: AuthorizationRequest) -> str:
    return urlencode({"request": pending_token(request, pending)})


routes = [
    page_route("/device", device),
    form_route("/device", code_typed),
    page_route("/device/confirm", confirm),
    form_route("/device/confirm", confirmed),
    page_route("/device/allowed", allowed),
    page_route("/device/stopped", stopped, writes=True),
]

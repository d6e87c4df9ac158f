"""After an account recovery: deciding about the old devices, and stopping a recovery.

Each old device is kept or removed, several at once, by one fresh assertion of the new device that
is bound to these choices (decisions 2.9). A device that nobody decides about stays blocked.
"""

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlencode
from uuid import UUID

import orjson
from starlette.responses import Response

from authn.account.devices.views import AccountDeviceView, device_overview
from authn.account.required_session import require_session, require_session_for_script
from authn.audit.events.devices import DecisionRefused
from authn.audit.log import record
from authn.devices.devices import find_device
from authn.devices.life import resume, unlink
from authn.enrolment.returning import cancel_recovery, find_waiting_recovery
from authn.errors import N_, InvalidRequest, Refusal
from authn.people.persons import lock_person
from authn.secrets import token_hash
from authn.sessions.sessions import Session, record_session_use
from authn.web.request import Request, json_answer, page, redirect
from authn.web.routing import form_route, json_route, page_route
from authn.webauthn.authentication import authenticate_confirmation, confirmation_options
from authn.webauthn.challenges import ChallengePurpose

DECIDE = "decide-old-devices"  # the act that challenges name

Choice = Literal["keep", "remove"]


@require_session
def old_devices_page(request: Request, session: Session) -> Response:
    """The page with each blocked device and the choices for it."""
    old = _old_devices(request, session)
    token = request.query.get("request", "")
    name_new_device = _naming_page(session, token)
    if not old:
        return redirect(name_new_device)
    return page(
        request,
        "account/old_devices.html",
        person=session,
        devices=old,
        request_token=token,
        later=name_new_device,
    )


@require_session_for_script
def decision_options(request: Request, session: Session) -> Response:
    """Options for the assertion that confirms exactly these choices."""
    choices = _choices(request)
    return json_answer(confirmation_options(request, session.person_id, _deciding(choices)))


@require_session_for_script
def decide_old_devices(request: Request, session: Session) -> Response:
    """Keeps or removes each device as chosen; changes none if one is refused."""
    choices = _choices(request)
    lock_person(request.connection, session.person_id)
    held = authenticate_confirmation(request, session.person_id, _deciding(choices))
    try:
        with request.connection.begin_nested():
            for device_id, choice in choices.items():
                device = find_device(request.connection, session.person_id, device_id)
                if choice == "keep":
                    resume(request, device, "holder", held.device)
                else:
                    unlink(request, device, "holder")
    except Refusal as refusal:
        # The event of the savepoint was rolled back with the rest.
        event = DecisionRefused(person_id=session.person_id, reason=refusal.detail)
        record(request.connection, request.secrets, event, request.now, request.reference)
        raise
    record_session_use(request.connection, session, request.now)
    token = request.json.get("request")
    return json_answer({"location": _naming_page(session, token if isinstance(token, str) else "")})


@require_session
def stop_recovery(request: Request, session: Session) -> Response:
    """Cancels an account recovery that waits, by somebody who still has a device.

    A session is enough, as is the link in a notice: nothing is opened by this.
    """
    waiting = find_waiting_recovery(request, session.person_id)
    if waiting:
        cancel_recovery(request, waiting.id)
    record_session_use(request.connection, session, request.now)
    return redirect("/devices?done=return-stopped")


def _old_devices(request: Request, session: Session) -> list[AccountDeviceView]:
    """The devices that are blocked, for whatever reason."""
    return device_overview(request, session).resting


def _choices(request: Request) -> Mapping[UUID, Choice]:
    """The choices sent, by device id in order; raises `InvalidRequest` if malformed."""
    sent = request.json.get("choices")
    if not isinstance(sent, dict) or not sent:
        raise _unreadable()
    return {_device_id(key): _choice(sent[key]) for key in sorted(sent)}


def _device_id(text: str) -> UUID:
    try:
        device_id = UUID(text)
    except ValueError:
        raise _unreadable() from None
    if str(device_id) != text:  # one device in two spellings would have two choices
        raise _unreadable()
    return device_id


def _choice(value: Any) -> Choice:
    if value == "keep":
        return "keep"
    if value == "remove":
        return "remove"
    raise _unreadable()


def _deciding(choices: Mapping[UUID, Choice]) -> ChallengePurpose:
    """The purpose of the challenge, bound to every choice."""
    words = {str(device_id): choice for device_id, choice in choices.items()}
    return ChallengePurpose(DECIDE, token_hash(orjson.dumps(words).decode()))


def _naming_page(session: Session, request_token: str) -> str:
    query = {"first": "1", **({"request": request_token} if request_token else {})}
    return f"/devices/{session.device_id}/name?{urlencode(query)}"


def _unreadable() -> InvalidRequest:
    return InvalidRequest("invalid_request", N_("What your browser sent could not be read."))


routes = [
    page_route("/return/devices", old_devices_page),
    json_route("/return/devices/options", decision_options),
    json_route("/return/devices", decide_old_devices, writes=True),
    form_route("/devices/return/cancel", stop_recovery),
]

"""Who came back decides about the devices of before: each is kept or removed, several at once.

One fresh assertion of the new device, bound to these choices (decisions 2.9). What nobody decides
about stays blocked.
"""

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlencode
from uuid import UUID

import orjson
from starlette.responses import Response

from authn.account.signed_in import signed_in, signed_in_script
from authn.account.views import AccountDeviceView, overview
from authn.audit.device_events import DecisionRefused
from authn.audit.log import record
from authn.devices.devices import find_device
from authn.devices.life import resume, unlink
from authn.enrolment.returning import cancel_return, waiting_return
from authn.errors import N_, InvalidRequest, Refusal
from authn.people.persons import lock_person
from authn.secrets import token_hash
from authn.sessions.sessions import Session, touch
from authn.web.request import Request, json_answer, page, redirect
from authn.web.routing import form_route, json_route, page_route
from authn.webauthn.authentication import confirm, confirmation_options
from authn.webauthn.challenges import ChallengePurpose

DECIDE = "decide-old-devices"  # the act that challenges name

Choice = Literal["keep", "remove"]


@signed_in
def old_devices(request: Request, session: Session) -> Response:
    """Each device that is blocked since before, and what may become of it."""
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


@signed_in_script
def decision_options(request: Request, session: Session) -> Response:
    """Options to confirm exactly these choices."""
    choices = _choices(request)
    return json_answer(confirmation_options(request, session.person_id, _deciding(choices)))


@signed_in_script
def decided(request: Request, session: Session) -> Response:
    """Each device is as it was chosen, or none is changed."""
    choices = _choices(request)
    lock_person(request.connection, session.person_id)
    held = confirm(request, session.person_id, _deciding(choices))
    try:
        with request.connection.begin_nested():
            for device_id, choice in choices.items():
                device = find_device(request.connection, session.person_id, device_id)
                if choice == "keep":
                    resume(request, device, "holder", held.device)
                else:
                    unlink(request, device, "holder")
    except Refusal as refusal:
        # What said so in the savepoint went back with it.
        event = DecisionRefused(person_id=session.person_id, reason=refusal.detail)
        record(request.connection, request.secrets, event, request.now, request.reference)
        raise
    touch(request.connection, session, request.now)
    token = request.json.get("request")
    return json_answer({"location": _naming_page(session, token if isinstance(token, str) else "")})


@signed_in
def return_stopped(request: Request, session: Session) -> Response:
    """A return that waits is cancelled by who still has a device.

    The session is enough, as the link in a notice is: nothing is opened by it.
    """
    waiting = waiting_return(request, session.person_id)
    if waiting:
        cancel_return(request, waiting.id)
    touch(request.connection, session, request.now)
    return redirect("/devices?done=return-stopped")


def _old_devices(request: Request, session: Session) -> list[AccountDeviceView]:
    """Those that are blocked, for whatever reason."""
    return overview(request, session).resting


def _choices(request: Request) -> Mapping[UUID, Choice]:
    """By device, in one order for everybody; raises `InvalidRequest` for anything else."""
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
    """Bound to every choice."""
    words = {str(device_id): choice for device_id, choice in choices.items()}
    return ChallengePurpose(DECIDE, token_hash(orjson.dumps(words).decode()))


def _naming_page(session: Session, request_token: str) -> str:
    query = {"first": "1", **({"request": request_token} if request_token else {})}
    return f"/devices/{session.device_id}/name?{urlencode(query)}"


def _unreadable() -> InvalidRequest:
    return InvalidRequest("invalid_request", N_("What your browser sent could not be read."))


routes = [
    page_route("/return/devices", old_devices),
    json_route("/return/devices/options", decision_options),
    json_route("/return/devices", decided, writes=True),
    form_route("/devices/return/cancel", return_stopped),
]

"""The pages of somebody who has no device in hand here yet: activation, and joining by a link."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response

from authn.audit.events import SignedIn
from authn.audit.log import record
from authn.devices.tables import HeldDevice
from authn.devices.user_agent import read_user_agent
from authn.enrolment.activation import burn_activation_code, check_activation_code
from authn.enrolment.invitation_tables import Invitation
from authn.enrolment.invitations import (
    approving_device,
    claim,
    claimed_invitation,
    inviter,
    look,
    use,
)
from authn.enrolment.new_device import all_or_nothing, naming_page, store_device
from authn.errors import N_, Forbidden, InvalidRequest
from authn.people.persons import find_person
from authn.people.tables import Person
from authn.secrets import read_token, sign_token
from authn.sessions.sign_in import sign_in_with
from authn.web.request import Request, json_answer, page, redirect
from authn.web.routing import form_route, json_route, page_route
from authn.webauthn.challenges import Purpose
from authn.webauthn.registration import creation_options, register

ENROLMENT = "enrolment"
ENROLMENT_LIFETIME = timedelta(minutes=15)
ACTIVATE, JOIN = "activate", "join"  # the acts that challenges name


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What a right pair of code and national number has proven, in this browser, just now.

    `request_token` is the pending request that the person came with, carried along unread.
    """

    code_id: UUID
    person: Person
    request_token: str


def activate(request: Request) -> Response:
    """The page that asks for code and national number."""
    return _activation_page(request, {}, request.query.get("request", ""))


def activation_typed(request: Request) -> Response:
    """On to the device, or the page again with one neutral sentence for every wrong pair."""
    typed = {name: request.form.get(name, "") for name in ("code", "ssin")}
    request_token = request.form.get("request", "")
    try:
        code = check_activation_code(
            request.connection,
            request.secrets,
            typed["code"],
            typed["ssin"],
            request.now,
            request.reference,
        )
    except Forbidden as refusal:
        # Answered as a page, so that the person can correct it; what was counted is committed.
        errors = [{"field": "code", "text": request.translate(refusal.description)}]
        return _activation_page(request, typed, request_token, errors)
    content = {
        "code": str(code.id),
        "person": str(code.person_id),
        "browser": request.browser_hash,
        "request": request_token,
    }
    token = sign_token(request.secrets, ENROLMENT, content, request.now, ENROLMENT_LIFETIME)
    return redirect("/activate/device?" + urlencode({"enrolment": token}))


def first_device(request: Request) -> Response:
    """The page that makes this device the person's key."""
    token = request.query.get("enrolment", "")
    agent = read_user_agent(request.headers.get("user-agent", ""))
    return page(
        request,
        "enrolment/first_device.html",
        given_name=_enrolment(request, token).person.given_name,
        enrolment=token,
        default_device_kind="phone" if agent.hand_held else "laptop",
    )


def activation_options(request: Request) -> Response:
    """Creation options for the person of the code."""
    enrolment = _enrolment(request, _text(request, "enrolment"))
    return json_answer(creation_options(request, enrolment.person, _activation(enrolment)))


def activation_registration(request: Request) -> Response:
    """The device is the person's, the code is burnt, and the person is signed in."""
    enrolment = _enrolment(request, _text(request, "enrolment"))
    credential = register(request, enrolment.person, _activation(enrolment))
    with all_or_nothing(request, enrolment.person):
        burn_activation_code(request.connection, enrolment.code_id, request.now)
        held = store_device(
            request,
            enrolment.person,
            credential,
            how="activation",
            identity_level="substantial",  # `high` needs both halves of a code (protocol 2.11)
        )
    location = naming_page(held, first=True, request_token=enrolment.request_token)
    return _signed_in(request, held, location)


def join(request: Request) -> Response:
    """The page behind a link: its script reads the secret from the fragment."""
    return page(request, "enrolment/join.html")


def join_look(request: Request) -> Response:
    """Whose account it is, before anything is claimed."""
    return json_answer({"given_name": _short_name(look(request, _text(request, "secret")))})


def join_claim(request: Request) -> Response:
    """This browser is the one that the invitation is for; any other one ends it."""
    invitation = claim(request, _text(request, "secret"))
    query = urlencode({"invitation": str(invitation.id)})
    return json_answer({"location": f"/join/wait?{query}"})


def join_wait(request: Request) -> Response:
    """The page that shows the number, and waits for the old device."""
    invitation = claimed_invitation(request, _invitation_id(request.query))
    person = inviter(request, invitation)
    number = invitation.number or ""
    return page(
        request,
        "enrolment/join_wait.html",
        invitation=str(invitation.id),
        number=f"{number[:2]} {number[2:]}",
        name=_short_name(person),
    )


def join_state(request: Request) -> Response:
    """How far the old device is."""
    invitation = claimed_invitation(request, _invitation_id(request.query))
    return json_answer({"state": invitation.state_at(request.now)})


def join_options(request: Request) -> Response:
    """Creation options, once the old device has approved this browser."""
    invitation = claimed_invitation(request, _invitation_id(request.json))
    person = inviter(request, invitation)
    approving_device(request, invitation)
    return json_answer(creation_options(request, person, _joining(invitation)))


def join_registration(request: Request) -> Response:
    """The device is the person's, the invitation is used up, and the person is signed in here."""
    invitation = claimed_invitation(request, _invitation_id(request.json))
    person = inviter(request, invitation)
    approving_device(request, invitation)
    credential = register(request, person, _joining(invitation))
    with all_or_nothing(request, person):
        # Once more, now that the person is locked: who removed them meanwhile comes first.
        inviter(request, invitation)
        approved_by = approving_device(request, invitation)
        use(request, invitation)
        held = store_device(
            request,
            person,
            credential,
            how="invitation",
            identity_level=approved_by.identity_level,
        )
    return _signed_in(request, held, naming_page(held))


def _signed_in(request: Request, held: HeldDevice, location: str) -> Response:
    session, remember = sign_in_with(request, held, None)
    event = SignedIn(person_id=held.person.id, device_id=held.device.id, level=session.level)
    record(request.connection, request.secrets, event, request.now, request.reference)
    return remember(json_answer({"location": location}))


def _activation_page(
    request: Request,
    values: Mapping[str, str],
    request_token: str,
    errors: list[dict[str, str]] | None = None,
) -> Response:
    return page(
        request,
        "enrolment/activate.html",
        status=422 if errors else 200,
        values={"code": values.get("code", ""), "ssin": values.get("ssin", "")},
        errors=errors or [],
        request_token=request_token or None,
    )


def _enrolment(request: Request, token: str) -> Enrolment:
    """What the token says was proven; raises unless it was here, and the person is alive."""
    content = read_token(request.secrets, ENROLMENT, token, request.now)
    if content["browser"] != request.browser_hash:
        raise Forbidden(
            "other_browser",
            N_("This was started in another browser. Type your activation code here again."),
        )
    person = find_person(request.connection, UUID(content["person"]))
    if person is None or person.deceased:
        raise Forbidden("person_not_active", N_("This account cannot be used."))
    return Enrolment(UUID(content["code"]), person, content["request"])


def _activation(enrolment: Enrolment) -> Purpose:
    return Purpose(ACTIVATE, str(enrolment.code_id))


def _joining(invitation: Invitation) -> Purpose:
    return Purpose(JOIN, str(invitation.id))


def _short_name(person: Person) -> str:
    """Enough to recognise one's own name, no more: `An D.`"""
    initial = f"{person.family_name[:1]}." if person.family_name else ""
    return f"{person.given_name} {initial}".strip()


def _text(request: Request, name: str) -> str:
    value: Any = request.json.get(name)
    if not isinstance(value, str):
        raise InvalidRequest(
            "invalid_request", N_("What your browser sent could not be read."), detail=name
        )
    return value


def _invitation_id(parameters: Mapping[str, Any]) -> UUID:
    try:
        return UUID(parameters.get("invitation"))
    except (ValueError, TypeError, AttributeError):
        raise InvalidRequest("invalid_request", N_("This link is not complete.")) from None


routes = [
    page_route("/activate", activate),
    form_route("/activate", activation_typed),
    page_route("/activate/device", first_device),
    json_route("/activate/options", activation_options),
    json_route("/activate/registration", activation_registration, writes=True),
    page_route("/join", join),
    json_route("/join/look", join_look),
    json_route("/join/claim", join_claim, writes=True),
    page_route("/join/wait", join_wait),
    json_route("/join/state", join_state, method="GET"),
    json_route("/join/options", join_options),
    json_route("/join/registration", join_registration, writes=True),
]

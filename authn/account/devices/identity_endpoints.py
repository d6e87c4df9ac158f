"""Raising the identity level of a device: its holder proves who they are, then confirms.

Why the device itself confirms, and not by the session: a session may have been left
open, or be another browser's than the person thinks. The device that answers is in
the hand of whoever was just proven, so its level rises.
"""

from starlette.responses import Response

from authn.account.required_session import require_session, require_session_for_script
from authn.audit.events.devices import DeviceActRefused, IdentityLevelRaised
from authn.audit.log import record
from authn.devices.devices import list_devices, raise_identity_level
from authn.devices.tables import Device
from authn.errors import N_, Forbidden, Refusal
from authn.federation.identity_claims import level_too_low_refusal
from authn.federation.proof import IdentityProof, read_proof, spend_proof
from authn.federation.upstreams import upstreams
from authn.people.persons import lock_person
from authn.sessions.sessions import Session, record_session_use
from authn.web.request import Request, json_answer, page, sent_text
from authn.web.routing import json_route, page_route
from authn.webauthn.authentication import authenticate_confirmation, confirmation_options
from authn.webauthn.challenges import ChallengePurpose

RAISE = "raise-identity"  # the act that challenges name


@require_session
def identity_page(request: Request, session: Session) -> Response:
    """The page with the identity level of each device and the ways to raise it; or its last
    step."""
    token = request.query.get("proof", "")
    held = list_devices(request.connection, session.person_id)
    devices = [device for device in held if device.status == "active"]
    proven = _proof(request, session, token) if token else None
    return page(
        request,
        "account/identity.html",
        person=session,
        devices=devices,
        rising=[device for device in devices if _may_rise(device)],
        upstreams=upstreams(request.settings),
        proof=token if proven else None,
        raised=request.query.get("done") == "raised",
        strong_enough=proven is not None and proven.level == "high",
    )


@require_session_for_script
def raise_identity_options(request: Request, session: Session) -> Response:
    """Options for the assertion of the device whose level is to rise."""
    proof = _proof(request, session, sent_text(request, "proof"))
    purpose = ChallengePurpose(RAISE, proof.id)
    return json_answer(confirmation_options(request, session.person_id, purpose, _may_rise))


@require_session_for_script
def raise_identity(request: Request, session: Session) -> Response:
    """Raises the identity level of the device that confirmed, and spends the proof."""
    lock_person(request.connection, session.person_id)
    proof = _proof(request, session, sent_text(request, "proof"))
    confirmed = authenticate_confirmation(
        request, session.person_id, ChallengePurpose(RAISE, proof.id)
    )
    device = confirmed.device
    try:
        with request.connection.begin_nested():
            spend_proof(request, proof)
            _raise(request, proof, device)
    except Refusal as refusal:
        refused = DeviceActRefused(
            person_id=session.person_id,
            device_id=device.id,
            act=RAISE,
            by="holder",
            reason=refusal.error,
        )
        record(request.connection, request.secrets, refused, request.now, request.reference)
        raise
    record_session_use(request.connection, session, request.now)
    return json_answer({"location": "/devices/identity?done=raised"})


def _raise(request: Request, proof: IdentityProof, device: Device) -> None:
    if proof.level != "high":
        raise level_too_low_refusal()
    if not raise_identity_level(request.connection, device):
        raise Forbidden(
            "nothing_to_raise", N_("This device is already at the highest level of identity.")
        )
    event = IdentityLevelRaised(
        person_id=device.person_id, device_id=device.id, upstream=proof.upstream, level=proof.level
    )
    record(request.connection, request.secrets, event, request.now, request.reference)


def _proof(request: Request, session: Session, token: str) -> IdentityProof:
    """The proof of identity in the token; raises `Forbidden` if of another person."""
    proof = read_proof(request, token, "raise")
    if proof.person_id != session.person_id:
        raise Forbidden("other_person", N_("Somebody else is signed in on this screen."))
    return proof


def _may_rise(device: Device) -> bool:
    return device.identity_level != "high"


routes = [
    page_route("/devices/identity", identity_page),
    json_route("/devices/identity/options", raise_identity_options),
    json_route("/devices/identity", raise_identity, writes=True),
]

"""A device that is worth more: its holder proves who they are, and confirms with it.

Why it is confirmed with the device itself, and not by the session: a session may have been left
open, or be another browser's than the person thinks. The device that answers is the one that is in
the hand of whoever was just proven, so that is the one whose level rises.
"""

from starlette.responses import Response

from authn.account.signed_in import signed_in, signed_in_script
from authn.audit.device_events import DeviceActRefused, IdentityLevelRaised
from authn.audit.log import record
from authn.devices.devices import devices_of, raise_identity_level
from authn.devices.tables import Device
from authn.errors import N_, Forbidden, Refusal
from authn.federation.identity_claims import too_low
from authn.federation.proof import IdentityProof, read_proof, spend_proof
from authn.federation.upstreams import upstreams
from authn.people.persons import lock_person
from authn.sessions.sessions import Session, touch
from authn.web.request import Request, json_answer, page, sent_text
from authn.web.routing import json_route, page_route
from authn.webauthn.authentication import confirm, confirmation_options
from authn.webauthn.challenges import ChallengePurpose

RAISE = "raise-identity"  # the act that challenges name


@signed_in
def identity(request: Request, session: Session) -> Response:
    """How well each device vouches for its holder, and the ways to prove more; or the last step."""
    token = request.query.get("proof", "")
    held = devices_of(request.connection, session.person_id)
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


@signed_in_script
def raising_options(request: Request, session: Session) -> Response:
    """Options to confirm with the device whose level is to rise."""
    proof = _proof(request, session, sent_text(request, "proof"))
    purpose = ChallengePurpose(RAISE, proof.id)
    return json_answer(confirmation_options(request, session.person_id, purpose, _may_rise))


@signed_in_script
def identity_raised(request: Request, session: Session) -> Response:
    """The device that confirmed vouches for a high identity; the proof is spent."""
    lock_person(request.connection, session.person_id)
    proof = _proof(request, session, sent_text(request, "proof"))
    confirmed = confirm(request, session.person_id, ChallengePurpose(RAISE, proof.id))
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
    touch(request.connection, session, request.now)
    return json_answer({"location": "/devices/identity?done=raised"})


def _raise(request: Request, proof: IdentityProof, device: Device) -> None:
    if proof.level != "high":
        raise too_low()
    if not raise_identity_level(request.connection, device):
        raise Forbidden(
            "nothing_to_raise", N_("This device is already at the highest level of identity.")
        )
    event = IdentityLevelRaised(
        person_id=device.person_id, device_id=device.id, upstream=proof.upstream, level=proof.level
    )
    record(request.connection, request.secrets, event, request.now, request.reference)


def _proof(request: Request, session: Session, token: str) -> IdentityProof:
    """The proof, if it is of the person who is signed in here."""
    proof = read_proof(request, token, "raise")
    if proof.person_id != session.person_id:
        raise Forbidden("other_person", N_("Somebody else is signed in on this screen."))
    return proof


def _may_rise(device: Device) -> bool:
    return device.identity_level != "high"


routes = [
    page_route("/devices/identity", identity),
    json_route("/devices/identity/options", raising_options),
    json_route("/devices/identity", identity_raised, writes=True),
]

"""The endpoints of enrolment without an activation code: an upstream proved who the person is."""

from starlette.responses import Response

from authn.devices.devices import list_devices
from authn.enrolment.activation.lifecycle import withdraw_codes_of_person
from authn.enrolment.new_device import (
    naming_address,
    registration_savepoint,
    signed_in_answer,
    store_device,
)
from authn.errors import N_, Forbidden
from authn.federation.proof import (
    IdentityProof,
    change_purpose,
    continue_address,
    proof_token,
    read_proof,
    spend_proof,
)
from authn.people.persons import find_person
from authn.people.tables import Person
from authn.web.request import Request, json_answer, page, redirect, sent_text
from authn.web.routing import json_route, page_route
from authn.web.user_agent import read_user_agent
from authn.webauthn.challenges import ChallengePurpose
from authn.webauthn.registration import creation_options, verify_registration

ENROL = "enrol-by-identity"  # the act in a WebAuthn challenge


def identity_enrolment_page(request: Request) -> Response:
    """Shows the page that registers a first device; a person with devices goes to recovery."""
    token, waiting = request.query.get("proof", ""), request.query.get("request", "")
    proof = read_proof(request, token, "enrol")
    person = _person(request, proof)
    if list_devices(request.connection, person.id):
        back = proof_token(request, change_purpose(proof, "return"))
        return redirect(continue_address("return", back, waiting))
    agent = read_user_agent(request.headers.get("user-agent", ""))
    return page(
        request,
        "enrolment/identity.html",
        given_name=person.given_name or person.family_name,
        proof=token,
        request_token=waiting or None,
        default_device_kind="phone" if agent.hand_held else "laptop",
    )


def identity_options(request: Request) -> Response:
    """Creation options for the person of a proof of identity."""
    proof = read_proof(request, sent_text(request, "proof"), "enrol")
    person = _person(request, proof)
    return json_answer(creation_options(request, person, _challenge_purpose(proof)))


def identity_registration(request: Request) -> Response:
    """Adds the person's first device, spends the proof, and signs the person in."""
    proof = read_proof(request, sent_text(request, "proof"), "enrol")
    person = _person(request, proof)
    credential = verify_registration(request, person, _challenge_purpose(proof))
    with registration_savepoint(request, person):
        spend_proof(request, proof)
        if list_devices(request.connection, person.id):
            # Another screen was faster: a person with a device adds the next one with that device.
            raise Forbidden(
                "not_the_first",
                N_("You have a device by now. Sign in with it, and add this one there."),
            )
        # One registrar alone may have issued a code: with a device, two would have to agree.
        withdraw_codes_of_person(request.connection, person.id, request.now)
        held = store_device(
            request,
            person,
            credential,
            how="upstream",
            identity_level=proof.level,
            identity_id=proof.identity_id,
        )
    waiting = sent_text(request, "request")
    return signed_in_answer(request, held, naming_address(held, first=True, request_token=waiting))


def _person(request: Request, proof: IdentityProof) -> Person:
    person = find_person(request.connection, proof.person_id)
    if person is None or person.deceased:
        raise Forbidden("person_not_active", N_("This account cannot be used."))
    return person


def _challenge_purpose(proof: IdentityProof) -> ChallengePurpose:
    return ChallengePurpose(ENROL, proof.id)


routes = [
    page_route("/activate/identity", identity_enrolment_page),
    json_route("/activate/identity/options", identity_options),
    json_route("/activate/identity/registration", identity_registration, writes=True),
]

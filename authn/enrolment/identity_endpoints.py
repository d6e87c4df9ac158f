"""A first device without any activation code: an upstream proved who the person is."""

from starlette.responses import Response

from authn.devices.devices import devices_of
from authn.enrolment.activation import withdraw_codes_of
from authn.enrolment.new_device import all_or_nothing, naming_page, signed_in_answer, store_device
from authn.errors import N_, Forbidden
from authn.federation.proof import (
    IdentityProof,
    for_purpose,
    going_on,
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
from authn.webauthn.registration import creation_options, register

ENROL = "enrol-by-identity"  # the act that challenges name


def identity_proven(request: Request) -> Response:
    """The page that makes this device the person's key; who has devices already comes back."""
    token, waiting = request.query.get("proof", ""), request.query.get("request", "")
    proof = read_proof(request, token, "enrol")
    person = _person(request, proof)
    if devices_of(request.connection, person.id):
        back = proof_token(request, for_purpose(proof, "return"))
        return redirect(going_on("return", back, waiting))
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
    """Creation options for the person who was proven."""
    proof = read_proof(request, sent_text(request, "proof"), "enrol")
    person = _person(request, proof)
    return json_answer(creation_options(request, person, _enrolling(proof)))


def identity_registration(request: Request) -> Response:
    """The device is the person's first, the proof is spent, and the person is signed in."""
    proof = read_proof(request, sent_text(request, "proof"), "enrol")
    person = _person(request, proof)
    credential = register(request, person, _enrolling(proof))
    with all_or_nothing(request, person):
        spend_proof(request, proof)
        if devices_of(request.connection, person.id):
            # Another screen was faster: who has a device adds the next one with it.
            raise Forbidden(
                "not_the_first",
                N_("You have a device by now. Sign in with it, and add this one there."),
            )
        # One alone may have issued a code, since there was no device: now two would have to agree.
        withdraw_codes_of(request.connection, person.id, request.now)
        held = store_device(
            request,
            person,
            credential,
            how="upstream",
            identity_level=proof.level,
            identity_id=proof.identity_id,
        )
    waiting = sent_text(request, "request")
    return signed_in_answer(request, held, naming_page(held, first=True, request_token=waiting))


def _person(request: Request, proof: IdentityProof) -> Person:
    person = find_person(request.connection, proof.person_id)
    if person is None or person.deceased:
        raise Forbidden("person_not_active", N_("This account cannot be used."))
    return person


def _enrolling(proof: IdentityProof) -> ChallengePurpose:
    return ChallengePurpose(ENROL, proof.id)


routes = [
    page_route("/activate/identity", identity_proven),
    json_route("/activate/identity/options", identity_options),
    json_route("/activate/identity/registration", identity_registration, writes=True),
]

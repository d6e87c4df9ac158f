"""The way back for who lost every device, by an identity proven upstream.

It ends in one new device here, at once or after a wait (see `enrolment.returning`).
"""

from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response

from authn.devices.devices import devices_of
from authn.enrolment.new_device import all_or_nothing, next_page, signed_in_answer, store_device
from authn.enrolment.recovery_tables import AccountRecovery
from authn.enrolment.returning import (
    begin_return,
    cancel_return,
    find_return,
    must_wait,
    return_by_upstream,
    waiting_return,
)
from authn.enrolment.this_browser import page_token, read_page_token
from authn.errors import N_, Forbidden, NotFound
from authn.federation.proof import IdentityProof, read_proof, spend_proof
from authn.federation.upstreams import upstreams
from authn.people.persons import find_person, lock_person
from authn.people.tables import Person
from authn.web.request import Request, json_answer, page, redirect, sent_text
from authn.web.routing import form_route, json_route, page_route
from authn.web.user_agent import read_user_agent
from authn.webauthn.challenges import ChallengePurpose
from authn.webauthn.registration import creation_options, register

RETURN: Final = "return"  # what the identity was proven for, and the act that challenges name
WAITING = "return-waiting"  # the page of a return that waits


def come_back(request: Request) -> Response:
    """How to prove who one is; with a proof: the new device, the wait before it, or its begin."""
    token, waiting_request = request.query.get("proof", ""), request.query.get("request", "")
    if not token:
        return page(
            request,
            "enrolment/return.html",
            upstreams=upstreams(request.settings),
            help_contact=request.settings.help_contact,
        )
    proof = read_proof(request, token, RETURN)
    person = _living(request, proof)
    if must_wait(request, person.id, proof.level):
        waiting = waiting_return(request, person.id)
        if waiting is None:
            return _begin_page(request, person, token)
        if waiting.opens_at > request.now:
            return _waiting_page(request, waiting)
    return _new_device_page(request, person, token, waiting_request)


def return_begun(request: Request) -> Response:
    """The return waits, and every address on file can cancel it."""
    proof = read_proof(request, request.form.get("proof", ""), RETURN)
    person = _living(request, proof)
    lock_person(request.connection, person.id)  # before the proof, as where a device is stored
    spend_proof(request, proof)
    begun = begin_return(request, person.id, proof.upstream, proof.level)
    return redirect("/return/waiting?" + urlencode({"return": _waiting_token(request, begun)}))


def return_waiting(request: Request) -> Response:
    """How the return stands that was begun in this browser."""
    return _waiting_page(request, _begun_here(request, request.query.get("return", "")))


def return_cancelled(request: Request) -> Response:
    """Who began the return has cancelled it, here."""
    token = request.form.get("return", "")
    cancel_return(request, _begun_here(request, token).id)
    return redirect("/return/waiting?" + urlencode({"return": token}))


def return_options(request: Request) -> Response:
    """Creation options for the person whose identity is proven."""
    proof = read_proof(request, sent_text(request, "proof"), RETURN)
    options = creation_options(request, _living(request, proof), _returning(proof), anew=True)
    return json_answer(options)


def return_registration(request: Request) -> Response:
    """The device is the person's, the old ones are blocked, the proof is spent."""
    proof = read_proof(request, sent_text(request, "proof"), RETURN)
    person = _living(request, proof)
    credential = register(request, person, _returning(proof))
    with all_or_nothing(request, person):
        spend_proof(request, proof)
        returning = return_by_upstream(request, person.id, proof.upstream, proof.level)
        held = store_device(
            request,
            person,
            credential,
            how="upstream",
            identity_level=proof.level,
            identity_id=proof.identity_id,
        )
    location = next_page(held, returning=returning, request_token=sent_text(request, "request"))
    return signed_in_answer(request, held, location)


def _begin_page(request: Request, person: Person, proof: str) -> Response:
    return page(
        request,
        "enrolment/return_begin.html",
        given_name=person.given_name,
        proof=proof,
        opens_at=request.now + request.settings.return_wait,
    )


def _waiting_page(request: Request, waiting: AccountRecovery) -> Response:
    state = waiting.state_at(request.now)
    return page(
        request,
        "enrolment/return_waiting.html",
        state="open" if state == "waiting" and waiting.opens_at <= request.now else state,
        opens_at=waiting.opens_at,
        expires_at=waiting.expires_at,
        token=_waiting_token(request, waiting),
        upstreams=upstreams(request.settings),
    )


def _new_device_page(
    request: Request, person: Person, proof: str, waiting_request: str
) -> Response:
    return page(
        request,
        "enrolment/return_device.html",
        given_name=person.given_name,
        old_devices=len(devices_of(request.connection, person.id)),
        proof=proof,
        request_token=waiting_request,
        default_device_kind="phone" if read_user_agent(request.agent).hand_held else "laptop",
    )


def _waiting_token(request: Request, waiting: AccountRecovery) -> str:
    lifetime = waiting.expires_at - waiting.began_at
    return page_token(request, WAITING, {"return": str(waiting.id)}, lifetime)


def _begun_here(request: Request, token: str) -> AccountRecovery:
    content = read_page_token(request, WAITING, token)
    found = find_return(request.connection, UUID(content["return"]))
    if found is None:
        raise NotFound("not_found", N_("There is no such return."))
    return found


def _living(request: Request, proof: IdentityProof) -> Person:
    person = find_person(request.connection, proof.person_id)
    if person is None or person.deceased:
        raise Forbidden("person_not_active", N_("This account cannot be used."))
    return person


def _returning(proof: IdentityProof) -> ChallengePurpose:
    return ChallengePurpose(RETURN, proof.id)


routes = [
    page_route("/return", come_back),
    form_route("/return/begin", return_begun),
    page_route("/return/waiting", return_waiting),
    form_route("/return/cancel", return_cancelled),
    json_route("/return/options", return_options),
    json_route("/return/registration", return_registration, writes=True),
]

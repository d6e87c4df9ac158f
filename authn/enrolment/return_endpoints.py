"""The endpoints of account recovery, by an identity proven upstream.

A person who lost every device registers a new one, at once or after a wait.
"""

from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response

from authn.devices.devices import list_devices
from authn.enrolment.new_device import (
    next_address,
    registration_savepoint,
    signed_in_answer,
    store_device,
)
from authn.enrolment.recovery_tables import AccountRecovery
from authn.enrolment.returning import (
    begin_account_recovery,
    cancel_recovery,
    find_recovery,
    find_waiting_recovery,
    must_wait,
    recover_by_upstream,
)
from authn.enrolment.visitor import page_token, read_page_token
from authn.errors import N_, Forbidden, NotFound
from authn.federation.proof import IdentityProof, read_proof, spend_proof
from authn.federation.upstreams import upstreams
from authn.people.persons import find_person, lock_person
from authn.people.tables import Person
from authn.web.request import Request, json_answer, page, redirect, sent_text
from authn.web.routing import form_route, json_route, page_route
from authn.web.user_agent import read_user_agent
from authn.webauthn.challenges import ChallengePurpose
from authn.webauthn.registration import creation_options, verify_registration

RECOVERY: Final = "return"  # the purpose of the proof, and the act in a WebAuthn challenge
WAITING = "return-waiting"  # the purpose of the token of the waiting page


def recovery_page(request: Request) -> Response:
    """Shows the ways to prove an identity; with a proof, the wait or the new device."""
    token, waiting_request = request.query.get("proof", ""), request.query.get("request", "")
    if not token:
        return page(
            request,
            "enrolment/return.html",
            upstreams=upstreams(request.settings),
            help_contact=request.settings.help_contact,
        )
    proof = read_proof(request, token, RECOVERY)
    person = _require_living_person(request, proof)
    if must_wait(request, person.id, proof.level):
        waiting = find_waiting_recovery(request, person.id)
        if waiting is None:
            return _begin_page(request, person, token)
        if waiting.opens_at > request.now:
            return _render_waiting_page(request, waiting)
    return _new_device_page(request, person, token, waiting_request)


def begin_recovery(request: Request) -> Response:
    """Begins a recovery that waits, while every contact address can cancel it."""
    proof = read_proof(request, request.form.get("proof", ""), RECOVERY)
    person = _require_living_person(request, proof)
    lock_person(request.connection, person.id)  # before the proof, as where a device is stored
    spend_proof(request, proof)
    begun = begin_account_recovery(request, person.id, proof.upstream, proof.level)
    return redirect("/return/waiting?" + urlencode({"return": _waiting_token(request, begun)}))


def recovery_waiting_page(request: Request) -> Response:
    """Shows the state of the recovery that was begun in the request's browser."""
    return _render_waiting_page(
        request, _find_own_recovery(request, request.query.get("return", ""))
    )


def cancel_own_recovery(request: Request) -> Response:
    """Cancels the recovery that was begun in the request's browser."""
    token = request.form.get("return", "")
    cancel_recovery(request, _find_own_recovery(request, token).id)
    return redirect("/return/waiting?" + urlencode({"return": token}))


def recovery_options(request: Request) -> Response:
    """Creation options for the person of a proof of identity."""
    proof = read_proof(request, sent_text(request, "proof"), RECOVERY)
    options = creation_options(
        request, _require_living_person(request, proof), _challenge_purpose(proof), anew=True
    )
    return json_answer(options)


def recovery_registration(request: Request) -> Response:
    """Adds the device, blocks the earlier ones, spends the proof, and signs the person in."""
    proof = read_proof(request, sent_text(request, "proof"), RECOVERY)
    person = _require_living_person(request, proof)
    credential = verify_registration(request, person, _challenge_purpose(proof))
    with registration_savepoint(request, person):
        spend_proof(request, proof)
        returning = recover_by_upstream(request, person.id, proof.upstream, proof.level)
        held = store_device(
            request,
            person,
            credential,
            how="upstream",
            identity_level=proof.level,
            identity_id=proof.identity_id,
        )
    location = next_address(held, returning=returning, request_token=sent_text(request, "request"))
    return signed_in_answer(request, held, location)


def _begin_page(request: Request, person: Person, proof: str) -> Response:
    return page(
        request,
        "enrolment/return_begin.html",
        given_name=person.given_name,
        proof=proof,
        opens_at=request.now + request.settings.return_wait,
    )


def _render_waiting_page(request: Request, waiting: AccountRecovery) -> Response:
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
        old_devices=len(list_devices(request.connection, person.id)),
        proof=proof,
        request_token=waiting_request,
        default_device_kind="phone" if read_user_agent(request.agent).hand_held else "laptop",
    )


def _waiting_token(request: Request, waiting: AccountRecovery) -> str:
    lifetime = waiting.expires_at - waiting.began_at
    return page_token(request, WAITING, {"return": str(waiting.id)}, lifetime)


def _find_own_recovery(request: Request, token: str) -> AccountRecovery:
    content = read_page_token(request, WAITING, token)
    found = find_recovery(request.connection, UUID(content["return"]))
    if found is None:
        raise NotFound("not_found", N_("There is no such return."))
    return found


def _require_living_person(request: Request, proof: IdentityProof) -> Person:
    person = find_person(request.connection, proof.person_id)
    if person is None or person.deceased:
        raise Forbidden("person_not_active", N_("This account cannot be used."))
    return person


def _challenge_purpose(proof: IdentityProof) -> ChallengePurpose:
    return ChallengePurpose(RECOVERY, proof.id)


routes = [
    page_route("/return", recovery_page),
    form_route("/return/begin", begin_recovery),
    page_route("/return/waiting", recovery_waiting_page),
    form_route("/return/cancel", cancel_own_recovery),
    json_route("/return/options", recovery_options),
    json_route("/return/registration", recovery_registration, writes=True),
]

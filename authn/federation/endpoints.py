"""The endpoints of a proof of identity: the request to an upstream, and its answer."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import orjson
from starlette.responses import Response

from authn.audit.events.devices import IdentityProven, IdentityRefused
from authn.audit.log import record
from authn.db.once import spend
from authn.db.transaction import reading, writing
from authn.devices.devices import list_devices
from authn.errors import N_, InvalidRequest, Refusal, Unavailable
from authn.federation.code_flow import (
    UpstreamAnswer,
    authorization_url,
    open_conversation,
    redeem_code,
)
from authn.federation.failures import (
    DEFAULT_TEXTS,
    NOTHING_CHANGED,
    TEXTS,
    not_in_register_refusal,
    other_person_refusal,
    refusal_from_answer,
    refusal_from_error,
    replayed_refusal,
)
from authn.federation.foreign_identities import (
    NotMatched,
    find_match,
    is_foreign,
    keep_unmatched_identity,
)
from authn.federation.identity_claims import UntrustedIdentity, identity_level, national_number
from authn.federation.proof import change_purpose, continue_address, new_proof, proof_token
from authn.federation.state import (
    LIFETIME,
    Purpose,
    UpstreamState,
    new_state,
    read_purpose,
    read_state,
)
from authn.federation.upstreams import Upstream, find_upstream
from authn.foreign_jwt import public_key_set
from authn.people.persons import find_or_create_person, find_person
from authn.people.tables import Person
from authn.secrets import token_hash
from authn.sessions.browser import current_session
from authn.sources.embedded.register import RegisterLookup, look_up_in_register
from authn.sources.real_sources import SourceDown, shared_sources
from authn.web.cookies import cookie_name, delete_cookie, set_cookie
from authn.web.failures import http_status
from authn.web.logs import logger
from authn.web.outgoing import NoAnswer
from authn.web.request import Request, inside, page, redirect
from authn.web.routing import calling_out_route, json_route

WAITING = "waiting"
# A token of ours; a cookie holds 4,096 characters with its name.
_WAITING = re.compile(r"[A-Za-z0-9._-]{0,3500}")
_STATE = "identity-state"


def begin_identity_proof(request: Request) -> Response:
    """Redirects the browser to the upstream's authorization endpoint."""
    upstream = find_upstream(request.settings, request.path_params["upstream"])
    purpose = read_purpose(request.query.get("purpose", ""))
    waiting = request.query.get("request", "")
    waiting = waiting if _WAITING.fullmatch(waiting) else ""
    with reading(request.site.database) as connection:
        session = current_session(inside(request, connection))
    if purpose == "raise" and session is None:
        return redirect("/devices/identity")  # which has them sign in first
    person_id = session.person_id if session else None
    state, token = new_state(request, upstream, purpose, person_id, waiting)
    try:
        location = authorization_url(request, upstream, state, token)
    except (Refusal, NoAnswer) as error:
        return _failure_page(request, upstream, purpose, waiting, refusal_from_error(error))
    answer = redirect(location)
    if waiting:
        # In a cookie: the upstream must not read which application asks, and `state` has no room.
        set_cookie(answer, request.settings, WAITING, waiting, LIFETIME)
    return answer


def complete_identity_proof(request: Request) -> Response:
    """Redirects to the page of the purpose with a proof; or shows a page that says why not."""
    upstream = find_upstream(request.settings, request.path_params["upstream"])
    state, waiting = None, ""
    try:
        state = read_state(request, upstream, request.query.get("state", ""))
        waiting = _waiting(request, state)
        answered = _verify_answer(request, upstream, state)
        lookup = _look_up_citizen(request, upstream, answered)
        with writing(request.site.database) as connection:
            proven = _ProvenIdentity(state, answered, lookup)
            location = _record_proof(inside(request, connection), upstream, proven, waiting)
    except NotMatched as unmatched:
        return _unmatched_page(request, unmatched)
    except (Refusal, NoAnswer) as error:
        purpose = state.purpose if state else None
        return _failure_page(request, upstream, purpose, waiting, refusal_from_error(error))
    answer = redirect(location)
    if waiting:  # else the cookie is another tab's, and stays
        delete_cookie(answer, request.settings, WAITING)
    return answer


def show_public_keys(request: Request) -> Response:
    """The public halves of our keys for an upstream, as a JWK Set."""
    upstream = find_upstream(request.settings, request.path_params["upstream"])
    body = orjson.dumps(public_key_set(upstream.keys))
    headers = {"Cache-Control": "public, max-age=1800"}
    return Response(body, media_type="application/jwk-set+json", headers=headers)


def _waiting(request: Request, state: UpstreamState) -> str:
    """The authorization request that the flow began with, "" where the cookie is another tab's."""
    waiting = request.cookies.get(cookie_name(request.settings, WAITING), "")
    return waiting if waiting and token_hash(waiting) == state.request_hash else ""


def _verify_answer(request: Request, upstream: Upstream, state: UpstreamState) -> UpstreamAnswer:
    """The upstream's verified answer; raises a `Refusal` or `NoAnswer`. Nothing is written."""
    with open_conversation(request, upstream) as talk:
        issuer = request.query.get("iss")
        # RFC 9207 §2.4: before anything else in the answer is believed
        if issuer is None and talk.provider().names_issuer:
            raise UntrustedIdentity("no iss in the answer")
        if issuer is not None and issuer != upstream.issuer:
            raise UntrustedIdentity("iss of the answer")
        if "error" in request.query:
            raise refusal_from_answer(request.query["error"])
        if not request.query.get("code"):
            raise InvalidRequest("invalid_answer", N_("The answer of the other service is empty."))
        return redeem_code(talk, state, request.query["code"])


@dataclass(frozen=True, slots=True)
class _ProvenIdentity:
    """The verified answer of an upstream, and the look-up of its number in the register."""

    state: UpstreamState
    answer: UpstreamAnswer
    lookup: RegisterLookup | None


def _look_up_citizen(
    request: Request, upstream: Upstream, answer: UpstreamAnswer
) -> RegisterLookup | None:
    """The look-up of the answer's number in the national register.

    None without a valid number, which `_record_proof` refuses. Not to be called in a transaction.
    """
    site = request.site
    try:
        ssin = national_number(answer.userinfo, upstream, request.now)
    except Refusal:
        return None
    try:
        return look_up_in_register(shared_sources(site), site.settings, site.secrets, ssin)
    except SourceDown:
        words = N_("The national register could not be asked right now.")
    raise Unavailable(words, detail="national register", retry_after=30)


def _record_proof(
    request: Request, upstream: Upstream, proven: _ProvenIdentity, waiting: str
) -> str:
    """The address where the proof is used; the state is spent, and the event recorded."""
    state, answer = proven.state, proven.answer
    # Only now: an answer that was not verified writes nothing (decisions 2.2).
    if not spend(request.connection, f"{_STATE}:{state.id}", state.began_at + LIFETIME):
        raise replayed_refusal()
    try:
        if not is_foreign(upstream, answer):
            national_number(answer.userinfo, upstream, request.now)  # or why there is none
        level = identity_level(_claims_with_acr(answer), upstream, state.began_at, request.now)
        person, identity_id = _find_proven_person(request, upstream, proven)
        session = current_session(request)
        if not state.is_for(request, person.id) or (session and session.person_id != person.id):
            raise other_person_refusal()
    except Refusal as refusal:
        refused = IdentityRefused(upstream=upstream.id, reason=refusal.error)
        record(request.connection, request.secrets, refused, request.now, request.reference)
        raise
    proof = new_proof(request, person.id, upstream.id, level, state.purpose, identity_id)
    if state.purpose == "enrol" and list_devices(request.connection, person.id):
        # The person has devices already: this is an account recovery.
        proof = change_purpose(proof, "return")
    event = IdentityProven(
        person_id=person.id, upstream=upstream.id, level=level, purpose=proof.purpose
    )
    record(request.connection, request.secrets, event, request.now, request.reference)
    return continue_address(proof.purpose, proof_token(request, proof), waiting)


def _claims_with_acr(answer: UpstreamAnswer) -> dict[str, Any]:
    """The ID token's claims, with the `acr` that some upstreams give in userinfo alone."""
    claims = dict(answer.id_token)
    if "acr" not in claims and "acr" in answer.userinfo:
        claims["acr"] = answer.userinfo["acr"]
    return claims


def _find_proven_person(
    request: Request, upstream: Upstream, proven: _ProvenIdentity
) -> tuple[Person, UUID | None]:
    """The person proven, and the id of the foreign identity where a registrar matched one.

    A foreign identity that nobody has matched yet is kept, and `NotMatched` is raised.
    """
    if not is_foreign(upstream, proven.answer):
        assert proven.lookup is not None, "a number that can be read was looked up"
        return _require_living_citizen(request, proven.lookup), None
    matched = find_match(request.connection, request.secrets, upstream, proven.answer)
    if matched is None:
        keep_unmatched_identity(request, upstream, proven.answer)
        raise NotMatched
    person = find_person(request.connection, matched.person_id)
    if person is None or person.deceased:
        raise not_in_register_refusal("matched to nobody who lives")
    return person, matched.identity_id


def _require_living_citizen(request: Request, lookup: RegisterLookup) -> Person:
    """The living person that the register knows by a number, present or replaced."""
    citizen = lookup.citizen(request.connection)
    if citizen is None:
        raise not_in_register_refusal("not in the register")
    person = find_or_create_person(request.connection, request.secrets, citizen, request.now)
    if person.deceased:
        raise not_in_register_refusal("deceased")
    return person


def _unmatched_page(request: Request, refusal: NotMatched) -> Response:
    logger.info("refused", reference=request.reference, error=refusal.error, path="/identity")
    return page(request, "federation/unmatched.html", status=http_status(refusal))


def _failure_page(
    request: Request, upstream: Upstream, purpose: Purpose | None, waiting: str, refusal: Refusal
) -> Response:
    """The page that explains a refusal; `purpose` is None where the state could not be read."""
    logger.info(
        "refused",
        reference=request.reference,
        error=refusal.error,
        detail=refusal.detail,
        path="/identity",
        upstream=upstream.id,
    )
    words = TEXTS.get(refusal.error, DEFAULT_TEXTS)
    query = {"purpose": purpose or "", "request": waiting}
    again = urlencode({name: value for name, value in query.items() if value})
    answer = page(
        request,
        "federation/failed.html",
        status=http_status(refusal),
        title=request.translate(words.title),
        what_happened=request.translate(refusal.description),
        still_safe=request.translate(NOTHING_CHANGED),
        what_now=request.translate(words.what_now),
        upstream={"id": upstream.id, "name": upstream.name},
        again=again if purpose else None,
        purpose=purpose,
        request_token=waiting or None,
    )
    if isinstance(refusal, Unavailable):
        answer.headers["Retry-After"] = str(refusal.retry_after)
    return answer


routes = [
    calling_out_route("/identity/{upstream}", begin_identity_proof),
    calling_out_route("/identity/{upstream}/callback", complete_identity_proof),
    json_route("/identity/{upstream}/jwks", show_public_keys, method="GET", writes="no database"),
]

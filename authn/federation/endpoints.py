"""Off to an upstream, and back from it with a proof of identity."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import orjson
from starlette.responses import Response

from authn.audit.device_events import IdentityProven, IdentityRefused
from authn.audit.log import record
from authn.db.spent import spend
from authn.db.transaction import reading, writing
from authn.devices.devices import devices_of
from authn.errors import N_, InvalidRequest, Refusal, Unavailable
from authn.federation.code_flow import UpstreamAnswer, authorization_url, conversation, redeem
from authn.federation.failures import (
    NOTHING_CHANGED,
    OTHERWISE,
    WORDS,
    not_in_register,
    other_person,
    refusal_in_answer,
    refusal_of,
    replayed,
)
from authn.federation.foreign_identities import (
    NotMatched,
    is_foreign,
    keep_unmatched,
    person_matched,
)
from authn.federation.identity_claims import UntrustedIdentity, identity_level, national_number
from authn.federation.proof import for_purpose, going_on, new_proof, proof_token
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
from authn.people.persons import find_person, person_of
from authn.people.tables import Person
from authn.secrets import token_hash
from authn.sessions.cookie import current_session
from authn.sources.asking import SourceDown, sources_of
from authn.sources.register import RegisterLookup, look_up
from authn.web.cookies import cookie_name, delete_cookie, set_cookie
from authn.web.failures import status_of
from authn.web.logs import logger
from authn.web.outgoing import NoAnswer
from authn.web.request import Request, inside, page, redirect
from authn.web.routing import calling_out_route, json_route

WAITING = "waiting"
# A token of ours; a cookie holds 4,096 characters with its name.
_WAITING = re.compile(r"[A-Za-z0-9._-]{0,3500}")
_STATE = "identity-state"


def begin(request: Request) -> Response:
    """The browser is on its way to the upstream."""
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
        return _failure_page(request, upstream, purpose, waiting, refusal_of(error))
    answer = redirect(location)
    if waiting:
        # In a cookie: the upstream has no business to read who asked, nor room for it in `state`.
        set_cookie(answer, request.settings, WAITING, waiting, LIFETIME)
    return answer


def come_back(request: Request) -> Response:
    """On with a proof to what the person came for; or a page that says why not."""
    upstream = find_upstream(request.settings, request.path_params["upstream"])
    state, waiting = None, ""
    try:
        state = read_state(request, upstream, request.query.get("state", ""))
        waiting = _waiting(request, state)
        answered = _answer_of(request, upstream, state)
        found = _looked_up(request, upstream, answered)
        with writing(request.site.database) as connection:
            proven = _ProvenIdentity(state, answered, found)
            location = _on_with(inside(request, connection), upstream, proven, waiting)
    except NotMatched as unmatched:
        return _unmatched_page(request, unmatched)
    except (Refusal, NoAnswer) as error:
        purpose = state.purpose if state else None
        return _failure_page(request, upstream, purpose, waiting, refusal_of(error))
    answer = redirect(location)
    if waiting:  # what another tab left there waits on
        delete_cookie(answer, request.settings, WAITING)
    return answer


def our_keys(request: Request) -> Response:
    """The public halves of the keys that we use with this upstream, for it to read."""
    upstream = find_upstream(request.settings, request.path_params["upstream"])
    body = orjson.dumps(public_key_set(upstream.keys))
    headers = {"Cache-Control": "public, max-age=1800"}
    return Response(body, media_type="application/jwk-set+json", headers=headers)


def _waiting(request: Request, state: UpstreamState) -> str:
    """The authorization request that this flow began with: the cookie may be another tab's."""
    waiting = request.cookies.get(cookie_name(request.settings, WAITING), "")
    return waiting if waiting and token_hash(waiting) == state.request_hash else ""


def _answer_of(request: Request, upstream: Upstream, state: UpstreamState) -> UpstreamAnswer:
    """What the upstream says, verified; raises a `Refusal` or `NoAnswer`. Nothing is written."""
    with conversation(request, upstream) as talk:
        issuer = request.query.get("iss")
        # RFC 9207 §2.4: before anything else in the answer is believed
        if issuer is None and talk.provider().names_issuer:
            raise UntrustedIdentity("no iss in the answer")
        if issuer is not None and issuer != upstream.issuer:
            raise UntrustedIdentity("iss of the answer")
        if "error" in request.query:
            raise refusal_in_answer(request.query["error"])
        if not request.query.get("code"):
            raise InvalidRequest("invalid_answer", N_("The answer of the other service is empty."))
        return redeem(talk, state, request.query["code"])


@dataclass(frozen=True, slots=True)
class _ProvenIdentity:
    """What came back from an upstream, verified, and whom the national register knows by it."""

    state: UpstreamState
    answered: UpstreamAnswer
    found: RegisterLookup | None


def _looked_up(
    request: Request, upstream: Upstream, answered: UpstreamAnswer
) -> RegisterLookup | None:
    """Whom the national register knows by the number in the answer, asked in no transaction.

    None when there is no valid number in it, which `_on_with` refuses.
    """
    site = request.site
    try:
        ssin = national_number(answered.userinfo, upstream, request.now)
    except Refusal:
        return None
    try:
        return look_up(sources_of(site), site.settings, site.secrets, ssin)
    except SourceDown:
        words = N_("The national register could not be asked right now.")
    raise Unavailable(words, detail="national register", retry_after=30)


def _on_with(request: Request, upstream: Upstream, proven: _ProvenIdentity, waiting: str) -> str:
    """Where the browser goes on with its proof; the state is spent, and it is on record."""
    state, answered = proven.state, proven.answered
    # Only now: what was not verified writes nothing (decisions 2.2).
    if not spend(request.connection, f"{_STATE}:{state.id}", state.began_at + LIFETIME):
        raise replayed()
    try:
        if not is_foreign(upstream, answered):
            national_number(answered.userinfo, upstream, request.now)  # or why there is none
        level = identity_level(_with_acr(answered), upstream, state.began_at, request.now)
        person, identity_id = _whom(request, upstream, proven)
        session = current_session(request)
        if not state.is_for(request, person.id) or (session and session.person_id != person.id):
            raise other_person()
    except Refusal as refusal:
        refused = IdentityRefused(upstream=upstream.id, reason=refusal.error)
        record(request.connection, request.secrets, refused, request.now, request.reference)
        raise
    proof = new_proof(request, person.id, upstream.id, level, state.purpose, identity_id)
    if state.purpose == "enrol" and devices_of(request.connection, person.id):
        # Somebody who has devices comes back to them; a first one it would not be.
        proof = for_purpose(proof, "return")
    event = IdentityProven(
        person_id=person.id, upstream=upstream.id, level=level, purpose=proof.purpose
    )
    record(request.connection, request.secrets, event, request.now, request.reference)
    return going_on(proof.purpose, proof_token(request, proof), waiting)


def _with_acr(answered: UpstreamAnswer) -> dict[str, Any]:
    """The ID token's claims, with the `acr` that some say in userinfo alone."""
    claims = dict(answered.id_token)
    if "acr" not in claims and "acr" in answered.userinfo:
        claims["acr"] = answered.userinfo["acr"]
    return claims


def _whom(
    request: Request, upstream: Upstream, proven: _ProvenIdentity
) -> tuple[Person, UUID | None]:
    """The person of the number in the answer, or whom a registrar matched the identity to; with
    that identity, if it was one.

    One that nobody has matched yet waits, and `NotMatched` is raised.
    """
    if not is_foreign(upstream, proven.answered):
        assert proven.found is not None, "a number that can be read was looked up"
        return _person(request, proven.found), None
    matched = person_matched(request.connection, request.secrets, upstream, proven.answered)
    if matched is None:
        keep_unmatched(request, upstream, proven.answered)
        raise NotMatched
    person = find_person(request.connection, matched.person_id)
    if person is None or person.deceased:
        raise not_in_register("matched to nobody who lives")
    return person, matched.identity_id


def _person(request: Request, found: RegisterLookup) -> Person:
    """The living person that the register knows by this number, present or replaced."""
    citizen = found.citizen(request.connection)
    if citizen is None:
        raise not_in_register("not in the register")
    person = person_of(request.connection, request.secrets, citizen, request.now)
    if person.deceased:
        raise not_in_register("deceased")
    return person


def _unmatched_page(request: Request, refusal: NotMatched) -> Response:
    logger.info("refused", reference=request.reference, error=refusal.error, path="/identity")
    return page(request, "federation/unmatched.html", status=status_of(refusal))


def _failure_page(
    request: Request, upstream: Upstream, purpose: Purpose | None, waiting: str, refusal: Refusal
) -> Response:
    """The page that says so; `purpose` is None where it is not known what the person came for."""
    logger.info(
        "refused",
        reference=request.reference,
        error=refusal.error,
        detail=refusal.detail,
        path="/identity",
        upstream=upstream.id,
    )
    words = WORDS.get(refusal.error, OTHERWISE)
    query = {"purpose": purpose or "", "request": waiting}
    again = urlencode({name: value for name, value in query.items() if value})
    answer = page(
        request,
        "federation/failed.html",
        status=status_of(refusal),
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
    calling_out_route("/identity/{upstream}", begin),
    calling_out_route("/identity/{upstream}/callback", come_back),
    json_route("/identity/{upstream}/jwks", our_keys, method="GET", writes="no database"),
]

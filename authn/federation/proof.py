"""Proofs of identity: signed tokens that a browser gets after an upstream proved a person.

A proof is for one browser and one purpose, valid for 15 minutes, and used once: an endpoint that
accepts a proof spends it in the same transaction (decisions 3.1).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import cast
from urllib.parse import urlencode
from uuid import UUID

from authn.db.once import spend
from authn.devices.tables import IdentityLevel
from authn.errors import N_, Expired, Forbidden, InvalidRequest
from authn.federation.foreign_identities import find_identity
from authn.federation.state import Purpose
from authn.secrets import new_token, read_token, sign_token
from authn.web.request import Request

LIFETIME = timedelta(minutes=15)
_KIND = "identity-proof"

# The page where a proof is used, by purpose.
CONTINUE: dict[Purpose, str] = {
    "enrol": "/activate/identity",
    "return": "/return",
    "block": "/lost/block",
    "raise": "/devices/identity",
}


@dataclass(frozen=True, slots=True)
class IdentityProof:
    """An upstream proved at `proven_at`, with the identity level `level`, who a person is.

    `identity_id` is the foreign identity that was matched to the person, if any.
    """

    id: str
    person_id: UUID
    upstream: str
    level: IdentityLevel
    purpose: Purpose
    proven_at: datetime
    identity_id: UUID | None = None


def new_proof(
    request: Request,
    person_id: UUID,
    upstream: str,
    level: IdentityLevel,
    purpose: Purpose,
    identity_id: UUID | None = None,
) -> IdentityProof:
    """A proof given now, not signed yet."""
    return IdentityProof(new_token(), person_id, upstream, level, purpose, request.now, identity_id)


def proof_token(request: Request, proof: IdentityProof) -> str:
    """The signed token of a proof for the request's browser, until 15 minutes after the proof."""
    content = {
        "id": proof.id,
        "person": str(proof.person_id),
        "upstream": proof.upstream,
        "level": proof.level,
        "purpose": proof.purpose,
        "proven": proof.proven_at,
        "browser": request.browser_hash,
        "identity": str(proof.identity_id or ""),
    }
    left = proof.proven_at + LIFETIME - request.now
    return sign_token(request.secrets, _KIND, content, request.now, left)


def read_proof(request: Request, token: str, purpose: Purpose) -> IdentityProof:
    """The proof in a token, given to the request's browser for a purpose; the proof is not spent.

    Raises `InvalidRequest` (not ours, or for another purpose), `Expired`, or `Forbidden` in another
    browser and where the match of its foreign identity was taken away since. The caller checks
    whether the person may still do what they want.
    """
    try:
        content = read_token(request.secrets, _KIND, token, request.now)
    except Expired:
        raise _expired() from None
    if content["purpose"] != purpose:
        raise InvalidRequest("invalid_proof", N_("This page is for something else."))
    if content["browser"] != request.browser_hash:
        raise Forbidden(
            "other_browser", N_("This was started in another browser. Please start again here.")
        )
    proof = IdentityProof(
        id=content["id"],
        person_id=UUID(content["person"]),
        upstream=content["upstream"],
        level=cast(IdentityLevel, content["level"]),
        purpose=purpose,
        proven_at=datetime.fromisoformat(content["proven"]),
        identity_id=UUID(content["identity"]) if content.get("identity") else None,
    )
    _require_match(request, proof)
    return proof


def continue_address(purpose: Purpose, token: str, waiting: str = "") -> str:
    """The address of the page where a proof is used, with the waiting authorization request."""
    query = {"proof": token, "request": waiting}
    words = urlencode({name: value for name, value in query.items() if value})
    return f"{CONTINUE[purpose]}?{words}"


def spend_proof(request: Request, proof: IdentityProof) -> None:
    """The proof is used up by this transaction alone; raises `Expired` where it was used before.

    Raises `Forbidden` as `read_proof`. The caller has locked the person, as has a transaction that
    takes a match away: of the two at the same time only one succeeds.
    """
    if not spend(request.connection, f"{_KIND}:{proof.id}", proof.proven_at + LIFETIME):
        raise _expired()
    _require_match(request, proof)


def change_purpose(proof: IdentityProof, purpose: Purpose) -> IdentityProof:
    """The proof with another purpose; it can still be used only once."""
    return replace(proof, purpose=purpose)


def _require_match(request: Request, proof: IdentityProof) -> None:
    if proof.identity_id is None:
        return
    found = find_identity(request.connection, request.secrets, proof.identity_id)
    if found is None or found.person_id != proof.person_id:
        raise Forbidden(
            "not_matched_any_more",
            N_("This identity does not lead to your account any more. Ask the help desk."),
        )


def _expired() -> Expired:
    return Expired(
        "proof_expired", N_("Your proof of identity was used, or is older than 15 minutes.")
    )

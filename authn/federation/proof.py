"""A proof of identity: what an upstream said, held by the browser that it was said to.

Signed, for one purpose, worth 15 minutes, used once: whoever lets a proof do something spends it
in the same transaction (decisions 3.1).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import cast
from urllib.parse import urlencode
from uuid import UUID

from authn.db.spent import spend
from authn.devices.tables import IdentityLevel
from authn.errors import N_, Expired, Forbidden, InvalidRequest
from authn.federation.foreign_identities import find_identity
from authn.federation.state import Purpose
from authn.secrets import new_token, read_token, sign_token
from authn.web.request import Request

LIFETIME = timedelta(minutes=15)
_KIND = "identity-proof"

# Where a browser goes on with a proof, by purpose.
CONTINUE: dict[Purpose, str] = {
    "enrol": "/activate/identity",
    "return": "/return",
    "block": "/lost/block",
    "raise": "/devices/identity",
}


@dataclass(frozen=True, slots=True)
class IdentityProof:
    """An upstream proved, at `proven_at` and as well as `level`, that this person is here.

    `identity_id` is the foreign identity that was matched to the person, where it was one.
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
    """A proof that was given now."""
    return IdentityProof(new_token(), person_id, upstream, level, purpose, request.now, identity_id)


def proof_token(request: Request, proof: IdentityProof) -> str:
    """The proof for this browser, until it is 15 minutes old."""
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
    """The proof in this token, given to this browser for this purpose; it is not spent.

    Raises `InvalidRequest` (not ours, or for another purpose), `Expired`, or `Forbidden` in another
    browser and where the match that it rests on was taken away since. Whether the person may still
    do it is the caller's to ask.
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


def going_on(purpose: Purpose, token: str, waiting: str = "") -> str:
    """The address where a proof is used, with the authorization request that waits, if any."""
    query = {"proof": token, "request": waiting}
    words = urlencode({name: value for name, value in query.items() if value})
    return f"{CONTINUE[purpose]}?{words}"


def spend_proof(request: Request, proof: IdentityProof) -> None:
    """The proof has done what it could, in this transaction alone; raises `Expired` otherwise.

    And `Forbidden`, as `read_proof`: who takes a match away has locked the person, as the caller
    has by now, so that of the two at once one alone happens.
    """
    if not spend(request.connection, f"{_KIND}:{proof.id}", proof.proven_at + LIFETIME):
        raise _expired()
    _require_match(request, proof)


def for_purpose(proof: IdentityProof, purpose: Purpose) -> IdentityProof:
    """The same proof, to be used once still, where it turns out to be for something else."""
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

"""Challenges of both ceremonies: random, valid for five minutes, answered once.

A challenge is in a signed token, the ceremony token, and stored nowhere until it is burnt: its hash
is kept when a response to it verifies. The token names kind, act, target, browser and the pending
authorization request, if any, so that a challenge serves exactly what it was made for
(decisions 2.1).
"""

from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Connection, delete

from authn.db.once import insert_once
from authn.errors import N_, Expired, InvalidRequest
from authn.secrets import new_token, read_token, sign_token, token_hash
from authn.web.request import Request
from authn.webauthn.tables import burnt_challenges

LIFETIME = timedelta(minutes=5)
TIMEOUT_MILLISECONDS = int(LIFETIME.total_seconds()) * 1000

Kind = Literal["registration", "authentication"]
Conveyance = Literal["none", "direct"]  # of attestation, WebAuthn §5.4.7


@dataclass(frozen=True, slots=True)
class ChallengePurpose:
    """The use of a challenge: an act, on a target, for a pending authorization request.

    `target` is an opaque id of ours, "" where the act has none; `request_id` is that of the
    authorization request that the person signs in for.
    """

    act: str
    target: str = ""
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Challenge:
    """A challenge that the browser sent back: ours, in time, from its browser, for its purpose.

    `text` is base64url, as in the client data; `attestation` is the conveyance that was asked for.
    `confirmed_by` is the device with which the person had to confirm before, if they had to.
    """

    text: str
    issued_at: datetime
    attestation: Conveyance
    confirmed_by: UUID | None

    @property
    def bytes(self) -> bytes:
        """The 32 bytes themselves."""
        return urlsafe_b64decode(self.text + "=")


def new_challenge(
    request: Request,
    kind: Kind,
    purpose: ChallengePurpose,
    attestation: Conveyance = "none",
    confirmed_by: UUID | None = None,
) -> tuple[str, str]:
    """A challenge of 32 random bytes in base64url, and the ceremony token that carries them."""
    challenge = new_token()
    content = {
        "challenge": challenge,
        "browser": request.browser_hash,
        "issued_at": request.now,
        "attestation": attestation,
        "confirmed_by": confirmed_by,
        **_purpose_members(purpose),
    }
    token = sign_token(request.secrets, f"ceremony:{kind}", content, request.now, LIFETIME)
    return challenge, token


def read_challenge(request: Request, kind: Kind, purpose: ChallengePurpose) -> Challenge:
    """The challenge in the request's ceremony token; nothing is written.

    Raises `InvalidRequest` when the challenge was made for another kind, act, target, request or
    browser, and `Expired` after five minutes.
    """
    token = request.json.get("ceremony")
    if not isinstance(token, str):
        raise InvalidRequest("invalid_ceremony", OUT_OF_PLACE, detail="no ceremony token")
    content = read_token(request.secrets, f"ceremony:{kind}", token, request.now)
    if content["browser"] != request.browser_hash:
        raise InvalidRequest("invalid_ceremony", OUT_OF_PLACE, detail="another browser")
    if any(content.get(name) != value for name, value in _purpose_members(purpose).items()):
        raise InvalidRequest("invalid_ceremony", OUT_OF_PLACE, detail="another act or target")
    confirmed_by = content.get("confirmed_by")
    return Challenge(
        content["challenge"],
        datetime.fromisoformat(content["issued_at"]),
        content.get("attestation", "none"),
        UUID(confirmed_by) if confirmed_by else None,
    )


def burn_challenge(connection: Connection, challenge: Challenge) -> None:
    """The challenge can't be answered again; raises `Expired` if it was answered before."""
    row = {
        "challenge_hash": token_hash(challenge.text),
        "expires_at": challenge.issued_at + LIFETIME,
    }
    if not insert_once(connection, burnt_challenges, row):
        raise Expired("replayed", N_("This was already used. Please try again."))


def delete_expired_challenges(connection: Connection, now: datetime) -> int:
    """The number of burnt challenges deleted: their tokens have expired by themselves."""
    statement = delete(burnt_challenges).where(burnt_challenges.c.expires_at < now)
    return connection.execute(statement).rowcount


OUT_OF_PLACE = N_("This answer belongs to another page. Please reload the page and try again.")


def _purpose_members(purpose: ChallengePurpose) -> Mapping[str, Any]:
    return {"act": purpose.act, "target": purpose.target, "request": purpose.request_id}

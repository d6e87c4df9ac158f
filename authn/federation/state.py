"""`state`: what comes back with the browser, signed by us (RFC 6749 §10.12).

It names upstream, purpose, browser and, where somebody is signed in, that person: in a form that
only we can compare, since the upstream reads it. The verifier of PKCE and the nonce are derived
from its id and our key, so that nothing of a flow is stored before its end.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args
from uuid import UUID

from authn.errors import N_, Expired, Forbidden, InvalidRequest
from authn.federation.upstreams import Upstream
from authn.secrets import derived_token, new_token, read_token, sign_token, token_hash
from authn.web.request import Request

Purpose = Literal["enrol", "return", "block", "raise"]
LIFETIME = timedelta(minutes=15)
_KIND = "identity-state"


@dataclass(frozen=True, slots=True)
class UpstreamState:
    """A flow that has begun. `request_hash` is that of the authorization request that waits."""

    id: str
    purpose: Purpose
    began_at: datetime
    holder: str
    request_hash: str

    def verifier(self, request: Request) -> str:
        """The `code_verifier` of this flow (RFC 7636 §4.1): 43 characters."""
        return derived_token(request.secrets, "identity-verifier", self.id)

    def nonce(self, request: Request) -> str:
        """What the ID token must repeat (Core §3.1.2.1)."""
        return derived_token(request.secrets, "identity-nonce", self.id)

    def is_for(self, request: Request, person_id: UUID) -> bool:
        """Whether it may prove this person: anybody, unless somebody was signed in."""
        if not self.holder:
            return True
        return hmac.compare_digest(self.holder, _holder(request, self.id, person_id))


def read_purpose(text: str) -> Purpose:
    """The purpose of this name; raises `InvalidRequest`."""
    for purpose in get_args(Purpose):
        if text == purpose:
            return purpose  # type: ignore[no-any-return]
    raise InvalidRequest("invalid_request", N_("This link is not complete."))


def new_state(
    request: Request, upstream: Upstream, purpose: Purpose, person_id: UUID | None, waiting: str
) -> tuple[UpstreamState, str]:
    """A flow of this browser that begins now, and the `state` that carries it.

    `waiting` is the token of the authorization request that the person came with, "" without.
    """
    state_id = new_token()
    state = UpstreamState(
        id=state_id,
        purpose=purpose,
        began_at=request.now,
        holder=_holder(request, state_id, person_id) if person_id else "",
        request_hash=token_hash(waiting) if waiting else "",
    )
    content = {
        "id": state.id,
        "upstream": upstream.id,
        "purpose": purpose,
        "browser": request.browser_hash,
        "began": state.began_at,
        "holder": state.holder,
        "request": state.request_hash,
    }
    return state, sign_token(request.secrets, _KIND, content, request.now, LIFETIME)


def read_state(request: Request, upstream: Upstream, token: str) -> UpstreamState:
    """The flow that this browser began with this upstream; nothing is spent yet.

    Raises `InvalidRequest` (not ours, or of another upstream), `Expired`, or `Forbidden` when
    another browser began it.
    """
    try:
        content = read_token(request.secrets, _KIND, token, request.now)
    except Expired:
        raise Expired("expired", N_("It took more than 15 minutes. Please start again.")) from None
    if content["upstream"] != upstream.id:
        raise InvalidRequest("invalid_state", N_("This answer belongs to something else."))
    if content["browser"] != request.browser_hash:
        raise Forbidden(
            "other_browser", N_("This was started in another browser. Please start again here.")
        )
    return UpstreamState(
        id=content["id"],
        purpose=content["purpose"],
        began_at=datetime.fromisoformat(content["began"]),
        holder=content["holder"],
        request_hash=content["request"],
    )


def _holder(request: Request, state_id: str, person_id: UUID) -> str:
    return derived_token(request.secrets, "identity-holder", f"{state_id}:{person_id}")

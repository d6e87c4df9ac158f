"""The parameter `state` of an authorization request to an upstream, signed (RFC 6749 §10.12).

The state names upstream, purpose, browser and, where somebody is signed in, that person: by a keyed
hash, since the upstream can read the state. The PKCE verifier and the nonce are derived from its id
and our key, so that nothing of a flow is stored before its end.
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
    """A flow at an upstream that has begun.

    `holder` is the keyed hash of the person signed in, `request_hash` the hash of the waiting
    authorization request; "" without.
    """

    id: str
    purpose: Purpose
    began_at: datetime
    holder: str
    request_hash: str

    def verifier(self, request: Request) -> str:
        """The `code_verifier` of this flow (RFC 7636 §4.1): 43 characters."""
        return derived_token(request.secrets, "identity-verifier", self.id)

    def nonce(self, request: Request) -> str:
        """The `nonce` that the ID token must repeat (Core §3.1.2.1)."""
        return derived_token(request.secrets, "identity-nonce", self.id)

    def is_for(self, request: Request, person_id: UUID) -> bool:
        """Whether the flow may prove a person: anybody, unless another person was signed in."""
        if not self.holder:
            return True
        return hmac.compare_digest(self.holder, _holder(request, self.id, person_id))


def read_purpose(text: str) -> Purpose:
    """The purpose with a name; raises `InvalidRequest`."""
    for purpose in get_args(Purpose):
        if text == purpose:
            return purpose  # type: ignore[no-any-return]
    raise InvalidRequest("invalid_request", N_("This link is not complete."))


def new_state(
    request: Request, upstream: Upstream, purpose: Purpose, person_id: UUID | None, waiting: str
) -> tuple[UpstreamState, str]:
    """A flow of the request's browser that begins now, and the signed `state` for it.

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
    """The flow that the request's browser began with an upstream; nothing is spent yet.

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

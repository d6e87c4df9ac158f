"""An authorization request that waits for its person, as a signed token."""

from datetime import timedelta

from authn.errors import N_, Expired, Forbidden
from authn.grants.authorization_request import AuthorizationRequest
from authn.secrets import read_token, sign_token
from authn.web.request import Request

PURPOSE = "authorization-request"
LIFETIME = timedelta(minutes=10)


def pending_token(request: Request, pending: AuthorizationRequest) -> str:
    """The pending request for this browser alone, valid until ten minutes after it arrived."""
    content = {"request": pending.pack(), "browser": request.browser_hash}
    left = pending.arrived_at + LIFETIME - request.now
    return sign_token(request.secrets, PURPOSE, content, request.now, left)


def read_pending(request: Request, token: str) -> AuthorizationRequest:
    """The request that waits under this token.

    Raises `InvalidRequest` (not ours), `Expired`, or `Forbidden` when another browser began it.
    """
    try:
        content = read_token(request.secrets, PURPOSE, token, request.now)
    except Expired:
        message = N_("You took a little long. Go back to your application and sign in again.")
        raise Expired("expired", message) from None
    if content["browser"] != request.browser_hash:
        raise Forbidden(
            "other_browser",
            N_("This sign-in was started in another browser. Please start again here."),
        )
    return AuthorizationRequest.unpack(content["request"])

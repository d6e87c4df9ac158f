"""Our own protected resources: an access token is required of a request, and checked.

RFC 6750 (https://www.rfc-editor.org/rfc/rfc6750), RFC 9449 §7
(https://www.rfc-editor.org/rfc/rfc9449#section-7), RFC 8705 §3
(https://www.rfc-editor.org/rfc/rfc8705#section-3).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from authn.clients.clients import Client, find_client
from authn.grants.access_tokens import LiveGrant
from authn.grants.confirmation import Confirmation
from authn.jose import InvalidToken
from authn.oidc.client_authentication.credentials import authorization_headers
from authn.oidc.tokens.active_token import AccessToken, require_active_token
from authn.oidc.tokens.dpop import DPOP_ALGORITHMS, verify_proof
from authn.oidc.tokens.sender_constraint import presented_thumbprint
from authn.profiles.profile import Profile
from authn.web.protocol import ProtocolError
from authn.web.request import Request

BEARER: Final = "Bearer"
DPOP: Final = "DPoP"
REALM = "userinfo"
_PARAMETERS = {BEARER: "", DPOP: f', algs="{" ".join(DPOP_ALGORITHMS)}"'}  # RFC 9449 §7.1


@dataclass(frozen=True, slots=True, repr=False)
class PresentedToken:
    """An access token as sent, not verified, with its scheme; in a form the scheme is `Bearer`."""

    scheme: str
    unverified_token: str


def presented_token(headers: Mapping[str, str], form: Mapping[str, str]) -> PresentedToken:
    """The access token in the header or the form (RFC 6750 §2); raises `ProtocolError` for both."""
    sent = authorization_headers(headers)
    scheme, _, credentials = "".join(sent[:1]).partition(" ")
    known = {each.lower(): each for each in _PARAMETERS}.get(scheme.lower(), "")
    in_header = credentials.strip() if known else ""
    in_form = form.get("access_token", "")
    if len(sent) > 1 or (in_header and in_form):
        raise token_refusal("invalid_request", "The token was sent in two ways.", status=400)
    if not in_header and not in_form:
        # RFC 6750 §3.1: who sent none is told how, and nothing more.
        raise ProtocolError(
            "invalid_token",
            "An access token is needed.",
            status=401,
            headers={"WWW-Authenticate": _challenges("", REALM)},
        )
    return PresentedToken(known, in_header) if in_header else PresentedToken(BEARER, in_form)


def require_token_of_person(
    request: Request, audience: str, realm: str = REALM
) -> tuple[AccessToken, LiveGrant, Profile]:
    """A person's active access token in the request, with its grant and the person's capacity.

    The token is for the audience, and came with the key or certificate to which it is bound; a DPoP
    proof is spent. Raises a `ProtocolError` in the form of RFC 6750 §3, and what answers 503 as
    `require_active_token` does.
    """
    try:
        return _require_token(request, audience)
    except ProtocolError as error:
        if challenge := error.headers.get("WWW-Authenticate"):
            error.headers["WWW-Authenticate"] = challenge.replace(_realm(REALM), _realm(realm))
        raise


def _require_token(request: Request, audience: str) -> tuple[AccessToken, LiveGrant, Profile]:
    presented = presented_token(request.headers, request.form)
    try:
        living = require_active_token(request, presented.unverified_token, audience)
    except InvalidToken:
        raise _inactive_token(presented) from None
    token, live = living.token, living.live
    # A system's has no person, and one that was got by an exchange is for no resource of ours.
    if live is None or live.grant.client_id != token.client_id:
        raise _inactive_token(presented)
    _check_confirmation(request, presented, token.confirmation, fapi=live.fapi)
    return token, live, living.profile


def _inactive_token(presented: PresentedToken) -> ProtocolError:
    description = "The token is invalid, expired or ended."
    return token_refusal("invalid_token", description, scheme=presented.scheme)


def require_token_of_system(request: Request, audience: str) -> tuple[AccessToken, Client]:
    """A system's active access token in the request, and the system.

    Raises as `require_token_of_person` does.
    """
    presented = presented_token(request.headers, request.form)
    try:
        living = require_active_token(request, presented.unverified_token, audience)
    except InvalidToken:
        raise _inactive_token(presented) from None
    client = find_client(request.connection, living.token.client_id)
    if living.live is not None or client is None:
        raise token_refusal("invalid_token", "The token is a person's.", scheme=presented.scheme)
    _check_confirmation(request, presented, living.token.confirmation, fapi=client.fapi)
    return living.token, client


def token_refusal(
    error: str,
    description: str,
    *,
    status: int = 401,
    scheme: str = BEARER,
    realm: str = REALM,
    **more: str,
) -> ProtocolError:
    """The error with its `WWW-Authenticate` header; `scheme` is the scheme that was tried.

    `more` are further parameters of the header: what a token would need (RFC 6750 §3, RFC 9470 §3).
    """
    parameters = {"error": error, "error_description": description, **more}
    text = "".join(f', {name}="{value}"' for name, value in parameters.items())
    challenges = _challenges(scheme, realm, text)
    return ProtocolError(
        error, description, status=status, headers={"WWW-Authenticate": challenges}
    )


def _check_confirmation(
    request: Request, presented: PresentedToken, confirmation: Confirmation, *, fapi: bool
) -> None:
    """Raises `ProtocolError` unless the request proves the key or certificate of the binding."""
    if confirmation.jkt:
        _check_proof(request, presented, confirmation.jkt, fapi=fapi)
    elif presented.scheme == DPOP:
        raise token_refusal("invalid_token", "The token is not bound to a DPoP key.", scheme=DPOP)
    if confirmation.x5t_s256 and presented_thumbprint(request) != confirmation.x5t_s256:
        raise token_refusal("invalid_token", "The token is bound to another certificate.")


def _check_proof(request: Request, presented: PresentedToken, jkt: str, *, fapi: bool) -> None:
    if presented.scheme != DPOP:  # RFC 9449 §7.2: else whoever steals it could use it
        raise token_refusal("invalid_token", "The token is bound to a DPoP key: a proof is needed.")
    try:
        proven = verify_proof(request, presented.unverified_token, fapi=fapi)
    except ProtocolError as error:
        refusal = token_refusal(error.error, error.description, scheme=DPOP)
        refusal.headers |= error.headers
        raise refusal from None
    if proven != jkt:
        raise token_refusal("invalid_token", "The token is bound to another DPoP key.", scheme=DPOP)


def _realm(name: str) -> str:
    return f' realm="{name}"'


def _challenges(tried: str, realm: str, error: str = "") -> str:
    """The challenges of both schemes, the tried scheme with the error (RFC 9449 §7.2)."""
    return ", ".join(
        f"{scheme}{_realm(realm)}{error if scheme == tried else ''}{parameters}"
        for scheme, parameters in _PARAMETERS.items()
    )

"""A resource of our own: the access token that a request presents, and what is asked without one.

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
from authn.oidc.access_token import AccessToken
from authn.oidc.confirmation import presented_thumbprint
from authn.oidc.credentials import authorizations
from authn.oidc.dpop import DPOP_ALGORITHMS, verified_proof
from authn.oidc.living_token import living_token
from authn.profiles.profile import Profile
from authn.web.protocol import ProtocolError
from authn.web.request import Request

BEARER: Final = "Bearer"
DPOP: Final = "DPoP"
REALM = "userinfo"
_PARAMETERS = {BEARER: "", DPOP: f', algs="{" ".join(DPOP_ALGORITHMS)}"'}  # RFC 9449 §7.1


@dataclass(frozen=True, slots=True, repr=False)
class PresentedToken:
    """An access token as it was sent, not verified; in the form of a POST it is a `Bearer`."""

    scheme: str
    unverified_token: str


def presented_token(headers: Mapping[str, str], form: Mapping[str, str]) -> PresentedToken:
    """The access token from the header or the form (RFC 6750 §2); from both is refused."""
    sent = authorizations(headers)
    scheme, _, credentials = "".join(sent[:1]).partition(" ")
    known = {each.lower(): each for each in _PARAMETERS}.get(scheme.lower(), "")
    in_header = credentials.strip() if known else ""
    in_form = form.get("access_token", "")
    if len(sent) > 1 or (in_header and in_form):
        raise refused("invalid_request", "The token was sent in two ways.", status=400)
    if not in_header and not in_form:
        # RFC 6750 §3.1: who sent none is told how, and nothing more.
        raise ProtocolError(
            "invalid_token",
            "An access token is needed.",
            status=401,
            headers={"WWW-Authenticate": _challenges("", REALM)},
        )
    return PresentedToken(known, in_header) if in_header else PresentedToken(BEARER, in_form)


def accepted_token(
    request: Request, audience: str, realm: str = REALM
) -> tuple[AccessToken, LiveGrant, Profile]:
    """What the presented token says, the living grant that it is of, and in which capacity.

    It is for this audience, and came with what it is bound to: the DPoP proof is spent. Raises a
    `ProtocolError` in the form of RFC 6750 §3, and what answers 503 as `living_token` does.
    """
    try:
        return _accepted(request, audience)
    except ProtocolError as error:
        if challenge := error.headers.get("WWW-Authenticate"):
            error.headers["WWW-Authenticate"] = challenge.replace(_realm(REALM), _realm(realm))
        raise


def _accepted(request: Request, audience: str) -> tuple[AccessToken, LiveGrant, Profile]:
    presented = presented_token(request.headers, request.form)
    try:
        living = living_token(request, presented.unverified_token, audience)
    except InvalidToken:
        raise _ended(presented) from None
    token, live = living.token, living.live
    # A system's has no person, and one that was got by an exchange is for no resource of ours.
    if live is None or live.grant.client_id != token.client_id:
        raise _ended(presented)
    _check_confirmation(request, presented, token.confirmation, fapi=live.fapi)
    return token, live, living.profile


def _ended(presented: PresentedToken) -> ProtocolError:
    description = "The token is invalid, expired or ended."
    return refused("invalid_token", description, scheme=presented.scheme)


def accepted_token_of_system(request: Request, audience: str) -> tuple[AccessToken, Client]:
    """What the presented token says, and the client that got it for itself; raises as
    `accepted_token`."""
    presented = presented_token(request.headers, request.form)
    try:
        living = living_token(request, presented.unverified_token, audience)
    except InvalidToken:
        raise _ended(presented) from None
    client = find_client(request.connection, living.token.client_id)
    if living.live is not None or client is None:
        raise refused("invalid_token", "The token is a person's.", scheme=presented.scheme)
    _check_confirmation(request, presented, living.token.confirmation, fapi=client.fapi)
    return living.token, client


def refused(
    error: str,
    description: str,
    *,
    status: int = 401,
    scheme: str = BEARER,
    realm: str = REALM,
    **more: str,
) -> ProtocolError:
    """The refusal with its `WWW-Authenticate` header; `scheme` is the one that was tried.

    `more` are further parameters of it: what a token would need (RFC 6750 §3, RFC 9470 §3).
    """
    said = {"error": error, "error_description": description, **more}
    words = "".join(f', {name}="{value}"' for name, value in said.items())
    challenges = _challenges(scheme, realm, words)
    return ProtocolError(
        error, description, status=status, headers={"WWW-Authenticate": challenges}
    )


def _check_confirmation(
    request: Request, presented: PresentedToken, confirmation: Confirmation, *, fapi: bool
) -> None:
    """The token came with the key or certificate that it is bound to."""
    if confirmation.jkt:
        _check_proof(request, presented, confirmation.jkt, fapi=fapi)
    elif presented.scheme == DPOP:
        raise refused("invalid_token", "The token is not bound to a DPoP key.", scheme=DPOP)
    if confirmation.x5t_s256 and presented_thumbprint(request) != confirmation.x5t_s256:
        raise refused("invalid_token", "The token is bound to another certificate.")


def _check_proof(request: Request, presented: PresentedToken, jkt: str, *, fapi: bool) -> None:
    if presented.scheme != DPOP:  # RFC 9449 §7.2: else whoever steals it could use it
        raise refused("invalid_token", "The token is bound to a DPoP key: a proof is needed.")
    try:
        proven = verified_proof(request, presented.unverified_token, fapi=fapi)
    except ProtocolError as error:
        refusal = refused(error.error, error.description, scheme=DPOP)
        refusal.headers |= error.headers
        raise refusal from None
    if proven != jkt:
        raise refused("invalid_token", "The token is bound to another DPoP key.", scheme=DPOP)


def _realm(name: str) -> str:
    return f' realm="{name}"'


def _challenges(tried: str, realm: str, error: str = "") -> str:
    """Both schemes, the one that was tried with its error (RFC 9449 §7.2)."""
    return ", ".join(
        f"{scheme}{_realm(realm)}{error if scheme == tried else ''}{parameters}"
        for scheme, parameters in _PARAMETERS.items()
    )

"""Assertions: JWTs by which a client authenticates (`private_key_jwt`), or that are grants.

RFC 7523 §2.2 and §3 (https://www.rfc-editor.org/rfc/rfc7523#section-3), RFC 7521 §4.2 and §5.2,
OpenID Connect Core 1.0 §9, FAPI 2.0 Security Profile §5.3.2.1. An assertion is good once, for at
most five minutes, and only for this provider (fosite CVE-2020-5300, CVE-2020-15222). The grant type
`jwt_bearer` uses the rules that both kinds share.

Why `aud` is one string: joserfc and others accept an array that holds us beside somebody else, who
could then use it here.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeGuard, cast

from authn import foreign_jwt
from authn.clients.clients import (
    ASSERTION_ALGORITHMS,
    FAPI_ASSERTION_ALGORITHMS,
    PRIVATE_KEY_JWT,
    Client,
)
from authn.clients.key_sets import verified_claims
from authn.db.once import spend
from authn.jose import InvalidToken
from authn.oidc.client_authentication.credentials import Credentials, invalid_client
from authn.settings import Settings
from authn.web.outgoing import NoAnswer
from authn.web.protocol import ProtocolError
from authn.web.request import Request

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TYPES = ("jwt", "client-authentication+jwt")
LONGEST_ASSERTION: Final = 16 * 1024
LONGEST_JTI: Final = 255
LONGEST_LIFE: Final = timedelta(minutes=5)
LEEWAY: Final = timedelta(seconds=60)  # between two clocks
_LATEST = datetime(9000, 1, 1, tzinfo=UTC).timestamp()


def has_assertion(form: Mapping[str, str]) -> bool:
    """Whether a request presents a client assertion, complete or not."""
    return "client_assertion" in form or "client_assertion_type" in form


def read_assertion_credentials(form: Mapping[str, str]) -> Credentials:
    """The credentials of a client assertion, not verified; raises `ProtocolError`."""
    assertion = form.get("client_assertion", "")
    if form.get("client_assertion_type") != ASSERTION_TYPE or not assertion:
        raise ProtocolError(
            "invalid_request", "client_assertion and the client_assertion_type of a JWT are needed."
        )
    try:
        # RFC 7523 §3: `sub` is the client_id, which need not be sent beside it (RFC 7521 §4.2).
        unverified_subject = unverified_claims(assertion).get("sub")
    except InvalidToken:
        raise invalid_client("the client_assertion cannot be read") from None
    if not isinstance(unverified_subject, str):
        raise invalid_client("the client_assertion has no sub")
    if form.get("client_id", unverified_subject) != unverified_subject:
        raise ProtocolError("invalid_request", "The client_id is not the client_assertion's sub.")
    return Credentials((PRIVATE_KEY_JWT,), unverified_subject, assertion=assertion)


def check_assertion(request: Request, client: Client, credentials: Credentials) -> None:
    """The client assertion is signed by the client, for this provider, valid now, and then spent.

    Raises `ProtocolError` (`invalid_client`), and `NeededFromOutside` for the client's key set.
    """
    try:
        claims = verified_claims(
            request.site,
            client.metadata,
            credentials.assertion,
            request.now,
            algorithms=_algorithms(client),
            types=TYPES,
        )
    except (InvalidToken, NoAnswer) as error:
        raise invalid_client(f"the signature of the client_assertion: {error!r}") from None
    fault = _faulty_claim(request, client, claims)
    if fault:
        raise invalid_client(f"the {fault} of the client_assertion")
    if not spend_assertion(request, f"client_assertion {client.client_id}", claims):
        raise invalid_client("the client_assertion was used before")


def accepted_audiences(settings: Settings, client: Client, path: str) -> frozenset[str]:
    """The values that the `aud` of an assertion may have at the endpoint with the given path."""
    if client.fapi:  # FAPI 2.0 Security Profile §5.3.2.1
        return frozenset({settings.issuer})
    origins = {settings.issuer, settings.mtls_origin or settings.issuer}
    return frozenset(
        {settings.issuer, *(origin + each for origin in origins for each in ("/token", path))}
    )


def _algorithms(client: Client) -> tuple[str, ...]:
    allowed = FAPI_ASSERTION_ALGORITHMS if client.fapi else ASSERTION_ALGORITHMS
    registered = client.metadata.token_endpoint_auth_signing_alg
    return tuple(each for each in allowed if each == registered) if registered else allowed


def _faulty_claim(request: Request, client: Client, claims: Mapping[str, Any]) -> str:
    """The first claim that breaks RFC 7523 §3, in the order of its points; "" for none."""
    audience, jti = claims.get("aud"), claims.get("jti")
    if claims.get("iss") != client.client_id:  # 1
        return "iss"
    if claims.get("sub") != client.client_id:  # 2
        return "sub"
    if not isinstance(audience, str) or audience not in accepted_audiences(
        request.settings, client, request.path
    ):  # 3
        return "aud"
    if name := untimely_claim(claims, request.now.timestamp()):  # 4, 5, 6
        return name
    if not is_jti(jti):  # 7, Core §9
        return "jti"
    return ""


def unverified_claims(assertion: str) -> dict[str, Any]:
    """The claims of an assertion, its signature not verified; raises `InvalidToken`."""
    if len(assertion) > LONGEST_ASSERTION:
        raise InvalidToken
    return foreign_jwt.unverified_claims(assertion)


def untimely_claim(claims: Mapping[str, Any], now: float) -> str:
    """The claim by which an assertion is not valid at `now`, or valid for too long; "" for none."""
    leeway, longest = LEEWAY.total_seconds(), LONGEST_LIFE.total_seconds()
    exp, nbf, iat = claims.get("exp"), claims.get("nbf", now), claims.get("iat", now)
    if not _is_moment(exp) or exp + leeway <= now:
        return "exp"
    if not _is_moment(nbf) or nbf > now + leeway:
        return "nbf"
    if not _is_moment(iat) or iat > now + leeway:
        return "iat"
    if exp > now + longest + leeway or ("iat" in claims and exp - iat > longest):
        return "life"
    return ""


def is_jti(value: object) -> TypeGuard[str]:
    """Whether the value can be the `jti` of an assertion."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST_JTI


def spend_assertion(request: Request, signer: str, claims: Mapping[str, Any]) -> bool:
    """Whether the assertion is spent by this call; False if used before.

    Its `exp` and `jti` have been checked. Two signers may use the same `jti`: `signer` is which.
    """
    expires_at = datetime.fromtimestamp(claims["exp"], UTC) + LEEWAY
    return spend(request.connection, f"{signer} {claims['jti']}", expires_at)


def _is_moment(value: object) -> TypeGuard[float]:
    """Whether the value is a NumericDate (RFC 7519 §2) that `datetime` can hold."""
    return type(value) in (int, float) and 0 <= cast(float, value) <= _LATEST

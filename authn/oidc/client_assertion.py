"""`private_key_jwt`: a client authenticates with a JWT that it signed.

RFC 7523 §2.2 and §3 (https://www.rfc-editor.org/rfc/rfc7523#section-3), RFC 7521 §4.2 and §5.2,
OpenID Connect Core 1.0 §9, FAPI 2.0 Security Profile §5.3.2.1. Each is good once, for at most five
minutes, and only for this provider (fosite CVE-2020-5300, CVE-2020-15222).

Why `aud` is one string: joserfc and others accept an array that holds us beside somebody else, who
could then use it here.
"""

from collections.abc import Mapping
from typing import Any

from authn.clients.clients import PRIVATE_KEY_JWT, Client
from authn.clients.key_sets import verified_claims
from authn.clients.protocol_words import ASSERTION_ALGORITHMS, FAPI_ASSERTION_ALGORITHMS
from authn.jose import InvalidToken
from authn.oidc.assertion import is_jti, spend_assertion, untimely, unverified_claims
from authn.oidc.credentials import Credentials, invalid_client
from authn.settings import Settings
from authn.web.outgoing import NoAnswer
from authn.web.protocol import ProtocolError
from authn.web.request import Request

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TYPES = ("jwt", "client-authentication+jwt")


def presents_assertion(form: Mapping[str, str]) -> bool:
    """Whether a request authenticates with an assertion, or means to."""
    return "client_assertion" in form or "client_assertion_type" in form


def credentials_of_assertion(form: Mapping[str, str]) -> Credentials:
    """What the form presents; raises `ProtocolError`. Nothing of it is verified yet."""
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
    """The assertion is the client's, for us, valid now, and spent from now on.

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
    fault = _fault(request, client, claims)
    if fault:
        raise invalid_client(f"the {fault} of the client_assertion")
    if not spend_assertion(request, f"client_assertion {client.client_id}", claims):
        raise invalid_client("the client_assertion was used before")


def audiences(settings: Settings, client: Client, path: str) -> frozenset[str]:
    """What `aud` may be, at the endpoint with this path."""
    if client.fapi:  # FAPI 2.0 Security Profile §5.3.2.1
        return frozenset({settings.issuer})
    origins = {settings.issuer, settings.mtls_origin or settings.issuer}
    return frozenset(
        {settings.issuer, *(origin + each for origin in origins for each in ("/token", path))}
    )


def _algorithms(client: Client) -> tuple[str, ...]:
    allowed = FAPI_ASSERTION_ALGORITHMS if client.fapi else ASSERTION_ALGORITHMS
    said = client.metadata.token_endpoint_auth_signing_alg
    return tuple(each for each in allowed if each == said) if said else allowed


def _fault(request: Request, client: Client, claims: Mapping[str, Any]) -> str:
    """The first claim that is not as it must be; "" for none (RFC 7523 §3, in its order)."""
    audience, jti = claims.get("aud"), claims.get("jti")
    if claims.get("iss") != client.client_id:  # 1
        return "iss"
    if claims.get("sub") != client.client_id:  # 2
        return "sub"
    if not isinstance(audience, str) or audience not in audiences(
        request.settings, client, request.path
    ):  # 3
        return "aud"
    if name := untimely(claims, request.now.timestamp()):  # 4, 5, 6
        return name
    if not is_jti(jti):  # 7, Core §9
        return "jti"
    return ""

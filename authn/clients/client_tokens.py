"""JWTs for one client, signed and encrypted as the client registered: ID tokens, userinfo, JARM….

OpenID Connect Core 1.0 §10 and §16.14 (https://openid.net/specs/openid-connect-core-1_0.html):
signed first, then encrypted. Registration 1.0 §2 has the defaults.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from authn.clients.clients import Client
from authn.clients.key_sets import find_client_keys
from authn.errors import Unavailable
from authn.foreign_jwt import ExchangeKey, NoFittingKey, encrypt_jwe
from authn.jose import ALGORITHMS, sign
from authn.keys.signing_keys import SigningKeys, current_keys
from authn.web.outgoing import NoAnswer
from authn.web.protocol import ProtocolError
from authn.web.request import Request

DEFAULT_CONTENT_ENCRYPTION = "A128CBC-HS256"
JWT = "JWT"


@dataclass(frozen=True, slots=True)
class ResponseAlgorithms:
    """The algorithms of a kind of JWT for a client, by the names of its registration.

    `signed_response_alg` signs. Nothing is encrypted where `encrypted_response_alg` is ""; where
    `encrypted_response_enc` is, `A128CBC-HS256` is meant (Registration §2).
    """

    signed_response_alg: str
    encrypted_response_alg: str = ""
    encrypted_response_enc: str = ""


def build_client_token(
    request: Request,
    client: Client,
    claims: Mapping[str, Any],
    algorithms: ResponseAlgorithms,
    typ: str = JWT,
) -> str:
    """A JWT with the claims, signed by this service and, if registered so, encrypted to the client.

    Raises `NeededFromOutside` when the keys of the client must be fetched first, `Unavailable` when
    fetching fails, and `ProtocolError` when no key fits.
    """
    keys = current_keys(request.site, request.connection, request.now)
    token = sign_claims(keys, algorithms.signed_response_alg, claims, typ)
    return encrypt_for_client(request, client, token, algorithms)


def encrypt_for_client(
    request: Request, client: Client, content: str, algorithms: ResponseAlgorithms, cty: str = JWT
) -> str:
    """The JWT, or another text with `cty` "", encrypted to the client if registered so.

    Raises as `build_client_token`.
    """
    if not algorithms.encrypted_response_alg:
        return content
    try:
        client_keys = find_client_keys(request.site, client, request.now)
    except NoAnswer as failure:
        raise Unavailable(detail=f"keys of a client: {failure}") from None
    enc = algorithms.encrypted_response_enc
    return encrypt_to_keys(client_keys, content, algorithms.encrypted_response_alg, enc, cty)


def sign_claims(keys: SigningKeys, alg: str, claims: Mapping[str, Any], typ: str = JWT) -> str:
    """A JWT with the claims, signed with the active key of an algorithm of this service.

    Raises `ProtocolError` for an unknown algorithm, which no registration names.
    """
    for known in ALGORITHMS:
        if alg == known:
            return sign(keys.active[known], claims, typ)
    raise ProtocolError("invalid_request", "The client is registered with an unknown algorithm.")


def encrypt_to_keys(
    client_keys: Iterable[ExchangeKey], token: str, alg: str, enc: str = "", cty: str = JWT
) -> str:
    """The token in a JWE (RFC 7519 §5.2), encrypted to the first key that fits the algorithm.

    `cty` is "" where the text is no JWT. Raises `ProtocolError` when no key fits.
    """
    try:
        return encrypt_jwe(token, client_keys, alg, enc or DEFAULT_CONTENT_ENCRYPTION, cty)
    except NoFittingKey:
        raise ProtocolError(
            "invalid_request", f"The client has no key that it can be answered with by {alg}."
        ) from None

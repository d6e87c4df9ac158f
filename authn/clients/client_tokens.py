"""JWTs of ours for one client, signed and encrypted as it registered: ID tokens, userinfo, JARM…

OpenID Connect Core 1.0 §10 and §16.14 (https://openid.net/specs/openid-connect-core-1_0.html):
signed first, then encrypted. Registration 1.0 §2 for what is meant where a client says less.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from authn.clients.clients import Client
from authn.clients.key_sets import keys_of_client
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
class SealingKeys:
    """How a kind of JWT is made for a client, by the names of its registration.

    `signed_response_alg` signs it. Nothing is encrypted where `encrypted_response_alg` is ""; where
    `encrypted_response_enc` is, `A128CBC-HS256` is meant (Registration §2).
    """

    signed_response_alg: str
    encrypted_response_alg: str = ""
    encrypted_response_enc: str = ""


def token_for_client(
    request: Request,
    client: Client,
    claims: Mapping[str, Any],
    sealing: SealingKeys,
    typ: str = JWT,
) -> str:
    """The claims, signed by us and, where the client wants it so, encrypted to it.

    Raises `NeededFromOutside` when its keys must be fetched first, `Unavailable` when they can't be
    had, and `ProtocolError` when none of them fits.
    """
    keys = current_keys(request.site, request.connection, request.now)
    token = signed_for(keys, sealing.signed_response_alg, claims, typ)
    return sealed_for_client(request, client, token, sealing)


def sealed_for_client(
    request: Request, client: Client, content: str, sealing: SealingKeys, cty: str = JWT
) -> str:
    """The JWT, or another text with `cty` "", encrypted to the client where it wants it so.

    Raises as `token_for_client` does.
    """
    if not sealing.encrypted_response_alg:
        return content
    try:
        client_keys = keys_of_client(request.site, client, request.now)
    except NoAnswer as failure:
        raise Unavailable(detail=f"keys of a client: {failure}") from None
    enc = sealing.encrypted_response_enc
    return encrypted_for(client_keys, content, sealing.encrypted_response_alg, enc, cty)


def signed_for(keys: SigningKeys, alg: str, claims: Mapping[str, Any], typ: str = JWT) -> str:
    """The claims, signed with our active key of this algorithm.

    Raises `ProtocolError` when there is no such algorithm; a registration names none that isn't.
    """
    for known in ALGORITHMS:
        if alg == known:
            return sign(keys.active[known], claims, typ)
    raise ProtocolError("invalid_request", "The client is registered with an unknown algorithm.")


def encrypted_for(
    client_keys: Iterable[ExchangeKey], token: str, alg: str, enc: str = "", cty: str = JWT
) -> str:
    """The token in a JWE (RFC 7519 §5.2), for the first of the client's keys that may be used so.

    `cty` is "" where the text is no JWT. Raises `ProtocolError` when no key fits.
    """
    try:
        return encrypt_jwe(token, client_keys, alg, enc or DEFAULT_CONTENT_ENCRYPTION, cty)
    except NoFittingKey:
        raise ProtocolError(
            "invalid_request", f"The client has no key that it can be answered with by {alg}."
        ) from None

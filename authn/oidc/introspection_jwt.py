"""The answer of the introspection endpoint as a JWT that the resource server can keep.

RFC 9701, JWT Response for OAuth Token Introspection (https://www.rfc-editor.org/rfc/rfc9701).
"""

from collections.abc import Mapping
from typing import Any

from authn.clients.client_tokens import SealingKeys, token_for_client
from authn.clients.clients import Client
from authn.jose import RS256, seconds
from authn.web.request import Request

TYP = "token-introspection+jwt"
MEDIA_TYPE = f"application/{TYP}"


def introspection_jwt(request: Request, client: Client, answer: Mapping[str, Any]) -> str:
    """The answer, signed for this resource server and, where it registered so, encrypted (§5).

    Neither `sub` nor `exp` stands outside, so that it can be taken for no other JWT (§8.1). Raises
    as `token_for_client` does.
    """
    claims = {
        "iss": request.settings.issuer,
        "aud": client.client_id,
        "iat": seconds(request.now),
        "token_introspection": answer,
    }
    return token_for_client(request, client, claims, _sealing(client), TYP)


def _sealing(client: Client) -> SealingKeys:
    """What the client registered; else RS256 (§6), which a FAPI client never uses."""
    metadata = client.metadata
    default = client.id_token_signed_response_alg if client.fapi else RS256
    return SealingKeys(
        metadata.introspection_signed_response_alg or default,
        metadata.introspection_encrypted_response_alg,
        metadata.introspection_encrypted_response_enc,
    )

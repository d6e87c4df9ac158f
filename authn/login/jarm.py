"""The authorization response as a signed JWT, encrypted where the client registered that.

JWT Secured Authorization Response Mode for OAuth 2.0, JARM
(https://openid.net/specs/oauth-v2-jarm.html).
"""

from collections.abc import Mapping
from datetime import timedelta

from authn.clients.client_tokens import ResponseAlgorithms, encrypt_for_client, sign_claims
from authn.clients.clients import Client
from authn.errors import Unavailable
from authn.jose import RS256, numeric_date
from authn.keys.signing_keys import current_keys
from authn.web.protocol import ProtocolError
from authn.web.request import Request

LIFETIME = timedelta(minutes=5)  # §2.1: at most ten


def response_jwt(request: Request, client: Client, parameters: Mapping[str, str]) -> str:
    """The JWT with the parameters of an authorization response (§2.1, §2.2).

    An error is signed and not encrypted where `can_encrypt_response` is False.
    """
    claims = {
        "iss": request.settings.issuer,
        "aud": client.client_id,
        "exp": numeric_date(request.now + LIFETIME),
        **parameters,
    }
    keys = current_keys(request.site, request.connection, request.now)
    signed = sign_claims(keys, response_algorithms(client).signed_response_alg, claims)
    if "error" in parameters and not can_encrypt_response(request, client):
        return signed
    return encrypt_for_client(request, client, signed, response_algorithms(client))


def can_encrypt_response(request: Request, client: Client) -> bool:
    """Whether a response can be encrypted as the client registered; True if it registered nothing.

    Raises `NeededFromOutside` when its keys must be fetched.
    """
    try:
        encrypt_for_client(request, client, "", response_algorithms(client))
    except (Unavailable, ProtocolError):
        return False
    return True


def response_algorithms(client: Client) -> ResponseAlgorithms:
    """The signing and encryption algorithms that the client registered (§3)."""
    return ResponseAlgorithms(
        signing_algorithm(client),
        client.metadata.authorization_encrypted_response_alg,
        client.metadata.authorization_encrypted_response_enc,
    )


def signing_algorithm(client: Client) -> str:
    """What the client registered; else RS256 (§3), and for a FAPI client what signs its ID tokens.

    FAPI 2.0 Security Profile §5.4 has no RS256.
    """
    registered = client.metadata.authorization_signed_response_alg
    return registered or (client.id_token_signed_response_alg if client.fapi else RS256)

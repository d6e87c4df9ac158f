"""The authorization response as a signed JWT, encrypted for the client that wants it so.

JWT Secured Authorization Response Mode for OAuth 2.0, JARM
(https://openid.net/specs/oauth-v2-jarm.html).
"""

from collections.abc import Mapping
from datetime import timedelta

from authn.clients.client_tokens import SealingKeys, sealed_for_client, signed_for
from authn.clients.clients import Client
from authn.errors import Unavailable
from authn.jose import RS256, seconds
from authn.keys.signing_keys import current_keys
from authn.web.protocol import ProtocolError
from authn.web.request import Request

LIFETIME = timedelta(minutes=5)  # §2.1: at most ten


def response_jwt(request: Request, client: Client, parameters: Mapping[str, str]) -> str:
    """The `response` that holds these parameters, for this client alone (§2.1, §2.2).

    Where `can_be_sealed` says no, it is signed and nothing more: for an error.
    """
    claims = {
        "iss": request.settings.issuer,
        "aud": client.client_id,
        "exp": seconds(request.now + LIFETIME),
        **parameters,
    }
    keys = current_keys(request.site, request.connection, request.now)
    signed = signed_for(keys, sealing(client).signed_response_alg, claims)
    if "error" in parameters and not can_be_sealed(request, client):
        return signed
    return sealed_for_client(request, client, signed, sealing(client))


def can_be_sealed(request: Request, client: Client) -> bool:
    """Whether a code can be told to this client in a JWT, encrypted if that is its wish.

    Raises `NeededFromOutside` when its keys must be fetched.
    """
    try:
        sealed_for_client(request, client, "", sealing(client))
    except (Unavailable, ProtocolError):
        return False
    return True


def sealing(client: Client) -> SealingKeys:
    """How the client wants its responses, by its registration (§3)."""
    return SealingKeys(
        signing_algorithm(client),
        client.metadata.authorization_encrypted_response_alg,
        client.metadata.authorization_encrypted_response_enc,
    )


def signing_algorithm(client: Client) -> str:
    """What the client registered; else RS256 (§3), and for a FAPI client what signs its ID tokens.

    FAPI 2.0 Security Profile §5.4 has no RS256.
    """
    said = client.metadata.authorization_signed_response_alg
    return said or (client.id_token_signed_response_alg if client.fapi else RS256)

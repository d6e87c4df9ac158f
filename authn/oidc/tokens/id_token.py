"""ID tokens: who signed in, when and how, for one client.

OpenID Connect Core 1.0 §2 (https://openid.net/specs/openid-connect-core-1_0.html#IDToken). An ID
token comes back in URLs as `id_token_hint`, so it has no claim of a scope, only those that the
parameter `claims` named and the person allowed (§5.5), and never a national number (decisions 1.5).

There is no `s_hash` and no `c_hash`: they are for an ID token from /authorize, together with a
state and a code (§3.3.2.11, FAPI 1.0 Part 2 §5.1.1). Ours come from /token alone.
"""

import base64
import hashlib
from datetime import timedelta
from typing import Any

from authn.clients.client_tokens import ResponseAlgorithms, build_client_token, encrypt_for_client
from authn.clients.clients import Client
from authn.consents.scopes import ClaimSources, permitted_claims, person_claims_for_id_token
from authn.grants.grants import Grant
from authn.jose import EDDSA, numeric_date
from authn.oidc.requests.requested_authentication import ID_TOKEN_TYP
from authn.people.persons import find_person
from authn.sessions.levels import acr, amr
from authn.web.request import Request

LIFETIME = timedelta(minutes=5)


def build_id_token(
    request: Request, client: Client, grant: Grant, nonce: str, access_token: str
) -> str:
    """The ID token beside an access token, signed and encrypted as the client registered.

    `nonce` is that of the authorization request, "" where there was none and after a refresh (Core
    §12.2). Raises as `build_client_token` does.
    """
    settings, now = request.settings, request.now
    claims: dict[str, Any] = {
        **_person_claims(request, client, grant),
        "iss": settings.issuer,
        "sub": grant.subject,
        "aud": grant.client_id,
        "exp": numeric_date(now + LIFETIME),
        "iat": numeric_date(now),
        "auth_time": numeric_date(grant.auth_time),
        "acr": acr(settings, grant.level),
        "amr": amr(grant.level),
        "sid": grant.sid,
        "at_hash": at_hash(access_token, client.id_token_signed_response_alg),
    }
    if nonce:
        claims["nonce"] = nonce
    return build_client_token(request, client, claims, _sealing(client), ID_TOKEN_TYP)


def check_id_token_can_be_built(request: Request, client: Client) -> None:
    """Raises as `build_id_token` would: asked before a code or refresh token is spent.

    A client whose keys are away or do not fit keeps its code.
    """
    encrypt_for_client(request, client, "", _sealing(client))


def _sealing(client: Client) -> ResponseAlgorithms:
    """The algorithms by which the client registered to have its ID tokens signed and encrypted."""
    return ResponseAlgorithms(
        client.id_token_signed_response_alg,
        client.metadata.id_token_encrypted_response_alg,
        client.metadata.id_token_encrypted_response_enc,
    )


def _person_claims(request: Request, client: Client, grant: Grant) -> dict[str, str]:
    """The claims about the person that `claims` asked, as far as known and the client may ask."""
    names = permitted_claims(client.scope, grant.allowed.claims_id_token)
    person = find_person(request.connection, grant.person_id) if names else None
    return person_claims_for_id_token(ClaimSources(person, grant.subject), names) if person else {}


def at_hash(access_token: str, alg: str) -> str:
    """The left half of the hash that the ID token's algorithm uses (Core §3.1.3.6).

    Ed25519 uses SHA-512 (RFC 8032 §5.1), the other three SHA-256.
    """
    hashing = hashlib.sha512 if alg == EDDSA else hashlib.sha256
    digest = hashing(access_token.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()

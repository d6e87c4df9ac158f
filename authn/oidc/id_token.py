"""ID tokens: who signed in, when and how, for one client.

OpenID Connect Core 1.0 §2 (https://openid.net/specs/openid-connect-core-1_0.html#IDToken). They
come back in URLs as `id_token_hint`, so no claim of a scope is in them, only what the parameter
`claims` named and the person allowed (§5.5), and never a national number (decisions 1.5).

There is no `s_hash` and no `c_hash`: they are for an ID token that comes from /authorize, together
with a state and a code (§3.3.2.11, FAPI 1.0 Part 2 §5.1.1). Ours come from /token alone.
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from authn.clients.client_tokens import SealingKeys, sealed_for_client, token_for_client
from authn.clients.clients import Client
from authn.consents.scopes import KnownScopes, claims_within, person_claims_for_id_token
from authn.grants.grants import Grant
from authn.jose import EDDSA, InvalidToken, seconds, verify
from authn.keys.signing_keys import SigningKeys
from authn.people.persons import find_person
from authn.sessions.levels import acr, amr
from authn.settings import Settings
from authn.web.request import Request

LIFETIME = timedelta(minutes=5)
TYP = "JWT"


def id_token(request: Request, client: Client, grant: Grant, nonce: str, access_token: str) -> str:
    """The ID token that goes with this access token, signed and encrypted as the client wants it.

    `nonce` is that of the authorization request, "" where there was none and after a refresh (Core
    §12.2). Raises as `token_for_client` does.
    """
    settings, now = request.settings, request.now
    claims: dict[str, Any] = {
        **_person_claims(request, client, grant),
        "iss": settings.issuer,
        "sub": grant.subject,
        "aud": grant.client_id,
        "exp": seconds(now + LIFETIME),
        "iat": seconds(now),
        "auth_time": seconds(grant.auth_time),
        "acr": acr(settings, grant.level),
        "amr": amr(grant.level),
        "sid": grant.sid,
        "at_hash": at_hash(access_token, client.id_token_signed_response_alg),
    }
    if nonce:
        claims["nonce"] = nonce
    return token_for_client(request, client, claims, _sealing(client), TYP)


def check_it_can_be_made(request: Request, client: Client) -> None:
    """Raises as `id_token` does, for a grant type to ask before it spends what was presented.

    Else a client whose keys are away, or don't fit, would lose its code for nothing.
    """
    sealed_for_client(request, client, "", _sealing(client))


def _sealing(client: Client) -> SealingKeys:
    """How the client wants its ID tokens, by its registration."""
    return SealingKeys(
        client.id_token_signed_response_alg,
        client.metadata.id_token_encrypted_response_alg,
        client.metadata.id_token_encrypted_response_enc,
    )


def _person_claims(request: Request, client: Client, grant: Grant) -> dict[str, str]:
    """What the parameter `claims` asked of the person in the ID token, as far as known, and as far
    as the client may ask it to this day."""
    names = claims_within(client.scope, grant.allowed.claims_id_token)
    person = find_person(request.connection, grant.person_id) if names else None
    return person_claims_for_id_token(KnownScopes(person, grant.subject), names) if person else {}


def at_hash(access_token: str, alg: str) -> str:
    """The left half of the hash that the ID token's algorithm uses (Core §3.1.3.6).

    Ed25519 uses SHA-512 (RFC 8032 §5.1), the other three SHA-256.
    """
    hashing = hashlib.sha512 if alg == EDDSA else hashlib.sha256
    digest = hashing(access_token.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class IdTokenHint:
    """What an `id_token_hint` told, its signature verified; it may have expired."""

    client_id: str
    subject: str
    sid: str


def read_hint(keys: SigningKeys, settings: Settings, token: str) -> IdTokenHint | None:
    """What an ID token of ours says, expired or not, of a key that was retired within a year.

    (Protocol 4.15.) None for anything else: also for an encrypted one, since we can't open what was
    encrypted to the client. A client that gets such ones sends the JWT inside (Core §3.1.2.1).
    """
    try:
        claims = verify(token, keys.for_hints, TYP)
    except InvalidToken:
        return None
    # Others of our JWTs are of this type too; only ID tokens say both.
    if claims.get("iss") != settings.issuer or not {"sid", "auth_time"} <= claims.keys():
        return None
    return IdTokenHint(claims["aud"], claims["sub"], claims["sid"])

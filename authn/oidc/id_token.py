"""ID tokens: who signed in, when and how, for one client; nothing else about the person.

OpenID Connect Core 1.0 §2 (https://openid.net/specs/openid-connect-core-1_0.html#IDToken). They
come back in URLs as `id_token_hint`, so no claim of a scope is in them (protocol 1.5).
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from authn.clients.clients import Client
from authn.grants.grants import Grant
from authn.jose import InvalidToken, seconds, sign, verify
from authn.keys.signing_keys import Keys
from authn.oidc.levels import acr, amr
from authn.settings import Settings

LIFETIME = timedelta(minutes=5)
TYP = "JWT"


def id_token(
    keys: Keys,
    settings: Settings,
    client: Client,
    grant: Grant,
    nonce: str,
    access_token: str,
    now: datetime,
) -> str:
    """The ID token that goes with this access token, by the algorithm that the client wants."""
    claims: dict[str, Any] = {
        "iss": settings.issuer,
        "sub": grant.subject,
        "aud": grant.client_id,
        "exp": seconds(now + LIFETIME),
        "iat": seconds(now),
        "auth_time": seconds(grant.auth_time),
        "acr": acr(settings, grant.level),
        "amr": amr(grant.level),
        "sid": grant.sid,
        "at_hash": at_hash(access_token),
    }
    if nonce:
        claims["nonce"] = nonce
    return sign(keys.active[client.id_token_signed_response_alg], claims, TYP)


def at_hash(access_token: str) -> str:
    """The left half of the SHA-256, for both of our algorithms (Core §3.1.3.6)."""
    digest = hashlib.sha256(access_token.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Hint:
    """What an `id_token_hint` told, its signature verified; it may have expired."""

    client_id: str
    subject: str
    sid: str


def read_hint(keys: Keys, settings: Settings, token: str) -> Hint | None:
    """What an ID token of ours says, expired or not (protocol 4.15); None for anything else."""
    try:
        claims: Mapping[str, Any] = verify(token, keys.by_kid, TYP)
    except InvalidToken:
        return None
    if claims.get("iss") != settings.issuer or "sid" not in claims:
        return None
    return Hint(claims["aud"], claims["sub"], claims["sid"])

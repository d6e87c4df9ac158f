"""Access tokens: JWTs for one audience, five minutes.

RFC 9068, JWT Profile for OAuth 2.0 Access Tokens (https://www.rfc-editor.org/rfc/rfc9068).
No national number and no name is in them.
"""

import base64
import hashlib
from datetime import datetime

from authn.clients.clients import Client
from authn.grants.access_tokens import LIFETIME
from authn.grants.grants import Grant
from authn.jose import ES256, InvalidToken, seconds, sign, verify
from authn.keys.signing_keys import Keys
from authn.oidc.levels import acr, amr
from authn.settings import Settings

TYP = "at+jwt"


def audience(settings: Settings) -> str:
    """The one resource that access tokens are for: our userinfo endpoint (protocol 4.4)."""
    return f"{settings.issuer}/userinfo"


def access_token(
    keys: Keys, settings: Settings, client: Client, grant: Grant, jti: str, now: datetime
) -> str:
    """The access token of this grant of the client, with this `jti` (RFC 9068 §2.2)."""
    claims = {
        "iss": settings.issuer,
        "sub": grant.subject,
        "aud": audience(settings),
        "client_id": grant.client_id,
        "iat": seconds(now),
        "exp": seconds(now + LIFETIME),
        "jti": jti,
        "scope": grant.scope,
        "auth_time": seconds(grant.auth_time),
        "acr": acr(settings, grant.level),
        "amr": amr(grant.level),
    }
    if client.may_read_device_id:
        claims["device_id"] = device_id(grant, client)
    # Ours alone to verify, so always the cheaper algorithm.
    return sign(keys.active[ES256], claims, TYP)


def device_id(grant: Grant, client: Client) -> str:
    """What the applications of one sector know the device by, so that they can react to its end.

    A hash of the device's random id and the sector: no key is in it that rotates, nobody who
    doesn't know that id can guess it, and two sectors can't compare (protocol 1.3). `sub` is stored
    instead, since persons are merged; a device never is.
    """
    device = grant.device_id.bytes + client.sector_identifier.encode()
    digest = hashlib.sha256(device).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


def verified_jti_and_scope(
    keys: Keys, settings: Settings, token: str, now: datetime
) -> tuple[str, str]:
    """The `jti` and scope of a token that is ours, for userinfo, and not expired (RFC 9068 §4).

    Raises `InvalidToken`. Whether its grant is alive, the database tells.
    """
    claims = verify(token, keys.by_kid, TYP)
    if claims["iss"] != settings.issuer or claims["aud"] != audience(settings):
        raise InvalidToken
    if claims["exp"] <= now.timestamp():
        raise InvalidToken
    return claims["jti"], claims["scope"]

"""Access tokens: JWTs for one audience, five minutes.

RFC 9068, JWT Profile for OAuth 2.0 Access Tokens (https://www.rfc-editor.org/rfc/rfc9068).
No national number and no name is in them.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from authn.clients.clients import Client
from authn.grants.access_tokens import LIFETIME, new_jti
from authn.grants.confirmation import UNBOUND, Confirmation, confirmation_of_claim
from authn.grants.grants import Grant
from authn.jose import ES256, InvalidToken, seconds, sign, verify
from authn.keys.signing_keys import Keys
from authn.secrets import Secrets
from authn.sessions.levels import acr, amr
from authn.settings import Settings

TYP = "at+jwt"


def userinfo_audience(settings: Settings) -> str:
    """The resource that access tokens are for unless another was granted (protocol 4.4)."""
    return f"{settings.issuer}/userinfo"


@dataclass(frozen=True, slots=True)
class Authorised:
    """What an access token says: who may do what, for whom, where.

    `subject` is the `sub` at the audience, `sector` the one within which it and `device_id` are the
    same, `profile_id` in which capacity the person acts. Without a `grant` it is a system's, of the
    `organisation` (a CBE number). `act` is the chain of RFC 8693 §4.1. It never outlives
    `not_after`.
    """

    client: Client
    audience: str
    subject: str
    sector: str
    scope: str
    grant: Grant | None = None
    confirmation: Confirmation = UNBOUND
    act: Mapping[str, Any] | None = None
    authorization_details: tuple[Mapping[str, Any], ...] = ()
    organisation: str = ""
    profile_id: UUID | None = None
    not_after: datetime | None = None

    def expires_at(self, now: datetime) -> datetime:
        """When a token that is issued now ends."""
        return min(now + LIFETIME, self.not_after or now + LIFETIME)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a token of ours says, its signature and times verified; whether it lives, not yet."""

    jti: str
    client_id: str
    audience: str
    subject: str
    scope: str
    expires_at: datetime
    confirmation: Confirmation
    claims: Mapping[str, Any]


def access_token(
    keys: Keys, settings: Settings, secrets: Secrets, authorised: Authorised, now: datetime
) -> str:
    """The access token that says so (RFC 9068 §2.2)."""
    grant = authorised.grant
    claims: dict[str, Any] = {
        "iss": settings.issuer,
        "sub": authorised.subject,
        "aud": authorised.audience,
        "client_id": authorised.client.client_id,
        "iat": seconds(now),
        "exp": seconds(authorised.expires_at(now)),
        "jti": new_jti(secrets, grant.id if grant else None, authorised.profile_id),
        "scope": authorised.scope,
    }
    if grant is not None:
        claims |= {
            "auth_time": seconds(grant.auth_time),
            "acr": acr(settings, grant.level),
            "amr": amr(grant.level),
        }
        if authorised.client.may_read_device_id:
            claims["device_id"] = device_id(grant.device_id, authorised.sector)
    if authorised.organisation:
        claims["cbe"] = authorised.organisation
    if authorised.confirmation:
        claims["cnf"] = authorised.confirmation.claim
    if authorised.act:
        claims["act"] = authorised.act
    if authorised.authorization_details:
        claims["authorization_details"] = authorised.authorization_details
    return sign(keys.active[ES256], claims, TYP)


def device_id(device: UUID, sector: str) -> str:
    """What the applications of one sector know the device by, so that they can react to its end.

    A hash of the device's random id and the sector: no key is in it that rotates, nobody who
    doesn't know that id can guess it, and two sectors can't compare (protocol 1.3). `sub` is stored
    instead, since persons are merged; a device never is.
    """
    digest = hashlib.sha256(device.bytes + sector.encode()).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


def read_access_token(keys: Keys, settings: Settings, token: str, now: datetime) -> AccessToken:
    """What the token says, when it is ours and has not expired (RFC 9068 §4).

    Raises `InvalidToken`. Whether it is for whoever asks is the caller's to check; whether its
    grant is alive, the database tells.
    """
    claims = verify(token, keys.by_kid, TYP)
    if claims["iss"] != settings.issuer or claims["exp"] <= now.timestamp():
        raise InvalidToken
    return AccessToken(
        jti=claims["jti"],
        client_id=claims["client_id"],
        audience=claims["aud"],
        subject=claims["sub"],
        scope=claims["scope"],
        expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        confirmation=confirmation_of_claim(claims.get("cnf")),
        claims=claims,
    )

"""Access tokens: what they say, for one audience and five minutes; read again, in any form.

RFC 9068, JWT Profile for OAuth 2.0 Access Tokens (https://www.rfc-editor.org/rfc/rfc9068).
No name is in them; of whom one may act for the national numbers, where those who can read the token
may know them (`may_act`). In which form they go out, `token_format` decides.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from authn.clients.clients import Client
from authn.clients.resources import Resource
from authn.consents.authorization_details import PROFILE, Detail
from authn.grants.access_tokens import LIFETIME, new_jti
from authn.grants.confirmation import UNBOUND, Confirmation, confirmation_of_claim
from authn.grants.grants import Grant
from authn.jose import InvalidToken, UnknownKey, seconds, verify
from authn.keys.signing_keys import SigningKeys, current_keys, newer_keys
from authn.oidc.encrypted_token import opened_jwe
from authn.oidc.opaque_token import MARK, opened_claims
from authn.profiles.profile import CITIZEN, Profile
from authn.profiles.profiles import public_id
from authn.secrets import Secrets
from authn.sessions.levels import acr, amr
from authn.settings import Settings
from authn.web.request import Request

TYP = "at+jwt"
DOTS_OF_JWE: Final = 4


@dataclass(frozen=True, slots=True)
class AuthorisedAccess:
    """What an access token says: who may do what, for whom, where.

    `subject` is the `sub` at the audience, `sector` the one within which it and `device_id` are the
    same; `resource` is None for userinfo. Without a `grant` it is a system's, of the `organisation`
    (a CBE number). `act` is the chain of RFC 8693 §4.1. `may_act` is the federation's list.
    `switched_by` is the client that changed to the `profile`, where it is not the grant's. It never
    outlives `not_after`, nor the profile.
    """

    client: Client
    audience: str
    subject: str
    sector: str
    scope: str
    resource: Resource | None = None
    grant: Grant | None = None
    confirmation: Confirmation = UNBOUND
    act: Mapping[str, Any] | None = None
    authorization_details: tuple[Detail, ...] = ()
    organisation: str = ""
    profile: Profile = CITIZEN
    may_act: tuple[Mapping[str, Any], ...] = ()
    not_after: datetime | None = None
    switched_by: str = ""

    def expires_at(self, now: datetime) -> datetime:
        """When a token that is issued now ends."""
        ends = (now + LIFETIME, self.not_after, self.profile.valid_to)
        return min(each for each in ends if each)

    def details(self, sector: str) -> tuple[Detail, ...]:
        """The authorization details, with the capacity as it is known in this sector."""
        if self.grant is None or not self.tells_capacity:
            return self.authorization_details
        return (*self.authorization_details, capacity_detail(self.profile, sector))

    @property
    def tells_capacity(self) -> bool:
        """Whether it is said in which capacity the person acts: of a citizen only to a client that
        knows others."""
        return self.profile.id is not None or bool(self.client.profile_kinds)

    @property
    def for_the_resource_alone(self) -> bool:
        """Whether what the token says is for the resource to read, and not for the client."""
        resource = self.resource
        return resource is not None and (resource.encrypt_tokens or is_opaque(resource))

    @property
    def has_device_id(self) -> bool:
        """Whether all that can read the token may know the device (decisions 1.3)."""
        may = self.resource is not None and self.resource.may_read_device_id
        return self.client.may_read_device_id or (may and self.for_the_resource_alone)


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


def is_opaque(resource: Resource) -> bool:
    """Whether its tokens are read at the introspection endpoint alone."""
    return resource.token_format == "opaque"  # noqa: S105 (a name)


def capacity_detail(profile: Profile, sector: str) -> Detail:
    """In which capacity the person acts (RFC 9396 §2): a kind, and what this one is known by.

    No name, no number: which one it is, those know who were told the same `sub`.
    """
    return {
        "type": PROFILE,
        "kind": profile.kind,
        "sub": public_id(profile.consent_id, sector),
    }


def access_token_claims(
    settings: Settings, secrets: Secrets, authorised: AuthorisedAccess, now: datetime
) -> dict[str, Any]:
    """The claims of an access token that says so (RFC 9068 §2.2)."""
    grant = authorised.grant
    claims: dict[str, Any] = {
        "iss": settings.issuer,
        "sub": authorised.subject,
        "aud": authorised.audience,
        "client_id": authorised.client.client_id,
        "iat": seconds(now),
        "exp": seconds(authorised.expires_at(now)),
        "jti": new_jti(
            secrets, grant.id if grant else None, authorised.profile.id, authorised.switched_by
        ),
        "scope": authorised.scope,
    }
    if grant is not None:
        claims |= {
            "auth_time": seconds(grant.auth_time),
            "acr": acr(settings, grant.level),
            "amr": amr(grant.level),
        }
        if authorised.has_device_id:
            claims["device_id"] = device_id(grant.device_id, authorised.sector)
    some = {
        "cbe": authorised.organisation,
        "cnf": authorised.confirmation.claim if authorised.confirmation else None,
        "act": authorised.act,
        "authorization_details": authorised.details(authorised.sector),
        "may_act": authorised.may_act,
    }
    return claims | {name: value for name, value in some.items() if value}


def device_id(device: UUID, sector: str) -> str:
    """What the applications of one sector know the device by, so that they can react to its end.

    A hash of the device's random id and the sector: no key is in it that rotates, nobody who
    doesn't know that id can guess it, and two sectors can't compare (decisions 1.3). `sub` is
    stored instead, since persons are merged; a device never is.
    """
    digest = hashlib.sha256(device.bytes + sector.encode()).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


def our_access_token(request: Request, token: str) -> AccessToken:
    """What the token says, by the keys of now: as `read_access_token`, and raises as it does."""
    read = partial(
        read_access_token,
        settings=request.settings,
        secrets=request.secrets,
        token=token,
        now=request.now,
    )
    try:
        return read(current_keys(request.site, request.connection, request.now))
    except UnknownKey:
        keys = newer_keys(request.site, request.connection, request.now)
        if keys is None:
            raise
        return read(keys)


def read_access_token(
    keys: SigningKeys, settings: Settings, secrets: Secrets, token: str, now: datetime
) -> AccessToken:
    """What the token says, in whatever form, when it is ours and has not expired (RFC 9068 §4).

    Raises `InvalidToken`. Whether it is for whoever asks is the caller's to check; whether its
    grant is alive, the database tells.
    """
    claims = _claims(keys, secrets, token)
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


def _claims(keys: SigningKeys, secrets: Secrets, token: str) -> dict[str, Any]:
    if token.startswith(MARK):
        return opened_claims(secrets, token)
    # A client that gives back what only the resource can read.
    inside = opened_jwe(secrets, token) if token.count(".") == DOTS_OF_JWE else token
    return verify(inside, keys.by_kid, TYP)

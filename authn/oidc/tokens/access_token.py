"""Access tokens: their claims, and their form: a JWT, an encrypted JWT, or an opaque text.

RFC 9068, JWT Profile for OAuth 2.0 Access Tokens (https://www.rfc-editor.org/rfc/rfc9068), RFC 7519
§5.2 for a JWT inside another (https://www.rfc-editor.org/rfc/rfc7519#section-5.2). A token is for
one audience and five minutes. No person's name is in a token, and national numbers in `may_act`
alone, where all who can read the token may know them. The operator chooses the form for each
resource. Where the resource's key is missing or does not fit, the request fails with nothing done:
the client keeps its code or refresh token.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from authn.clients.client_tokens import DEFAULT_CONTENT_ENCRYPTION
from authn.clients.clients import Client, find_client
from authn.clients.key_sets import find_client_keys
from authn.clients.resource_servers.resources import Resource
from authn.consents.authorization_details import PROFILE, Detail
from authn.errors import Unavailable
from authn.foreign_jwt import NoFittingKey
from authn.grants.access_tokens import LIFETIME, new_jti
from authn.grants.confirmation import UNBOUND, Confirmation
from authn.grants.grants import Grant
from authn.jose import ES256, numeric_date, sign
from authn.keys.signing_keys import current_keys
from authn.oidc.tokens.sealed_access_token import (
    KEY_ENCRYPTIONS,
    seal_claims,
    seal_jwe,
)
from authn.profiles.profile import CITIZEN, Profile
from authn.profiles.profiles import public_id
from authn.secrets import Secrets
from authn.sessions.levels import acr, amr
from authn.settings import Settings
from authn.web.outgoing import NoAnswer
from authn.web.protocol import ProtocolError
from authn.web.request import Request
from authn.web.routing import with_nothing_done

TYP = "at+jwt"


@dataclass(frozen=True, slots=True)
class AuthorisedAccess:
    """The access that an access token gives: who may do what, for whom, at which audience.

    `subject` is the `sub` at the audience; `sector` is the sector within which `sub` and
    `device_id` are the same. `resource` is None for userinfo. A system's token has no `grant`, but
    an `organisation` (a CBE number). `act` is the chain of RFC 8693 §4.1, `may_act` the
    federation's list. `switched_by` is the client that changed to a `profile` other than the
    grant's. The token ends at `not_after` or with the profile, at the latest.
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
        """When a token ends that is issued at `now`."""
        ends = (now + LIFETIME, self.not_after, self.profile.valid_to)
        return min(each for each in ends if each)

    def details(self, sector: str) -> tuple[Detail, ...]:
        """The authorization details, with the person's capacity under its `sub` in the sector."""
        if self.grant is None or not self.tells_capacity:
            return self.authorization_details
        return (*self.authorization_details, capacity_detail(self.profile, sector))

    @property
    def tells_capacity(self) -> bool:
        """Whether the token names the person's capacity: of a citizen only where the client is used
        in other capacities too."""
        return self.profile.id is not None or bool(self.client.profile_kinds)

    @property
    def for_the_resource_alone(self) -> bool:
        """Whether the resource can read the token, and the client cannot."""
        resource = self.resource
        return resource is not None and (resource.encrypt_tokens or is_opaque(resource))

    @property
    def has_device_id(self) -> bool:
        """Whether everybody who can read the token may know the device (decisions 1.3)."""
        may = self.resource is not None and self.resource.may_read_device_id
        return self.client.may_read_device_id or (may and self.for_the_resource_alone)


def build_access_token(request: Request, authorised: AuthorisedAccess) -> str:
    """An access token in the form of its resource; for userinfo a JWT.

    Raises `NeededFromOutside` for the keys of the resource.
    """
    resource, secrets = authorised.resource, request.secrets
    claims = access_token_claims(request.settings, secrets, authorised, request.now)
    if resource is not None and is_opaque(resource):
        return seal_claims(secrets, claims)
    keys = current_keys(request.site, request.connection, request.now)
    # At userinfo it is shown to us; another resource mostly verifies by itself.
    token = sign(keys.active[ES256], claims, TYP, comes_back=resource is None)
    if resource is not None and resource.encrypt_tokens:
        return _encrypt_for_resource(request, resource, token)
    return token


def access_token_claims(
    settings: Settings, secrets: Secrets, authorised: AuthorisedAccess, now: datetime
) -> dict[str, Any]:
    """The claims of an access token that gives the access (RFC 9068 §2.2)."""
    grant = authorised.grant
    claims: dict[str, Any] = {
        "iss": settings.issuer,
        "sub": authorised.subject,
        "aud": authorised.audience,
        "client_id": authorised.client.client_id,
        "iat": numeric_date(now),
        "exp": numeric_date(authorised.expires_at(now)),
        "jti": new_jti(
            secrets, grant.id if grant else None, authorised.profile.id, authorised.switched_by
        ),
        "scope": authorised.scope,
    }
    if grant is not None:
        claims |= {
            "auth_time": numeric_date(grant.auth_time),
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


def capacity_detail(profile: Profile, sector: str) -> Detail:
    """The authorization detail of the person's capacity (RFC 9396 §2): its kind and its `sub`.

    Without name or number: only who was told the same `sub` before knows which capacity is meant.
    """
    return {
        "type": PROFILE,
        "kind": profile.kind,
        "sub": public_id(profile.consent_id, sector),
    }


def device_id(device: UUID, sector: str) -> str:
    """The identifier of a device within one sector, by which applications can react to its end.

    A hash of the device's random id and the sector, without a key, which would rotate: nobody who
    lacks the id can guess the hash, and two sectors cannot compare (decisions 1.3). A `sub` is
    stored, not computed, since persons are merged; devices never are.
    """
    digest = hashlib.sha256(device.bytes + sector.encode()).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


def is_opaque(resource: Resource) -> bool:
    """Whether tokens for the resource can be read at the introspection endpoint alone."""
    return resource.token_format == "opaque"  # noqa: S105 (a name)


def _encrypt_for_resource(request: Request, resource: Resource, token: str) -> str:
    """The JWT in a JWE, for the first fitting key of the resource's client."""
    client = find_client(request.connection, resource.client_id or "")
    if client is None:
        raise with_nothing_done(_no_key())
    try:
        keys = find_client_keys(request.site, client, request.now)
    except NoAnswer as failure:
        unavailable = Unavailable(detail=f"keys of a resource: {failure}")
        raise with_nothing_done(unavailable) from None
    metadata = client.metadata
    # As the client wants its introspection answers, else in any way that its keys are for.
    wanted = metadata.introspection_encrypted_response_alg
    enc = metadata.introspection_encrypted_response_enc or DEFAULT_CONTENT_ENCRYPTION
    for alg in (wanted,) if wanted else KEY_ENCRYPTIONS:
        try:
            return seal_jwe(request.secrets, token, keys, alg, enc, TYP)
        except NoFittingKey:
            continue
    raise with_nothing_done(_no_key())


def _no_key() -> ProtocolError:
    return ProtocolError(
        "invalid_target", "The resource has no key that an access token can be encrypted to."
    )

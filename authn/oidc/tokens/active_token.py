"""An access token that somebody presents to us: read and verified, and then active or not.

RFC 9068 §4 for reading (https://www.rfc-editor.org/rfc/rfc9068#section-4), RFC 7662 §2.2 for
"active" (https://www.rfc-editor.org/rfc/rfc7662#section-2.2). The introspection endpoint finds out
in a statement of its own: `grants.introspection`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from authn.clients.client_metadata import ClientMetadata
from authn.clients.clients import find_client
from authn.clients.resource_servers.exchange_pairs import may_exchange_for
from authn.clients.resource_servers.resources import userinfo_audience
from authn.consents.authorization_details import ACTIONS_AT_RESOURCE, Detail
from authn.grants.access_tokens import (
    LiveGrant,
    find_grant_of_access_token,
    is_revoked,
    is_system_token,
)
from authn.grants.confirmation import Confirmation, read_confirmation
from authn.grants.grants import Grant
from authn.jose import InvalidToken, UnknownKey, verify
from authn.keys.signing_keys import SigningKeys, current_keys, reload_keys
from authn.oidc.tokens.access_token import TYP
from authn.oidc.tokens.capacity import (
    CapacityEnded,
    CapacityUnchecked,
    capacity_unchecked_error,
    require_capacity_of_token,
)
from authn.oidc.tokens.sealed_access_token import (
    MARK,
    open_claims,
    open_jwe,
)
from authn.profiles.profile import CITIZEN, Profile
from authn.secrets import Secrets
from authn.settings import Settings
from authn.web.request import Request

DOTS_OF_JWE: Final = 4
_DETAILS: Final = "authorization_details"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """The content of an access token of ours, signature and times verified; perhaps not active."""

    jti: str
    client_id: str
    audience: str
    subject: str
    scope: str
    expires_at: datetime
    confirmation: Confirmation
    claims: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ActiveToken:
    """An access token that is active, with its grant; a system's token has none.

    `profile` is the capacity of the token, which may be another than the grant's.
    """

    token: AccessToken
    live: LiveGrant | None
    profile: Profile = CITIZEN

    @property
    def grant(self) -> Grant | None:
        """The grant to which the token belongs; None for a system's."""
        return self.live.grant if self.live else None


def require_active_token(request: Request, text: str, audience: str = "") -> ActiveToken:
    """The token, active now, for the `audience` unless that is "".

    Person, device, session, consent, grant and client still hold, and the client may still have
    such a token, also unbound. Raises `InvalidToken`; and `NeededFromOutside`, which answers 503
    with nothing done, where nobody knows whether the token's capacity still holds.
    """
    connection = request.connection
    token = verify_access_token(request, text)
    if audience not in ("", token.audience):
        raise InvalidToken
    if is_system_token(token.jti):
        return ActiveToken(_require_active_system_token(request, token, audience), None)
    live = find_grant_of_access_token(
        connection, request.secrets, request.settings, token.jti, request.now
    )
    if live is None:
        raise InvalidToken
    metadata, its_resources = live.metadata, live.resources
    if live.grant.client_id != token.client_id:  # it was got by an exchange
        issued_to = find_client(connection, token.client_id)
        if issued_to is None:
            raise InvalidToken
        metadata, its_resources = issued_to.metadata, issued_to.resources
    _check_client_may_have(request, token, metadata, (audience, *its_resources))
    try:
        profile = require_capacity_of_token(
            request, live.grant.person_id, live.profile_id, live.kinds, live.switched_by
        )
    except CapacityEnded:
        raise InvalidToken from None
    except CapacityUnchecked:
        raise capacity_unchecked_error() from None
    return ActiveToken(_restrict_to_client(token, live.client_scope), live, profile)


def _require_active_system_token(
    request: Request, token: AccessToken, audience: str
) -> AccessToken:
    """The token of a system, while the system and the first client of an exchange are clients."""
    client = find_client(request.connection, token.client_id)
    if client is None or is_revoked(request.connection, token.jti):
        raise InvalidToken
    _check_client_may_have(request, token, client.metadata, (audience, *client.resources))
    if token.subject != client.client_id:  # it was exchanged
        client = find_client(request.connection, token.subject)
    if client is None:
        raise InvalidToken
    return _restrict_to_client(token, client.scope)


def _check_client_may_have(
    request: Request, token: AccessToken, metadata: ClientMetadata, resources: tuple[str, ...]
) -> None:
    """Raises `InvalidToken` unless the token's client may still have the token.

    Bound where the client must bind its tokens; for one of the `resources`, or by an exchange.
    """
    if metadata.binds_tokens and not token.confirmation:
        raise InvalidToken
    if token.audience in (userinfo_audience(request.settings), *resources):
        return
    if not may_exchange_for(request.connection, token.client_id, token.audience):
        raise InvalidToken


def _restrict_to_client(token: AccessToken, client_scope: str) -> AccessToken:
    """The token, its scope and details limited to what its client may still ask."""
    scopes, askable = token.scope.split(), frozenset(client_scope.split())
    left = [each for each in scopes if each in askable]
    details = token.claims.get(_DETAILS, ())
    kept = [each for each in details if _may_be_asked(each, askable)]
    if left == scopes and len(kept) == len(details):
        return token
    return replace(token, scope=" ".join(left), claims={**token.claims, _DETAILS: kept})


def _may_be_asked(detail: Detail, askable: frozenset[str]) -> bool:
    return detail["type"] != ACTIONS_AT_RESOURCE or askable.issuperset(detail["actions"])


def verify_access_token(request: Request, token: str) -> AccessToken:
    """The content of an access token, verified by the current keys; raises `InvalidToken`."""
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
        keys = reload_keys(request.site, request.connection, request.now)
        if keys is None:
            raise
        return read(keys)


def read_access_token(
    keys: SigningKeys, settings: Settings, secrets: Secrets, token: str, now: datetime
) -> AccessToken:
    """The content of an access token in any form, by the given keys (RFC 9068 §4).

    Raises `InvalidToken` where it is not ours or has expired. The audience is the caller's to
    check; whether the token is active, the database knows.
    """
    claims = _verified_claims(keys, secrets, token)
    if claims["iss"] != settings.issuer or claims["exp"] <= now.timestamp():
        raise InvalidToken
    return AccessToken(
        jti=claims["jti"],
        client_id=claims["client_id"],
        audience=claims["aud"],
        subject=claims["sub"],
        scope=claims["scope"],
        expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        confirmation=read_confirmation(claims.get("cnf")),
        claims=claims,
    )


def _verified_claims(keys: SigningKeys, secrets: Secrets, token: str) -> dict[str, Any]:
    if token.startswith(MARK):
        return open_claims(secrets, token)
    # A client presents a token that only the resource can read.
    inside = open_jwe(secrets, token) if token.count(".") == DOTS_OF_JWE else token
    return verify(inside, keys.by_kid, TYP)

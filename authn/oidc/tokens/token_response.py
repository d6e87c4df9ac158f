"""The response of the token endpoint: which tokens are issued, for which access.

RFC 6749 §5.1 (https://www.rfc-editor.org/rfc/rfc6749#section-5.1), RFC 8707 §2.2 for the audience
of an access token. Every grant type ends here. Access is never more than the client, the resource
and the person's capacity may have at this moment. A first refresh token is issued here alone, to a
client that is registered for the grant type `refresh_token`; such a token ends with the session, or
with the consent where `offline_access` was allowed (decisions 1.2).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import orjson

from authn.clients.clients import REFRESH_TOKEN, Client
from authn.clients.resource_servers.permissions import (
    SYSTEM,
    ClientIdentity,
    find_refused_permission,
    find_refused_permissions,
)
from authn.clients.resource_servers.resources import (
    Resource,
    find_resource,
    userinfo_audience,
)
from authn.consents.authorization_details import ACTIONS_AT_RESOURCE, Detail, details_for_resource
from authn.consents.scopes import OPENID, SSIN
from authn.grants.authorization_request import GrantDetails
from authn.grants.confirmation import UNBOUND, Confirmation
from authn.grants.grants import Grant
from authn.grants.refresh_tokens import issue_refresh_token
from authn.oidc.tokens.access_token import AuthorisedAccess, build_access_token
from authn.oidc.tokens.id_token import build_id_token
from authn.oidc.tokens.may_act import may_act_in_token
from authn.oidc.tokens.narrowed_details import narrow_details, requested_location
from authn.people.subjects import find_or_create_subject
from authn.profiles.profile import Profile, acting_identity
from authn.web.protocol import ProtocolError
from authn.web.request import Request

TokenResponse = tuple[int, str, list[tuple[str, str]]]  # status, body, headers, as Authlib has them


@dataclass(frozen=True, slots=True)
class ObtainedTokens:
    """The grant that a client redeemed, the person's capacity, and what new tokens are bound to.

    `narrower_scope` is the part of the grant's scope that a refresh asked; "" for all.
    """

    client: Client
    grant: Grant
    profile: Profile
    confirmation: Confirmation = UNBOUND
    nonce: str = ""
    narrower_scope: str = ""

    @property
    def scope(self) -> str:
        """The granted scope, without what was taken from the client since.

        Whether a national number may be released is checked where one would be.
        """
        registered = self.client.scope.split()
        asked = (self.narrower_scope or self.grant.scope).split()
        return " ".join(each for each in asked if each in registered)


def issue_tokens(request: Request, obtained: ObtainedTokens) -> TokenResponse:
    """The response to a new grant: tokens, and a refresh token where the client may have one.

    Raises `ProtocolError` (`invalid_target`).
    """
    authorised = authorised_access(request, obtained)
    client, refresh_token = obtained.client, ""
    if client.check_grant_type(REFRESH_TOKEN):
        refresh_token = issue_refresh_token(
            request.connection, client, obtained.grant, request.now, obtained.confirmation
        )
    return build_token_response(request, obtained, authorised, refresh_token)


def build_token_response(
    request: Request, obtained: ObtainedTokens, authorised: AuthorisedAccess, refresh_token: str
) -> TokenResponse:
    """The response with access token, ID token for `openid`, and the refresh token unless "".

    OpenID Connect Core 1.0 §3.1.3.3, §12.2.
    """
    client, grant = obtained.client, obtained.grant
    body = issue_access_token(request, authorised)
    if client.manages_grants:  # Grant Management for OAuth 2.0 §5.4
        body["grant_id"] = str(grant.id)
    if refresh_token:
        body["refresh_token"] = refresh_token
    if OPENID in obtained.scope.split():
        body["id_token"] = build_id_token(
            request, client, grant, obtained.nonce, body["access_token"]
        )
    return encode_response(body)


def issue_access_token(request: Request, authorised: AuthorisedAccess) -> dict[str, Any]:
    """The members of a response that has a new access token (RFC 6749 §5.1, RFC 9396 §7)."""
    if may_act := may_act_in_token(request, authorised):
        authorised = replace(authorised, may_act=may_act)
    token = build_access_token(request, authorised)
    lifetime = authorised.expires_at(request.now) - request.now
    body: dict[str, Any] = {
        "access_token": token,
        "token_type": authorised.confirmation.token_type,
        "expires_in": int(lifetime.total_seconds()),
    }
    if authorised.scope:  # RFC 6749 §3.3 has no empty one
        body["scope"] = authorised.scope
    # As this client knows the capacity, whatever the resource knows it by.
    if details := authorised.details(authorised.client.sector_identifier):
        body["authorization_details"] = details
    return body


def encode_response(body: dict[str, Any]) -> TokenResponse:
    """The response of status 200 with the body as JSON."""
    return 200, orjson.dumps(body).decode(), []


def authorised_access(request: Request, obtained: ObtainedTokens) -> AuthorisedAccess:
    """The access of the new token, for the one resource that was asked and granted.

    Raises `ProtocolError` (`invalid_target`, `invalid_scope`, `invalid_authorization_details`).
    """
    client, grant = obtained.client, obtained.grant
    if grant.scope and not obtained.scope:
        raise ProtocolError("invalid_scope", "The client may not ask any of these scopes any more.")
    resource = _granted_resource(request, client, grant)
    if resource is None:
        audience, subject = userinfo_audience(request.settings), grant.subject
        sector, scope = client.sector_identifier, obtained.scope
    else:
        audience, sector = resource.resource, resource.sector_identifier
        subject = find_or_create_subject(request.connection, grant.person_id, sector, request.now)
        scope = scope_at_resource(resource, obtained.scope, grant.allowed)
    authorised = AuthorisedAccess(
        client=client,
        audience=audience,
        subject=subject,
        sector=sector,
        scope=scope,
        resource=resource,
        grant=grant,
        profile=obtained.profile,
        confirmation=obtained.confirmation,
        authorization_details=askable_details(
            client, details_for_resource(grant.allowed.authorization_details, audience)
        ),
        not_after=grant.ends_at,
    )
    return narrow_details(request, restrict_to_permissions(authorised))


def restrict_to_permissions(authorised: AuthorisedAccess) -> AuthorisedAccess:
    """The access without what the resource's permissions refuse to the person or system now.

    The permissions were also checked before the person was asked; since then the operator may have
    changed them, the level of the device be lower, or the capacity another. Raises `ProtocolError`
    (`invalid_target`) where nothing of the resource is permitted.
    """
    resource, grant = authorised.resource, authorised.grant
    if resource is None:
        return authorised
    identity = (
        acting_identity(authorised.profile, grant.level) if grant else ClientIdentity(SYSTEM, None)
    )
    if refused := find_refused_permission(identity, "", resource):
        raise invalid_target(refused.description)
    return replace(
        authorised,
        scope=permitted_scope(identity, authorised.scope, resource),
        authorization_details=permitted_details(
            identity, authorised.authorization_details, resource
        ),
    )


def askable_details(client: Client, details: Iterable[Detail]) -> tuple[Detail, ...]:
    """The authorization details all of whose actions the client may still ask."""
    return tuple(
        each
        for each in details
        if each["type"] != ACTIONS_AT_RESOURCE or all(map(client.may_ask, each["actions"]))
    )


def permitted_scope(identity: ClientIdentity, scope: str, resource: Resource) -> str:
    """The scope without what the resource refuses to the identity; our own scopes always stay."""
    asked = scope.split()
    refused = find_refused_permissions(
        identity, [each for each in asked if each in resource.scopes], resource
    )
    return " ".join(each for each in asked if each not in refused) if refused else scope


def permitted_details(
    identity: ClientIdentity, details: Iterable[Detail], resource: Resource
) -> tuple[Detail, ...]:
    """The authorization details all of whose actions the resource permits to the identity."""
    return tuple(
        each
        for each in details
        if not find_refused_permissions(identity, each.get("actions", ()), resource)
    )


def scope_at_resource(resource: Resource, scope: str, allowed: GrantDetails) -> str:
    """The part of the scope in an access token for the resource: its own scopes, and `ssin`.

    `allowed` has the resources for which the scope was allowed: an equal name at another resource
    does not count. `ssin` needs the resource's permission; the introspection endpoint gives the
    national number to the resource.
    """
    identifier, withheld = resource.resource, allowed.withheld
    own = resource.scopes if identifier in allowed.resources else ()
    return " ".join(
        each
        for each in scope.split()
        if (each in own and f"{identifier}#{each}" not in withheld)
        or (each == SSIN and resource.may_read_ssin)
    )


def _granted_resource(request: Request, client: Client, grant: Grant) -> Resource | None:
    """The granted resource for which the token is asked; None for userinfo.

    Raises `ProtocolError` (`invalid_target`), also where the operator took the resource away.
    """
    granted = grant.allowed.resources
    asked = request.form.get("resource", "")
    if not asked and len(granted) > 1:
        asked = requested_location(request)
    if not granted and asked in ("", userinfo_audience(request.settings)):
        return None
    if not asked and len(granted) > 1:
        raise invalid_target("Several resources were granted: name the one that you want.")
    resource = asked or granted[0]
    if resource == userinfo_audience(request.settings):
        return None
    allowed = resource in granted and resource in client.resources
    found = find_resource(request.connection, resource) if allowed else None
    if found is None:
        raise invalid_target("The resource was not granted, or is not one alone.")
    return found


def requested_resource(request: Request, client: Client) -> Resource:
    """The resource that the request names, or the client's only one (RFC 8707 §2.2).

    Raises `ProtocolError` (`invalid_target`).
    """
    resource, audience = request.form.get("resource", ""), request.form.get("audience", "")
    if resource and audience not in ("", resource):
        raise invalid_target("The resource and the audience differ.")
    asked = resource or audience
    if not asked and len(client.resources) != 1:
        raise invalid_target("Name the resource that the token is for.")
    name = asked or client.resources[0]
    found = find_resource(request.connection, name) if name in client.resources else None
    if found is None:
        raise invalid_target("The client may not ask for this resource, or it is not one.")
    return found


def invalid_target(description: str) -> ProtocolError:
    """The error `invalid_target` (RFC 8707 §2)."""
    return ProtocolError("invalid_target", description)


def narrow_scope(allowed: str, asked: str) -> str:
    """The asked part of the allowed scope, all of it for "".

    Raises `ProtocolError` (`invalid_scope`) for any other scope.
    """
    wanted = dict.fromkeys(asked.split())
    if not set(wanted) <= set(allowed.split()):
        raise ProtocolError("invalid_scope", "The scope is wider than that of the subject_token.")
    return " ".join(wanted) or allowed

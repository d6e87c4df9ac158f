"""What /token answers: the same for every grant type.

RFC 6749 §5.1 (https://www.rfc-editor.org/rfc/rfc6749#section-5.1), RFC 8707 §2.2 for whom the
access token is for. Only here is a first refresh token issued: to a client that is registered for
the grant type `refresh_token`. It ends with the session, or with `offline_access` with the consent
(decisions 1.2).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import orjson

from authn.clients.clients import REFRESH_TOKEN, Client
from authn.clients.permissions import SYSTEM, ClientIdentity, refusal, refusals
from authn.clients.resources import Resource, find_resource, userinfo_audience
from authn.consents.authorization_details import ACTIONS_AT_RESOURCE, Detail, details_at
from authn.consents.scopes import OPENID, SSIN
from authn.grants.confirmation import UNBOUND, Confirmation
from authn.grants.grants import Grant
from authn.grants.particulars import GrantDetails
from authn.grants.refresh_tokens import issue_refresh_token
from authn.oidc.access_token import AuthorisedAccess
from authn.oidc.id_token import id_token
from authn.oidc.may_act import may_act_in_token
from authn.oidc.narrowed_details import location_asked, narrowed_details
from authn.oidc.token_format import access_token
from authn.people.subjects import subject_of
from authn.profiles.identity import identity_of
from authn.profiles.profile import Profile
from authn.web.protocol import ProtocolError
from authn.web.request import Request

Answer = tuple[int, str, list[tuple[str, str]]]  # as Authlib's grants give it


@dataclass(frozen=True, slots=True)
class ObtainedTokens:
    """What a grant type obtained: for whom, of which grant, in which capacity, bound to what.

    `narrower_scope` is what a refresh asked of the grant's scope; "" for all of it.
    """

    client: Client
    grant: Grant
    profile: Profile
    confirmation: Confirmation = UNBOUND
    nonce: str = ""
    narrower_scope: str = ""

    @property
    def scope(self) -> str:
        """What this answer is about: of what was granted, what is the client's to this day.

        Whether a national number may go, is looked at where it would.
        """
        registered = self.client.scope.split()
        asked = (self.narrower_scope or self.grant.scope).split()
        return " ".join(each for each in asked if each in registered)


def answer(request: Request, obtained: ObtainedTokens) -> Answer:
    """What a grant gives at first: the tokens, with a refresh token where there is to be one.

    Raises `ProtocolError` (`invalid_target`).
    """
    authorised = authorised_for(request, obtained)
    client, refresh_token = obtained.client, ""
    if client.check_grant_type(REFRESH_TOKEN):
        refresh_token = issue_refresh_token(
            request.connection, client, obtained.grant, request.now, obtained.confirmation
        )
    return tokens(request, obtained, authorised, refresh_token)


def tokens(
    request: Request, obtained: ObtainedTokens, authorised: AuthorisedAccess, refresh_token: str
) -> Answer:
    """The access token and, where `openid` was granted, the ID token (Core §3.1.3.3, §12.2)."""
    client, grant = obtained.client, obtained.grant
    body = issued(request, authorised)
    if client.manages_grants:  # Grant Management for OAuth 2.0 §5.4
        body["grant_id"] = str(grant.id)
    if refresh_token:
        body["refresh_token"] = refresh_token
    if OPENID in obtained.scope.split():
        body["id_token"] = id_token(request, client, grant, obtained.nonce, body["access_token"])
    return token_response(body)


def issued(request: Request, authorised: AuthorisedAccess) -> dict[str, Any]:
    """A new access token that says so, and what an answer says of it (§5.1, RFC 9396 §7)."""
    if may_act := may_act_in_token(request, authorised):
        authorised = replace(authorised, may_act=may_act)
    token = access_token(request, authorised)
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


def token_response(body: dict[str, Any]) -> Answer:
    """The answer with this body."""
    return 200, orjson.dumps(body).decode(), []


def authorised_for(request: Request, obtained: ObtainedTokens) -> AuthorisedAccess:
    """What the access token of this answer says: for the one resource that was asked and granted.

    Raises `ProtocolError` (`invalid_target`, `invalid_scope`, `invalid_authorization_details`).
    """
    client, grant = obtained.client, obtained.grant
    if grant.scope and not obtained.scope:
        raise ProtocolError("invalid_scope", "The client may not ask any of these scopes any more.")
    resource = _resource(request, client, grant)
    if resource is None:
        audience, subject = userinfo_audience(request.settings), grant.subject
        sector, scope = client.sector_identifier, obtained.scope
    else:
        audience, sector = resource.resource, resource.sector_identifier
        subject = subject_of(request.connection, grant.person_id, sector, request.now)
        scope = scope_at(resource, obtained.scope, grant.allowed)
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
        authorization_details=still_askable(
            client, details_at(grant.allowed.authorization_details, audience)
        ),
        not_after=grant.ends_at,
    )
    return narrowed_details(request, within_permissions(authorised))


def within_permissions(authorised: AuthorisedAccess) -> AuthorisedAccess:
    """The same without what this identity may not obtain of the resource, by the rules of today.

    They were looked at before the person was asked, too; since then the operator may have changed
    them, the key may be worth less, or the capacity be another. Raises `ProtocolError`
    (`invalid_target`) where the resource is refused altogether.
    """
    resource, grant = authorised.resource, authorised.grant
    if resource is None:
        return authorised
    identity = (
        identity_of(authorised.profile, grant.level) if grant else ClientIdentity(SYSTEM, None)
    )
    if refused := refusal(identity, "", resource):
        raise invalid_target(refused.description)
    return replace(
        authorised,
        scope=permitted_scope(identity, authorised.scope, resource),
        authorization_details=permitted_details(
            identity, authorised.authorization_details, resource
        ),
    )


def still_askable(client: Client, details: Iterable[Detail]) -> tuple[Detail, ...]:
    """Those of which the client may ask to this day all that they name."""
    return tuple(
        each
        for each in details
        if each["type"] != ACTIONS_AT_RESOURCE or all(map(client.may_ask, each["actions"]))
    )


def permitted_scope(identity: ClientIdentity, scope: str, resource: Resource) -> str:
    """What of the scope this identity may obtain; our own scopes are no resource's to refuse."""
    asked = scope.split()
    refused = refusals(identity, [each for each in asked if each in resource.scopes], resource)
    return " ".join(each for each in asked if each not in refused) if refused else scope


def permitted_details(
    identity: ClientIdentity, details: Iterable[Detail], resource: Resource
) -> tuple[Detail, ...]:
    """Those of which this identity may do all that they name."""
    return tuple(
        each for each in details if not refusals(identity, each.get("actions", ()), resource)
    )


def scope_at(resource: Resource, scope: str, allowed: GrantDetails) -> str:
    """What of the scope an access token for this resource has: its own, and `ssin` by permission.

    `allowed` tells for which resources the scope was allowed: what another one calls by the same
    name never was. `ssin` is there for the introspection endpoint, which gives the number
    to the resource.
    """
    identifier, withheld = resource.resource, allowed.withheld
    own = resource.scopes if identifier in allowed.resources else ()
    return " ".join(
        each
        for each in scope.split()
        if (each in own and f"{identifier}#{each}" not in withheld)
        or (each == SSIN and resource.may_read_ssin)
    )


def _resource(request: Request, client: Client, grant: Grant) -> Resource | None:
    """The resource that the token is for; None for userinfo.

    One that the client may not ask for any more (the operator's decision) counts no more.
    """
    granted = grant.allowed.resources
    asked = request.form.get("resource", "")
    if not asked and len(granted) > 1:
        asked = location_asked(request)
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


def asked_resource(request: Request, client: Client) -> Resource:
    """Of the client's own resources the one that is asked for, or the only one (RFC 8707 §2.2).

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
    """The refusal of RFC 8707 §2."""
    return ProtocolError("invalid_target", description)

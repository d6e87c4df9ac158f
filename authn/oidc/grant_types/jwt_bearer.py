"""The JWT bearer grant: RFC 7523 §2.1 (https://www.rfc-editor.org/rfc/rfc7523#section-2.1).

Another issuer, whom the operator trusts, says whom a client acts for, by the `sub` that a client of
ours knows the person by. That alone opens nothing: the token hangs on what the person themselves
allowed that client last, with a device, and dies with it (decisions 1.2). One assertion, one token.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from authlib.oauth2.rfc6749.grants import TokenEndpointMixin

from authn.audit.events import AssertionRedeemed
from authn.audit.log import record
from authn.clients.assertion_issuers import AssertionIssuer, find_assertion_issuer
from authn.clients.clients import Client, find_client
from authn.clients.key_sets import verified_claims
from authn.clients.protocol_words import ASSERTION_ALGORITHMS, JWT_BEARER
from authn.clients.resources import Resource
from authn.foreign_jwt import OtherTokenType
from authn.grants.grants import Grant, InvalidGrant, newest_live_grant
from authn.jose import InvalidToken
from authn.oidc.access_token import AuthorisedAccess
from authn.oidc.acting_token import granted_capacity
from authn.oidc.assertion import is_jti, spend_assertion, untimely, unverified_claims
from authn.oidc.client_assertion import audiences
from authn.oidc.confirmation import presented_confirmation
from authn.oidc.grant_types.token_exchange import narrowed
from authn.oidc.grant_types.token_grant import TokenGrant
from authn.oidc.narrowed_details import narrowed_details
from authn.oidc.token_answer import (
    Answer,
    asked_resource,
    issued,
    permitted_scope,
    scope_at,
    token_response,
    within_permissions,
)
from authn.people.subjects import subject_of
from authn.profiles.identity import identity_of
from authn.profiles.profile import CITIZEN, Profile
from authn.web.outgoing import NoAnswer
from authn.web.protocol import ProtocolError
from authn.web.request import Request


class JwtBearerGrant(TokenGrant, TokenEndpointMixin):
    """`grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer`."""

    GRANT_TYPE = JWT_BEARER

    def validate_token_request(self) -> None:
        """The client authenticated, with a method that proves something, and may do this."""
        self.authenticate_token_endpoint_client()
        if self.client.public or not self.client.check_grant_type(self.GRANT_TYPE):
            raise ProtocolError("unauthorized_client", "This client may not present assertions.")

    def create_token_response(self) -> Answer:
        """The access token for one of the client's resources, on record."""
        http, client = self.http, self.client
        resource = asked_resource(http, client)
        confirmation = presented_confirmation(http, client)
        issuer, claims = _redeemed(http, client)
        grant = newest_live_grant(
            http.connection, http.settings, issuer.subject_client_id, claims["sub"], http.now
        )
        if grant is None:
            raise InvalidGrant("The sub is nobody who has allowed that, or it has ended.")
        profile = granted_capacity(http, grant, _kinds(http, grant))
        expires_at = datetime.fromtimestamp(claims["exp"], UTC)
        subject = subject_of(http.connection, grant.person_id, resource.sector_identifier, http.now)
        authorised = AuthorisedAccess(
            client=client,
            audience=resource.resource,
            subject=subject,
            sector=resource.sector_identifier,
            scope=_scope(http, client, resource, grant, profile),
            resource=resource,
            grant=grant,
            profile=profile,
            confirmation=confirmation,
            act={"sub": client.client_id},
            not_after=min(until for until in (expires_at, grant.ends_at) if until),
        )
        authorised = narrowed_details(http, within_permissions(authorised))
        event = AssertionRedeemed(
            person_id=grant.person_id,
            device_id=grant.device_id,
            client_id=client.client_id,
            issuer=issuer.issuer,
        )
        record(http.connection, http.secrets, event, http.now, http.reference)
        return token_response(issued(http, authorised))


def _kinds(request: Request, grant: Grant) -> Collection[str]:
    """In which capacities people may use the client of the grant now; looked up for another one
    than that of citizen alone."""
    if grant.profile_id is None:
        return (CITIZEN.kind,)
    subject_client = find_client(request.connection, grant.client_id)
    return subject_client.allowed_profile_kinds if subject_client else ()


def _scope(
    request: Request, client: Client, resource: Resource, grant: Grant, profile: Profile
) -> str:
    """Of what the person allowed, what is the resource's, and they and the client may ask."""
    scope = scope_at(resource, grant.scope, grant.allowed)
    allowed = permitted_scope(identity_of(profile, grant.level), scope, resource).split()
    both = [each for each in allowed if client.may_ask(each)]
    return narrowed(" ".join(both), request.form.get("scope", ""))


def _redeemed(request: Request, client: Client) -> tuple[AssertionIssuer, Mapping[str, Any]]:
    """The assertion's issuer and claims: for us, from this client, valid now, and spent.

    Raises `InvalidGrant` (RFC 7521 §4.1.1), and `NeededFromOutside` for the issuer's keys.
    """
    assertion = request.form.get("assertion", "")
    if not assertion:
        raise ProtocolError("invalid_request", "The assertion is missing.")
    issuer = _issuer(request, client, assertion)
    claims = _verified_claims(request, issuer, assertion)
    audience, subject, jti = claims.get("aud"), claims.get("sub"), claims.get("jti")
    ours = audiences(request.settings, client, request.path)
    if not isinstance(audience, str) or audience not in ours:
        raise InvalidGrant("The aud of the assertion is not this provider alone.")
    if name := untimely(claims, request.now.timestamp()):
        raise InvalidGrant(f"The {name} of the assertion is not acceptable.")
    if claims["exp"] <= request.now.timestamp():  # the token ends with it: no leeway here
        raise InvalidGrant("The assertion has expired.")
    if not isinstance(subject, str) or "\x00" in subject:  # which a database doesn't take
        raise InvalidGrant("The assertion has no sub.")
    if not is_jti(jti):
        raise InvalidGrant("The assertion has no jti.")
    if not spend_assertion(request, f"assertion {issuer.issuer}", claims):
        raise InvalidGrant("The assertion was used before.")
    return issuer, claims


def _issuer(request: Request, client: Client, assertion: str) -> AssertionIssuer:
    """Who says that it said this, if this client may present what it says."""
    try:
        unverified_issuer = unverified_claims(assertion).get("iss")
    except InvalidToken:
        raise InvalidGrant("The assertion cannot be read.") from None
    found = None
    if isinstance(unverified_issuer, str):
        found = find_assertion_issuer(request.connection, unverified_issuer)
    if found is None or found.client_id != client.client_id:
        raise InvalidGrant("The assertion's issuer is not one whose assertions we take.")
    return found


def _verified_claims(request: Request, issuer: AssertionIssuer, assertion: str) -> dict[str, Any]:
    try:
        return verified_claims(
            request.site,
            issuer,
            assertion,
            request.now,
            algorithms=ASSERTION_ALGORITHMS,
            types=("jwt",),
        )
    except OtherTokenType:  # RFC 8725 §3.11
        raise InvalidGrant("The typ of the assertion is not JWT.") from None
    except (InvalidToken, NoAnswer):
        raise InvalidGrant("The assertion was not signed by its issuer.") from None

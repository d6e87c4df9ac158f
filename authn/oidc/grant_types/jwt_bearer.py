"""The JWT bearer grant: RFC 7523 §2.1 (https://www.rfc-editor.org/rfc/rfc7523#section-2.1).

An issuer that the operator trusts says in an assertion for whom a client acts, by the `sub` under
which a client of ours knows the person. The assertion alone gives nothing: the token belongs to the
grant that the person last gave that client, with a device, and ends with the grant (decisions 1.2).
An assertion is good for a single token.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from authlib.oauth2.rfc6749.grants import TokenEndpointMixin

from authn.audit.events.applications import AssertionRedeemed
from authn.audit.log import record
from authn.clients.assertion_issuers import AssertionIssuer, find_assertion_issuer
from authn.clients.clients import ASSERTION_ALGORITHMS, JWT_BEARER, Client, find_client
from authn.clients.key_sets import verified_claims
from authn.clients.resource_servers.resources import Resource
from authn.foreign_jwt import OtherTokenType
from authn.grants.grants import Grant, InvalidGrant, find_newest_live_grant
from authn.jose import InvalidToken
from authn.oidc.client_authentication.client_assertion import (
    accepted_audiences,
    is_jti,
    spend_assertion,
    untimely_claim,
    unverified_claims,
)
from authn.oidc.grant_types.token_server import TokenGrant
from authn.oidc.tokens.access_token import AuthorisedAccess
from authn.oidc.tokens.capacity import require_granted_capacity
from authn.oidc.tokens.narrowed_details import narrow_details
from authn.oidc.tokens.sender_constraint import presented_confirmation
from authn.oidc.tokens.token_response import (
    TokenResponse,
    encode_response,
    issue_access_token,
    narrow_scope,
    permitted_scope,
    requested_resource,
    restrict_to_permissions,
    scope_at_resource,
)
from authn.people.subjects import find_or_create_subject
from authn.profiles.profile import CITIZEN, Profile, acting_identity
from authn.web.outgoing import NoAnswer
from authn.web.protocol import ProtocolError
from authn.web.request import Request


class JwtBearerGrant(TokenGrant, TokenEndpointMixin):
    """`grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer`."""

    GRANT_TYPE = JWT_BEARER

    def validate_token_request(self) -> None:
        """Raises `ProtocolError` unless the client authenticates and may present assertions."""
        self.authenticate_token_endpoint_client()
        if self.client.public or not self.client.check_grant_type(self.GRANT_TYPE):
            raise ProtocolError("unauthorized_client", "This client may not present assertions.")

    def create_token_response(self) -> TokenResponse:
        """The response with an access token for one of the client's resources, on record."""
        http, client = self.http, self.client
        resource = requested_resource(http, client)
        confirmation = presented_confirmation(http, client)
        issuer, claims = _redeem_assertion(http, client)
        grant = find_newest_live_grant(
            http.connection, http.settings, issuer.subject_client_id, claims["sub"], http.now
        )
        if grant is None:
            raise InvalidGrant("The sub is nobody who has allowed that, or it has ended.")
        profile = require_granted_capacity(http, grant, _allowed_kinds(http, grant))
        expires_at = datetime.fromtimestamp(claims["exp"], UTC)
        subject = find_or_create_subject(
            http.connection, grant.person_id, resource.sector_identifier, http.now
        )
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
        authorised = narrow_details(http, restrict_to_permissions(authorised))
        event = AssertionRedeemed(
            person_id=grant.person_id,
            device_id=grant.device_id,
            client_id=client.client_id,
            issuer=issuer.issuer,
        )
        record(http.connection, http.secrets, event, http.now, http.reference)
        return encode_response(issue_access_token(http, authorised))


def _allowed_kinds(request: Request, grant: Grant) -> Collection[str]:
    """The kinds of capacity in which people may use the grant's client now."""
    if grant.profile_id is None:
        return (CITIZEN.kind,)
    subject_client = find_client(request.connection, grant.client_id)
    return subject_client.allowed_profile_kinds if subject_client else ()


def _scope(
    request: Request, client: Client, resource: Resource, grant: Grant, profile: Profile
) -> str:
    """The allowed scope at the resource, as far as the person and the client may have it."""
    scope = scope_at_resource(resource, grant.scope, grant.allowed)
    allowed = permitted_scope(acting_identity(profile, grant.level), scope, resource).split()
    both = [each for each in allowed if client.may_ask(each)]
    return narrow_scope(" ".join(both), request.form.get("scope", ""))


def _redeem_assertion(
    request: Request, client: Client
) -> tuple[AssertionIssuer, Mapping[str, Any]]:
    """The issuer and claims of the assertion, which is verified, valid now, and then spent.

    Raises `InvalidGrant` (RFC 7521 §4.1.1), and `NeededFromOutside` for the issuer's keys.
    """
    assertion = request.form.get("assertion", "")
    if not assertion:
        raise ProtocolError("invalid_request", "The assertion is missing.")
    issuer = _require_issuer(request, client, assertion)
    claims = _verified_claims(request, issuer, assertion)
    audience, subject, jti = claims.get("aud"), claims.get("sub"), claims.get("jti")
    ours = accepted_audiences(request.settings, client, request.path)
    if not isinstance(audience, str) or audience not in ours:
        raise InvalidGrant("The aud of the assertion is not this provider alone.")
    if name := untimely_claim(claims, request.now.timestamp()):
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


def _require_issuer(request: Request, client: Client, assertion: str) -> AssertionIssuer:
    """The trusted issuer that the assertion names, whose assertions the client may present."""
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

"""Token exchange: RFC 8693 (https://www.rfc-editor.org/rfc/rfc8693).

A back end that received an access token obtains its own for the next resource, instead of passing
on the first. The operator registers who may exchange whose token for which resource. The new token
belongs to the same grant, and so ends with the device; it gives no more access and lives no longer
than the presented token, and `act` has the clients through whose hands it went. The capacity is
that of the presented token, unless another is asked (`tokens.profile_switch`).
"""

from dataclasses import replace
from typing import Final

from authlib.oauth2.rfc6749.grants import TokenEndpointMixin

from authn.audit.events.applications import TokenExchanged
from authn.audit.events.capacities import ProfileSwitched
from authn.audit.events.event import Event
from authn.audit.log import record
from authn.clients.clients import TOKEN_EXCHANGE, Client
from authn.clients.resource_servers.exchange_pairs import (
    ExchangePair,
    ExchangeTarget,
    find_exchange_target,
)
from authn.clients.resource_servers.resources import list_resources_of_client
from authn.grants.authorization_request import GrantDetails
from authn.grants.confirmation import Confirmation
from authn.jose import InvalidToken
from authn.oidc.grant_management import grant_management_endpoint
from authn.oidc.grant_types.token_server import TokenGrant
from authn.oidc.tokens.access_token import AuthorisedAccess
from authn.oidc.tokens.active_token import AccessToken, ActiveToken, require_active_token
from authn.oidc.tokens.capacity import CapacityEnded
from authn.oidc.tokens.capacity_claims import Act, actor_clients, subject_and_act
from authn.oidc.tokens.narrowed_details import narrow_details
from authn.oidc.tokens.profile_switch import requested_profile, require_consent_in_profile
from authn.oidc.tokens.sender_constraint import presented_confirmation
from authn.oidc.tokens.token_response import (
    TokenResponse,
    encode_response,
    invalid_target,
    issue_access_token,
    narrow_scope,
    restrict_to_permissions,
    scope_at_resource,
)
from authn.people.subjects import find_or_create_subject
from authn.profiles.profile import Profile
from authn.web.protocol import ProtocolError
from authn.web.request import Request

ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105
JWT: Final = "urn:ietf:params:oauth:token-type:jwt"
TOKEN_TYPES = (ACCESS_TOKEN, JWT)  # §3: each names our access tokens, which are JWTs
MOST_ACTORS = 5


class TokenExchangeGrant(TokenGrant, TokenEndpointMixin):
    """`grant_type=urn:ietf:params:oauth:grant-type:token-exchange`."""

    GRANT_TYPE = TOKEN_EXCHANGE

    def validate_token_request(self) -> None:
        """Raises `ProtocolError` unless the client authenticates and has this grant type."""
        self.authenticate_token_endpoint_client()
        if not self.client.check_grant_type(self.GRANT_TYPE):
            raise ProtocolError("unauthorized_client", "This client may not exchange tokens.")

    def create_token_response(self) -> TokenResponse:
        """The response with the new access token (§2.2.1), on record."""
        http, client = self.http, self.client
        refuse_other_types(http)
        subject = require_token(http, "subject_token")
        target = _target(http, client, subject)
        confirmation = _confirmation(http, client, subject)
        profile = requested_profile(http, client, subject, target.resource)
        authorised = _authorised_access(http, client, subject, target, profile, confirmation)
        if profile.id != subject.profile.id and subject.grant:
            ends_at = require_consent_in_profile(http, client, subject.grant, authorised)
            ends = [each for each in (authorised.not_after, ends_at) if each]
            authorised = replace(
                authorised, switched_by=client.client_id, not_after=min(ends, default=None)
            )
        body = issue_access_token(http, authorised)
        _record_exchange(http, authorised, subject)
        return encode_response({**body, "issued_token_type": ACCESS_TOKEN})


def refuse_other_types(request: Request) -> None:
    """Raises `ProtocolError` unless an access token is exchanged for an access token (§2.1)."""
    form = request.form
    if not form.get("subject_token"):
        raise ProtocolError("invalid_request", "The subject_token is missing.")
    if form.get("subject_token_type") not in TOKEN_TYPES:
        raise ProtocolError("invalid_request", "The subject_token_type must be access_token.")
    if form.get("requested_token_type", ACCESS_TOKEN) not in TOKEN_TYPES:
        raise ProtocolError("invalid_request", "The requested_token_type must be access_token.")
    if ("actor_token" in form) != ("actor_token_type" in form):
        raise ProtocolError("invalid_request", "An actor_token goes with its actor_token_type.")
    if form.get("actor_token_type", ACCESS_TOKEN) not in TOKEN_TYPES:
        raise ProtocolError("invalid_request", "The actor_token_type must be access_token.")


def require_token(request: Request, name: str) -> ActiveToken:
    """The active token in the named parameter; raises `ProtocolError` in the form of §2.2.2.

    A token for the grant management endpoint is refused: no resource takes it.
    """
    refusal = ProtocolError("invalid_request", f"The {name} is invalid, expired or ended.")
    try:
        living = require_active_token(request, request.form[name])
    except InvalidToken:
        raise refusal from None
    if living.token.audience == grant_management_endpoint(request.settings):
        raise refusal
    return living


def _target(request: Request, client: Client, subject: ActiveToken) -> ExchangeTarget:
    """The resource in `resource` or `audience`, for which the client may exchange the token.

    `audience` may also be the `client_id` with which a resource calls the introspection endpoint.
    """
    connection, token, grant = request.connection, subject.token, subject.grant
    resource, audience = request.form.get("resource", ""), request.form.get("audience", "")
    person_id = grant.person_id if grant else None

    def target(name: str) -> ExchangeTarget | None:
        pair = ExchangePair(client.client_id, token.client_id, name)
        return find_exchange_target(connection, pair, person_id)

    found = target(resource or audience)
    if found is None and audience and not resource:
        of_client = list_resources_of_client(connection, audience)
        found = target(of_client[0].resource) if len(of_client) == 1 else None
    if found is None or (resource and audience not in ("", resource, found.resource.client_id)):
        raise invalid_target("Name one resource that is registered, as resource or as audience.")
    if not found.allowed:
        raise invalid_target("This client may not exchange that token for this resource.")
    return found


def _confirmation(request: Request, client: Client, subject: ActiveToken) -> Confirmation:
    """The confirmation of the new token, which is bound where the presented token is.

    A public client must prove the key of the presented token: it has nothing else to show.
    """
    confirmation = presented_confirmation(request, client)
    bound_to = subject.token.confirmation
    own = client.client_id == subject.token.client_id
    if bound_to and not confirmation:
        raise ProtocolError("invalid_request", "The subject_token is bound: bind the new one too.")
    if client.public and not own:
        raise invalid_target("A public client exchanges its own tokens only.")
    if client.public and bound_to and bound_to != confirmation:
        raise ProtocolError("invalid_request", "The subject_token is bound to another key.")
    return confirmation


def _authorised_access(
    request: Request,
    client: Client,
    subject: ActiveToken,
    target: ExchangeTarget,
    profile: Profile,
    confirmation: Confirmation,
) -> AuthorisedAccess:
    """The access of the new token: no more than the presented token's (§5, RFC 8707 §3).

    Authorization details that were allowed in one capacity (RFC 9396) go with no other.
    """
    token, grant, resource = subject.token, subject.grant, target.resource
    who, act = _subject_and_act(request, client, subject, target, profile)
    same = profile.id == subject.profile.id
    details = token.claims.get("authorization_details", ()) if same else ()
    allowed = grant.allowed if grant else GrantDetails(resources=(token.audience,))
    authorised = restrict_to_permissions(
        AuthorisedAccess(
            client=client,
            audience=resource.resource,
            subject=who,
            sector=resource.sector_identifier,
            scope=scope_at_resource(resource, token.scope, allowed),
            resource=resource,
            grant=grant,
            profile=profile,
            confirmation=confirmation,
            act=act,
            authorization_details=tuple(
                each for each in details if resource.resource in each.get("locations", ())
            ),
            organisation=token.claims.get("cbe", ""),
            not_after=token.expires_at,
            # A token of a switched capacity ends with the same consent, whoever exchanges it.
            switched_by=subject.live.switched_by if subject.live else "",
        )
    )
    asked = request.form.get("scope", "")
    narrower = replace(authorised, scope=narrow_scope(authorised.scope, asked))
    return narrow_details(request, narrower)


def _subject_and_act(
    request: Request,
    client: Client,
    subject: ActiveToken,
    target: ExchangeTarget,
    profile: Profile,
) -> tuple[str, Act | None]:
    """The `sub` and the `act` of the new token."""
    token, grant, sector = subject.token, subject.grant, target.resource.sector_identifier
    clients = _actor_chain(request, client, token, actor_clients(token, subject.profile))
    if grant is None:
        return token.subject, clients  # of a system: its client_id, which is the same everywhere
    own = target.subject or find_or_create_subject(
        request.connection, grant.person_id, sector, request.now
    )
    try:
        return subject_and_act(request, profile, own, sector, clients)
    except CapacityEnded:
        raise ProtocolError(
            "invalid_request", "The capacity in which the person would act has ended."
        ) from None


def _actor_chain(
    request: Request, client: Client, token: AccessToken, before: Act | None
) -> Act | None:
    """The chain of clients, the newest outermost (§4.1); unchanged for a client's own token."""
    actor = client.client_id
    if "actor_token" in request.form:
        acting = require_token(request, "actor_token").token
        if acting.client_id != client.client_id:
            raise ProtocolError("invalid_request", "The actor_token is not this client's.")
        actor = acting.subject
    elif client.client_id == token.client_id:
        return before
    chain = {"sub": actor, **({"act": before} if before else {})}
    if _chain_length(chain) > MOST_ACTORS:
        raise ProtocolError("invalid_request", "The token went through too many hands.")
    return chain


def _chain_length(chain: Act | None) -> int:
    return 1 + _chain_length(chain.get("act")) if chain else 0


def _record_exchange(request: Request, authorised: AuthorisedAccess, subject: ActiveToken) -> None:
    grant, profile_id = subject.grant, authorised.profile.id
    person_id, device_id = (grant.person_id, grant.device_id) if grant else (None, None)
    client_id, resource = authorised.client.client_id, authorised.audience
    events: list[Event] = [
        TokenExchanged(
            person_id=person_id,
            device_id=device_id,
            client_id=client_id,
            subject_client_id=subject.token.client_id,
            resource=resource,
        )
    ]
    if profile_id != subject.profile.id:
        switched = ProfileSwitched(
            person_id=person_id,
            device_id=device_id,
            client_id=client_id,
            resource=resource,
            profile_id=str(profile_id or ""),
        )
        events.append(switched)
    for event in events:
        record(request.connection, request.secrets, event, request.now, request.reference)

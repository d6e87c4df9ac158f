"""Token exchange: RFC 8693 (https://www.rfc-editor.org/rfc/rfc8693).

A back end that was given an access token gets one of its own for the next resource, and never
passes on the first. Who may do so with whose token, for which resource, the operator registers. The
result hangs on the same grant, so that it dies with the device; it allows no more and lives no
longer than what was presented, and `act` tells through whose hands it went. It acts in the capacity
of what was presented, unless another one is asked (`profile_switch`).
"""

from dataclasses import replace
from typing import Final

from authlib.oauth2.rfc6749.grants import TokenEndpointMixin

from authn.audit.events import Event, TokenExchanged
from authn.audit.log import record
from authn.audit.token_events import ProfileSwitched
from authn.clients.clients import Client
from authn.clients.exchange_pairs import ExchangePair, ExchangeTarget, find_target
from authn.clients.protocol_words import TOKEN_EXCHANGE
from authn.clients.resources import resources_of
from authn.grants.confirmation import Confirmation
from authn.grants.particulars import GrantDetails
from authn.jose import InvalidToken
from authn.oidc.access_token import AccessToken, AuthorisedAccess
from authn.oidc.acting_token import CapacityEnded
from authn.oidc.confirmation import presented_confirmation
from authn.oidc.grant_management import grant_management_endpoint
from authn.oidc.grant_types.token_grant import TokenGrant
from authn.oidc.living_token import LivingToken, living_token
from authn.oidc.narrowed_details import narrowed_details
from authn.oidc.on_behalf import Act, clients_of, subject_and_act
from authn.oidc.profile_switch import allowed_in_profile, asked_profile
from authn.oidc.token_answer import (
    Answer,
    invalid_target,
    issued,
    scope_at,
    token_response,
    within_permissions,
)
from authn.people.subjects import subject_of
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
        """The client authenticated, and may exchange at all."""
        self.authenticate_token_endpoint_client()
        if not self.client.check_grant_type(self.GRANT_TYPE):
            raise ProtocolError("unauthorized_client", "This client may not exchange tokens.")

    def create_token_response(self) -> Answer:
        """The new access token (§2.2.1), on record."""
        http, client = self.http, self.client
        refuse_other_types(http)
        subject = presented(http, "subject_token")
        target = _target(http, client, subject)
        confirmation = _confirmation(http, client, subject)
        profile = asked_profile(http, client, subject, target.resource)
        authorised = _authorised(http, client, subject, target, profile, confirmation)
        if profile.id != subject.profile.id and subject.grant:
            ends_at = allowed_in_profile(http, client, subject.grant, authorised)
            ends = [each for each in (authorised.not_after, ends_at) if each]
            authorised = replace(
                authorised, switched_by=client.client_id, not_after=min(ends, default=None)
            )
        body = issued(http, authorised)
        _record(http, authorised, subject)
        return token_response({**body, "issued_token_type": ACCESS_TOKEN})


def refuse_other_types(request: Request) -> None:
    """Access tokens for access tokens; raises `ProtocolError` (§2.1)."""
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


def presented(request: Request, name: str) -> LivingToken:
    """The token of this parameter, alive; raises `ProtocolError`, as §2.2.2 wants it.

    One for a client's own grants stands for nobody at any resource.
    """
    refusal = ProtocolError("invalid_request", f"The {name} is invalid, expired or ended.")
    try:
        living = living_token(request, request.form[name])
    except InvalidToken:
        raise refusal from None
    if living.token.audience == grant_management_endpoint(request.settings):
        raise refusal
    return living


def _target(request: Request, client: Client, subject: LivingToken) -> ExchangeTarget:
    """What `resource` or `audience` names, if the client may exchange that token for it.

    An audience may also be the client as which a resource asks about tokens.
    """
    connection, token, grant = request.connection, subject.token, subject.grant
    resource, audience = request.form.get("resource", ""), request.form.get("audience", "")
    person_id = grant.person_id if grant else None

    def target(name: str) -> ExchangeTarget | None:
        pair = ExchangePair(client.client_id, token.client_id, name)
        return find_target(connection, pair, person_id)

    found = target(resource or audience)
    if found is None and audience and not resource:
        of_client = resources_of(connection, audience)
        found = target(of_client[0].resource) if len(of_client) == 1 else None
    if found is None or (resource and audience not in ("", resource, found.resource.client_id)):
        raise invalid_target("Name one resource that is registered, as resource or as audience.")
    if not found.allowed:
        raise invalid_target("This client may not exchange that token for this resource.")
    return found


def _confirmation(request: Request, client: Client, subject: LivingToken) -> Confirmation:
    """What the new token is bound to: never to nothing where the one presented was bound.

    A public client has nothing but the key to show that the token is its own.
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


def _authorised(
    request: Request,
    client: Client,
    subject: LivingToken,
    target: ExchangeTarget,
    profile: Profile,
    confirmation: Confirmation,
) -> AuthorisedAccess:
    """What the new token says: no more than the one presented (§5, RFC 8707 §3).

    What was allowed once, in one capacity (RFC 9396), is allowed in no other.
    """
    token, grant, resource = subject.token, subject.grant, target.resource
    who, act = _who(request, client, subject, target, profile)
    same = profile.id == subject.profile.id
    details = token.claims.get("authorization_details", ()) if same else ()
    allowed = grant.allowed if grant else GrantDetails(resources=(token.audience,))
    authorised = within_permissions(
        AuthorisedAccess(
            client=client,
            audience=resource.resource,
            subject=who,
            sector=resource.sector_identifier,
            scope=scope_at(resource, token.scope, allowed),
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
            # Whoever has it after this one, it ends with the same consent.
            switched_by=subject.live.switched_by if subject.live else "",
        )
    )
    asked = request.form.get("scope", "")
    narrower = replace(authorised, scope=narrowed(authorised.scope, asked))
    return narrowed_details(request, narrower)


def _who(
    request: Request,
    client: Client,
    subject: LivingToken,
    target: ExchangeTarget,
    profile: Profile,
) -> tuple[str, Act | None]:
    """The `sub` and the `act` of the new token."""
    token, grant, sector = subject.token, subject.grant, target.resource.sector_identifier
    clients = _clients(request, client, token, clients_of(token, subject.profile))
    if grant is None:
        return token.subject, clients  # of a system: its client_id, which is the same everywhere
    own = target.subject or subject_of(request.connection, grant.person_id, sector, request.now)
    try:
        return subject_and_act(request, profile, own, sector, clients)
    except CapacityEnded:
        raise ProtocolError(
            "invalid_request", "The capacity in which the person would act has ended."
        ) from None


def narrowed(allowed: str, asked: str) -> str:
    """What was asked of the allowed scope; raises `ProtocolError` for anything beside it."""
    wanted = dict.fromkeys(asked.split())
    if not set(wanted) <= set(allowed.split()):
        raise ProtocolError("invalid_scope", "The scope is wider than that of the subject_token.")
    return " ".join(wanted) or allowed


def _clients(
    request: Request, client: Client, token: AccessToken, before: Act | None
) -> Act | None:
    """The chain of clients, the newest outermost (§4.1); a client's own token stays its own."""
    actor = client.client_id
    if "actor_token" in request.form:
        acting = presented(request, "actor_token").token
        if acting.client_id != client.client_id:
            raise ProtocolError("invalid_request", "The actor_token is not this client's.")
        actor = acting.subject
    elif client.client_id == token.client_id:
        return before
    chain = {"sub": actor, **({"act": before} if before else {})}
    if _length(chain) > MOST_ACTORS:
        raise ProtocolError("invalid_request", "The token went through too many hands.")
    return chain


def _length(chain: Act | None) -> int:
    return 1 + _length(chain.get("act")) if chain else 0


def _record(request: Request, authorised: AuthorisedAccess, subject: LivingToken) -> None:
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

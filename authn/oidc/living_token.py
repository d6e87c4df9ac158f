"""An access token that somebody presents to us: what it says, once it is known to be alive.

RFC 7662 §2.2 (https://www.rfc-editor.org/rfc/rfc7662#section-2.2) for what alive is. At the
introspection endpoint one statement answers that for a resource: `grants.introspection`.
"""

from dataclasses import dataclass, replace
from typing import Final

from authn.clients.client_metadata import ClientMetadata
from authn.clients.clients import find_client
from authn.clients.exchange_pairs import may_exchange_for
from authn.clients.resources import userinfo_audience
from authn.consents.authorization_details import ACTIONS_AT_RESOURCE, Detail
from authn.grants.access_tokens import LiveGrant, grant_of_access_token, is_of_a_system, is_revoked
from authn.grants.grants import Grant
from authn.jose import InvalidToken
from authn.oidc.access_token import AccessToken, our_access_token
from authn.oidc.acting_token import CapacityEnded, CapacityUnchecked, capacity_of_token, unchecked
from authn.profiles.profile import CITIZEN, Profile
from authn.web.request import Request

_DETAILS: Final = "authorization_details"


@dataclass(frozen=True, slots=True)
class LivingToken:
    """An access token of ours that lives, and what it hangs on; a system's has no grant.

    `profile` is the capacity in which it acts, which may be another than the grant's.
    """

    token: AccessToken
    live: LiveGrant | None
    profile: Profile = CITIZEN

    @property
    def grant(self) -> Grant | None:
        """The grant that it is of."""
        return self.live.grant if self.live else None


def living_token(request: Request, text: str, audience: str = "") -> LivingToken:
    """The token, if it is ours, for this audience if one is given, and all above it is alive.

    One that is bound to nothing is no more where its client must bind its tokens by now. Raises
    `InvalidToken`, and what answers 503 with nothing done where nobody can say whether the capacity
    in which it acts still holds.
    """
    connection = request.connection
    token = our_access_token(request, text)
    if audience not in ("", token.audience):
        raise InvalidToken
    if is_of_a_system(token.jti):
        return LivingToken(_of_system(request, token, audience), None)
    live = grant_of_access_token(
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
        profile = capacity_of_token(
            request, live.grant.person_id, live.profile_id, live.kinds, live.switched_by
        )
    except CapacityEnded:
        raise InvalidToken from None
    except CapacityUnchecked:
        raise unchecked() from None
    return LivingToken(_within(token, live.client_scope), live, profile)


def _of_system(request: Request, token: AccessToken, audience: str) -> AccessToken:
    """A system's, while it and the client that obtained it first are clients; raises as above."""
    client = find_client(request.connection, token.client_id)
    if client is None or is_revoked(request.connection, token.jti):
        raise InvalidToken
    _check_client_may_have(request, token, client.metadata, (audience, *client.resources))
    if token.subject != client.client_id:  # it was exchanged
        client = find_client(request.connection, token.subject)
    if client is None:
        raise InvalidToken
    return _within(token, client.scope)


def _check_client_may_have(
    request: Request, token: AccessToken, metadata: ClientMetadata, resources: tuple[str, ...]
) -> None:
    """Its client, which has this metadata, may have such a token to this day: bound if it must be,
    and for one of these or by an exchange. Raises `InvalidToken`."""
    if metadata.binds_tokens and not token.confirmation:
        raise InvalidToken
    if token.audience in (userinfo_audience(request.settings), *resources):
        return
    if not may_exchange_for(request.connection, token.client_id, token.audience):
        raise InvalidToken


def _within(token: AccessToken, client_scope: str) -> AccessToken:
    """The token with what of its scope and its details the client that was granted it may ask to
    this day."""
    scopes, askable = token.scope.split(), frozenset(client_scope.split())
    left = [each for each in scopes if each in askable]
    told = token.claims.get(_DETAILS, ())
    kept = [each for each in told if _may_be_asked(each, askable)]
    if left == scopes and len(kept) == len(told):
        return token
    return replace(token, scope=" ".join(left), claims={**token.claims, _DETAILS: kept})


def _may_be_asked(detail: Detail, askable: frozenset[str]) -> bool:
    return detail["type"] != ACTIONS_AT_RESOURCE or askable.issuperset(detail["actions"])

"""An access token that somebody presents to us: what it says, once it is known to be alive.

RFC 7662 §2.2 (https://www.rfc-editor.org/rfc/rfc7662#section-2.2) for what alive is. At the
introspection endpoint one statement answers that for a resource: `grants.introspection`.
"""

from dataclasses import dataclass

from authn.clients.clients import find_client
from authn.grants.access_tokens import (
    LiveGrant,
    grant_of_access_token,
    is_of_a_system,
    is_revoked,
)
from authn.grants.grants import Grant
from authn.jose import InvalidToken
from authn.oidc.access_token import AccessToken, our_access_token
from authn.oidc.acting_token import CapacityEnded, CapacityUnchecked, capacity_of_token, unchecked
from authn.profiles.profile import CITIZEN, Profile
from authn.web.request import Request


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

    Raises `InvalidToken`, and what answers 503 with nothing done where nobody can say whether the
    capacity in which it acts still holds.
    """
    connection = request.connection
    token = our_access_token(request, text)
    if audience not in ("", token.audience):
        raise InvalidToken
    if is_of_a_system(token.jti):
        if find_client(connection, token.client_id) is None or is_revoked(connection, token.jti):
            raise InvalidToken
        return LivingToken(token, None)
    live = grant_of_access_token(
        connection, request.secrets, request.settings, token.jti, request.now
    )
    if live is None:
        raise InvalidToken
    # One that was got by an exchange is another client's than its grant.
    if live.grant.client_id != token.client_id and find_client(connection, token.client_id) is None:
        raise InvalidToken
    try:
        profile = capacity_of_token(
            request, live.grant.person_id, live.profile_id, live.kinds, live.switched_by
        )
    except CapacityEnded:
        raise InvalidToken from None
    except CapacityUnchecked:
        raise unchecked() from None
    return LivingToken(token, live, profile)

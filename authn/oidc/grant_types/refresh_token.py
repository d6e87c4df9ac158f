"""The refresh token grant: RFC 6749 §6 (https://www.rfc-editor.org/rfc/rfc6749#section-6).

Authlib's `validate_token_request` authenticates the client, asks for the token and compares the
scope; `grants.refresh_tokens` decides which tokens may be used, and which are replaced. Every check
comes before the token is spent: after an `invalid_scope` the token can still be used (decisions 5).
"""

from typing import cast

from authlib.oauth2.rfc6749 import TokenMixin, grants

from authn.clients.clients import REFRESH_TOKEN
from authn.grants.refresh_tokens import (
    UsableRefreshToken,
    find_grant_of_refresh_token,
    find_refresh_token,
    use_refresh_token,
)
from authn.oidc.grant_types.token_server import TokenGrant
from authn.oidc.tokens.capacity import require_granted_capacity
from authn.oidc.tokens.id_token import check_id_token_can_be_built
from authn.oidc.tokens.sender_constraint import confirmation_of_owner
from authn.oidc.tokens.token_response import (
    ObtainedTokens,
    TokenResponse,
    authorised_access,
    build_token_response,
)
from authn.profiles.refreshing import refresh_citizen


class RefreshTokenGrant(TokenGrant, grants.RefreshTokenGrant):
    """`grant_type=refresh_token`."""

    GRANT_TYPE = REFRESH_TOKEN

    def authenticate_refresh_token(self, refresh_token: str) -> TokenMixin:
        """The refresh token, not spent yet; raises `InvalidGrant`."""
        http, client = self.http, self.client
        check_id_token_can_be_built(http, client)
        self.confirmation = confirmation_of_owner(
            http,
            client,
            lambda: find_grant_of_refresh_token(http.connection, refresh_token) is not None,
        )
        usable = find_refresh_token(
            http.connection,
            http.site,
            client,
            refresh_token,
            self.confirmation,
            http.now,
            http.reference,
        )
        return cast(TokenMixin, usable)

    def create_token_response(self) -> TokenResponse:
        """The response with new tokens of the grant, for all of its scope or the asked part.

        The ID token has no nonce, and the original time of the sign-in (Core §12.2).
        """
        http = self.http
        usable = cast(UsableRefreshToken, self.request.refresh_token)
        scope = " ".join(dict.fromkeys(http.form.get("scope", "").split()))
        refresh_citizen(http, usable.grant.person_id, usable.checked_at)
        profile = require_granted_capacity(http, usable.grant, usable.client.allowed_profile_kinds)
        obtained = ObtainedTokens(
            usable.client, usable.grant, profile, self.confirmation, narrower_scope=scope
        )
        authorised = authorised_access(http, obtained)
        refresh_token = use_refresh_token(
            http.connection, http.secrets, usable, self.confirmation, http.now, http.reference
        )
        return build_token_response(http, obtained, authorised, refresh_token)

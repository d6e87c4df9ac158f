"""The refresh token grant: RFC 6749 §6 (https://www.rfc-editor.org/rfc/rfc6749#section-6).

Authlib's `validate_token_request` authenticates the client, asks for the token and compares the
scope; which tokens may be used, and which of them are replaced, `grants.refresh_tokens` decides.
All that may be refused is looked at before the token is spent: an `invalid_scope` leaves it as it
was (decisions 5).
"""

from typing import cast

from authlib.oauth2.rfc6749 import TokenMixin, grants

from authn.clients.clients import REFRESH_TOKEN
from authn.grants.refresh_tokens import (
    UsableRefreshToken,
    find_refresh_token,
    grant_of_refresh_token,
    use_refresh_token,
)
from authn.oidc.acting_token import granted_capacity
from authn.oidc.confirmation import confirmation_of_owner
from authn.oidc.grant_types.token_grant import TokenGrant
from authn.oidc.id_token import check_it_can_be_made
from authn.oidc.token_answer import Answer, ObtainedTokens, authorised_for, tokens
from authn.profiles.refreshing import hear_of_citizen


class RefreshTokenGrant(TokenGrant, grants.RefreshTokenGrant):
    """`grant_type=refresh_token`."""

    GRANT_TYPE = REFRESH_TOKEN

    def authenticate_refresh_token(self, refresh_token: str) -> TokenMixin:
        """The token, unspent; raises `InvalidGrant`."""
        http, client = self.http, self.client
        check_it_can_be_made(http, client)
        self.confirmation = confirmation_of_owner(
            http, client, lambda: grant_of_refresh_token(http.connection, refresh_token) is not None
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

    def create_token_response(self) -> Answer:
        """New tokens of the grant, for all of its scope or for what was asked of it.

        The ID token has no nonce, and the time at which the person signed in (Core §12.2).
        """
        http = self.http
        usable = cast(UsableRefreshToken, self.request.refresh_token)
        scope = " ".join(dict.fromkeys(http.form.get("scope", "").split()))
        hear_of_citizen(http, usable.grant.person_id, usable.heard_at)
        profile = granted_capacity(http, usable.grant, usable.client.allowed_profile_kinds)
        obtained = ObtainedTokens(
            usable.client, usable.grant, profile, self.confirmation, narrower_scope=scope
        )
        authorised = authorised_for(http, obtained)
        refresh_token = use_refresh_token(
            http.connection, http.secrets, usable, self.confirmation, http.now, http.reference
        )
        return tokens(http, obtained, authorised, refresh_token)

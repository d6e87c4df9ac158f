"""The authorization code grant: RFC 6749 §4.1.3 (https://www.rfc-editor.org/rfc/rfc6749).

Authlib's `validate_token_request` authenticates the client and then calls
`query_authorization_code`. `grants.codes.redeem_code` decides whether the code is valid, in a
statement that spends the code. Tokens are built by us: Authlib's generators read the clock.
"""

from typing import cast

from authlib.oauth2.rfc6749 import ClientMixin, grants

from authn.grants.codes import PresentedCode, RedeemedCode, is_code_of_client, redeem_code
from authn.grants.confirmation import Confirmation
from authn.oidc.grant_types.token_server import TokenGrant
from authn.oidc.tokens.capacity import require_granted_capacity
from authn.oidc.tokens.id_token import check_id_token_can_be_built
from authn.oidc.tokens.sender_constraint import confirmation_of_owner
from authn.oidc.tokens.token_response import ObtainedTokens, TokenResponse, issue_tokens


class AuthorizationCodeGrant(TokenGrant, grants.AuthorizationCodeGrant):
    """`grant_type=authorization_code`."""

    GRANT_TYPE = "authorization_code"
    confirmation: Confirmation

    def query_authorization_code(self, code: str, client: ClientMixin) -> RedeemedCode:
        """The redeemed code; raises `InvalidGrant`, which commits that the code is spent."""
        http = self.http
        check_id_token_can_be_built(http, self.client)
        # Before the code is spent, and once: a client may have to make its proof anew.
        self.confirmation = confirmation_of_owner(
            http,
            self.client,
            lambda: is_code_of_client(http.connection, code, self.client.client_id),
        )
        presented = PresentedCode(
            code=code,
            client_id=self.client.client_id,
            redirect_uri=http.form.get("redirect_uri", ""),
            code_verifier=http.form.get("code_verifier", ""),
            dpop_jkt=self.confirmation.jkt,
        )
        return redeem_code(
            http.connection,
            http.secrets,
            http.settings,
            presented,
            self.client,
            http.now,
            http.reference,
        )

    def create_token_response(self) -> TokenResponse:
        """The tokens of the code's grant."""
        redeemed = cast(RedeemedCode, self.request.authorization_code)
        profile = require_granted_capacity(
            self.http, redeemed.grant, self.client.allowed_profile_kinds
        )
        obtained = ObtainedTokens(
            self.client, redeemed.grant, profile, self.confirmation, redeemed.nonce
        )
        return issue_tokens(self.http, obtained)

"""The authorization code grant: RFC 6749 §4.1.3 (https://www.rfc-editor.org/rfc/rfc6749).

Authlib's `validate_token_request` authenticates the client and asks for the code; whether that is
still valid, `grants.codes.redeem_code` decides, in one statement that spends it. What the client
gets is ours: Authlib's generators read the clock themselves.
"""

from typing import cast

from authlib.oauth2.rfc6749 import ClientMixin, grants

from authn.grants.codes import PresentedCode, RedeemedCode, redeem_code, was_given
from authn.grants.confirmation import Confirmation
from authn.oidc.acting_token import granted_capacity
from authn.oidc.confirmation import confirmation_of_owner
from authn.oidc.grant_types.token_grant import TokenGrant
from authn.oidc.id_token import check_it_can_be_made
from authn.oidc.token_answer import Answer, ObtainedTokens, answer


class AuthorizationCodeGrant(TokenGrant, grants.AuthorizationCodeGrant):
    """`grant_type=authorization_code`."""

    GRANT_TYPE = "authorization_code"
    confirmation: Confirmation

    def query_authorization_code(self, code: str, client: ClientMixin) -> RedeemedCode:
        """The code, spent; raises `InvalidGrant`, which commits that it is."""
        http = self.http
        check_it_can_be_made(http, self.client)
        # First, and once: a proof that must be made anew does not cost the code.
        self.confirmation = confirmation_of_owner(
            http, self.client, lambda: was_given(http.connection, code, self.client.client_id)
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

    def create_token_response(self) -> Answer:
        """The tokens of the grant that the code stood for."""
        redeemed = cast(RedeemedCode, self.request.authorization_code)
        profile = granted_capacity(self.http, redeemed.grant, self.client.allowed_profile_kinds)
        obtained = ObtainedTokens(
            self.client, redeemed.grant, profile, self.confirmation, redeemed.nonce
        )
        return answer(self.http, obtained)

"""The authorization code grant: RFC 6749 §4.1.3 (https://www.rfc-editor.org/rfc/rfc6749).

Authlib's `validate_token_request` authenticates the client and asks for the code; whether that is
still valid, `grants.codes.redeem_code` decides, in one statement that spends it. What the client
gets is ours: Authlib's generators read the clock themselves.
"""

from typing import TYPE_CHECKING, cast

from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant

from authn.clients.clients import Client
from authn.grants.codes import Presented, RedeemedCode, redeem_code
from authn.oidc.client_authentication import METHODS
from authn.oidc.confirmation import presented_confirmation
from authn.oidc.token_answer import Answer, Obtained, answer

if TYPE_CHECKING:
    from authn.oidc.token import TokenServer


class AuthorizationCode(AuthorizationCodeGrant):
    """`grant_type=authorization_code`."""

    GRANT_TYPE = "authorization_code"
    TOKEN_ENDPOINT_AUTH_METHODS = list(METHODS)  # noqa: RUF012 (Authlib declares it so)
    server: "TokenServer"

    def query_authorization_code(self, code: str, client: ClientMixin) -> RedeemedCode:
        """The code, spent; raises `InvalidGrant`, which commits that it is."""
        http = self.server.http
        presented = Presented(
            code=code,
            client_id=client.get_client_id(),
            redirect_uri=http.form.get("redirect_uri", ""),
            code_verifier=http.form.get("code_verifier", ""),
            dpop_jkt=presented_confirmation(http, cast(Client, client)).jkt,
        )
        return redeem_code(
            http.connection, http.secrets, http.settings, presented, http.now, http.reference
        )

    def create_token_response(self) -> Answer:
        """The tokens of the grant that the code stood for."""
        http = self.server.http
        redeemed = cast(RedeemedCode, self.request.authorization_code)
        client = cast(Client, self.request.client)
        confirmation = presented_confirmation(http, client)
        return answer(http, Obtained(client, redeemed.grant, confirmation, redeemed.nonce))

"""The authorization code grant: RFC 6749 §4.1.3 (https://www.rfc-editor.org/rfc/rfc6749).

Authlib's `validate_token_request` authenticates the client and asks for the code; whether that is
still valid, `grants.codes.redeem_code` decides, in one statement that spends it. What the client
gets is ours: Authlib's generators read the clock themselves.
"""

from typing import TYPE_CHECKING, cast

import orjson
from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant

from authn.clients.clients import Client
from authn.clients.registration import AUTH_METHODS
from authn.consents.scopes import OPENID
from authn.grants.access_tokens import LIFETIME, record_access_token
from authn.grants.codes import Presented, RedeemedCode, redeem_code
from authn.keys.signing_keys import current_keys
from authn.oidc.access_token import access_token
from authn.oidc.id_token import id_token

if TYPE_CHECKING:
    from authn.oidc.token import TokenServer


class AuthorizationCode(AuthorizationCodeGrant):
    """`grant_type=authorization_code`."""

    GRANT_TYPE = "authorization_code"
    TOKEN_ENDPOINT_AUTH_METHODS = list(AUTH_METHODS)  # noqa: RUF012 (Authlib declares it so)
    server: "TokenServer"

    def query_authorization_code(self, code: str, client: ClientMixin) -> RedeemedCode:
        """The code, spent; raises `InvalidGrant`, which commits that it is."""
        http = self.server.http
        presented = Presented(
            code=code,
            client_id=client.get_client_id(),
            redirect_uri=http.form.get("redirect_uri", ""),
            code_verifier=http.form.get("code_verifier", ""),
        )
        return redeem_code(
            http.connection, http.secrets, http.settings, presented, http.now, http.reference
        )

    def create_token_response(self) -> tuple[int, str, list[tuple[str, str]]]:
        """The access token and, where `openid` was granted, the ID token (Core §3.1.3.3)."""
        http = self.server.http
        redeemed = cast(RedeemedCode, self.request.authorization_code)
        grant = redeemed.grant
        keys = current_keys(http.site, http.connection, http.now)
        jti = record_access_token(http.connection, grant.id, http.now)
        client = cast(Client, self.request.client)
        token = access_token(keys, http.settings, client, grant, jti, http.now)
        answer = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": int(LIFETIME.total_seconds()),
            "scope": grant.scope,
        }
        if OPENID in grant.scope.split():
            answer["id_token"] = id_token(
                keys, http.settings, client, grant, redeemed.nonce, token, http.now
            )
        return 200, orjson.dumps(answer).decode(), []

"""/token: a client exchanges a grant for tokens (RFC 6749 §3.2).

https://www.rfc-editor.org/rfc/rfc6749#section-3.2. `GRANT_TYPES` lists the grant types; Authlib
runs the one that a request names (`grant_types.token_server`).

A code exchange, in the order of reading: this module, `grant_types.token_server`,
`grant_types.authorization_code`, `client_authentication.authentication`, `grants.codes`,
`tokens.token_response`, `tokens.access_token`, `tokens.id_token`.
"""

from collections.abc import Mapping
from typing import cast

from authlib.oauth2.rfc6749.grants import BaseGrant
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from authn.clients.clients import CLIENT_CREDENTIALS, REFRESH_TOKEN
from authn.oidc.client_authentication.client_assertion import has_assertion
from authn.oidc.grant_types.authorization_code import AuthorizationCodeGrant
from authn.oidc.grant_types.client_credentials import ClientCredentialsGrant
from authn.oidc.grant_types.device_code import DeviceCodeGrant
from authn.oidc.grant_types.jwt_bearer import JwtBearerGrant
from authn.oidc.grant_types.refresh_token import RefreshTokenGrant
from authn.oidc.grant_types.token_exchange import TokenExchangeGrant
from authn.oidc.grant_types.token_server import TokenServer
from authn.oidc.tokens.dpop import HEADER
from authn.web.protocol import ProtocolError
from authn.web.request import Request
from authn.web.routing import protocol_route

GRANT_TYPES: dict[str, type[BaseGrant]] = {
    AuthorizationCodeGrant.GRANT_TYPE: AuthorizationCodeGrant,
    RefreshTokenGrant.GRANT_TYPE: RefreshTokenGrant,
    ClientCredentialsGrant.GRANT_TYPE: ClientCredentialsGrant,
    DeviceCodeGrant.GRANT_TYPE: DeviceCodeGrant,
    TokenExchangeGrant.GRANT_TYPE: TokenExchangeGrant,
    JwtBearerGrant.GRANT_TYPE: JwtBearerGrant,
}


def token(request: Request) -> Response:
    """The response with tokens; raises a `Refusal` in the form of RFC 6749 §5.2."""
    if not request.form.get("grant_type"):
        raise ProtocolError("invalid_request", "The grant_type is missing.")
    grant_type = GRANT_TYPES.get(request.form["grant_type"])
    return cast(Response, TokenServer(request, grant_type).create_token_response())


def _writes(http: HttpRequest, form: Mapping[str, str]) -> bool:
    """Whether the request will write: nearly every request spends what is presented.

    Exceptions begin as reading transactions: tokens of a system with a secret or a certificate,
    which are stored nowhere, and the refresh token of a client with a secret, which stays as it is.
    """
    grant_type = form.get("grant_type")
    if has_assertion(form) or HEADER in http.headers:
        return True
    with_secret = "client_secret" in form or "authorization" in http.headers
    return not (grant_type == CLIENT_CREDENTIALS or (grant_type == REFRESH_TOKEN and with_secret))


routes = [protocol_route("/token", token, methods=["POST"], writes=_writes)]

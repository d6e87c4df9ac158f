"""Where Authlib's token endpoint meets our requests, clients and errors.

Authlib's `AuthorizationServer` asks the grant type to `validate_token_request`, which authenticates
the client and looks at the parameters, and then to `create_token_response`. A server is made for
each request: 2 µs, and nothing is shared. An error leaves as a `Refusal`, whose transaction is
committed, so that a spent code stays spent.
"""

from collections.abc import Collection
from typing import Any, NoReturn, cast

from authlib.oauth2 import AuthorizationServer, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc6749.grants import BaseGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from starlette.responses import Response

from authn.clients.clients import Client
from authn.oidc.client_authentication.authentication import METHODS, authenticate_client
from authn.oidc.tokens.dpop import nonce_headers
from authn.web.protocol import ProtocolError
from authn.web.request import Request

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class TokenRequest(OAuth2Request):
    """A token request in the shape that Authlib reads."""

    def __init__(self, http: Request) -> None:
        # No header: Authlib crashes on one that is none, and has no business with any.
        super().__init__(http.method, f"{http.settings.issuer}/token", headers={})
        self._form = dict(http.form)
        self.payload = BasicOAuth2Payload(self._form)

    @property
    def args(self) -> dict[str, str | None]:
        return {}

    @property
    def form(self) -> dict[str, str]:
        return self._form


class TokenServer(AuthorizationServer):
    """Authlib's server for one request, with the grant type that the request names, or none."""

    def __init__(self, http: Request, grant_type: type[BaseGrant] | None) -> None:
        super().__init__()
        self.http = http
        if grant_type is not None:
            self.register_grant(grant_type)

    def authenticate_client(
        self, request: OAuth2Request, methods: Collection[str], endpoint: str = "token"
    ) -> ClientMixin:
        """The client, by our methods: `oidc.client_authentication`."""
        return cast(ClientMixin, authenticate_client(self.http))

    def create_oauth2_request(self, request: Any) -> TokenRequest:
        return TokenRequest(self.http)

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def handle_response(self, status: int, body: Any, headers: Any) -> Response:
        return Response(body, status, NO_STORE | nonce_headers(self.http), "application/json")

    def handle_error_response(self, request: OAuth2Request, error: OAuth2Error) -> NoReturn:
        """Raises what Authlib would answer with (RFC 6749 §5.2)."""
        code = str(error.error)
        if code == "unsupported_grant_type":  # Authlib's text repeats what was sent
            raise ProtocolError(code, "The grant_type is not supported.") from None
        raise ProtocolError(code, error.get_error_description()) from None


class TokenGrant(BaseGrant):
    """What our grant types share, beside the class of Authlib from which each comes."""

    TOKEN_ENDPOINT_AUTH_METHODS: Collection[str] = tuple(METHODS)
    server: TokenServer

    @property
    def http(self) -> Request:
        """The HTTP request, in its transaction."""
        return self.server.http

    @property
    def client(self) -> Client:
        """The client, after authentication."""
        return cast(Client, self.request.client)

    def authenticate_token_endpoint_client(self) -> ClientMixin:
        """The client, kept: Authlib keeps it only after it has looked at what was presented."""
        self.request.client = super().authenticate_token_endpoint_client()
        return self.request.client

"""/token: RFC 6749 §3.2 (https://www.rfc-editor.org/rfc/rfc6749#section-3.2), on Authlib.

Authlib's `AuthorizationServer` finds the grant type, whose `validate_token_request` asks for the
client (`client_authentication`) and for what the grant needs, and turns its errors into OAuth's; it
is made anew for each request, which costs 2 µs and leaves nothing to share. An error leaves as a
`Refusal`, so that a spent code stays spent.
"""

from collections.abc import Collection, Mapping
from typing import Any, NoReturn, cast

from authlib.oauth2 import AuthorizationServer, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from authn.clients.clients import CLIENT_CREDENTIALS, REFRESH_TOKEN
from authn.oidc.client_assertion import presents_assertion
from authn.oidc.client_authentication import authenticated_client
from authn.oidc.dpop import HEADER, nonce_headers
from authn.oidc.grant_types import GRANT_TYPES
from authn.web.protocol import ProtocolError
from authn.web.request import Request
from authn.web.routing import protocol_route

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class TokenRequest(OAuth2Request):
    """A request as Authlib reads it."""

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
    """Authlib's server for one request."""

    def __init__(self, http: Request) -> None:
        super().__init__()
        self.http = http
        # The others would be asked one by one whether they are meant.
        if grant_type := GRANT_TYPES.get(http.form["grant_type"]):
            self.register_grant(grant_type)

    def authenticate_client(
        self, request: OAuth2Request, methods: Collection[str], endpoint: str = "token"
    ) -> ClientMixin:
        """The client, by our methods: `oidc.client_authentication`."""
        return cast(ClientMixin, authenticated_client(self.http))

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


def token(request: Request) -> Response:
    """The tokens for a grant; raises a `Refusal` in the form of RFC 6749 §5.2."""
    if not request.form.get("grant_type"):
        raise ProtocolError("invalid_request", "The grant_type is missing.")
    return cast(Response, TokenServer(request).create_token_response())


def _writes(http: HttpRequest, form: Mapping[str, str]) -> bool:
    """Whether it will come to a write, as far as the request tells: nearly everything is spent.

    Not what a system gets with a secret or a certificate, which is nowhere stored, nor the refresh
    token of an application with a secret, which stays. They begin by reading.
    """
    grant_type = form.get("grant_type")
    if presents_assertion(form) or HEADER in http.headers:
        return True
    with_secret = "client_secret" in form or "authorization" in http.headers
    return not (grant_type == CLIENT_CREDENTIALS or (grant_type == REFRESH_TOKEN and with_secret))


routes = [protocol_route("/token", token, methods=["POST"], writes=_writes)]

"""/token: RFC 6749 §3.2 (https://www.rfc-editor.org/rfc/rfc6749#section-3.2), on Authlib.

Authlib's `AuthorizationServer` authenticates the client (`authenticate_client`), finds the grant
type and turns its errors into OAuth's; it is made anew for each request, which costs 2 µs and
leaves nothing to share. An error leaves as a `Refusal`, so that a spent code stays spent.
"""

import base64
from typing import Any, NoReturn, cast
from urllib.parse import unquote

from authlib.oauth2 import AuthorizationServer, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from starlette.responses import Response

from authn.clients.clients import find_client
from authn.oidc.grant_types import GRANT_TYPES
from authn.web.protocol import ProtocolError
from authn.web.request import Request
from authn.web.routing import protocol_route

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
CHALLENGE = {"WWW-Authenticate": 'Basic realm="token", charset="UTF-8"'}


class TokenRequest(OAuth2Request):
    """A request as Authlib reads it."""

    def __init__(self, http: Request) -> None:
        # Authlib crashes on a header that is none: it gets ours, once it was read (or nothing).
        credentials = basic_credentials(http)
        headers = {"Authorization": f"Basic {credentials}"} if credentials else {}
        super().__init__(http.method, f"{http.settings.issuer}/token", headers=headers)
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
        for grant_type in GRANT_TYPES.values():
            self.register_grant(grant_type)

    def query_client(self, client_id: str) -> ClientMixin:
        return cast(ClientMixin, find_client(self.http.connection, client_id))

    def create_oauth2_request(self, request: Any) -> TokenRequest:
        return TokenRequest(self.http)

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def handle_response(self, status: int, body: Any, headers: Any) -> Response:
        return Response(body, status, NO_STORE, "application/json")

    def handle_error_response(self, request: OAuth2Request, error: OAuth2Error) -> NoReturn:
        """Raises what Authlib would answer with (RFC 6749 §5.2)."""
        code = str(error.error)
        if code == "invalid_client":
            raise invalid_client() from None
        if code == "unsupported_grant_type":  # Authlib's text repeats what was sent
            raise ProtocolError(code, "The grant_type is not supported.") from None
        raise ProtocolError(code, error.get_error_description()) from None


def invalid_client() -> ProtocolError:
    """One refusal for every reason: nobody learns which clients exist."""
    return ProtocolError(
        "invalid_client",
        "The client is unknown or did not authenticate as it is registered.",
        status=401,
        headers=CHALLENGE,
    )


def token(request: Request) -> Response:
    """The tokens for a grant; raises a `Refusal` in the form of RFC 6749 §5.2."""
    if not request.form.get("grant_type"):
        raise ProtocolError("invalid_request", "The grant_type is missing.")
    return cast(Response, TokenServer(request).create_token_response())


def basic_credentials(request: Request) -> str:
    """What the Basic header holds, in base64; "" without one.

    Raises `ProtocolError` for any other header, and when the client authenticates in a second way
    besides (RFC 6749 §2.3).
    """
    header = request.headers.get("authorization", "").strip()
    if not header:
        return ""
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() != "basic" or not credentials:
        raise invalid_client()
    try:
        decoded = base64.b64decode(credentials, validate=True).decode()
    except ValueError:
        raise invalid_client() from None
    client_id = unquote(decoded.partition(":")[0])
    if "client_secret" in request.form or request.form.get("client_id", client_id) != client_id:
        raise ProtocolError("invalid_request", "The client authenticates in more than one way.")
    return credentials


routes = [protocol_route("/token", token, methods=["POST"], writes=True)]

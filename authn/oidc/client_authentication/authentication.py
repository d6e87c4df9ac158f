"""How a client authenticates at the token endpoint and at every other endpoint that asks.

RFC 6749 §2.3 (https://www.rfc-editor.org/rfc/rfc6749#section-2.3), OpenID Connect Core 1.0 §9. What
is presented says which method is meant; the client must be registered with just that method, and
presents nothing of a second.
"""

import base64
import hmac
from urllib.parse import unquote

from authn.clients.clients import (
    BASIC,
    POST,
    PRIVATE_KEY_JWT,
    PUBLIC,
    SELF_SIGNED_TLS_CLIENT_AUTH,
    TLS_CLIENT_AUTH,
    Client,
    find_client,
)
from authn.oidc.client_authentication.client_assertion import (
    check_assertion,
    has_assertion,
    read_assertion_credentials,
)
from authn.oidc.client_authentication.client_certificate import (
    check_certificate,
    check_self_signed_certificate,
)
from authn.oidc.client_authentication.credentials import (
    Credentials,
    Verify,
    authorization_headers,
    invalid_client,
)
from authn.secrets import token_hash
from authn.web.protocol import ProtocolError
from authn.web.request import Request

__all__ = ["FAPI_METHODS", "METHODS", "authenticate_client", "invalid_client"]


def authenticate_client(request: Request) -> Client:
    """The client, authenticated by the method with which the client is registered.

    Raises `ProtocolError`: `invalid_client` for every reason alike, or `invalid_request`.
    """
    credentials = _read_credentials(request)
    client = find_client(request.connection, credentials.client_id)
    if client is None:
        raise invalid_client("no such client")
    method = client.token_endpoint_auth_method
    if method not in credentials.methods:
        raise invalid_client("another method than it is registered with")
    if client.fapi and method not in FAPI_METHODS:  # FAPI 2.0 Security Profile §5.3.2.1
        raise invalid_client("a method that FAPI 2.0 does not know")
    METHODS[method](request, client, credentials)
    return client


def _read_credentials(request: Request) -> Credentials:
    """The credentials in a request; raises `ProtocolError` where there are two kinds."""
    form = request.form
    basic = _read_basic(request)
    ways = [basic is not None, "client_secret" in form, has_assertion(form)]
    if sum(ways) > 1:
        raise ProtocolError("invalid_request", "The client authenticates in more than one way.")
    if basic is not None:
        if form.get("client_id", basic.client_id) != basic.client_id:
            raise ProtocolError("invalid_request", "The client authenticates in more than one way.")
        return basic
    if "client_secret" in form:
        return Credentials((POST,), form.get("client_id", ""), form["client_secret"])
    if has_assertion(form):
        return read_assertion_credentials(form)
    # A certificate is there or not, whether it is meant or not (RFC 8705 §2).
    return Credentials(WITHOUT_CREDENTIALS, form.get("client_id", ""))


def _read_basic(request: Request) -> Credentials | None:
    """The credentials of a Basic header (RFC 6749 §2.3.1); None without an Authorization header."""
    headers = authorization_headers(request.headers)
    if len(headers) > 1:
        raise ProtocolError("invalid_request", "The client authenticates in more than one way.")
    if not headers or not headers[0]:
        return None
    scheme, _, encoded = headers[0].partition(" ")
    if scheme.lower() != "basic" or not encoded:
        raise invalid_client()
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode()
    except ValueError:
        raise invalid_client() from None
    client_id, _, secret = decoded.partition(":")
    return Credentials((BASIC,), unquote(client_id), unquote(secret))


def _check_secret(request: Request, client: Client, credentials: Credentials) -> None:
    stored = client.client_secret_hash
    if stored is None or not hmac.compare_digest(stored, token_hash(credentials.secret)):
        raise invalid_client("the secret")


def _check_nothing(request: Request, client: Client, credentials: Credentials) -> None:
    """A public client presents its `client_id` alone."""


WITHOUT_CREDENTIALS = (PUBLIC, TLS_CLIENT_AUTH, SELF_SIGNED_TLS_CLIENT_AUTH)
FAPI_METHODS = (PRIVATE_KEY_JWT, TLS_CLIENT_AUTH, SELF_SIGNED_TLS_CLIENT_AUTH)
METHODS: dict[str, Verify] = {
    BASIC: _check_secret,
    POST: _check_secret,
    PRIVATE_KEY_JWT: check_assertion,
    TLS_CLIENT_AUTH: check_certificate,
    SELF_SIGNED_TLS_CLIENT_AUTH: check_self_signed_certificate,
    PUBLIC: _check_nothing,
}

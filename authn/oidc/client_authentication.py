"""Who calls: how a client authenticates at the token endpoint and at every other one that asks.

RFC 6749 §2.3 (https://www.rfc-editor.org/rfc/rfc6749#section-2.3), OpenID Connect Core 1.0 §9. What
is presented says which method is meant; the client must be registered with just that one, and
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
from authn.oidc.client_assertion import (
    check_assertion,
    credentials_of_assertion,
    presents_assertion,
)
from authn.oidc.client_certificate import check_certificate, check_self_signed_certificate
from authn.oidc.credentials import Credentials, Verify, authorizations, invalid_client
from authn.secrets import token_hash
from authn.web.protocol import ProtocolError
from authn.web.request import Request

__all__ = ["FAPI_METHODS", "METHODS", "authenticated_client", "invalid_client"]


def authenticated_client(request: Request) -> Client:
    """The client that this request authenticates as.

    Raises `ProtocolError`: `invalid_client` for every reason alike, or `invalid_request`.
    """
    credentials = _presented(request)
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


def _presented(request: Request) -> Credentials:
    """What the request presents; raises `ProtocolError` where that is two ways, or none."""
    form = request.form
    basic = _basic(request)
    ways = [basic is not None, "client_secret" in form, presents_assertion(form)]
    if sum(ways) > 1:
        raise ProtocolError("invalid_request", "The client authenticates in more than one way.")
    if basic is not None:
        if form.get("client_id", basic.client_id) != basic.client_id:
            raise ProtocolError("invalid_request", "The client authenticates in more than one way.")
        return basic
    if "client_secret" in form:
        return Credentials((POST,), form.get("client_id", ""), form["client_secret"])
    if presents_assertion(form):
        return credentials_of_assertion(form)
    # A certificate is there or not, whether it is meant or not (RFC 8705 §2).
    return Credentials(WITHOUT_CREDENTIALS, form.get("client_id", ""))


def _basic(request: Request) -> Credentials | None:
    """What the Basic header holds (RFC 6749 §2.3.1); None without an Authorization header."""
    headers = authorizations(request.headers)
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
    """A public client only says who it is."""


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

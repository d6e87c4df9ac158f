"""Who calls: how a client authenticates at the token endpoint and at every other one that asks.

RFC 6749 §2.3 (https://www.rfc-editor.org/rfc/rfc6749#section-2.3), OpenID Connect Core 1.0 §9. What
is presented says which method is meant; the client must be registered with just that one, and
presents nothing of a second.
"""

import base64
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from authn.clients.clients import BASIC, POST, PUBLIC, Client, find_client
from authn.secrets import token_hash
from authn.web.protocol import ProtocolError
from authn.web.request import Request

CHALLENGE = {"WWW-Authenticate": 'Basic realm="token", charset="UTF-8"'}


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """What a request presents: one of the `methods`, the client that it claims, and its secret.

    Without anything but a `client_id` several methods are possible: what the client is registered
    with decides.
    """

    methods: tuple[str, ...]
    client_id: str
    secret: str = ""


Verify = Callable[[Request, Client, Credentials], bool]


def authenticated_client(request: Request) -> Client:
    """The client that this request authenticates as.

    Raises `ProtocolError`: `invalid_client` for every reason alike, or `invalid_request`.
    """
    credentials = _presented(request)
    client = find_client(request.connection, credentials.client_id)
    if client is None or client.token_endpoint_auth_method not in credentials.methods:
        raise invalid_client()
    if not METHODS[client.token_endpoint_auth_method](request, client, credentials):
        raise invalid_client()
    return client


def invalid_client() -> ProtocolError:
    """One refusal for every reason: nobody learns which clients exist."""
    return ProtocolError(
        "invalid_client",
        "The client is unknown or did not authenticate as it is registered.",
        status=401,
        headers=CHALLENGE,
    )


def _presented(request: Request) -> Credentials:
    """What the request presents; raises `ProtocolError` where that is two ways, or none."""
    form = request.form
    basic = _basic(request)
    ways = [basic is not None, "client_secret" in form]
    if sum(ways) > 1:
        raise ProtocolError("invalid_request", "The client authenticates in more than one way.")
    if basic is not None:
        if form.get("client_id", basic.client_id) != basic.client_id:
            raise ProtocolError("invalid_request", "The client authenticates in more than one way.")
        return basic
    if "client_secret" in form:
        return Credentials((POST,), form.get("client_id", ""), form["client_secret"])
    return Credentials((PUBLIC,), form.get("client_id", ""))


def _basic(request: Request) -> Credentials | None:
    """What the Basic header holds (RFC 6749 §2.3.1); None without an Authorization header."""
    header = request.headers.get("authorization", "").strip()
    if not header:
        return None
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic" or not encoded:
        raise invalid_client()
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode()
    except ValueError:
        raise invalid_client() from None
    client_id, _, secret = decoded.partition(":")
    return Credentials((BASIC,), unquote(client_id), unquote(secret))


def _secret_is_right(request: Request, client: Client, credentials: Credentials) -> bool:
    stored = client.client_secret_hash
    return stored is not None and hmac.compare_digest(stored, token_hash(credentials.secret))


def _is_public(request: Request, client: Client, credentials: Credentials) -> bool:
    return client.public


METHODS: dict[str, Verify] = {
    BASIC: _secret_is_right,
    POST: _secret_is_right,
    PUBLIC: _is_public,
}

"""The credentials by which a client authenticates, and the refusal `invalid_client`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from authn.clients.clients import Client
from authn.web.protocol import ProtocolError
from authn.web.request import Request

CHALLENGE = {"WWW-Authenticate": 'Basic realm="token", charset="UTF-8"'}


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """The credentials in a request: possible `methods`, the claimed client, a secret or assertion.

    With a `client_id` alone several methods are possible: the client's registration decides.
    """

    methods: tuple[str, ...]
    client_id: str
    secret: str = ""
    assertion: str = ""


# Raises `invalid_client(…)` unless the credentials are the client's own.
Verify = Callable[[Request, Client, Credentials], None]


def authorization_headers(headers: Mapping[str, str]) -> list[str]:
    """The Authorization headers of a request that are not empty (RFC 9110 §11.6.2: one at most).

    Callers refuse two: a proxy before us may have looked at the other.
    """
    return [value.strip() for name, value in headers.items() if name == "authorization" and value]


def invalid_client(detail: str = "") -> ProtocolError:
    """The error `invalid_client`, alike for every reason: nobody learns which clients exist.

    `detail` is for the log.
    """
    return ProtocolError(
        "invalid_client",
        "The client is unknown or did not authenticate as it is registered.",
        status=401,
        headers=CHALLENGE,
        detail=detail,
    )

"""What a request presents to say which client it comes from, and the one refusal of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from authn.clients.clients import Client
from authn.web.protocol import ProtocolError
from authn.web.request import Request

CHALLENGE = {"WWW-Authenticate": 'Basic realm="token", charset="UTF-8"'}


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """What a request presents: its `methods`, the client that it claims, its secret or assertion.

    Without anything but a `client_id` several methods are possible: what the client is registered
    with decides.
    """

    methods: tuple[str, ...]
    client_id: str
    secret: str = ""
    assertion: str = ""


# Raises `invalid_client(…)` unless the credentials are the client's.
Verify = Callable[[Request, Client, Credentials], None]


def authorizations(headers: Mapping[str, str]) -> list[str]:
    """The Authorization headers that hold anything (RFC 9110 §11.6.2 has one at most).

    Of two, whoever stands before us may have looked at the other one: callers refuse them.
    """
    return [value.strip() for name, value in headers.items() if name == "authorization" and value]


def invalid_client(detail: str = "") -> ProtocolError:
    """One refusal for every reason: nobody learns which clients exist. `detail` is for the log."""
    return ProtocolError(
        "invalid_client",
        "The client is unknown or did not authenticate as it is registered.",
        status=401,
        headers=CHALLENGE,
        detail=detail,
    )

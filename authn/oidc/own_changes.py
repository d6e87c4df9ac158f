"""What a client that registered itself may not make of itself: that is for the operator.

RFC 7592 §2.2 (https://www.rfc-editor.org/rfc/rfc7592#section-2.2): what a client asks of its
registration may be refused. Whoever has its registration access token is held to what people
allowed it as: it stays in its sector; who holds what weighs much (`clients.weight`), nobody changes
alone; and it proves itself, its requests and its tokens by no less than before, as one under the
FAPI profile does. Taking away, and asking more of itself, is always its own business.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import Connection

from authn.clients.client_metadata import InvalidClientMetadata
from authn.clients.client_rules import KEY_METHODS
from authn.clients.clients import Client
from authn.clients.registration import changed_client
from authn.clients.weight import client_gives
from authn.errors import N_
from authn.login.response import modes_of
from authn.settings import Settings
from authn.web.protocol import ProtocolError

# Each is said of a client that is held to it, with what is told one that would be so no more.
HELD_TO: Final[tuple[tuple[Callable[[Client], bool], str], ...]] = (
    (lambda client: not client.public, "token_endpoint_auth_method: it stays confidential"),
    (
        lambda client: client.token_endpoint_auth_method in KEY_METHODS,
        "token_endpoint_auth_method: it stays with a key or a certificate",
    ),
    (
        lambda client: client.sender_constrained,
        "dpop_bound_access_tokens, tls_client_certificate_bound_access_tokens: one of them stays",
    ),
    (lambda client: client.must_push, "require_pushed_authorization_requests: it stays"),
    (
        lambda client: client.metadata.require_signed_request_object,
        "require_signed_request_object: it stays",
    ),
    (
        lambda client: modes_of(client) != () and all("jwt" in each for each in modes_of(client)),
        "response_modes: its answers stay signed",
    ),
)


def check_own_change(
    connection: Connection, settings: Settings, client: Client, named: Mapping[str, Any]
) -> None:
    """Raises `ProtocolError` (`invalid_client_metadata`) unless the client may change these values
    by itself; and as `changed_client` does."""
    after = changed_client(client, **named).client
    if after.sector_identifier != client.sector_identifier:
        # In another sector it would learn a second `sub` of each (Core §8.1), which whoever is
        # there knows people by, and could tell that they are the same.
        raise InvalidClientMetadata(
            N_("A client stays on its host, or with its sector_identifier_uri: register anew.")
        )
    if client_gives(connection, settings, client, after):
        raise _refused(
            "The operator gave this client what two of them decide about: ask for this change."
        )
    for held, what in HELD_TO:
        if held(client) and not held(after):
            raise _refused(f"{what}. Ask the operator for less, or register anew.")


def _refused(description: str) -> ProtocolError:
    return ProtocolError("invalid_client_metadata", description)

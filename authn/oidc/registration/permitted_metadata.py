"""What a client may register by itself, and what it may not change: the rest is the operator's.

RFC 7591 §5 (https://www.rfc-editor.org/rfc/rfc7591#section-5), RFC 7592 §2.2
(https://www.rfc-editor.org/rfc/rfc7592#section-2.2), decisions 4.14. People allowed a client
something as they knew it, so whoever has the registration access token is limited: the client
stays in its sector; a change with a risk that takes two operators (`clients.change_risks`) is
refused; and client authentication, requests and tokens stay as strong as they were, as under the
FAPI profile. A client may always take away from itself, and demand more of itself.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import Connection

from authn.clients.change_risks import find_client_risks
from authn.clients.client_metadata import InvalidClientMetadata
from authn.clients.client_registration.members import RegistrableValues
from authn.clients.client_registration.registration import changed_client
from authn.clients.client_registration.rules import KEY_METHODS
from authn.clients.clients import AUTHORIZATION_CODE, REFRESH_TOKEN, Client
from authn.consents.registrable import registrable_by_operator
from authn.consents.scopes import SCOPES, SSIN
from authn.errors import N_
from authn.grants.authorization_request import registered_response_modes
from authn.settings import Settings
from authn.web.protocol import ProtocolError

# Why no others: client credentials need an organisation, an exchange a registered pair, an
# assertion a registered issuer; and codes typed on another device are what strangers phish with.
SELF_REGISTRABLE_GRANT_TYPES = (AUTHORIZATION_CODE, REFRESH_TOKEN)
# Properties that a client keeps once it has them, each with the error for dropping it.
KEPT_PROPERTIES: Final[tuple[tuple[Callable[[Client], bool], str], ...]] = (
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
        lambda client: (
            registered_response_modes(client) != ()
            and all("jwt" in each for each in registered_response_modes(client))
        ),
        "response_modes: its answers stay signed",
    ),
)


def registrable_by_client(
    settings: Settings, registered: Client | None = None
) -> RegistrableValues:
    """The values that a client may register by itself; a `registered` client keeps its own."""
    whole = registrable_by_operator(settings)
    scopes = [scope for scope in SCOPES if scope != SSIN]
    grant_types = [*SELF_REGISTRABLE_GRANT_TYPES]
    if registered:
        scopes += registered.scope.split()
        grant_types += registered.metadata.grant_types
    return RegistrableValues(
        scopes=tuple(dict.fromkeys(scopes)),
        grant_types=tuple(grant_types),
        auth_methods=whole.auth_methods,
        authorization_details_types=whole.authorization_details_types,
        response_modes=whole.response_modes,
        http_hosts=whole.http_hosts,
    )


def check_own_change(
    connection: Connection, settings: Settings, client: Client, named: Mapping[str, Any]
) -> None:
    """Raises `ProtocolError` (`invalid_client_metadata`) for a change that is the operator's.

    Raises also as `changed_client` does.
    """
    after = changed_client(client, **named).client
    if after.sector_identifier != client.sector_identifier:
        # In another sector the client would learn a second `sub` of each person (Core §8.1), and
        # could connect what it knows with what clients of that sector know.
        raise InvalidClientMetadata(
            N_("A client stays on its host, or with its sector_identifier_uri: register anew.")
        )
    if find_client_risks(connection, settings, client, after):
        raise _refused(
            "The operator gave this client what two of them decide about: ask for this change."
        )
    for held, what in KEPT_PROPERTIES:
        if held(client) and not held(after):
            raise _refused(f"{what}. Ask the operator for less, or register anew.")


def _refused(description: str) -> ProtocolError:
    return ProtocolError("invalid_client_metadata", description)

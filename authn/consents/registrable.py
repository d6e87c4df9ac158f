"""What an operator may register a client with: everything that this service supports.

RFC 7591 §5 (https://www.rfc-editor.org/rfc/rfc7591#section-5). The scopes are of this room.
"""

from authn.clients.client_registration.members import RegistrableValues
from authn.clients.clients import (
    AUTH_METHODS,
    GRANT_MANAGEMENT_SCOPES,
    GRANT_TYPES,
    RESPONSE_MODES,
    SELF_SIGNED_TLS_CLIENT_AUTH,
    TLS_CLIENT_AUTH,
)
from authn.clients.redirect_uris import hosts_without_tls
from authn.consents.authorization_details import TYPES
from authn.consents.scopes import SCOPES
from authn.settings import Settings


def registrable_by_operator(settings: Settings, scopes: tuple[str, ...] = ()) -> RegistrableValues:
    """The values that an operator may register; `scopes` are those of the client's resources."""
    return RegistrableValues(
        scopes=(*SCOPES, *GRANT_MANAGEMENT_SCOPES, *scopes),
        grant_types=GRANT_TYPES,
        auth_methods=available_auth_methods(settings),
        authorization_details_types=tuple(TYPES),
        response_modes=RESPONSE_MODES,
        http_hosts=hosts_without_tls(settings),
    )


def available_auth_methods(settings: Settings) -> tuple[str, ...]:
    """The client authentication methods that this service supports with its settings."""
    without: set[str] = set()
    if not settings.client_certificate_roots:
        without |= {TLS_CLIENT_AUTH}
    if not has_mutual_tls(settings):
        without |= {TLS_CLIENT_AUTH, SELF_SIGNED_TLS_CLIENT_AUTH}
    return tuple(method for method in AUTH_METHODS if method not in without)


def has_mutual_tls(settings: Settings) -> bool:
    """Whether this service can see client certificates."""
    return bool(settings.client_certificate_header or settings.asks_for_certificates)

"""What an operator may register a client with: all that works here.

RFC 7591 §5 (https://www.rfc-editor.org/rfc/rfc7591#section-5). In this room for its scopes.
"""

from authn.clients.client_metadata_members import MetadataOffer
from authn.clients.clients import (
    AUTH_METHODS,
    GRANT_MANAGEMENT_SCOPES,
    SELF_SIGNED_TLS_CLIENT_AUTH,
    TLS_CLIENT_AUTH,
)
from authn.clients.protocol_words import GRANT_TYPES, RESPONSE_MODES
from authn.clients.redirect_uris import hosts_without_tls
from authn.consents.authorization_details import TYPES
from authn.consents.scopes import SCOPES
from authn.settings import Settings


def offer_to_operator(settings: Settings, scopes: tuple[str, ...] = ()) -> MetadataOffer:
    """All that works here; `scopes` are those of the resources that the client may ask for."""
    return MetadataOffer(
        scopes=(*SCOPES, *GRANT_MANAGEMENT_SCOPES, *scopes),
        grant_types=GRANT_TYPES,
        auth_methods=auth_methods(settings),
        authorization_details_types=tuple(TYPES),
        response_modes=RESPONSE_MODES,
        http_hosts=hosts_without_tls(settings),
    )


def auth_methods(settings: Settings) -> tuple[str, ...]:
    """The ways to authenticate that work here: those by certificate where certificates are seen."""
    without: set[str] = set()
    if not settings.client_certificate_roots:
        without |= {TLS_CLIENT_AUTH}
    if not offers_mutual_tls(settings):
        without |= {TLS_CLIENT_AUTH, SELF_SIGNED_TLS_CLIENT_AUTH}
    return tuple(method for method in AUTH_METHODS if method not in without)


def offers_mutual_tls(settings: Settings) -> bool:
    """Whether this service can see clients' certificates at all."""
    return bool(settings.client_certificate_header or settings.asks_for_certificates)

"""What a client may be registered with: by itself, and by the operator.

RFC 7591 §5 (https://www.rfc-editor.org/rfc/rfc7591#section-5), protocol 4.14.
"""

from urllib.parse import urlsplit

from authn.clients.client_metadata_members import Offer
from authn.clients.clients import SELF_SIGNED_TLS_CLIENT_AUTH, TLS_CLIENT_AUTH, Client
from authn.consents.authorization_details import TYPES
from authn.consents.scopes import SCOPES, SSIN
from authn.oidc.authorization_checks import RESPONSE_MODES
from authn.oidc.client_authentication import METHODS
from authn.oidc.client_certificate import offers_mutual_tls
from authn.oidc.grant_types import GRANT_TYPES
from authn.oidc.grant_types.authorization_code import AuthorizationCode
from authn.oidc.grant_types.refresh_token import RefreshToken
from authn.settings import Settings

# Why no others: what no person allows needs an organisation, an exchange its pair, an assertion its
# issuer; and codes typed on another device are what strangers phish with.
GRANT_TYPES_BY_ITSELF = (AuthorizationCode.GRANT_TYPE, RefreshToken.GRANT_TYPE)


def offer_to_operator(settings: Settings, scopes: tuple[str, ...] = ()) -> Offer:
    """All that works here; `scopes` are those of the resources that the client may ask for."""
    local = urlsplit(settings.issuer)
    on_this_machine = {"localhost", "127.0.0.1"} if local.scheme == "http" else set()
    return Offer(
        scopes=(*SCOPES, *scopes),
        grant_types=tuple(GRANT_TYPES),
        auth_methods=auth_methods(settings),
        authorization_details_types=tuple(TYPES),
        response_modes=tuple(RESPONSE_MODES),
        http_hosts=settings.private_hosts | on_this_machine,
    )


def offer_to_client(settings: Settings, registered: Client | None = None) -> Offer:
    """What it may take by itself, beside what it is `registered` with: that it may keep."""
    whole = offer_to_operator(settings)
    scopes = [scope for scope in SCOPES if scope != SSIN]
    grant_types = [*GRANT_TYPES_BY_ITSELF]
    if registered:
        scopes += registered.scope.split()
        grant_types += registered.metadata.grant_types
    return Offer(
        scopes=tuple(dict.fromkeys(scopes)),
        grant_types=tuple(grant_types),
        auth_methods=whole.auth_methods,
        authorization_details_types=whole.authorization_details_types,
        response_modes=whole.response_modes,
        http_hosts=whole.http_hosts,
    )


def auth_methods(settings: Settings) -> tuple[str, ...]:
    """The ways to authenticate that work here: those by certificate where certificates are seen."""
    without: set[str] = set()
    if not settings.client_certificate_roots:
        without |= {TLS_CLIENT_AUTH}
    if not offers_mutual_tls(settings):
        without |= {TLS_CLIENT_AUTH, SELF_SIGNED_TLS_CLIENT_AUTH}
    return tuple(method for method in METHODS if method not in without)

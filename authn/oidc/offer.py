"""What a client may register itself with, beside what the operator may (`consents.offer`).

RFC 7591 §5 (https://www.rfc-editor.org/rfc/rfc7591#section-5), decisions 4.14.
"""

from authn.clients.client_metadata_members import MetadataOffer
from authn.clients.clients import Client
from authn.consents.offer import offer_to_operator
from authn.consents.scopes import SCOPES, SSIN
from authn.oidc.grant_types.authorization_code import AuthorizationCodeGrant
from authn.oidc.grant_types.refresh_token import RefreshTokenGrant
from authn.settings import Settings

# Why no others: what no person allows needs an organisation, an exchange its pair, an assertion its
# issuer; and codes typed on another device are what strangers phish with.
GRANT_TYPES_BY_ITSELF = (AuthorizationCodeGrant.GRANT_TYPE, RefreshTokenGrant.GRANT_TYPE)


def offer_to_client(settings: Settings, registered: Client | None = None) -> MetadataOffer:
    """What it may take by itself, beside what it is `registered` with: that it may keep."""
    whole = offer_to_operator(settings)
    scopes = [scope for scope in SCOPES if scope != SSIN]
    grant_types = [*GRANT_TYPES_BY_ITSELF]
    if registered:
        scopes += registered.scope.split()
        grant_types += registered.metadata.grant_types
    return MetadataOffer(
        scopes=tuple(dict.fromkeys(scopes)),
        grant_types=tuple(grant_types),
        auth_methods=whole.auth_methods,
        authorization_details_types=whole.authorization_details_types,
        response_modes=whole.response_modes,
        http_hosts=whole.http_hosts,
    )

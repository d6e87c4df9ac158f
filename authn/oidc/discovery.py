"""/.well-known/openid-configuration: the provider's metadata, derived from the code behind it.

OpenID Connect Discovery 1.0 §3 (https://openid.net/specs/openid-connect-discovery-1_0.html) and,
under its own name, RFC 8414 (https://www.rfc-editor.org/rfc/rfc8414).
"""

from dataclasses import dataclass
from datetime import timedelta

import orjson
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from authn.clients.clients import ASSERTION_ALGORITHMS, DEVICE_CODE, PUBLIC
from authn.clients.resource_servers.permissions import PROFILE_KINDS
from authn.consents.authorization_details import TYPES
from authn.consents.registrable import available_auth_methods, has_mutual_tls
from authn.consents.scopes import SCOPES
from authn.foreign_jwt import CONTENT_ENCRYPTIONS, KEY_ENCRYPTIONS_TO_OTHERS
from authn.grants.authorization_request import RESPONSE_MODES
from authn.grants.endings.frontchannel_logout import (
    FRONTCHANNEL_LOGOUT_SESSION_SUPPORTED,
    FRONTCHANNEL_LOGOUT_SUPPORTED,
)
from authn.jose import ALGORITHMS, KEY_ENCRYPTIONS
from authn.oidc.client_authentication.client_certificate import mtls_aliases
from authn.oidc.grant_management import grant_management_endpoint
from authn.oidc.requests.parameters import ACTIONS, DISPLAYS, RESPONSE_TYPES
from authn.oidc.requests.request_objects import REQUEST_OBJECT_ALGORITHMS
from authn.oidc.requests.requested_authentication import PROMPTS
from authn.oidc.security_events.backchannel_logout import (
    BACKCHANNEL_LOGOUT_SESSION_SUPPORTED,
    BACKCHANNEL_LOGOUT_SUPPORTED,
)
from authn.oidc.token import GRANT_TYPES
from authn.oidc.tokens.dpop import DPOP_ALGORITHMS
from authn.sessions.levels import acr_values
from authn.settings import Settings
from authn.web.languages import LANGUAGES
from authn.web.site import Site

# At userinfo: the capacity in which the person acts; `act` where that represents another.
CAPACITY_CLAIMS = ("userProfile", "act")
TOKEN_CLAIMS = ("iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash")
OPEN_TO_ALL = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=300"}

Metadata = dict[str, object]


def metadata(settings: Settings) -> Metadata:
    """The provider's metadata (Discovery §3); nothing is listed that does not work."""
    endpoints = _endpoints(settings)
    aliases = mtls_aliases(settings, endpoints)
    return {
        "issuer": settings.issuer,
        **endpoints,
        **({"mtls_endpoint_aliases": aliases} if aliases else {}),
        **_person_metadata(settings),
        **_client_authentication_metadata(settings),
        **_request_metadata(),
        **_signed_response_metadata(),
        **_logout_metadata(),
        "service_documentation": f"{settings.issuer}/developers",
    }


def _endpoints(settings: Settings) -> Metadata:
    issuer = settings.issuer
    endpoints: Metadata = {
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "pushed_authorization_request_endpoint": f"{issuer}/par",  # RFC 9126 §5
        "introspection_endpoint": f"{issuer}/introspect",
        "revocation_endpoint": f"{issuer}/revoke",
        "end_session_endpoint": f"{issuer}/logout",
        "grant_management_endpoint": grant_management_endpoint(settings),
        "jwks_uri": f"{issuer}/jwks",
    }
    if DEVICE_CODE in GRANT_TYPES:
        endpoints["device_authorization_endpoint"] = f"{issuer}/device_authorization"
    if settings.registration != "off":
        endpoints["registration_endpoint"] = f"{issuer}/register"
    return endpoints


def _person_metadata(settings: Settings) -> Metadata:
    claims = [name for values in SCOPES.values() for name in values]
    return {
        "scopes_supported": list(SCOPES),
        "claims_supported": [*claims, *CAPACITY_CLAIMS, *TOKEN_CLAIMS],
        "claim_types_supported": ["normal"],
        "claims_parameter_supported": True,
        "subject_types_supported": ["pairwise"],
        "acr_values_supported": acr_values(settings),
        "profile_kinds_supported": list(PROFILE_KINDS),  # in which capacities people may act
        "ui_locales_supported": list(LANGUAGES),
    }


def _client_authentication_metadata(settings: Settings) -> Metadata:
    """Client authentication and bound tokens (RFC 8414 §2, RFC 9449 §5.1)."""
    methods = list(available_auth_methods(settings))
    algorithms = list(ASSERTION_ALGORITHMS)
    return {
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_methods_supported": [
            method for method in methods if method != PUBLIC
        ],
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "dpop_signing_alg_values_supported": list(DPOP_ALGORITHMS),
        "tls_client_certificate_bound_access_tokens": has_mutual_tls(settings),
    }


def _request_metadata() -> Metadata:
    """Requests: parameters and their values (RFC 9101 §10.5, RFC 9126 §5, RFC 9396 §10)."""
    return {
        "response_types_supported": list(RESPONSE_TYPES),
        "response_modes_supported": list(RESPONSE_MODES),
        "grant_types_supported": list(GRANT_TYPES),
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": list(PROMPTS),
        "display_values_supported": list(DISPLAYS),
        "authorization_details_types_supported": list(TYPES),
        "request_parameter_supported": True,
        "request_uri_parameter_supported": True,
        "require_request_uri_registration": True,  # decisions 4.3
        "require_signed_request_object": False,
        "require_pushed_authorization_requests": False,
        "grant_management_actions_supported": list(ACTIONS),
        "grant_management_action_required": False,
        "request_object_signing_alg_values_supported": list(REQUEST_OBJECT_ALGORITHMS),
        "request_object_encryption_alg_values_supported": list(KEY_ENCRYPTIONS),
        "request_object_encryption_enc_values_supported": list(CONTENT_ENCRYPTIONS),
    }


def _signed_response_metadata() -> Metadata:
    """Responses that we sign and encrypt, each by the same algorithms."""
    answers: Metadata = {"authorization_response_iss_parameter_supported": True}
    for answer in ("id_token", "userinfo", "authorization", "introspection"):
        answers |= {
            f"{answer}_signing_alg_values_supported": list(ALGORITHMS),
            f"{answer}_encryption_alg_values_supported": list(KEY_ENCRYPTIONS_TO_OTHERS),
            f"{answer}_encryption_enc_values_supported": list(CONTENT_ENCRYPTIONS),
        }
    return answers


def _logout_metadata() -> Metadata:
    return {
        "backchannel_logout_supported": BACKCHANNEL_LOGOUT_SUPPORTED,
        "backchannel_logout_session_supported": BACKCHANNEL_LOGOUT_SESSION_SUPPORTED,
        "frontchannel_logout_supported": FRONTCHANNEL_LOGOUT_SUPPORTED,
        "frontchannel_logout_session_supported": FRONTCHANNEL_LOGOUT_SESSION_SUPPORTED,
    }


@dataclass(frozen=True, slots=True)
class DiscoveryDocument:
    """The provider's metadata, encoded as JSON."""

    body: bytes


async def discovery(http: HttpRequest) -> Response:
    """The metadata document, encoded once by each process."""
    site: Site = http.app.state.site
    now = site.clock()
    document = site.memory.recall(DiscoveryDocument, now, timedelta.max) or site.memory.keep(
        DiscoveryDocument(orjson.dumps(metadata(site.settings))), now
    )
    return Response(document.body, media_type="application/json", headers=OPEN_TO_ALL)


routes = [
    Route("/.well-known/openid-configuration", discovery),
    Route("/.well-known/oauth-authorization-server", discovery),
]

"""/.well-known/openid-configuration: what this provider does, derived from what does it.

OpenID Connect Discovery 1.0 §3 (https://openid.net/specs/openid-connect-discovery-1_0.html) and,
under its own name, RFC 8414 (https://www.rfc-editor.org/rfc/rfc8414).
"""

from dataclasses import dataclass
from datetime import timedelta

import orjson
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from authn.clients.registration import AUTH_METHODS
from authn.consents.scopes import SCOPES
from authn.jose import ALGORITHMS
from authn.oidc.authorization_checks import PROMPTS, RESPONSE_MODES, RESPONSE_TYPES
from authn.oidc.grant_types import GRANT_TYPES
from authn.oidc.levels import acr_values
from authn.settings import Settings
from authn.web.languages import LANGUAGES
from authn.web.site import Site

TOKEN_CLAIMS = ("iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash")
OPEN_TO_ALL = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=300"}


def metadata(settings: Settings) -> dict[str, object]:
    """The provider's metadata; nothing is listed that does not work."""
    issuer = settings.issuer
    claims = [name for values in SCOPES.values() for name in values]
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "end_session_endpoint": f"{issuer}/logout",
        "jwks_uri": f"{issuer}/jwks",
        "scopes_supported": list(SCOPES),
        "claims_supported": [*claims, *TOKEN_CLAIMS],
        "response_types_supported": list(RESPONSE_TYPES),
        "response_modes_supported": list(RESPONSE_MODES),
        "grant_types_supported": list(GRANT_TYPES),
        "prompt_values_supported": list(PROMPTS),
        "subject_types_supported": ["pairwise"],
        "acr_values_supported": acr_values(settings),
        "id_token_signing_alg_values_supported": list(ALGORITHMS),
        "token_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "code_challenge_methods_supported": ["S256"],
        "ui_locales_supported": list(LANGUAGES),
        "authorization_response_iss_parameter_supported": True,
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,  # true where it is left out
    }


@dataclass(frozen=True, slots=True)
class Document:
    """The metadata, encoded."""

    body: bytes


async def discovery(http: HttpRequest) -> Response:
    """The metadata, encoded once by each process."""
    site: Site = http.app.state.site
    now = site.clock()
    document = site.memory.recall(Document, now, timedelta.max) or site.memory.keep(
        Document(orjson.dumps(metadata(site.settings))), now
    )
    return Response(document.body, media_type="application/json", headers=OPEN_TO_ALL)


routes = [
    Route("/.well-known/openid-configuration", discovery),
    Route("/.well-known/oauth-authorization-server", discovery),
]

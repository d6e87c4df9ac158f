"""Words of the protocol that a registration may hold: what `oidc` serves, each in its own module.

Here, below it, for whoever registers or checks a client; a test holds them against one another.
"""

from typing import Final

from authn.clients.clients import AUTHORIZATION_CODE, CLIENT_CREDENTIALS, DEVICE_CODE, REFRESH_TOKEN

TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 (a name)
JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
GRANT_TYPES: Final = (
    AUTHORIZATION_CODE,
    REFRESH_TOKEN,
    CLIENT_CREDENTIALS,
    DEVICE_CODE,
    TOKEN_EXCHANGE,
    JWT_BEARER,
)
RESPONSE_MODES: Final = ("query", "form_post", "jwt", "query.jwt", "form_post.jwt")
# How a client signs what it authenticates with (RFC 7523 §3); FAPI 2.0 §5.4.1 leaves one out.
ASSERTION_ALGORITHMS: Final = ("ES256", "PS256", "EdDSA", "RS256")
FAPI_ASSERTION_ALGORITHMS: Final = ("ES256", "PS256", "EdDSA")

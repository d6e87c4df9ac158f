"""The kinds of client, and the default values of each kind."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from authn.clients.clients import (
    AUTHORIZATION_CODE,
    BASIC,
    CLIENT_CREDENTIALS,
    PRIVATE_KEY_JWT,
    PUBLIC,
    REFRESH_TOKEN,
)
from authn.errors import N_
from authn.jose import ES256

WEB, BROWSER, NATIVE, SYSTEM_KIND, RESOURCE = "web", "browser", "native", "system", "resource"


@dataclass(frozen=True, slots=True)
class ClientKind:
    """A kind of client: its description, and the default members of its document."""

    description: str
    defaults: Mapping[str, Any]


CLIENT_KINDS: dict[str, ClientKind] = {
    WEB: ClientKind(
        N_("a web application with a server, which keeps a secret or a key"),
        {"token_endpoint_auth_method": BASIC, "grant_types": [AUTHORIZATION_CODE]},
    ),
    BROWSER: ClientKind(
        N_("an application that runs in the browser alone: no secret"),
        {"token_endpoint_auth_method": PUBLIC, "grant_types": [AUTHORIZATION_CODE]},
    ),
    NATIVE: ClientKind(
        N_("an app on a phone or a computer: no secret"),
        {
            "application_type": "native",
            "token_endpoint_auth_method": PUBLIC,
            "grant_types": [AUTHORIZATION_CODE, REFRESH_TOKEN],
        },
    ),
    SYSTEM_KIND: ClientKind(
        N_("a system without people: tokens for its organisation, by a key"),
        {
            "token_endpoint_auth_method": PRIVATE_KEY_JWT,
            "grant_types": [CLIENT_CREDENTIALS],
        },
    ),
    RESOURCE: ClientKind(
        N_("a resource server, which only asks about tokens that it was sent"),
        {"token_endpoint_auth_method": BASIC, "grant_types": [], "scope": "openid"},
    ),
}


def fill_kind_defaults(
    kind: str, document: Mapping[str, Any], *, fapi: bool = False
) -> dict[str, Any]:
    """The document with the defaults of its kind, and ES256, for missing members (decisions 4.2).

    For a FAPI client also a key to authenticate with, and DPoP-bound tokens (decisions 4.5).
    """
    usual = {"id_token_signed_response_alg": ES256, **CLIENT_KINDS[kind].defaults}
    if fapi:
        usual["token_endpoint_auth_method"] = PRIVATE_KEY_JWT
        mtls = document.get("tls_client_certificate_bound_access_tokens")
        usual |= {} if mtls else {"dpop_bound_access_tokens": True}
    return {**usual, **document}

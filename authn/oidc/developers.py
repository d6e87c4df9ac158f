"""/developers: what developers of applications and resource servers must know, with examples.

The access sheet of the federal guidelines: issuer, audience, scopes, claims, how to register, who
may exchange tokens, a token to accept and some to refuse. Values come from the code that uses them.
The example tokens have a key and an issuer of their own: no resource server takes them for real.
"""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import digest
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from authn.clients.resource_servers.permissions import PROFILE_KINDS
from authn.consents.scopes import SCOPES, SSIN
from authn.errors import N_
from authn.grants.access_tokens import LIFETIME
from authn.jose import ES256, OwnKey, import_private_key, numeric_date, public_jwk, sign
from authn.oidc.discovery import OPEN_TO_ALL, metadata
from authn.oidc.tokens.access_token import TYP
from authn.secrets import Secrets
from authn.sessions.levels import acr_values, amr
from authn.settings import Settings
from authn.web.request import Request, page
from authn.web.routing import page_route
from authn.web.site import Site

EXAMPLE_AUDIENCE = "https://api.example/records"
LEEWAY = timedelta(seconds=60)

# What each scope is for, as developers read it; people read `login.pages.scope_texts.TITLES`.
PURPOSES = {
    "openid": N_("An ID token. Without it you get an access token only."),
    "profile": N_("Who somebody is. Some people have one name only, or no full birth date."),
    "ssin": N_("The national number. By permission, at userinfo and introspection only."),
    "offline_access": N_("Refresh tokens that go on after the person has signed out."),
}
# In which capacities people can act, as developers read it.
KINDS = {
    "citizen": N_("For themselves. Everybody can."),
    "quality": N_("As a health professional, recognised in a discipline."),
    "organisation": N_("As a member of an organisation."),
    "mandate": N_("For the person or the organisation that gave them a mandate."),
    "staff": N_("As a member of the help desk, at one of its desks: for its own tools alone."),
    "child": N_("As a parent, for a child."),
}


@dataclass(frozen=True, slots=True)
class ExampleToken:
    """A token to try a resource server with; `refused_because` is "" for the one to accept."""

    name: str
    refused_because: str
    token: str
    claims: str


def developers(request: Request) -> Response:
    """The page for developers."""
    return page(
        request,
        "oidc/developers.html",
        metadata=metadata(request.settings),
        endpoints=_endpoints(request.settings),
        scopes=[
            {"name": scope, "purpose": PURPOSES[scope], "claims": list(claims)}
            for scope, claims in SCOPES.items()
        ],
        by_permission=SSIN,
        kinds={kind: KINDS[kind] for kind in PROFILE_KINDS},
        acr_values=acr_values(request.settings),
        access_token_lifetime=int(LIFETIME.total_seconds()),
        leeway=int(LEEWAY.total_seconds()),
        example_issuer=example_issuer(request.settings),
        example_audience=EXAMPLE_AUDIENCE,
        examples=example_tokens(request.settings, request.secrets, request.now),
    )


def _endpoints(settings: Settings) -> dict[str, str]:
    """The addresses in the provider's metadata, by their names."""
    return {
        name: str(value)
        for name, value in metadata(settings).items()
        if name.endswith(("_endpoint", "jwks_uri"))
    }


def example_issuer(settings: Settings) -> str:
    """The issuer of the example tokens, which is not ours."""
    return f"{settings.issuer}/developers/example"


def example_key(secrets: Secrets) -> OwnKey:
    """The key of the example tokens, alike in every process, and not stored."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256
    number = int.from_bytes(digest(secrets.token_key, b"developers-example", sha256))
    key = ec.derive_private_key(number % (order - 1) + 1, ec.SECP256R1())
    point = key.public_key().public_numbers()
    jwk = {"kty": "EC", "crv": "P-256", "d": _coordinate(key.private_numbers().private_value)}
    jwk |= {"x": _coordinate(point.x), "y": _coordinate(point.y)}
    return import_private_key(ES256, orjson.dumps(jwk))


def _coordinate(number: int) -> str:
    """A number as 32 bytes in base64url, for a JWK (RFC 7518 §6.2.1.2)."""
    return urlsafe_b64encode(number.to_bytes(32)).rstrip(b"=").decode()


def example_tokens(settings: Settings, secrets: Secrets, now: datetime) -> list[ExampleToken]:
    """A token that the resource server `EXAMPLE_AUDIENCE` must accept, and tokens to refuse.

    RFC 9068 §4 (https://www.rfc-editor.org/rfc/rfc9068#section-4), RFC 8725.
    """
    key = example_key(secrets)
    valid = _valid_claims(settings, now)
    return [
        _example(N_("A token to accept"), "", key, valid),
        _example(
            N_("Expired"),
            N_("Its exp is past, leeway included."),
            key,
            valid | {"iat": numeric_date(now - 2 * LIFETIME), "exp": numeric_date(now - LIFETIME)},
        ),
        _example(
            N_("For another resource"),
            N_("Its aud is not you: somebody else could pass it on."),
            key,
            valid | {"aud": "https://other.example"},
        ),
        _example(
            N_("Not an access token"),
            N_("Its typ is that of an ID token, and not at+jwt."),
            key,
            valid,
            typ="JWT",
        ),
        *_examples_of_signature_and_scope(secrets, valid),
    ]


def _examples_of_signature_and_scope(secrets: Secrets, valid: dict[str, Any]) -> list[ExampleToken]:
    key = example_key(secrets)
    return [
        _example(
            N_("Signed by a stranger"),
            N_("It names our key, and its signature is not by that key."),
            replace(_another_key(secrets), kid=key.kid),
            valid,
        ),
        _example(
            N_("Without a permission"),
            N_("Its scope does not hold records.read: answer 403, not 401."),
            key,
            valid | {"scope": "records.list"},
        ),
    ]


def _valid_claims(settings: Settings, now: datetime) -> dict[str, Any]:
    return {
        "iss": example_issuer(settings),
        "sub": "example-person",
        "aud": EXAMPLE_AUDIENCE,
        "client_id": "example-application",
        "iat": numeric_date(now),
        "exp": numeric_date(now + LIFETIME),
        "jti": "example",
        "scope": "records.read",
        "auth_time": numeric_date(now),
        "acr": acr_values(settings)[0],
        "amr": amr("certified"),
    }


def _another_key(secrets: Secrets) -> OwnKey:
    return example_key(replace(secrets, token_key=sha256(secrets.token_key).digest()))


def _example(
    name: str, refused_because: str, key: OwnKey, claims: Mapping[str, Any], typ: str = TYP
) -> ExampleToken:
    claims_text = orjson.dumps(claims, option=orjson.OPT_INDENT_2).decode()
    return ExampleToken(name, refused_because, sign(key, claims, typ), claims_text)


async def example_jwks(http: HttpRequest) -> Response:
    """The key set by which the example tokens verify."""
    site: Site = http.app.state.site
    document = {"keys": [public_jwk(example_key(site.secrets))]}
    return Response(orjson.dumps(document), media_type="application/json", headers=OPEN_TO_ALL)


routes = [
    page_route("/developers", developers),
    Route("/developers/example/jwks", example_jwks),
]

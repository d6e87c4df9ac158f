"""JWTs of others, forged: RFC 8725 §2.1 to §2.6 (https://www.rfc-editor.org/rfc/rfc8725#section-2).

What a naive provider does: it takes the algorithm, or the key, from the header of the token. Our
own tokens are forged in `test_rfc8725_our_tokens`, DPoP proofs in `test_rfc9449_dpop`.
"""

import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry
from starlette.testclient import TestClient

from authn.settings import Settings
from authn.web.site import Site
from tests.oidc.attacks.every_token import (
    KEY,
    PLACES,
    STATEMENTS,
    Service,
    everything_on,
    mint,
    open_service,
)
from tests.oidc.registrant import post, refused
from tests.oidc.relying_party import Holder, b64, segment

pytestmark = [pytest.mark.one_engine, pytest.mark.thorough]

Forge = Callable[[str], str]

STRANGER = ECKey.generate_key("P-256", private=True)
STRANGER_RSA = RSAKey.generate_key(2048, private=True)
KINDS = {
    "client assertion": "client_assertion",
    "request object": "request",
    "assertion": "assertion",
    "software statement": "software_statement",
}


def signed(token: str, by: str, key: Any, **header: Any) -> str:
    """The claims of the token under another header, signed with this key."""
    said = {**segment(token, 0), **header}
    content = f"{b64({k: v for k, v in said.items() if v is not None})}.{token.split('.')[1]}"
    return f"{content}.{b64(JWSRegistry.algorithms[by].sign(content.encode(), key))}"


def hs256(token: str, secret: bytes) -> str:
    content = f"{b64({**segment(token, 0), 'alg': 'HS256'})}.{token.split('.')[1]}"
    return f"{content}.{b64(hmac.digest(secret, content.encode(), 'sha256'))}"


def by_stranger(**header: Any) -> Forge:
    """Signed with a key that the header brings along, or points to."""
    return lambda token: signed(token, "ES256", STRANGER, **header)


def by_owner(**header: Any) -> Forge:
    """Signed with the right key; but what the header says must not be passed over."""
    return lambda token: signed(token, "ES256", KEY.key, **header)


def changed(token: str) -> str:
    header, claims, signature = token.split(".")
    return f"{header}.{b64({**segment(f'{header}.{claims}', 1), 'x': 1})}.{signature}"


FORGERIES: dict[str, Forge] = {
    "none": lambda token: f"{b64({**segment(token, 0), 'alg': 'none'})}.{token.split('.')[1]}.",
    "NONE": lambda token: f"{b64({**segment(token, 0), 'alg': 'NONE'})}.{token.split('.')[1]}.",
    "no signature": lambda token: token.rpartition(".")[0] + ".",
    "HS256 with the JWK": lambda token: hs256(token, json.dumps(KEY.jwk_public).encode()),
    "HS256 with the PEM": lambda token: hs256(token, KEY.key.as_pem(private=False)),
    "HS256 with nothing": lambda token: hs256(token, b""),
    "another key": by_stranger(),
    "another key without kid": by_stranger(kid=None),
    "RS256 under the kid": lambda token: signed(token, "RS256", STRANGER_RSA, alg="RS256"),
    "ES256K": by_owner(alg="ES256K"),
    "jwk": by_stranger(jwk=STRANGER.as_dict(private=False)),
    "jku": by_stranger(jku="https://evil.example/jwks"),
    "x5u": by_stranger(x5u="https://evil.example/cert.pem"),
    "x5c": by_stranger(x5c=["MIIB"]),
    "jwk of its own": by_owner(jwk=KEY.jwk_public),
    "crit": by_owner(crit=["exp"]),
    "unknown crit": by_owner(crit=["https://evil.example/x"], **{"https://evil.example/x": 1}),
    "b64": by_owner(crit=["b64"], b64=False),
    "changed": changed,
    "kid of another type": by_owner(kid=["x"]),
    "alg of another type": by_owner(alg=["ES256"]),
}


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return everything_on(settings, tmp_path)


@pytest.fixture
def service(site: Site, client: TestClient, backchannel: TestClient, holder: Holder) -> Service:
    return open_service(site, client, backchannel, holder)


@pytest.mark.parametrize("kind", KINDS)
def test_a_forgery_is_refused_everywhere(service: Service, kind: str) -> None:
    _, believes = PLACES[KINDS[kind]]
    token = mint(service)[kind]
    for name, forge in FORGERIES.items():
        assert not believes(service, forge(token)), name
    assert believes(service, token)


@pytest.mark.parametrize("kind", ["client assertion", "request object", "assertion"])
def test_another_type_is_refused(service: Service, kind: str) -> None:  # RFC 8725 §3.11
    _, believes = PLACES[KINDS[kind]]
    token = mint(service)[kind]
    for typ in ("at+jwt", "dpop+jwt", "logout+jwt", "secevent+jwt", "token-introspection+jwt"):
        assert not believes(service, by_owner(typ=typ)(token)), typ


@pytest.mark.parametrize("aud", ["https://other.example", ["https://other.example"], [], {}, 1])
def test_a_statement_for_somebody_else_is_none(service: Service, aud: Any) -> None:
    """RFC 7519 §4.1.3: who is not named in an `aud` must refuse it."""
    claims = {"iss": STATEMENTS, "redirect_uris": ["https://stated.example/cb"], "aud": aud}
    answer = post(
        service.backchannel,
        {"redirect_uris": ["https://app.example/cb"], "software_statement": KEY.sign(claims)},
    )
    assert refused(answer)[0] == "invalid_software_statement"


@pytest.mark.parametrize("aud", ["http://localhost:8000", ["x", "http://localhost:8000"]])
def test_a_statement_for_us_is_believed(service: Service, aud: Any) -> None:
    claims = {"iss": STATEMENTS, "redirect_uris": ["https://stated.example/cb"], "aud": aud}
    said = {"redirect_uris": ["https://app.example/cb"], "software_statement": KEY.sign(claims)}
    assert post(service.backchannel, said).status_code == 201

"""Characters that a database can't hold, in what others sign or encode: a refusal, never a crash.

What a naive provider does: it looks up what a JWT says, and PostgreSQL, which has no NUL in texts,
answers with an exception. In forms and queries `web.body` refuses them before.
"""

import base64
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from authn.clients.clients import JWT_BEARER
from authn.settings import Settings
from authn.web.site import Site
from tests.citizen import ORIGIN
from tests.oidc.attacks.every_token import (
    ISSUER,
    KEY,
    STATEMENTS,
    Service,
    everything_on,
    mint,
    open_service,
)
from tests.oidc.client_keys import asserted, assertion
from tests.oidc.dpop_proofs import DpopKey
from tests.oidc.registrant import REDIRECT_URI, post
from tests.oidc.relying_party import Holder, segment

pytestmark = pytest.mark.thorough

NUL = "a\x00b"
REFUSED = {400, 401}


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return everything_on(settings, tmp_path)


@pytest.fixture
def service(site: Site, client: TestClient, backchannel: TestClient, holder: Holder) -> Service:
    return open_service(site, client, backchannel, holder)


@pytest.mark.parametrize("claim", ["iss", "sub", "jti", "scope", "aud"])
def test_in_an_assertion(service: Service, claim: str) -> None:
    claims = segment(mint(service)["assertion"], 1)
    answer = service.token(grant_type=JWT_BEARER, assertion=KEY.sign({**claims, claim: NUL}))
    # A jti is only remembered, as a hash; a scope is none that is read.
    assert answer.status_code in (REFUSED if claim not in ("jti", "scope") else {200})


@pytest.mark.parametrize("claim", ["iss", "sub", "jti", "aud"])
def test_in_a_client_assertion(service: Service, claim: str) -> None:
    signed = assertion("signer", ORIGIN, KEY, service.site.clock(), **{claim: NUL})
    answer = service.backchannel.post("/revoke", data=asserted(signed, token="x"))
    assert answer.status_code in (REFUSED if claim != "jti" else {200})


@pytest.mark.parametrize("header", [NUL + ":secret", "hospital:" + NUL, "\x00", "%00:%00"])
def test_in_a_basic_header(service: Service, header: str) -> None:
    encoded = base64.b64encode(header.encode()).decode()
    answer = service.backchannel.post(
        "/token",
        data={"grant_type": "refresh_token", "refresh_token": "x"},
        headers={"Authorization": f"Basic {encoded}"},
    )
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "claim", ["client_id", "redirect_uri", "scope", "state", "nonce", "claims"]
)
def test_in_a_request_object(service: Service, claim: str) -> None:
    claims = {**service.rp.request(scope="openid"), "aud": ORIGIN, claim: NUL}
    answer = service.rp.answer(request=KEY.sign(claims))
    assert answer["error"] == "invalid_request_object"


@pytest.mark.parametrize("claim", ["jti", "nonce"])
def test_in_a_proof(service: Service, claim: str) -> None:
    said: dict[str, Any] = {claim: NUL}
    proof = DpopKey().proof("POST", f"{ORIGIN}/token", service.site.clock(), **said)
    answer = service.token(
        grant_type="authorization_code",
        code=service.rp.code(scope="openid"),
        redirect_uri=service.rp.redirect_uri,
        code_verifier="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        proof=proof,
    )
    assert answer.status_code == (200 if claim == "jti" else 400)


@pytest.mark.parametrize(
    "said",
    [
        {"client_name": NUL},
        {"client_name#nl": NUL},
        {"redirect_uris": [f"https://a.example/{NUL}"]},
        {"post_logout_redirect_uris": [f"https://a.example/{NUL}"]},
        {"scope": f"openid {NUL}"},
        {"software_id": NUL},
        {"contacts": [NUL]},
        {"jwks": {"keys": [{**KEY.jwk_public, "kid": NUL}]}},
    ],
)
@pytest.mark.parametrize("stated", [False, True])
def test_in_a_registration(service: Service, said: dict[str, Any], stated: bool) -> None:
    document: dict[str, Any] = {"redirect_uris": [REDIRECT_URI], **said}
    if stated:
        document = {"software_statement": KEY.sign({"iss": STATEMENTS, **document})}
    assert post(service.backchannel, document).status_code in (201, 400)


def test_in_an_address(service: Service) -> None:
    for path in ("/register/a%00b", "/clients/a%00b/logo", f"/register/{ISSUER}%00"):
        answer = service.backchannel.get(path)
        assert answer.status_code in (401, 404), path

"""Which scripts may read which answers: decisions 4.17, https://fetch.spec.whatwg.org/#cors."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from authn.web.site import Site
from tests.conftest import MovableClock
from tests.oidc.relying_party import Holder, RelyingParty, register

MakeRP = Callable[..., RelyingParty]
APP = "https://app.example"


@pytest.fixture
def spa(make_rp: MakeRP, holder: Holder) -> RelyingParty:
    """A public client that runs in the browser, at app.example."""
    return make_rp(token_endpoint_auth_method="none", redirect_uris=[f"{APP}/cb"]).allowed_by(
        holder
    )


def test_a_public_client_s_script_reads_its_tokens_and_claims(
    spa: RelyingParty, backchannel: TestClient
) -> None:
    backchannel.headers["Origin"] = APP
    answer = spa.redeem(spa.code(), backchannel)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == APP
    assert answer.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in answer.headers
    token = answer.json()["access_token"]
    claims = backchannel.get("/userinfo", headers={"Authorization": f"Bearer {token}"})
    assert claims.status_code == 200
    assert claims.headers["access-control-allow-origin"] == APP


def test_it_reads_errors_too(spa: RelyingParty, backchannel: TestClient) -> None:
    backchannel.headers["Origin"] = APP
    refused = spa.redeem("x", backchannel)
    unread = backchannel.post("/token", content=b"{}", headers={"Content-Type": "text/plain"})
    unauthorised = backchannel.get("/userinfo")
    assert [each.status_code for each in (refused, unread, unauthorised)] == [400, 400, 401]
    for answer in (refused, unread, unauthorised):
        assert answer.headers["access-control-allow-origin"] == APP
    exposed = unauthorised.headers["access-control-expose-headers"]
    assert exposed == "WWW-Authenticate, DPoP-Nonce"  # RFC 9449 §8


@pytest.mark.parametrize("path", ["/token", "/userinfo", "/revoke"])
def test_a_browser_may_ask_before(spa: RelyingParty, backchannel: TestClient, path: str) -> None:
    answer = backchannel.options(
        path,
        headers={
            "Origin": APP,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,dpop",
        },
    )
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == APP
    for header in ("Authorization", "DPoP"):
        assert header in answer.headers["access-control-allow-headers"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://app.example.evil.example",
        "http://app.example",
        "https://app.example:8443",
        "https://hospital.example",  # a confidential client's
        "null",
        "",
        "é",
    ],
)
@pytest.mark.one_engine
def test_nobody_else_s_script_does(
    spa: RelyingParty, rp: RelyingParty, backchannel: TestClient, origin: str
) -> None:
    for method in ("OPTIONS", "POST"):
        answer = backchannel.request(method, "/token", headers={b"Origin": origin.encode()})
        assert "access-control-allow-origin" not in answer.headers


def test_a_client_registered_since_is_known_after_a_minute(
    site: Site, spa: RelyingParty, backchannel: TestClient, clock: MovableClock
) -> None:
    def allowed() -> bool:
        answer = backchannel.options("/token", headers={"Origin": "https://new.example"})
        return "access-control-allow-origin" in answer.headers

    assert not allowed()
    register(
        site,
        backchannel,
        token_endpoint_auth_method="none",
        redirect_uris=["https://new.example/cb"],
    )
    clock.advance(seconds=60)
    assert allowed()

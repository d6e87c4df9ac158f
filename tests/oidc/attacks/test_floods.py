"""Requests of nobody, any number of them: decisions 8.3, "nobody writes before proving something".

What a naive provider does: it keeps what it is sent until somebody comes for it, so that whoever
likes fills its database, or has it locked while logins wait.
"""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.web.site import Site
from tests.citizen import ORIGIN
from tests.conftest import MovableClock
from tests.oidc.client_keys import ClientKey, asserted, assertion
from tests.oidc.dpop_proofs import DpopKey
from tests.oidc.pushing import bring, push
from tests.oidc.refreshing import OFFLINE, PUBLIC_CLIENT, refresh
from tests.oidc.relying_party import Holder, RelyingParty
from tests.screens import everything

pytestmark = pytest.mark.thorough

MakeRP = Callable[..., RelyingParty]


@pytest.fixture
def app_rp(make_rp: MakeRP) -> RelyingParty:
    """A client that anybody can say to be."""
    return make_rp(**PUBLIC_CLIENT)


def proof(clock: MovableClock, path: str) -> str:
    """By a key that was made for this alone."""
    return DpopKey().proof("POST", ORIGIN + path, clock())


def test_nobody_s_requests_write_nothing(
    site: Site,
    make_rp: MakeRP,
    app_rp: RelyingParty,
    backchannel: TestClient,
    clock: MovableClock,
) -> None:
    make_rp(
        client_id="signer",
        token_endpoint_auth_method="private_key_jwt",
        metadata=ClientMetadata(jwks=ClientKey.shared("ES256").jwks),
    )
    app_rp.browser = backchannel
    signed = assertion("signer", ORIGIN, ClientKey("ES256"), clock())  # by somebody else
    before = everything(site)
    for _ in range(2):
        assert app_rp.authorize().status_code == 303
        assert backchannel.post("/authorize", data=app_rp.request()).status_code == 303
        assert push(app_rp).status_code == 201
        assert push(app_rp, dpop=proof(clock, "/par")).status_code == 201
        assert app_rp.redeem("x").status_code == 400
        assert refresh(app_rp, "x").status_code == 400
        for form in (
            {"grant_type": "authorization_code", "code": "x"},
            {"grant_type": "refresh_token", "refresh_token": "x"},
            {"grant_type": "client_credentials"},
            {"grant_type": "x"},
        ):
            headers = {"DPoP": proof(clock, "/token")}
            data = {"client_id": "app", **form}
            assert backchannel.post("/token", data=data, headers=headers).status_code == 400
        data = {"client_id": "app", "token": "x"}
        assert backchannel.post("/revoke", data=data).status_code == 200
        assert backchannel.post("/revoke", data=asserted(signed, token="x")).status_code == 401
        assert backchannel.post("/introspect", data=data).status_code == 401
        assert backchannel.post("/device_authorization", data=data).status_code == 400
        assert backchannel.post("/register", json={}).status_code == 401
        assert (
            backchannel.get("/userinfo", headers={"Authorization": "Bearer x"}).status_code == 401
        )
        headers = {"Authorization": "DPoP x", "DPoP": proof(clock, "/userinfo")}
        assert backchannel.get("/userinfo", headers=headers).status_code == 401
        assert backchannel.get("/logout", params={"id_token_hint": "x"}).status_code == 200
        backchannel.cookies.clear()
    assert everything(site) == before


def test_a_request_that_a_public_client_pushed_is_as_good_as_any(
    app_rp: RelyingParty, make_rp: MakeRP, holder: Holder, clock: MovableClock
) -> None:  # RFC 9126 §2.2, §4, §7.3
    other = make_rp(client_id="other", redirect_uris=["https://app.example/callback"])
    rp = app_rp.allowed_by(holder, OFFLINE)
    answer = push(rp, scope=OFFLINE)
    request_uri = answer.json()["request_uri"]
    assert answer.json()["expires_in"] == 90
    assert "hospital" not in request_uri
    assert push(rp, scope=OFFLINE).json()["request_uri"] != request_uri
    # Of one client, in time, unchanged, and answered once.
    assert bring(other.allowed_by(holder, OFFLINE), request_uri).status_code == 400
    for changed in (request_uri[:-1], request_uri + "x", request_uri[:-2] + "xx"):
        assert bring(rp, changed).status_code == 400
    location = bring(rp, request_uri).headers["location"]
    code = location.partition("code=")[2].partition("&")[0]
    assert rp.redeem(code).status_code == 200
    assert "code=" not in bring(rp, request_uri).headers.get("location", "")
    late = push(rp, scope=OFFLINE).json()["request_uri"]
    clock.advance(seconds=91)
    assert bring(rp, late).status_code == 400


def test_a_replayed_proof_is_refused_where_there_is_something_to_steal(
    app_rp: RelyingParty, holder: Holder, clock: MovableClock, backchannel: TestClient
) -> None:  # RFC 9449 §11.1
    rp = app_rp.allowed_by(holder, OFFLINE)
    one = proof(clock, "/token")
    data = {
        "grant_type": "authorization_code",
        "client_id": "app",
        "redirect_uri": rp.redirect_uri,
        "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    }
    data["code"] = rp.code(scope=OFFLINE)
    assert backchannel.post("/token", data=data, headers={"DPoP": one}).status_code == 200
    data["code"] = rp.code(scope=OFFLINE)
    answer = backchannel.post("/token", data=data, headers={"DPoP": one})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof")
    answer = backchannel.post("/token", data=data, headers={"DPoP": proof(clock, "/token")})
    assert answer.status_code == 200  # the refused one cost no code

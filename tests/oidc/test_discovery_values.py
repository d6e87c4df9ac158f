"""Each value that discovery lists is tried: ways to authenticate, at each endpoint that lists them,
modes of answers, algorithms of proofs.

OpenID Connect Discovery 1.0 §3 (https://openid.net/specs/openid-connect-discovery-1_0.html), RFC
8414 §2 (https://www.rfc-editor.org/rfc/rfc8414). What is tried elsewhere is in `test_discovery`,
and in the module of its specification.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.clients.clients import (
    AUTH_METHODS,
    BASIC,
    POST,
    PRIVATE_KEY_JWT,
    SELF_SIGNED_TLS_CLIENT_AUTH,
    TLS_CLIENT_AUTH,
)
from authn.grants.authorization_request import RESPONSE_MODES
from authn.oidc.tokens.dpop import DPOP_ALGORITHMS
from authn.settings import Settings
from authn.web.site import Site
from tests.certificates import Held, issue
from tests.citizen import ORIGIN
from tests.conftest import MovableClock
from tests.oidc.client_keys import ClientKey, asserted, assertion
from tests.oidc.dpop_proofs import DpopKey
from tests.oidc.fapi import HEADER, NAME, PROXY, behind_a_proxy
from tests.oidc.relying_party import Holder, RelyingParty, answer_of, basic, register
from tests.oidc.test_form_post import posted

pytestmark = pytest.mark.thorough

MakeRP = Callable[..., RelyingParty]
# What is asked there by whoever authenticates, and what is answered when they do.
ENDPOINTS = {
    "token": ("/token", {"grant_type": "authorization_code", "code": "x"}, 400),
    "revocation": ("/revoke", {"token": "x"}, 200),
    "introspection": ("/introspect", {"token": "x"}, 200),
}


@pytest.fixture
def root(clock: MovableClock) -> Held:
    return issue("Root", clock(), ca=True)


@pytest.fixture
def settings(settings: Settings, root: Held, tmp_path: Path) -> Settings:
    """Every way to authenticate is offered."""
    return behind_a_proxy(settings, root, tmp_path)


@pytest.fixture
def backchannel(app: Starlette) -> Iterator[TestClient]:
    """What connects is the proxy."""
    with TestClient(app, base_url=ORIGIN, client=(PROXY, 1)) as client:
        yield client


@pytest.fixture
def metadata(client: TestClient) -> dict[str, Any]:
    document: dict[str, Any] = client.get("/.well-known/openid-configuration").json()
    return document


def said(method: str, certificate: Held) -> dict[str, Any]:
    """What a client says that authenticates so."""
    if method == PRIVATE_KEY_JWT:
        return {"jwks": ClientKey.shared("ES256").jwks}
    if method == TLS_CLIENT_AUTH:
        return {"tls_client_auth_subject_dn": f"CN={NAME},O=Hospital\\, Inc,C=BE"}
    if method == SELF_SIGNED_TLS_CLIENT_AUTH:
        return {"jwks": certificate.jwks}
    return {}


def authenticated(
    rp: RelyingParty, http: TestClient, path: str, form: dict[str, str], certificate: Held
) -> Response:
    """The answer to this form, from the client."""
    client, headers = rp.client, {}
    method = client.token_endpoint_auth_method
    if method == BASIC:
        headers["Authorization"] = basic(client.client_id, rp.client_secret)
    elif method == PRIVATE_KEY_JWT:
        key = ClientKey.shared("ES256")
        form = asserted(assertion(client.client_id, ORIGIN, key, rp.site.clock()), **form)
    else:
        form = {**form, "client_id": client.client_id}
    if method == POST:
        form = {**form, "client_secret": rp.client_secret}
    if method in (TLS_CLIENT_AUTH, SELF_SIGNED_TLS_CLIENT_AUTH):
        headers[HEADER] = certificate.rfc_9440
    return http.post(path, data=form, headers=headers)


@pytest.mark.parametrize("method", AUTH_METHODS)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_every_way_to_authenticate_works_at_every_endpoint_that_lists_it(
    site: Site,
    backchannel: TestClient,
    metadata: dict[str, Any],
    root: Held,
    method: str,
    endpoint: str,
) -> None:
    """And at no endpoint that does not."""
    certificate = issue(NAME, site.clock(), root if method == TLS_CLIENT_AUTH else None)
    rp = register(
        site,
        backchannel,
        token_endpoint_auth_method=method,
        metadata=ClientMetadata(**said(method, certificate)),
    )
    path, form, status = ENDPOINTS[endpoint]
    answer = authenticated(rp, backchannel, path, form, certificate)
    listed = method in metadata[f"{endpoint}_endpoint_auth_methods_supported"]
    assert (answer.status_code == status) is listed, answer.text
    assert (answer.status_code == 401) is not listed, answer.text
    # What was sent was needed: who says the same of another client is nobody.
    if listed and method != "none":
        unsaid = backchannel.post(path, data={**form, "client_id": rp.client.client_id})
        assert unsaid.status_code == 401, unsaid.text


def test_no_way_is_left_out(metadata: dict[str, Any]) -> None:
    assert set(metadata["token_endpoint_auth_methods_supported"]) == set(AUTH_METHODS)
    named = {name.partition("_")[0] for name in metadata if "_auth_methods_supported" in name}
    assert named == ENDPOINTS.keys()


@pytest.mark.parametrize("mode", RESPONSE_MODES)
def test_every_mode_answers_in_its_way(
    metadata: dict[str, Any], rp: RelyingParty, holder: Holder, mode: str
) -> None:
    assert mode in metadata["response_modes_supported"]
    response = rp.allowed_by(holder).authorize(response_mode=mode)
    if mode.startswith("form_post"):
        action, fields = posted(response)
        assert action == rp.redirect_uri
    else:
        fields = answer_of(response, rp.redirect_uri)
    expected = {"response"} if mode.endswith("jwt") else {"code", "state", "iss"}
    assert fields.keys() == expected


@pytest.mark.parametrize("alg", DPOP_ALGORITHMS)
@pytest.mark.one_engine
def test_a_proof_may_be_signed_in_every_way(
    metadata: dict[str, Any], rp: RelyingParty, holder: Holder, alg: str
) -> None:
    assert alg in metadata["dpop_signing_alg_values_supported"]
    form = {
        "grant_type": "authorization_code",
        "code": rp.allowed_by(holder).code(),
        "redirect_uri": rp.redirect_uri,
        "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    }
    headers = {
        "Authorization": basic(rp.client.client_id, rp.client_secret),
        "DPoP": DpopKey(alg).proof("POST", f"{ORIGIN}/token", rp.site.clock()),
    }
    answer = rp.browser.post("/token", data=form, headers=headers)
    assert answer.json()["token_type"] == "DPoP", answer.text

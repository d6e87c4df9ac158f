"""JWT answers of the introspection endpoint: RFC 9701 (https://www.rfc-editor.org/rfc/rfc9701)."""

from typing import Any

import pytest
from httpx2 import Response
from joserfc import jwe
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.foreign_jwt import read_key_set, verify_jws
from authn.jose import ALGORITHMS, RS256
from authn.web.site import Site
from tests.conftest import MovableClock
from tests.oidc.client_keys import ClientKey
from tests.oidc.relying_party import Holder, RelyingParty, segment
from tests.oidc.resource_servers import (
    API,
    SCOPE,
    ResourceServer,
    application,
    resource_server,
)

pytestmark = pytest.mark.thorough

ACCEPT = "application/token-introspection+jwt"


@pytest.fixture
def rp(site: Site, client: TestClient, holder: Holder) -> RelyingParty:
    """The application that gets access tokens for the API."""
    return application(site, client).allowed_by(holder, SCOPE)


@pytest.fixture
def api(site: Site, backchannel: TestClient) -> ResourceServer:
    """The resource server, which has registered nothing about its answers."""
    return resource_server(site, backchannel)


def token_for_api(rp: RelyingParty) -> str:
    """An access token for the API, which is registered."""
    token: str = rp.tokens(scope=SCOPE, resource=API)["access_token"]
    return token


@pytest.fixture
def token(api: ResourceServer, rp: RelyingParty) -> str:
    """An access token for the API."""
    return token_for_api(rp)


def verified(browser: TestClient, text: str, alg: str) -> dict[str, Any]:
    """The claims, once the key set that we publish has verified the signature."""
    return verify_jws(text, read_key_set(browser.get("/jwks").json()), [alg])


def jwt_of(answer: Response) -> str:
    """The JWT of an answer that is one."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == ACCEPT  # §5
    assert answer.headers["cache-control"] == "no-store"
    return answer.text


def test_who_asks_for_a_jwt_gets_the_same_members_signed(
    site: Site, api: ResourceServer, token: str, clock: MovableClock
) -> None:  # §4, §5
    text = jwt_of(api.introspect(token, ACCEPT))
    assert segment(text, 0)["typ"] == "token-introspection+jwt"
    assert verified(api.client.browser, text, RS256) == {
        "iss": site.settings.issuer,
        "aud": "letters",
        "iat": int(clock.now.timestamp()),
        "token_introspection": api.learns(token),
    }


def test_a_token_that_is_dead_is_told_in_a_jwt_too(api: ResourceServer) -> None:  # §5
    claims = verified(api.client.browser, jwt_of(api.introspect("x", ACCEPT)), RS256)
    assert claims["token_introspection"] == {"active": False}


@pytest.mark.parametrize("accept", ["application/json", "*/*", ""])
def test_who_asks_for_json_gets_json(api: ResourceServer, token: str, accept: str) -> None:  # §4
    assert api.introspect(token, accept).headers["content-type"] == "application/json"


@pytest.mark.parametrize("accept", [f"{ACCEPT}, application/json;q=0.5", ACCEPT.upper()])
def test_a_jwt_may_be_asked_among_others(api: ResourceServer, token: str, accept: str) -> None:
    jwt_of(api.introspect(token, accept))


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_it_is_signed_as_the_resource_server_registered(
    site: Site, backchannel: TestClient, rp: RelyingParty, alg: str
) -> None:  # §6
    metadata = ClientMetadata(introspection_signed_response_alg=alg)
    api = resource_server(site, backchannel, metadata=metadata)
    claims = verified(backchannel, jwt_of(api.introspect(token_for_api(rp), ACCEPT)), alg)
    assert claims["token_introspection"]["active"]


@pytest.mark.parametrize(
    ("alg", "kind", "enc"),
    [("RSA-OAEP-256", "RS256", "A256GCM"), ("ECDH-ES", "ES256", "")],
)
def test_it_is_encrypted_as_the_resource_server_registered(
    site: Site, backchannel: TestClient, rp: RelyingParty, alg: str, kind: str, enc: str
) -> None:  # §5, §6
    key = ClientKey.shared(kind)
    public = {**key.jwk_public, "use": "enc", "alg": alg}
    metadata = ClientMetadata(
        jwks={"keys": [public]},
        introspection_encrypted_response_alg=alg,
        introspection_encrypted_response_enc=enc,
    )
    api = resource_server(site, backchannel, metadata=metadata)
    token = token_for_api(rp)
    text = jwt_of(api.introspect(token, ACCEPT))
    expected = enc or "A128CBC-HS256"
    opened = jwe.decrypt_compact(text, key.key, [alg, expected])
    assert (opened.headers()["cty"], opened.headers()["enc"]) == ("JWT", expected)
    claims = verified(backchannel, (opened.plaintext or b"").decode(), RS256)
    assert claims["token_introspection"]["active"]
    # The whole answer is for this resource server alone; JSON goes over its TLS as before.
    assert api.learns(token)["active"]


def test_it_can_be_taken_for_no_access_or_id_token(
    site: Site, api: ResourceServer, token: str, client: TestClient
) -> None:  # §8.1
    text = jwt_of(api.introspect(token, ACCEPT))
    assert {"sub", "exp", "nonce"}.isdisjoint(segment(text, 1))
    rp = RelyingParty(site, client, api.client.client, api.client.client_secret)
    assert rp.userinfo(text).status_code == 401
    assert api.learns(text) == {"active": False}


def test_who_asks_must_authenticate_for_a_jwt_too(api: ResourceServer, token: str) -> None:
    browser = api.client.browser
    answer = browser.post("/introspect", data={"token": token}, headers={"Accept": ACCEPT})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")

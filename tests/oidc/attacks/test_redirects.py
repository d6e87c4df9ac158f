"""Addresses that are nearly the registered one, at every door through which one comes in.

What a naive provider does: it compares prefixes, hosts or parsed parts, or takes an error to an
address that it has not compared at all. What may be registered is in `clients/test_redirect_uris`.
"""

from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from tests.oidc.attacks.doors import DOORS, KEY, Door
from tests.oidc.pushing import push
from tests.oidc.relying_party import Holder, RelyingParty

pytestmark = [pytest.mark.thorough, pytest.mark.one_engine]

# Of https://hospital.example/callback and, for the app, http://127.0.0.1/cb
NEAR = [
    "https://hospital.example/callback/",
    "https://hospital.example/callback?",
    "https://hospital.example/callback?x=1",
    "https://hospital.example/callback#",
    "https://hospital.example/callback#x",
    "https://hospital.example/callback/../evil",
    "https://hospital.example/callback/..;/evil",
    "https://hospital.example/x/../callback",
    "https://hospital.example/./callback",
    "https://hospital.example//callback",
    "https://hospital.example/%63allback",
    "https://hospital.example/callback%2f",
    "https://hospital.example/callback%00",
    "https://hospital.example/callback%0d%0aSet-Cookie:a=b",
    "https://hospital.example/callback\r\nSet-Cookie: a=b",
    "https://hospital.example/callback\t",
    "https://hospital.example/callback\u2028",
    "https://hospital.example/Callback",
    "https://hospital.example/callback;x",
    "https://hospital.example/callback,https://evil.example/",
    "https://hospital.example/callback https://evil.example/",
    "https://HOSPITAL.example/callback",
    "HTTPS://hospital.example/callback",
    "http://hospital.example/callback",
    "https://hospital.example:443/callback",
    "https://hospital.example:8443/callback",
    "https://hospital.example./callback",
    "https://hospital.example.evil.example/callback",
    "https://evil.example/https://hospital.example/callback",
    "https://evil.example/callback?https://hospital.example/callback",
    "https://evilhospital.example/callback",
    "https://hospital.example@evil.example/callback",
    "https://user@hospital.example/callback",
    "https://hospital.example\\@evil.example/callback",
    "https://evil.example\\@hospital.example/callback",
    "https://hospital.example%40evil.example/callback",
    "https://hospital.example%2fcallback",
    "https:/hospital.example/callback",
    "https:hospital.example/callback",
    "//hospital.example/callback",
    "/callback",
    "hospital.example/callback",
    "https://hospital\u3002example/callback",
    "https://hospit\u0430l.example/callback",
    "https://xn--hospitl-hdg.example/callback",
    "javascript:alert(1)//https://hospital.example/callback",
    "data:text/html,https://hospital.example/callback",
    " https://hospital.example/callback",
    "https://hospital.example/callback ",
]
NEAR_LOOPBACK = [
    "http://127.0.0.1:80@evil.example/cb",
    "http://127.0.0.1:8080evil.example/cb",
    "http://127.0.0.1:/cb",
    "http://127.0.0.1:123456/cb",
    "http://127.0.0.1:-1/cb",
    "http://127.0.0.1:8080/cb/",
    "http://127.0.0.1:8080/cb?x",
    "http://127.0.0.1.evil.example:8080/cb",
    "http://127.0.0.2:8080/cb",
    "http://127.1:8080/cb",
    "http://2130706433:8080/cb",
    "http://localhost:8080/cb",
    "http://[::1]:8080/cb",
    "http://[::ffff:127.0.0.1]:8080/cb",
    "https://127.0.0.1:8080/cb",
    "http://127.0.0.1:8080\\@evil.example/cb",
    "http://127.0.0.1:8080#@evil.example/cb",
]


@pytest.fixture
def rp(make_rp: Callable[..., RelyingParty], holder: Holder) -> RelyingParty:
    """The hospital, which may do everything and signs."""
    return make_rp(client_id="hospital", metadata=ClientMetadata(jwks=KEY.jwks), first_party=True)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "more", [{}, {"prompt": "none"}, {"response_type": "token"}, {"response_mode": "form_post"}]
)
def test_nothing_is_sent_to_an_address_that_is_nearly_right(
    rp: RelyingParty, door: Door, more: dict[str, str]
) -> None:
    for uri in NEAR:
        answer = door(rp, redirect_uri=uri, **more)
        assert answer.status_code == 400, uri
        assert "location" not in answer.headers, uri
        assert "evil." not in answer.text, uri


@pytest.mark.parametrize("uri", NEAR)
def test_a_code_is_redeemed_with_the_same_address_alone(rp: RelyingParty, uri: str) -> None:
    answer = rp.redeem(rp.code(), redirect_uri=uri)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("uri", NEAR_LOOPBACK)
def test_the_port_of_an_app_is_a_port_and_nothing_else(
    make_rp: Callable[..., RelyingParty], holder: Holder, client: TestClient, uri: str
) -> None:  # RFC 8252 §7.3
    app = make_rp(
        client_id="app",
        application_type="native",
        token_endpoint_auth_method="none",
        redirect_uris=["http://127.0.0.1/cb"],
    )
    right = client.get(
        "/authorize?" + urlencode(app.request(redirect_uri="http://127.0.0.1:8080/cb"))
    )
    assert right.status_code == 303
    answer = app.authorize(redirect_uri=uri)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert push(app, redirect_uri=uri).status_code == 400

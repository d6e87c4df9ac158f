"""Every endpoint of the provider and every grant type has a test of its statements and commits."""

from importlib import import_module

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.oidc.endpoints import routes
from authn.oidc.token import GRANT_TYPES
from authn.settings import Settings
from authn.web.site import Site
from tests.oidc.registrant import REDIRECT_URI, bearer, registered
from tests.oidc.relying_party import Holder, RelyingParty, register
from tests.oidc.test_cost import counted
from tests.oidc.test_rp_initiated_logout import ask, confirm

pytestmark = pytest.mark.thorough

HERE = "test_cost_of_each"
# Where each is counted: the module, and the test.
ENDPOINTS = {
    "/.well-known/openid-configuration": ("test_cost", "test_discovery_and_jwks_cost_none"),
    "/.well-known/oauth-authorization-server": (HERE, "test_what_asks_the_database_nothing"),
    "/jwks": ("test_cost", "test_discovery_and_jwks_cost_none"),
    "/developers": (HERE, "test_what_asks_the_database_nothing"),
    "/developers/example/jwks": (HERE, "test_what_asks_the_database_nothing"),
    "/authorize": ("test_cost", "test_authorize_with_session_and_consent"),
    "/par": ("test_cost", "test_a_pushed_request_and_the_browser_that_brings_it"),
    "/device_authorization": ("test_rfc8628_device_flow", "test_what_a_poll_costs"),
    "/token": ("test_cost", "test_token"),
    "/userinfo": ("test_cost", "test_userinfo"),
    "/introspect": ("test_cost", "test_introspection"),
    "/revoke": ("test_cost", "test_revocation"),
    "/logout": (HERE, "test_logout"),
    "/logout/confirm": (HERE, "test_logout"),
    "/register": (HERE, "test_registration"),
    "/register/{client_id}": (HERE, "test_management"),
    "/clients/{client_id}/logo": (HERE, "test_a_logo"),
    "/grants/{grant_id}": ("test_grant_management", "test_what_it_costs"),
}
GRANTS = {
    "authorization_code": ("test_cost", "test_token"),
    "refresh_token": ("test_cost", "test_refresh"),
    "client_credentials": ("test_cost", "test_a_systems_token"),
    "urn:ietf:params:oauth:grant-type:device_code": (
        "test_rfc8628_device_flow",
        "test_what_a_poll_costs",
    ),
    "urn:ietf:params:oauth:grant-type:token-exchange": (
        "test_rfc8693_token_exchange",
        "test_what_an_exchange_costs",
    ),
    "urn:ietf:params:oauth:grant-type:jwt-bearer": (
        "test_rfc7523_jwt_bearer",
        "test_what_an_assertion_costs",
    ),
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Everybody may register."""
    return settings.model_copy(update={"registration": "open"})


@pytest.mark.one_engine
def test_none_is_left_out() -> None:
    assert {route.path for route in routes if isinstance(route, Route)} == ENDPOINTS.keys()
    assert GRANT_TYPES.keys() == GRANTS.keys()
    for module, test in {*ENDPOINTS.values(), *GRANTS.values()}:
        assert callable(getattr(import_module(f"tests.oidc.{module}"), test))


@pytest.mark.parametrize(
    "path", ["/.well-known/oauth-authorization-server", "/developers", "/developers/example/jwks"]
)
def test_what_asks_the_database_nothing(site: Site, backchannel: TestClient, path: str) -> None:
    backchannel.get(path)  # keys are read
    with counted(site) as seen:
        assert backchannel.get(path).status_code == 200
    assert seen == []


def test_logout(site: Site, client: TestClient, holder: Holder, rp: RelyingParty) -> None:
    hint = rp.allowed_by(holder).tokens()["id_token"]
    with counted(site) as seen:
        asked = ask(client, id_token_hint=hint)
    assert len(seen) == 3, seen  # client; session; the client's name for the page
    with counted(site) as seen:
        assert confirm(client, asked).status_code == 200
    # Client, session; its end, the record of it; whom to tell; the client, for where to go.
    assert len(seen) - seen.count("COMMIT") == 6, seen
    assert seen.count("COMMIT") == 1


def test_registration(site: Site, backchannel: TestClient) -> None:
    with counted(site) as seen:
        registered(backchannel)
    assert len(seen) - seen.count("COMMIT") == 3, seen  # how many there were; client; the record
    assert seen.count("COMMIT") == 1


@pytest.mark.parametrize(
    ("method", "most", "commits"),
    [
        ("GET", 1, 0),  # client
        ("PUT", 4, 1),  # and what it has at others, its change, and the record of it
        ("DELETE", 4, 1),  # and all its grants at once
    ],
)
def test_management(
    site: Site, backchannel: TestClient, method: str, most: int, commits: int
) -> None:
    told = registered(backchannel)
    document = {"client_id": told["client_id"], "redirect_uris": [REDIRECT_URI + "/2"]}
    with counted(site) as seen:
        answer = backchannel.request(
            method,
            told["registration_client_uri"],
            headers=bearer(told["registration_access_token"]),
            json=document if method == "PUT" else None,
        )
    assert answer.is_success, answer.text
    assert len(seen) - seen.count("COMMIT") == most, seen
    assert seen.count("COMMIT") == commits


def test_a_logo(site: Site, client: TestClient) -> None:
    logo = {"": "https://nobody.invalid/logo.png"}
    register(site, client, client_id="drawn", metadata=ClientMetadata(logo_uris=logo))
    client.get("/clients/drawn/logo?language=nl")  # it was asked for, and did not come
    with counted(site) as seen:
        assert client.get("/clients/drawn/logo?language=nl").status_code == 200
    assert len(seen) == 1, seen  # client

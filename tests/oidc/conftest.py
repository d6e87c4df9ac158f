"""Relying applications, and somebody who is signed in, for the tests of the OpenID Provider."""

from collections.abc import Callable, Iterator

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.keys.signing_keys import ensure_signing_keys
from authn.web.site import Site
from tests.citizen import ORIGIN
from tests.oidc.relying_party import Holder, RelyingParty, hold_device, register


@pytest.fixture(autouse=True)
def _signing_keys(site: Site) -> None:
    ensure_signing_keys(site.database, site.secrets, site.clock())


@pytest.fixture
def holder(site: Site, client: TestClient) -> Holder:
    """Hanne, signed in with a laptop in the browser `client`."""
    return hold_device(site, client)


@pytest.fixture
def rp(site: Site, client: TestClient) -> RelyingParty:
    """A confidential client that must use PKCE, as `authn clients add` makes them."""
    return register(site, client, client_id="hospital")


@pytest.fixture
def other_rp(site: Site, client: TestClient) -> RelyingParty:
    """Another confidential client, of another sector."""
    return register(
        site, client, client_id="pharmacy", redirect_uris=["https://pharmacy.example/callback"]
    )


@pytest.fixture
def make_rp(site: Site, client: TestClient) -> Callable[..., RelyingParty]:
    """Registers a client with the metadata given."""
    return lambda **metadata: register(site, client, **metadata)


@pytest.fixture
def backchannel(app: Starlette) -> Iterator[TestClient]:
    """What an application's server speaks with: no cookie of anybody."""
    with TestClient(app, base_url=ORIGIN, follow_redirects=False) as client:
        yield client

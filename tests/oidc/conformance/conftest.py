"""What every plan begins with: a provider where anybody registers, and somebody with a browser."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.settings import Settings
from authn.web.site import Site
from tests.certificates import Held, issue
from tests.citizen import ORIGIN, Screen, enrolled
from tests.conftest import MovableClock
from tests.oidc.conformance.party import Party
from tests.oidc.fapi import PROXY, FapiParty, behind_a_proxy, fapi_party
from tests.oidc.relying_party import Holder
from tests.published import Published, publishing

Register = Callable[..., Party]


@pytest.fixture
def root(clock: MovableClock) -> Held:
    """The authority that vouches for clients."""
    return issue("Root", clock(), ca=True)


@pytest.fixture
def settings(settings: Settings, root: Held, tmp_path: Path) -> Settings:
    """Everybody may register; what clients publish is on this machine; a proxy terminates TLS."""
    changes = {"registration": "open", "private_hosts": frozenset({"localhost"})}
    return behind_a_proxy(settings.model_copy(update=changes), root, tmp_path)


@pytest.fixture
def backchannel(app: Starlette) -> Iterator[TestClient]:
    """What connects is the proxy."""
    with TestClient(app, base_url=ORIGIN, client=(PROXY, 1), follow_redirects=False) as client:
        yield client


@pytest.fixture
def make_fapi(
    site: Site, client: TestClient, backchannel: TestClient, root: Held, holder: Holder
) -> Callable[..., FapiParty]:
    """Registers a client under the profile; see `fapi.fapi_party`."""
    return lambda **said: fapi_party(site, client, backchannel, root, **said)


@pytest.fixture
def published() -> Iterator[Published]:
    """The web server of the suite."""
    with publishing() as server:
        yield server


@pytest.fixture
def screen(site: Site, client: TestClient, register: None) -> Screen:
    """The browser in which the suite's operator is signed in."""
    return enrolled(site, client)[1]


@pytest.fixture
def new_party(screen: Screen, backchannel: TestClient, clock: MovableClock) -> Register:
    """Registers a client of the suite; see `Party.registered_with`."""

    def registered(**said: Any) -> Party:
        return Party.registered_with(backchannel, screen, clock, **said)

    return registered

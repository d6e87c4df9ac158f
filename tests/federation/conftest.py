"""Real upstreams beside the service: it asks them over HTTP, at a port of this machine."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from authn.settings import Settings
from tests import browser
from tests.conftest import MovableClock
from tests.federation.journey import Journey
from tests.federation.upstream import Provider, providers_app

KINDS = ("fas", "itsme", "oidc")


@pytest.fixture(scope="session")
def running_providers() -> Iterator[dict[str, Provider]]:
    """Three providers on one free port."""
    providers = {kind: Provider(kind) for kind in KINDS}
    listener = browser.free_socket()
    with browser.serving(providers_app(providers), listener) as address:
        for kind, provider in providers.items():
            provider.issuer = f"{address}/{kind}"
        yield providers


@pytest.fixture
def providers(running_providers: dict[str, Provider], clock: MovableClock) -> dict[str, Provider]:
    """The three, honest, at the time of the service."""
    for provider in running_providers.values():
        provider.start_over(clock)
    return running_providers


@pytest.fixture
def settings(settings: Settings, providers: dict[str, Provider], tmp_path: Path) -> Settings:
    """The settings of a service that believes these three."""
    table = [provider.entry(tmp_path) for provider in providers.values()]
    return settings.model_copy(update={"upstreams": json.dumps(table)})


@pytest.fixture(params=KINDS[:2])
def provider(request: pytest.FixtureRequest, providers: dict[str, Provider]) -> Provider:
    """One that signs userinfo, and one that encrypts it as well."""
    return providers[request.param]


@pytest.fixture
def fas(providers: dict[str, Provider]) -> Provider:
    """The one that speaks as FAS does."""
    return providers["fas"]


@pytest.fixture
def journey(client: TestClient, register: None) -> Journey:
    """A browser at the service; the people of the demonstration are in the register."""
    client.headers["Accept-Language"] = "en"
    return Journey(client)

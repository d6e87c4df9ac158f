"""Machines whose clocks are a minute apart serve one person together."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.app import create_app
from authn.settings import Settings
from authn.web.site import Site
from tests.citizen import ORIGIN, Screen, enrolled
from tests.conftest import MovableClock
from tests.hospital import register_hospital
from tests.login.test_interaction import allow, authorize, query, waiting

MINUTE = timedelta(seconds=60)


@pytest.fixture(params=[-MINUTE, MINUTE], ids=["behind", "ahead"])
def other_machine(
    request: pytest.FixtureRequest, settings: Settings, clock: MovableClock, app: Starlette
) -> Iterator[TestClient]:
    """A second process of the same service, whose clock differs by a minute."""
    difference: timedelta = request.param
    other = create_app(settings, clock=lambda: clock.now + difference)
    with TestClient(other, base_url=ORIGIN, follow_redirects=False) as client:
        yield client
    site: Site = other.state.site
    site.database.close()


def test_a_request_that_arrives_here_is_answered_there(
    site: Site, client: TestClient, other_machine: TestClient
) -> None:
    register_hospital(site)
    _, here = enrolled(site, client)
    there = Screen(other_machine, here.authenticator)
    there.client.cookies = here.client.cookies
    allow(there, waiting(authorize(here), "/consent"))
    token = waiting(authorize(here, prompt="login"), "/login")
    assert "code" in query(there.sign_in(token).json()["location"])

"""Where and at which application a device was used last, as its holder would say it at the desk."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.keys.signing_keys import ensure_signing_keys
from authn.settings import Settings
from authn.web.site import Site
from tests.citizen import ORIGIN, Screen
from tests.conftest import MovableClock
from tests.console.conftest import MakeTool
from tests.console.desk import CitizenAtHome, DeskScreen
from tests.oidc.relying_party import register
from tests.web.test_place import written

HOME, NOWHERE = "9.9.9.9", "192.168.1.7"
FIREFOX = "Mozilla/5.0 (X11; Linux) Firefox/140.0"


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """The service's operator has a database of places."""
    return settings.model_copy(update={"place_database": written(tmp_path)})


@pytest.fixture
def later(citizen: CitizenAtHome, clock: MovableClock) -> CitizenAtHome:
    """The citizen, a minute after their devices were added."""
    clock.advance(minutes=1)
    return citizen


def used_at(app: Starlette, citizen: CitizenAtHome, address: str) -> TestClient:
    """The browser at this address in which the citizen signed in with their first device."""
    client = TestClient(app, base_url=ORIGIN, follow_redirects=False, client=(address, 50_000))
    client.headers["User-Agent"] = FIREFOX
    assert Screen(client, citizen.screen.authenticator).sign_in().status_code == 200
    return client


def first_card(made: DeskScreen, citizen: CitizenAtHome) -> str:
    made.screen.client.headers["Accept-Language"] = "en"
    made.give_reason(citizen.person.id)
    html = made.get(f"/desk/people/{citizen.person.id}").text
    return html.split("data-device>")[1]


def test_it_is_said_when_where_and_at_which_application(
    app: Starlette,
    site: Site,
    agent: DeskScreen,
    later: CitizenAtHome,
    make_tool: MakeTool,
) -> None:
    client = used_at(app, later, HOME)
    ensure_signing_keys(site.database, site.secrets, site.clock())
    rp = register(site, client, client_name="MaSanté", first_party=True)
    assert rp.tokens()["access_token"]
    shown = first_card(agent, later)
    assert "Last used today at" in shown and " at MaSanté" in shown
    assert "Firefox on Linux · Ghent, Belgium" in shown
    agent.screen.client.headers["Accept-Language"] = "nl"
    assert "Ghent, België" in agent.get(f"/desk/people/{later.person.id}").text
    (found,) = [
        each
        for each in make_tool(agent).person("devices", later.person.id)["devices"]
        if each["id"] == str(later.devices[0])
    ]
    assert (found["place"], found["last_application"]) == ("Ghent, Belgium", "MaSanté")


def test_where_nothing_is_known_of_the_place_the_browser_is_said(
    app: Starlette, agent: DeskScreen, later: CitizenAtHome
) -> None:
    used_at(app, later, NOWHERE)
    assert ">Firefox on Linux</span>" in first_card(agent, later)


def test_it_is_where_the_browser_was_last_and_not_where_it_was_first(
    app: Starlette, agent: DeskScreen, later: CitizenAtHome
) -> None:
    at_home = used_at(app, later, HOME)
    away = TestClient(app, base_url=ORIGIN, follow_redirects=False, client=(NOWHERE, 50_000))
    away.headers["User-Agent"] = FIREFOX
    away.cookies.update(at_home.cookies)
    assert Screen(away, later.screen.authenticator).sign_in().status_code == 200
    shown = first_card(agent, later)
    assert shown.count("Firefox on Linux") == 2, "last used, and open now: one browser"
    assert "Ghent" not in shown

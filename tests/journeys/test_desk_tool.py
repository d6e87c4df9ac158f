"""A tool of the desk in a real browser: an act is refused, confirmed by the agent, done once."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx2
import pytest
from playwright.sync_api import Browser, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from authn.clients.resource_servers.desk_api import (
    PATH,
    desk_api_audience,
    desk_tool_profile_kinds,
    register_desk_api,
)
from authn.db.transaction import writing
from authn.keys.signing_keys import ensure_signing_keys
from tests import browser
from tests.conftest import LiveService
from tests.console.acting import statuses
from tests.console.tools import BOTH, WHY
from tests.journeys.desk_pages import AtHome, Town, colleague
from tests.oidc.relying_party import RelyingParty, register

pytestmark = [pytest.mark.journey, pytest.mark.one_engine]


@dataclass(slots=True)
class Pages:
    """The tool's own page, and what it was told there."""

    address: str
    told: list[dict[str, str]]


@pytest.fixture
def pages() -> Iterator[Pages]:
    """The tool runs, and people are sent back to it."""
    told: list[dict[str, str]] = []

    def callback(request: Request) -> HTMLResponse:
        told.append(dict(request.query_params))
        return HTMLResponse("<h1>Tool</h1>")

    listener = browser.free_socket()
    with browser.serving(Starlette(routes=[Route("/callback", callback)]), listener) as address:
        yield Pages(f"{address}/callback", told)


@pytest.fixture
def town(live: LiveService) -> Iterator[Town]:
    """Whom the tool is about."""
    with ExitStack() as opened:
        yield Town(live, opened)


@pytest.fixture
def server(live: LiveService) -> Iterator[httpx2.Client]:
    """The tool's own server, which calls ours."""
    with httpx2.Client(base_url=live.address, headers={"Accept-Language": "en"}) as client:
        yield client


@pytest.fixture
def rp(live: LiveService, pages: Pages) -> RelyingParty:
    """The tool, as the operator registered it."""
    site = live.site
    ensure_signing_keys(site.database, site.secrets, site.clock())
    with writing(site.database) as connection:
        register_desk_api(connection, site.secrets, site.settings, site.clock())
    api = desk_api_audience(site.settings)
    return register(
        site,
        TestClient(None),  # type: ignore[arg-type]  # this one has a real browser
        client_id="call-centre",
        client_name="Call centre",
        redirect_uris=[pages.address],
        scope=BOTH,
        resources=[api],
        first_party=True,
        **desk_tool_profile_kinds(site.settings, [api]),
    )


def address(live: LiveService, rp: RelyingParty, details: list[dict[str, Any]]) -> str:
    """Where the tool sends its user."""
    more = {"authorization_details": json.dumps(details)} if details else {}
    api = desk_api_audience(live.site.settings)
    asked = rp.request(scope=BOTH, resource=api, **more)
    return f"{live.address}/authorize?{urlencode(asked)}"


def token_of(rp: RelyingParty, server: httpx2.Client, code: str) -> str:
    """The access token for this code."""
    answer = rp.redeem(code, server)  # type: ignore[arg-type]  # as much of one as is needed
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["access_token"]
    return token


def on_device(home: AtHome, device: UUID, act: str) -> str:
    """The address of a call."""
    return f"{PATH}/people/{home.person.id}/devices/{device}/{act}"


def test_a_tool_blocks_a_phone_that_the_agent_confirmed(
    chromium: Browser,
    live: LiveService,
    town: Town,
    pages: Pages,
    rp: RelyingParty,
    server: httpx2.Client,
) -> None:
    home = town.citizen("Blue phone", "Laptop at home")
    agent = colleague(chromium, live, "agent")
    page = agent.page
    page.goto(address(live, rp, []))
    token = token_of(rp, server, pages.told.pop()["code"])

    def called(token: str) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {token}"}
        path = on_device(home, home.devices[0], "suspend")
        return server.post(path, json=WHY, headers=headers)

    refused = called(token)
    assert refused.status_code == 401
    asked = refused.json()["authorization_details"]
    page.goto(address(live, rp, asked))
    agent.sees("Block this device?")
    expect(page.get_by_text(home.person.full_name)).to_be_visible()
    expect(page.get_by_text("Blue phone")).to_be_visible()
    agent.look("tool-confirm")
    page.get_by_role("button", name="Block this device").click()
    expect(page.get_by_role("heading", name="Tool")).to_be_visible()
    token = token_of(rp, server, pages.told.pop()["code"])
    assert called(token).status_code == 200
    assert statuses(live.site, home.person)[home.devices[0]] == "suspended"
    assert called(token).status_code == 401, "once"

    page.goto(address(live, rp, asked))
    agent.follow("Do not do this")
    expect(page.get_by_role("heading", name="Tool")).to_be_visible()
    assert pages.told.pop()["error"] == "access_denied"


def test_who_is_shown_nobody_compares_a_reference(
    chromium: Browser, live: LiveService, town: Town, rp: RelyingParty
) -> None:
    home = town.citizen("Blue phone")
    agent = colleague(chromium, live, "agent")
    detail = {
        "type": "desk_act",
        "locations": [desk_api_audience(live.site.settings)],
        "act": "unlink",
        "person": str(home.person.id),
        "device": str(home.devices[0]),
    }
    agent.page.goto(address(live, rp, [detail]))
    agent.sees("Remove this device?")
    expect(agent.page.get_by_text(str(home.devices[0])[-8:])).to_be_visible()
    expect(agent.page.get_by_text(home.person.family_name)).to_have_count(0)
    agent.look("tool-confirm-unsaid")


def test_another_role_is_led_back(
    chromium: Browser, live: LiveService, town: Town, rp: RelyingParty
) -> None:
    home = town.citizen("Blue phone")
    auditor = colleague(chromium, live, "auditor")
    detail = {
        "type": "desk_act",
        "locations": [desk_api_audience(live.site.settings)],
        "act": "block-all",
        "person": str(home.person.id),
    }
    auditor.page.goto(address(live, rp, [detail]))
    auditor.sees("This is not for your role")
    auditor.look("tool-not-for-you")

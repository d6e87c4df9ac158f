"""My applications, signing out everywhere, and the page that tells other applications by frames.

OpenID Connect Front-Channel Logout 1.0 §3
(https://openid.net/specs/openid-connect-frontchannel-1_0.html#OPLogout): an application on another
site hears of it, and the browser goes on to the one that asked.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlencode

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.clients.tables import clients
from authn.db.transaction import writing
from authn.keys.signing_keys import ensure_signing_keys
from authn.web.cookies import SESSION, cookie_name
from tests import browser
from tests.browser import assert_accessible, new_context
from tests.conftest import LiveService
from tests.oidc.refreshing import OFFLINE
from tests.oidc.relying_party import RelyingParty, hold_device, register, segment

pytestmark = [pytest.mark.journey, pytest.mark.one_engine]

SIZES = {"phone": (360, 740), "desktop": (1280, 800)}


@dataclass(slots=True)
class OtherSite:
    """Applications at 127.0.0.1, another site than ours, and what their frames were told."""

    address: str = ""
    told: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def other_site() -> Iterator[OtherSite]:
    site = OtherSite()

    async def front(request: Request) -> HTMLResponse:
        site.told.append(dict(request.query_params))
        return HTMLResponse("<script>top.location = 'https://evil.example/'</script>")

    async def bye(request: Request) -> HTMLResponse:
        return HTMLResponse(f"<p>Bye {request.query_params.get('state')} {len(site.told)}</p>")

    listener = browser.free_socket()
    app = Starlette(routes=[Route("/front", front), Route("/bye", bye)])
    with browser.serving(app, listener):
        site.address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        yield site


@pytest.fixture
def signed_in(live: LiveService) -> Iterator[TestClient]:
    """What goes to the service with the cookie of somebody who is signed in."""
    ensure_signing_keys(live.site.database, live.site.secrets, live.site.clock())
    with httpx2.Client(base_url=live.address) as client:
        yield cast(TestClient, client)  # as much of one as is needed


def used(
    live: LiveService, signed_in: TestClient, other_site: OtherSite, name: str, scope: str
) -> RelyingParty:
    """An application at the other site that nobody is asked about."""
    rp = register(
        live.site,
        signed_in,
        client_id=name.split()[0],
        client_name=name,
        redirect_uris=[f"{other_site.address}/callback"],
        post_logout_redirect_uris=[f"{other_site.address}/bye"],
        application_type="native",
        scope=scope,
        first_party=True,
        metadata=ClientMetadata(
            grant_types=("authorization_code", "refresh_token"),
            frontchannel_logout_uri=f"{other_site.address}/front",
        ),
    )
    with writing(live.site.database) as connection:  # http is for native ones, which always ask
        connection.execute(clients.update().values(application_type="web"))
    return rp


@pytest.fixture
def page(chromium: Browser, live: LiveService, signed_in: TestClient) -> Page:
    """A page of somebody who is signed in, in Chromium too."""
    holder = hold_device(live.site, signed_in)
    context = new_context(chromium)
    name = cookie_name(live.site.settings, SESSION)
    context.add_cookies([{"name": name, "value": holder.token, "url": live.address}])
    return context.new_page()


def look_at(page: Page, name: str) -> None:
    """No fault on the page, at the two widths, light and dark."""
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert_accessible(page, f"{name} {size} {scheme}")
            widest = page.evaluate("document.documentElement.scrollWidth")
            assert widest <= width, f"{name} is {widest} px wide"


def test_other_applications_are_told_and_the_browser_goes_back(
    page: Page, live: LiveService, signed_in: TestClient, other_site: OtherSite
) -> None:
    first = used(live, signed_in, other_site, "Hospital", "openid profile")
    second = used(live, signed_in, other_site, "Pharmacy", "openid profile")
    tokens = [each.tokens()["id_token"] for each in (first, second)]
    query = {
        "id_token_hint": tokens[0],
        "post_logout_redirect_uri": f"{other_site.address}/bye",
        "state": "as it was",
    }
    page.goto(f"{live.address}/logout?{urlencode(query)}")
    # Both, the one in whose window it happens too.
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("Bye as it was 2")).to_be_visible()
    sids = {segment(token, 1)["sid"] for token in tokens}
    assert {each["sid"] for each in other_site.told} == sids
    assert {each["iss"] for each in other_site.told} == {live.address}


def test_an_application_is_withdrawn_and_then_everything_is_signed_out(
    page: Page, live: LiveService, signed_in: TestClient, other_site: OtherSite
) -> None:
    long = "An application with a name of about sixty characters, no less"
    for name in (long, "Pharmacy"):
        used(live, signed_in, other_site, name, OFFLINE).tokens(scope=OFFLINE)
    page.goto(f"{live.address}/devices")
    look_at(page, "my devices")
    page.get_by_role("link", name="My applications").click()
    expect(page.get_by_text("Has access while you are signed out too.")).to_have_count(2)
    look_at(page, "applications")
    page.get_by_role("link", name=f"Withdraw {long}").click()
    look_at(page, "withdraw application")
    page.get_by_role("button", name="Withdraw its access").click()
    expect(page.get_by_role("status")).to_contain_text("has no access any more")
    expect(page.get_by_text(long)).to_have_count(0)
    page.get_by_role("link", name="Sign out everywhere").click()
    page.get_by_label("Also end access while I am signed out").check()
    look_at(page, "sign out everywhere")
    page.get_by_role("main").get_by_role("button", name="Sign out everywhere").click()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    look_at(page, "signed out")
    assert len(other_site.told) >= 1

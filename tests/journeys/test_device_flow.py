"""A television shows a code, and somebody types it on their phone: RFC 8628, page by page.

By keyboard, on small and wide screens, in light and dark, and in every language.
"""

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from httpx2 import Client, Response
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import update

from authn.clients.client_registration.registration import register_client
from authn.db.transaction import writing
from authn.grants.tables import device_codes
from authn.keys.signing_keys import ensure_signing_keys
from authn.web.languages import LANGUAGES
from tests.browser import LAPTOP, assert_accessible, new_context
from tests.conftest import LiveService
from tests.journeys.handed_over import enrolled_in
from tests.journeys.test_keyboard import tab_to
from tests.oidc.other_screens import TELEVISION

pytestmark = [pytest.mark.journey, pytest.mark.one_engine]

LONG_NAME = "Regional Hospital of Sint-Niklaas and Temse, in waiting rooms"
PLACE = {
    "nl": "Sint-Joost-ten-Node, België",
    "fr": "Saint-Josse-ten-Noode, Belgique",
    "de": "Sint-Joost-ten-Node, Belgien",
    "en": "Saint-Josse-ten-Noode, Belgium",
}


class Television:
    """An application on a screen without a keyboard."""

    def __init__(self, live: LiveService) -> None:
        self.live = live
        self.http = Client(base_url=live.address)

    def ask(self, scope: str = "openid profile") -> dict[str, Any]:
        """The codes; it shows one of them."""
        data = {"client_id": "television", "scope": scope}
        answer: dict[str, Any] = self.http.post("/device_authorization", data=data).json()
        return answer

    def poll(self, codes: dict[str, Any]) -> Response:
        data = {
            "client_id": "television",
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
            "device_code": codes["device_code"],
        }
        return self.http.post("/token", data=data)

    def asks_from_afar(self) -> None:
        """Everything that it asked came from a place that is known, and another network."""
        with writing(self.live.site.database) as connection:
            connection.execute(update(device_codes).values(place=PLACE, network="4:elsewhere"))


@pytest.fixture
def television(live: LiveService) -> Iterator[Television]:
    site, now = live.site, live.site.clock()
    ensure_signing_keys(site.database, site.secrets, now)
    with writing(site.database) as connection:
        values = TELEVISION | {"client_name": LONG_NAME}
        register_client(connection, site.secrets, now, **values)
    made = Television(live)
    yield made
    made.http.close()


def signed_in(browser: Browser, live: LiveService, **options: Any) -> Page:
    page = new_context(browser, **options).new_page()
    page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false")
    enrolled_in(page, live, LAPTOP, "My laptop")
    return page


def widest(page: Page) -> float:
    right: float = page.evaluate(
        "Math.max(...[...document.querySelectorAll('main *')]"
        ".map((each) => each.getBoundingClientRect().right))"
    )
    return right


def test_by_keyboard_from_the_code_to_the_last_page(
    chromium: Browser, live: LiveService, television: Television
) -> None:
    page = signed_in(chromium, live, viewport={"width": 320, "height": 600}, color_scheme="dark")
    page.get_by_role("button", name="Sign out").click()
    codes = television.ask()
    page.goto(f"{live.address}/device")
    assert_accessible(page, "device-keyboard-code")
    tab_to(page, "user_code")
    page.keyboard.type(codes["user_code"].replace("-", "").lower())
    expect(page.locator("#user_code")).to_have_value(codes["user_code"])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Did you start this")).to_be_visible()
    expect(page.get_by_text(codes["user_code"])).to_be_visible()
    expect(page.get_by_text("the same as this screen")).to_be_visible()
    tab_to(page, "Yes, go on")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Sign in to")).to_be_visible()
    tab_to(page, "Sign in with your device")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Share this with")).to_be_visible()
    assert television.poll(codes).json()["error"] == "authorization_pending"
    tab_to(page, "Allow")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="You can go back")).to_be_visible()
    assert television.poll(codes).json()["token_type"] == "Bearer"
    # Where an application is let in, it is also sent away.
    page.get_by_role("link", name="My applications").click()
    expect(page.get_by_text(LONG_NAME)).to_be_visible()


def test_without_script_but_where_a_key_is_used(
    chromium: Browser, live: LiveService, television: Television
) -> None:
    with_script = signed_in(chromium, live)
    cookies = with_script.context.cookies()
    plain = new_context(chromium, java_script_enabled=False)
    plain.add_cookies(cookies)  # type: ignore[arg-type]
    page = plain.new_page()
    codes = television.ask()
    page.goto(codes["verification_uri_complete"])
    page.locator("main form button").click()
    page.get_by_role("button", name="Yes, go on").click()
    page.get_by_role("button", name="Allow", exact=True).click()
    expect(page.get_by_role("heading", name="You can go back")).to_be_visible()
    assert "access_token" in television.poll(codes).json()


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_each_page_is_readable_on_every_screen(
    chromium: Browser,
    live: LiveService,
    television: Television,
    colours: Literal["light", "dark"],
) -> None:
    page = signed_in(chromium, live, color_scheme=colours)

    def looks(name: str) -> None:
        for width in (320, 360, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert_accessible(page, f"device-{name}-{colours}-{width}")
            assert widest(page) <= width

    page.goto(f"{live.address}/device")
    looks("code")
    page.get_by_label("Code").fill("BCDF-GHJK")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_be_focused()
    looks("wrong")
    codes = television.ask("openid profile offline_access")
    television.asks_from_afar()
    page.get_by_label("Code").fill(codes["user_code"])
    page.get_by_role("button", name="Continue").click()
    looks("confirm")
    page.get_by_role("button", name="Yes, go on").click()
    page.get_by_role("button", name="Allow", exact=True).click()
    expect(page.get_by_role("heading", name="You can go back")).to_be_visible()
    looks("allowed")
    page.goto(television.ask()["verification_uri_complete"])
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="No, stop it").click()
    expect(page.get_by_role("heading", name="Nothing was allowed")).to_be_visible()
    looks("stopped")


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_each_page_speaks_every_language(
    chromium: Browser, live: LiveService, television: Television, language: str
) -> None:
    context = new_context(chromium, f"{language}-BE", viewport={"width": 320, "height": 600})
    page = context.new_page()

    def looks(name: str) -> None:
        expect(page.locator("html")).to_have_attribute("lang", language)
        assert_accessible(page, f"device-{name}-{language}")
        assert widest(page) <= 320

    page.goto(f"{live.address}/device")
    page.locator("#user_code").fill("BCDF-GHJK")
    page.locator("main form button").click()
    looks("wrong")
    codes = television.ask("openid profile offline_access")
    television.asks_from_afar()
    page.locator("#user_code").fill(codes["user_code"])
    page.locator("main form button").click()
    looks("confirm")
    page.locator("button[value=no]").click()
    looks("stopped")

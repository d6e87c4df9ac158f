"""An application that asks for a device whose key cannot leave it, and somebody with a synced key.

By keyboard, on a small dark screen and in every language; then with a second device.
"""

from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import update

from authn.clients.tables import clients
from authn.db.transaction import writing
from authn.web.languages import LANGUAGES
from tests.browser import (
    LAPTOP,
    PHONE,
    assert_accessible,
    new_context,
)
from tests.conftest import LiveService
from tests.journeys.applications import demo_application
from tests.journeys.handed_over import enrolled_in
from tests.journeys.test_keyboard import tab_to

Colours = Literal["light", "dark"]

pytestmark = [pytest.mark.journey, pytest.mark.one_engine]


@pytest.fixture
def application(live: LiveService) -> Iterator[str]:
    """The demo relying application, which asks for a device."""
    with demo_application(live) as address:
        with writing(live.site.database) as connection:
            connection.execute(update(clients).values(policy="device"))
        yield address


def open_application(page: Page, application: str) -> None:
    page.goto(application)
    page.get_by_role("button", name="Sign in").click()


def test_who_has_a_synced_key_reads_which_device_is_needed(
    chromium: Browser, live: LiveService, application: str
) -> None:
    context = new_context(chromium, viewport={"width": 320, "height": 600}, color_scheme="dark")
    page = context.new_page()
    page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false")
    phone = enrolled_in(page, live, PHONE, "My phone")

    open_application(page, application)
    expect(page.get_by_role("heading", name="asks for another device")).to_be_visible()
    expect(page.get_by_text("My phone")).to_be_visible()
    assert_accessible(page, "device-needed-dark")
    widest = page.evaluate(
        "Math.max(...[...document.querySelectorAll('main *')]"
        ".map((each) => each.getBoundingClientRect().right))"
    )
    assert widest <= 320

    # Back to the application, which shows that it did not work.
    tab_to(page, "Go back to")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{application}/**")

    # Another device: the sign-in page says which kind before it asks.
    open_application(page, application)
    tab_to(page, "Sign in with another device")
    page.keyboard.press("Enter")
    expect(page.get_by_text("a key that stays on one device")).to_be_visible()
    assert_accessible(page, "sign-in-device-needed")
    page.get_by_role("button", name="Sign in with your device").click()
    # It was the same key once more.
    expect(page.get_by_role("heading", name="asks for another device")).to_be_visible()

    # One is added, and it will do.
    tab_to(page, "Add a device")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Which device")).to_be_visible()
    assert phone.credentials()


@pytest.mark.parametrize(("width", "colours"), [(360, "light"), (1280, "dark")])
def test_the_page_in_every_language(
    chromium: Browser, live: LiveService, application: str, width: int, colours: Colours
) -> None:
    context = new_context(chromium, viewport={"width": width, "height": 800}, color_scheme=colours)
    page = context.new_page()
    enrolled_in(page, live, PHONE, "My phone")
    open_application(page, application)
    for language in LANGUAGES:
        page.locator(".languages summary").click()
        page.locator(f".languages button[lang={language}]").click()
        expect(page.locator("html")).to_have_attribute("lang", language)
        expect(page.get_by_role("heading", level=1)).to_contain_text("MaSanté demo")
        assert_accessible(page, f"device-needed-{language}-{width}-{colours}")


def test_a_certified_model_is_asked_for(
    chromium: Browser, live: LiveService, application: str
) -> None:
    page = new_context(chromium).new_page()
    page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false")
    enrolled_in(page, live, LAPTOP, "My laptop")
    with writing(live.site.database) as connection:
        connection.execute(update(clients).values(policy="certified"))
    open_application(page, application)
    expect(page.get_by_text("certified model", exact=False).first).to_be_visible()
    assert_accessible(page, "device-needed-certified")

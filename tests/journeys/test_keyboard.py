"""The way in by keyboard alone, on a small dark screen: what has focus is what happens.

WCAG 2.2, 2.1.1 Keyboard, 2.4.3 Focus Order (https://www.w3.org/TR/WCAG22/).
"""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import LAPTOP, assert_accessible, attach_authenticator, new_context
from tests.citizen import activation_code
from tests.conftest import LiveService

MOST_TABS = 25

pytestmark = [pytest.mark.journey, pytest.mark.one_engine]


def tab_to(page: Page, name: str) -> None:
    """Tab, as often as a person would, until the thing of this name has focus."""
    page.wait_for_load_state()  # what needs a script can be reached once that has run
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if focused.count() and name in (focused.inner_text() or focused.get_attribute("id") or ""):
            outline = focused.evaluate("(each) => getComputedStyle(each).outlineStyle")
            assert outline != "none", f"{name} has focus and does not show it"
            return
    pytest.fail(f"{name} is not reached by Tab on {page.url}")


def test_enrolling_and_looking_at_the_devices(chromium: Browser, live: LiveService) -> None:
    _, code = activation_code(live.site)
    context = new_context(chromium, viewport={"width": 320, "height": 600}, color_scheme="dark")
    page = context.new_page()
    attach_authenticator(page, LAPTOP)

    page.goto(f"{live.address}/activate")
    page.get_by_role("link", name="Skip to the question").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Activation code")).to_have_value("")
    page.goto(f"{live.address}/activate#{code}")  # in the page that is open already
    expect(page.get_by_label("Activation code")).to_have_value(code)
    # The code came with the link: the number is asked for at once.
    expect(page.get_by_label("National register number")).to_be_focused()
    page.keyboard.type("03410100128")
    assert_accessible(page, "keyboard-activate")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Welcome, Hanne")).to_be_visible()
    assert_accessible(page, "keyboard-first-device")
    tab_to(page, "Make this device my key")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="You can now sign in")).to_be_visible()
    tab_to(page, "name")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="My devices")).to_be_visible()
    assert_accessible(page, "keyboard-devices")
    tab_to(page, "Add a device")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Which device")).to_be_visible()
    assert_accessible(page, "keyboard-add")


def test_the_skip_link_comes_first(chromium: Browser, live: LiveService) -> None:
    page = new_context(chromium).new_page()
    page.goto(live.address)
    page.keyboard.press("Tab")
    assert page.locator(":focus").get_attribute("href") == "#main"

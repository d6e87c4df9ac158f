"""The desk in a real browser: opened with a key, driven by keyboard, readable on every screen."""

from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from authn.db.transaction import writing
from authn.people.persons import find_or_create_person
from authn.profiles.appointments import appoint
from tests.browser import LAPTOP, PHONE, assert_accessible, new_context
from tests.citizen import KARIM, activation_code
from tests.conftest import LiveService
from tests.journeys.handed_over import enrolled_in

pytestmark = [pytest.mark.journey, pytest.mark.one_engine]


def at_the_desk(context: BrowserContext, live: LiveService, *roles: str) -> Page:
    """A member of staff with these roles has opened the desk in this browser."""
    page = context.new_page()
    enrol_staff(page, live, LAPTOP, *roles)
    page.goto(f"{live.address}/desk")
    page.get_by_role("button", name="Open the help desk").click()
    expect(page.get_by_role("navigation", name="Help desk")).to_be_visible()
    page.wait_for_load_state("load")  # its scripts listen
    return page


def enrol_staff(page: Page, live: LiveService, kind: dict[str, Any], *roles: str) -> None:
    """A member of staff with these roles has a key in this browser, and is signed in."""
    person, _ = activation_code(live.site)
    enrolled_in(page, live, kind, "My laptop")
    with writing(live.site.database) as connection:
        for role in roles:
            appoint(connection, live.site.secrets, person.id, role, "Ghent", live.site.clock())


def widest(page: Page) -> float:
    """How far to the right the page goes; a wide table has a scroller of its own."""
    right: float = page.evaluate(
        "Math.max(document.documentElement.scrollWidth,"
        "...[...document.querySelectorAll('main :not(.scroll *)')]"
        ".map((each) => each.getBoundingClientRect().right))"
    )
    return right


@pytest.mark.parametrize(
    ("language", "width", "scheme"), [("de-BE", 360, "dark"), ("nl-BE", 1280, "light")]
)
def test_its_pages_are_readable_on_every_screen(
    chromium: Browser, live: LiveService, language: str, width: int, scheme: str
) -> None:
    english = new_context(chromium)
    page = at_the_desk(english, live, "agent", "supervisor", "registrar", "operator", "auditor")
    page.set_viewport_size({"width": width, "height": 700})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.locator(f".footer button[lang={language[:2]}]").click()
    find = page.locator('.rail a[href="/desk/find"]')
    if width < 800:  # the screens fold
        expect(find).to_be_hidden()
        page.locator(".screens summary").click()
    expect(find).to_be_visible()
    with writing(live.site.database) as connection:
        karim = find_or_create_person(connection, live.site.secrets, KARIM, live.site.clock())
    rail: list[str] = page.locator(".rail a").evaluate_all(
        "(links) => links.map((each) => each.getAttribute('href'))"
    )
    assert "/desk/audit" in rail
    further = ("/desk/help", "/desk/audit/chain", "/desk/audit/1", "/desk/operator/new-resource")
    for path in (*rail, *further, f"/desk/reason?person={karim.id}"):
        name = path.partition("?")[0].strip("/").replace("/", "-")
        page.goto(live.address + path)
        expect(page.locator("html")).to_have_attribute("lang", language[:2])
        assert_accessible(page, f"{name}-{language}-{width}")
        assert widest(page) <= width, path


def test_by_keyboard(chromium: Browser, live: LiveService) -> None:
    page = at_the_desk(new_context(chromium), live, "agent")
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys of this page")
    expect(keys).to_be_visible()
    assert_accessible(page, "desk-keys")
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    page.goto(f"{live.address}/desk/reason?person={page.evaluate('crypto.randomUUID()')}")
    page.get_by_label("Ticket number").fill("g")
    page.keyboard.press("h")
    expect(page.get_by_label("Ticket number")).to_have_value("gh")
    page.get_by_role("heading").first.click()
    page.keyboard.press("g")
    page.keyboard.press("h")
    expect(page).to_have_url(f"{live.address}/desk")
    page.wait_for_load_state()  # its scripts listen
    page.keyboard.press("?")
    keys.get_by_label("Use these keys in this browser").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(keys).to_be_hidden()
    page.get_by_role("button", name="Keys of this page").click()
    expect(keys).to_be_visible()


def test_a_device_that_is_not_good_enough_is_told_so(chromium: Browser, live: LiveService) -> None:
    page = new_context(chromium).new_page()
    enrol_staff(page, live, PHONE, "agent")
    page.goto(f"{live.address}/desk")
    expect(page.get_by_role("link", name="Add such a device")).to_be_visible()
    assert_accessible(page, "desk-device-needed")

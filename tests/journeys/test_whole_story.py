"""The whole story in a real browser: a citizen, a laptop, a phone, and an application.

The register is filled from CSV and the code issued by the command line. Pages are looked at by axe
on the way.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from authn.settings import Settings
from tests.browser import (
    LAPTOP,
    PHONE,
    Authenticator,
    assert_accessible,
    attach_authenticator,
    new_context,
)
from tests.commands import WHY, run_command
from tests.conftest import LiveService
from tests.journeys.applications import demo_application

PEOPLE = Path(__file__).parents[2] / "authn" / "demo" / "people.csv"
SSIN = "03.41.01-001.28"

pytestmark = pytest.mark.journey


@pytest.fixture
def application(live: LiveService) -> Iterator[str]:
    """The demo relying application's address."""
    with demo_application(live) as address:
        yield address


def screen(chromium: Browser, kind: dict[str, object]) -> tuple[Page, Authenticator]:
    """A browser profile of its own, with one authenticator."""
    page = new_context(chromium).new_page()
    return page, attach_authenticator(page, kind)


def without_autofill(page: Page) -> None:
    """A browser that offers no key by itself, so that the button has to be pressed."""
    page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false")


def sign_in(page: Page, application: str, *, by_button: bool) -> None:
    """Through the demo application, up to its page for who is signed in.

    Otherwise by autofill, which the virtual authenticator answers by itself.
    """
    page.goto(application)
    page.get_by_role("button", name="Sign in").click()
    if by_button:
        page.get_by_role("button", name="Sign in with your device").click()
    if_asked = page.get_by_role("button", name="Allow", exact=True)
    signed_in = page.get_by_role("heading", name="Hello, Hanne")
    expect(if_asked.or_(signed_in)).to_be_visible()
    if if_asked.is_visible():
        assert_accessible(page, "consent")
        shared = page.get_by_role("main")
        expect(shared.get_by_text("Hanne Van der Meulen")).to_be_visible()
        expect(shared.get_by_text(SSIN)).to_be_visible()
        if_asked.click()
    expect(signed_in).to_be_visible()


Look = Callable[[Page, str], None]


def no_look(page: Page, name: str) -> None:
    """For journeys that begin where another one has looked at each page."""


def enrol_first_device(
    page: Page, live: LiveService, code: str, look: Look = assert_accessible
) -> None:
    page.goto(f"{live.address}/activate#{code}")
    look(page, "activate")
    page.get_by_label("National register number").fill(SSIN)
    page.get_by_role("button", name="Continue").click()
    look(page, "first-device")
    page.get_by_role("button", name="Make this device my key").click()
    expect(page.get_by_role("heading", name="You can now sign in")).to_be_visible()
    look(page, "name-first-device")
    page.get_by_label("Name of this device").fill("My laptop")
    page.get_by_role("button", name="Save").click()


def add_second_device(laptop: Page, phone: Page, look: Look = assert_accessible) -> None:
    laptop.get_by_role("link", name="Add a device").click()
    look(laptop, "add-device")
    laptop.get_by_role("button", name="Another").click()
    look(laptop, "invitation")
    laptop.get_by_text("I cannot scan it").click()
    phone.goto(laptop.locator("[data-link]").inner_text())
    expect(phone.get_by_text("Did you start this yourself")).to_be_visible()
    assert "#" not in phone.url
    look(phone, "join")
    phone.get_by_role("button", name="Yes, I started this").click()
    number = phone.locator(".number").inner_text()
    look(phone, "join-wait")
    # The laptop follows by itself.
    laptop.get_by_label("Number on your other device").fill(number)
    look(laptop, "invitation-claimed")
    laptop.get_by_role("button", name="Confirm with my key").click()
    phone.get_by_role("button", name="Add this device").click()
    expect(phone.get_by_label("Name of this device")).to_be_visible()
    phone.get_by_label("Name of this device").fill("My phone")
    phone.get_by_role("button", name="Save").click()
    expect(laptop.get_by_role("heading", name="Your device was added")).to_be_visible()
    look(laptop, "invitation-used")
    laptop.get_by_role("link", name="Back to my devices").click()


def remove_phone(laptop: Page) -> None:
    laptop.get_by_role("link", name="Remove My phone").click()
    assert_accessible(laptop, "remove-device")
    laptop.get_by_role("button", name="Remove this device").click()
    expect(laptop.get_by_role("heading", name="My laptop")).to_be_visible()
    expect(laptop.get_by_role("heading", name="My phone")).to_be_hidden()


def test_two_devices_and_an_application(
    chromium: Browser, live: LiveService, settings: Settings, application: str
) -> None:
    imported = run_command(settings, "people", "import", str(PEOPLE))
    assert imported.returncode == 0, imported.stderr
    issued = run_command(settings, "activation", "issue", *WHY, typed=SSIN + "\n")
    code = issued.stdout.partition("/activate#")[2].strip()

    laptop, _ = screen(chromium, LAPTOP)
    without_autofill(laptop)
    enrol_first_device(laptop, live, code)
    expect(laptop.get_by_role("heading", name="My devices")).to_be_visible()
    assert_accessible(laptop, "devices-one")

    phone, key_of_phone = screen(chromium, PHONE)
    add_second_device(laptop, phone)
    assert_accessible(laptop, "devices-two")

    # Both are signed in at the service, and its single sign-on asks for no key again.
    sign_in(laptop, application, by_button=False)
    sign_in(phone, application, by_button=False)
    for page, by_button in ((laptop, True), (phone, False)):
        page.get_by_role("button", name="Sign out").click()
        assert_accessible(page, "logout")
        page.get_by_role("main").get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()
        sign_in(page, application, by_button=by_button)

    phone.goto(f"{live.address}/devices")
    expect(phone.get_by_role("heading", name="My devices")).to_be_visible()
    laptop.goto(f"{live.address}/devices")
    remove_phone(laptop)

    # The phone's session is dead, and its key is not known any more.
    without_autofill(phone)
    phone.goto(f"{live.address}/devices")
    expect(phone.get_by_role("heading", name="Sign in to your account")).to_be_visible()
    assert key_of_phone.credentials()
    phone.get_by_role("button", name="Sign in with your device").click()
    expect(phone.get_by_role("alert").filter(has_text="not known here")).to_be_visible()
    assert_accessible(phone, "sign-in-unknown-key")

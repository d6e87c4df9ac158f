"""The life of a device in a real browser: blocked, unblocked, removed, and what the browser learns.

How the two devices come to be is for `test_whole_story` and `test_adding`.

WebAuthn Level 3 §5.1.11 (https://www.w3.org/TR/webauthn-3/#sctn-signal-methods): what the virtual
authenticator holds afterwards shows that it was told.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import update

from authn.db.transaction import writing
from authn.people.tables import persons
from tests.authenticator import Authenticator as SoftwareAuthenticator
from tests.browser import LAPTOP, PHONE, Authenticator, assert_accessible
from tests.citizen import Screen, activation_code
from tests.conftest import LiveService
from tests.journeys.handed_over import give_name, in_chromium
from tests.journeys.test_whole_story import without_autofill
from tests.patience import until
from tests.screens import device_in, join

pytestmark = [pytest.mark.journey, pytest.mark.one_engine]


@dataclass(frozen=True, slots=True)
class Home:
    """A person's laptop and phone, both enrolled and signed in, with their names of devices."""

    laptop: Page
    laptop_key: Authenticator
    phone: Page
    phone_key: Authenticator


@pytest.fixture
def home(chromium: Browser, live: LiveService) -> Iterator[Home]:
    with (
        httpx2.Client(base_url=live.address) as at_laptop,
        httpx2.Client(base_url=live.address) as at_phone,
    ):
        laptop = Screen(at_laptop, origin=live.address)
        synced = SoftwareAuthenticator(backup_eligible=True, backed_up=True, counts=False)
        phone = Screen(at_phone, synced, live.address)
        _, code = activation_code(live.site)
        give_name(laptop, device_in(laptop.enrol(code)), "My laptop")
        give_name(phone, device_in(join(laptop, phone)), "My phone")
        yield Home(
            *in_chromium(chromium, laptop, LAPTOP),
            *in_chromium(chromium, phone, PHONE),
        )


def test_a_device_is_blocked_and_unblocked(home: Home, live: LiveService) -> None:
    laptop, phone = home.laptop, home.phone
    laptop.goto(f"{live.address}/devices")
    assert_accessible(laptop, "two-devices")
    laptop.get_by_role("link", name="Details My phone").click()
    assert_accessible(laptop, "device")
    laptop.get_by_role("link", name="Block").click()
    assert_accessible(laptop, "block-device")
    laptop.get_by_role("button", name="Block this device").click()
    undo = laptop.get_by_role("link", name="Unblock My phone", exact=True)
    expect(undo).to_be_visible()
    assert_accessible(laptop, "device-blocked")
    phone.goto(f"{live.address}/devices")
    expect(phone).to_have_url(f"{live.address}/login?return_to=%2Fdevices")
    assert home.phone_key.credentials(), "a blocked key is kept"
    undo.click()
    assert_accessible(laptop, "unblock-device")
    laptop.get_by_role("button", name="Unblock it").click()
    expect(laptop.get_by_role("status").get_by_text("works again")).to_be_visible()
    without_autofill(phone)
    phone.goto(f"{live.address}/devices")
    phone.get_by_role("button", name="Sign in with your device").click()
    expect(phone.get_by_role("heading", name="My devices")).to_be_visible()


def test_all_but_this_one_are_blocked_by_keyboard_alone(home: Home, live: LiveService) -> None:
    laptop = home.laptop
    laptop.goto(f"{live.address}/devices")
    laptop.get_by_role("link", name="Block all but this one").focus()
    laptop.keyboard.press("Enter")
    expect(laptop.get_by_role("heading", name="Block all but this one?")).to_be_visible()
    assert_accessible(laptop, "block-others")
    button = laptop.get_by_role("button", name="Block all but this one")
    for _ in range(20):
        laptop.keyboard.press("Tab")
        if button.evaluate("element => element === document.activeElement"):
            break
    laptop.keyboard.press("Enter")
    expect(laptop.get_by_role("heading", name="These do not work now")).to_be_visible()
    home.phone.goto(f"{live.address}/devices")
    assert "/login" in home.phone.url


def test_a_removed_key_goes_from_the_browser_where_it_is_removed(
    home: Home, live: LiveService
) -> None:
    phone = home.phone
    phone.goto(f"{live.address}/devices")
    phone.get_by_role("link", name="Details My phone").click()
    phone.get_by_role("link", name="Remove").click()
    assert_accessible(phone, "remove-device")
    phone.get_by_role("button", name="Remove this device").click()
    expect(phone).to_have_url(f"{live.address}/signed-out")
    until(lambda: home.phone_key.credentials() == [], "the end of the key")
    assert len(home.laptop_key.credentials()) == 1
    home.laptop.goto(f"{live.address}/devices")
    home.laptop.get_by_text("Removed devices").click()
    expect(home.laptop.get_by_text("My phone")).to_be_visible()
    assert_accessible(home.laptop, "removed-devices")


def test_a_removed_key_goes_when_another_browser_looks_at_the_list(
    home: Home, live: LiveService
) -> None:
    """Synced copies: the laptop has the phone's key, which its holder removed on the phone."""
    [shared] = home.phone_key.credentials()
    phone = home.phone
    phone.goto(f"{live.address}/devices")
    phone.get_by_role("link", name="Details My phone").click()
    phone.get_by_role("link", name="Remove").click()
    phone.get_by_role("button", name="Remove this device").click()
    expect(phone).to_have_url(f"{live.address}/signed-out")
    # One account's key at a time is all that a virtual authenticator holds.
    home.laptop_key.forget()
    home.laptop_key.add(shared)
    home.laptop.goto(f"{live.address}/devices")
    until(lambda: home.laptop_key.credentials() == [], "the end of the key")


def test_a_key_that_is_not_known_goes_when_it_is_offered(home: Home, live: LiveService) -> None:
    [key] = home.phone_key.credentials()
    laptop, phone = home.laptop, home.phone
    laptop.goto(f"{live.address}/devices")
    laptop.get_by_role("link", name="Details My phone").click()
    laptop.get_by_role("link", name="Remove").click()
    laptop.get_by_role("button", name="Remove this device").click()
    expect(laptop.get_by_role("status").get_by_text("was removed")).to_be_visible()
    assert home.phone_key.credentials() == [key], "nobody has told the phone"
    without_autofill(phone)
    phone.goto(f"{live.address}/devices")
    phone.get_by_role("button", name="Sign in with your device").click()
    expect(phone.get_by_role("alert").get_by_text("is not known here")).to_be_visible()
    until(lambda: home.phone_key.credentials() == [], "the end of the key")


def test_the_name_follows_the_register(home: Home, live: LiveService) -> None:
    with writing(live.site.database) as connection:
        connection.execute(update(persons).values(family_name="Peeters"))
    home.laptop.goto(f"{live.address}/devices")

    def names() -> list[str]:
        return [each["userName"] for each in home.laptop_key.credentials()]

    until(lambda: names() == ["Hanne Peeters"], "the change of the name")


def test_a_browser_that_cannot_be_told_is_no_worse_off(home: Home, live: LiveService) -> None:
    phone = home.phone
    phone.add_init_script(
        "for (const name of ['signalAllAcceptedCredentials', 'signalCurrentUserDetails',"
        " 'signalUnknownCredential']) delete PublicKeyCredential[name]"
    )
    errors: list[str] = []
    phone.on("pageerror", lambda error: errors.append(str(error)))
    phone.goto(f"{live.address}/devices")
    phone.get_by_role("link", name="Details My phone").click()
    phone.get_by_role("link", name="Remove").click()
    phone.get_by_role("button", name="Remove this device").click()
    expect(phone).to_have_url(f"{live.address}/signed-out")
    assert errors == []

"""Each way to add a device, in a real browser, with keys that can and keys that can't.

Chromium's virtual authenticators (https://www.w3.org/TR/webauthn-3/#sctn-automation) are the
laptop's own key and what is plugged in beside it.
"""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import (
    LAPTOP,
    PHONE,
    Authenticator,
    assert_accessible,
    attach_authenticator,
    new_context,
)
from tests.conftest import LiveService
from tests.journeys.handed_over import enrolled_in
from tests.journeys.test_keyboard import tab_to

SECURITY_KEY = {"transport": "usb", "defaultBackupEligibility": False, "defaultBackupState": False}
NO_AUTOFILL = "PublicKeyCredential.isConditionalMediationAvailable = async () => false;"
# What the page asked of the browser is kept where the test can read it.
CREATED = """
window.asked = [];
const make = navigator.credentials?.create.bind(navigator.credentials);
navigator.credentials.create = (options) => {
  window.asked.push(options.publicKey);
  return make(options);
};
"""

pytestmark = [pytest.mark.journey, pytest.mark.one_engine]


def signed_in(chromium: Browser, live: LiveService, **options: Any) -> tuple[Page, Authenticator]:
    """A laptop on which Hanne has just enrolled, at the page that asks which device to add."""
    page = new_context(chromium, **options).new_page()
    page.add_init_script(NO_AUTOFILL + CREATED)
    key = enrolled_in(page, live, LAPTOP, "My laptop")
    page.goto(f"{live.address}/devices/add")
    return page, key


def confirm(page: Page) -> None:
    page.get_by_role("button", name="Confirm with my key").click()


@pytest.mark.parametrize("extra", [{}, {"hasPrf": True}], ids=["plain", "able to PRF"])
def test_a_security_key(chromium: Browser, live: LiveService, extra: dict[str, Any]) -> None:
    page, _ = signed_in(chromium, live)
    assert_accessible(page, "add-device-choices")
    page.get_by_role("link", name="A security key").click()
    assert_accessible(page, "add-security-key")
    confirm(page)
    key = attach_authenticator(page, SECURITY_KEY | extra)
    expect(page.get_by_role("heading", name="Now add your security key")).to_be_visible()
    assert_accessible(page, "add-security-key-now")
    page.get_by_role("button", name="Add my security key").click()
    expect(page.get_by_role("heading", name="The new device was added")).to_be_visible()
    assert_accessible(page, "added-here")
    [credential] = key.credentials()
    assert credential["isResidentCredential"]
    page.get_by_label("Name of this device").fill("My blue key")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="My blue key")).to_be_visible()


def test_this_device_has_a_key_already(chromium: Browser, live: LiveService) -> None:
    page, key = signed_in(chromium, live)
    page.get_by_role("link", name="This computer").click()
    confirm(page)
    page.get_by_role("button", name="Add this device").click()
    already = page.get_by_role("alert").filter(has_text="This device already has a key")
    expect(already).to_be_visible()
    assert len(key.credentials()) == 1
    asked = page.evaluate("window.asked[0].authenticatorSelection.authenticatorAttachment")
    assert asked == "platform"
    assert_accessible(page, "add-here-already")
    # One visible way to go on, and another device is one click away.
    expect(page.get_by_role("button", name="Try again")).to_be_enabled()
    page.get_by_role("link", name="Choose another device").click()
    expect(page.get_by_role("heading", name="Which device")).to_be_visible()


UNABLE = {
    "without storage for keys": {"hasResidentKey": False},
    "without a PIN or fingerprint": {"hasUserVerification": False, "isUserVerified": False},
    "whose PIN is wrong": {"isUserVerified": False},
}


@pytest.mark.parametrize("kind", UNABLE)
def test_a_key_that_can_not_is_explained_and_another_may_be_tried(
    chromium: Browser, live: LiveService, kind: str
) -> None:
    page, _ = signed_in(chromium, live)
    page.get_by_role("link", name="A security key").click()
    confirm(page)
    unable = attach_authenticator(page, SECURITY_KEY | UNABLE[kind])
    page.get_by_role("button", name="Add my security key").click()
    box = page.get_by_role("alert").filter(visible=True)
    expect(box).to_contain_text("This security key cannot be added")
    assert_accessible(page, f"key {kind}")
    assert unable.credentials() == []
    unable.remove()
    attach_authenticator(page, SECURITY_KEY)
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="The new device was added")).to_be_visible()


def test_a_key_that_was_not_kept_is_explained(chromium: Browser, live: LiveService) -> None:
    """`credProps.rk` false: some browsers make the key and do not keep it."""
    page, _ = signed_in(chromium, live)
    page.get_by_role("link", name="A security key").click()
    page.evaluate(
        "PublicKeyCredential.prototype.getClientExtensionResults ="
        " () => ({ credProps: { rk: false } })"
    )
    confirm(page)
    attach_authenticator(page, SECURITY_KEY)
    page.get_by_role("button", name="Add my security key").click()
    box = page.get_by_role("alert").filter(visible=True)
    expect(box).to_contain_text("Your device did not keep the key")
    # The confirmation went into the answer that was refused: without a new one nothing is added.
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="First confirm that it is you")).to_be_visible()
    page.goto(f"{live.address}/devices")
    expect(page.get_by_role("heading", name="My laptop")).to_be_visible()


def test_another_way_asks_for_a_phone_nearby(chromium: Browser, live: LiveService) -> None:
    page, _ = signed_in(chromium, live)
    page.get_by_text("Another way").click()
    assert_accessible(page, "add-device-another-way")
    page.get_by_role("link", name="A phone nearby").click()
    confirm(page)
    attach_authenticator(page, PHONE | {"transport": "hybrid"})
    page.get_by_role("button", name="Add my phone").click()
    expect(page.get_by_role("heading", name="The new device was added")).to_be_visible()


def test_both_screens_say_done(chromium: Browser, live: LiveService) -> None:
    """A phone by our own link: each screen follows the other by itself."""
    laptop, _ = signed_in(chromium, live)
    phone = new_context(chromium).new_page()
    attach_authenticator(phone, PHONE)
    laptop.get_by_role("button", name="Another phone or computer").click()
    laptop.get_by_text("I cannot scan it").click()
    phone.goto(laptop.locator("[data-link]").inner_text())
    phone.get_by_role("button", name="Yes, I started this").click()
    number = phone.locator(".number").inner_text()
    facts = laptop.locator("dl.values")
    expect(facts).to_contain_text("Browser")
    expect(facts).to_contain_text("the same as this screen")
    assert_accessible(laptop, "invitation-facts")
    laptop.get_by_label("Number on your other device").fill(number)
    laptop.get_by_role("button", name="Confirm with my key").click()
    expect(laptop.get_by_role("heading", name="Now finish on your other device")).to_be_visible()
    phone.get_by_role("button", name="Add this device").click()
    expect(phone.get_by_role("heading", name="The new device was added")).to_be_visible()
    expect(laptop.get_by_role("heading", name="Your device was added")).to_be_visible()
    named = phone.get_by_label("Name of this device").input_value()
    expect(laptop.get_by_role("heading", name=named)).to_be_visible()
    assert_accessible(phone, "joined")
    assert_accessible(laptop, "invitation-done")


def test_by_keyboard_alone(chromium: Browser, live: LiveService) -> None:
    page, _ = signed_in(chromium, live, viewport={"width": 320, "height": 600}, color_scheme="dark")
    attach_authenticator(page, SECURITY_KEY)
    tab_to(page, "A security key")
    page.keyboard.press("Enter")
    tab_to(page, "Confirm with my key")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Now add your security key")).to_be_visible()
    tab_to(page, "Add my security key")
    page.keyboard.press("Space")
    expect(page.get_by_role("heading", name="The new device was added")).to_be_visible()

"""What can become of a ceremony is told in different words: five outcomes, five messages.

The browser is made to answer as browsers do (WebAuthn §14.5.2: most of it is `NotAllowedError`, so
that only the time it took tells one from the other).
"""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import (
    LAPTOP,
    assert_accessible,
    attach_authenticator,
    new_context,
)
from tests.conftest import LiveService
from tests.journeys.test_adding import signed_in
from tests.patience import until

NO_AUTOFILL = "PublicKeyCredential.isConditionalMediationAvailable = async () => false;"


def failing(name: str, milliseconds: int) -> str:
    """A browser whose ceremonies end in this DOMException after so long."""
    return (
        NO_AUTOFILL
        + "navigator.credentials.get = () => new Promise((_, reject) => setTimeout(() =>"
        + f" reject(new DOMException('no', '{name}')), {milliseconds}));"
    )


OUTCOMES = {
    "cancelled": (failing("NotAllowedError", 900), "You stopped before the end"),
    "timed out": (
        # Time flies in this browser: the five minutes are over at once.
        failing("NotAllowedError", 20)
        + "const now = performance.now.bind(performance); let calls = 0;"
        + "performance.now = () => now() + 400000 * calls++;",
        "It took too long",
    ),
    "no key here": (failing("NotAllowedError", 5), "We found no key here"),
    "an embedded web view": (
        "delete window.PublicKeyCredential;",
        "Open this page in your browser",
    ),
    "a web view that refuses at once": (
        failing("NotAllowedError", 5)
        + "const agent = navigator.userAgent + '; wv)';"
        + "Object.defineProperty(navigator, 'userAgent', { get: () => agent });",
        "Open this page in your browser",
    ),
    "not allowed in this frame": (failing("SecurityError", 50), "Keys do not work in this window"),
}

pytestmark = [pytest.mark.journey, pytest.mark.one_engine]


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_each_outcome_has_its_own_words(chromium: Browser, live: LiveService, outcome: str) -> None:
    browser, words = OUTCOMES[outcome]
    page = new_context(chromium).new_page()
    page.add_init_script(browser)
    page.goto(f"{live.address}/login")
    button = page.get_by_role("button", name="Sign in with your device")
    if outcome != "an embedded web view":
        button.click()
    else:
        button.or_(page.get_by_role("alert")).first.wait_for()
        if button.is_visible():
            button.click()
    expect(page.get_by_role("alert").filter(has_text=words)).to_be_visible()
    assert_accessible(page, f"outcome {outcome}")
    # One visible way to go on: trying again.
    if outcome in ("cancelled", "timed out", "no key here"):
        expect(page.get_by_role("button", name="Try again")).to_be_enabled()


CANCELS = """
const get = navigator.credentials.get.bind(navigator.credentials);
window.offered = 0;
navigator.credentials.get = (options) => {
  if (options.mediation === 'conditional') {
    window.offered += 1;
    return get(options);
  }
  return new Promise((_, reject) =>
    setTimeout(() => reject(new DOMException('no', 'NotAllowedError')), 900));
};
"""


def _wait_until_offered(page: Page, times: int) -> None:
    """Asked again and again from here: a page with our Content-Security-Policy can't wait for a
    text that is to be evaluated (Playwright's `wait_for_function` does, from its second look on).
    """
    until(lambda: page.evaluate("window.offered") == times, f"offer {times} of autofill")


def test_after_a_failure_the_key_is_offered_by_autofill_again(
    chromium: Browser, live: LiveService
) -> None:
    """A failed request must not leave autofill without one (WebAuthn Level 3 §5.1.7)."""
    _, enrolled_key = signed_in(chromium, live)
    page = new_context(chromium).new_page()
    page.add_init_script(CANCELS)
    key = attach_authenticator(page, LAPTOP | {"automaticPresenceSimulation": False})
    [credential] = enrolled_key.credentials()
    key.add(credential)
    page.goto(f"{live.address}/login")
    _wait_until_offered(page, 1)
    page.locator("button[data-again]").click()
    expect(page.get_by_role("alert").filter(has_text="You stopped")).to_be_visible()
    _wait_until_offered(page, 2)
    key.answer_by_itself(True)
    page.locator("button[data-again]").click()
    # The button fails once more; the third offer of autofill is the one that is taken.
    expect(page.get_by_role("heading", name="My devices")).to_be_visible()

"""A window inside another app that has no keys: it says so, and where to go on.

Recognised by what is missing (WebAuthn §5.1: no `PublicKeyCredential`) or by what refuses at once;
RFC 8252 §8.12 (https://www.rfc-editor.org/rfc/rfc8252#section-8.12) says why apps should not do it.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from authn.clients.client_registration.registration import register_client
from authn.db.transaction import writing
from authn.keys.signing_keys import ensure_signing_keys
from tests.browser import LAPTOP, assert_accessible, attach_authenticator, new_context
from tests.citizen import activation_code
from tests.conftest import LiveService
from tests.journeys.applications import demo_application
from tests.journeys.test_adding import signed_in

NO_KEYS = "delete window.PublicKeyCredential;"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636, appendix B

pytestmark = [pytest.mark.journey, pytest.mark.one_engine]


@pytest.fixture
def application(live: LiveService) -> Iterator[str]:
    """The demo relying application's address."""
    with demo_application(live) as address:
        yield address


def web_view(chromium: Browser, **options: Any) -> Page:
    page = new_context(chromium, **options).new_page()
    page.add_init_script(NO_KEYS)
    return page


def shown_address(page: Page) -> str:
    return page.locator("[data-elsewhere-address]").filter(visible=True).inner_text()


def test_a_web_application_is_opened_at_its_start(
    chromium: Browser, live: LiveService, application: str
) -> None:
    view = web_view(chromium, viewport={"width": 360, "height": 740})
    view.goto(application)
    view.get_by_role("button", name="Sign in").click()
    box = view.get_by_role("alert").filter(has_text="Open MaSanté demo in your browser")
    expect(box).to_be_visible()
    expect(view.get_by_role("button", name="Sign in with your device")).to_be_hidden()
    assert shown_address(view) == f"{application}/"
    assert_accessible(view, "web-view-application")
    # What does not need a key stays within reach.
    expect(view.get_by_role("link", name="Go back without signing in")).to_be_visible()


def test_an_apps_sign_in_goes_on_in_the_browser(chromium: Browser, live: LiveService) -> None:
    site, now = live.site, live.site.clock()
    ensure_signing_keys(site.database, site.secrets, now)
    redirect_uri = "http://127.0.0.1:1/callback"
    with writing(site.database) as connection:
        client = register_client(
            connection,
            site.secrets,
            now,
            client_name="An app",
            redirect_uris=[redirect_uri],
            token_endpoint_auth_method="none",
            application_type="native",
        ).client
    asked = {
        "client_id": client.client_id,
        "response_type": "code",
        "redirect_uri": redirect_uri,
        "scope": "openid",
        "state": "the app's own",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    view = web_view(chromium)
    view.context.grant_permissions(["clipboard-read", "clipboard-write"])
    view.goto(f"{live.address}/authorize?{urlencode(asked)}")
    view.get_by_role("button", name="Copy the address").click()
    expect(view.get_by_role("button", name="Copied")).to_be_visible()
    copied = view.evaluate("navigator.clipboard.readText()")
    assert copied == shown_address(view)
    assert_accessible(view, "web-view-app")

    browser, _ = signed_in(chromium, live)
    with browser.expect_request(f"{redirect_uri}?*") as answer:
        browser.goto(copied)
        browser.get_by_role("button", name="Allow", exact=True).click()
    parameters = parse_qs(urlsplit(answer.value.url).query)
    assert parameters["state"] == ["the app's own"]
    assert "code" in parameters


def test_where_the_clipboard_is_out_of_reach_the_address_is_selected(
    chromium: Browser, live: LiveService
) -> None:
    view = web_view(chromium)
    view.add_init_script(
        "Object.defineProperty(navigator, 'clipboard', { get: () => undefined });"
        "document.execCommand = () => false;"
    )
    view.goto(f"{live.address}/login")
    view.get_by_role("button", name="Copy the address").click()
    expect(view.get_by_role("button", name="Now copy what is selected")).to_be_visible()
    assert view.evaluate("getSelection().toString().trim()") == shown_address(view)
    assert shown_address(view) == f"{live.address}/login"


def test_a_link_that_was_scanned_in_an_app_stays_good(chromium: Browser, live: LiveService) -> None:
    """QR readers open their own window: nothing is claimed there."""
    laptop, _ = signed_in(chromium, live)
    laptop.get_by_role("button", name="Another phone or computer").click()
    laptop.get_by_text("I cannot scan it").click()
    link = laptop.locator("[data-link]").inner_text()
    view = web_view(chromium, viewport={"width": 360, "height": 740})
    view.goto(link)
    expect(view.get_by_role("alert").filter(has_text="Open this page in your")).to_be_visible()
    assert shown_address(view) == link
    assert_accessible(view, "web-view-join")
    phone = new_context(chromium).new_page()
    attach_authenticator(phone, LAPTOP)
    phone.goto(link)
    phone.get_by_role("button", name="Yes, I started this").click()
    expect(phone.locator(".number")).to_be_visible()


def test_an_activation_code_is_not_typed_where_it_leads_nowhere(
    chromium: Browser, live: LiveService
) -> None:
    _, code = activation_code(live.site)
    view = web_view(chromium)
    view.goto(f"{live.address}/activate#{code}")
    expect(view.get_by_role("alert").filter(has_text="Open this page in your")).to_be_visible()
    expect(view.get_by_label("National register number")).to_be_hidden()
    address = shown_address(view)
    assert address.replace("-", "").endswith(f"/activate#{code.replace('-', '')}")
    assert_accessible(view, "web-view-activate")
    context: BrowserContext = new_context(chromium)
    page = context.new_page()
    page.goto(address)
    expect(page.get_by_label("National register number")).to_be_focused()

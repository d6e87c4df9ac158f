"""A citizen without any letter: the test card proves who they are, and is never signed in with.

Everything as `make run` starts it: the service, the card in its reader, and an application.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import update

from authn.app import create_app
from authn.clock import system_clock
from authn.db.transaction import writing
from authn.demo.identity_card import create_identity_card, read_cards
from authn.demo.town import PEOPLE, issue_identity_card
from authn.devices.tables import devices
from authn.settings import Settings
from authn.sources.embedded.register_import import import_register_file
from authn.web.pages import load_pages
from tests import browser
from tests.browser import LAPTOP, assert_accessible, attach_authenticator, new_context
from tests.conftest import LiveService
from tests.journeys.applications import demo_application

pytestmark = pytest.mark.journey


@pytest.fixture
def live(settings: Settings) -> Iterator[LiveService]:
    """The service on a free port, and the eID test card on another one."""
    service, card_reader = browser.free_socket(), browser.free_socket()
    (settings.data_directory / "secrets").mkdir(parents=True)
    known, agreement = issue_identity_card(
        settings.model_copy(
            update={
                "issuer": f"http://localhost:{service.getsockname()[1]}",
                "demo_identity_port": card_reader.getsockname()[1],
            }
        )
    )
    application = create_app(known, clock=system_clock)
    site = application.state.site
    card = create_identity_card(agreement, read_cards(PEOPLE), load_pages("authn"), system_clock)
    with (
        browser.serving(card, card_reader),
        browser.serving(application, service) as address,
    ):
        import_register_file(site.database, site.secrets, PEOPLE, site.clock())
        yield LiveService(address, site)


@pytest.fixture
def page(chromium: Browser) -> Page:
    """A laptop with a key of its own."""
    page = new_context(chromium).new_page()
    attach_authenticator(page, LAPTOP)
    # It offers no key by itself: the button is pressed.
    page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false")
    return page


def prove(page: Page, name: str) -> None:
    """Through the test card, as somebody."""
    expect(page.get_by_text("Test card: not a real identity")).to_be_visible()
    assert_accessible(page, "identity-card")
    page.get_by_role("button", name=name).click()


def test_a_first_device_without_a_code_and_then_a_login(
    chromium: Browser, live: LiveService, page: Page
) -> None:
    with demo_application(live) as application:
        page.goto(application)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("link", name="I have an activation code").first.click()
        assert_accessible(page, "activate-with-upstream")

        # Somebody turns back at the card, and tries again from where they are.
        page.get_by_role("link", name="Prove who you are with eID test card").click()
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("heading", name="You stopped before the end")).to_be_visible()
        assert_accessible(page, "identity-cancelled")
        page.get_by_role("link", name="Try again with eID test card").click()
        prove(page, "Hanne")

        expect(page.get_by_role("heading", name="Welcome, Hanne")).to_be_visible()
        assert_accessible(page, "identity-first-device")
        page.get_by_role("button", name="Make this device my key").click()
        expect(page.get_by_role("heading", name="You can now sign in")).to_be_visible()
        page.get_by_label("Name of this device").fill("My laptop")
        page.get_by_role("button", name="Save").click()
        # The application that they came from has waited.
        page.get_by_role("button", name="Allow", exact=True).click()
        expect(page.get_by_role("heading", name="Hello, Hanne")).to_be_visible()

        page.get_by_role("button", name="Sign out").click()
        page.get_by_role("main").get_by_role("button", name="Sign out").click()
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="Sign in with your device").click()
        expect(page.get_by_role("heading", name="Hello, Hanne")).to_be_visible()


def test_a_device_counts_for_more_and_nobody_else_can_do_that(
    chromium: Browser, live: LiveService, page: Page
) -> None:
    page.goto(f"{live.address}/activate")
    page.get_by_role("link", name="Prove who you are with eID test card").click()
    prove(page, "Noor")
    page.get_by_role("button", name="Make this device my key").click()
    page.get_by_role("button", name="Save").click()
    page.goto(f"{live.address}/devices/identity")
    expect(page.get_by_text("There is nothing to do")).to_be_visible()
    assert_accessible(page, "identity-devices")
    _weaken(live)
    page.reload()
    page.get_by_role("link", name="Prove who you are with eID test card").click()
    page.get_by_role("button", name="Jürgen").click()
    expect(page.get_by_role("heading", name="You proved to be somebody else")).to_be_visible()
    assert_accessible(page, "identity-somebody-else")
    page.get_by_role("link", name="Try again with eID test card").click()
    page.get_by_role("button", name="Noor").click()
    assert_accessible(page, "identity-confirm")
    page.get_by_role("button", name="Confirm with my key").click()
    expect(page.get_by_text("counts as checked with an identity card now")).to_be_visible()
    assert_accessible(page, "identity-raised")


@pytest.mark.one_engine
def test_the_pages_on_a_small_dark_screen(chromium: Browser, live: LiveService) -> None:
    context = new_context(chromium, color_scheme="dark", viewport={"width": 320, "height": 640})
    page = context.new_page()
    attach_authenticator(page, LAPTOP)
    page.goto(f"{live.address}/activate")
    page.get_by_role("link", name="Prove who you are with eID test card").click()
    page.wait_for_load_state()
    assert_narrow(page)
    prove(page, "Marcel")
    expect(page.get_by_role("heading", name="We do not find you")).to_be_visible()
    assert_accessible(page, "identity-unknown-dark")
    assert_narrow(page)
    page.get_by_role("link", name="Try again with eID test card").click()
    page.get_by_role("button", name="Hanne").click()
    assert_accessible(page, "identity-first-device-dark")
    assert_narrow(page)


def assert_narrow(page: Page) -> None:
    """Nothing has to be scrolled sideways."""
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.evaluate("window.innerWidth"), page.url


def _weaken(live: LiveService) -> None:
    """The device as if it had been enrolled with half a code."""
    with writing(live.site.database) as connection:
        connection.execute(update(devices).values(identity_level="substantial"))

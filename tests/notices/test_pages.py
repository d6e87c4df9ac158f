"""A person's way in a real browser: an address, the mail that tells of a device, one button.

axe on every page, and on the mail itself.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from authn.app import create_app
from authn.clock import system_clock
from authn.demo.application import DemoClientRegistration, create_demo_application
from authn.demo.mails import read_mails
from authn.notices.delivery import build_mail_work
from authn.outbox.worker import run_once
from authn.settings import Settings
from authn.sources.embedded.register_import import import_register_file
from authn.web.site import Site
from tests import browser
from tests.browser import LAPTOP, assert_accessible, new_context
from tests.citizen import activation_code
from tests.conftest import DEMO_PEOPLE, LiveService
from tests.journeys.handed_over import enrolled_in
from tests.mailbox import confirm_for, mails

pytestmark = [pytest.mark.journey, pytest.mark.one_engine]


@pytest.fixture
def live(settings: Settings, tmp_path: Path) -> Iterator[LiveService]:
    """The service on a free port; its mails wait until `sent` writes them to a folder."""
    listener = browser.free_socket()
    issuer = f"http://localhost:{listener.getsockname()[1]}"
    changes = {"issuer": issuer, "mail_directory": tmp_path / "mails", "outbox_worker": False}
    application = create_app(settings.model_copy(update=changes), clock=system_clock)
    with browser.serving(application, listener) as address:
        site: Site = application.state.site
        import_register_file(site.database, site.secrets, DEMO_PEOPLE, system_clock())
        yield LiveService(address, site)


@pytest.fixture
def demo(live: LiveService) -> Iterator[str]:
    """The demo application, which shows the mails."""
    listener = browser.free_socket()
    address = f"http://localhost:{listener.getsockname()[1]}"
    registration = DemoClientRegistration(live.address, "demo", "secret", address)
    application = create_demo_application(
        registration, "secret", live.site.pages, live.site.settings.mail_directory
    )
    with browser.serving(application, listener):
        yield address


def sent(live: LiveService) -> None:
    site = live.site
    run_once(build_mail_work(site.settings, site.secrets, site.database, site.clock))


def enrolled_page(chromium: Browser, live: LiveService) -> Page:
    page = new_context(chromium).new_page()
    enrolled_in(page, live, LAPTOP, "My laptop")
    return page


def test_an_address_is_added_confirmed_told_of_and_removed(
    chromium: Browser, live: LiveService, demo: str
) -> None:
    page = enrolled_page(chromium, live)
    page.get_by_role("main").get_by_role("link", name="Add a mail address").click()
    expect(page.get_by_role("heading", name="Where we can reach you")).to_be_visible()
    assert_accessible(page, "addresses-none")
    page.get_by_role("link", name="Add an address").click()
    assert_accessible(page, "address-add")
    page.get_by_label("Your mail address").fill("hanne.vandermeulen@example.org")
    page.get_by_role("button", name="Add this address").click()
    expect(page.get_by_text("We sent a mail to the new address.")).to_be_visible()
    expect(page.get_by_text("h•••@example.org")).to_be_visible()
    assert_accessible(page, "addresses-waiting")

    sent(live)
    page.goto(f"{demo}/mails")
    assert_accessible(page, "demo-mails")
    page.get_by_role("link", name="Confirm your mail address").click()
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", name="Confirm your mail address")).to_be_visible()
    frame.get_by_role("link", name="Confirm this address").click()
    expect(page.get_by_role("heading", name="Confirm your address")).to_be_visible()
    expect(page.get_by_role("button", name="Confirm this address")).to_be_visible()
    assert "#" not in page.url, "the secret has left the address bar"
    assert_accessible(page, "address-confirm")
    page.get_by_role("button", name="Confirm this address").click()
    expect(page.get_by_text("We will write to h•••@example.org.")).to_be_visible()
    assert_accessible(page, "address-confirmed")

    page.get_by_role("link", name="See your addresses").click()
    expect(page.get_by_text("Confirmed on")).to_be_visible()
    assert_accessible(page, "addresses")
    page.get_by_role("link", name="Remove").click()
    assert_accessible(page, "address-remove")
    page.get_by_role("button", name="Remove this address").click()
    expect(page.get_by_text("The address was removed.")).to_be_visible()
    assert [mail.notice for mail in mails(live.site)] == ["address-removed"]


def test_a_wrong_address_is_said_on_the_page(chromium: Browser, live: LiveService) -> None:
    page = enrolled_page(chromium, live)
    page.goto(f"{live.address}/addresses/add")
    page.get_by_label("Your mail address").fill("hanne@example")
    page.get_by_role("button", name="Add this address").click()
    expect(page.get_by_role("alert")).to_contain_text("It looks like name@example.org")
    assert_accessible(page, "address-add-wrong")


def test_this_was_not_me_blocks_the_device_from_another_browser(
    chromium: Browser, live: LiveService, demo: str
) -> None:
    person, _ = activation_code(live.site)
    confirm_for(live.site, person)
    thief = enrolled_page(chromium, live)
    sent(live)
    page = new_context(chromium).new_page()
    page.goto(f"{demo}/mails")
    page.get_by_role("link", name="Er is een toestel toegevoegd").click()
    frame = page.frame_locator("iframe")
    frame.get_by_role("link", name="Dit was ik niet: blokkeren").click()
    expect(page.get_by_text("This device was added to your account:")).to_be_visible()
    assert_accessible(page, "not-me")
    page.get_by_role("button", name="Block this device").click()
    expect(page.get_by_role("heading", name="The device is blocked")).to_be_visible()
    assert_accessible(page, "not-me-done")
    thief.goto(f"{live.address}/devices")
    expect(thief.get_by_role("heading", name="My devices")).not_to_be_visible()


def test_a_link_without_its_secret_says_so(chromium: Browser, live: LiveService) -> None:
    page = new_context(chromium).new_page()
    for path in ("/not-me", "/addresses/confirm"):
        page.goto(live.address + path)
        expect(page.get_by_role("heading", name="This link is not complete")).to_be_visible()
        assert_accessible(page, path.strip("/").replace("/", "-") + "-incomplete")


def test_the_mail_itself_is_accessible(chromium: Browser, live: LiveService) -> None:
    person, _ = activation_code(live.site)
    confirm_for(live.site, person)
    enrolled_page(chromium, live)
    (mail,) = mails(live.site)
    for scheme in ("light", "dark"):
        page = new_context(chromium, color_scheme=scheme).new_page()
        page.set_content(mail.html)
        assert_accessible(page, f"mail-{scheme}")


def test_the_demonstration_shows_no_file_but_mails(
    demo: str, live: LiveService, chromium: Browser
) -> None:
    directory = live.site.settings.mail_directory
    assert directory is not None
    assert read_mails(directory) == []
    (directory.parent / "secret.eml").write_text("To: x\n\nsecret")
    page = new_context(chromium).new_page()
    for name in ("..%2Fsecret.eml", "%2e%2e%2fsecret.eml", "nothing.eml", ".hidden.eml"):
        answer = page.goto(f"{demo}/mails/{name}")
        assert answer is not None
        assert answer.status == 404

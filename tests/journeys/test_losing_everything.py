"""Both devices are gone: everything is blocked by a mail, and a card or a code leads back.

Everything as `make run` starts it: the service with its mails in a folder, and the eID test card.
"""

from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from authn.app import create_app
from authn.clock import system_clock
from authn.demo.identity_card import create_identity_card, read_cards
from authn.demo.town import PEOPLE, issue_identity_card
from authn.people.tables import Person
from authn.settings import Settings
from authn.sources.embedded.register_import import import_register_file
from authn.web.pages import load_pages
from tests import browser
from tests.browser import LAPTOP, PHONE, assert_accessible, attach_authenticator, new_context
from tests.citizen import activation_code
from tests.conftest import LiveService
from tests.loss import ADDRESS, certify, held, proof_in
from tests.mailbox import confirm_for
from tests.patience import until

SSIN = "03.41.01-001.28"
SMALL_AND_DARK = {"viewport": {"width": 360, "height": 640}, "color_scheme": "dark"}

pytestmark = pytest.mark.journey


@pytest.fixture
def mails(tmp_path: Path) -> Path:
    """The folder that mails are written to."""
    return tmp_path / "mails"


@pytest.fixture
def live(settings: Settings, mails: Path) -> Iterator[LiveService]:
    """The service on a free port, and the eID test card on another one."""
    service, card_reader = browser.free_socket(), browser.free_socket()
    (settings.data_directory / "secrets").mkdir(parents=True)
    known, agreement = issue_identity_card(
        settings.model_copy(
            update={
                "issuer": f"http://localhost:{service.getsockname()[1]}",
                "demo_identity_port": card_reader.getsockname()[1],
                "mail_directory": mails,
                "outbox_worker": True,
                "help_contact": "02 123 45 67, on working days from 9 to 17",
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


def screen(chromium: Browser, kind: dict[str, object], **options: object) -> Page:
    """A browser profile of its own, with one authenticator that offers no key by itself."""
    page = new_context(chromium, **options).new_page()  # type: ignore[arg-type]
    attach_authenticator(page, kind)
    page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false")
    return page


def enrol(page: Page, live: LiveService, name: str) -> Person:
    """A first device for Hanne, by an activation code."""
    person, code = activation_code(live.site)
    page.goto(f"{live.address}/activate#{code}")
    page.get_by_label("National register number").fill(SSIN)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Make this device my key").click()
    expect(page.get_by_role("heading", name="You can now sign in")).to_be_visible()
    expect(page.get_by_text("Even if all are lost there is a way back")).to_be_visible()
    page.get_by_label("Name of this device").fill(name)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="My devices")).to_be_visible()
    return person


def link_in_mail(mails: Path, subject: str) -> str:
    """The first link with a secret in the newest mail with this subject, once it has come."""
    links: list[str] = []

    def has_come() -> bool:
        for path in sorted(mails.glob("[!.]*.eml"), reverse=True):
            message = message_from_bytes(path.read_bytes(), policy=default)
            body = message.get_body(("plain",))
            if message["Subject"] == subject and body is not None:
                links.extend(line for line in body.get_content().splitlines() if "#" in line)
                return True
        return False

    until(has_come, f"a mail, {subject},")
    return links[0]


def test_blocked_by_mail_and_back_with_the_card(
    chromium: Browser, live: LiveService, mails: Path
) -> None:
    phone = screen(chromium, PHONE)
    confirm_for(live.site, enrol(phone, live, "My phone"), ADDRESS)

    # A library's computer: nothing of hers is on it.
    page = screen(chromium, LAPTOP)
    page.goto(f"{live.address}/login")
    page.get_by_text("My device is lost").first.click()
    page.get_by_role("link", name="No other device?").click()
    expect(page.get_by_role("heading", name="My device is lost")).to_be_visible()
    expect(page.get_by_text("02 123 45 67")).to_be_visible()
    assert_accessible(page, "lost")
    page.get_by_role("link", name="Block everything by e-mail").click()
    assert_accessible(page, "lost-mail")
    page.get_by_label("National register number").fill("03410100128")
    expect(page.get_by_label("National register number")).to_have_value(SSIN)
    page.get_by_label("Your e-mail address").fill(ADDRESS)
    page.get_by_role("button", name="Send me the link").click()
    expect(page.get_by_role("heading", name="Look in your mailbox")).to_be_visible()
    assert_accessible(page, "lost-mail-sent")

    page.goto(link_in_mail(mails, "Block all your devices"))
    expect(page.get_by_role("heading", name="Block all your devices?")).to_be_visible()
    assert "#" not in page.url
    assert_accessible(page, "lost-link")
    phone.reload()
    expect(phone.get_by_role("heading", name="My devices")).to_be_visible()
    page.get_by_role("button", name="Block all my devices").click()
    expect(page.get_by_role("heading", name="All your devices are blocked")).to_be_visible()
    expect(page.get_by_text("Then they work again by themselves")).to_be_visible()
    assert_accessible(page, "lost-blocked-by-mail")
    phone.reload()
    expect(phone.get_by_role("heading", name="Sign in to your account")).to_be_visible()

    # The card confirms the block, and leads back.
    page.get_by_role("link", name="Block everything with eID test card").click()
    page.get_by_role("button", name="Hanne").click()
    expect(page.get_by_text("Account of Hanne V.")).to_be_visible()
    assert_accessible(page, "lost-block")
    page.get_by_role("button", name="Block all my devices").click()
    expect(page.get_by_text("They stay so until you come back")).to_be_visible()
    assert_accessible(page, "lost-blocked")
    page.get_by_role("link", name="Come back to my account").click()
    assert_accessible(page, "return")
    page.get_by_role("link", name="eID test card").click()
    page.get_by_role("button", name="Hanne").click()
    expect(page.get_by_text("They will be blocked.")).to_be_visible()
    assert_accessible(page, "return-device")
    page.get_by_role("button", name="Make this device my key").click()
    expect(page.get_by_role("heading", name="You can sign in again")).to_be_visible()
    assert_accessible(page, "old-devices")
    page.get_by_role("button", name="Confirm with my key").click()
    expect(page.get_by_text("Choose for at least one device")).to_be_visible()
    page.get_by_role("group", name="My phone").get_by_label("Remove").check()
    page.get_by_role("button", name="Confirm with my key").click()
    page.get_by_label("Name of this device").fill("New laptop")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="New laptop")).to_be_visible()
    expect(page.get_by_text("My phone removed")).to_be_hidden()


def test_two_devices_lost_and_back_with_a_code(chromium: Browser, live: LiveService) -> None:
    first = screen(chromium, LAPTOP)
    enrol(first, live, "My laptop")
    second = screen(chromium, PHONE)
    person, code = activation_code(live.site)
    second.goto(f"{live.address}/activate#{code}")
    second.get_by_label("National register number").fill(SSIN)
    second.get_by_role("button", name="Continue").click()
    expect(second.get_by_text("They will be blocked.")).to_be_visible()
    assert_accessible(second, "activate-returning")
    second.get_by_role("button", name="Make this device my key").click()
    expect(second.get_by_role("heading", name="You can sign in again")).to_be_visible()
    second.get_by_role("group", name="My laptop").get_by_label("Keep").check()
    second.get_by_role("button", name="Confirm with my key").click()
    second.get_by_label("Name of this device").fill("My phone")
    second.get_by_role("button", name="Save").click()
    expect(second.get_by_role("heading", name="My phone")).to_be_visible()
    assert [device.status for device in held(live.site, person)] == ["active", "active"]

    # Both are lost now.
    third = screen(chromium, LAPTOP, **SMALL_AND_DARK)
    _, code = activation_code(live.site)
    third.goto(f"{live.address}/activate#{code}")
    third.get_by_label("National register number").fill(SSIN)
    third.get_by_role("button", name="Continue").click()
    third.get_by_role("button", name="Make this device my key").click()
    for name in ("My laptop", "My phone"):
        third.get_by_role("group", name=name).get_by_label("Remove").check()
    assert_accessible(third, "old-devices-two")
    third.get_by_role("button", name="Confirm with my key").click()
    third.get_by_role("button", name="Save").click()
    expect(third.get_by_role("heading", name="My devices")).to_be_visible()
    assert [device.status for device in held(live.site, person)] == ["active"]


def test_a_weaker_proof_waits_and_is_stopped(chromium: Browser, live: LiveService) -> None:
    page = screen(chromium, LAPTOP, **SMALL_AND_DARK)
    person = enrol(page, live, "My laptop")
    certify(live.site, held(live.site, person)[0].id)
    cookie = next(
        each["value"] for each in page.context.cookies() if each["name"].endswith("-browser")
    )
    token = proof_in(live.site, cookie, person, "return", "substantial")
    page.goto(f"{live.address}/return?proof={token}")
    expect(page.get_by_role("heading", name="You can come back after a wait")).to_be_visible()
    assert_accessible(page, "return-begin")
    page.get_by_role("button", name="Begin the wait").click()
    expect(page.get_by_role("heading", name="Your return waits")).to_be_visible()
    assert_accessible(page, "return-waiting")
    # The language switch comes back here.
    page.locator(".languages summary").click()
    page.get_by_role("button", name="Français").click()
    page.get_by_role("button", name="Arrêter ce retour").click()
    expect(page.get_by_role("heading", name="Ce retour a été arrêté")).to_be_visible()
    assert_accessible(page, "return-stopped")
    # What worked before still does.
    page.goto(f"{live.address}/devices")
    expect(page.get_by_role("heading", name="My laptop")).to_be_visible()


@pytest.mark.one_engine
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_the_pages_that_are_open_to_everybody(
    chromium: Browser, live: LiveService, scheme: str, width: int
) -> None:
    context = new_context(
        chromium, "nl-BE", color_scheme=scheme, viewport={"width": width, "height": 640}
    )
    page = context.new_page()
    for path in ("/lost", "/lost/mail", "/lost/link", "/lost/link#x", "/return"):
        page.goto("about:blank")  # another fragment alone would not load the page again
        page.goto(live.address + path)
        assert_accessible(page, f"open{path.replace('/', '-')}-{scheme}-{width}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width

"""In which capacity: the page on the way to an application, and the one in the account.

By mouse, by keyboard alone, with 500 mandates, without scripts; small and wide, light and dark, in
every language.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from authn.clock import system_clock
from authn.settings import Settings
from authn.sources.facts import NaturalPerson
from authn.sources.real_sources import shared_sources
from authn.web.languages import LANGUAGES
from tests.browser import (
    LAPTOP,
    assert_accessible,
    new_context,
    take_screenshot,
)
from tests.capacities import (
    ENTERPRISE,
    EVERY_KIND,
    HOSPITAL,
    LEA,
    MARIE,
    PHARMACY,
    child,
    knows,
    knows_no,
    mandate,
    many_mandates,
    member,
    open_to,
    physician,
)
from tests.citizen import SSIN
from tests.conftest import LiveService
from tests.hospital import CLIENT_ID, REDIRECT_URI, register_hospital
from tests.journeys.handed_over import enrolled_in
from tests.journeys.test_keyboard import tab_to
from tests.login.test_interaction import CHALLENGE
from tests.sources_server import Running, Said, running, town

Colours = Literal["light", "dark"]

pytestmark = [pytest.mark.journey, pytest.mark.one_engine]

ASKED = {
    "response_type": "code",
    "client_id": CLIENT_ID,
    "redirect_uri": REDIRECT_URI,
    "scope": "openid profile",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
WIDTHS = (320, 360, 1280)
LONG = NaturalPerson(MARIE.ssin, "Marie-Charlotte Antoinette", "van den Eynde de Rivieren-Dubois")


@pytest.fixture
def address(live: LiveService) -> str:
    """Where an application sends people that may be used in every capacity; Hanne has each."""
    register_hospital(live.site, client_name="Regional Hospital of Sint-Niklaas and Temse")
    open_to(live.site, CLIENT_ID, *EVERY_KIND)
    knows(
        live.site,
        SSIN,
        physician(),
        member(HOSPITAL, "head of surgery"),
        member(PHARMACY),
        child(LEA),
        mandate(LONG),
        mandate(ENTERPRISE, ("taxes",), number="M-2"),
    )
    return f"{live.address}/authorize?{urlencode(ASKED)}"


def signed_in(browser: Browser, live: LiveService, **options: object) -> Page:
    page = new_context(browser, **options).new_page()  # type: ignore[arg-type]
    page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false")
    enrolled_in(page, live, LAPTOP, "My laptop")
    page.route(f"{REDIRECT_URI}**", lambda route: route.fulfill(body="back"))
    return page


def assert_fits(page: Page, width: int) -> None:
    """Nothing is wider than the screen, and whatever is pressed is 48 px high."""
    widest = page.evaluate(
        "Math.max(...[...document.querySelectorAll('main *')]"
        ".map((each) => each.getBoundingClientRect().right))"
    )
    assert widest <= width
    lowest = page.evaluate(
        "Math.min(48, ...[...document.querySelectorAll('main .choice, main .button, main .door')]"
        ".map((each) => each.getBoundingClientRect().height))"
    )
    assert lowest >= 48


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_the_page_is_readable_on_every_screen(
    chromium: Browser, live: LiveService, address: str, colours: Colours
) -> None:
    page = signed_in(chromium, live, color_scheme=colours)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(address)
        expect(page.get_by_role("heading", name="In which capacity")).to_be_visible()
        assert_accessible(page, f"profile-{colours}-{width}")
        assert_fits(page, width)


def test_it_speaks_every_language(chromium: Browser, live: LiveService, address: str) -> None:
    page = signed_in(chromium, live, viewport={"width": 360, "height": 800})
    page.goto(address)
    for language in LANGUAGES:
        page.locator("details.languages summary").click()
        page.locator(f"button[lang={language}]").click()
        expect(page.locator("html")).to_have_attribute("lang", language)
        assert_accessible(page, f"profile-{language}")
        assert_fits(page, 360)


def test_by_keyboard_alone(chromium: Browser, live: LiveService, address: str) -> None:
    page = signed_in(chromium, live)
    page.goto(address)
    headings = page.locator("main h2").all_inner_texts()
    assert headings[1:] == [
        "In your profession",
        "In an organisation",
        "For your children",
        "For another by mandate",
    ]
    tab_to(page, "Physician")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Share this with")).to_be_visible()
    assert_accessible(page, "profile-consent")
    tab_to(page, "Allow")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{REDIRECT_URI}?code=**")


def test_what_was_chosen_is_remembered_and_changed_without_signing_out(
    chromium: Browser, live: LiveService, address: str
) -> None:
    page = signed_in(chromium, live)
    page.goto(address)
    page.get_by_role("button", name="For your child Léa").click()
    page.get_by_role("button", name="Allow", exact=True).click()
    page.wait_for_url(f"{REDIRECT_URI}?code=**")
    again = page.request.get(address, max_redirects=0)  # without a question
    assert again.headers["location"].startswith(f"{REDIRECT_URI}?code=")

    page.goto(f"{live.address}/devices")
    page.get_by_role("link", name="My capacities").click()
    expect(page.get_by_role("heading", name="In use here now")).to_be_visible()
    schemes: tuple[Colours, ...] = ("light", "dark")
    for colours in schemes:
        page.emulate_media(color_scheme=colours)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            assert_accessible(page, f"capacities-{colours}-{width}")
            assert_fits(page, width)
    page.get_by_role("link", name="Change Regional Hospital").click()
    expect(page.get_by_role("heading", name="In which capacity do you use")).to_be_visible()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert_accessible(page, f"change-capacity-{width}")
        assert_fits(page, width)
    page.get_by_label("Also end what it has").check()
    page.get_by_role("button", name="Member of Sint-Jan Hospital").click()
    expect(page.get_by_role("status")).to_contain_text("has ended")
    assert_accessible(page, "capacities-changed")

    page.goto(address)
    expect(page.get_by_text("Member of Sint-Jan Hospital").first).to_be_visible()
    page.get_by_role("button", name="Allow", exact=True).click()
    page.wait_for_url(f"{REDIRECT_URI}?code=**")
    # In another session it is offered first, and not taken.
    page.goto(f"{live.address}/devices")
    page.get_by_role("button", name="Sign out").click()
    page.goto(address)
    page.get_by_role("button", name="Sign in with your device").click()
    expect(page.get_by_role("heading", name="Chosen last time")).to_be_visible()
    assert_accessible(page, "profile-last-time")


def test_one_of_500_mandates_is_found_while_typing(
    chromium: Browser, live: LiveService, address: str
) -> None:
    knows(live.site, SSIN, *many_mandates(500))
    page = signed_in(chromium, live, viewport={"width": 360, "height": 800})
    page.goto(address)
    there = page.url
    assert_accessible(page, "profile-500")
    status = page.locator("[data-found-status]")
    expect(status).to_contain_text("There are 505 to choose from.")
    tab_to(page, "search")
    page.keyboard.type("el idrissi 3")
    expect(status).to_contain_text("of 505 found")
    page.keyboard.type("33")
    expect(status).to_have_text("1 of 505 found")
    assert_accessible(page, "profile-500-found")
    assert page.url == there  # and what was typed is in no address
    tab_to(page, "Person 333 El Idrissi")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Person 333 El Idrissi").first).to_be_visible()
    expect(page.get_by_role("heading", name="Share this with")).to_be_visible()
    # Enter searches at once, as often as one likes.
    page.goto(there + "&change=1")
    for text, found in (("person 77", "5 of"), ("nobody", "0 of"), ("physician", "1 of")):
        page.get_by_label("Search by name").fill(text)
        page.keyboard.press("Enter")
        expect(status).to_contain_text(found)
    page.get_by_label("Search by name").fill("")
    expect(status).to_contain_text("There are 505")


def test_one_of_500_mandates_is_found_without_scripts(
    chromium: Browser, live: LiveService, address: str
) -> None:
    knows(live.site, SSIN, *many_mandates(500))
    signed = signed_in(chromium, live)
    state = signed.context.storage_state()
    context = new_context(chromium, java_script_enabled=False, storage_state=state)
    page = context.new_page()
    page.goto(address)
    page.get_by_label("Search by name").fill("müller 100")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("[data-found-status]")).to_have_text("1 of 505 found")
    take_screenshot(page, "profile-500-without-scripts")
    assert "%" not in page.url  # in which an address could hold an ü
    page.get_by_role("button", name="Person 100 Müller").click()
    expect(page.get_by_role("heading", name="Share this with")).to_be_visible()


def test_who_lacks_what_is_required_reads_whom_to_ask(
    chromium: Browser, live: LiveService, address: str
) -> None:
    open_to(live.site, CLIENT_ID, *EVERY_KIND, required=("quality", "organisation"))
    knows_no(live.site, SSIN, "qualities", "memberships")
    page = signed_in(chromium, live)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(address)
        expect(page.get_by_role("heading", name="Another capacity")).to_be_visible()
        assert_accessible(page, f"no-profile-{width}")
        assert_fits(page, width)
    # Nobody is there: that the browser goes there is enough.
    with page.expect_request(f"{REDIRECT_URI}?error=access_denied**"):
        page.get_by_role("link", name="Go back to").click()


class TestSourcesDown:
    """Where the sources are asked over the network, and one gives no answer."""

    @pytest.fixture
    def sources(self, tmp_path: Path) -> Iterator[Running]:
        """The sources; mandates are not answered."""
        now = system_clock()
        with (
            town(tmp_path / "files", now) as there,
            running(there, system_clock) as server,
        ):
            server.server.dictated = lambda seen: Said(503) if "mandates" in seen.path else None
            yield server

    @pytest.fixture
    def settings(self, settings: Settings, sources: Running) -> Settings:
        """The service asks them."""
        return sources.settings(settings)

    def test_the_page_says_what_can_not_be_checked(
        self, chromium: Browser, live: LiveService, address: str
    ) -> None:
        with closing(shared_sources(live.site)):
            page = signed_in(chromium, live, viewport={"width": 360, "height": 800})
            page.goto(address)
            expect(page.get_by_text("Your mandates")).to_be_visible()
            assert_accessible(page, "profile-source-down")
            page.get_by_role("link", name="Try again in a minute").click()
            expect(page.get_by_text("Your mandates")).to_be_visible()
            open_to(live.site, CLIENT_ID, "mandate", required=("mandate",))
            page.goto(address)
            expect(page.get_by_role("heading", name="We can't check your")).to_be_visible()
            assert_accessible(page, "no-profile-source-down")

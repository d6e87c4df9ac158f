"""The page that asks for everything that can be asked, small and wide, light and dark; and the
story of somebody who leaves a thing out, comes back, and takes the rest back."""

from typing import Literal
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from authn.clients.client_metadata import ClientMetadata
from authn.web.languages import LANGUAGES
from tests.browser import LAPTOP, assert_accessible, new_context
from tests.conftest import LiveService
from tests.hospital import CLIENT_ID, REDIRECT_URI, register_hospital
from tests.journeys.handed_over import enrolled_in
from tests.login.test_interaction import CHALLENGE
from tests.oidc.apis import PRESCRIPTIONS, REPORTS, details, register_api, register_reports

pytestmark = [pytest.mark.journey, pytest.mark.one_engine]

EVERYTHING = {
    "response_type": "code",
    "client_id": CLIENT_ID,
    "redirect_uri": REDIRECT_URI,
    "scope": "openid profile ssin offline_access read share",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
    "authorization_details": details("write", identifier="rx:7f3a-0001"),
    "claims": '{"id_token": {"family_name": {"essential": true}}}',
    "prompt": "consent",
}
WORDS = ("Allow", "Do not allow")
RESOURCES = [("resource", PRESCRIPTIONS), ("resource", REPORTS)]


@pytest.fixture
def address(live: LiveService) -> str:
    """Where an application with a long name sends people, who asks for everything."""
    register_api(live.site)
    register_reports(live.site)
    register_hospital(
        live.site,
        client_name="Regional Hospital of Sint-Niklaas and Temse, outpatients",
        scope="openid profile ssin offline_access read write share",
        may_read_ssin=True,
        resources=[PRESCRIPTIONS, REPORTS],
        metadata=ClientMetadata(grant_types=("authorization_code", "refresh_token")),
    )
    return f"{live.address}/authorize?{urlencode([*EVERYTHING.items(), *RESOURCES])}"


def signed_in(browser: Browser, live: LiveService, **options: object) -> Page:
    page = new_context(browser, **options).new_page()  # type: ignore[arg-type]
    page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false")
    enrolled_in(page, live, LAPTOP, "My laptop")
    return page


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_it_is_readable_on_every_screen(
    chromium: Browser, live: LiveService, address: str, colours: Literal["light", "dark"]
) -> None:
    page = signed_in(chromium, live, color_scheme=colours)
    for width in (320, 360, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(address)
        expect(page.get_by_role("heading", name="Share this with")).to_be_visible()
        assert_accessible(page, f"consent-{colours}-{width}")
        widest = page.evaluate(
            "Math.max(...[...document.querySelectorAll('main *')]"
            ".map((each) => each.getBoundingClientRect().right))"
        )
        assert widest <= width


def test_a_thing_is_left_out_and_the_rest_is_taken_back_later(
    chromium: Browser, live: LiveService, address: str
) -> None:
    page = signed_in(chromium, live, viewport={"width": 360, "height": 800})
    page.route(f"{REDIRECT_URI}**", lambda route: route.fulfill(body="back"))
    # Without script, and by keyboard alone: the page is a form.
    once = address.replace("prompt=consent&", "").replace("&prompt=consent", "")
    page.goto(once)
    box = page.get_by_label("Your name, date of birth and language")
    expect(box).to_be_checked()
    box.focus()
    page.keyboard.press("Space")
    expect(box).not_to_be_checked()
    expect(page.get_by_label("Recognise you when you come back")).to_be_disabled()
    expect(page.get_by_label("Your family name")).to_be_disabled()
    page.get_by_label("For how long?").select_option("month")
    allow, decline = (page.get_by_role("button", name=name, exact=True) for name in WORDS)
    assert _looks(allow) == _looks(decline), "to decline is as easy as to allow"
    allow.click()
    page.wait_for_url(f"{REDIRECT_URI}?code=**")
    # What is of one occasion is asked again; what was left out is not.
    page.goto(once)
    expect(page.get_by_role("heading", name="Allow Regional Hospital")).to_be_visible()
    expect(page.get_by_role("checkbox")).to_have_count(0)
    straight = once.replace("authorization_details", "unknown")
    answer = page.context.request.get(straight, max_redirects=0)
    assert answer.headers["location"].startswith(f"{REDIRECT_URI}?code=")
    _take_back(page, live)
    page.goto(once)
    expect(page.get_by_label("Your name, date of birth and language")).to_be_checked()


def _take_back(page: Page, live: LiveService) -> None:
    """On My applications, the whole of it."""
    page.goto(f"{live.address}/applications")
    expect(page.get_by_role("heading", name="Regional Hospital")).to_be_visible()
    expect(page.get_by_text("Your name, date of birth and language")).to_have_count(0)
    expect(page.get_by_text("Until ", exact=False)).to_be_visible()
    assert_accessible(page, "applications")
    page.get_by_role("link", name="Withdraw").first.click()
    assert_accessible(page, "withdraw-application")
    page.get_by_role("button", name="Withdraw its access").click()
    expect(page.get_by_role("status")).to_contain_text("has no access any more")


def _looks(button: Locator) -> object:
    """What makes a button prominent: its size, its weight and its colours."""
    return button.evaluate(
        """(each) => {
            const { width, height } = each.getBoundingClientRect();
            const { fontWeight, color, backgroundColor, borderColor } = getComputedStyle(each);
            return [width, height, fontWeight, color, backgroundColor, borderColor];
        }"""
    )


def test_it_speaks_every_language_and_leads_back(
    chromium: Browser, live: LiveService, address: str
) -> None:
    page = signed_in(chromium, live, viewport={"width": 360, "height": 800})
    for language, own_name in LANGUAGES.items():
        page.goto(address)
        page.get_by_text("English" if language == "en" else own_name)
        page.locator("details.languages summary").click()
        page.locator(f"button[lang={language}]").click()
        expect(page.locator("html")).to_have_attribute("lang", language)
        assert_accessible(page, f"consent-{language}")
    page.route(f"{REDIRECT_URI}**", lambda route: route.fulfill(body="back"))
    page.locator("button[value=allow]").click()
    page.wait_for_url(f"{REDIRECT_URI}?code=**")

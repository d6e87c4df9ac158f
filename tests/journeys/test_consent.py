"""The page that asks for everything that can be asked, small and wide, light and dark."""

from typing import Literal
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from authn.clients.client_metadata import ClientMetadata
from authn.web.languages import LANGUAGES
from tests.browser import LAPTOP, assert_accessible, attach_authenticator, new_context
from tests.conftest import LiveService
from tests.hospital import CLIENT_ID, REDIRECT_URI, register_hospital
from tests.journeys.test_device_needed import enrol_phone
from tests.login.test_hallway import CHALLENGE
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
    attach_authenticator(page, LAPTOP)
    enrol_phone(page, live)
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


def test_it_speaks_every_language_and_leads_back(
    chromium: Browser, live: LiveService, address: str
) -> None:
    page = signed_in(chromium, live, viewport={"width": 360, "height": 800})
    for language, own_name in LANGUAGES.items():
        page.goto(address)
        page.get_by_text("English" if language == "en" else own_name)
        page.locator("details.languages summary").click()
        page.locator(f"button[lang={language}]").click()
        assert page.locator("html").get_attribute("lang") == language
        assert_accessible(page, f"consent-{language}")
    page.route(f"{REDIRECT_URI}**", lambda route: route.fulfill(body="back"))
    page.locator("button[value=allow]").click()
    page.wait_for_url(f"{REDIRECT_URI}?code=**")

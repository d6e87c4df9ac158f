"""An application that needs what somebody may not give as a citizen, but may as a physician.

By keyboard, on a small dark screen and in every language.
"""

from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from authn.clients.resource_servers.resources import ResourceScope
from authn.web.languages import LANGUAGES
from tests.browser import LAPTOP, assert_accessible, new_context
from tests.capacities import knows, physician
from tests.citizen import HANNE
from tests.conftest import LiveService
from tests.hospital import REDIRECT_URI, register_hospital
from tests.journeys.handed_over import enrolled_in
from tests.journeys.test_keyboard import tab_to
from tests.login.test_interaction import CHALLENGE
from tests.oidc.apis import PRESCRIPTIONS, register_api

pytestmark = [pytest.mark.journey, pytest.mark.one_engine]

NAME = "Algemeen Ziekenhuis Sint-Jan Brugge-Oostende Campus Zuid vzw"


@pytest.fixture
def address(live: LiveService) -> str:
    """Where the application sends people: it can't do without writing prescriptions."""
    site = live.site
    write = ResourceScope(
        {
            "en": "Write prescriptions",
            "nl": "Voorschriften schrijven",
            "fr": "Rédiger des prescriptions",
            "de": "Verordnungen schreiben",
        },
        disciplines=("physician", "dentist"),
    )
    register_api(site, scopes={"read": "Read prescriptions", "write": write})
    reasons = {
        "en": "To renew what your patient takes.",
        "nl": "Om te vernieuwen wat uw patiënt neemt.",
        "fr": "Pour renouveler ce que prend votre patient.",
        "de": "Um zu erneuern, was Ihr Patient nimmt.",
    }
    register_hospital(
        site,
        client_name=NAME,
        scope="openid read write",
        resources=[PRESCRIPTIONS],
        profile_kinds=["quality"],
        first_party=True,
        scope_reasons={"write": reasons},
    )
    request = {
        "response_type": "code",
        "client_id": "hospital",
        "redirect_uri": REDIRECT_URI,
        "scope": "openid read write",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return f"{live.address}/authorize?{urlencode(request)}"


def at_the_application(page: Page) -> None:
    """Its address answers, instead of leaving this machine."""

    def answer(route: Route) -> None:
        route.fulfill(status=200, body="At the hospital.", content_type="text/plain")

    page.route(f"{REDIRECT_URI}**", answer)


def refused_as_citizen(page: Page, live: LiveService, address: str) -> None:
    """Hanne chose to act as a citizen, and reads why that won't do."""
    at_the_application(page)
    enrolled_in(page, live, LAPTOP, "My laptop")
    page.goto(address)
    page.get_by_role("button", name="As a citizen").click()
    expect(page.get_by_role("heading", name="Not possible in this capacity")).to_be_visible()


def test_a_physician_who_came_as_a_citizen_chooses_again(
    chromium: Browser, live: LiveService, address: str
) -> None:
    knows(live.site, HANNE.ssin, physician())
    context = new_context(chromium, viewport={"width": 320, "height": 600}, color_scheme="dark")
    page = context.new_page()
    refused_as_citizen(page, live, address)
    expect(page.get_by_text("Write prescriptions")).to_be_visible()
    expect(page.get_by_text("To renew what your patient takes.")).to_be_visible()
    assert_accessible(page, "not-permitted-dark")
    widest = page.evaluate(
        "Math.max(...[...document.querySelectorAll('main *')]"
        ".map((each) => each.getBoundingClientRect().right))"
    )
    assert widest <= 320
    tab_to(page, "Choose another capacity")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Physician").click()
    page.wait_for_url(f"{REDIRECT_URI}?code=**")


def test_the_page_in_every_language_and_the_way_back(
    chromium: Browser, live: LiveService, address: str
) -> None:
    knows(live.site, HANNE.ssin, physician())
    page = new_context(chromium).new_page()
    refused_as_citizen(page, live, address)
    for language in LANGUAGES:
        page.locator(".languages summary").click()
        page.locator(f".languages button[lang={language}]").click()
        expect(page.locator("html")).to_have_attribute("lang", language)
        assert_accessible(page, f"not-permitted-{language}")
    page.get_by_role("button", name="Go back to").click()
    page.wait_for_url(f"{REDIRECT_URI}?error=access_denied**")

"""At 320 px wide nothing sticks out sideways, in the languages with the longest words."""

import pytest
from playwright.sync_api import Browser

from tests.browser import new_context
from tests.conftest import LiveService

PAGES = (
    "/",
    "/activate",
    "/login",
    "/join",
    "/signed-out",
    "/lost",
    "/lost/mail",
    "/return",
    "/no/such/page",
)

pytestmark = [pytest.mark.journey, pytest.mark.one_engine]


@pytest.mark.parametrize("language", ["nl-BE", "de-BE", "fr-BE"])
def test_no_page_scrolls_sideways(chromium: Browser, live: LiveService, language: str) -> None:
    page = new_context(chromium, language, viewport={"width": 320, "height": 600}).new_page()
    for path in PAGES:
        page.goto(live.address + path)
        # A card that grows out of the window and is clipped counts too.
        widest = page.evaluate(
            "Math.max(...[...document.querySelectorAll('main *')]"
            ".map((each) => each.getBoundingClientRect().right))"
        )
        assert widest <= 320, f"{path} in {language}: {widest} px"

"""The page for developers, on a small and a large screen."""

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import assert_accessible, new_context
from tests.conftest import LiveService

pytestmark = [pytest.mark.journey, pytest.mark.one_engine]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_and_is_accessible(
    live: LiveService, chromium: Browser, width: int, scheme: str
) -> None:
    size = {"width": width, "height": 800}
    page = new_context(chromium, viewport=size, color_scheme=scheme).new_page()
    page.goto(live.address)
    page.get_by_role("link", name="For developers").click()
    expect(page.get_by_role("heading", name="For developers")).to_be_visible()
    for example in page.locator("details.more > summary").all():
        example.click()
    assert_accessible(page, f"developers {width} {scheme}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width

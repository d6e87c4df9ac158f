"""The operator's, the auditor's and the supervisor's screens in a real browser."""

import re

import pytest
from playwright.sync_api import Browser, expect

from authn.keys.signing_keys import ensure_signing_keys
from tests.browser import assert_accessible, new_context
from tests.conftest import LiveService
from tests.journeys.test_desk import at_the_desk, widest

pytestmark = [pytest.mark.journey, pytest.mark.one_engine]


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_an_application_is_registered_its_secret_shown_once_and_its_rows_found(
    chromium: Browser, live: LiveService, width: int, scheme: str
) -> None:
    page = at_the_desk(new_context(chromium), live, "operator", "auditor", "supervisor")
    ensure_signing_keys(live.site.database, live.site.secrets, live.site.clock())
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")

    def look(name: str) -> None:
        assert_accessible(page, f"{name}-{width}")
        assert widest(page) <= width, name

    page.goto(f"{live.address}/desk/operator/clients")
    page.get_by_role("link", name="Register an application").click()
    look("operator-kind")
    page.get_by_role("link", name="a web application with a server").click()
    look("operator-form")
    page.get_by_label("Name", exact=True).fill("Hospital")
    page.get_by_role("button", name="See what is registered").click()
    expect(page.get_by_role("alert")).to_be_focused()
    look("operator-form-wrong")
    page.get_by_label("client_id").fill("hospital")
    page.get_by_label("Where people are sent back to").fill("https://hospital.example/callback")
    page.get_by_role("button", name="See what is registered").click()
    look("operator-confirm")
    page.get_by_role("button", name="Register it").click()
    secret = page.locator("[data-secret]")
    expect(secret).to_have_text(re.compile(r"[\w.-]{32,}"))
    look("operator-secret")
    page.get_by_role("link", name="I have kept it").click()
    expect(page.get_by_role("heading", name="Hospital", exact=True)).to_be_visible()
    look("operator-client")
    page.get_by_role("link", name="Change").click()
    look("operator-edit")
    page.goto(f"{live.address}/desk/operator/clients/hospital/end")
    look("operator-end")
    page.goto(f"{live.address}/desk/operator/new-resource")
    look("operator-resource-form")
    page.goto(f"{live.address}/desk/operator/keys")
    page.get_by_role("link", name="ES256").click()
    look("operator-key")
    page.goto(f"{live.address}/desk/audit")
    page.get_by_label("Event").select_option("client.registered")
    page.get_by_role("button", name="Search").click()
    look("audit-found")
    page.locator("table.rows tbody a").first.click()
    expect(page.get_by_role("heading", name="This row is as it was written")).to_be_visible()
    look("audit-row")
    page.goto(f"{live.address}/desk/activity")
    look("activity")

"""Choosing an account leads back to the application also where nothing else is left to ask.

Content Security Policy Level 3, `form-action` (https://www.w3.org/TR/CSP3/#directive-form-action):
browsers hold redirects that follow a form against it.
"""

from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser

from tests.browser import LAPTOP, new_context
from tests.conftest import LiveService
from tests.hospital import CLIENT_ID, REDIRECT_URI, register_hospital
from tests.journeys.handed_over import enrolled_in
from tests.login.test_interaction import CHALLENGE

pytestmark = [pytest.mark.journey, pytest.mark.one_engine]

ASKED = {
    "response_type": "code",
    "client_id": CLIENT_ID,
    "redirect_uri": REDIRECT_URI,
    "scope": "openid",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
    "prompt": "select_account",
}


def test_going_on_with_this_account_leads_back(chromium: Browser, live: LiveService) -> None:
    register_hospital(live.site, first_party=True)
    page = new_context(chromium).new_page()
    page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false")
    enrolled_in(page, live, LAPTOP, "My laptop")
    page.goto(f"{live.address}/authorize?{urlencode(ASKED)}")
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    with page.expect_request(f"{REDIRECT_URI}?code=**"):
        page.get_by_role("button", name="Yes, continue").click()
    assert not any("form-action" in each for each in said)

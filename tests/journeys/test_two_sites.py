"""An application on another site: SameSite=Lax cookies, the form_post page and its policy.

Cookies are shared among ports, and two ports of one host are one site; `localhost` and `127.0.0.1`
are two. OAuth 2.0 Form Post Response Mode
(https://openid.net/specs/oauth-v2-form-post-response-mode-1_0.html).
"""

from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode

import pytest
from playwright.sync_api import Browser, Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from authn.clients.client_registration.registration import register_client
from authn.db.transaction import writing
from authn.keys.signing_keys import ensure_signing_keys
from tests import browser
from tests.browser import LAPTOP, attach_authenticator, new_context
from tests.citizen import activation_code
from tests.conftest import LiveService

CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636, appendix B

pytestmark = [pytest.mark.journey, pytest.mark.one_engine]


async def callback(request: Request) -> HTMLResponse:
    """Shows what came, and how."""
    form = dict(parse_qsl((await request.body()).decode()))
    return HTMLResponse(f"<p>{request.method} {sorted(form)} {form.get('state')}</p>")


@pytest.fixture
def other_site() -> Iterator[str]:
    """An application at 127.0.0.1, which takes its answer by POST."""
    listener = browser.free_socket()
    app = Starlette(routes=[Route("/callback", callback, methods=["POST"])])
    with browser.serving(app, listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def request_address(live: LiveService, other_site: str) -> str:
    site, now = live.site, live.site.clock()
    ensure_signing_keys(site.database, site.secrets, now)
    with writing(site.database) as connection:
        client = register_client(
            connection,
            site.secrets,
            now,
            client_name="Another site",
            redirect_uris=[f"{other_site}/callback"],
            token_endpoint_auth_method="none",
            application_type="native",
        ).client
    parameters = {
        "client_id": client.client_id,
        "response_type": "code",
        "response_mode": "form_post",
        "redirect_uri": f"{other_site}/callback",
        "scope": "openid",
        "state": "as it was",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return f"{live.address}/authorize?{urlencode(parameters)}"


def from_other_site(page: Page, other_site: str, address: str) -> None:
    """The browser follows a link on a page of the other site."""
    page.route(
        f"{other_site}/start",
        lambda route: route.fulfill(
            body=f"<a href='{address}'>Sign in</a>", content_type="text/html"
        ),
    )
    page.goto(f"{other_site}/start")
    page.get_by_role("link", name="Sign in").click()


def test_an_answer_by_form_post_reaches_another_site(
    chromium: Browser, live: LiveService, other_site: str
) -> None:
    _, code = activation_code(live.site)
    page = new_context(chromium).new_page()
    attach_authenticator(page, LAPTOP)
    page.goto(f"{live.address}/activate#{code}")
    page.get_by_label("National register number").fill("03410100128")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Make this device my key").click()
    expect(page.get_by_role("heading", name="You can now sign in")).to_be_visible()

    address = request_address(live, other_site)
    from_other_site(page, other_site, address)
    page.get_by_role("button", name="Allow", exact=True).click()
    answer = page.get_by_text("POST ['code', 'iss', 'state'] as it was")
    expect(answer).to_be_visible()
    # The session cookie came along although the other site sent the browser (Lax): nobody signs in.
    # At a port of this machine another app could listen: so the person is asked (RFC 8252 §8.6).
    from_other_site(page, other_site, address)
    page.get_by_role("button", name="Allow", exact=True).click()
    expect(answer).to_be_visible()

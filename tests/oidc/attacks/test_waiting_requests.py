"""What changes, or is kept back, while a request waits for its person.

What a naive provider does: it checks a request once, when it comes, and believes it as long as it
waits; and it takes a consent for every request that was there before it was given.
"""

import re
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from httpx2 import Response
from sqlalchemy import func, select
from starlette.testclient import TestClient

from authn.clients.client_registration.registration import change_client
from authn.clients.clients import find_client
from authn.db.transaction import reading, writing
from authn.grants.tables import grants
from authn.web.site import Site
from tests.citizen import Screen
from tests.conftest import MovableClock
from tests.oidc.apis import PRESCRIPTIONS, details, register_api
from tests.oidc.relying_party import Holder, RelyingParty

pytestmark = pytest.mark.thorough

MakeRP = Callable[..., RelyingParty]

EVIL = "https://evil.example/callback"


def page_token(response: Response, page: str) -> str:
    """The token of the request that waits at this page of the interaction."""
    location = response.headers["location"]
    assert urlsplit(location).path == page, location
    return parse_qs(urlsplit(location).query)["request"][0]


def leads_to(answer: Response) -> str:
    """Where the page after a decision leads."""
    found = re.search(r'data-location="([^"]*)"', answer.text)
    assert found, answer.text
    return unescape(found[1])


def given(site: Site) -> int:
    """How many grants there are."""
    with reading(site.database) as connection:
        count: int = connection.execute(select(func.count()).select_from(grants)).scalar_one()
    return count


def test_an_address_that_is_taken_back_gets_no_answer(
    site: Site, make_rp: MakeRP, holder: Holder, client: TestClient
) -> None:
    """The client moves to the sector of somebody else while its request waits.

    The code would go to its old address with the `sub` by which the other one knows the person.
    """
    evil = make_rp(client_id="evil", redirect_uris=[EVIL])
    token = page_token(evil.authorize(), "/consent")
    with writing(site.database) as connection:
        found = find_client(connection, "evil")
        assert found is not None
        there: dict[str, Any] = {"redirect_uris": ("https://hospital.example/x",)}
        there |= {"sector_identifier": ""}
        change_client(connection, site.secrets, found, site.clock(), **there)
    pages = ("consent", "select-account", "profile", "device/allowed", "device/stopped", "login")
    of_login = ("continue", "declined", "device-needed", "not-permitted", "desk-act")
    for path in (*(f"/{each}" for each in pages), *(f"/login/{each}" for each in of_login)):
        answer = client.get(path, params={"request": token})
        assert answer.status_code == 400, path
        assert "evil.example" not in answer.text
    assert given(site) == 0


def test_an_app_that_anybody_can_pretend_to_be_can_not_keep_a_request_ready(
    make_rp: MakeRP, holder: Holder, client: TestClient, clock: MovableClock
) -> None:  # RFC 8252 §8.6
    """It sends its request ahead, and comes with it once the person has allowed the true app."""
    app = make_rp(
        client_id="app",
        application_type="native",
        token_endpoint_auth_method="none",
        redirect_uris=["http://127.0.0.1/callback"],
    )
    thief = app.request(redirect_uri="http://127.0.0.1:6666/callback", state="thief")
    kept = client.post("/authorize", data=thief).headers["location"]
    clock.advance(seconds=20)
    screen = Screen(client)
    token = page_token(app.authorize(), "/consent")
    allowed = screen.answer_page("/consent", token, decision="allow")
    assert "code=" in leads_to(allowed)
    clock.advance(seconds=20)
    page_token(client.get(kept), "/consent")


def test_details_that_were_allowed_once_are_not_allowed_twice(
    site: Site, make_rp: MakeRP, holder: Holder, client: TestClient, clock: MovableClock
) -> None:  # RFC 9396 §2
    """Two requests for the same thing wait; the person answers one of them."""
    register_api(site)
    rp = make_rp(client_id="hospital", scope="openid write", resources=[PRESCRIPTIONS])
    asked = {"authorization_details": details("write", identifier="RX1"), "scope": "openid"}
    screen = Screen(client)
    one, two = (page_token(rp.authorize(**asked), "/consent") for _ in range(2))
    posted = client.post("/authorize", data=rp.request(**asked)).headers["location"]
    clock.advance(seconds=5)
    assert "code=" in leads_to(screen.answer_page("/consent", one, decision="allow"))
    answer = client.get("/consent?" + urlencode({"request": two}))
    assert answer.status_code == 200, answer.headers
    answer = client.get("/login/continue?" + urlencode({"request": two}))
    assert urlsplit(answer.headers["location"]).path == "/consent"
    assert urlsplit(client.get(posted).headers["location"]).path == "/consent"
    assert given(site) == 1

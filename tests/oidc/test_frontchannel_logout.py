"""OpenID Connect Front-Channel Logout 1.0
(https://openid.net/specs/openid-connect-frontchannel-1_0.html)."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from httpx2 import Response
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.grants.endings.frontchannel_logout import MOST_FRAMES, frame_origin
from authn.web.site import Site
from tests.citizen import ORIGIN, Screen
from tests.conftest import MovableClock
from tests.oidc.relying_party import Holder, RelyingParty, segment, sign_in

pytestmark = pytest.mark.thorough

MakeRP = Callable[..., RelyingParty]
BYE = "https://hospital.example/bye"
FRAME = "https://hospital.example/front-channel?a=1"


def framed(make_rp: MakeRP, client_id: str, **more: Any) -> RelyingParty:
    """A client at a host of its own that wants to hear of sign-outs in a frame."""
    host = f"https://{client_id}.example"
    uri = more.pop("uri", f"{host}/front-channel")
    return make_rp(
        client_id=client_id,
        redirect_uris=[f"{host}/callback"],
        post_logout_redirect_uris=[f"{host}/bye"],
        metadata=ClientMetadata(frontchannel_logout_uri=uri),
        **more,
    )


@pytest.fixture
def rp(make_rp: MakeRP, holder: Holder) -> RelyingParty:
    return framed(make_rp, "hospital", uri=FRAME).allowed_by(holder)


def frames(answer: Response) -> list[str]:
    """The addresses that a page loads in frames."""
    assert answer.status_code == 200, answer.text
    return [unescape(found) for found in re.findall(r'<iframe[^>]* src="([^"]*)"', answer.text)]


def policy(answer: Response) -> dict[str, str]:
    """The directives of the page's Content-Security-Policy."""
    parts = (part.strip().partition(" ") for part in answer.headers[CSP].split(";"))
    return {name: values for name, _, values in parts}


CSP = "content-security-policy"


def sign_out(client: TestClient) -> Response:
    """The page that follows the button "Sign out"."""
    left = Screen(client).post_form("/sign-out")
    assert left.status_code == 303
    return client.get(left.headers["location"])


def sign_out_at_the_application(client: TestClient, hint: str, **more: str) -> Response:
    asked = client.get("/logout", params={"id_token_hint": hint, **more}).text
    token = unescape(asked.partition('name="logout" value="')[2].partition('"')[0])
    return Screen(client).post_form("/logout/confirm", logout=token)


def test_the_page_loads_the_address_with_issuer_and_session(
    rp: RelyingParty, client: TestClient
) -> None:  # §2
    id_token = rp.tokens()["id_token"]
    (address,) = frames(sign_out(client))
    assert address.startswith(FRAME + "&")
    sid = segment(id_token, 1)["sid"]
    assert parse_qs(urlsplit(address).query) == {"a": ["1"], "iss": [ORIGIN], "sid": [sid]}


def test_after_an_application_s_request_the_page_goes_on_to_it(
    rp: RelyingParty, client: TestClient
) -> None:  # §3, RP-Initiated Logout §3
    hint = rp.tokens()["id_token"]
    answer = sign_out_at_the_application(client, hint, post_logout_redirect_uri=BYE, state="s")
    assert len(frames(answer)) == 1
    assert f'data-location="{BYE}?state=s"' in answer.text
    assert "signed-out.js" in answer.text


def test_the_policy_allows_frames_of_these_applications_alone(
    rp: RelyingParty, make_rp: MakeRP, holder: Holder, client: TestClient
) -> None:
    other = framed(make_rp, "pharmacy").allowed_by(holder)
    unused = framed(make_rp, "unused").allowed_by(holder)
    assert unused.client.metadata.frontchannel_logout_uri
    rp.tokens()
    other.tokens()
    answer = sign_out(client)
    assert len(frames(answer)) == 2
    assert policy(answer)["frame-src"] == "https://hospital.example https://pharmacy.example"
    assert policy(answer)["default-src"] == "'none'"
    assert policy(answer)["frame-ancestors"] == "'none'"


def test_a_frame_can_neither_lead_away_nor_learn_where_it_is(
    rp: RelyingParty, client: TestClient
) -> None:
    rp.tokens()
    text = sign_out(client).text
    assert 'sandbox="allow-scripts allow-same-origin"' in text
    assert 'referrerpolicy="no-referrer"' in text


def test_without_such_applications_there_is_no_frame_and_no_token(
    make_rp: MakeRP, holder: Holder, client: TestClient
) -> None:
    make_rp(client_id="quiet").allowed_by(holder).tokens()
    left = Screen(client).post_form("/sign-out")
    assert left.headers["location"] == "/signed-out"
    answer = client.get("/signed-out")
    assert frames(answer) == []
    assert "frame-src" not in answer.headers[CSP]


def test_an_application_of_another_session_is_not_told(
    site: Site, app: Starlette, rp: RelyingParty, holder: Holder, client: TestClient
) -> None:
    browser = TestClient(app, base_url=ORIGIN, follow_redirects=False)
    sign_in(site, browser, holder.held)
    RelyingParty(site, browser, rp.client, rp.client_secret).tokens()
    assert frames(sign_out(client)) == []
    assert len(frames(sign_out(browser))) == 1


def test_signing_out_everywhere_tells_of_this_browser_s_session(
    rp: RelyingParty, client: TestClient
) -> None:
    rp.tokens()
    left = Screen(client).post_form("/sign-out/everywhere")
    assert len(frames(client.get(left.headers["location"]))) == 1


def test_whoever_is_signed_out_already_has_nothing_to_tell(
    rp: RelyingParty, client: TestClient
) -> None:
    hint = rp.tokens()["id_token"]
    client.cookies.clear()
    answer = client.get("/logout", params={"id_token_hint": hint, "post_logout_redirect_uri": BYE})
    assert frames(answer) == []
    assert f'data-location="{BYE}"' in answer.text


@pytest.mark.parametrize("token", ["x", "a.b", "é"])
@pytest.mark.one_engine
def test_a_token_that_is_not_ours_is_a_page(client: TestClient, token: str) -> None:
    assert client.get("/signed-out", params={"ended": token}).status_code == 400


def test_the_page_of_long_ago_tells_nobody_again(
    rp: RelyingParty, client: TestClient, clock: MovableClock
) -> None:
    rp.tokens()
    location = Screen(client).post_form("/sign-out").headers["location"]
    clock.advance(minutes=11)
    assert frames(client.get(location)) == []


def test_a_page_has_a_bearable_number_of_frames(
    make_rp: MakeRP, holder: Holder, client: TestClient
) -> None:
    for number in range(MOST_FRAMES + 1):
        framed(make_rp, f"app{number}").allowed_by(holder).tokens()
    assert len(frames(sign_out(client))) == MOST_FRAMES


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://rp.example/x?y", "https://rp.example"),
        ("https://rp.example:8443/x", "https://rp.example:8443"),
        ("http://[::1]:9/x", "http://[::1]:9"),
        ("https://rp.example;script-src */x", ""),
        ("https://rp.example 'unsafe-inline'/x", ""),
        ("https://*/x", ""),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("https://user@rp.example/", ""),
        ("https:///x", ""),
        ("", ""),
    ],
)
@pytest.mark.one_engine
def test_nothing_but_a_plain_origin_gets_into_the_policy(address: str, origin: str) -> None:
    assert frame_origin(address) == origin

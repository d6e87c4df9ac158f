"""The authorization endpoint: RFC 6749 §3.1 and §4.1 (https://www.rfc-editor.org/rfc/rfc6749).

Its two phases: what is wrong with client or redirect_uri is a page, anything else an error there.
"""

from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.db.transaction import writing
from authn.web.site import Site
from tests.conftest import MovableClock
from tests.oidc.relying_party import REDIRECT_URI, Holder, RelyingParty, answer_of

pytestmark = pytest.mark.thorough

MakeRP = Callable[..., RelyingParty]

# What resembles a registered address, and leads elsewhere (lessons: redirect_uri).
NOT_REGISTERED = [
    None,
    "",
    "https://evil.example/",
    REDIRECT_URI + "/",
    REDIRECT_URI + "?a=1",
    REDIRECT_URI + "#",
    REDIRECT_URI.upper(),
    REDIRECT_URI.replace("https", "http"),
    "https://hospital.example@evil.example/callback",
    "https://hospital.example\\@evil.example/callback",
    "https://hospital.example/x/../callback",
    "https://hospital.example/..;/callback",
    "https://hospital.example%2f@evil.example/callback",
    "https://hospital.exаmple/callback",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "//evil.example",
]


def test_the_answer_is_a_code_and_the_state(rp: RelyingParty, holder: Holder) -> None:  # §4.1.2
    answer = rp.allowed_by(holder).answer(state="x y&z=ü")
    assert answer.keys() == {"code", "state", "iss"}
    assert answer["state"] == "x y&z=ü"


def test_without_state_there_is_none(rp: RelyingParty, holder: Holder) -> None:
    assert "state" not in rp.allowed_by(holder).answer(state=None)


def test_the_query_of_the_redirect_uri_is_kept(make_rp: MakeRP, holder: Holder) -> None:  # §3.1.2
    uri = "https://hospital.example/cb?tenant=1&x="
    rp = make_rp(redirect_uris=[uri]).allowed_by(holder)
    location = rp.authorize().headers["location"]
    assert location.startswith(uri + "&code=")


@pytest.mark.parametrize("client_id", [None, "", "nobody", "\ud7ff", "' OR 1=1", "a" * 5000])
def test_an_unknown_client_is_a_page_and_never_a_redirect(
    rp: RelyingParty, client_id: str | None
) -> None:
    response = rp.authorize(client_id=client_id)
    assert response.status_code == 400
    assert "location" not in response.headers
    assert response.headers["content-type"].startswith("text/html")
    assert REDIRECT_URI not in response.text


@pytest.mark.parametrize("redirect_uri", NOT_REGISTERED)
@pytest.mark.one_engine
def test_a_redirect_uri_that_is_not_registered_is_a_page_and_never_a_redirect(
    rp: RelyingParty, holder: Holder, redirect_uri: str | None
) -> None:  # §3.1.2.4
    response = rp.allowed_by(holder).authorize(redirect_uri=redirect_uri)
    assert response.status_code == 400
    assert "location" not in response.headers
    assert "evil." not in response.text
    assert "alert(1)" not in response.text


def test_another_client_s_redirect_uri_is_not_one_s_own(
    rp: RelyingParty, other_rp: RelyingParty
) -> None:
    assert rp.authorize(redirect_uri=other_rp.redirect_uri).status_code == 400


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "scope", "state", "prompt", "other"])
def test_a_parameter_that_comes_twice_is_refused(rp: RelyingParty, name: str) -> None:  # §3.1
    query = urlencode([*rp.request(prompt="login", other="1").items(), (name, "again")])
    response = rp.browser.get("/authorize?" + query)
    assert response.status_code == 400
    assert "location" not in response.headers


def test_a_parameter_without_a_value_is_as_one_left_out(
    rp: RelyingParty, holder: Holder
) -> None:  # §3.1
    answer = rp.allowed_by(holder).answer(state="", prompt="", max_age="", response_mode="")
    assert answer.keys() == {"code", "iss"}


def test_a_parameter_that_nobody_knows_is_ignored(rp: RelyingParty, holder: Holder) -> None:  # §3.1
    assert "code" in rp.allowed_by(holder).answer(unknown="value", display="wap")


def test_a_missing_response_type_is_an_invalid_request(rp: RelyingParty) -> None:
    answer = rp.answer(response_type=None)
    assert (answer["error"], answer["state"]) == ("invalid_request", "af0ifjsldkj")


@pytest.mark.parametrize(
    "response_type", ["token", "id_token", "code token", "code id_token", "none", "CODE", '"', "é"]
)
@pytest.mark.one_engine
def test_any_other_response_type_is_unsupported(rp: RelyingParty, response_type: str) -> None:
    assert rp.answer(response_type=response_type)["error"] == "unsupported_response_type"


@pytest.mark.parametrize("scope", [None, "", " ", "unknown", "OPENID", "ssin", "offline_access"])
@pytest.mark.one_engine
def test_no_scope_that_the_client_may_have_is_an_invalid_scope(
    rp: RelyingParty, scope: str | None
) -> None:  # §3.3
    assert rp.answer(scope=scope)["error"] == "invalid_scope"


def test_what_a_client_may_not_have_is_left_out_and_the_token_answer_says_so(
    rp: RelyingParty, holder: Holder
) -> None:  # §3.3
    rp.allowed_by(holder)
    assert rp.tokens(scope="profile openid ssin phone openid")["scope"] == "profile openid"


def test_without_openid_it_is_plain_oauth(rp: RelyingParty, holder: Holder) -> None:
    tokens = rp.allowed_by(holder).tokens(scope="profile")
    assert "id_token" not in tokens
    assert rp.userinfo(tokens["access_token"]).status_code == 403


def test_a_state_longer_than_anyone_needs_is_refused(rp: RelyingParty) -> None:
    answer = rp.answer(state="s" * 4097)
    assert answer["error"] == "invalid_request"
    assert rp.answer(nonce="n" * 1025)["error"] == "invalid_request"


def test_a_long_state_and_nonce_come_back(rp: RelyingParty, holder: Holder) -> None:
    rp.allowed_by(holder)
    assert rp.answer(state="s" * 4096)["state"] == "s" * 4096


def test_a_post_turns_into_a_get(rp: RelyingParty, holder: Holder) -> None:  # decisions 4.16
    rp.allowed_by(holder)
    response = rp.browser.post("/authorize", data=rp.request())
    assert response.status_code == 303
    location = response.headers["location"]
    assert urlsplit(location).path == "/authorize"
    answer = answer_of(rp.browser.get(location), rp.redirect_uri)
    assert answer.keys() == {"code", "state", "iss"}
    assert rp.browser.get(location).status_code == 410  # one request, one code


def test_a_post_says_nothing_in_the_address(rp: RelyingParty) -> None:
    """It may be longer than an address: a request object of 12 kB, say."""
    response = rp.browser.post("/authorize", data=rp.request(login_hint="x" * 20_000))
    assert urlsplit(response.headers["location"]).path == "/authorize"
    assert len(response.headers["location"]) < 1500


def test_a_post_that_is_not_answered_soon_is_over(rp: RelyingParty, clock: MovableClock) -> None:
    location = rp.browser.post("/authorize", data=rp.request()).headers["location"]
    clock.advance(seconds=90)
    assert rp.browser.get(location).status_code == 410


@pytest.mark.parametrize("token", ["", "garbage", "1.2", "é"])
def test_what_nobody_posted_is_a_page(rp: RelyingParty, token: str) -> None:
    response = rp.browser.get("/authorize?" + urlencode({"posted": token}))
    assert response.status_code == 400
    assert "location" not in response.headers


def test_what_a_page_holds_is_not_what_was_posted(rp: RelyingParty) -> None:
    """A token of one purpose is worth nothing for another (decisions 2.1)."""
    pending = parse_qs(urlsplit(rp.authorize().headers["location"]).query)["request"][0]
    assert rp.browser.get("/authorize?" + urlencode({"posted": pending})).status_code == 400
    location = rp.browser.post("/authorize", data=rp.request()).headers["location"]
    posted = parse_qs(urlsplit(location).query)["posted"][0]
    answer = rp.browser.get("/login/continue?" + urlencode({"request": posted}))
    assert answer.status_code == 400


def test_what_may_hold_a_national_number_is_dropped_on_arrival(rp: RelyingParty) -> None:
    number = "03410100128"  # decisions 1.5
    request = rp.request(login_hint=number, claims=f'{{"id_token":{{"ssin":"{number}"}}}}')
    for response in (
        rp.browser.post("/authorize", data=request),
        rp.browser.get("/authorize?" + urlencode(request)),
    ):
        assert response.status_code == 303
        assert number not in response.headers["location"]
        assert number not in rp.browser.get(response.headers["location"]).text


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_not_supported_is_refused_by_its_own_error(
    rp: RelyingParty, method: str
) -> None:  # OpenID Core §3.1.2.6
    request = rp.request(registration="{}")
    if method == "POST":
        response = rp.browser.post("/authorize", data=request)
    else:
        response = rp.browser.get("/authorize?" + urlencode(request))
    assert answer_of(response, rp.redirect_uri)["error"] == "registration_not_supported"


def test_a_query_that_is_too_long_is_refused(rp: RelyingParty) -> None:
    assert rp.authorize(state="s" * 17_000).status_code == 413


def test_the_answer_is_not_cached(rp: RelyingParty, holder: Holder) -> None:
    response = rp.allowed_by(holder).authorize()
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["referrer-policy"] in ("no-referrer", "same-origin")


def test_no_script_of_another_origin_reads_it(rp: RelyingParty, holder: Holder) -> None:
    rp.allowed_by(holder)
    for method in ("GET", "OPTIONS"):
        response = rp.browser.request(
            method,
            "/authorize?" + urlencode(rp.request()),
            headers={"Origin": "https://hospital.example"},
        )
        assert "access-control-allow-origin" not in response.headers


def test_a_visitor_without_a_session_writes_nothing(site: Site, rp: RelyingParty) -> None:
    """Decisions 8.3: the request is answered while somebody else holds the write lock."""
    with writing(site.database):
        response = rp.authorize()
    assert urlsplit(response.headers["location"]).path == "/login"


def test_a_client_without_the_grant_type_is_unauthorized(make_rp: MakeRP) -> None:  # §4.1.2.1
    rp = make_rp(
        organisation="0123456749",
        metadata=ClientMetadata(grant_types=("client_credentials",)),
    )
    assert rp.answer()["error"] == "unauthorized_client"


def test_two_requests_get_two_codes(rp: RelyingParty, holder: Holder) -> None:
    rp.allowed_by(holder)
    assert rp.code() != rp.code()


def test_a_native_application_s_port_may_be_any(
    make_rp: MakeRP, holder: Holder, client: TestClient
) -> None:  # RFC 8252 §7.3
    rp = make_rp(
        application_type="native",
        token_endpoint_auth_method="none",
        redirect_uris=["http://127.0.0.1/cb"],
    ).allowed_by(holder)
    location = rp.authorize(redirect_uri="http://127.0.0.1:51004/cb").headers["location"]
    assert location.startswith("http://127.0.0.1:51004/cb?")
    code = parse_qs(urlsplit(location).query)["code"][0]
    assert rp.redeem(code).json()["error"] == "invalid_grant"  # not the port of the request
    code = rp.code(redirect_uri="http://127.0.0.1/cb")
    assert rp.redeem(code).status_code == 200

"""What a person must do before an application gets its answer.

OpenID Connect Core 1.0 §3.1.2.1 and §3.1.2.3
(https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest).
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from sqlalchemy import func, select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.audit.log import audit_events
from authn.db.transaction import reading
from authn.grants.tables import authorization_codes
from authn.web.site import Site
from tests.citizen import ORIGIN, Screen, enrolled
from tests.conftest import MovableClock
from tests.hospital import CLIENT_ID, REDIRECT_URI, register_hospital

CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636, appendix B


@pytest.fixture(autouse=True)
def application(site: Site) -> None:
    """A relying application is registered, and there are signing keys."""
    register_hospital(site, scope="openid profile ssin", may_read_ssin=True)


@pytest.fixture
def screen(site: Site, client: TestClient) -> Screen:
    """Hanne, signed in on the laptop with which she enrolled."""
    _, screen = enrolled(site, client)
    return screen


@pytest.fixture
def stranger(app: Starlette) -> Iterator[Screen]:
    """Another browser, in which nobody is signed in."""
    with TestClient(app, base_url=ORIGIN, follow_redirects=False) as client:
        yield Screen(client)


def authorize(screen: Screen, **parameters: Any) -> str:
    """Where an authorization request leads."""
    request = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "scope": "openid profile",
        "state": "s",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    request |= parameters
    answer = screen.client.get("/authorize?" + urlencode(request, doseq=True))
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def query(location: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def waiting(location: str, page: str) -> str:
    """The token of the request that waits at this page."""
    assert urlsplit(location).path == page, location
    return query(location)["request"]


def allow(screen: Screen, token: str) -> str:
    """Where the page leads that follows on "allow"."""
    answer = screen.answer_page("/consent", token, decision="allow")
    assert answer.status_code == 200
    return data_location(answer.text)


def data_location(html: str) -> str:
    return html.partition('data-location="')[2].partition('"')[0].replace("&amp;", "&")


def events(site: Site, name: str) -> int:
    with reading(site.database) as connection:
        statement = select(func.count()).where(audit_events.c.event == name)
        return connection.execute(statement).scalar_one()


def test_who_is_signed_in_and_has_allowed_it_goes_straight_back(screen: Screen) -> None:
    location = allow(screen, waiting(authorize(screen), "/consent"))
    assert location.startswith(REDIRECT_URI + "?")
    answer = query(authorize(screen))
    assert answer["state"] == "s"
    assert answer["iss"] == ORIGIN
    assert answer["code"] != query(location)["code"]


def test_who_is_not_signed_in_signs_in_first(screen: Screen) -> None:
    screen.post_form("/sign-out")
    token = waiting(authorize(screen), "/login")
    assert "Hospital" in screen.client.get("/login?request=" + token).text
    location = screen.sign_in(token).json()["location"]
    assert allow(screen, waiting(location, "/consent")).startswith(REDIRECT_URI)


def test_a_login_whose_nothing_to_ask_answers_at_once(screen: Screen, site: Site) -> None:
    allow(screen, waiting(authorize(screen), "/consent"))
    screen.post_form("/sign-out")
    token = waiting(authorize(screen), "/login")
    assert query(screen.sign_in(token).json()["location"])["code"]
    assert events(site, "application.authorised") == 2


def test_prompt_none_without_a_session_is_login_required(stranger: Screen) -> None:
    assert query(authorize(stranger, prompt="none"))["error"] == "login_required"


def test_prompt_none_without_a_consent_is_consent_required(screen: Screen) -> None:
    assert query(authorize(screen, prompt="none"))["error"] == "consent_required"


def test_prompt_none_with_session_and_consent_answers(screen: Screen) -> None:
    allow(screen, waiting(authorize(screen), "/consent"))
    assert "code" in query(authorize(screen, prompt="none"))


@pytest.mark.parametrize("parameters", [{"prompt": "login"}, {"max_age": "0"}])
def test_a_fresh_sign_in_is_one_made_for_this_request(
    screen: Screen, clock: MovableClock, parameters: dict[str, str]
) -> None:
    allow(screen, waiting(authorize(screen), "/consent"))
    clock.advance(seconds=10)
    token = waiting(authorize(screen, **parameters), "/login")
    other = waiting(authorize(screen, **parameters), "/login")
    # Going on without signing in, or after signing in for the other tab, leads back to the page.
    for _ in range(2):
        skipped = screen.client.get("/login/continue?request=" + token)
        assert urlsplit(skipped.headers["location"]).path == "/login"
        screen.sign_in(other)
    assert "code" in query(screen.sign_in(token).json()["location"])


def test_max_age_asks_only_when_the_sign_in_is_older(screen: Screen, clock: MovableClock) -> None:
    allow(screen, waiting(authorize(screen), "/consent"))
    clock.advance(seconds=30)
    assert "code" in query(authorize(screen, max_age="60"))
    clock.advance(seconds=31)
    waiting(authorize(screen, max_age="60"), "/login")


def test_prompt_consent_asks_again(screen: Screen, clock: MovableClock) -> None:
    allow(screen, waiting(authorize(screen), "/consent"))
    clock.advance(seconds=10)
    token = waiting(authorize(screen, prompt="consent"), "/consent")
    skipped = screen.client.get("/login/continue?request=" + token)
    assert urlsplit(skipped.headers["location"]).path == "/consent"
    assert "code" in query(allow(screen, token))


def test_only_what_is_new_is_asked(screen: Screen) -> None:
    allow(screen, waiting(authorize(screen, scope="openid"), "/consent"))
    token = waiting(authorize(screen, scope="openid ssin"), "/consent")
    page = screen.client.get("/consent?request=" + token, headers={"Accept-Language": "en"}).text
    assert "03.41.01-001.28" in page
    assert "Recognise you" not in page


def test_declining_tells_the_application(screen: Screen, site: Site) -> None:
    token = waiting(authorize(screen), "/consent")
    page = screen.answer_page("/consent", token, decision="decline").text
    assert query(data_location(page)) == {
        "error": "access_denied",
        "error_description": "The person declined.",
        "state": "s",
        "iss": ORIGIN,
    }
    assert events(site, "consent.declined") == 1


@pytest.mark.parametrize("decision", ["", "yes", "ALLOW"])
def test_a_decision_that_is_none_allows_nothing(screen: Screen, decision: str) -> None:
    token = waiting(authorize(screen), "/consent")
    assert screen.answer_page("/consent", token, decision=decision).status_code == 400
    waiting(authorize(screen), "/consent")


@pytest.mark.parametrize("page", ["/consent", "/select-account"])
def test_a_form_that_does_not_say_whom_it_asked_decides_nothing(screen: Screen, page: str) -> None:
    prompt = "consent" if page == "/consent" else "select_account"
    token = waiting(authorize(screen, prompt=prompt), page)
    fields = {"request": token, "decision": "allow", "choice": "continue"}
    answer = screen.post_form(page, **fields)
    assert answer.status_code == 303
    assert urlsplit(answer.headers["location"]).path == page


def test_select_account_asks_once_for_each_request(screen: Screen) -> None:
    allow(screen, waiting(authorize(screen), "/consent"))
    token = waiting(authorize(screen, prompt="select_account"), "/select-account")
    assert "Hanne" in screen.client.get("/select-account?request=" + token).text
    chosen = screen.answer_page("/select-account", token, choice="continue")
    # A page that navigates: browsers apply `form-action` to redirects after a POST.
    on = screen.client.get(data_location(chosen.text))
    assert "code" in query(on.headers["location"])
    waiting(authorize(screen, prompt="select_account"), "/select-account")


def test_another_account_signs_in_anew(screen: Screen) -> None:
    token = waiting(authorize(screen, prompt="select_account"), "/select-account")
    chosen = screen.post_form("/select-account", request=token, choice="another")
    assert screen.client.get(chosen.headers["location"]).status_code == 200
    assert urlsplit(chosen.headers["location"]).path == "/login"


def test_an_answered_request_gives_no_second_code(screen: Screen, site: Site) -> None:
    token = waiting(authorize(screen), "/consent")
    allow(screen, token)
    again = screen.client.get("/login/continue?request=" + token)
    assert again.status_code == 410
    with reading(site.database) as connection:
        count = select(func.count()).select_from(authorization_codes)
        assert connection.execute(count).scalar_one() == 1


def test_a_request_waits_in_its_own_browser_alone(screen: Screen, stranger: Screen) -> None:
    screen.post_form("/sign-out")
    token = waiting(authorize(screen), "/login")
    stranger.csrf()
    assert stranger.client.get("/login?request=" + token).status_code == 403


def test_a_request_waits_ten_minutes(screen: Screen, clock: MovableClock) -> None:
    screen.post_form("/sign-out")
    token = waiting(authorize(screen), "/login")
    clock.advance(minutes=10)
    assert screen.client.get("/login?request=" + token).status_code == 410


@pytest.mark.parametrize("token", ["", "x", "1" * 20_000, "é", "1.e30.x"])
def test_a_token_that_is_not_ours_is_refused(screen: Screen, token: str) -> None:
    for page in ("/login/continue", "/consent", "/select-account", "/login/declined"):
        answer = screen.client.get(page + "?" + urlencode({"request": token}))
        assert answer.status_code in (400, 413)


def test_ui_locales_is_the_language_of_the_pages(stranger: Screen) -> None:
    location = authorize(stranger, ui_locales="de-BE fr")
    assert '<html lang="de"' in stranger.client.get(location).text


def test_form_post_answers_with_a_form_to_the_client_alone(screen: Screen) -> None:
    token = waiting(authorize(screen, response_mode="form_post"), "/consent")
    location = allow(screen, token)
    assert urlsplit(location).path == "/login/continue"
    answer = screen.client.get(location)
    assert f'action="{REDIRECT_URI}"' in answer.text
    policy = answer.headers["content-security-policy"]
    assert "form-action 'self' https://hospital.example" in policy


def test_declining_by_form_post_posts_the_error(screen: Screen) -> None:
    token = waiting(authorize(screen, response_mode="form_post"), "/consent")
    page = screen.answer_page("/consent", token, decision="decline").text
    answer = screen.client.get(data_location(page))
    assert "access_denied" in answer.text


def test_the_account_pages_come_back_to_where_one_was(stranger: Screen) -> None:
    location = stranger.client.get("/devices").headers["location"]
    assert urlsplit(location).path == "/login"
    assert query(location)["return_to"] == "/devices"


@pytest.mark.parametrize("return_to", ["https://attacker.example/", "//attacker.example"])
def test_return_to_leads_to_our_own_pages_only(screen: Screen, return_to: str) -> None:
    location = screen.client.get("/login?" + urlencode({"return_to": return_to}))
    assert location.headers["location"] == "/"

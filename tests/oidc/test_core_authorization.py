"""OpenID Connect Core 1.0 §3.1.2 (https://openid.net/specs/openid-connect-core-1_0.html): prompt,
max_age, id_token_hint; and `iss` in every answer, RFC 9207 (https://www.rfc-editor.org/rfc/rfc9207).

What the pages in between ask is in tests/login.
"""

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from starlette.testclient import TestClient

from authn.oidc.requests.parameters import DISPLAYS
from authn.secrets import read_token
from authn.web.site import Site
from tests.citizen import KARIM, ORIGIN
from tests.conftest import MovableClock
from tests.oidc.relying_party import Holder, RelyingParty, answer_of, hold_device, sign_in


def goes_to(rp: RelyingParty, **parameters: str | None) -> str:
    """The page that the interaction opens."""
    response = rp.authorize(**parameters)
    assert response.status_code == 303
    return urlsplit(response.headers["location"]).path


@pytest.mark.parametrize(
    "parameters",
    [
        {"prompt": "none login"},
        {"prompt": "login none"},
        {"prompt": "none none consent"},
        {"prompt": "create"},
        {"prompt": "None"},
        {"prompt": "login,consent"},
        {"max_age": "-1"},
        {"max_age": "1.5"},
        {"max_age": "one"},
        {"max_age": "٣"},
        {"max_age": "9" * 10},
        {"max_age": " 1"},
        {"response_mode": "fragment"},
        {"response_mode": "fragment.jwt"},
        {"response_mode": "Query"},
        {"id_token_hint": "garbage"},
        {"dpop_jkt": "x"},
        {"dpop_jkt": "x" * 44},
        {"dpop_jkt": "=" * 43},
    ],
)
@pytest.mark.one_engine
def test_what_has_no_meaning_is_an_invalid_request(
    rp: RelyingParty, holder: Holder, parameters: dict[str, str]
) -> None:
    answer = rp.allowed_by(holder).answer(**parameters)
    assert answer["error"] == "invalid_request"
    assert answer.keys() == {"error", "error_description", "state", "iss"}
    assert answer["error_description"].isascii()


def test_prompt_none_answers_whoever_is_signed_in(rp: RelyingParty, holder: Holder) -> None:
    assert "code" in rp.allowed_by(holder).answer(prompt="none")


def test_prompt_none_shows_no_page_to_whoever_is_not(rp: RelyingParty) -> None:
    assert rp.answer(prompt="none")["error"] == "login_required"


def test_prompt_none_asks_for_no_consent(rp: RelyingParty, holder: Holder) -> None:
    assert rp.answer(prompt="none")["error"] == "consent_required"


def test_prompt_none_and_a_sign_in_that_is_too_old(
    rp: RelyingParty, holder: Holder, clock: MovableClock
) -> None:
    rp.allowed_by(holder)
    clock.advance(seconds=100)
    assert "code" in rp.answer(prompt="none", max_age="100")
    clock.advance(seconds=1)
    assert rp.answer(prompt="none", max_age="100")["error"] == "login_required"
    assert rp.answer(prompt="none", max_age="0")["error"] == "login_required"


@pytest.mark.parametrize(
    ("parameters", "page"),
    [
        ({"prompt": "login"}, "/login"),
        ({"prompt": "consent"}, "/consent"),
        ({"prompt": "select_account"}, "/select-account"),
        ({"prompt": "consent login"}, "/login"),
        ({"prompt": "login login"}, "/login"),
        ({"max_age": "0"}, "/login"),
    ],
)
def test_each_prompt_opens_its_page(
    rp: RelyingParty, holder: Holder, clock: MovableClock, parameters: dict[str, str], page: str
) -> None:
    rp.allowed_by(holder)
    clock.advance(seconds=1)
    assert goes_to(rp, **parameters) == page


def test_the_pending_request_holds_nothing_personal(
    site: Site, rp: RelyingParty, client: TestClient
) -> None:
    """Decisions 2.1: a token in the address bar is signed, not secret."""
    response = rp.authorize(login_hint="03410100128", ui_locales="fr nl")
    token = parse_qs(urlsplit(response.headers["location"]).query)["request"][0]
    content = read_token(site.secrets, "authorization-request", token, site.clock())
    assert content["request"].keys() == {
        "request_id",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "nonce",
        "code_challenge",
        "response_mode",
        "ui_locales",
        "arrived_at",
    }


def test_ui_locales_that_are_none_are_no_error(rp: RelyingParty, holder: Holder) -> None:
    assert "code" in rp.allowed_by(holder).answer(ui_locales="<script> \x01", prompt="none")


@pytest.mark.parametrize(
    "parameters",
    [
        *({"display": display} for display in DISPLAYS),
        {"display": "hologram"},
        {"claims_locales": "fr-BE nl"},
        {"login_hint": "somebody"},
        {"unknown": "x"},
    ],
)
@pytest.mark.one_engine
def test_what_changes_nothing_is_no_error(
    rp: RelyingParty, holder: Holder, parameters: dict[str, str]
) -> None:  # §3.1.2.1; RFC 6749 §3.1: unrecognised parameters are ignored
    assert "code" in rp.allowed_by(holder).answer(**parameters)


def test_the_hint_of_whoever_is_signed_in_is_answered(rp: RelyingParty, holder: Holder) -> None:
    hint = rp.allowed_by(holder).tokens()["id_token"]
    assert "code" in rp.answer(id_token_hint=hint, prompt="none")


def test_an_expired_hint_is_one_all_the_same(
    rp: RelyingParty, holder: Holder, clock: MovableClock
) -> None:
    hint = rp.allowed_by(holder).tokens()["id_token"]
    clock.advance(minutes=30)
    assert "code" in rp.answer(id_token_hint=hint)


def test_the_hint_of_another_person_is_login_required(
    site: Site, rp: RelyingParty, holder: Holder, client: TestClient
) -> None:  # §3.1.2.1: "otherwise, it MUST return an error"
    hint = rp.allowed_by(holder).tokens()["id_token"]
    karim = hold_device(site, client, KARIM)
    rp.allowed_by(karim)
    for parameters in ({"prompt": "none"}, {}):
        assert rp.answer(id_token_hint=hint, **parameters)["error"] == "login_required"
    sign_in(site, client, holder.held)
    assert "code" in rp.answer(id_token_hint=hint)


def test_the_hint_of_another_client_is_refused(
    rp: RelyingParty, other_rp: RelyingParty, holder: Holder
) -> None:
    hint = other_rp.allowed_by(holder).tokens()["id_token"]
    assert rp.allowed_by(holder).answer(id_token_hint=hint)["error"] == "invalid_request"


def test_an_access_token_is_no_hint(rp: RelyingParty, holder: Holder) -> None:
    hint = rp.allowed_by(holder).tokens()["access_token"]
    assert rp.answer(id_token_hint=hint)["error"] == "invalid_request"


def test_iss_is_in_every_answer(rp: RelyingParty, holder: Holder) -> None:  # RFC 9207 §2
    assert rp.answer(prompt="none")["iss"] == ORIGIN
    assert rp.answer(response_type="token")["iss"] == ORIGIN
    assert rp.allowed_by(holder).answer()["iss"] == ORIGIN


def test_a_request_is_answered_although_the_client_is_sent_by_post(
    rp: RelyingParty, holder: Holder
) -> None:  # §3.1.2.1: GET and POST
    rp.allowed_by(holder)
    first = rp.browser.post(
        "/authorize",
        content=urlencode(rp.request(prompt="none")),
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": "https://hospital.example",
            "Sec-Fetch-Site": "cross-site",
        },
    )
    assert "code" in answer_of(rp.browser.get(first.headers["location"]), rp.redirect_uri)


@pytest.mark.parametrize("path", ["/authorize", "/logout", "/consent"])
def test_a_post_from_another_site_does_not_take_the_browser_s_own_cookie(
    rp: RelyingParty, client: TestClient, path: str
) -> None:
    """It came without it (Lax); a new one would undo what waits in another tab."""
    answer = client.post(
        path,
        data=rp.request(),
        headers={"Origin": "https://hospital.example", "Sec-Fetch-Site": "cross-site"},
    )
    assert answer.status_code in (303, 403)
    assert "set-cookie" not in answer.headers

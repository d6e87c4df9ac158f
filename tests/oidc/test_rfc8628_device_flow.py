"""Device authorization grant: RFC 8628 (https://www.rfc-editor.org/rfc/rfc8628).

An application without a browser shows a code; a person types it elsewhere, and allows it or not.
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.audit.log import audit_events
from authn.clients.client_metadata import ClientMetadata
from authn.clients.clients import DEVICE_CODE
from authn.db.transaction import reading, writing
from authn.devices.life import unlink
from authn.grants import device_codes as room
from authn.grants.device_codes import (
    allow_device,
    build_device_request,
    find_waiting_device_code,
    forget_old_device_codes,
    redeem_device_code,
)
from authn.grants.endings.ended_grants import end_client
from authn.grants.tables import device_codes, grants, wrong_user_codes
from authn.grants.user_codes import (
    ALPHABET,
    MOST_WRONG_CODES,
    forget_wrong_user_codes,
    new_user_code,
    read_user_code,
    spend_try,
)
from authn.secrets import token_hash
from authn.settings import Settings
from authn.web.site import Site
from tests.citizen import ORIGIN, Screen, enrolled
from tests.commands import run_command
from tests.conftest import MovableClock
from tests.occasion import job
from tests.oidc.apis import PRESCRIPTIONS, details, register_api
from tests.oidc.dpop_proofs import DpopKey
from tests.oidc.other_screens import (
    OtherScreen,
    decide,
    error,
    go_on,
    other_screen,
    to_confirm,
)
from tests.oidc.relying_party import Holder, RelyingParty, segment
from tests.oidc.test_cost import counted
from tests.screens import everything
from tests.together import at_once

pytestmark = pytest.mark.thorough

UNKNOWN = "BCDF-GHJK"


@pytest.fixture
def television(site: Site, backchannel: TestClient) -> OtherScreen:
    return other_screen(site, backchannel)


@pytest.fixture
def screen(client: TestClient, holder: Holder) -> Screen:
    """The browser in which Hanne is signed in."""
    return in_english(client)


@pytest.fixture
def stranger(app: Starlette) -> Iterator[Screen]:
    """A browser in which nobody is signed in."""
    with TestClient(app, base_url=ORIGIN, follow_redirects=False) as browser:
        yield in_english(browser)


def in_english(browser: TestClient) -> Screen:
    browser.headers["Accept-Language"] = "en"
    return Screen(browser)


def column(site: Site, name: str) -> Any:
    with reading(site.database) as connection:
        return connection.execute(select(device_codes.c[name])).scalar_one()


def count(site: Site, event: str) -> int:
    counting = select(func.count()).where(audit_events.c.event == event)
    with reading(site.database) as connection:
        return connection.execute(counting).scalar_one()


# --------------------------------------------------------- §3.1, §3.2: the request, its answer


def test_both_codes_and_where_to_type(television: OtherScreen) -> None:  # §3.2
    answer = television.ask()
    assert answer.headers["cache-control"] == "no-store"
    codes = answer.json()
    assert re.fullmatch(f"[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}", codes["user_code"])  # §6.1
    assert codes == {
        "device_code": codes["device_code"],
        "user_code": codes["user_code"],
        "verification_uri": f"{ORIGIN}/device",
        "verification_uri_complete": f"{ORIGIN}/device?user_code={codes['user_code']}",
        "expires_in": 600,
        "interval": 5,
    }
    assert len(codes["device_code"]) == 43  # 32 bytes


def test_no_code_is_stored_as_it_is(site: Site, television: OtherScreen) -> None:
    codes = television.asked()
    stored = repr(everything(site))
    typed = read_user_code(codes["user_code"])
    assert typed
    # So short a code could be found again from a hash without a key.
    for code in (codes["device_code"], codes["user_code"], typed, token_hash(typed)):
        assert code not in stored


def test_the_endpoint_is_discovered(client: TestClient) -> None:  # §4
    metadata = client.get("/.well-known/openid-configuration").json()
    assert metadata["device_authorization_endpoint"] == f"{ORIGIN}/device_authorization"
    assert DEVICE_CODE in metadata["grant_types_supported"]


def test_only_clients_that_the_operator_gave_the_grant_type(
    site: Site, rp: RelyingParty, backchannel: TestClient
) -> None:
    rp.browser = backchannel
    answer = OtherScreen(rp).ask()
    assert error(answer) == "unauthorized_client"
    assert error(OtherScreen(rp).poll("x")) == "unauthorized_client"


def test_a_confidential_client_authenticates(site: Site, backchannel: TestClient) -> None:  # §3.1
    made = other_screen(site, backchannel, token_endpoint_auth_method="client_secret_basic")
    assert "device_code" in made.asked()
    made.rp.client_secret = "another"
    assert made.ask().status_code == 401
    assert backchannel.post("/device_authorization", data={"scope": "openid"}).status_code == 401


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"scope": "nothing"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"resource": "https://unknown.example/"}, "invalid_target"),
        ({"authorization_details": "["}, "invalid_authorization_details"),
        ({"scope": ["openid", "profile"]}, "invalid_request"),
        ({"proof": "x"}, "invalid_dpop_proof"),
    ],
)
def test_what_may_not_be_asked_is_refused(
    site: Site, television: OtherScreen, form: dict[str, Any], expected: str
) -> None:
    assert error(television.ask(**form)) == expected
    with reading(site.database) as connection:
        assert connection.execute(select(device_codes)).all() == []


def test_a_request_has_an_end(site: Site, backchannel: TestClient) -> None:
    register_api(site)
    metadata = ClientMetadata(
        grant_types=(DEVICE_CODE,), authorization_details_types=("actions_at_resource",)
    )
    made = other_screen(
        site, backchannel, metadata=metadata, scope="openid read", resources=[PRESCRIPTIONS]
    )
    long = details("read", identifier="x" * 200)
    many = "[" + ",".join([long[1:-1]] * 60) + "]"
    assert made.ask(authorization_details=many).status_code == 400


def test_browsers_of_other_origins_get_nothing(television: OtherScreen) -> None:
    television.rp.browser.headers["Origin"] = "https://app.example"
    assert "access-control-allow-origin" not in television.ask().headers


def test_get_is_no_way_to_ask(client: TestClient) -> None:
    assert client.get("/device_authorization").status_code == 405


def test_a_code_that_is_taken_is_drawn_anew(
    site: Site, television: OtherScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = read_user_code(television.asked()["user_code"])
    drawn = iter([taken, taken, "BBBBCCCC"])
    monkeypatch.setattr(room, "new_user_code", lambda: next(drawn))
    assert television.asked()["user_code"] == "BBBB-CCCC"


# ------------------------------------------------------------------------- §6.1: the user code


@pytest.mark.one_engine
@pytest.mark.parametrize(
    "typed", ["BCDF-GHJK", "bcdfghjk", " bcdf ghjk ", "BCDF–GHJK", "b.c.d.f.g.h.j.k", "BCDF_GHJK"]
)
def test_case_and_what_is_between_do_not_matter(typed: str) -> None:
    assert read_user_code(typed) == "BCDFGHJK"


@pytest.mark.one_engine
@pytest.mark.parametrize(
    "typed", ["", "BCDF-GHJ", "BCDF-GHJKL", "ACDF-GHJK", "BCDF-GHJ0", "１" * 8]
)
def test_what_can_be_no_code(typed: str) -> None:
    assert read_user_code(typed) is None


@pytest.mark.one_engine
def test_every_letter_comes() -> None:
    assert set("".join(new_user_code() for _ in range(200))) == set(ALPHABET)


# --------------------------------------------------------- §3.3: the person types the code


def test_the_whole_way(site: Site, television: OtherScreen, screen: Screen) -> None:
    codes = television.asked()
    page = decide(screen, codes["user_code"])
    assert "You can go back to your other device" in page.text
    tokens = television.poll(codes["device_code"]).json()
    assert tokens["token_type"] == "Bearer"
    assert tokens["scope"] == "openid profile"
    assert segment(tokens["id_token"], 1)["aud"] == "television"
    assert television.rp.userinfo(tokens["access_token"]).json()["name"] == "Hanne Van der Meulen"
    assert count(site, "application.other-screen-allowed") == 1
    assert count(site, "application.authorised") == 0


def test_who_is_not_signed_in_signs_in_on_the_way(
    site: Site, television: OtherScreen, client: TestClient
) -> None:
    _, screen = enrolled(site, client)
    screen.post_form("/sign-out")
    codes = television.asked()
    location = go_on(screen, codes["user_code"])
    assert urlsplit(location).path == "/login"
    page = screen.client.get(location).text
    assert "Television" in page
    token = parse_qs(urlsplit(location).query)["request"][0]
    after = screen.sign_in(token).json()["location"]
    assert urlsplit(after).path == "/consent"
    token = parse_qs(urlsplit(after).query)["request"][0]
    answer = screen.answer_page("/consent", token, decision="allow")
    answer = screen.client.get(answer.headers["location"])
    assert urlsplit(answer.headers["location"]).path == "/device/allowed"
    assert "access_token" in television.poll(codes["device_code"]).json()


def test_an_address_with_the_code_fills_it_in_and_asks_all_the_same(
    television: OtherScreen, screen: Screen
) -> None:  # §3.3.1, §5.4
    codes = television.asked()
    page = screen.client.get(codes["verification_uri_complete"].removeprefix(ORIGIN))
    assert f'value="{codes["user_code"]}"' in page.text
    assert "Television" not in page.text
    typed = to_confirm(screen, codes["user_code"])
    page = screen.client.get(f"/device/confirm?typed={typed}")
    assert "Did you start this yourself?" in page.text
    assert codes["user_code"] in page.text  # §3.3.1: to be compared with the other screen
    assert "Did somebody send you this code?" in page.text
    assert "Your name, date of birth and language" in page.text
    assert "Van der Meulen</dd>" not in page.text


def test_nothing_of_a_code_in_an_address_is_shown_that_is_none(client: TestClient) -> None:
    page = client.get("/device?user_code=<script>alert(1)</script>")
    assert "alert" not in page.text


def test_nothing_is_asked_of_who_did_not_go_on(television: OtherScreen, screen: Screen) -> None:
    codes = television.asked()
    typed = to_confirm(screen, codes["user_code"])
    for path in ("/consent", "/login/continue", "/device/allowed", "/device/stopped"):
        assert screen.client.get(f"{path}?request={typed}").status_code == 400
    assert error(television.poll(codes["device_code"])) == "authorization_pending"


def test_it_is_asked_anew_each_time(
    television: OtherScreen, screen: Screen, clock: MovableClock
) -> None:  # §5.4
    decide(screen, television.asked()["user_code"])
    clock.advance(seconds=1)
    location = go_on(screen, television.asked()["user_code"])
    assert urlsplit(location).path == "/consent"


def test_a_first_party_application_asks_too(
    site: Site, backchannel: TestClient, screen: Screen
) -> None:
    made = other_screen(site, backchannel, application_type="web", first_party=True)
    assert urlsplit(go_on(screen, made.asked()["user_code"])).path == "/consent"


def test_another_device_is_needed_where_policy_says_so(
    site: Site, backchannel: TestClient, screen: Screen
) -> None:
    made = other_screen(site, backchannel, policy="certified")
    codes = made.asked()
    location = go_on(screen, codes["user_code"])
    assert urlsplit(location).path == "/login/device-needed"
    back = screen.client.get(location.replace("/login/device-needed", "/login/without-device"))
    page = screen.client.get(back.headers["location"])
    assert "Nothing was allowed" in page.text
    assert error(made.poll(codes["device_code"])) == "access_denied"


def test_a_policy_that_is_none_turns_the_device_away(
    site: Site, backchannel: TestClient, screen: Screen
) -> None:
    made = other_screen(site, backchannel, policy="none-such")
    codes = made.asked()
    location = go_on(screen, codes["user_code"])
    assert urlsplit(location).path == "/device/stopped"
    screen.client.get(location)
    assert error(made.poll(codes["device_code"])) == "access_denied"


def test_a_fresh_sign_in_where_the_client_registered_one(
    site: Site, backchannel: TestClient, screen: Screen
) -> None:
    metadata = ClientMetadata(grant_types=(DEVICE_CODE,), default_max_age=0)
    made = other_screen(site, backchannel, metadata=metadata)
    assert urlsplit(go_on(screen, made.asked()["user_code"])).path == "/login"


def test_another_browser_that_has_keys_begins_with_the_code(
    site: Site, backchannel: TestClient, stranger: Screen
) -> None:
    made = other_screen(site, backchannel, application_type="web")
    page = stranger.client.get(go_on(stranger, made.asked()["user_code"])).text
    assert f'data-elsewhere="{ORIGIN}/device"' in page
    assert "Open this page in your browser" in page


# ------------------------------------------------------------------------- no, and who says it


def test_no_before_anybody_signed_in(site: Site, television: OtherScreen, stranger: Screen) -> None:
    codes = television.asked()
    typed = to_confirm(stranger, codes["user_code"])
    answer = stranger.post_form("/device/confirm", typed=typed, decision="no")
    for _ in range(2):  # a page that is loaded again says the same
        page = stranger.client.get(answer.headers["location"])
        assert "Nothing was allowed" in page.text
    assert error(television.poll(codes["device_code"])) == "access_denied"
    assert error(television.poll(codes["device_code"])) == "access_denied"
    assert count(site, "application.other-screen-declined") == 1
    assert stranger.post_form("/device", user_code=codes["user_code"]).status_code == 422


def test_no_at_consent(site: Site, television: OtherScreen, screen: Screen) -> None:
    codes = television.asked()
    page = decide(screen, codes["user_code"], "decline")
    assert "Nothing was allowed" in page.text
    assert error(television.poll(codes["device_code"])) == "access_denied"
    assert count(site, "consent.declined") == 1


def test_no_at_sign_in(television: OtherScreen, stranger: Screen) -> None:
    codes = television.asked()
    login = go_on(stranger, codes["user_code"])
    back = stranger.client.get(login.replace("/login?", "/login/declined?"))
    assert "Nothing was allowed" in stranger.client.get(back.headers["location"]).text
    assert error(television.poll(codes["device_code"])) == "access_denied"


def test_no_after_yes_takes_nothing_back_and_says_so(
    television: OtherScreen, screen: Screen
) -> None:
    codes = television.asked()
    token = parse_qs(urlsplit(go_on(screen, codes["user_code"])).query)["request"][0]
    decide(screen, codes["user_code"])
    answer = screen.client.get(f"/device/stopped?request={token}")
    assert answer.status_code == 410
    assert "Nothing was allowed" not in answer.text
    assert "access_token" in television.poll(codes["device_code"]).json()


def test_neither_yes_nor_no(television: OtherScreen, screen: Screen) -> None:
    typed = to_confirm(screen, television.asked()["user_code"])
    assert screen.post_form("/device/confirm", typed=typed).status_code == 400


def test_what_was_typed_in_one_browser_counts_in_no_other(
    television: OtherScreen, screen: Screen, stranger: Screen
) -> None:
    codes = television.asked()
    typed = to_confirm(screen, codes["user_code"])
    assert stranger.client.get(f"/device/confirm?typed={typed}").status_code == 403
    answer = stranger.post_form("/device/confirm", typed=typed, decision="no")
    assert answer.status_code == 403
    assert error(television.poll(codes["device_code"])) == "authorization_pending"


def test_other_requests_do_not_end_here(rp: RelyingParty, screen: Screen) -> None:
    location = rp.authorize().headers["location"]
    for path in ("/device/allowed", "/device/stopped"):
        answer = screen.client.get(f"{path}?{urlsplit(location).query}")
        assert answer.status_code == 400


def test_the_last_page_tells_nobody_that_it_was_allowed_who_did_not(
    television: OtherScreen, screen: Screen
) -> None:
    location = go_on(screen, television.asked()["user_code"])
    answer = screen.client.get(location.replace("/consent?", "/device/allowed?"))
    assert answer.headers["location"] == "/device"


# ---------------------------------------------------------------- where it was asked (§5.4)


def test_the_network_of_a_public_client_is_compared(
    site: Site, app: Starlette, television: OtherScreen
) -> None:
    def at(address: str) -> TestClient:
        return TestClient(app, base_url=ORIGIN, follow_redirects=False, client=(address, 50_000))

    television.rp.browser = at("9.9.9.9")
    for address, words in (
        ("9.9.9.9", "the same as this screen"),
        ("9.9.9.10", "another one than this screen"),
    ):
        screen = in_english(at(address))
        typed = to_confirm(screen, television.asked()["user_code"])
        assert words in screen.client.get(f"/device/confirm?typed={typed}").text
    assert "9.9.9" not in repr(everything(site))


def test_the_place_is_shown_and_how_long_ago(
    site: Site, television: OtherScreen, screen: Screen, clock: MovableClock
) -> None:
    codes = television.asked()
    place = {"nl": "Gent, België", "en": "Ghent, Belgium", "fr": "Gand", "de": "Gent"}
    with writing(site.database) as connection:
        connection.execute(update(device_codes).values(place=place))
    clock.advance(minutes=3)
    typed = to_confirm(screen, codes["user_code"])
    page = screen.client.get(f"/device/confirm?typed={typed}").text
    assert "about Ghent, Belgium" in page
    assert "3 minutes ago" in page


def test_the_address_of_a_server_tells_nothing_of_the_device(site: Site, app: Starlette) -> None:
    server = TestClient(app, base_url=ORIGIN, client=("9.9.9.9", 50_000))
    other_screen(site, server, token_endpoint_auth_method="client_secret_basic").asked()
    assert (column(site, "place"), column(site, "network")) == (None, None)


# -------------------------------------------------------------- §5.1: trying codes out


def test_wrong_codes_are_counted_and_then_one_signs_in_first(
    television: OtherScreen, stranger: Screen, clock: MovableClock
) -> None:
    codes = television.asked()
    for _ in range(MOST_WRONG_CODES):
        assert stranger.post_form("/device", user_code=UNKNOWN).status_code == 422
    # Another browser of the same network, and even the right code.
    stranger.client.cookies.clear()
    answer = stranger.post_form("/device", user_code=codes["user_code"])
    assert answer.headers["location"] == "/login?return_to=%2Fdevice"
    clock.advance(minutes=10)
    fresh = television.asked()
    to_confirm(stranger, fresh["user_code"])


def test_who_is_signed_in_goes_on_until_they_have_typed_too_many_themselves(
    television: OtherScreen, stranger: Screen, screen: Screen
) -> None:
    codes = television.asked()
    for _ in range(MOST_WRONG_CODES):
        stranger.post_form("/device", user_code=UNKNOWN)
    to_confirm(screen, codes["user_code"])
    for _ in range(MOST_WRONG_CODES):
        assert screen.post_form("/device", user_code=UNKNOWN).status_code == 422
    answer = screen.post_form("/device", user_code=codes["user_code"])
    assert answer.status_code == 429
    assert "Wait ten minutes" in answer.text


def test_right_codes_do_not_count(television: OtherScreen, stranger: Screen) -> None:
    codes = television.asked()
    for _ in range(MOST_WRONG_CODES + 1):
        to_confirm(stranger, codes["user_code"])


def test_what_can_be_no_code_is_not_counted(site: Site, stranger: Screen) -> None:
    for typed in ("", "x", "BCDF-GHJ0", "é" * 40):
        assert stranger.post_form("/device", user_code=typed).status_code == 422
    with reading(site.database) as connection:
        assert connection.execute(select(wrong_user_codes)).all() == []


def test_no_more_are_compared_however_many_come_at_once(site: Site) -> None:
    def try_one() -> bool:
        with writing(site.database) as connection:
            return spend_try(connection, "network x", site.clock())

    for _ in range(MOST_WRONG_CODES - 3):
        assert try_one()
    assert at_once(try_one).count(True) == 3


def test_one_sentence_answers_every_code_that_does_not_wait(
    television: OtherScreen, stranger: Screen, clock: MovableClock
) -> None:
    expired = television.asked()["user_code"]
    clock.advance(minutes=10)
    declined = television.asked()["user_code"]
    typed = to_confirm(stranger, declined)
    answer = stranger.post_form("/device/confirm", typed=typed, decision="no")
    stranger.client.get(answer.headers["location"])
    texts = set()
    for user_code in (UNKNOWN, expired, declined):
        answer = stranger.post_form("/device", user_code=user_code)
        assert answer.status_code == 422
        texts.add(answer.text.replace(user_code, ""))
    assert len(texts) == 1


# ------------------------------------------------------------------- §3.4, §3.5: the polls


def test_polls_until_the_person_has_answered(
    television: OtherScreen, screen: Screen, clock: MovableClock
) -> None:
    codes = television.asked()
    for _ in range(3):
        assert error(television.poll(codes["device_code"])) == "authorization_pending"
        clock.advance(seconds=5)
    decide(screen, codes["user_code"])
    # Whoever was told to wait need not any more.
    assert television.poll(codes["device_code"]).status_code == 200


def test_who_polls_too_often_waits_five_seconds_more_each_time(
    site: Site, television: OtherScreen, clock: MovableClock
) -> None:
    code = television.asked()["device_code"]
    assert error(television.poll(code)) == "authorization_pending"
    clock.advance(seconds=3)
    assert error(television.poll(code)) == "slow_down"
    assert column(site, "interval") == 10
    clock.advance(seconds=5)
    assert error(television.poll(code)) == "slow_down"
    assert column(site, "interval") == 15
    clock.advance(seconds=15)
    assert error(television.poll(code)) == "authorization_pending"
    assert column(site, "interval") == 15


def test_a_poll_that_the_network_brought_a_little_early_is_in_time(
    television: OtherScreen, clock: MovableClock
) -> None:
    code = television.asked()["device_code"]
    television.poll(code)
    clock.advance(seconds=4.2)
    assert error(television.poll(code)) == "authorization_pending"


def test_two_polls_at_once_one_is_too_early(television: OtherScreen) -> None:
    code = television.asked()["device_code"]
    answers = at_once(lambda: television.poll(code), threads=2)
    assert sorted(error(each) for each in answers if not isinstance(each, Exception)) == [
        "authorization_pending",
        "slow_down",
    ]


def test_a_code_expires(television: OtherScreen, screen: Screen, clock: MovableClock) -> None:
    codes = television.asked()
    clock.advance(seconds=599)
    typed = to_confirm(screen, codes["user_code"])
    location = go_on(screen, codes["user_code"])
    clock.advance(seconds=1)
    assert error(television.poll(codes["device_code"])) == "expired_token"
    assert screen.client.get(f"/device/confirm?typed={typed}").status_code == 410
    token = parse_qs(urlsplit(location).query)["request"][0]
    answer = screen.answer_page("/consent", token, decision="allow")
    answer = screen.client.get(answer.headers["location"])
    assert answer.status_code == 410
    assert "Ask your other device for a new one" in answer.text
    assert error(television.poll(codes["device_code"])) == "expired_token"


def test_what_was_allowed_in_the_last_second_is_given_at_the_next_poll(
    television: OtherScreen, screen: Screen, clock: MovableClock
) -> None:
    codes = television.asked()
    clock.advance(seconds=599)
    decide(screen, codes["user_code"])
    clock.advance(seconds=20)
    assert television.poll(codes["device_code"]).status_code == 200


def test_what_was_allowed_is_given_once(television: OtherScreen, screen: Screen) -> None:
    codes = television.asked()
    decide(screen, codes["user_code"])
    token = television.poll(codes["device_code"]).json()["access_token"]
    assert error(television.poll(codes["device_code"])) == "invalid_grant"
    # Unlike an authorization code it is in no browser: what it gave goes on.
    assert television.rp.userinfo(token).status_code == 200


def test_two_polls_at_once_get_tokens_once(television: OtherScreen, screen: Screen) -> None:
    codes = television.asked()
    decide(screen, codes["user_code"])
    answers = at_once(lambda: television.poll(codes["device_code"]), threads=4)
    statuses = sorted(each.status_code for each in answers if not isinstance(each, Exception))
    assert statuses == [200, 400, 400, 400]


def test_two_that_redeem_at_once_after_both_have_looked(
    site: Site, television: OtherScreen, screen: Screen
) -> None:
    codes = television.asked()
    decide(screen, codes["user_code"])
    with reading(site.database) as connection:
        found = room.find_device_code(connection, codes["device_code"], "television")
    assert found

    def redeem() -> object:
        with writing(site.database) as connection:
            return redeem_device_code(
                connection, site.secrets, site.settings, found, "", site.clock(), "-"
            )

    results = at_once(redeem)
    assert sum(type(each).__name__ == "Grant" for each in results) == 1


def test_two_that_allow_at_once_are_one_grant(
    site: Site, television: OtherScreen, holder: Holder
) -> None:
    user_code = read_user_code(television.asked()["user_code"])
    assert user_code
    with reading(site.database) as connection:
        found = find_waiting_device_code(connection, site.secrets, user_code, site.clock())
    assert found
    pending = build_device_request(found, television.rp.client, site.clock())

    def allow() -> str:
        with writing(site.database) as connection:
            allow_device(connection, pending, television.rp.client, holder.session, site.clock())
        return "allowed"

    assert at_once(allow).count("allowed") == 1
    with reading(site.database) as connection:
        assert connection.execute(select(func.count()).select_from(grants)).scalar_one() == 1


@pytest.mark.parametrize("code", ["", None, "x", "é", "\x00", "a" * 5000, "🂡"])
@pytest.mark.one_engine
def test_what_is_no_device_code(television: OtherScreen, code: str | None) -> None:
    answer = television.poll(code)
    assert error(answer) in ("invalid_grant", "invalid_request")


def test_another_clients_code_is_as_one_that_is_none(
    site: Site, television: OtherScreen, backchannel: TestClient, screen: Screen
) -> None:
    thief = other_screen(site, backchannel, client_id="thief")
    codes = television.asked()
    decide(screen, codes["user_code"])
    assert thief.poll(codes["device_code"]).json() == thief.poll("unknown").json()
    assert television.poll(codes["device_code"]).status_code == 200


def test_a_client_that_was_ended_is_asked_about_no_more(
    site: Site, television: OtherScreen, screen: Screen
) -> None:
    codes = television.asked()
    typed = to_confirm(screen, codes["user_code"])
    with writing(site.database) as connection:
        end_client(connection, site.secrets, "television", site.clock())
    assert screen.client.get(f"/device/confirm?typed={typed}").status_code == 400
    assert television.poll(codes["device_code"]).status_code == 401


# ---------------------------------------------------------------- what the tokens hang on


def test_it_ends_with_the_persons_session(television: OtherScreen, screen: Screen) -> None:
    codes = television.asked()
    assert "When you sign out in this browser" in decide(screen, codes["user_code"]).text
    tokens = television.poll(codes["device_code"]).json()
    screen.post_form("/sign-out")
    assert television.rp.userinfo(tokens["access_token"]).status_code == 401
    refresh = television.poll(
        None, grant_type="refresh_token", refresh_token=tokens["refresh_token"]
    )
    assert error(refresh) == "invalid_grant"


def test_with_offline_access_it_does_not(television: OtherScreen, screen: Screen) -> None:
    codes = television.asked(scope="openid profile offline_access")
    assert "until you withdraw it" in decide(screen, codes["user_code"]).text
    screen.post_form("/sign-out")
    tokens = television.poll(codes["device_code"]).json()
    refresh = television.poll(
        None, grant_type="refresh_token", refresh_token=tokens["refresh_token"]
    )
    assert refresh.status_code == 200


def test_a_device_that_was_removed_since_lets_nobody_in(
    site: Site, television: OtherScreen, screen: Screen, holder: Holder
) -> None:
    codes = television.asked(scope="openid offline_access")
    decide(screen, codes["user_code"])
    with writing(site.database) as connection:
        unlink(job(site, connection), holder.held.device, "desk")
    assert error(television.poll(codes["device_code"])) == "invalid_grant"
    assert error(television.poll(codes["device_code"])) == "invalid_grant"
    assert count(site, "application.code-refused") == 1


def test_resources_and_details_are_those_that_were_asked(
    site: Site, backchannel: TestClient, screen: Screen
) -> None:  # RFC 8707, RFC 9396
    register_api(site)
    made = other_screen(site, backchannel, scope="openid read write", resources=[PRESCRIPTIONS])
    codes = made.asked(scope="openid read", authorization_details=details("write"))
    typed = to_confirm(screen, codes["user_code"])
    page = screen.client.get(f"/device/confirm?typed={typed}").text
    assert "In your name, at Prescriptions" in page
    assert "This one time, at Prescriptions" in page
    decide(screen, codes["user_code"])
    tokens = made.poll(codes["device_code"], resource=PRESCRIPTIONS).json()
    claims = segment(tokens["access_token"], 1)
    assert (claims["aud"], claims["scope"]) == (PRESCRIPTIONS, "read")
    assert tokens["authorization_details"][0]["actions"] == ["write"]


# ---------------------------------------------------------------------- RFC 9449: bound to a key


def test_the_code_is_bound_to_the_key_that_asked(
    site: Site, television: OtherScreen, screen: Screen
) -> None:
    key, other = DpopKey(), DpopKey()

    def proof(of: DpopKey, path: str) -> str:
        return of.proof("POST", f"{ORIGIN}{path}", site.clock())

    codes = television.asked(proof=proof(key, "/device_authorization"))
    code = codes["device_code"]
    decide(screen, codes["user_code"])
    assert error(television.poll(code)) == "invalid_grant"
    assert error(television.poll(code, proof=proof(other, "/token"))) == "invalid_grant"
    tokens = television.poll(code, proof=proof(key, "/token")).json()
    assert tokens["token_type"] == "DPoP"
    assert segment(tokens["access_token"], 1)["cnf"] == {"jkt": key.jkt}


def test_without_a_proof_then_the_tokens_are_bound_to_the_key_that_polls(
    site: Site, television: OtherScreen, screen: Screen
) -> None:
    codes, key = television.asked(), DpopKey()
    decide(screen, codes["user_code"])
    proof = key.proof("POST", f"{ORIGIN}/token", site.clock())
    assert television.poll(codes["device_code"], proof=proof).json()["token_type"] == "DPoP"


# ------------------------------------------------------------------------------ the rest


def test_the_cleanup_forgets_what_has_expired(
    site: Site,
    settings: Settings,
    television: OtherScreen,
    stranger: Screen,
    clock: MovableClock,
) -> None:
    stranger.post_form("/device", user_code=UNKNOWN)
    television.asked()
    for forget in (forget_old_device_codes, forget_wrong_user_codes):
        with writing(site.database) as connection:
            assert forget(connection, site.clock()) == 0
    clock.advance(minutes=11)
    for forget in (forget_old_device_codes, forget_wrong_user_codes):
        with writing(site.database) as connection:
            assert forget(connection, site.clock()) == 1
    result = run_command(settings, "cleanup")
    assert "device codes: 0 deleted" in result.stdout, result.stderr


def test_what_a_poll_costs(
    site: Site, television: OtherScreen, screen: Screen, clock: MovableClock
) -> None:
    warm = television.asked()
    decide(screen, warm["user_code"])
    assert television.poll(warm["device_code"]).status_code == 200
    clock.advance(seconds=1)
    codes = television.asked()
    with counted(site) as seen:
        assert error(television.poll(codes["device_code"])) == "authorization_pending"
    # client, code; when it was polled
    assert [each.split()[0] for each in seen] == ["SELECT", "SELECT", "UPDATE", "COMMIT"]
    with counted(site) as seen:
        assert error(television.poll(codes["device_code"])) == "slow_down"
    assert len(seen) - seen.count("COMMIT") == 4
    decide(screen, codes["user_code"])
    with counted(site) as seen:
        assert television.poll(codes["device_code"]).status_code == 200
    # client, code; spent; grant; refresh token
    assert len(seen) - seen.count("COMMIT") == 5, seen
    assert seen.count("COMMIT") == 1
    with counted(site) as seen:
        television.asked()
    assert len(seen) - seen.count("COMMIT") == 2, seen  # client; code


NAMES = ["grant_type", "device_code", "client_id", "scope", "resource", "proof", "user_code"]
VALUES = st.text(max_size=60) | st.sampled_from(["", DEVICE_CODE, "television", "openid"])


@pytest.mark.thorough
def test_any_form(television: OtherScreen, stranger: Screen) -> None:
    @hypothesis_settings(max_examples=100, deadline=None)
    @given(form=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5))
    def tried(form: dict[str, str]) -> None:
        proof = form.pop("proof", None)
        headers = {"DPoP": proof} if proof and proof.isascii() and proof.isprintable() else {}
        for path in ("/device_authorization", "/token"):
            answer = television.rp.browser.post(path, data=form, headers=headers)
            assert answer.status_code in (200, 400, 401)
        typed = form.get("user_code", form.get("device_code", ""))
        # What no form can hold is refused for all of them (`web.body`).
        expected = {400} if "\x00" in typed else {303, 422}
        assert stranger.post_form("/device", user_code=typed).status_code in expected
        assert stranger.post_form("/device/confirm", typed=typed).status_code == 400

    tried()

"""OpenID Connect RP-Initiated Logout 1.0
(https://openid.net/specs/openid-connect-rpinitiated-1_0.html), decisions 4.15 and 4.16."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from httpx2 import Response
from sqlalchemy import select
from starlette.testclient import TestClient

from authn.audit.log import audit_events
from authn.clients.client_registration.registration import change_client
from authn.clients.clients import find_client
from authn.db.transaction import reading, writing
from authn.grants.endings.ended_grants import end_client
from authn.jose import generate_key, sign
from authn.keys.rotation import rotate
from authn.keys.signing_keys import load_keys
from authn.keys.upkeep import maintain_keys
from authn.sessions.sessions import is_session_valid
from authn.web.cookies import SESSION, cookie_name
from authn.web.site import Site
from tests.citizen import KARIM, Screen
from tests.conftest import MovableClock
from tests.oidc.relying_party import Holder, RelyingParty, b64, hold_device, segment

pytestmark = pytest.mark.thorough

MakeRP = Callable[..., RelyingParty]
AFTERWARDS = "https://hospital.example/bye"


@pytest.fixture
def rp(make_rp: MakeRP, holder: Holder) -> RelyingParty:
    """A client with an address for afterwards."""
    return make_rp(
        client_id="hospital", post_logout_redirect_uris=[AFTERWARDS, AFTERWARDS + "?a=1"]
    ).allowed_by(holder)


def ask(client: TestClient, **parameters: str) -> Response:
    return client.get("/logout?" + urlencode(parameters))


def confirm(client: TestClient, asked: Response) -> Response:
    """The answer to the button of the page that asks."""
    assert asked.status_code == 200, asked.text
    found = re.search(r'name="logout" value="([^"]*)"', asked.text)
    assert found, asked.text
    return Screen(client).post_form("/logout/confirm", logout=unescape(found[1]))


def location(response: Response) -> str | None:
    """Where the page that follows leads."""
    assert response.status_code == 200, response.text
    found = re.search(r'data-location="([^"]*)"', response.text)
    return unescape(found[1]) if found else None


def test_the_person_is_asked_and_nothing_ended_yet(
    rp: RelyingParty, client: TestClient
) -> None:  # §2
    tokens = rp.tokens()
    asked = ask(client, id_token_hint=tokens["id_token"], post_logout_redirect_uri=AFTERWARDS)
    assert asked.status_code == 200
    assert "Hospital" in asked.text
    assert rp.userinfo(tokens["access_token"]).status_code == 200


def test_after_yes_the_session_and_its_tokens_have_ended_and_the_person_goes_back(
    site: Site, rp: RelyingParty, client: TestClient
) -> None:  # §3
    tokens = rp.tokens()
    asked = ask(
        client,
        id_token_hint=tokens["id_token"],
        post_logout_redirect_uri=AFTERWARDS,
        state="x&y",
        client_id="hospital",
        ui_locales="fr",
        logout_hint="03410100128",
    )
    assert "03410100128" not in asked.text
    answer = confirm(client, asked)
    assert location(answer) == AFTERWARDS + "?state=x%26y"
    assert rp.userinfo(tokens["access_token"]).status_code == 401
    assert rp.answer(prompt="none")["error"] == "login_required"
    assert cookie_name(site.settings, SESSION) not in client.cookies
    with reading(site.database) as connection:
        events = connection.execute(select(audit_events.c.event, audit_events.c.client_id)).all()
    assert ("session.signed-out", "hospital") in events


def test_the_query_of_the_address_is_kept(rp: RelyingParty, client: TestClient) -> None:
    hint = rp.tokens()["id_token"]
    asked = ask(client, id_token_hint=hint, post_logout_redirect_uri=AFTERWARDS + "?a=1", state="s")
    assert location(confirm(client, asked)) == AFTERWARDS + "?a=1&state=s"


def test_the_state_comes_back_whole_or_not_at_all(
    rp: RelyingParty, client: TestClient
) -> None:  # §2
    hint = rp.tokens()["id_token"]
    whole = {"id_token_hint": hint, "post_logout_redirect_uri": AFTERWARDS, "state": "s" * 4096}
    assert location(confirm(client, ask(client, **whole))) == AFTERWARDS + "?state=" + "s" * 4096
    answer = ask(client, **{**whole, "state": "s" * 4097})
    assert answer.status_code == 400
    assert AFTERWARDS not in answer.text


def test_without_an_address_the_person_stays_here(rp: RelyingParty, client: TestClient) -> None:
    asked = ask(client, id_token_hint=rp.tokens()["id_token"], state="s")
    assert location(confirm(client, asked)) is None


def test_an_expired_hint_is_one_all_the_same(
    rp: RelyingParty, client: TestClient, clock: MovableClock
) -> None:  # §4: "SHOULD accept ID Tokens … even when the exp time has passed"
    hint = rp.tokens()["id_token"]
    clock.advance(minutes=50)
    asked = ask(client, id_token_hint=hint, post_logout_redirect_uri=AFTERWARDS)
    assert location(confirm(client, asked)) == AFTERWARDS


def test_a_hint_of_a_retired_key_is_one_all_the_same(
    site: Site, rp: RelyingParty, client: TestClient, clock: MovableClock
) -> None:  # decisions 4.15
    hint = rp.tokens()["id_token"]
    rotate(site.database, site.settings, site.secrets, clock(), "ES256", at_once=True)
    clock.advance(days=300)
    maintain_keys(site.database, site.settings, site.secrets, clock())
    asked = ask(client, id_token_hint=hint, post_logout_redirect_uri=AFTERWARDS)
    assert location(asked) == AFTERWARDS, "the session has expired long ago"
    clock.advance(days=100)
    maintain_keys(site.database, site.settings, site.secrets, clock())
    asked = ask(client, id_token_hint=hint, post_logout_redirect_uri=AFTERWARDS)
    assert location(asked) is None


def test_a_hint_without_its_client_is_as_none_at_all(
    site: Site, rp: RelyingParty, client: TestClient, clock: MovableClock
) -> None:
    hint = rp.tokens()["id_token"]
    with writing(site.database) as connection:
        end_client(connection, site.secrets, "hospital", clock())
    asked = ask(client, id_token_hint=hint, post_logout_redirect_uri=AFTERWARDS)
    assert "Hospital" not in asked.text
    assert location(confirm(client, asked)) is None


def test_a_hint_about_somebody_else_still_asks_whoever_is_signed_in(
    site: Site, rp: RelyingParty, client: TestClient
) -> None:  # §4: suspect, and nobody is signed out unasked
    hint = rp.tokens()["id_token"]
    karim = hold_device(site, client, KARIM)
    asked = ask(client, id_token_hint=hint, post_logout_redirect_uri=AFTERWARDS)
    assert "Karim" in asked.text
    assert client.get("/devices").status_code == 200
    assert location(confirm(client, asked)) == AFTERWARDS
    with reading(site.database) as connection:
        assert not is_session_valid(connection, site.settings, karim.session.id, site.clock())


@pytest.mark.parametrize(
    ("ui_locales", "language"),
    [("fr-BE fr en", "fr"), ("xx de", "de"), ("xx", "en"), ("", "en"), ("<script>", "en")],
)
def test_the_pages_speak_the_language_that_is_asked(
    rp: RelyingParty, client: TestClient, ui_locales: str, language: str
) -> None:  # §2
    client.headers["Accept-Language"] = "en"
    hint = rp.tokens()["id_token"]
    asked = ask(client, id_token_hint=hint, ui_locales=ui_locales)
    assert f'<html lang="{language}">' in asked.text
    assert f'<html lang="{language}">' in confirm(client, asked).text
    assert "<script>" not in asked.text


def test_a_language_that_the_person_chose_stays(rp: RelyingParty, client: TestClient) -> None:
    client.headers["Accept-Language"] = "en"
    Screen(client).post_form("/language", language="nl", return_to="/")
    asked = ask(client, id_token_hint=rp.tokens()["id_token"], ui_locales="fr")
    assert '<html lang="nl">' in asked.text


def test_a_language_is_kept_when_a_post_turns_into_a_get(
    rp: RelyingParty, client: TestClient
) -> None:
    client.headers["Accept-Language"] = "en"
    form = {"id_token_hint": rp.tokens()["id_token"], "ui_locales": "de"}
    posted = client.post("/logout", data=form)
    assert '<html lang="de">' in client.get(posted.headers["location"]).text


def test_the_button_twice_is_on_record_once(
    site: Site, rp: RelyingParty, client: TestClient
) -> None:
    asked = ask(client, id_token_hint=rp.tokens()["id_token"])
    confirm(client, asked)
    confirm(client, asked)
    with reading(site.database) as connection:
        events = list(connection.execute(select(audit_events.c.event)).scalars())
    assert events.count("session.signed-out") == 1


def test_without_a_hint_nobody_is_sent_anywhere(rp: RelyingParty, client: TestClient) -> None:
    asked = ask(client, client_id="hospital", post_logout_redirect_uri=AFTERWARDS)
    assert "hospital.example" not in asked.text
    assert location(confirm(client, asked)) is None


def forgeries(site: Site, id_token: str, access_token: str) -> dict[str, str]:
    """What looks like a hint of ours and is none."""
    with reading(site.database) as connection:
        keys = load_keys(connection, site.secrets)
    ours, claims = keys.active["ES256"], segment(id_token, 1)
    header = segment(id_token, 0)

    def unsigned(**changes: Any) -> str:
        return f"{b64(header | changes)}.{b64(claims)}."

    return {
        "not a token": "x",
        "unsigned": unsigned(alg="none"),
        "without kid": f"{b64({'alg': 'none'})}.{b64(claims)}.",
        "symmetric": unsigned(alg="HS256") + "x",
        "other algorithm, our key": unsigned(alg="RS256") + id_token.rpartition(".")[2],
        "another's key": sign(generate_key("ES256"), claims),
        "embedded key": unsigned(jwk={"kty": "EC"}) + id_token.rpartition(".")[2],
        "changed claims": f"{b64(header)}.{b64(claims | {'aud': 'x'})}."
        + id_token.rpartition(".")[2],
        "another issuer": sign(ours, claims | {"iss": "https://evil.example"}),
        "another type": sign(ours, claims, "logout+jwt"),
        "an access token": access_token,
        "too long": id_token + "x" * 9000,
    }


FORGERIES = (
    "not a token",
    "unsigned",
    "without kid",
    "symmetric",
    "other algorithm, our key",
    "another's key",
    "embedded key",
    "changed claims",
    "another issuer",
    "another type",
    "an access token",
    "too long",
)


@pytest.mark.parametrize("name", FORGERIES)
@pytest.mark.one_engine
def test_a_forged_hint_is_as_none_at_all(
    site: Site, rp: RelyingParty, client: TestClient, name: str
) -> None:  # RFC 8725
    tokens = rp.tokens()
    hints = forgeries(site, tokens["id_token"], tokens["access_token"])
    assert set(hints) == set(FORGERIES)
    asked = ask(client, id_token_hint=hints[name], post_logout_redirect_uri=AFTERWARDS)
    assert "Hospital" not in asked.text
    assert location(confirm(client, asked)) is None


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        AFTERWARDS + "/",
        AFTERWARDS + "?",
        AFTERWARDS + "#",
        AFTERWARDS.upper(),
        "https://hospital.example@evil.example/bye",
        "javascript:alert(1)",
        "https://hospital.example/callback",
    ],
)
@pytest.mark.one_engine
def test_an_address_that_is_not_registered_is_a_page(
    rp: RelyingParty, client: TestClient, address: str
) -> None:  # §3
    answer = ask(client, id_token_hint=rp.tokens()["id_token"], post_logout_redirect_uri=address)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert address not in answer.text


def test_a_client_id_that_is_not_the_hint_s_is_a_page(rp: RelyingParty, client: TestClient) -> None:
    answer = ask(client, id_token_hint=rp.tokens()["id_token"], client_id="pharmacy")  # §2
    assert answer.status_code == 400


def test_another_client_s_hint_gives_that_client_s_addresses(
    rp: RelyingParty, other_rp: RelyingParty, holder: Holder, client: TestClient
) -> None:
    hint = other_rp.allowed_by(holder).tokens()["id_token"]
    answer = ask(client, id_token_hint=hint, post_logout_redirect_uri=AFTERWARDS)
    assert answer.status_code == 400


def test_who_is_signed_out_already_goes_back_at_once(rp: RelyingParty, client: TestClient) -> None:
    hint = rp.tokens()["id_token"]
    client.cookies.clear()
    answer = ask(client, id_token_hint=hint, post_logout_redirect_uri=AFTERWARDS, state="s")
    assert location(answer) == AFTERWARDS + "?state=s"
    assert location(ask(client)) is None


def test_a_post_turns_into_a_get(rp: RelyingParty, client: TestClient) -> None:  # decisions 4.16
    form = {"id_token_hint": rp.tokens()["id_token"], "post_logout_redirect_uri": AFTERWARDS}
    headers = {"Origin": "https://hospital.example", "Sec-Fetch-Site": "cross-site"}
    posted = client.post("/logout", data=form, headers=headers)
    assert posted.status_code == 303
    assert form["id_token_hint"] not in posted.headers["location"]
    asked = client.get(posted.headers["location"])
    assert location(confirm(client, asked)) == AFTERWARDS


def test_another_site_can_t_press_the_button(
    rp: RelyingParty, client: TestClient
) -> None:  # Keycloak CVE-2020-10734
    tokens = rp.tokens()
    asked = ask(client, id_token_hint=tokens["id_token"])
    found = re.search(r'name="logout" value="([^"]*)"', asked.text)
    assert found
    answer = client.post(
        "/logout/confirm",
        data={"logout": found[1]},
        headers={"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    )
    assert answer.status_code == 403
    assert rp.userinfo(tokens["access_token"]).status_code == 200


@pytest.mark.parametrize("token", ["", "x", "a.b", "é"])
def test_a_token_that_is_not_ours_is_a_page(
    rp: RelyingParty, client: TestClient, token: str
) -> None:
    assert client.get("/logout", params={"logout": token}).status_code == 400
    assert Screen(client).post_form("/logout/confirm", logout=token).status_code == 400


def test_an_address_that_is_taken_back_while_the_page_waits_is_none(
    site: Site, rp: RelyingParty, client: TestClient
) -> None:  # §3: exactly a registered one, also at the moment of going there
    hint = rp.tokens()["id_token"]
    asked = ask(client, id_token_hint=hint, post_logout_redirect_uri=AFTERWARDS, state="s")
    with writing(site.database) as connection:
        registered = find_client(connection, "hospital")
        assert registered
        change_client(
            connection,
            site.secrets,
            registered,
            site.clock(),
            post_logout_redirect_uris=(AFTERWARDS + "?a=1",),
        )
    assert location(confirm(client, asked)) is None

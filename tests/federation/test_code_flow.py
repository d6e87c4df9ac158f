"""The code flow as its client, with an upstream that may lie.

OpenID Connect Core 1.0 (https://openid.net/specs/openid-connect-core-1_0.html), Discovery 1.0,
RFC 7636, RFC 9207, RFC 8725.
"""

import asyncio
import base64
import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from joserfc import jwt
from sqlalchemy import func, select
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse

from authn.audit.log import audit_events
from authn.db.once import spent_tokens
from authn.db.transaction import reading
from authn.people.tables import persons
from authn.web.outgoing import LARGEST_ANSWER, OutgoingClient, OutgoingTimeouts
from authn.web.site import Site
from tests.conftest import MovableClock
from tests.federation.journey import Journey, query_of
from tests.federation.upstream import (
    CLIENT_ID,
    HIGH,
    NUMBER_CLAIMS,
    SUBSTANTIAL,
    Lie,
    Provider,
    new_key,
    published,
    signed_with_what_is_public,
    unsigned,
    with_claims,
    with_its_own_key,
)

pytestmark = [pytest.mark.thorough, pytest.mark.one_engine]

# What an upstream says is refused before any database is asked: one of the two is enough.
one_engine = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

OTHER_KEY = new_key("sig")
OTHER_ENCRYPTION = new_key("enc")


def written(site: Site) -> tuple[int, int, int]:
    """How many persons, spent tokens and audit rows there are."""
    with reading(site.database) as connection:
        counts = [
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (persons, spent_tokens, audit_events)
        ]
    return counts[0], counts[1], counts[2]


def assert_refused(answer: Any, words: str, status: int = 400) -> None:
    assert answer.status_code == status, answer.text
    assert words in answer.text
    assert "Nothing was changed" in answer.text


def test_the_authorization_request_asks_for_a_fresh_login(
    journey: Journey, provider: Provider
) -> None:  # Core §3.1.2.1, RFC 7636 §4.3
    asked = query_of(journey.begin(provider).headers["location"])
    assert asked["response_type"] == "code"
    assert asked["client_id"] == CLIENT_ID
    assert asked["redirect_uri"] == f"http://localhost:8000/identity/{provider.kind}/callback"
    assert (asked["prompt"], asked["max_age"]) == ("login", "0")
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == len(asked["nonce"]) == 43
    assert asked["acr_values"].split()[0] == HIGH[provider.kind]
    assert asked["ui_locales"] == "en"
    assert asked["scope"].split()[0] == "openid"


def test_what_the_upstream_reads_tells_nothing_of_the_verifier(
    journey: Journey, fas: Provider
) -> None:
    journey.come_back(fas)
    asked = query_of(journey.begin(fas).headers["location"])
    state = asked["state"].split(".")[0][1:]
    content = json.loads(base64.urlsafe_b64decode(state + "=="))
    for value in content.values():
        digest = hashlib.sha256(str(value).encode()).digest()
        assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]


def test_an_honest_answer_is_a_proof(journey: Journey, provider: Provider) -> None:
    answer = journey.come_back(provider)
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith("/activate/identity?proof=")


def test_userinfo_in_plain_json_counts_where_the_operator_says_so(
    journey: Journey, providers: dict[str, Provider]
) -> None:
    answer = journey.come_back(providers["oidc"])
    assert answer.status_code == 303, answer.text


def test_nothing_is_written_before_the_end(journey: Journey, fas: Provider, site: Site) -> None:
    before = written(site)
    back = journey.authorize(fas)
    journey.client.get(back.replace("code=", "code=x"))
    assert written(site) == before


ID_TOKEN_LIES: dict[str, Lie] = {
    "another issuer": with_claims(iss="http://localhost:1/fas"),
    "no issuer": with_claims(iss=None),
    "another audience": with_claims(aud="somebody-else"),
    "two audiences and no azp": with_claims(aud=[CLIENT_ID, "somebody-else"]),
    "an audience that is a number": with_claims(aud=5),
    "another azp": with_claims(azp="somebody-else"),
    "another nonce": with_claims(nonce="another"),
    "no nonce": with_claims(nonce=None),
    "no subject": with_claims(sub=None),
    "a subject that is a number": with_claims(sub=5),
    "no expiry": with_claims(exp=None),
    "an expiry in words": with_claims(exp="tomorrow"),
    "an expiry that is true": with_claims(exp=True),
    "expired": lambda claims: {**claims, "exp": claims["iat"] - 61},
    "issued in the future": lambda claims: {**claims, "iat": claims["iat"] + 61},
    "not valid yet": lambda claims: {**claims, "nbf": claims["iat"] + 61},
}


@one_engine
@pytest.mark.parametrize("lie", ID_TOKEN_LIES.values(), ids=ID_TOKEN_LIES)
def test_an_id_token_that_is_wrong_is_refused(
    journey: Journey, fas: Provider, site: Site, lie: Lie
) -> None:  # Core §3.1.3.7
    before = written(site)
    fas.lies["id_token"] = lie
    assert_refused(journey.come_back(fas), "We could not check the answer")
    assert written(site) == before


def test_two_audiences_are_accepted_when_azp_names_us(journey: Journey, fas: Provider) -> None:
    fas.lies["id_token"] = with_claims(aud=[CLIENT_ID, "somebody-else"], azp=CLIENT_ID)
    assert journey.come_back(fas).status_code == 303


@pytest.mark.parametrize("late", [-300, 59])
def test_a_minute_of_skew_is_allowed(journey: Journey, fas: Provider, late: int) -> None:
    fas.lies["id_token"] = lambda claims: {**claims, "iat": claims["iat"] + late}
    assert journey.come_back(fas).status_code == 303


@one_engine
@pytest.mark.parametrize(
    "jwt_lie", [unsigned, with_its_own_key, lambda _: "garbage", lambda _: "a.b.c", lambda _: "…"]
)
@pytest.mark.parametrize("place", ["id_token", "userinfo"])
def test_a_token_that_is_not_signed_by_the_upstream_is_refused(
    journey: Journey, provider: Provider, place: str, jwt_lie: Lie
) -> None:  # RFC 8725 §3.1, §3.3
    provider.lies[f"{place}.jwt"] = jwt_lie
    assert_refused(journey.come_back(provider), "We could not check the answer")


@pytest.mark.parametrize("place", ["id_token", "userinfo"])
def test_the_public_key_is_no_secret_to_sign_with(
    journey: Journey, fas: Provider, place: str
) -> None:  # RFC 8725 §2.1
    fas.lies[f"{place}.jwt"] = signed_with_what_is_public(fas)
    assert_refused(journey.come_back(fas), "We could not check the answer")


def test_a_key_that_is_not_published_is_refused(journey: Journey, provider: Provider) -> None:
    provider.lies["key"] = lambda _: OTHER_KEY
    assert_refused(journey.come_back(provider), "We could not check the answer")


def test_a_signature_under_a_published_name_by_another_key_is_refused(
    journey: Journey, fas: Provider
) -> None:
    def lie(claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "RS256", "kid": fas.key.kid}, claims, OTHER_KEY)

    fas.lies["id_token.jwt"] = lie
    assert_refused(journey.come_back(fas), "We could not check the answer")


@pytest.mark.parametrize("place", ["id_token", "userinfo"])
def test_what_was_encrypted_to_another_key_is_refused(
    journey: Journey, providers: dict[str, Provider], place: str
) -> None:
    itsme = providers["itsme"]
    itsme.lies[f"{place}.encrypted_to"] = lambda _: OTHER_ENCRYPTION
    assert_refused(journey.come_back(itsme), "We could not check the answer")


def test_what_was_to_be_encrypted_and_is_not_is_refused(
    journey: Journey, providers: dict[str, Provider]
) -> None:
    itsme = providers["itsme"]
    itsme.lies["tokens"] = lambda tokens: {
        **tokens,
        "id_token": jwt.encode({"alg": "RS256", "kid": itsme.key.kid}, {}, itsme.key),
    }
    assert_refused(journey.come_back(itsme), "We could not check the answer")


USERINFO_LIES: dict[str, Lie] = {
    "another subject": with_claims(sub="somebody-else"),
    "no subject": with_claims(sub=None),
    "another issuer": with_claims(iss="http://localhost:1/fas"),
    "another audience": with_claims(aud="somebody-else"),
    "expired": lambda claims: {**claims, "exp": 1},
    "no number": with_claims(egovNRN=None),
    "a number that is none": with_claims(egovNRN="03410100129"),
    "a number that is a number": with_claims(egovNRN=3410100128),
    "a number in a list": with_claims(egovNRN=["03410100128"]),
    "a number that is endless": with_claims(egovNRN="0" * 5000),
    "a number under another name": lambda claims: {
        **with_claims(egovNRN=None)(claims),
        "national_number": claims["egovNRN"],
    },
}


@one_engine
@pytest.mark.parametrize("lie", USERINFO_LIES.values(), ids=USERINFO_LIES)
def test_userinfo_that_is_wrong_is_refused(
    journey: Journey, fas: Provider, lie: Lie
) -> None:  # Core §5.3.2
    fas.lies["userinfo"] = lie
    assert_refused(journey.come_back(fas), "We could not check the answer")


def test_userinfo_in_plain_json_is_refused_where_it_must_be_signed(
    journey: Journey, fas: Provider
) -> None:
    claims = {"sub": "somebody", NUMBER_CLAIMS["fas"]: "03410100128"}
    fas.lies["userinfo.answer"] = lambda _: Response(
        json.dumps(claims), media_type="application/json"
    )
    assert_refused(journey.come_back(fas), "We could not check the answer")


@one_engine
@pytest.mark.parametrize("iss", ["http://localhost:1/fas", "", "https://idp.example"])
def test_an_answer_of_another_issuer_is_refused(
    journey: Journey, provider: Provider, iss: str
) -> None:  # RFC 9207 §2.4
    provider.lies["answer"] = lambda answer: {**answer, "iss": iss}
    assert_refused(journey.come_back(provider), "We could not check the answer")


def test_an_issuer_that_names_itself_must_do_so_each_time(
    journey: Journey, providers: dict[str, Provider]
) -> None:  # RFC 9207 §2.4
    def without(answer: dict[str, str]) -> dict[str, str]:
        return {name: value for name, value in answer.items() if name != "iss"}

    for provider in providers.values():
        provider.lies["answer"] = without
    assert_refused(journey.come_back(providers["fas"]), "We could not check the answer")
    assert journey.come_back(providers["itsme"]).status_code == 303


def test_a_code_that_was_used_is_refused(journey: Journey, provider: Provider) -> None:
    back = journey.authorize(provider)
    assert journey.client.get(back).status_code == 303
    assert_refused(journey.client.get(back), "We could not check the answer")


def test_a_code_of_another_flow_is_refused(journey: Journey, provider: Provider) -> None:
    first, second = journey.authorize(provider), journey.authorize(provider)
    mixed = first.replace(query_of(first)["code"], query_of(second)["code"])
    assert_refused(journey.client.get(mixed), "We could not check the answer")


# What is silent, broken, or too much


async def _slow(response: Response) -> Response:
    await asyncio.sleep(2.5)
    return response


def _drip(response: Response) -> Response:
    async def drops() -> Any:
        for _ in range(40):
            yield b" "
            await asyncio.sleep(0.1)

    return StreamingResponse(drops(), media_type="application/json")


def _answer(response: Response) -> Lie:
    return lambda _: response


BROKEN: dict[str, Lie] = {
    "huge": _answer(PlainTextResponse("x" * (LARGEST_ANSWER + 1))),
    "garbage": _answer(PlainTextResponse("<html>maintenance</html>")),
    "a list": _answer(PlainTextResponse("[]")),
    "deep": _answer(PlainTextResponse("[" * 100_000)),
    "a number without end": _answer(PlainTextResponse('{"expires_in": 1e999}')),
    "no UTF-8": _answer(Response(b'{"\xff": 1}')),
    "an error": _answer(PlainTextResponse("", 500)),
    "too busy": _answer(PlainTextResponse("", 503)),
    "a redirect": _answer(RedirectResponse("http://localhost:1/elsewhere", 307)),
    "compressed": _answer(Response(b"x" * 20, headers={"Content-Encoding": "gzip"})),
}
SILENT: dict[str, Lie] = {"slow": _slow, "dripping": _drip}


@pytest.fixture
def impatient(app: Starlette) -> None:
    """The service does not wait for long."""
    site: Site = app.state.site
    app.state.site = replace(site, outgoing=OutgoingClient(OutgoingTimeouts(2, 1, 1.5)))


@one_engine
@pytest.mark.parametrize("place", ["discovery", "jwks", "token", "userinfo"])
@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_an_answer_that_is_no_answer_is_told_and_changes_nothing(
    journey: Journey, providers: dict[str, Provider], site: Site, place: str, broken: Lie
) -> None:
    before, oidc = written(site), providers["oidc"]
    oidc.lies[f"{place}.answer"] = broken
    answer = journey.begin(oidc) if place == "discovery" else journey.come_back(oidc)
    assert answer.status_code in (400, 503), answer.text
    assert "Nothing was changed" in answer.text
    assert "Try again with The bank" in answer.text
    if answer.status_code == 503:
        assert "could not be reached" in answer.text
        assert answer.headers["Retry-After"] == "30"
    assert written(site) == before


@one_engine
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("place", ["discovery", "userinfo"])
@pytest.mark.parametrize("silent", SILENT.values(), ids=SILENT)
def test_an_answer_that_does_not_come_is_waited_for_so_long(
    journey: Journey, providers: dict[str, Provider], site: Site, place: str, silent: Lie
) -> None:
    test_an_answer_that_is_no_answer_is_told_and_changes_nothing(
        journey, providers, site, place, silent
    )


def test_an_upstream_that_is_down_is_told(
    journey: Journey, fas: Provider, app: Starlette, running_providers: dict[str, Provider]
) -> None:
    site: Site = app.state.site
    nobody = site.settings.upstreams.replace(fas.issuer, "http://localhost:1/fas")
    settings = site.settings.model_copy(update={"upstreams": nobody})
    app.state.site = replace(site, settings=settings)
    answer = journey.begin(fas)
    assert_refused(answer, "could not be reached", 503)
    assert "I have an activation code" in answer.text


METADATA_LIES: dict[str, Lie] = {
    "another issuer": with_claims(issuer="http://localhost:1/fas"),
    "no issuer": with_claims(issuer=None),
    "an issuer with a slash more": lambda m: {**m, "issuer": m["issuer"] + "/"},
    "no token endpoint": with_claims(token_endpoint=None),
    "an http endpoint elsewhere": with_claims(token_endpoint="http://idp.example/token"),
    "a file": with_claims(jwks_uri="file:///etc/passwd"),
    "a password": with_claims(userinfo_endpoint="https://a:b@idp.example/"),
    "a number": with_claims(authorization_endpoint=5),
    "no address": with_claims(authorization_endpoint="https://[::1"),
    "a NUL": with_claims(jwks_uri="https://idp.example/\x00"),
    "a name that no network has": with_claims(userinfo_endpoint="https://\u2028.example/"),
    "a bad port": with_claims(authorization_endpoint="https://idp.example:99999/"),
}


@one_engine
@pytest.mark.parametrize("lie", METADATA_LIES.values(), ids=METADATA_LIES)
def test_a_discovery_document_that_is_wrong_is_refused(
    journey: Journey, fas: Provider, lie: Lie
) -> None:  # Discovery §4.3
    fas.lies["metadata"] = lie
    assert_refused(journey.begin(fas), "could not be reached", 503)


def test_discovery_and_keys_are_read_once_an_hour(
    journey: Journey, provider: Provider, clock: MovableClock
) -> None:
    for _ in range(3):
        assert journey.come_back(provider).status_code == 303
    assert (provider.asked.count("discovery"), provider.asked.count("jwks")) == (1, 1)
    clock.advance(minutes=61)
    assert journey.come_back(provider).status_code == 303
    assert (provider.asked.count("discovery"), provider.asked.count("jwks")) == (2, 2)


def test_a_discovery_document_that_failed_is_not_asked_for_again_at_once(
    journey: Journey, fas: Provider, clock: MovableClock
) -> None:
    fas.lies["metadata"] = METADATA_LIES["no issuer"]
    for _ in range(3):
        assert journey.begin(fas).status_code == 503
    assert fas.asked == ["discovery"]
    fas.lies.clear()
    assert journey.begin(fas).status_code == 503
    clock.advance(seconds=6)
    assert journey.begin(fas).status_code == 303


def test_a_new_key_is_found_when_a_token_names_it(
    journey: Journey, provider: Provider, clock: MovableClock
) -> None:
    assert journey.come_back(provider).status_code == 303
    clock.advance(seconds=31)
    provider.lies |= {"key": lambda _: OTHER_KEY, "keys": published(OTHER_KEY)}
    assert journey.come_back(provider).status_code == 303
    assert provider.asked.count("jwks") == 2


def test_an_unknown_key_does_not_make_us_ask_all_the_time(
    journey: Journey, provider: Provider, clock: MovableClock
) -> None:
    assert journey.come_back(provider).status_code == 303
    clock.advance(seconds=31)
    provider.lies["key"] = lambda _: OTHER_KEY
    for _ in range(4):
        assert journey.come_back(provider).status_code == 400
    assert provider.asked.count("jwks") == 2
    clock.advance(seconds=31)
    assert journey.come_back(provider).status_code == 400
    assert provider.asked.count("jwks") == 3


def test_a_fifth_conversation_is_not_begun(
    journey: Journey, fas: Provider, site: Site, clock: MovableClock
) -> None:  # decisions 4.18
    with (
        site.outgoing.calls(),
        site.outgoing.calls(),
        site.outgoing.calls(),
    ):
        back = journey.authorize(fas)
        with site.outgoing.calls():
            assert_refused(journey.client.get(back), "This is not possible right now", 503)
            # What is remembered needs no conversation, what is not does.
            assert journey.begin(fas).status_code == 303
            clock.advance(minutes=61)
            assert_refused(journey.begin(fas), "This is not possible right now", 503)
    assert journey.come_back(fas).status_code == 303


def test_logins_go_on_while_an_upstream_is_slow(
    journey: Journey, fas: Provider, site: Site
) -> None:
    seen: list[int] = []

    def look(response: Response) -> Response:
        # While this one waits in its thread, no transaction of it is open: SQLite can be written.
        lock = site.database.write_lock
        if lock:
            with lock.held(wait=False):
                seen.append(1)
        pool: Any = site.database.writer.pool
        seen.append(pool.checkedout())
        return response

    fas.lies["token.answer"] = look
    assert journey.come_back(fas).status_code == 303
    assert seen in ([1, 0], [0])


# Levels and freshness: decisions 3.1


@pytest.mark.parametrize(("acr", "level"), [(HIGH, "high"), (SUBSTANTIAL, "substantial")])
def test_the_level_is_what_its_acr_is_worth(
    journey: Journey, provider: Provider, site: Site, acr: dict[str, str], level: str
) -> None:
    provider.acr = acr[provider.kind]
    assert level_of(journey.proof(provider)) == level


def test_a_time_that_is_not_told_counts_at_most_substantial(
    journey: Journey, provider: Provider
) -> None:
    provider.auth_time = None
    assert level_of(journey.proof(provider)) == "substantial"


@pytest.mark.parametrize("seconds", [-61, -86_400])
def test_an_older_login_there_is_refused(
    journey: Journey, provider: Provider, seconds: int
) -> None:
    provider.auth_time = seconds
    assert_refused(journey.come_back(provider), "We need to know that it is you now", 403)


def test_a_login_there_that_is_still_to_come_is_refused(journey: Journey, fas: Provider) -> None:
    fas.auth_time = 61
    assert_refused(journey.come_back(fas), "We could not check the answer")


@one_engine
@pytest.mark.parametrize("acr", ["0", "urn:be:fedict:iam:fas:citizen:Level100", "High", ""])
def test_an_unknown_level_is_refused(journey: Journey, provider: Provider, acr: str) -> None:
    provider.acr = acr
    assert_refused(journey.come_back(provider), "We need stronger proof", 403)


def test_no_level_is_refused_by_fas_and_substantial_by_itsme(
    journey: Journey, providers: dict[str, Provider]
) -> None:
    for provider in providers.values():
        provider.acr = None
    assert_refused(journey.come_back(providers["fas"]), "We need stronger proof", 403)
    assert level_of(journey.proof(providers["itsme"])) == "substantial"


def test_a_level_may_be_told_in_verified_userinfo(journey: Journey, fas: Provider) -> None:
    fas.acr = None
    fas.lies["userinfo"] = with_claims(acr=HIGH["fas"])
    assert level_of(journey.proof(fas)) == "high"


def test_an_upstream_may_be_asked_for_the_highest_level_alone(
    journey: Journey, fas: Provider, app: Starlette
) -> None:
    site: Site = app.state.site
    table = json.loads(site.settings.upstreams)
    table[0]["minimum"] = "high"
    settings = site.settings.model_copy(update={"upstreams": json.dumps(table)})
    app.state.site = replace(site, settings=settings)
    asked = query_of(journey.begin(fas).headers["location"])
    assert asked["acr_values"] == HIGH["fas"]
    assert journey.come_back(fas).status_code == 303
    fas.acr = SUBSTANTIAL["fas"]
    assert_refused(journey.come_back(fas), "We need stronger proof", 403)


def level_of(proof: str) -> str:
    """What the proof's token says."""
    content = proof.rpartition(".")[0][1:]
    level: str = json.loads(base64.urlsafe_b64decode(content + "=="))["level"]
    return level

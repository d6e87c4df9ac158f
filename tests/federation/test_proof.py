"""State and proof: bound to browser, purpose and person, used once (decisions 3.1)."""

from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.audit.log import audit_events
from authn.db.once import forget_spent_tokens
from authn.db.transaction import reading, writing
from authn.devices.tables import devices
from authn.people.persons import find_or_create_person
from authn.people.tables import persons
from authn.secrets import national_number_hash
from authn.sources.embedded.register import encrypt_ssin
from authn.sources.tables import register_replacements
from authn.web.site import Site
from tests.authenticator import Authenticator
from tests.citizen import HANNE, KARIM, ORIGIN, Screen, enrolled
from tests.conftest import MovableClock
from tests.federation.journey import Journey, enrol, query_of
from tests.federation.upstream import SUBSTANTIAL, Provider
from tests.together import at_once

pytestmark = pytest.mark.thorough

MARCEL = "00410100162"  # deceased


def other_browser(app: Starlette) -> TestClient:
    client = TestClient(app, base_url=ORIGIN, follow_redirects=False)
    client.headers["Accept-Language"] = "en"
    return client


def events(site: Site, name: str) -> list[str]:
    with reading(site.database) as connection:
        statement = select(audit_events.c.details).where(audit_events.c.event == name)
        return [str(row[0]) for row in connection.execute(statement.order_by(audit_events.c.id))]


# State


def test_another_browser_can_t_finish(journey: Journey, fas: Provider, app: Starlette) -> None:
    back = journey.authorize(fas)
    answer = other_browser(app).get(back)
    assert answer.status_code == 403
    assert "another browser" in answer.text
    assert journey.client.get(back).status_code == 303  # nothing was spent by the other one


def test_another_upstream_can_t_answer(journey: Journey, providers: dict[str, Provider]) -> None:
    back = journey.authorize(providers["fas"])
    answer = journey.client.get(back.replace("/identity/fas/", "/identity/itsme/"))
    assert answer.status_code == 400
    assert providers["itsme"].asked == []


@pytest.mark.parametrize("state", ["", "x", "1x.y"])
def test_a_state_that_is_not_ours_is_refused(journey: Journey, fas: Provider, state: str) -> None:
    journey.begin(fas)
    fas.asked.clear()
    answer = journey.client.get("/identity/fas/callback", params={"code": "x", "state": state})
    assert answer.status_code == 400
    assert fas.asked == []


def test_a_state_is_worth_15_minutes(journey: Journey, fas: Provider, clock: MovableClock) -> None:
    back = journey.authorize(fas)
    clock.advance(minutes=15)
    answer = journey.client.get(back)
    assert answer.status_code == 410
    assert "more than 15 minutes" in answer.text


def test_one_state_twice_at_once_gives_one_proof(
    journey: Journey, fas: Provider, app: Starlette
) -> None:
    back = journey.authorize(fas)
    code = query_of(back)["code"]

    class Forgetful(dict[str, dict[str, str]]):
        """An upstream that takes a code as often as it comes."""

        def pop(self, key: str, default: object = None) -> object:  # type: ignore[override]
            return self.get(key)

    asked, fas.codes = fas.codes, Forgetful(fas.codes)
    try:
        browser = journey.client.cookies
        statuses = at_once(lambda: _again(app, dict(browser), back), threads=4)
    finally:
        fas.codes = asked
    assert code
    assert sorted(str(status) for status in statuses) == ["303", "410", "410", "410"]


def _again(app: Starlette, cookies: dict[str, str], address: str) -> int:
    client = TestClient(app, base_url=ORIGIN, follow_redirects=False, cookies=cookies)
    return client.get(address).status_code


def test_an_unknown_purpose_is_refused(journey: Journey, fas: Provider) -> None:
    assert journey.begin(fas, "login").status_code == 400
    assert journey.begin(fas, "").status_code == 400
    assert fas.asked == []


def test_an_unknown_upstream_is_not_found(journey: Journey) -> None:
    for path in ("", "/callback", "/jwks"):
        assert journey.client.get(f"/identity/nobody{path}?purpose=enrol").status_code == 404


# What the person reads


def test_who_cancels_there_reads_so(journey: Journey, provider: Provider) -> None:
    provider.lies["answer"] = lambda answer: {
        "error": "access_denied",
        "state": answer["state"],
        "iss": answer["iss"],
    }
    answer = journey.come_back(provider)
    assert answer.status_code == 403
    assert "You stopped before the end" in answer.text
    assert "Nothing was changed" in answer.text
    assert f"/identity/{provider.kind}?purpose=enrol" in answer.text


@pytest.mark.parametrize("error", ["server_error", "invalid_scope", "<b>", "ü", "x" * 5000])
def test_an_error_of_the_upstream_is_told_without_its_words(
    journey: Journey, fas: Provider, error: str
) -> None:
    fas.lies["answer"] = lambda answer: {
        "error": error,
        "error_description": "0341 secrets",
        "state": answer["state"],
        "iss": answer["iss"],
    }
    answer = journey.come_back(fas)
    assert answer.status_code in (400, 503)
    assert "Nothing was changed" in answer.text
    assert "<b>" not in answer.text
    assert "secrets" not in answer.text


def test_an_answer_without_code_is_refused(journey: Journey, fas: Provider) -> None:
    fas.lies["answer"] = lambda answer: {"state": answer["state"], "iss": answer["iss"]}
    assert journey.come_back(fas).status_code == 400


# The national register


def test_whoever_is_not_in_the_register_is_refused(
    journey: Journey, provider: Provider, site: Site
) -> None:
    provider.ssin = "81050003552"
    answer = journey.come_back(provider)
    assert answer.status_code == 403
    assert "We do not find you in the national register" in answer.text
    with reading(site.database) as connection:
        assert connection.execute(select(persons)).first() is None
    assert len(events(site, "identity.refused")) == 1


def test_the_deceased_are_refused(journey: Journey, provider: Provider, site: Site) -> None:
    provider.ssin = MARCEL
    answer = journey.come_back(provider)
    assert answer.status_code == 403
    assert "Only people who are in the national register" in answer.text


def test_a_number_may_be_written_as_it_is_printed(journey: Journey, fas: Provider) -> None:
    fas.ssin = "03.41.01-001.28"
    assert journey.come_back(fas).status_code == 303


def test_a_replaced_number_leads_to_the_same_person(
    journey: Journey, fas: Provider, site: Site
) -> None:
    before, after = "70252501507", HANNE.ssin
    citizen = replace(HANNE, previous_ssins=(before,))
    with writing(site.database) as connection:
        person = find_or_create_person(connection, site.secrets, citizen, site.clock())
    _replaced(site, before, after)
    fas.ssin = before
    assert "proof=" in journey.come_back(fas).headers["location"]
    with reading(site.database) as connection:
        proven = select(audit_events.c.person_id).where(audit_events.c.event == "identity.proven")
        assert connection.execute(proven).scalar_one() == person.id


def _replaced(site: Site, before: str, after: str) -> None:
    hashed = national_number_hash(site.secrets, before)
    with writing(site.database) as connection:
        connection.execute(
            register_replacements.insert().values(
                ssin_hash=hashed,
                ssin_encrypted=encrypt_ssin(site.secrets, before, hashed),
                replaced_by_hash=national_number_hash(site.secrets, after),
            )
        )


def test_another_sub_is_the_same_person(
    journey: Journey, provider: Provider, site: Site
) -> None:  # itsme: an account that was made anew
    first = journey.proof(provider)
    provider.sub = "somebody-anew"
    second = journey.proof(provider)
    assert first != second
    with reading(site.database) as connection:
        assert len(connection.execute(select(persons)).all()) == 1


# Who is signed in


def test_a_proof_of_somebody_else_is_refused(journey: Journey, fas: Provider, site: Site) -> None:
    enrolled(site, journey.client, KARIM)
    for purpose in ("raise", "enrol", "return", "block"):
        answer = journey.come_back(fas, purpose)
        assert answer.status_code == 403
        assert "You proved to be somebody else" in answer.text
    assert events(site, "identity.proven") == []


def test_whoever_signs_in_meanwhile_is_not_proven_to_be_somebody_else(
    journey: Journey, fas: Provider, site: Site
) -> None:
    back = journey.authorize(fas)
    enrolled(site, journey.client, KARIM)
    assert journey.client.get(back).status_code == 403


def test_whoever_signs_out_meanwhile_is_still_the_only_one_who_can_be_proven(
    journey: Journey, fas: Provider, site: Site
) -> None:
    _, screen = enrolled(site, journey.client, KARIM)
    back = journey.authorize(fas, "return")
    screen.post_form("/sign-out")
    assert journey.client.get(back).status_code == 403


def test_raising_needs_somebody_who_is_signed_in(journey: Journey, fas: Provider) -> None:
    answer = journey.begin(fas, "raise")
    assert answer.headers["location"] == "/devices/identity"
    assert "return_to" in journey.client.get("/devices/identity").headers["location"]


# The proof, used for a first device


def test_a_proof_makes_a_first_device(journey: Journey, provider: Provider, site: Site) -> None:
    proof = journey.proof(provider)
    page = journey.client.get(f"/activate/identity?proof={proof}")
    assert page.status_code == 200
    assert "Welcome, Hanne" in page.text
    answer = enrol(journey.screen(), proof)
    assert answer.status_code == 200, answer.text
    assert "first=1" in answer.json()["location"]
    assert journey.client.get("/devices").status_code == 200  # signed in
    with reading(site.database) as connection:
        row = connection.execute(select(devices)).one()
    assert (row.added_how, row.identity_level) == ("upstream", "high")


def test_a_device_is_worth_what_the_proof_was(journey: Journey, fas: Provider, site: Site) -> None:
    fas.acr = SUBSTANTIAL["fas"]
    assert enrol(journey.screen(), journey.proof(fas)).status_code == 200
    with reading(site.database) as connection:
        assert connection.execute(select(devices.c.identity_level)).scalar_one() == "substantial"


def test_a_proof_is_used_once(journey: Journey, fas: Provider, site: Site) -> None:
    proof = journey.proof(fas)
    screen = journey.screen()
    assert enrol(screen, proof).status_code == 200
    again = enrol(replace(screen, authenticator=Authenticator()), proof)
    assert again.status_code == 410, again.text
    with reading(site.database) as connection:
        assert len(connection.execute(select(devices)).all()) == 1


def test_one_proof_twice_at_once_makes_one_device(
    journey: Journey, fas: Provider, app: Starlette, site: Site
) -> None:
    proof = journey.proof(fas)
    journey.screen().csrf()
    cookies = dict(journey.client.cookies)

    def once() -> int:
        client = TestClient(app, base_url=ORIGIN, follow_redirects=False, cookies=cookies)
        return enrol(Screen(client, Authenticator()), proof).status_code

    assert sorted(map(str, at_once(once, threads=4))) == ["200", "410", "410", "410"]
    with reading(site.database) as connection:
        assert len(connection.execute(select(devices)).all()) == 1


def test_two_proofs_at_once_make_one_first_device(
    journey: Journey, fas: Provider, app: Starlette, site: Site
) -> None:
    proofs = iter([journey.proof(fas), journey.proof(fas)])
    journey.screen().csrf()
    cookies = dict(journey.client.cookies)

    def once() -> int:
        client = TestClient(app, base_url=ORIGIN, follow_redirects=False, cookies=cookies)
        return enrol(Screen(client, Authenticator()), next(proofs)).status_code

    assert sorted(map(str, at_once(once, threads=2))) == ["200", "403"]
    with reading(site.database) as connection:
        assert len(connection.execute(select(devices)).all()) == 1


@pytest.mark.parametrize("purpose", ["return", "block"])
def test_a_proof_serves_its_purpose_alone(journey: Journey, fas: Provider, purpose: str) -> None:
    proof = journey.proof(fas, purpose)
    assert journey.client.get(f"/activate/identity?proof={proof}").status_code == 400
    assert enrol(journey.screen(), proof).status_code == 400


def test_a_proof_is_worth_nothing_in_another_browser(
    journey: Journey, fas: Provider, app: Starlette
) -> None:
    proof = journey.proof(fas)
    other = other_browser(app)
    assert other.get(f"/activate/identity?proof={proof}").status_code == 403
    assert enrol(Screen(other, Authenticator()), proof).status_code == 403


def test_a_proof_is_worth_15_minutes(journey: Journey, fas: Provider, clock: MovableClock) -> None:
    proof = journey.proof(fas)
    clock.advance(minutes=15)
    assert journey.client.get(f"/activate/identity?proof={proof}").status_code == 410
    assert enrol(journey.screen(), proof).status_code == 410


def test_a_spent_proof_stays_spent_when_spent_tokens_are_cleaned_up(
    journey: Journey, fas: Provider, site: Site, clock: MovableClock
) -> None:
    proof = journey.proof(fas)
    assert enrol(journey.screen(), proof).status_code == 200
    clock.advance(minutes=14, seconds=59)
    with writing(site.database) as connection:
        forget_spent_tokens(connection, clock())
    assert enrol(journey.screen(), proof).status_code == 410


def test_a_person_who_has_devices_comes_back_by_their_proof(
    journey: Journey, fas: Provider, app: Starlette, site: Site
) -> None:
    enrolled(site, other_browser(app), HANNE)
    answer = journey.come_back(fas)
    assert answer.headers["location"].startswith("/return?proof=")
    assert journey.client.get(answer.headers["location"]).status_code == 200


def test_a_person_who_gets_a_device_meanwhile_comes_back_by_their_proof(
    journey: Journey, fas: Provider, app: Starlette, site: Site
) -> None:
    proof = journey.proof(fas)
    enrolled(site, other_browser(app), HANNE)
    answer = journey.client.get(f"/activate/identity?proof={proof}")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/return?proof=")
    assert enrol(journey.screen(), proof).status_code == 403


def test_what_waits_is_carried_along_and_the_upstream_does_not_read_it(
    journey: Journey, fas: Provider
) -> None:
    waiting = "w" * 1500
    began = journey.begin(fas, request=waiting)
    assert waiting not in began.headers["location"]
    answer = journey.come_back(fas, request=waiting)
    assert query_of(answer.headers["location"])["request"] == waiting
    done = enrol(journey.screen(), query_of(answer.headers["location"])["proof"], waiting)
    assert waiting in done.json()["location"]


def test_what_waits_in_another_tab_is_not_mixed_up(journey: Journey, fas: Provider) -> None:
    first = journey.authorize(fas, request="first")
    second = journey.authorize(fas)
    third = journey.authorize(fas, request="third")
    assert "request" not in query_of(journey.client.get(second).headers["location"])
    assert "request" not in query_of(journey.client.get(first).headers["location"])
    assert query_of(journey.client.get(third).headers["location"])["request"] == "third"


@pytest.mark.parametrize("waiting", ["w" * 5000, "€", "\x01", "a\r\nSet-Cookie: b=c"])
def test_what_no_cookie_can_hold_is_left_behind(
    journey: Journey, fas: Provider, waiting: str
) -> None:
    answer = journey.come_back(fas, request=waiting)
    assert "request" not in query_of(answer.headers["location"])


# Never in a log, an address, a token, an audit row


def test_the_number_is_nowhere_to_be_read(
    journey: Journey, provider: Provider, site: Site, capfd: pytest.CaptureFixture[str]
) -> None:
    seen = []
    for ssin in (HANNE.ssin, "81050003552", MARCEL):
        provider.ssin = ssin
        answer = journey.come_back(provider)
        seen += [answer.text, str(answer.headers)]
    out, error = capfd.readouterr()
    with reading(site.database) as connection:
        rows = [str(row) for row in connection.execute(select(audit_events))]
    everywhere = "".join([*seen, out, error, *rows])
    for ssin in (HANNE.ssin, "81050003552", MARCEL):
        assert ssin not in everywhere
    assert "identity" in everywhere  # the look was worth something
    state = query_of(journey.begin(provider).headers["location"])["state"]
    for person_id in _person_ids(site):
        assert str(person_id) not in state
        assert person_id.hex not in state


def _person_ids(site: Site) -> list[UUID]:
    with reading(site.database) as connection:
        return list(connection.execute(select(persons.c.id)).scalars())


def test_our_public_keys_are_there_for_the_upstream_to_read(
    journey: Journey, providers: dict[str, Provider]
) -> None:
    answer = journey.client.get("/identity/itsme/jwks")
    assert answer.headers["content-type"] == "application/jwk-set+json"
    keys = answer.json()["keys"]
    assert {key["use"] for key in keys} == {"sig", "enc"}
    assert not [key for key in keys if {"d", "p", "q", "dp", "dq", "qi"} & key.keys()]
    assert journey.client.get("/identity/fas/jwks").json() == {"keys": []}


def test_the_activation_page_offers_each_upstream(
    journey: Journey, providers: dict[str, Provider]
) -> None:
    html = journey.client.get("/activate?request=abc").text
    for kind, name in (("fas", "CSAM"), ("itsme", "itsme"), ("oidc", "The bank")):
        assert f'href="/identity/{kind}?purpose=enrol&amp;request=abc"' in html
        assert f"Prove who you are with {name}" in html

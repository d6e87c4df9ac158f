"""My applications, and withdrawing them; signing out everywhere (decisions 7)."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.audit.log import audit_events
from authn.clients.client_metadata import ClientMetadata
from authn.consents.consents import give_consent
from authn.db.transaction import reading, writing
from authn.grants.endings.ended_grants import end_client
from authn.grants.tables import authorization_codes, grants
from authn.keys.signing_keys import ensure_signing_keys
from authn.outbox.outbox import list_unsent
from authn.profiles.answer import apply_answer
from authn.profiles.profile import NO_PROFILE
from authn.profiles.profiles import end_profile
from authn.secrets import token_hash
from authn.sources.facts import Fact
from authn.sources.questions import QuestionName
from authn.web.site import Site
from tests.capacities import allowed_to, child, open_to, physician, profile_ids
from tests.citizen import KARIM, ORIGIN, Screen
from tests.conftest import MovableClock
from tests.oidc.apis import PRESCRIPTIONS, register_api
from tests.oidc.refreshing import OFFLINE, REFRESHING, refresh
from tests.oidc.relying_party import (
    Holder,
    RelyingParty,
    hold_device,
    register,
    segment,
    sign_in,
)
from tests.oidc.test_cost import counted

pytestmark = pytest.mark.thorough

LONG = "x" * 60
PAYLOAD = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def _keys(site: Site) -> None:
    ensure_signing_keys(site.database, site.secrets, site.clock())


@pytest.fixture
def holder(site: Site, client: TestClient) -> Holder:
    client.headers["Accept-Language"] = "en"
    return hold_device(site, client)


@pytest.fixture
def make_rp(site: Site, client: TestClient) -> Callable[..., RelyingParty]:
    return lambda **metadata: register(site, client, **metadata)


MakeRP = Callable[..., RelyingParty]


@pytest.fixture
def offline_rp(make_rp: MakeRP, holder: Holder) -> RelyingParty:
    """An application that may go on without its person."""
    names = {"nl": "Ziekenhuis", "": "Hospital"}
    said = ClientMetadata(grant_types=REFRESHING.grant_types, client_names=names)
    rp = make_rp(client_id="hospital", scope=OFFLINE, metadata=said)
    return rp.allowed_by(holder, OFFLINE)


def shown(client: TestClient) -> str:
    answer = client.get("/applications")
    assert answer.status_code == 200, answer.text
    return answer.text


def events(site: Site, name: str) -> list[tuple[Any, ...]]:
    statement = select(audit_events.c.client_id, audit_events.c.details).order_by(audit_events.c.id)
    with reading(site.database) as connection:
        rows = connection.execute(statement.where(audit_events.c.event == name))
        return [tuple(row) for row in rows]


@pytest.mark.parametrize("path", ["/applications", "/applications/x/withdraw"])
def test_whoever_is_not_signed_in_signs_in_first(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login?return_to=")


def test_nothing_allowed_is_said(holder: Holder, client: TestClient) -> None:
    assert "No application has access to anything of yours." in shown(client)


def test_an_application_is_shown_with_its_name_in_the_reader_s_language(
    offline_rp: RelyingParty, client: TestClient
) -> None:
    assert "Hospital" in shown(client)
    assert "hospital.example" in shown(client)
    client.headers["Accept-Language"] = "nl"
    assert "Ziekenhuis" in shown(client)


def test_it_says_what_was_allowed(
    site: Site, make_rp: MakeRP, holder: Holder, client: TestClient
) -> None:
    register_api(site)
    rp = make_rp(client_id="hospital", scope="openid profile read", resources=[PRESCRIPTIONS])
    page = shown(client)
    assert "Recognise you when you come back" not in page
    rp.allowed_by(holder, f"openid claim/birthdate {PRESCRIPTIONS}#read authorization_details/x")
    page = shown(client)
    assert "Recognise you when you come back" in page
    assert "Your date of birth" in page
    assert "In your name, at Prescriptions: Read your prescriptions" in page
    assert "Your name, date of birth and language" not in page
    rp.allowed_by(holder, "profile")
    assert "Your name, date of birth and language" in shown(client)


def test_it_says_what_one_has_that_asks_nobody(
    make_rp: MakeRP, holder: Holder, client: TestClient
) -> None:
    make_rp(first_party=True, scope="openid profile").tokens(scope="openid")
    assert "Your name, date of birth and language" in shown(client)


def test_it_says_since_when_and_when_it_was_last_used(
    offline_rp: RelyingParty, client: TestClient, clock: MovableClock
) -> None:
    clock.advance(seconds=600)
    assert "Last used" not in shown(client)
    assert "Allowed since 2 March 2026" in shown(client)
    offline_rp.tokens()
    assert "Last used today at 10:40" in shown(client)


def test_it_says_which_ones_go_on_while_the_person_is_signed_out(
    site: Site, offline_rp: RelyingParty, holder: Holder, client: TestClient, clock: MovableClock
) -> None:
    words = "Has access while you are signed out too."
    offline_rp.tokens()
    assert words not in shown(client), "its grant ends with the session"
    offline_rp.tokens(scope=OFFLINE)
    assert words in shown(client)
    clock.advance(days=31)
    sign_in(site, client, holder.held)
    assert words not in shown(client), "its refresh token has expired, unused"


def test_an_application_that_nobody_is_asked_about_is_shown_once_it_was_used(
    make_rp: MakeRP, holder: Holder, client: TestClient
) -> None:
    rp = make_rp(client_id="ours", client_name="Our own", first_party=True)
    assert "Our own" not in shown(client)
    rp.tokens()
    assert "Our own" in shown(client)


def test_nobody_sees_another_one_s_and_none_that_has_ended(
    site: Site, app: Starlette, offline_rp: RelyingParty, client: TestClient
) -> None:
    offline_rp.tokens()
    other = TestClient(app, base_url=ORIGIN, follow_redirects=False)
    hold_device(site, other, KARIM)
    assert "ospital" not in shown(other)
    assert other.get("/applications/hospital/withdraw").status_code == 404
    with writing(site.database) as connection:
        end_client(connection, site.secrets, "hospital", site.clock())
    assert "ospital" not in shown(client)


def test_the_page_says_what_ends_and_what_stays_and_nothing_has_yet(
    site: Site, offline_rp: RelyingParty, client: TestClient
) -> None:
    tokens = offline_rp.tokens(scope=OFFLINE)
    asked = client.get("/applications/hospital/withdraw")
    assert asked.status_code == 200
    assert "Withdraw the access of Hospital?" in asked.text
    assert "Its access while you are signed out ends." in asked.text
    assert offline_rp.userinfo(tokens["access_token"]).status_code == 200


@pytest.mark.parametrize("client_id", ["unknown", "x" * 500, "a%2Fb", "%3Cscript%3E", "é"])
def test_an_application_that_the_person_does_not_have_is_not_found(
    holder: Holder, client: TestClient, client_id: str
) -> None:
    assert client.get(f"/applications/{client_id}/withdraw").status_code == 404
    assert Screen(client).post_form(f"/applications/{client_id}/withdraw").status_code < 500


def test_withdrawing_ends_all_that_it_holds_and_the_next_time_it_asks_anew(
    site: Site, offline_rp: RelyingParty, holder: Holder, client: TestClient
) -> None:
    tokens = offline_rp.tokens(scope=OFFLINE)
    answer = Screen(client).post_form("/applications/hospital/withdraw")
    assert answer.headers["location"] == "/applications?done=withdrawn"
    page = client.get(answer.headers["location"]).text
    assert "The application has no access any more." in page
    assert "Hospital" not in page
    assert offline_rp.userinfo(tokens["access_token"]).status_code == 401
    assert refresh(offline_rp, tokens["refresh_token"]).status_code == 400
    assert offline_rp.answer(prompt="none")["error"] == "consent_required"
    assert not allowed_to(site, holder.person.id, "hospital")
    Screen(client).post_form("/applications/hospital/withdraw")
    assert events(site, "consent.withdrawn") == [("hospital", '{"grants":1,"profile_id":""}')], (
        "once"
    )


def test_another_application_and_another_person_keep_theirs(
    site: Site, app: Starlette, make_rp: MakeRP, offline_rp: RelyingParty, holder: Holder
) -> None:
    client = offline_rp.browser
    other_rp = make_rp(client_id="pharmacy").allowed_by(holder)
    pharmacy = other_rp.tokens()
    browser = TestClient(app, base_url=ORIGIN, follow_redirects=False)
    karim = hold_device(site, browser, KARIM)
    his = RelyingParty(site, browser, offline_rp.client, offline_rp.client_secret)
    theirs = his.allowed_by(karim).tokens()
    Screen(client).post_form("/applications/hospital/withdraw")
    assert other_rp.userinfo(pharmacy["access_token"]).status_code == 200
    assert his.userinfo(theirs["access_token"]).status_code == 200
    assert client.get("/devices").status_code == 200, "nobody is signed out"


def test_withdrawing_what_one_does_not_have_is_not_on_record(
    site: Site, holder: Holder, client: TestClient
) -> None:
    assert Screen(client).post_form("/applications/unknown/withdraw").status_code == 303
    assert events(site, "consent.withdrawn") == []


def test_another_site_can_withdraw_nothing(
    site: Site, offline_rp: RelyingParty, holder: Holder, client: TestClient
) -> None:
    answer = client.post("/applications/hospital/withdraw", headers={"Origin": "https://x.example"})
    assert answer.status_code == 403
    assert "profile" in allowed_to(site, holder.person.id, "hospital")


def test_names_are_shown_as_they_are_and_never_run(
    site: Site, make_rp: MakeRP, holder: Holder, client: TestClient
) -> None:
    make_rp(client_id="evil", client_name=PAYLOAD).allowed_by(holder)
    make_rp(client_id="long", client_name=LONG).allowed_by(holder)
    for path in ("/applications", "/applications/evil/withdraw"):
        text = client.get(path).text
        assert PAYLOAD not in text
        assert "&lt;script&gt;" in text
    assert LONG in shown(client)


# Signing out everywhere


def test_the_page_offers_the_second_choice_only_where_it_means_something(
    offline_rp: RelyingParty, client: TestClient
) -> None:
    choice = 'name="offline"'
    assert choice not in client.get("/sign-out/everywhere").text
    offline_rp.tokens(scope=OFFLINE)
    page = client.get("/sign-out/everywhere").text
    assert choice in page
    assert "This goes for Hospital." in page


def test_everywhere_is_on_record_once_with_what_ended(
    site: Site, app: Starlette, offline_rp: RelyingParty, holder: Holder, client: TestClient
) -> None:
    offline_rp.tokens(scope=OFFLINE)
    other = TestClient(app, base_url=ORIGIN, follow_redirects=False)
    sign_in(site, other, holder.held)
    answer = Screen(client).post_form("/sign-out/everywhere", offline="yes")
    assert answer.headers["location"] == "/signed-out"
    assert other.get("/devices").status_code == client.get("/devices").status_code == 303
    assert events(site, "session.signed-out-everywhere") == [
        (None, '{"sessions":2,"offline_grants":1}')
    ]


def test_whoever_is_not_signed_in_signs_nobody_out(
    site: Site, holder: Holder, client: TestClient
) -> None:
    client.cookies.clear()
    assert client.get("/sign-out/everywhere").status_code == 303
    answer = Screen(client).post_form("/sign-out/everywhere")
    assert answer.headers["location"].startswith("/login")
    assert events(site, "session.signed-out-everywhere") == []


def test_my_devices_leads_to_both(holder: Holder, client: TestClient) -> None:
    page = client.get("/devices").text
    assert 'href="/applications"' in page
    assert 'href="/sign-out/everywhere"' in page


def test_an_application_that_was_allowed_by_two_scopes_is_one(
    site: Site, make_rp: MakeRP, holder: Holder, client: TestClient
) -> None:
    make_rp(client_id="one", client_name="Only one")
    with writing(site.database) as connection:
        for scope in ("openid", "profile"):
            give_consent(connection, holder.person.id, "one", NO_PROFILE, [scope], site.clock())
    assert shown(client).count("Only one") == 1


# In which capacity, until when, and all at once


def in_profile(site: Site, holder: Holder, kind: str, *scopes: str) -> UUID:
    """What the holder allowed the hospital in this capacity of theirs."""
    with writing(site.database) as connection:
        facts: tuple[Fact, ...] = (physician(),) if kind == "quality" else (child(),)
        question: QuestionName = "qualities" if kind == "quality" else "children"
        who = (connection, site.secrets, site.settings, holder.person.id)
        apply_answer(*who, question, facts, site.clock())
    profile_id = profile_ids(site, holder.person.id)[kind]
    with writing(site.database) as connection:
        whom = (connection, holder.person.id, "hospital", profile_id)
        give_consent(*whom, scopes, site.clock())
    return profile_id


def granted_in(site: Site, holder: Holder, rp: RelyingParty, profile_id: UUID) -> str:
    """An access token of a grant in this capacity, a physician's."""
    code = rp.code()
    open_to(site, rp.client.client_id, "quality")
    with writing(site.database) as connection:
        statement = update(grants).where(
            grants.c.id.in_(
                select(authorization_codes.c.grant_id).where(
                    authorization_codes.c.code_hash == token_hash(code)
                )
            )
        )
        connection.execute(statement.values(profile_id=profile_id))
    token: str = rp.redeem(code).json()["access_token"]
    return token


def test_it_says_what_was_allowed_in_which_capacity(
    site: Site, offline_rp: RelyingParty, holder: Holder, client: TestClient
) -> None:
    assert "Physician" not in shown(client)
    in_profile(site, holder, "quality", "openid")
    page = shown(client)
    assert page.count("Physician") == 1
    assert page.count("Hospital</h2>") == 1, "one application, whatever its capacities"
    assert page.count("As a citizen") == 1
    assert page.count("Withdraw for this capacity") == 2


def test_one_capacity_of_one_application_is_withdrawn(
    site: Site, offline_rp: RelyingParty, holder: Holder, client: TestClient
) -> None:
    profile_id = in_profile(site, holder, "quality", "openid", "profile")
    own = offline_rp.tokens()["access_token"]
    as_physician = granted_in(site, holder, offline_rp, profile_id)
    path = "/applications/hospital/withdraw"
    asked = client.get(f"{path}?profile={profile_id}").text
    assert "What you allowed it in this capacity: Physician." in asked
    assert "What you allowed it in other capacities." in asked
    Screen(client).post_form(path, profile=str(profile_id))
    assert offline_rp.userinfo(own).status_code == 200
    assert offline_rp.userinfo(as_physician).status_code == 401
    assert "Physician" not in shown(client)
    assert "Hospital" in shown(client)
    said = f'{{"grants":1,"profile_id":"{profile_id}"}}'
    assert events(site, "consent.withdrawn") == [("hospital", said)]


def test_what_was_allowed_as_a_citizen_is_withdrawn_alone(
    site: Site, offline_rp: RelyingParty, holder: Holder, client: TestClient
) -> None:
    profile_id = in_profile(site, holder, "quality", "openid", "profile")
    own = offline_rp.tokens()["access_token"]
    as_physician = granted_in(site, holder, offline_rp, profile_id)
    Screen(client).post_form("/applications/hospital/withdraw", profile=str(NO_PROFILE))
    assert offline_rp.userinfo(own).status_code == 401
    assert offline_rp.userinfo(as_physician).status_code == 200


@pytest.mark.parametrize("profile", ["x", str(UUID(int=7)), "%00"])
def test_a_capacity_that_the_person_does_not_have_is_not_found(
    offline_rp: RelyingParty, client: TestClient, profile: str
) -> None:
    token = offline_rp.tokens()["access_token"]
    path = "/applications/hospital/withdraw"
    assert client.get(f"{path}?profile={profile}").status_code in (400, 404)
    Screen(client).post_form(path, profile=profile)
    assert offline_rp.userinfo(token).status_code == 200


def test_what_was_allowed_in_a_capacity_that_ended_is_not_shown(
    site: Site, offline_rp: RelyingParty, holder: Holder, client: TestClient
) -> None:
    profile_id = in_profile(site, holder, "quality", "openid")
    with writing(site.database) as connection:
        end_profile(connection, profile_id, site.clock())
    assert "Physician" not in shown(client)


def test_it_says_until_when_and_what_has_ended_is_gone(
    site: Site, make_rp: MakeRP, holder: Holder, client: TestClient, clock: MovableClock
) -> None:
    make_rp(client_id="short", client_name="Short one")
    with writing(site.database) as connection:
        whom = (connection, holder.person.id, "short", NO_PROFILE)
        ends = datetime(2026, 3, 2, 23, 0, tzinfo=UTC)  # midnight in Brussels
        give_consent(*whom, ["openid"], site.clock(), expires_at=ends, declined=["profile"])
    page = shown(client)
    assert "Until 2 March 2026" in page
    assert "Your name, date of birth and language" not in page, "it was declined"
    clock.advance(minutes=13 * 60 + 30)
    sign_in(site, client, holder.held)
    assert "Short one" not in shown(client)


def test_one_that_asks_nobody_is_shown_as_the_operator_s(
    make_rp: MakeRP, holder: Holder, client: TestClient
) -> None:
    words = "It belongs to the operator of this service. It has this without asking you."
    make_rp(client_id="theirs").allowed_by(holder)
    assert words not in shown(client)
    make_rp(client_id="ours", first_party=True).tokens()
    assert shown(client).count(words) == 1


def test_all_are_withdrawn_at_once(
    site: Site, make_rp: MakeRP, offline_rp: RelyingParty, holder: Holder, client: TestClient
) -> None:
    assert "/applications/withdraw" not in shown(client), "there is only one"
    other_rp = make_rp(client_id="pharmacy", client_name="Pharmacy").allowed_by(holder)
    hospital, pharmacy = offline_rp.tokens(scope=OFFLINE), other_rp.tokens()
    assert 'href="/applications/withdraw"' in shown(client)
    asked = client.get("/applications/withdraw").text
    assert "Hospital" in asked
    assert "Pharmacy" in asked
    assert "Access while you are signed out ends." in asked
    assert other_rp.userinfo(pharmacy["access_token"]).status_code == 200
    answer = Screen(client).post_form("/applications/withdraw")
    assert answer.headers["location"] == "/applications?done=all"
    page = client.get(answer.headers["location"]).text
    assert "No application has access any more." in page
    assert "No application has access to anything of yours." in page
    assert offline_rp.userinfo(hospital["access_token"]).status_code == 401
    assert refresh(offline_rp, hospital["refresh_token"]).status_code == 400
    assert other_rp.userinfo(pharmacy["access_token"]).status_code == 401
    assert len(events(site, "consent.withdrawn")) == 2
    assert client.get("/applications/withdraw").status_code == 303
    assert client.get("/devices").status_code == 200, "nobody is signed out"


def test_another_site_can_not_withdraw_all(offline_rp: RelyingParty, client: TestClient) -> None:
    token = offline_rp.tokens()["access_token"]
    answer = client.post("/applications/withdraw", headers={"Origin": "https://x.example"})
    assert answer.status_code == 403
    assert offline_rp.userinfo(token).status_code == 200


def test_the_application_is_told_once_for_each_of_its_sessions(
    site: Site, make_rp: MakeRP, holder: Holder, client: TestClient
) -> None:
    """OpenID Connect Back-Channel Logout 1.0: as when the session itself ends."""
    told = ClientMetadata(backchannel_logout_uri="https://hospital.example/logout")
    rp = make_rp(client_id="hospital", metadata=told).allowed_by(holder)
    sids = {segment(rp.tokens()["id_token"], 1)["sid"] for _ in range(2)}
    sign_in(site, client, holder.held)
    sids.add(segment(rp.tokens()["id_token"], 1)["sid"])
    assert len(sids) == 2
    Screen(client).post_form("/applications/hospital/withdraw")
    with reading(site.database) as connection:
        rows = [each for each in list_unsent(connection) if each.kind == "backchannel-logout"]
    assert [each.destination for each in rows] == ["hospital", "hospital"]


def test_what_ended_long_ago_is_not_told_again(
    site: Site, make_rp: MakeRP, holder: Holder, client: TestClient
) -> None:
    told = ClientMetadata(backchannel_logout_uri="https://hospital.example/logout")
    rp = make_rp(client_id="hospital", metadata=told).allowed_by(holder)
    rp.tokens()
    Screen(client).post_form("/sign-out")
    sign_in(site, client, holder.held)
    Screen(client).post_form("/applications/hospital/withdraw")
    with reading(site.database) as connection:
        assert [each for each in list_unsent(connection) if each.kind == "backchannel-logout"] == []


def test_the_page_costs_no_more_for_many_applications_than_it_must(
    site: Site, make_rp: MakeRP, holder: Holder, client: TestClient
) -> None:
    make_rp(client_id="first", client_name="One").allowed_by(holder).tokens()
    with counted(site) as seen:
        shown(client)
    few = len(seen)
    for number in range(3):
        make_rp(client_id=f"more-{number}", client_name="More").allowed_by(holder).tokens()
    with counted(site) as seen:
        shown(client)
    assert len(seen) == few + 3, seen  # each application's own row

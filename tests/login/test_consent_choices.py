"""What a person can leave out of what is asked, for how long they allow the rest, and for whom.

RFC 6749 §3.3 and §5.1 (https://www.rfc-editor.org/rfc/rfc6749#section-3.3): what is granted may be
narrower than what was asked, and the client is told.
"""

import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select, update
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.audit.log import audit_events
from authn.clients.client_metadata import ClientMetadata
from authn.clients.clients import find_client
from authn.clients.tables import clients
from authn.consents.tables import consents
from authn.db.transaction import reading, writing
from authn.grants.tables import grants
from authn.profiles.profile import NO_PROFILE
from authn.secrets import token_hash
from authn.web.site import Site
from tests.capacities import LEA, child, choose, knows, open_to, physician
from tests.citizen import ORIGIN, SSIN, Screen, enrolled, fields_of
from tests.conftest import MovableClock
from tests.hospital import register_hospital
from tests.login.test_interaction import allow, authorize, data_location, query, waiting
from tests.oidc.apis import PRESCRIPTIONS, REPORTS, details, register_api, register_reports
from tests.oidc.other_screens import go_on, other_screen
from tests.oidc.relying_party import RelyingParty, segment

SECRET = "s" * 40
EVERYTHING = "openid profile offline_access read write share"
BIRTHDATE = json.dumps({"userinfo": {"birthdate": {"essential": True}, "locale": None}})


@pytest.fixture
def screen(site: Site, client: TestClient) -> Screen:
    """Hanne, signed in on the laptop with which she enrolled."""
    _, screen = enrolled(site, client)
    client.headers["Accept-Language"] = "en"
    return screen


@pytest.fixture
def rp(site: Site, screen: Screen, client: TestClient) -> RelyingParty:
    """An application that may ask a lot."""
    register_api(site)
    register_reports(site)
    register_hospital(
        site,
        client_secret=SECRET,
        scope=f"{EVERYTHING} ssin",
        may_read_ssin=True,
        resources=[PRESCRIPTIONS, REPORTS],
        metadata=ClientMetadata(grant_types=("authorization_code", "refresh_token")),
    )
    with reading(site.database) as connection:
        hospital = find_client(connection, "hospital")
    assert hospital is not None
    return RelyingParty(site, client, hospital, SECRET)


def says_why(site: Site, **reasons: str) -> None:
    """The operator registered what the hospital can't do without."""
    said = {scope: {"en": reason} for scope, reason in reasons.items()}
    with writing(site.database) as connection:
        connection.execute(update(clients).values(scope_reasons=said))


def page_of(screen: Screen, **asked: Any) -> str:
    token = waiting(authorize(screen, **asked), "/consent")
    return screen.client.get("/consent?request=" + token).text


def boxes(html: str) -> dict[str, str]:
    """How each box stands: ticked, unticked, or fixed."""
    found = {}
    for tag, label in re.findall(r'<input (type="checkbox"[^>]*)>\s*<label[^>]*>([^<]*)', html):
        state = "fixed" if "disabled" in tag else "ticked" if " checked" in tag else "unticked"
        found[label] = state
    return found


def answer(screen: Screen, *left_out: str, ends: str = "withdrawn", **asked: Any) -> dict[str, str]:
    """What the application is told once these boxes are unticked and the rest is allowed."""
    token = waiting(authorize(screen, **asked), "/consent")
    html = screen.client.get("/consent?request=" + token).text
    sent = fields_of(html) | {"request": token, "decision": "allow", "ends": ends}
    for name in left_out:
        del sent[f"allow:{name}"]
    page = screen.post_form("/consent", **sent)
    assert page.status_code == 200, page.text
    return query(data_location(page.text))


def tokens(rp: RelyingParty, answered: dict[str, str], **form: str) -> dict[str, Any]:
    told = rp.redeem(answered["code"], **form)
    assert told.status_code == 200, told.text
    content: dict[str, Any] = told.json()
    return content


def kept(site: Site) -> dict[str, bool]:
    with reading(site.database) as connection:
        rows = connection.execute(select(consents.c.scope, consents.c.declined))
        return {row.scope: not row.declined for row in rows}


def test_who_asks_is_named_with_the_organisation_and_the_domain(
    site: Site, screen: Screen, rp: RelyingParty
) -> None:
    with writing(site.database) as connection:
        connection.execute(update(clients).values(organisation="0406798006"))
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page_of(screen, scope="openid profile")))
    assert rp.client.client_name in words
    assert "0406.798.006" in words
    assert str(urlsplit(rp.redirect_uri).hostname) in words


# Leaving out


def test_what_is_left_out_is_not_in_the_grant_and_the_client_is_told(
    site: Site, screen: Screen, rp: RelyingParty
) -> None:
    told = tokens(rp, answer(screen, "profile", "offline_access", scope=EVERYTHING[:30]))
    assert told["scope"] == "openid"
    assert kept(site) == {"openid": True, "profile": False, "offline_access": False}
    assert rp.userinfo(told["access_token"]).json().keys() == {"sub"}


def test_the_login_works_with_everything_left_out(screen: Screen, rp: RelyingParty) -> None:
    asked = {"scope": "openid profile read", "resource": PRESCRIPTIONS}
    told = tokens(rp, answer(screen, "profile", f"{PRESCRIPTIONS}#read", **asked))
    assert told["scope"] == "openid"
    assert segment(told["id_token"], 1)["sub"]
    assert segment(told["access_token"], 1)["aud"].endswith("/userinfo")


def test_it_is_not_asked_again_and_only_what_is_new_is(
    screen: Screen, rp: RelyingParty, clock: MovableClock
) -> None:
    answer(screen, "profile", scope="openid profile")
    clock.advance(minutes=1)
    again = query(authorize(screen, scope="openid profile", prompt="none"))
    assert tokens(rp, again)["scope"] == "openid"
    assert boxes(page_of(screen, scope="openid profile offline_access")) == {
        "Go on having access while you are signed out": "ticked"
    }


def test_asked_anew_the_boxes_stand_as_they_were_left(
    site: Site, screen: Screen, rp: RelyingParty, clock: MovableClock
) -> None:
    answer(screen, "profile", scope="openid profile")
    clock.advance(seconds=1)
    asked = {"scope": "openid profile offline_access", "prompt": "consent"}
    assert boxes(page_of(screen, **asked)) == {
        "Recognise you when you come back": "fixed",
        "Your name, date of birth and language": "unticked",
        "Go on having access while you are signed out": "ticked",
    }
    # The page is a question: without an answer to it nothing changes.
    token = waiting(authorize(screen, **asked), "/consent")
    screen.answer_page("/consent", token, decision="decline")
    assert kept(site) == {"openid": True, "profile": False}
    sent = {"allow:profile": "yes"}
    token = waiting(authorize(screen, **asked), "/consent")
    screen.answer_page("/consent", token, decision="allow", **sent)
    assert kept(site) == {"openid": True, "profile": True, "offline_access": True}


def test_what_it_can_t_do_without_is_fixed_with_the_reason(
    site: Site, screen: Screen, rp: RelyingParty
) -> None:
    says_why(site, read="It shows you your prescriptions.")
    asked = {
        "scope": "openid profile read write",
        "resource": PRESCRIPTIONS,
        "claims": BIRTHDATE,
    }
    html = page_of(screen, **asked)
    assert boxes(html) == {
        "Recognise you when you come back": "fixed",
        "Your name, date of birth and language": "ticked",
        "Your date of birth": "fixed",
        "Read your prescriptions": "fixed",
        "Renew a prescription": "ticked",
    }
    for reason in (
        "It shows you your prescriptions.",
        "It says that it needs this.",
        "Without this you can&#39;t sign in there.",
    ):
        assert html.count(reason) == 1
    # Whatever a browser sends: it is needed, so that who allows anything allows it.
    token = waiting(authorize(screen, **asked), "/consent")
    shown = fields_of(screen.client.get("/consent?request=" + token).text)["shown"]
    only = {"allow:profile": "", "shown": shown, "decision": "allow"}
    carried = {"person": "", "profile": str(NO_PROFILE), "request": token}
    carried["person"] = fields_of(page_of(screen, **asked))["person"]
    screen.post_form("/consent", **carried, **only)
    assert kept(site)[f"{PRESCRIPTIONS}#read"]
    assert not kept(site)[f"{PRESCRIPTIONS}#write"]


def test_of_a_scope_that_is_left_out_the_claim_that_is_needed_stays(
    screen: Screen, rp: RelyingParty
) -> None:
    told = tokens(rp, answer(screen, "profile", scope="openid profile", claims=BIRTHDATE))
    assert told["scope"] == "openid"
    assert rp.userinfo(told["access_token"]).json().keys() == {"sub", "birthdate"}


def test_a_single_claim_is_left_out(screen: Screen, rp: RelyingParty) -> None:
    told = tokens(rp, answer(screen, "claim/locale", scope="openid", claims=BIRTHDATE))
    assert rp.userinfo(told["access_token"]).json().keys() == {"sub", "birthdate"}


def test_the_national_number_is_left_out(screen: Screen, rp: RelyingParty) -> None:
    told = tokens(rp, answer(screen, "ssin", scope="openid ssin"))
    assert told["scope"] == "openid"
    assert "ssin" not in rp.userinfo(told["access_token"]).json()


def test_a_scope_is_left_out_at_one_resource_and_stays_at_another(
    screen: Screen, rp: RelyingParty
) -> None:
    asked = {"scope": "openid read write", "resource": f"{PRESCRIPTIONS} {REPORTS}"}
    left_out = f"{PRESCRIPTIONS}#read"
    answered = answer(screen, left_out, **asked)
    at_one = tokens(rp, answered, resource=PRESCRIPTIONS)
    assert at_one["scope"] == "write"
    refreshed = rp.redeem(
        None,
        grant_type="refresh_token",
        redirect_uri=None,
        code_verifier=None,
        refresh_token=at_one["refresh_token"],
        resource=REPORTS,
    )
    assert refreshed.json()["scope"] == "read"


def test_a_resource_of_which_all_is_left_out_is_not_granted(
    screen: Screen, rp: RelyingParty
) -> None:
    asked = {"scope": "openid read", "resource": f"{PRESCRIPTIONS} {REPORTS}"}
    answered = answer(screen, f"{PRESCRIPTIONS}#read", **asked)
    refused = rp.redeem(answered["code"], resource=PRESCRIPTIONS)
    assert refused.json()["error"] == "invalid_target"


def test_who_leaves_out_all_there_is_has_declined(
    site: Site, screen: Screen, rp: RelyingParty
) -> None:
    asked = {"scope": "read", "resource": PRESCRIPTIONS}
    assert answer(screen, f"{PRESCRIPTIONS}#read", **asked)["error"] == "access_denied"
    assert kept(site) == {}
    waiting(authorize(screen, **asked), "/consent")


def test_what_is_asked_this_once_can_t_be_left_out(screen: Screen, rp: RelyingParty) -> None:
    html = page_of(screen, scope="openid", authorization_details=details("write"))
    assert boxes(html) == {"Recognise you when you come back": "fixed"}
    assert "This one time, at Prescriptions" in html


def test_only_what_the_page_showed_is_answered(
    site: Site, screen: Screen, rp: RelyingParty
) -> None:
    """Another tab asked for more in the meantime: that is asked on its own page."""
    token = waiting(authorize(screen, scope="openid profile"), "/consent")
    sent = fields_of(screen.client.get("/consent?request=" + token).text)
    sent |= {"request": token, "decision": "allow", "shown": "openid"}
    del sent["allow:profile"]
    page = screen.post_form("/consent", **sent)
    assert waiting(data_location(page.text), "/consent")
    assert kept(site) == {"openid": True}


def test_a_name_that_was_not_asked_is_not_allowed(
    site: Site, screen: Screen, rp: RelyingParty
) -> None:
    token = waiting(authorize(screen, scope="openid"), "/consent")
    more = {"allow:ssin": "yes", "shown": "openid ssin", "decision": "allow"}
    screen.answer_page("/consent", token, **more)
    assert kept(site) == {"openid": True}


def test_what_was_left_out_is_on_record(site: Site, screen: Screen, rp: RelyingParty) -> None:
    answer(screen, "profile", scope="openid profile", ends="today")
    with reading(site.database) as connection:
        statement = select(audit_events.c.details).where(audit_events.c.event == "consent.given")
        said = json.loads(connection.execute(statement).scalar_one())
    assert said == {
        "scopes": "openid",
        "declined": "profile",
        "profile_id": "",
        "expires_at": "2026-03-03T00:00:00+01:00",
    }


def test_many_scopes_stay_few_to_look_at(site: Site, screen: Screen, rp: RelyingParty) -> None:
    scopes = {f"s{number}": f"Do thing number {number}" for number in range(30)}
    with writing(site.database) as connection:
        asked = " ".join(scopes)
        connection.execute(update(clients).values(scope=f"openid {asked}"))
    register_api(site, "https://many.example/", scopes=scopes)
    with writing(site.database) as connection:
        connection.execute(update(clients).values(resources=["https://many.example/"]))
    html = page_of(screen, scope=f"openid {asked}")
    assert "And 26 more" in html
    assert len(boxes(html)) == 31
    given = answer(screen, "https://many.example/#s29", scope=f"openid {asked}")
    assert len(tokens(rp, given)["scope"].split()) == 29


# For how long


def test_past_the_end_that_was_chosen_nothing_holds_any_more(
    screen: Screen, rp: RelyingParty, clock: MovableClock
) -> None:
    asked = {"scope": "openid profile offline_access"}
    told = tokens(rp, answer(screen, ends="today", **asked))
    assert rp.userinfo(told["access_token"]).status_code == 200
    # Half past ten in Brussels; midnight is thirteen and a half hours away.
    clock.advance(minutes=13 * 60 + 29)
    refreshing = {"grant_type": "refresh_token", "refresh_token": told["refresh_token"]}
    refreshed = rp.redeem(None, **refreshing).json()
    assert refreshed["expires_in"] == 60, "no token outlives what it is of"
    clock.advance(minutes=1)
    assert rp.userinfo(refreshed["access_token"]).status_code == 401
    assert rp.redeem(None, **refreshing).json()["error"] == "invalid_grant"
    screen.sign_in()
    assert query(authorize(screen, prompt="none", **asked))["error"] == "consent_required"
    assert "ticked" in boxes(page_of(screen, **asked)).values()


def test_a_grant_ends_with_the_first_of_what_it_is_of(
    site: Site, screen: Screen, rp: RelyingParty
) -> None:
    answer(screen, scope="openid", ends="year")
    answer(screen, scope="openid profile", ends="month")
    with reading(site.database) as connection:
        ends = connection.execute(select(grants.c.ends_at).order_by(grants.c.granted_at)).scalars()
        found = sorted(ends.all())
    assert found[1] - found[0] > timedelta(days=330)


def test_a_claim_that_a_scope_allowed_ends_with_that_scope(
    site: Site, screen: Screen, rp: RelyingParty, clock: MovableClock
) -> None:
    answer(screen, scope="openid", ends="withdrawn")
    answer(screen, scope="openid profile", ends="today")
    claims = json.dumps({"userinfo": {"given_name": None}})
    told = tokens(rp, query(authorize(screen, scope="openid", claims=claims, prompt="none")))
    assert rp.userinfo(told["access_token"]).json()["given_name"] == "Hanne"
    with reading(site.database) as connection:
        ends = connection.execute(select(grants.c.ends_at).order_by(grants.c.granted_at)).scalars()
        assert sorted(each is None for each in ends) == [False, False, True]


def test_what_is_asked_this_once_is_not_for_long(
    screen: Screen, rp: RelyingParty, clock: MovableClock
) -> None:
    answer(screen, scope="openid")
    clock.advance(seconds=1)
    html = page_of(screen, scope="openid", authorization_details=details("write"))
    assert 'name="ends"' not in html


def test_an_end_that_is_not_offered_is_refused(screen: Screen, rp: RelyingParty) -> None:
    token = waiting(authorize(screen, scope="openid"), "/consent")
    refused = screen.answer_page("/consent", token, decision="allow", ends="century")
    assert refused.status_code == 400


# In which capacity


def profile_token(screen: Screen, **asked: Any) -> str:
    return waiting(authorize(screen, **asked), "/profile")


def test_what_is_allowed_in_one_capacity_is_not_in_another(
    site: Site, screen: Screen, rp: RelyingParty
) -> None:
    open_to(site, "hospital", "quality")
    knows(site, SSIN, physician())
    asked = {"scope": "openid profile", "prompt": "select_account"}

    def consent_as(called: str) -> str:
        token = waiting(authorize(screen, **asked), "/select-account")
        chosen = screen.answer_page("/select-account", token, choice="continue")
        token = waiting(
            screen.client.get(chosen.headers["location"]).headers["location"], "/profile"
        )
        value = "citizen"
        if called != "citizen":
            html = screen.client.get("/profile?request=" + token).text
            value = next(
                each
                for each in re.findall(r'name="profile" value="([^"]+)"', html)
                if each != "citizen"
            )
        return choose(screen, token, value).headers["location"]

    as_citizen = consent_as("citizen")
    token = waiting(as_citizen, "/consent")
    assert "You act as: " in screen.client.get("/consent?request=" + token).text
    allow(screen, token)
    as_physician = consent_as("physician")
    token = waiting(as_physician, "/consent")
    html = screen.client.get("/consent?request=" + token).text
    assert "You act as: Physician" in html
    change = re.findall(r'href="(/profile[^"]*)"', html)[0].replace("&amp;", "&")
    assert screen.client.get(change).status_code == 200, "to choose another"
    assert "10000000000" in html, "the NIHDI number that it would see"
    allow(screen, token)
    with reading(site.database) as connection:
        of = set(connection.execute(select(consents.c.profile_id)).scalars())
    assert len(of) == 2
    assert NO_PROFILE in of


def test_for_another_it_is_said_for_whom_and_what_of_theirs_is_told(
    site: Site, screen: Screen, rp: RelyingParty
) -> None:
    open_to(site, "hospital", "child", required=("child",))
    knows(site, SSIN, child())
    location = authorize(screen, scope="openid profile ssin")
    if location.startswith("/profile"):
        token = waiting(location, "/profile")
        html = screen.client.get("/profile?request=" + token).text
        value = re.findall(r'name="profile" value="([^"]+)"', html)[-1]
        location = choose(screen, token, value).headers["location"]
    html = screen.client.get(location).text
    assert f"You act for {LEA.name}" in html
    assert "With your name it also sees this about them:" in html
    assert "12.41.01-002.51" in html, "the child's number, for whoever may read numbers"
    location = authorize(screen, scope="openid profile")
    html = screen.client.get(location).text
    assert f"You act for {LEA.name}" in html
    assert "12.41.01-002.51" not in html


def test_an_answer_for_another_capacity_than_the_page_showed_is_asked_again(
    site: Site, screen: Screen, rp: RelyingParty
) -> None:
    token = waiting(authorize(screen), "/consent")
    other = screen.answer_page("/consent", token, decision="allow", profile=token_hash("x"))
    assert waiting(other.headers["location"], "/consent")
    assert kept(site) == {}


def test_an_app_that_anybody_can_pretend_to_be_asks_again_in_that_capacity(
    site: Site, screen: Screen, clock: MovableClock
) -> None:  # RFC 8252 §8.6
    register_hospital(
        site,
        client_id="app",
        redirect_uris=["be.hospital.app:/cb"],
        application_type="native",
        token_endpoint_auth_method="none",
    )
    open_to(site, "app", "quality", required=("quality",))
    knows(site, SSIN, physician())
    asked = {"client_id": "app", "redirect_uri": "be.hospital.app:/cb"}
    for _ in range(2):
        location = authorize(screen, **asked)
        if location.startswith("/profile"):
            token = waiting(location, "/profile")
            html = screen.client.get("/profile?request=" + token).text
            value = re.findall(r'name="profile" value="([^"]+)"', html)[0]
            location = choose(screen, token, value).headers["location"]
        assert "code=" in allow(screen, waiting(location, "/consent"))
        clock.advance(seconds=1)
    with reading(site.database) as connection:
        (profile_id,) = set(connection.execute(select(consents.c.profile_id)).scalars())
        of = set(connection.execute(select(grants.c.profile_id)).scalars())
    assert of == {profile_id}


def test_on_another_screen_a_thing_is_left_out_as_well(
    app: Starlette, site: Site, screen: Screen, rp: RelyingParty
) -> None:  # RFC 8628 §3.3
    television = other_screen(site, TestClient(app, base_url=ORIGIN))
    asked = television.asked()
    token = waiting(go_on(screen, asked["user_code"]), "/consent")
    sent = fields_of(screen.client.get("/consent?request=" + token).text)
    del sent["allow:profile"]
    answered = screen.post_form("/consent", **{**sent, "request": token, "decision": "allow"})
    screen.client.get(answered.headers["location"])
    assert television.poll(asked["device_code"]).json()["scope"] == "openid"

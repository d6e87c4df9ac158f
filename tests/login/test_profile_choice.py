"""In which capacity a person acts: asked where there is a choice, and bound to the request.

OpenID Connect Core 1.0 §3.1.2.6 (https://openid.net/specs/openid-connect-core-1_0.html#AuthError),
RFC 9396 §5 (https://www.rfc-editor.org/rfc/rfc9396#section-5).
"""

import base64
import json
import re
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

import pytest
from httpx2 import Response
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.audit.log import audit_events
from authn.consents.tables import consents
from authn.db.transaction import reading
from authn.grants.tables import grants
from authn.people.tables import Person
from authn.profiles.profile import NO_PROFILE
from authn.profiles.profiles import public_id
from authn.web.site import Site
from tests.capacities import (
    EVERY_KIND,
    HOSPITAL,
    LEA,
    MARIE,
    PHARMACY,
    buttons,
    child,
    choose,
    knows,
    knows_no,
    mandate,
    member,
    open_to,
    physician,
    profile_ids,
)
from tests.citizen import KARIM, SSIN, Screen, enrolled
from tests.conftest import MovableClock
from tests.hospital import CLIENT_ID, REDIRECT_URI, register_hospital
from tests.login.test_interaction import allow, authorize, data_location, query, waiting
from tests.screens import another_screen

ENGLISH = {"Accept-Language": "en"}
SECTOR = "hospital.example"
UNKNOWN = UUID("6f1f7f0e-6d3a-4c3c-9a43-0d1f6c1a2b3c")


@pytest.fixture
def hanne(site: Site, client: TestClient) -> tuple[Person, Screen]:
    """Hanne is a physician, a member of a hospital, Marie's mandatary and Léa's mother.

    She is signed in on the laptop with which she enrolled; the hospital's application is open to
    people in every capacity.
    """
    register_hospital(site)
    open_to(site, CLIENT_ID, *EVERY_KIND)
    client.headers.update(ENGLISH)
    knows(site, SSIN, physician(), member(HOSPITAL), mandate(MARIE), child(LEA))
    return enrolled(site, client)


@pytest.fixture
def person(hanne: tuple[Person, Screen]) -> Person:
    return hanne[0]


@pytest.fixture
def screen(hanne: tuple[Person, Screen]) -> Screen:
    return hanne[1]


def page_of(screen: Screen, token: str) -> str:
    """The page of choices, as HTML."""
    answer = screen.client.get("/profile?request=" + token)
    assert answer.status_code == 200, answer.text
    return answer.text


def words_of(html: str) -> str:
    """The page's words, with single spaces."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.partition("<main")[2]))


def chosen(screen: Screen, title: str, **parameters: Any) -> str:
    """Where an authorization request leads once the button of this title was pressed."""
    token = waiting(authorize(screen, **parameters), "/profile")
    return where(choose(screen, token, buttons(page_of(screen, token))[title]))


def where(answer: Response) -> str:
    """Where an answer leads: by itself, or by a page that navigates."""
    if answer.status_code == 303:
        return answer.headers["location"]
    assert answer.status_code == 200, answer.text
    return data_location(answer.text)


def acted_in(site: Site) -> list[UUID | None]:
    """The profile of each grant, in the order in which they were given."""
    statement = select(grants.c.profile_id).order_by(grants.c.granted_at)
    with reading(site.database) as connection:
        return [*connection.execute(statement).scalars()]


def on_record(site: Site, event: str) -> list[dict[str, Any]]:
    statement = select(audit_events.c.details).where(audit_events.c.event == event)
    with reading(site.database) as connection:
        found = connection.execute(statement.order_by(audit_events.c.id)).scalars()
        return [json.loads(details) for details in found]


# Where there is no choice, nobody is asked.
def test_who_has_one_capacity_is_not_asked(site: Site, screen: Screen) -> None:
    knows_no(site, SSIN, "qualities", "memberships", "mandates", "children")
    location = allow(screen, waiting(authorize(screen), "/consent"))
    assert query(location)["code"]
    assert acted_in(site) == [None]


def test_an_application_that_wants_citizens_alone_asks_nobody(site: Site, screen: Screen) -> None:
    open_to(site, CLIENT_ID)
    waiting(authorize(screen), "/consent")
    assert query(authorize(screen, prompt="none"))["error"] == "consent_required"


def test_only_what_the_application_may_be_used_in_is_offered(site: Site, screen: Screen) -> None:
    open_to(site, CLIENT_ID, "mandate")
    html = page_of(screen, waiting(authorize(screen), "/profile"))
    assert [*buttons(html)] == ["As a citizen", "For Marie Dubois (mandate)"]


# The page.
def test_the_page_has_names_and_no_numbers(screen: Screen) -> None:
    html = page_of(screen, waiting(authorize(screen), "/profile"))
    assert [*buttons(html)] == [
        "As a citizen",
        "Physician",
        "Member of Sint-Jan Hospital",
        "For your child Léa",
        "For Marie Dubois (mandate)",
    ]
    for number in (SSIN, LEA.ssin, MARIE.ssin, physician().nihii11, HOSPITAL.nihii):
        assert number not in html
    assert "Hanne Van der Meulen" in words_of(html)


def test_the_kind_that_the_application_prefers_stands_first(site: Site, screen: Screen) -> None:
    open_to(site, CLIENT_ID, *EVERY_KIND, default="organisation")
    html = page_of(screen, waiting(authorize(screen), "/profile"))
    assert next(iter(buttons(html))) == "Member of Sint-Jan Hospital"


def test_what_is_chosen_is_what_the_grant_and_the_consent_are_of(
    site: Site, person: Person, screen: Screen
) -> None:
    location = chosen(screen, "Physician")
    assert query(allow(screen, waiting(location, "/consent")))["code"]
    quality = profile_ids(site, person.id)["quality"]
    assert acted_in(site) == [quality]
    with reading(site.database) as connection:
        kept = {*connection.execute(select(consents.c.profile_id)).scalars()}
    assert kept == {quality}
    assert on_record(site, "profile.chosen") == [
        {"kind": "quality", "profile_id": str(quality), "where": "on the way"}
    ]


def test_where_nothing_else_is_asked_the_page_leads_back(site: Site, screen: Screen) -> None:
    allow(screen, waiting(chosen(screen, "Physician"), "/consent"))
    token = waiting(authorize(screen, prompt="select_account"), "/select-account")
    screen.answer_page("/select-account", token, choice="continue")
    answer = choose(screen, token, buttons(page_of(screen, token))["Physician"])
    # A page, and no redirect: browsers apply `form-action` to redirects after a POST.
    assert answer.status_code == 200
    assert query(data_location(answer.text))["code"]


def test_an_answer_by_form_post_follows_the_choice(screen: Screen) -> None:
    asked = {"response_mode": "form_post"}
    location = chosen(screen, "Physician", **asked)
    location = allow(screen, waiting(location, "/consent"))
    page = screen.client.get(location).text
    assert f'action="{REDIRECT_URI}"' in page
    assert 'name="code"' in page


def test_who_signs_in_on_the_way_is_asked_afterwards(site: Site, screen: Screen) -> None:
    screen.post_form("/sign-out")
    token = waiting(authorize(screen), "/login")
    waiting(screen.sign_in(token).json()["location"], "/profile")


# What was chosen before.
def test_a_choice_holds_for_the_session_at_this_application(
    site: Site, person: Person, screen: Screen, clock: MovableClock
) -> None:
    allow(screen, waiting(chosen(screen, "Physician"), "/consent"))
    clock.advance(seconds=1)
    assert query(authorize(screen, prompt="none"))["code"]
    quality = profile_ids(site, person.id)["quality"]
    assert acted_in(site) == [quality, quality]


def test_in_a_new_session_it_is_offered_first_and_not_taken(
    screen: Screen, clock: MovableClock
) -> None:
    allow(screen, waiting(chosen(screen, "For Marie Dubois (mandate)"), "/consent"))
    screen.post_form("/sign-out")
    clock.advance(minutes=1)
    location = screen.sign_in(waiting(authorize(screen), "/login")).json()["location"]
    html = page_of(screen, waiting(location, "/profile"))
    assert next(iter(buttons(html))) == "For Marie Dubois (mandate)"
    assert "Chosen last time" in html
    assert len(buttons(html)) == 5
    assert query(authorize(screen, prompt="none"))["error"] == "interaction_required"


def test_at_another_application_it_is_chosen_anew(site: Site, screen: Screen) -> None:
    allow(screen, waiting(chosen(screen, "Physician"), "/consent"))
    elsewhere = "https://pharmacy.example/callback"
    register_hospital(site, client_id="pharmacy", redirect_uris=[elsewhere])
    open_to(site, "pharmacy", *EVERY_KIND)
    asked = {"client_id": "pharmacy", "redirect_uri": elsewhere}
    html = page_of(screen, waiting(authorize(screen, **asked), "/profile"))
    assert "Chosen last time" not in html


def test_select_account_asks_for_the_account_and_then_for_the_capacity(
    screen: Screen, clock: MovableClock
) -> None:
    allow(screen, waiting(chosen(screen, "Physician"), "/consent"))
    clock.advance(seconds=1)
    token = waiting(authorize(screen, prompt="select_account"), "/select-account")
    # Whoever goes to the second page comes back to the first.
    skipped = screen.client.get("/profile?request=" + token).headers["location"]
    assert urlsplit(skipped).path == "/select-account"
    onwards = screen.answer_page("/select-account", token, choice="continue").headers["location"]
    on = screen.client.get(onwards).headers["location"]
    html = page_of(screen, waiting(on, "/profile"))
    assert next(iter(buttons(html))) == "Physician"
    location = where(choose(screen, token, "citizen"))
    assert urlsplit(location).path == "/consent"


def test_prompt_none_with_a_choice_open_needs_interaction(screen: Screen) -> None:
    answer = query(authorize(screen, prompt="none"))
    assert answer["error"] == "interaction_required"


@pytest.mark.parametrize("left", [True, False])
def test_what_has_ended_is_never_replaced_silently(
    site: Site, screen: Screen, clock: MovableClock, left: bool
) -> None:
    allow(screen, waiting(chosen(screen, "For Marie Dubois (mandate)"), "/consent"))
    if not left:
        knows_no(site, SSIN, "qualities", "memberships", "children")
    knows_no(site, SSIN, "mandates")
    clock.advance(seconds=1)
    assert query(authorize(screen, prompt="none"))["error"] == "interaction_required"
    html = page_of(screen, waiting(authorize(screen), "/profile"))
    assert "What you chose here before is not possible now" in words_of(html)
    assert "Marie" not in html
    assert len(buttons(html)) == (4 if left else 1)


# What the request asks.
@pytest.mark.parametrize(
    ("hint", "kind"), [("quality", "quality"), ("mandate", "mandate"), ("citizen", None)]
)
def test_a_hint_at_a_kind_is_followed(
    site: Site, person: Person, screen: Screen, hint: str, kind: str | None
) -> None:
    allow(screen, waiting(authorize(screen, profile=hint), "/consent"))
    ids = profile_ids(site, person.id)
    assert acted_in(site) == [ids[kind] if kind else None]


def test_a_hint_at_one_profile_is_followed(site: Site, person: Person, screen: Screen) -> None:
    knows(site, SSIN, member(HOSPITAL), member(PHARMACY))
    waiting(authorize(screen, profile="organisation"), "/profile")
    profile_id = profile_ids(site, person.id)["organisation"]
    allow(screen, waiting(authorize(screen, profile=public_id(profile_id, SECTOR)), "/consent"))
    assert acted_in(site) == [profile_id]


@pytest.mark.parametrize(
    "hint", ["emperor", public_id(UNKNOWN, SECTOR), "x" * 5000, "a b", "é", "'><script>"]
)
def test_a_hint_that_leads_nowhere_is_ignored(screen: Screen, hint: str) -> None:
    html = page_of(screen, waiting(authorize(screen, profile=hint), "/profile"))
    assert len(buttons(html)) == 5


def test_a_national_number_as_a_hint_is_dropped_on_arrival(screen: Screen) -> None:
    for number in (MARIE.ssin, "05.52.09-004.01"):
        location = authorize(screen, profile=number)
        token = waiting(location, "/profile").partition(".")[0]
        assert number not in unquote(location)
        content = json.loads(base64.urlsafe_b64decode(token[1:] + "=="))
        assert "profile" not in content["request"]


def test_a_profile_of_another_sector_is_none_here(
    site: Site, person: Person, screen: Screen
) -> None:
    waiting(authorize(screen), "/profile")
    quality = profile_ids(site, person.id)["quality"]
    elsewhere = public_id(quality, "other.example")
    html = page_of(screen, waiting(authorize(screen, profile=elsewhere), "/profile"))
    assert len(buttons(html)) == 5


def details(**members: Any) -> str:
    return json.dumps([{"type": "profile", **members}])


def test_authorization_details_bind_the_kinds(site: Site, screen: Screen) -> None:
    asked = {"authorization_details": details(kinds=["mandate", "child"])}
    html = page_of(screen, waiting(authorize(screen, **asked), "/profile"))
    assert [*buttons(html)] == ["For your child Léa", "For Marie Dubois (mandate)"]
    knows_no(site, SSIN, "mandates", "children")
    page = page_of(screen, waiting(authorize(screen, **asked), "/profile"))
    assert "Another capacity is needed" in words_of(page)
    assert "A mandate. Ask the person" in words_of(page)
    assert "profession" not in words_of(page)
    assert query(authorize(screen, prompt="none", **asked))["error"] == "access_denied"


def test_authorization_details_bind_one_profile(site: Site, person: Person, screen: Screen) -> None:
    waiting(authorize(screen), "/profile")
    mandated = profile_ids(site, person.id)["mandate"]
    asked = {"authorization_details": details(sub=public_id(mandated, SECTOR))}
    allow(screen, waiting(authorize(screen, **asked), "/consent"))
    assert acted_in(site) == [mandated]
    nobody = {"authorization_details": details(sub=public_id(UNKNOWN, SECTOR))}
    assert query(authorize(screen, prompt="none", **nobody))["error"] == "access_denied"
    citizen = {"authorization_details": details(sub=public_id(NO_PROFILE, SECTOR))}
    waiting(authorize(screen, **citizen), "/consent")


def test_several_such_details_bind_all_together(screen: Screen) -> None:
    both = [
        {"type": "profile", "kinds": ["mandate", "child"]},
        {"type": "profile", "kinds": ["quality", "child"]},
    ]
    location = authorize(screen, authorization_details=json.dumps(both))
    waiting(location, "/consent")  # one is left: the child


def test_in_which_capacity_one_acts_is_nothing_that_is_allowed_each_time(
    screen: Screen, clock: MovableClock
) -> None:
    asked = {"authorization_details": details(kinds=["quality"])}
    token = waiting(authorize(screen, **asked), "/consent")
    assert "This one time" not in screen.client.get("/consent?request=" + token).text
    allow(screen, token)
    clock.advance(seconds=1)
    assert query(authorize(screen, prompt="none", **asked))["code"]


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"kinds": []},
        {"kinds": "quality"},
        {"kinds": ["emperor"]},
        {"kinds": [["quality"]]},
        {"kinds": [None]},
        {"kinds": ["child"]},
        {"sub": ""},
        {"sub": 7},
        {"sub": "05520900401"},
        {"kinds": ["quality"], "person": "x"},
    ],
)
def test_details_that_no_capacity_fits_are_refused(
    site: Site, screen: Screen, members: dict[str, Any]
) -> None:
    open_to(site, CLIENT_ID, "quality", "organisation", "mandate")
    answer = query(authorize(screen, authorization_details=details(**members)))
    assert answer["error"] == "invalid_authorization_details"
    assert "05520900401" not in answer["error_description"]


def test_where_citizens_alone_are_wanted_no_profile_can_be_asked(
    site: Site, screen: Screen
) -> None:
    open_to(site, CLIENT_ID)
    for members in ({"kinds": ["quality"]}, {"sub": public_id(UNKNOWN, SECTOR)}):
        answer = query(authorize(screen, authorization_details=details(**members)))
        assert answer["error"] == "invalid_authorization_details"
    waiting(authorize(screen, authorization_details=details(kinds=["citizen"])), "/consent")


# Whoever posts a choice must have it.
@pytest.mark.parametrize("value", ["", "x", str(UNKNOWN), "citizen;", "quality"])
def test_only_what_the_page_offers_can_be_chosen(site: Site, screen: Screen, value: str) -> None:
    token = waiting(authorize(screen), "/profile")
    answer = choose(screen, token, value)
    assert answer.status_code == 422
    assert len(buttons(answer.text)) == 5
    assert on_record(site, "profile.chosen") == []


def test_what_another_has_can_not_be_chosen(site: Site, app: Starlette, screen: Screen) -> None:
    knows(site, KARIM.ssin, physician())
    other, elsewhere = enrolled(site, another_screen(app).client, KARIM)
    waiting(authorize(elsewhere), "/profile")
    theirs = profile_ids(site, other.id)["quality"]
    token = waiting(authorize(screen), "/profile")
    assert choose(screen, token, str(theirs)).status_code == 422
    assert on_record(site, "profile.chosen") == []


def test_what_ended_while_the_page_was_open_can_not_be_chosen(site: Site, screen: Screen) -> None:
    token = waiting(authorize(screen), "/profile")
    value = buttons(page_of(screen, token))["For Marie Dubois (mandate)"]
    knows_no(site, SSIN, "mandates")
    answer = choose(screen, token, value)
    assert answer.status_code == 422
    assert "choose this one any more" in words_of(answer.text)


def test_as_a_citizen_can_not_be_chosen_where_another_capacity_is_required(
    site: Site, screen: Screen
) -> None:
    open_to(site, CLIENT_ID, "quality", "organisation", required=("quality", "organisation"))
    token = waiting(authorize(screen), "/profile")
    assert "As a citizen" not in buttons(page_of(screen, token))
    assert choose(screen, token, "citizen").status_code == 422


def test_a_page_that_asked_somebody_else_chooses_nothing(
    site: Site, person: Person, screen: Screen
) -> None:
    token = waiting(authorize(screen), "/profile")
    for other in ("", str(UNKNOWN)):
        answer = screen.post_form("/profile", request=token, person=other, profile="citizen")
        assert urlsplit(answer.headers["location"]).path == "/profile"
    assert on_record(site, "profile.chosen") == []


def test_nobody_chooses_without_being_signed_in(screen: Screen) -> None:
    token = waiting(authorize(screen), "/profile")
    screen.post_form("/sign-out")
    for answer in (
        screen.client.get("/profile?request=" + token),
        screen.post_form("/profile", request=token, profile="citizen"),
    ):
        assert urlsplit(answer.headers["location"]).path == "/login"


def test_a_choice_can_be_changed_until_it_is_answered(
    site: Site, person: Person, screen: Screen
) -> None:
    token = waiting(chosen(screen, "Physician"), "/consent")
    answer = screen.client.get(f"/profile?change=1&request={token}")
    assert next(iter(buttons(answer.text))) == "Physician"
    where(choose_on(screen, answer.text, token, "As a citizen"))
    allow(screen, token)
    assert acted_in(site) == [None]


def choose_on(screen: Screen, html: str, token: str, title: str) -> Response:
    person = html.partition('name="person" value="')[2].partition('"')[0]
    value = buttons(html)[title]
    return screen.post_form("/profile", request=token, person=person, profile=value)


# Two tabs.
@pytest.mark.parametrize("explicit", [True, False])
def test_what_one_tab_chooses_never_reaches_another(
    site: Site, person: Person, screen: Screen, clock: MovableClock, explicit: bool
) -> None:
    if explicit:
        first = waiting(chosen(screen, "Physician"), "/consent")
    else:
        chosen(screen, "Physician")
        clock.advance(seconds=1)
        first = waiting(authorize(screen), "/consent")
    page = screen.client.get("/consent?request=" + first).text
    clock.advance(seconds=1)
    token = waiting(authorize(screen, prompt="select_account"), "/select-account")
    screen.answer_page("/select-account", token, choice="continue")
    location = where(choose(screen, token, buttons(page_of(screen, token))["As a citizen"]))
    assert query(allow(screen, waiting(location, "/consent")))["code"]
    clock.advance(seconds=1)
    # The older tab still gives what it showed.
    assert query(allow(screen, first))["code"]
    assert acted_in(site) == [None, profile_ids(site, person.id)["quality"]]
    assert page


def test_a_code_can_not_be_had_past_the_page(screen: Screen) -> None:
    token = waiting(authorize(screen), "/profile")
    for path in ("/login/continue", "/consent"):
        location = screen.client.get(f"{path}?request={token}").headers["location"]
        assert urlsplit(location).path == "/profile"
    person = page_of(screen, token).partition('name="person" value="')[2].partition('"')[0]
    answer = screen.post_form("/consent", request=token, person=person, decision="allow")
    assert urlsplit(answer.headers["location"]).path == "/profile"


# Nothing that would do.
def test_who_lacks_what_is_required_is_told_whom_to_ask(site: Site, screen: Screen) -> None:
    open_to(site, CLIENT_ID, "organisation", required=("organisation",))
    knows_no(site, SSIN, "memberships")
    token = waiting(authorize(screen), "/profile")
    words = words_of(page_of(screen, token))
    assert "Another capacity is needed" in words
    assert "Ask the responsible access manager there to add you." in words
    assert "mandate" not in words
    answer = query(authorize(screen, prompt="none"))
    assert answer["error"] == "access_denied"
    back = screen.client.get("/profile/without?request=" + token).headers["location"]
    assert query(back)["error"] == "access_denied"
    assert query(back)["state"] == "s"
    # Once there is one, the same page goes on.
    knows(site, SSIN, member(HOSPITAL))
    on = screen.client.get("/profile?request=" + token).headers["location"]
    waiting(screen.client.get(on).headers["location"], "/consent")


def test_the_one_that_is_required_is_taken_without_a_page(
    site: Site, person: Person, screen: Screen
) -> None:
    open_to(site, CLIENT_ID, "quality", required=("quality",))
    allow(screen, waiting(authorize(screen), "/consent"))
    assert acted_in(site) == [profile_ids(site, person.id)["quality"]]

"""My capacities: what the sources say, and another one for an application, without signing out."""

import json
import re
from uuid import UUID

import pytest
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.audit.log import audit_events
from authn.clients.client_metadata import ClientMetadata
from authn.db.transaction import reading
from authn.grants.grants import sid
from authn.grants.tables import grants
from authn.outbox.outbox import outbox
from authn.people.tables import Person
from authn.web.site import Site
from tests.capacities import (
    EVERY_KIND,
    HOSPITAL,
    LEA,
    MARIE,
    buttons,
    child,
    choose,
    knows,
    knows_no,
    mandate,
    many_mandates,
    member,
    open_to,
    physician,
    profile_ids,
)
from tests.citizen import KARIM, SSIN, Screen, enrolled
from tests.conftest import MovableClock
from tests.hospital import CLIENT_ID, register_hospital
from tests.login.test_interaction import allow, authorize, query, waiting
from tests.screens import another_screen


@pytest.fixture
def hanne(site: Site, client: TestClient) -> tuple[Person, Screen]:
    """Hanne is a physician, a member of a hospital, Marie's mandatary and Léa's mother."""
    metadata = ClientMetadata(backchannel_logout_uri="https://hospital.example/logout")
    register_hospital(site, metadata=metadata)
    open_to(site, CLIENT_ID, *EVERY_KIND)
    client.headers.update({"Accept-Language": "en"})
    knows(site, SSIN, physician(), member(HOSPITAL), mandate(MARIE), child(LEA))
    return enrolled(site, client)


@pytest.fixture
def person(hanne: tuple[Person, Screen]) -> Person:
    return hanne[0]


@pytest.fixture
def screen(hanne: tuple[Person, Screen]) -> Screen:
    return hanne[1]


def words_at(screen: Screen, path: str) -> str:
    """The words of a page, with single spaces."""
    answer = screen.client.get(path)
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text.partition("<main")[2]))


def use_as(screen: Screen, title: str) -> None:
    """The hospital's application has a grant of this capacity."""
    token = waiting(authorize(screen), "/profile")
    html = screen.client.get("/profile?request=" + token).text
    location = choose(screen, token, buttons(html)[title]).headers["location"]
    allow(screen, waiting(location, "/consent"))


def change(screen: Screen, title: str, **fields: str) -> str:
    """Where the page leads on which the hospital's application is given another capacity."""
    html = screen.client.get(f"/profiles/{CLIENT_ID}").text
    person = html.partition('name="person" value="')[2].partition('"')[0]
    value = buttons(html)[title]
    answer = screen.post_form(f"/profiles/{CLIENT_ID}", person=person, profile=value, **fields)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def given(site: Site) -> list[tuple[UUID | None, bool]]:
    """Of each grant, in order: its profile, and whether it was revoked."""
    statement = select(grants.c.profile_id, grants.c.revoked_at).order_by(grants.c.granted_at)
    with reading(site.database) as connection:
        return [(row[0], row[1] is not None) for row in connection.execute(statement)]


def test_the_page_tells_what_the_sources_say(site: Site, screen: Screen) -> None:
    until = mandate(MARIE).period.since.replace(year=2026, month=5, day=31)
    knows(site, SSIN, mandate(MARIE, until=until))
    words = words_at(screen, "/profiles")
    assert "Physician Register of health professions Checked today at" in words
    assert "Member of Sint-Jan Hospital Hospital, employee Register of organisations" in words
    assert "For your child Léa" in words
    assert re.search(r"For Marie Dubois .* Register of mandates .* Until 31 May 2026", words)
    assert "As a citizen Hanne Van der Meulen" in words
    assert "In use here now" not in words
    html = screen.client.get("/profiles").text
    for number in (SSIN, LEA.ssin, MARIE.ssin, physician().nihii11, HOSPITAL.nihii):
        assert number not in html


def test_it_is_asked_of_the_sources_when_it_is_looked_at(site: Site, screen: Screen) -> None:
    assert "Physician" in words_at(screen, "/profiles")
    knows_no(site, SSIN, "qualities")
    assert "Physician" not in words_at(screen, "/profiles")


def test_the_page_leads_from_the_others(screen: Screen) -> None:
    for path in ("/devices", "/applications"):
        assert 'href="/profiles"' in screen.client.get(path).text


def test_another_capacity_for_an_application_without_signing_out(
    site: Site, person: Person, screen: Screen, clock: MovableClock
) -> None:
    use_as(screen, "Physician")
    assert "In use here now Hospital Physician" in words_at(screen, "/profiles")
    clock.advance(seconds=1)
    assert change(screen, "For Marie Dubois (mandate)") == "/profiles?done=changed"
    assert "From the next time: For Marie Dubois" in words_at(screen, "/profiles")
    # The next request is of the new capacity: it has to be allowed, and is another session there.
    clock.advance(seconds=1)
    location = allow(screen, waiting(authorize(screen), "/consent"))
    assert query(location)["code"]
    ids = profile_ids(site, person.id)
    assert given(site) == [(ids["quality"], False), (ids["mandate"], False)]
    with reading(site.database) as connection:
        session_id = connection.execute(select(grants.c.session_id)).scalars().first()
    assert session_id
    sids = {sid(session_id, CLIENT_ID, ids[kind]) for kind in ("quality", "mandate")}
    assert len(sids) == 2
    assert "In use here now Hospital For Marie Dubois" in words_at(screen, "/profiles")


def test_what_it_had_ends_only_when_asked(
    site: Site, person: Person, screen: Screen, clock: MovableClock
) -> None:
    use_as(screen, "Physician")
    clock.advance(seconds=1)
    assert change(screen, "As a citizen", end="yes") == "/profiles?done=ended"
    quality = profile_ids(site, person.id)["quality"]
    assert given(site) == [(quality, True)]
    with reading(site.database) as connection:
        told = connection.execute(select(outbox.c.kind)).scalars().all()
    assert told == ["backchannel-logout"]
    clock.advance(seconds=1)
    allow(screen, waiting(authorize(screen), "/consent"))
    assert given(site) == [(quality, True), (None, False)]


def test_what_another_session_has_stays(
    site: Site, app: Starlette, person: Person, screen: Screen, clock: MovableClock
) -> None:
    elsewhere = another_screen(app, screen.authenticator)
    elsewhere.client.headers.update({"Accept-Language": "en"})
    assert elsewhere.sign_in().status_code == 200
    use_as(elsewhere, "For your child Léa")
    clock.advance(seconds=1)
    use_as(screen, "Physician")
    clock.advance(seconds=1)
    change(screen, "As a citizen", end="yes")
    assert [revoked for _, revoked in given(site)] == [False, True]
    # Nor does the change reach it.
    clock.advance(seconds=1)
    allow_again = query(authorize(elsewhere, prompt="none"))
    assert allow_again["code"]
    assert given(site)[-1][0] == profile_ids(site, person.id)["child"]


def test_a_change_is_on_record(site: Site, person: Person, screen: Screen) -> None:
    use_as(screen, "Physician")
    change(screen, "For your child Léa")
    statement = (
        select(audit_events.c.details)
        .where(audit_events.c.event == "profile.chosen")
        .order_by(audit_events.c.id.desc())
    )
    with reading(site.database) as connection:
        details = connection.execute(statement).scalars().first()
    child_id = profile_ids(site, person.id)["child"]
    assert json.loads(details or "") == {
        "kind": "child",
        "profile_id": str(child_id),
        "where": "account",
    }


@pytest.mark.parametrize("value", ["", "x", "6f1f7f0e-6d3a-4c3c-9a43-0d1f6c1a2b3c"])
def test_only_what_the_page_offers_can_be_chosen(
    site: Site, person: Person, screen: Screen, value: str
) -> None:
    use_as(screen, "Physician")
    fields = {"person": str(person.id), "profile": value, "end": "yes"}
    answer = screen.post_form(f"/profiles/{CLIENT_ID}", **fields)
    assert answer.status_code == 422
    assert [revoked for _, revoked in given(site)] == [False]


def test_a_page_that_was_shown_to_another_changes_nothing(
    site: Site, app: Starlette, person: Person, screen: Screen
) -> None:
    use_as(screen, "Physician")
    other, _ = enrolled(site, another_screen(app).client, KARIM)
    fields = {"person": str(other.id), "profile": "citizen", "end": "yes"}
    answer = screen.post_form(f"/profiles/{CLIENT_ID}", **fields)
    assert answer.headers["location"] == f"/profiles/{CLIENT_ID}"
    assert [revoked for _, revoked in given(site)] == [False]


def test_an_application_that_has_nothing_of_this_session_is_not_there(
    site: Site, screen: Screen
) -> None:
    for client_id in (CLIENT_ID, "nobody", "a b"):
        assert screen.client.get(f"/profiles/{client_id}").status_code == 404
    open_to(site, CLIENT_ID)
    allow(screen, waiting(authorize(screen), "/consent"))
    assert screen.client.get(f"/profiles/{CLIENT_ID}").status_code == 404


def test_whoever_is_signed_out_signs_in_first(screen: Screen) -> None:
    screen.post_form("/sign-out")
    for path in ("/profiles", f"/profiles/{CLIENT_ID}"):
        assert screen.client.get(path).headers["location"].startswith("/login?return_to=")


def test_many_are_searched(site: Site, screen: Screen) -> None:
    knows(site, SSIN, *many_mandates(60))
    html = screen.client.get("/profiles").text
    assert "40 more. Search for them by name." in html
    found = screen.post_form("/profiles", search="person 59").text
    assert "1 of 64 found" in found
    assert "For Person 59 Vandenbroucke" in found
    assert "As a citizen" not in found.partition("data-found>")[2]

"""The id of a profile that somebody may not act in, at every place that takes one.

Another person's, one that has ended, and one of a kind that the application is not for. Elsewhere
than on pages: `requested_subject` in `test_profile_switch_by_exchange`.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.consents.tables import consents
from authn.db.transaction import reading
from authn.grants.tables import grants
from authn.login.tables import profile_choices
from authn.people.tables import Person
from authn.profiles.profiles import public_id
from authn.web.site import Site
from tests.capacities import (
    LEA,
    MARIE,
    buttons,
    child,
    choose,
    knows,
    knows_no,
    mandate,
    open_to,
    physician,
    profile_ids,
)
from tests.citizen import KARIM, SSIN, Screen, enrolled, fields_of
from tests.hospital import CLIENT_ID, register_hospital
from tests.login.test_interaction import allow, authorize, query, waiting
from tests.screens import another_screen

pytestmark = pytest.mark.thorough

SECTOR = "hospital.example"
KINDS = ("quality", "mandate", "child")


@dataclass(frozen=True, slots=True)
class World:
    """Hanne, who is a physician and Léa's mother, before a browser."""

    site: Site
    app: Starlette
    person: Person
    screen: Screen


@pytest.fixture
def world(site: Site, app: Starlette, client: TestClient) -> World:
    register_hospital(site)
    open_to(site, CLIENT_ID, *KINDS)
    client.headers.update({"Accept-Language": "en"})
    knows(site, SSIN, physician(), child(LEA))
    person, screen = enrolled(site, client)
    return World(site, app, person, screen)


def another_s(world: World) -> UUID:
    """Karim's mandate."""
    knows(world.site, KARIM.ssin, mandate(MARIE))
    karim, elsewhere = enrolled(world.site, another_screen(world.app).client, KARIM)
    waiting(authorize(elsewhere), "/profile")
    return profile_ids(world.site, karim.id)["mandate"]


def ended(world: World) -> UUID:
    """Hanne's own, of before."""
    knows(world.site, SSIN, mandate(MARIE))
    waiting(authorize(world.screen), "/profile")
    profile_id = profile_ids(world.site, world.person.id)["mandate"]
    knows_no(world.site, SSIN, "mandates")
    return profile_id


def of_a_kind_that_is_not_wanted(world: World) -> UUID:
    """Hanne's mandate, which is good elsewhere."""
    knows(world.site, SSIN, mandate(MARIE))
    waiting(authorize(world.screen), "/profile")
    open_to(world.site, CLIENT_ID, "quality", "child")
    return profile_ids(world.site, world.person.id)["mandate"]


WHOSE: list[Callable[[World], UUID]] = [another_s, ended, of_a_kind_that_is_not_wanted]
whose_ever = pytest.mark.parametrize("whose", WHOSE)


def in_use(world: World) -> set[UUID]:
    """The profiles in which anything of Hanne's was chosen, allowed or given."""
    with reading(world.site.database) as connection:
        found: set[UUID | None] = set()
        for column, person_id in (
            (profile_choices.c.profile_id, profile_choices.c.person_id),
            (consents.c.profile_id, consents.c.person_id),
            (grants.c.profile_id, grants.c.person_id),
        ):
            statement = select(column).where(person_id == world.person.id)
            found |= {*connection.execute(statement).scalars()}
    return {each for each in found if each}


def of(profile_id: UUID) -> str:
    return public_id(profile_id, SECTOR)


@whose_ever
def test_as_a_hint_it_leads_nowhere(world: World, whose: Callable[[World], UUID]) -> None:
    profile_id = whose(world)
    for hint in (of(profile_id), str(profile_id)):
        location = authorize(world.screen, profile=hint)
        html = world.screen.client.get("/profile?request=" + waiting(location, "/profile")).text
        assert [*buttons(html)] == ["As a citizen", "Physician", "For your child Léa"]


@whose_ever
def test_as_a_detail_of_a_request_nobody_can_meet_it(
    world: World, whose: Callable[[World], UUID]
) -> None:
    profile_id = whose(world)
    asked = {"authorization_details": json.dumps([{"type": "profile", "sub": of(profile_id)}])}
    told = query(authorize(world.screen, prompt="none", **asked))
    assert told["error"] in ("access_denied", "invalid_authorization_details")
    assert in_use(world) == set()


@whose_ever
def test_on_the_page_of_choices_it_is_none(world: World, whose: Callable[[World], UUID]) -> None:
    profile_id = whose(world)
    token = waiting(authorize(world.screen), "/profile")
    for value in (str(profile_id), of(profile_id)):
        assert choose(world.screen, token, value).status_code == 422
    assert in_use(world) == set()


@whose_ever
def test_at_the_consent_nothing_is_allowed_in_it(
    world: World, whose: Callable[[World], UUID]
) -> None:
    profile_id, screen = whose(world), world.screen
    token = waiting(authorize(screen), "/profile")
    html = screen.client.get("/profile?request=" + token).text
    choose(screen, token, buttons(html)["Physician"])
    shown = fields_of(screen.client.get("/consent?request=" + token).text)
    sent = shown | {"request": token, "decision": "allow", "profile": str(profile_id)}
    answer = screen.post_form("/consent", **sent)
    assert answer.headers["location"].startswith("/consent?request=")
    assert in_use(world) == {profile_ids(world.site, world.person.id)["quality"]}
    with reading(world.site.database) as connection:
        assert connection.execute(select(consents)).first() is None


@whose_ever
def test_on_the_own_pages_nothing_changes_to_it(
    world: World, whose: Callable[[World], UUID]
) -> None:
    profile_id, screen = whose(world), world.screen
    token = waiting(authorize(screen), "/profile")
    html = screen.client.get("/profile?request=" + token).text
    choose(screen, token, buttons(html)["Physician"])
    answer = query(allow(screen, token))
    assert answer["code"]
    quality = profile_ids(world.site, world.person.id)["quality"]
    sent = {"person": str(world.person.id), "profile": str(profile_id), "end": "yes"}
    assert screen.post_form(f"/profiles/{CLIENT_ID}", **sent).status_code == 422
    screen.post_form(f"/applications/{CLIENT_ID}/withdraw", profile=str(profile_id))
    assert in_use(world) == {quality}
    with reading(world.site.database) as connection:
        assert connection.execute(select(grants.c.revoked_at)).scalars().all() == [None]


def test_what_was_allowed_in_one_never_counts_in_another(world: World) -> None:
    """By whichever tab, in whichever order: each capacity is asked for itself."""
    screen = world.screen
    given: dict[str, dict[str, Any]] = {}
    for title in ("Physician", "For your child Léa", "As a citizen"):
        token = waiting(authorize(screen, prompt="select_account"), "/select-account")
        select_account(screen, token)
        html = screen.client.get("/profile?request=" + token).text
        location = choose(screen, token, buttons(html)[title]).headers["location"]
        # Asked again, though it was allowed a moment ago in the other one.
        given[title] = query(allow(screen, waiting(location, "/consent")))
    assert all(each["code"] for each in given.values())
    with reading(world.site.database) as connection:
        found = connection.execute(select(grants.c.profile_id)).scalars().all()
    assert len(set(found)) == 3


def select_account(screen: Screen, token: str) -> None:
    answer = screen.answer_page("/select-account", token, choice="continue")
    assert answer.status_code == 303, answer.text

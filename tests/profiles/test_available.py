"""In which capacities somebody may act: what holds now, said recently enough by its source."""

import time
from dataclasses import replace
from datetime import date, timedelta

import pytest

from authn.db.transaction import reading, writing
from authn.people.tables import Person
from authn.profiles.available import (
    available_profiles,
    list_unusable_questions,
    questions_for_kinds,
)
from authn.profiles.profile import CITIZEN, NO_PROFILE
from authn.profiles.profiles import (
    end_profile,
    find_by_public_id,
    find_profile,
    profile_question,
    profile_status,
    public_id,
)
from authn.sources.answers import note_failure
from authn.sources.facts import FactPeriod
from authn.web.site import Site
from tests.conftest import MovableClock
from tests.profiles.conftest import facts_offered, offered, take
from tests.profiles.sample_facts import (
    AT_HOSPITAL,
    FOR_FIRM,
    FOR_JURGEN,
    NURSE,
    PARENT_OF_LUCAS,
    PHYSICIAN,
)


def test_everybody_is_a_citizen(site: Site, hanne: Person) -> None:
    assert offered(site, hanne.id) == [CITIZEN]
    assert CITIZEN.consent_id == NO_PROFILE
    assert profile_status(site.settings, CITIZEN, site.clock()) == "holds"
    assert profile_question(CITIZEN) is None


def test_they_come_by_kind_and_name(site: Site, hanne: Person) -> None:
    take(site, hanne, "mandates", FOR_JURGEN, FOR_FIRM)
    take(site, hanne, "children", PARENT_OF_LUCAS)
    take(site, hanne, "memberships", AT_HOSPITAL)
    take(site, hanne, "qualities", PHYSICIAN, NURSE)
    kinds = [each.kind for each in offered(site, hanne.id)]
    assert kinds == [*("citizen", "quality", "quality", "organisation", "child"), *["mandate"] * 2]
    assert facts_offered(site, hanne)[-2:] == [FOR_FIRM, FOR_JURGEN]


def test_what_comes_to_its_end_is_offered_no_more(
    site: Site, hanne: Person, clock: MovableClock
) -> None:
    today = replace(NURSE, period=FactPeriod(date(2026, 1, 1), date(2026, 3, 2)))
    take(site, hanne, "qualities", today, PHYSICIAN)
    clock.advance(minutes=13 * 60 + 29)
    assert facts_offered(site, hanne) == [None, today, PHYSICIAN]
    clock.advance(minutes=1)  # midnight in Belgium
    assert facts_offered(site, hanne) == [None, PHYSICIAN]


def test_a_source_that_is_down_is_believed_up_to_its_stale_limit(
    site: Site, hanne: Person, clock: MovableClock
) -> None:
    take(site, hanne, "mandates", FOR_JURGEN)
    take(site, hanne, "qualities", PHYSICIAN)
    clock.advance(minutes=59)
    with writing(site.database) as connection:
        note_failure(connection, hanne.id, "mandates", clock())
    (_, quality, mandate) = offered(site, hanne.id)
    assert profile_status(site.settings, mandate, clock()) == "holds", (
        "nobody is asked for a moment"
    )
    clock.advance(seconds=31)
    (_, quality, mandate) = offered(site, hanne.id)
    assert profile_status(site.settings, mandate, clock()) == "due"
    assert profile_status(site.settings, quality, clock()) == "holds"
    clock.advance(minutes=1)
    assert facts_offered(site, hanne) == [None, PHYSICIAN]
    assert profile_status(site.settings, mandate, clock()) == "unchecked"
    with reading(site.database) as connection:
        of = (connection, site.settings, hanne.id, clock())
        assert list_unusable_questions(*of, ["mandates", "qualities"]) == ["mandates"]
        assert list_unusable_questions(*of) == ["memberships", "children", "mandates"], (
            "or never answered"
        )


def test_what_is_unchecked_holds_again_once_the_source_says_so(
    site: Site, hanne: Person, clock: MovableClock
) -> None:
    take(site, hanne, "mandates", FOR_JURGEN)
    (_, before) = offered(site, hanne.id)
    clock.advance(days=2)
    assert offered(site, hanne.id) == [CITIZEN]
    take(site, hanne, "mandates", FOR_JURGEN)
    assert [each.id for each in offered(site, hanne.id)] == [None, before.id]


def test_another_age_of_the_settings_counts_at_once(site: Site, hanne: Person) -> None:
    take(site, hanne, "children", PARENT_OF_LUCAS)
    assert facts_offered(site, hanne) == [None, PARENT_OF_LUCAS]
    strict = site.settings.model_copy(update={"parents_until_age": 5})
    with reading(site.database) as connection:
        assert available_profiles(connection, site.secrets, strict, hanne.id, site.clock()) == [
            CITIZEN
        ]


def test_a_profile_is_ended_once(site: Site, hanne: Person, clock: MovableClock) -> None:
    take(site, hanne, "qualities", PHYSICIAN)
    (_, quality) = offered(site, hanne.id)
    assert quality.id
    with writing(site.database) as connection:
        assert end_profile(connection, quality.id, clock())
        assert not end_profile(connection, quality.id, clock() + timedelta(seconds=1))
        found = find_profile(connection, site.secrets, quality.id)
        assert find_profile(connection, site.secrets, NO_PROFILE) is None
    assert found
    assert found.ended_at == clock()


def test_a_profile_has_another_name_in_each_sector(site: Site, hanne: Person) -> None:
    take(site, hanne, "mandates", FOR_JURGEN, FOR_FIRM)
    profiles = offered(site, hanne.id)
    for each in profiles:
        here, there = (public_id(each.consent_id, sector) for sector in ("a.example", "b.example"))
        assert here != there
        assert str(each.id) not in here
        assert find_by_public_id(profiles, "a.example", here) == each
        assert find_by_public_id(profiles, "b.example", here) is None
    for garbage in ("", "\ud800", "é" * 5000, "None"):
        assert find_by_public_id(profiles, "a.example", garbage) is None


def test_which_questions_are_to_be_asked() -> None:
    assert questions_for_kinds(["citizen"]) == ()
    assert questions_for_kinds(["quality", "child"]) == ("qualities", "children")


@pytest.mark.one_engine
def test_five_hundred_mandates_take_a_few_milliseconds(site: Site, hanne: Person) -> None:
    many = [replace(FOR_JURGEN, mandate_id=f"m-{number}") for number in range(500)]
    take(site, hanne, "mandates", *many)
    times = []
    for _ in range(5):
        start = time.process_time()
        assert len(offered(site, hanne.id)) == 501
        times.append(time.process_time() - start)
    assert min(times) < 0.1, "generous: a busy machine; measured, 0.01"

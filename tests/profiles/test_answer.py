"""What a source answered becomes profiles: new ones, the same ones, ended ones; each once."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from authn.db.transaction import NeedsToWrite, reading
from authn.people.tables import Person
from authn.profiles.answer import apply_answer
from authn.profiles.profiles import find_profile, profile_status
from authn.profiles.tables import profiles
from authn.sources.answers import find_due_questions
from authn.sources.facts import FactPeriod, NaturalPerson
from authn.web.site import Site
from tests.citizen import SSIN
from tests.conftest import MovableClock
from tests.profiles.conftest import facts_offered, known, offered, take
from tests.profiles.sample_facts import (
    AT_HOSPITAL,
    FOR_FIRM,
    FOR_JURGEN,
    JURGEN,
    LUCAS,
    NOOR,
    PARENT_OF_LUCAS,
    PHYSICIAN,
)
from tests.together import at_once


def rows(site: Site) -> list[tuple[object, ...]]:
    """Each row's id and whether it has ended, the oldest first."""
    statement = select(profiles.c.id, profiles.c.ended_at.is_not(None)).order_by(
        profiles.c.known_since, profiles.c.id
    )
    with reading(site.database) as connection:
        return [tuple(row) for row in connection.execute(statement)]


def mandates(site: Site, person: Person) -> list[Any]:
    """Those in which this person may act."""
    return [each for each in offered(site, person.id) if each.kind == "mandate"]


def test_the_answer_is_what_may_be_chosen(site: Site, hanne: Person) -> None:
    take(site, hanne, "qualities", PHYSICIAN)
    take(site, hanne, "mandates", FOR_JURGEN, FOR_FIRM)
    assert facts_offered(site, hanne) == [None, PHYSICIAN, FOR_FIRM, FOR_JURGEN]
    assert {each.person_id for each in offered(site, hanne.id)} == {None, hanne.id}


def test_the_same_answer_changes_nothing(site: Site, hanne: Person, clock: MovableClock) -> None:
    take(site, hanne, "mandates", FOR_JURGEN)
    before = rows(site)
    clock.advance(minutes=5)
    with reading(site.database) as connection:
        assert find_due_questions(connection, hanne.id, ["mandates"], clock())
    take(site, hanne, "mandates", FOR_JURGEN)
    assert rows(site) == before
    (_, mandate) = offered(site, hanne.id)
    assert mandate.confirmed_at == clock()
    assert profile_status(site.settings, mandate, clock()) == "holds"


def test_what_the_source_tells_no_more_has_ended(
    site: Site, hanne: Person, clock: MovableClock
) -> None:
    take(site, hanne, "qualities", PHYSICIAN)
    (_, quality) = offered(site, hanne.id)
    take(site, hanne, "qualities")
    assert facts_offered(site, hanne) == [None]
    assert quality.id
    with reading(site.database) as connection:
        ended = find_profile(connection, site.secrets, quality.id)
    assert ended
    assert ended.ended_at == clock()
    assert profile_status(site.settings, ended, clock()) == "ended"


def test_an_answer_to_another_question_ends_nothing(site: Site, hanne: Person) -> None:
    take(site, hanne, "qualities", PHYSICIAN)
    take(site, hanne, "mandates")
    assert facts_offered(site, hanne) == [None, PHYSICIAN]


def test_a_profile_that_ended_never_comes_back(
    site: Site, hanne: Person, clock: MovableClock
) -> None:
    take(site, hanne, "mandates", FOR_JURGEN)
    take(site, hanne, "mandates")
    clock.advance(seconds=1)
    take(site, hanne, "mandates", FOR_JURGEN)
    (old, old_ended), (new, new_ended) = rows(site)
    assert (old_ended, new_ended) == (True, False)
    assert old != new


def test_one_whose_last_day_has_passed_is_not_prolonged_but_anew(
    site: Site, hanne: Person, clock: MovableClock
) -> None:
    today = replace(FOR_JURGEN, period=FactPeriod(date(2026, 1, 1), date(2026, 3, 2)))
    take(site, hanne, "mandates", today)
    clock.advance(days=1)
    assert facts_offered(site, hanne) == [None]
    prolonged = replace(today, period=FactPeriod(date(2026, 1, 1), date(2026, 12, 31)))
    take(site, hanne, "mandates", prolonged)
    (_, old_ended), (_, new_ended) = rows(site)
    assert (old_ended, new_ended) == (True, False)


def test_what_changed_of_the_same_thing_is_the_same_profile(site: Site, hanne: Person) -> None:
    take(site, hanne, "mandates", FOR_JURGEN)
    (_, before) = offered(site, hanne.id)
    shorter = replace(FOR_JURGEN, period=FactPeriod(date(2020, 1, 1), date(2026, 3, 2)))
    take(site, hanne, "mandates", shorter)
    (_, after) = offered(site, hanne.id)
    assert (after.id, after.fact) == (before.id, shorter)
    assert after.valid_to == shorter.period.ends_at


def test_of_two_facts_of_one_key_the_one_counts_that_holds_longest(
    site: Site, hanne: Person
) -> None:
    past = replace(AT_HOSPITAL, period=FactPeriod(date(2010, 1, 1), date(2015, 1, 1)))
    summer = replace(AT_HOSPITAL, period=FactPeriod(date(2020, 1, 1), date(2026, 6, 30)))
    year = replace(AT_HOSPITAL, period=FactPeriod(date(2025, 1, 1), date(2026, 12, 31)))
    take(site, hanne, "memberships", past, summer, year)
    assert facts_offered(site, hanne) == [None, year]
    take(site, hanne, "memberships", AT_HOSPITAL, year)
    assert facts_offered(site, hanne) == [None, AT_HOSPITAL]


def test_what_does_not_hold_yet_leaves_no_row(site: Site, hanne: Person) -> None:
    take(site, hanne, "mandates", replace(FOR_JURGEN, accepted_by_mandator=False))
    take(site, hanne, "children", replace(PARENT_OF_LUCAS, birthdate=None))
    assert rows(site) == []


def test_an_older_answer_that_comes_late_is_left_aside(
    site: Site, hanne: Person, clock: MovableClock
) -> None:
    take(site, hanne, "mandates", FOR_JURGEN)
    take(site, hanne, "mandates", at=clock() - timedelta(seconds=1))
    assert facts_offered(site, hanne) == [None, FOR_JURGEN]


def test_two_answers_at_once_leave_one_live_row_of_each_fact(site: Site, hanne: Person) -> None:
    facts = [replace(FOR_JURGEN, mandate_id=f"m-{number}") for number in range(20)]
    at_once(lambda: take(site, hanne, "mandates", *facts))
    found = rows(site)
    assert len(found) == 20
    assert not any(ended for _, ended in found)


def test_an_answer_and_its_opposite_at_once_leave_one_live_row_or_none(
    site: Site, hanne: Person
) -> None:
    turns = iter([(FOR_JURGEN,), ()] * 4)
    at_once(lambda: take(site, hanne, "mandates", *next(turns)))
    live = [row for row, ended in rows(site) if not ended]
    assert len(live) <= 1
    assert len(facts_offered(site, hanne)) == 1 + len(live)


def test_a_child_whose_number_was_replaced_is_the_same_profile(site: Site, hanne: Person) -> None:
    lucas = known(site, LUCAS)
    take(site, hanne, "children", PARENT_OF_LUCAS)
    (_, before) = offered(site, hanne.id)
    assert before.represented_id == lucas.id
    new_number = NaturalPerson(NOOR.ssin, "Lucas", "Benali")
    assert known(site, new_number, previous_ssins=(LUCAS.ssin,)).id == lucas.id
    renumbered = replace(PARENT_OF_LUCAS, child=new_number)
    take(site, hanne, "children", renumbered)
    (_, after) = offered(site, hanne.id)
    assert (after.id, after.fact) == (before.id, renumbered)
    take(site, hanne, "children", renumbered)
    assert [each.id for each in offered(site, hanne.id)] == [None, before.id]


def test_so_is_each_mandate_of_a_mandator_whose_number_was_replaced(
    site: Site, hanne: Person
) -> None:
    known(site, JURGEN)
    both = [replace(FOR_JURGEN, mandate_id=each) for each in ("m-1", "m-2")]
    take(site, hanne, "mandates", *both)
    before = {each.fact.mandate_id: each.id for each in mandates(site, hanne)}
    renamed = NaturalPerson(NOOR.ssin, "Jürgen", "Kettenis")
    known(site, renamed, previous_ssins=(JURGEN.ssin,))
    take(site, hanne, "mandates", *(replace(each, mandator=renamed) for each in both))
    assert {each.fact.mandate_id: each.id for each in mandates(site, hanne)} == before
    assert {each.fact.mandator for each in mandates(site, hanne)} == {renamed}


def test_another_mandate_of_the_same_person_is_another_profile(site: Site, hanne: Person) -> None:
    known(site, JURGEN)
    take(site, hanne, "mandates", FOR_JURGEN)
    (_, before) = offered(site, hanne.id)
    other = replace(FOR_JURGEN, mandate_id="m-9")
    take(site, hanne, "mandates", other)
    (_, after) = offered(site, hanne.id)
    assert after.fact == other
    assert after.id != before.id


def test_nobody_acts_for_the_dead(site: Site, hanne: Person, clock: MovableClock) -> None:
    known(site, JURGEN, deceased=True)
    take(site, hanne, "mandates", FOR_JURGEN)
    assert rows(site) == []


def test_nobody_acts_for_themselves(site: Site, hanne: Person) -> None:
    herself = replace(FOR_JURGEN, mandator=NaturalPerson(SSIN, "Hanne", "Van der Meulen"))
    take(site, hanne, "mandates", herself)
    assert rows(site) == []


def test_who_dies_later_ends_what_others_may_do_for_them_at_once(
    site: Site, hanne: Person, clock: MovableClock
) -> None:
    known(site, JURGEN)
    take(site, hanne, "mandates", FOR_JURGEN, FOR_FIRM)
    clock.advance(seconds=30)
    known(site, JURGEN, deceased=True)
    assert facts_offered(site, hanne) == [None, FOR_FIRM]


def test_no_number_is_in_the_clear_in_any_row(site: Site, hanne: Person) -> None:
    take(site, hanne, "mandates", FOR_JURGEN)
    take(site, hanne, "qualities", PHYSICIAN)
    with reading(site.database) as connection:
        kept = repr(connection.execute(select(profiles)).all())
    for number in (JURGEN.ssin, SSIN, PHYSICIAN.nihii11, "Kettenis", "physician"):
        assert number not in kept


def test_nothing_is_taken_where_nothing_may_be_written(site: Site, hanne: Person) -> None:
    with reading(site.database) as connection, pytest.raises(NeedsToWrite):
        apply_answer(
            connection, site.secrets, site.settings, hanne.id, "mandates", [], site.clock()
        )


def test_the_answer_about_somebody_who_is_no_more_is_left_aside(site: Site, hanne: Person) -> None:
    take(site, replace(hanne, id=UUID(int=7)), "mandates", FOR_JURGEN)
    assert rows(site) == []

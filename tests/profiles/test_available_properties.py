"""For random facts, times and outages: nobody is offered what does not hold at that instant."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authn.db.transaction import writing
from authn.people.persons import Citizen, find_or_create_person
from authn.people.ssin import today_in_brussels
from authn.people.tables import Person
from authn.profiles.answer import apply_answer
from authn.profiles.available import available_profiles
from authn.sources.answers import note_failure, stale_limit
from authn.sources.facts import (
    DISCIPLINES,
    Child,
    DeskRoles,
    Fact,
    FactPeriod,
    Mandate,
    Membership,
    Quality,
)
from authn.sources.questions import QUESTIONS, QuestionName
from authn.web.site import Site
from tests.profiles.sample_facts import FIRM, HOSPITAL, JURGEN, LUCAS, MARCEL, NOOR

START = date(2026, 1, 1)
DAYS = st.integers(-20, 20).map(lambda days: START + timedelta(days=days))
PERIODS = st.builds(
    lambda since, length: FactPeriod(since, None if length is None else since + timedelta(length)),
    DAYS,
    st.none() | st.integers(0, 15),
)
FACTS: dict[QuestionName, st.SearchStrategy[Fact]] = {
    "qualities": st.builds(
        Quality, st.sampled_from(DISCIPLINES), st.sampled_from(["1" * 11, "2" * 11]), PERIODS
    ),
    "memberships": st.builds(
        Membership, st.sampled_from([HOSPITAL, FIRM]), st.sampled_from(["Nurse", "Boss"]), PERIODS
    ),
    "mandates": st.builds(
        Mandate,
        st.sampled_from(["m-1", "m-2", "m-3"]),
        st.sampled_from([JURGEN, MARCEL, FIRM]),
        st.just(("recipe",)),
        PERIODS,
        st.booleans(),
        st.booleans(),
    ),
    "children": st.builds(
        Child,
        st.sampled_from([LUCAS, NOOR]),
        # Around the twelfth birthday, known as a day, a month, a year, or not at all.
        st.builds(
            lambda days, length: (START - timedelta(days=days)).isoformat()[:length] or None,
            st.integers(12 * 365 - 20, 12 * 365 + 30),
            st.sampled_from([10, 7, 4, 0]),
        ),
        st.sampled_from([False, False, False, True]),
    ),
}
QUESTION = st.sampled_from(sorted(FACTS))


@dataclass(frozen=True)
class Said:
    """The source of this question told these facts."""

    question: QuestionName
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Silent:
    """It did not answer."""

    question: QuestionName


@dataclass(frozen=True)
class Later:
    """So much time has passed."""

    by: timedelta


STEPS = st.lists(
    QUESTION.flatmap(
        lambda name: st.lists(FACTS[name], max_size=4).map(lambda facts: Said(name, tuple(facts)))
    )
    | QUESTION.map(Silent)
    | st.integers(1, 100).map(lambda hours: Later(timedelta(hours=hours / 4))),
    min_size=1,
    max_size=12,
)


def holds(fact: Fact, now: datetime) -> bool:
    """The rule again, by the calendar alone."""
    today = today_in_brussels(now)
    if isinstance(fact, Child):
        if fact.deceased or fact.birthdate is None:
            return False
        earliest = date.fromisoformat((fact.birthdate + "-01-01")[:10])
        return (today.year - earliest.year, today.month, today.day) < (
            12,
            earliest.month,
            earliest.day,
        )
    assert not isinstance(fact, DeskRoles), "of these no time says so"
    within = fact.period.since <= today <= (fact.period.until or date.max)
    if isinstance(fact, Mandate):
        return within and fact.accepted_by_mandator and fact.accepted_by_mandatary
    return within


@pytest.fixture
def persons(site: Site) -> Callable[[], Person]:
    """Another person each time."""
    number = iter(range(1, 10_000))

    def another() -> Person:
        ssin = f"{next(number):011}"
        citizen = Citizen(ssin, "Somebody", "Else", None, "nl")
        with writing(site.database) as connection:
            return find_or_create_person(
                connection, site.secrets, citizen, datetime(2026, 1, 1, tzinfo=UTC)
            )

    return another


@pytest.mark.one_engine
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_what_is_offered_its_source_said_within_its_limit_and_it_holds_now(
    site: Site, persons: Callable[[], Person], steps: list[Said | Silent | Later]
) -> None:
    person, now = persons(), datetime(2026, 1, 1, 9, tzinfo=UTC)
    heard: dict[QuestionName, tuple[datetime, tuple[Fact, ...]]] = {}
    for step in steps:
        with writing(site.database) as connection:
            of = (connection, site.secrets, site.settings, person.id)
            if isinstance(step, Later):
                now += step.by
            elif isinstance(step, Silent):
                note_failure(connection, person.id, step.question, now)
            else:
                apply_answer(*of, step.question, step.facts, now)
                heard[step.question] = (now, step.facts)
            offered = available_profiles(*of, now)
        expected = {
            _without_end(fact)
            for question, (at, facts) in heard.items()
            for fact in facts
            if holds(fact, now) and holds(fact, at) and now - at < _limit(site, question)
        }
        assert offered[0].kind == "citizen"
        facts_now = [each.fact for each in offered[1:]]
        assert all(fact is not None and holds(fact, now) for fact in facts_now)
        told = {fact for _, facts in heard.values() for fact in facts}
        assert set(facts_now) <= told, "nothing that no source said last"
        assert {_without_end(fact) for fact in facts_now if fact} == expected, "and all of it"


def _limit(site: Site, question: QuestionName) -> timedelta:
    limit = stale_limit(site.settings, question)
    assert limit is not None
    assert QUESTIONS[question].fact
    return limit


def _without_end(fact: Fact) -> tuple[object, ...]:
    """What makes it one thing, of which several periods may be told."""
    if isinstance(fact, Child):
        return "child", fact.child.ssin
    assert not isinstance(fact, DeskRoles)
    blank = replace(fact, period=FactPeriod(START))
    return type(fact).__name__, blank

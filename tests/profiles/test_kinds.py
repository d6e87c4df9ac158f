"""When each kind of profile holds: decisions 9.3, on Belgian days."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from authn.profiles.kinds import BY_QUESTION, KINDS, child, mandate, organisation, quality
from authn.profiles.kinds.child import coming_of_age_date
from authn.profiles.kinds.kind import ProfileKind
from authn.profiles.profile import Kind
from authn.settings import Settings
from authn.sources.facts import Fact, FactPeriod
from authn.sources.questions import QUESTIONS
from tests.profiles.sample_facts import (
    AT_HOSPITAL,
    FIRM,
    FOR_FIRM,
    FOR_JURGEN,
    HOSPITAL,
    JURGEN,
    MARCEL,
    NURSE,
    PARENT_OF_LUCAS,
    PHYSICIAN,
)

SETTINGS = Settings()
# In summer the Belgian day begins at 22:00 UTC of the day before.
MIDNIGHT = datetime(2026, 6, 30, 22, tzinfo=UTC)
JUST_BEFORE = MIDNIGHT - timedelta(seconds=1)


def test_every_question_of_facts_has_a_kind_and_every_kind_a_question() -> None:
    assert set(BY_QUESTION) == {name for name, each in QUESTIONS.items() if each.fact}
    assert [name for name, kind in KINDS.items() if kind.name != name] == []


def test_a_recognition_holds_until_the_end_of_its_last_belgian_day() -> None:
    assert quality.KIND.holds(NURSE, SETTINGS, JUST_BEFORE)
    assert not quality.KIND.holds(NURSE, SETTINGS, MIDNIGHT)
    assert quality.KIND.ends_at(NURSE, SETTINGS) == MIDNIGHT


def test_what_begins_tomorrow_does_not_hold_yet() -> None:
    tomorrow = FactPeriod(date(2026, 7, 1))
    facts: list[tuple[ProfileKind[Any], object]] = [
        (quality.KIND, replace(PHYSICIAN, period=tomorrow)),
        (organisation.KIND, replace(AT_HOSPITAL, period=tomorrow)),
        (mandate.KIND, replace(FOR_JURGEN, period=tomorrow)),
    ]
    for kind, fact in facts:
        assert not kind.holds(fact, SETTINGS, JUST_BEFORE)
        assert kind.holds(fact, SETTINGS, MIDNIGHT)


@pytest.mark.parametrize("who", ["accepted_by_mandator", "accepted_by_mandatary"])
def test_a_mandate_that_one_side_has_not_accepted_does_not_hold(who: str) -> None:
    assert mandate.KIND.holds(FOR_JURGEN, SETTINGS, MIDNIGHT)
    not_accepted = replace(FOR_JURGEN, **{who: False})  # type: ignore[arg-type]
    assert not mandate.KIND.holds(not_accepted, SETTINGS, MIDNIGHT)


@pytest.mark.parametrize(
    ("birthdate", "of_age"),
    [
        ("2014-07-01", date(2026, 7, 1)),
        ("2014-07", date(2026, 7, 1)),
        ("2014", date(2026, 1, 1)),
        ("2012-02-29", date(2024, 2, 29)),
    ],
)
def test_a_child_is_one_until_the_first_day_on_which_they_may_be_of_age(
    birthdate: str, of_age: date
) -> None:
    assert coming_of_age_date(birthdate, 12) == of_age
    fact = replace(PARENT_OF_LUCAS, birthdate=birthdate)
    ends_at = child.KIND.ends_at(fact, SETTINGS)
    assert ends_at is not None
    assert child.KIND.holds(fact, SETTINGS, ends_at - timedelta(microseconds=1))
    assert not child.KIND.holds(fact, SETTINGS, ends_at)


def test_who_was_born_on_29_february_is_of_age_on_the_28th_of_a_common_year() -> None:
    assert coming_of_age_date("2012-02-29", 13) == date(2025, 2, 28)
    assert coming_of_age_date("2000-02-29", 100) == date(2100, 2, 28)


def test_a_child_without_a_birth_date_is_nobodys_to_act_for() -> None:
    unknown = replace(PARENT_OF_LUCAS, birthdate=None)
    assert not child.KIND.holds(unknown, SETTINGS, MIDNIGHT)


def test_the_age_is_a_setting() -> None:
    fact = replace(PARENT_OF_LUCAS, birthdate="2014-07-01")
    assert not child.KIND.holds(fact, SETTINGS, MIDNIGHT)
    assert child.KIND.holds(fact, Settings(parents_until_age=13), MIDNIGHT)
    assert not child.KIND.holds(PARENT_OF_LUCAS, Settings(parents_until_age=0), MIDNIGHT)


def test_nobody_acts_for_a_child_that_died() -> None:
    assert child.KIND.holds(PARENT_OF_LUCAS, SETTINGS, MIDNIGHT)
    assert not child.KIND.holds(replace(PARENT_OF_LUCAS, deceased=True), SETTINGS, MIDNIGHT)


def test_what_makes_it_another_profile() -> None:
    def same(kind: Kind, one: Fact, other: Fact) -> bool:
        return bool(KINDS[kind].key(one) == KINDS[kind].key(other))

    assert same("mandate", FOR_JURGEN, replace(FOR_JURGEN, service_names=("recipe",)))
    assert not same("mandate", FOR_JURGEN, replace(FOR_JURGEN, mandator=MARCEL))
    assert not same("mandate", FOR_JURGEN, replace(FOR_JURGEN, mandator=FIRM))
    assert same("organisation", AT_HOSPITAL, replace(AT_HOSPITAL, period=NURSE.period))
    assert not same("organisation", AT_HOSPITAL, replace(AT_HOSPITAL, role="Cleaner"))
    renamed = replace(HOSPITAL, name="New Hospital", cbe="")
    assert same("organisation", AT_HOSPITAL, replace(AT_HOSPITAL, organisation=renamed))
    assert not same("quality", PHYSICIAN, replace(PHYSICIAN, nihii11="10000000999"))


def test_only_persons_are_represented_and_never_who_acts_for_themselves() -> None:
    assert mandate.KIND.represents(FOR_JURGEN) == JURGEN
    assert mandate.KIND.represents(FOR_FIRM) is None
    assert child.KIND.represents(PARENT_OF_LUCAS) == PARENT_OF_LUCAS.child
    assert quality.KIND.represents(PHYSICIAN) is None
    assert organisation.KIND.represents(AT_HOSPITAL) is None

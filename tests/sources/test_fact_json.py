"""Facts as JSON: read strictly, written so that they are read again, silent about their content."""

from contextlib import suppress
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authn.people.persons import Citizen
from authn.sources.fact_json import (
    citizen_from_json,
    citizen_to_json,
    fact_from_json,
    fact_to_json,
    is_cbe,
    organisation_from_json,
    organisation_to_json,
)
from authn.sources.facts import (
    DISCIPLINES,
    ORGANISATION_KINDS,
    Child,
    DeskRoles,
    Fact,
    FactPeriod,
    Mandate,
    Membership,
    NaturalPerson,
    Organisation,
    Quality,
)
from authn.sources.json_reader import InvalidFact
from authn.sources.questions import QUESTIONS, QuestionName
from authn.staff.roles import ROLES

pytestmark = pytest.mark.one_engine

MARIE = {"ssin": "05520900401", "firstName": "Marie", "lastName": "Dubois"}
HOSPITAL = {"kind": "hospital", "name": "Sint-Jan", "cbe": "0406798006", "nihii": "71000012"}
GOOD: dict[QuestionName, dict[str, Any]] = {
    "children": {
        "ssin": "12410100251",
        "firstName": "Léa",
        "lastName": "Maes",
        "birthdate": "2012-01",
        "deceased": False,
    },
    "qualities": {
        "discipline": "physician",
        "nihii11": "10000000000",
        "since": "2020-01-01",
        "until": "2029-12-31",
    },
    "memberships": {
        "organization": HOSPITAL,
        "role": "physician",
        "responsibleAccessManager": True,
        "since": "2020-01-01",
    },
    "mandates": {
        "mandateId": "m-1",
        "mandator": MARIE,
        "serviceNames": ["recipe", "medicaldatamanagement"],
        "acceptedByMandator": True,
        "acceptedByMandatary": False,
        "since": "2020-01-01",
    },
    "staff": {"desk": "Ghent", "roles": ["agent", "supervisor"]},
}


@pytest.mark.parametrize("question", GOOD)
def test_what_is_read_is_written_again(question: QuestionName) -> None:
    fact = fact_from_json(question, GOOD[question])
    expected = QUESTIONS[question].fact
    assert expected is not None
    assert isinstance(fact, expected)
    assert fact_to_json(fact) == GOOD[question]


def test_every_question_about_facts_has_its_json() -> None:
    assert {name for name, question in QUESTIONS.items() if question.fact} == GOOD.keys()
    with pytest.raises(InvalidFact):
        fact_from_json("citizen", GOOD["children"])


def test_a_mandator_may_be_an_organisation() -> None:
    document = GOOD["mandates"] | {"mandator": HOSPITAL}
    fact = fact_from_json("mandates", document)
    assert isinstance(fact, Mandate)
    assert fact.mandator == Organisation("hospital", "Sint-Jan", "0406798006", "71000012")
    assert fact_to_json(fact) == document


def test_null_says_the_same_as_leaving_out() -> None:
    fact = fact_from_json("qualities", GOOD["qualities"] | {"until": None})
    assert isinstance(fact, Quality)
    assert fact.period.until is None


NAMES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=50)
DAYS = st.dates(date(1850, 1, 1), date(2999, 12, 31))
PERIODS = st.tuples(DAYS, st.none() | DAYS).map(
    lambda days: FactPeriod(days[0], max(days) if days[1] else None)  # type: ignore[type-var]
)
PEOPLE = st.builds(
    NaturalPerson, st.sampled_from(["05520900401", "03410100227"]), st.just("") | NAMES, NAMES
)
ORGANISATIONS = st.builds(
    Organisation, st.sampled_from(ORGANISATION_KINDS), NAMES, st.just("0406798006"), st.just("")
)
FACTS: st.SearchStrategy[Fact] = st.one_of(
    st.builds(
        Quality, st.sampled_from(DISCIPLINES), st.from_regex(r"[0-9]{11}", fullmatch=True), PERIODS
    ),
    st.builds(Membership, ORGANISATIONS, NAMES, PERIODS, st.booleans()),
    st.builds(
        Mandate,
        st.from_regex(r"[A-Za-z0-9]{1,100}", fullmatch=True),
        PEOPLE | ORGANISATIONS,
        st.sets(st.sampled_from(["recipe", "a.b", "c:d"]), min_size=1).map(tuple),
        PERIODS,
        st.booleans(),
        st.booleans(),
    ),
    st.builds(Child, PEOPLE, st.none() | st.just("1999-12"), st.booleans()),
    st.builds(DeskRoles, NAMES, st.sets(st.sampled_from(ROLES), min_size=1).map(tuple)),
)


@given(FACTS)
def test_any_fact_comes_back_and_a_second_time_as_the_same_bytes(fact: Fact) -> None:
    question = next(name for name, each in QUESTIONS.items() if each.fact is type(fact))
    once = fact_from_json(question, fact_to_json(fact))
    assert fact_from_json(question, fact_to_json(once)) == once
    assert once.__class__ is fact.__class__
    if isinstance(fact, Quality):
        assert once == fact


BAD: list[tuple[QuestionName, dict[str, Any], str]] = [
    ("qualities", {"discipline": "patient"}, "discipline is not one of"),
    ("qualities", {"discipline": None}, "discipline is missing"),
    ("qualities", {"nihii11": "1000000000"}, "nihii11 is not eleven digits"),
    ("qualities", {"nihii11": "1000000000٠"}, "nihii11 is not eleven digits"),
    ("qualities", {"nihii11": 10000000000}, "nihii11 is not text"),
    ("qualities", {"since": "2020-02-30"}, "since is not a date"),
    ("qualities", {"since": "20200101"}, "since is not a date"),
    ("qualities", {"since": "2020-01-01T00:00:00"}, "since is not a date"),
    ("qualities", {"until": "2019-12-31"}, "until is before since"),
    ("qualities", {"until": "9999-12-31"}, "until is not between 1850 and 2999"),
    ("qualities", {"untill": "2029-12-31"}, "it has an unknown member"),
    ("memberships", {"organization": "0406798006"}, "organization is not an object"),
    ("memberships", {"organization": HOSPITAL | {"cbe": "0406798007"}}, "organization.cbe is not"),
    ("memberships", {"organization": HOSPITAL | {"cbe": "0406.798.006"}}, "organization.cbe is"),
    ("memberships", {"organization": HOSPITAL | {"nihii": "7100001"}}, "organization.nihii is"),
    ("memberships", {"organization": HOSPITAL | {"kind": "bakery"}}, "organization.kind is not"),
    ("memberships", {"organization": HOSPITAL | {"more": 1}}, "organization has an unknown member"),
    ("memberships", {"organization": {"kind": "hospital", "name": "X"}}, "organization.cbe is mis"),
    ("memberships", {"role": ""}, "role is empty"),
    ("memberships", {"role": "x" * 101}, "role is longer than 100"),
    ("memberships", {"role": "a\u202eb"}, "role has a character that cannot be shown"),
    ("memberships", {"responsibleAccessManager": "yes"}, "responsibleAccessManager is not true"),
    ("mandates", {"mandateId": "m 1"}, "mandateId is not a name"),
    ("mandates", {"mandator": MARIE | {"ssin": "05520900402"}}, "mandator.ssin is not a valid"),
    ("mandates", {"mandator": MARIE | {"ssin": "05.52.09-004.01"}}, "mandator.ssin is not a valid"),
    ("mandates", {"mandator": MARIE | HOSPITAL}, "mandator has an unknown member"),
    ("mandates", {"mandator": MARIE | {"lastName": " "}}, "mandator.lastName is empty"),
    ("mandates", {"serviceNames": []}, "serviceNames is not a list of 1 to 50"),
    ("mandates", {"serviceNames": ["a"] * 51}, "serviceNames is not a list of 1 to 50"),
    ("mandates", {"serviceNames": ["a", "a"]}, "serviceNames has a name twice"),
    ("mandates", {"serviceNames": [["a"]]}, "serviceNames has what is not a name"),
    ("mandates", {"acceptedByMandator": None}, "acceptedByMandator is missing"),
    ("staff", {"desk": " "}, "desk is empty"),
    ("staff", {"desk": "x" * 61}, "desk is longer than 60"),
    ("staff", {"roles": []}, "roles is not a list of 1 to 5"),
    ("staff", {"roles": ["agent", "agent"]}, "roles has a name twice"),
    ("staff", {"roles": ["agent", "director"]}, "roles has what is not one of agent, auditor"),
    ("staff", {"since": "2020-01-01"}, "it has an unknown member"),
    ("children", {"birthdate": "2012-13"}, "birthdate is not a date"),
    ("children", {"birthdate": "1849"}, "birthdate is before 1850"),
]


@pytest.mark.parametrize(("question", "change", "reason"), BAD)
def test_what_breaks_a_rule_is_named_by_the_member_and_the_rule(
    question: QuestionName, change: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidFact) as refusal:
        fact_from_json(question, GOOD[question] | change, today=date(2026, 1, 1))
    assert reason in str(refusal.value)
    assert refusal.value.__context__ is None or refusal.value.__suppress_context__
    assert "0552" not in repr(refusal.value)


def test_a_child_that_is_born_later_than_today_is_none() -> None:
    document = GOOD["children"] | {"birthdate": "2026-02-01"}
    fact_from_json("children", document, today=date(2026, 2, 1))
    with pytest.raises(InvalidFact, match="birthdate is before 1850 or in the future"):
        fact_from_json("children", document, today=date(2026, 1, 31))
    with pytest.raises(InvalidFact, match=r"^ssin is not a valid national number \(future\)$"):
        fact_from_json("children", GOOD["children"], today=date(2011, 12, 31))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=10,
)


@given(JSON, st.sampled_from(list(GOOD)), st.data())
def test_any_json_is_a_fact_or_one_error(
    document: object, question: QuestionName, data: st.DataObject
) -> None:
    with suppress(InvalidFact):
        fact_from_json(question, document)
    with suppress(InvalidFact):
        citizen_from_json(document)
    member = data.draw(st.sampled_from(list(GOOD[question])))
    with suppress(InvalidFact):
        fact_from_json(question, GOOD[question] | {member: document})


def test_a_number_is_in_no_repr() -> None:
    for question, document in GOOD.items():
        told = repr(fact_from_json(question, document))
        assert "05520900401" not in told
        assert "12410100251" not in told


def test_a_citizen_comes_back() -> None:
    citizen = Citizen(
        "05520900401", "", "Dubois", None, "fr", deceased=True, previous_ssins=("03410100227",)
    )
    assert citizen_from_json(citizen_to_json(citizen)) == citizen
    for change in ({"previousSsins": ["1"]}, {"previousSsins": "1"}, {"language": "es"}, {"a": 1}):
        with pytest.raises(InvalidFact):
            citizen_from_json(citizen_to_json(citizen) | change)


def test_an_organisation_comes_back() -> None:
    organisation = Organisation("enterprise", "Bakery", cbe="0406798006")
    assert organisation_from_json(organisation_to_json(organisation)) == organisation


@pytest.mark.parametrize(
    "number", ["0406798007", "2406798006", "BE0406798006", "0406798006\n", "", "٠406798006"]
)
def test_what_is_no_cbe_number(number: str) -> None:
    assert not is_cbe(number)
    assert is_cbe("0406798006")

"""A real source that says what can't be, over HTTP: none of it becomes a capacity (decisions 4.20).

An answer of which a part can't be read is none: what was known before counts, within its limit.
That an answer is broken altogether: `tests/sources/test_outages.py`.
"""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from authn.db.transaction import reading
from authn.people.tables import Person
from authn.profiles.refreshing import refresh_from_sources
from authn.sources.answers import find_source_answers
from authn.sources.questions import QuestionName
from authn.sources.real_sources import MOST_FACTS
from authn.web.site import Site
from tests.conftest import MovableClock
from tests.profiles.conftest import answered, facts_offered
from tests.sources_server import MANDATOR, MOTHER, MOTHER_BEFORE, Running, Said

pytestmark = pytest.mark.thorough

Facts = list[dict[str, Any]]
PERSON = {"ssin": MANDATOR, "firstName": "Jürgen", "lastName": "Kettenis"}
MANDATE: Mapping[str, Any] = {
    "mandateId": "m-1",
    "mandator": PERSON,
    "serviceNames": ["recipe"],
    "acceptedByMandator": True,
    "acceptedByMandatary": True,
    "since": "2025-01-01",
}
CHILD: Mapping[str, Any] = {"ssin": "12410100251", "firstName": "Lou", "lastName": "Demo"}


def of(**mandator: Any) -> dict[str, Any]:
    return {**MANDATE, "mandator": {**PERSON, **mandator}}


UNREADABLE: dict[str, Facts] = {
    "too many": [{**MANDATE, "mandateId": f"m-{number}"} for number in range(MOST_FACTS + 1)],
    "a control character": [of(firstName="Jür\u0007gen")],
    "a line break": [of(lastName="Kettenis\r\nBcc: x@example.org")],
    "the text turned around": [of(lastName="\u202egnihtyna " * 20)],
    "hidden characters": [of(lastName="Kette\u200bnis")],
    "an endless name": [of(lastName="K" * 100_000)],
    "no name": [of(lastName=" ")],
    "a number that is none": [of(ssin="05520900402")],
    "a day that is none": [{**MANDATE, "since": "2025-02-30"}],
    "an end before the beginning": [{**MANDATE, "until": "2024-12-31"}],
    "a member that nobody knows": [{**MANDATE, "admin": True}],
    "yes in words": [{**MANDATE, "acceptedByMandator": "yes"}],
    "one of another kind among good ones": [dict(MANDATE), {"discipline": "physician"}],
}


@pytest.fixture
def known(outside: Site, hanne: Person, real: Running, clock: MovableClock) -> list[object]:
    """What the source said before, which is due again."""
    say(real, "mandates", [{**MANDATE, "mandateId": "m-0"}])
    look(outside, hanne, "mandates")
    before: list[object] = list(facts_offered(outside, hanne))
    assert len(before) == 2
    clock.advance(minutes=5)
    return before


def say(real: Running, question: QuestionName, facts: Facts) -> None:
    body = orjson.dumps({question: facts})
    real.server.dictated = lambda seen: Said(200, body) if seen.path == f"/{question}" else None


def look(site: Site, person: Person, question: QuestionName) -> None:
    answered(site, lambda asking: refresh_from_sources(asking, person.id, [question]))


@pytest.mark.parametrize("facts", UNREADABLE.values(), ids=UNREADABLE)
def test_what_can_t_be_is_no_answer(
    outside: Site,
    hanne: Person,
    real: Running,
    known: list[object],
    capfd: pytest.CaptureFixture[str],
    facts: Facts,
) -> None:
    say(real, "mandates", facts)
    look(outside, hanne, "mandates")
    assert facts_offered(outside, hanne) == known
    with reading(outside.database) as connection:
        assert find_source_answers(connection, hanne.id)["mandates"].failed_at is not None
    written = "".join(capfd.readouterr())
    assert "source_failed" in written
    for lie in ("Kettenis", MANDATOR, "gnihtyna", "Bcc"):
        assert lie not in written


@pytest.mark.parametrize("number", [MOTHER, MOTHER_BEFORE])
def test_nobody_acts_for_themselves(
    outside: Site, hanne: Person, real: Running, number: str
) -> None:
    look(outside, hanne, "citizen")  # which tells of the number of before
    say(real, "mandates", [of(ssin=number)])
    look(outside, hanne, "mandates")
    assert facts_offered(outside, hanne) == [None]


def test_what_is_told_twice_is_one(outside: Site, hanne: Person, real: Running) -> None:
    say(real, "mandates", [dict(MANDATE), dict(MANDATE), {**MANDATE, "until": "2027-01-01"}])
    look(outside, hanne, "mandates")
    assert len(facts_offered(outside, hanne)) == 2


def test_what_begins_tomorrow_begins_tomorrow(
    outside: Site, hanne: Person, real: Running, clock: MovableClock
) -> None:
    say(real, "mandates", [{**MANDATE, "since": "2026-03-03"}])
    look(outside, hanne, "mandates")
    assert facts_offered(outside, hanne) == [None]
    clock.advance(minutes=24 * 60)
    look(outside, hanne, "mandates")
    assert len(facts_offered(outside, hanne)) == 2


@pytest.mark.parametrize("birthdate", [None, "1890-01-01", "1903", "2014-03-02"])
def test_nobody_is_the_parent_of_who_is_older_or_of_no_age(
    outside: Site, hanne: Person, real: Running, birthdate: str | None
) -> None:
    say(real, "children", [{**CHILD, **({"birthdate": birthdate} if birthdate else {})}])
    look(outside, hanne, "children")
    assert facts_offered(outside, hanne) == [None]

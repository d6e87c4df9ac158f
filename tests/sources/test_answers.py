"""When a question about a person is due, fresh, stale: each at its time, by the settings."""

from datetime import timedelta
from uuid import UUID

import pytest

from authn.db.engine import Database
from authn.db.transaction import NeedsToWrite, reading, writing
from authn.people.persons import find_or_create_person
from authn.settings import Settings
from authn.sources.answers import (
    SourceOutcome,
    find_due_questions,
    find_source_answers,
    mark_answer_due,
    mark_answers_due,
    note_answer,
    note_failure,
    source_outcomes,
)
from authn.sources.embedded.register import EmbeddedRegister
from authn.sources.questions import OF_SOURCES, QuestionName
from authn.web.site import Site
from tests.conftest import MovableClock
from tests.together import at_once

HANNE = "03410100128"
EVERY: tuple[QuestionName, ...] = OF_SOURCES


@pytest.fixture
def person_id(site: Site, register: None, clock: MovableClock) -> UUID:
    with writing(site.database) as connection:
        citizen = EmbeddedRegister(connection, site.secrets).citizen(HANNE)
        assert citizen
        return find_or_create_person(connection, site.secrets, citizen, clock()).id


def due_now(database: Database, person_id: UUID, clock: MovableClock) -> tuple[QuestionName, ...]:
    with reading(database) as connection:
        return find_due_questions(connection, person_id, EVERY, clock())


def test_what_was_never_asked_is_due(
    database: Database, person_id: UUID, clock: MovableClock
) -> None:
    assert due_now(database, person_id, clock) == EVERY


@pytest.mark.parametrize("question", EVERY)
def test_an_answer_is_fresh_for_as_long_as_its_setting_says(
    database: Database,
    person_id: UUID,
    clock: MovableClock,
    settings: Settings,
    question: QuestionName,
) -> None:
    with writing(database) as connection:
        note_answer(connection, person_id, question, settings, clock())
    fresh: timedelta = getattr(settings, f"{question}_fresh")
    clock.advance(seconds=fresh.total_seconds() - 1)
    assert question not in due_now(database, person_id, clock)
    clock.advance(seconds=1)
    assert question in due_now(database, person_id, clock)


@pytest.mark.parametrize("question", [each for each in EVERY if each != "citizen"])
def test_an_answer_is_used_until_its_stale_limit(
    database: Database,
    person_id: UUID,
    clock: MovableClock,
    settings: Settings,
    question: QuestionName,
) -> None:
    with writing(database) as connection:
        note_failure(connection, person_id, question, clock())
        never = find_source_answers(connection, person_id)[question]
        note_answer(connection, person_id, question, settings, clock())
        heard = find_source_answers(connection, person_id)[question]
    assert not never.is_usable(settings, clock())
    stale: timedelta = getattr(settings, f"{question}_stale")
    assert heard.is_usable(settings, clock() + stale - timedelta(seconds=1))
    assert not heard.is_usable(settings, clock() + stale)


def test_what_is_our_own_to_say_is_asked_of_those_alone_of_whom_it_was_noted(
    database: Database, person_id: UUID, clock: MovableClock, settings: Settings
) -> None:
    def is_due() -> bool:
        with reading(database) as connection:
            return find_due_questions(connection, person_id, ["staff"], clock()) == ("staff",)

    assert not is_due()
    with writing(database) as connection:
        mark_answer_due(connection, person_id, "staff", clock())
    assert is_due()
    with writing(database) as connection:
        note_answer(connection, person_id, "staff", settings, clock())
    assert not is_due()
    with writing(database) as connection:
        mark_answer_due(connection, person_id, "staff", clock())
        heard = find_source_answers(connection, person_id)["staff"]
    assert is_due()
    assert heard.answered_at == clock(), "what was known goes on counting until then"
    assert heard.is_usable(settings, clock() + timedelta(days=1000)), "nobody can be down"


def test_what_is_known_of_a_citizen_is_used_for_as_long_as_it_takes(
    database: Database, person_id: UUID, clock: MovableClock, settings: Settings
) -> None:
    with writing(database) as connection:
        note_answer(connection, person_id, "citizen", settings, clock())
        heard = find_source_answers(connection, person_id)["citizen"]
    assert heard.is_usable(settings, clock() + timedelta(days=1000))


def test_after_a_failure_nobody_asks_for_half_a_minute(
    database: Database, person_id: UUID, clock: MovableClock, settings: Settings
) -> None:
    with writing(database) as connection:
        note_answer(connection, person_id, "mandates", settings, clock())
    answered_at = clock()
    clock.advance(minutes=6)
    failed_at = clock()
    for _ in range(2):
        with writing(database) as connection:
            note_failure(connection, person_id, "mandates", clock())
        assert "mandates" not in due_now(database, person_id, clock)
        clock.advance(seconds=29)
        assert "mandates" not in due_now(database, person_id, clock)
        clock.advance(seconds=1)
        assert "mandates" in due_now(database, person_id, clock)
    with writing(database) as connection:
        heard = find_source_answers(connection, person_id)["mandates"]
        assert (heard.answered_at, heard.failed_at) == (answered_at, failed_at)
        assert source_outcomes(connection) == {
            "mandates": SourceOutcome("mandates", answered_at, 1)
        }
        note_answer(connection, person_id, "mandates", settings, clock())
        assert find_source_answers(connection, person_id)["mandates"].failed_at is None
        assert source_outcomes(connection)["mandates"].failing == 0


def test_everybodys_answer_can_be_made_due(
    database: Database, person_id: UUID, clock: MovableClock, settings: Settings
) -> None:
    with writing(database) as connection:
        note_answer(connection, person_id, "mandates", settings, clock())
        note_answer(connection, person_id, "children", settings, clock())
        assert mark_answers_due(connection, "mandates", clock()) == 1
    assert "mandates" in due_now(database, person_id, clock)
    assert "children" not in due_now(database, person_id, clock)


def test_two_answers_at_once_are_both_noted(
    database: Database, person_id: UUID, clock: MovableClock, settings: Settings
) -> None:
    def note() -> bool:
        with writing(database) as connection:
            note_answer(connection, person_id, "mandates", settings, clock())
            note_failure(connection, person_id, "children", clock())
        return True

    assert at_once(note) == [True] * 8
    with reading(database) as connection:
        assert set(find_source_answers(connection, person_id)) == {"mandates", "children"}


def test_a_transaction_that_only_reads_notes_nothing(
    database: Database, person_id: UUID, clock: MovableClock, settings: Settings
) -> None:
    with reading(database) as connection:
        with pytest.raises(NeedsToWrite):
            note_answer(connection, person_id, "mandates", settings, clock())
        with pytest.raises(NeedsToWrite):
            note_failure(connection, person_id, "mandates", clock())
        with pytest.raises(NeedsToWrite):
            mark_answers_due(connection, "mandates", clock())

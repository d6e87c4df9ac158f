"""The table of source answers: when each question about a person was answered and is due again.

The answers themselves are kept by `people` and `profiles`. An answer is fresh for the setting
`*_fresh` of its question, and used for `*_stale` at most while its source is down; after a failure
the source is not asked about that person again for half a minute. An old answer about a citizen is
used for as long as there is no newer one: the register is down then, not the citizen (decisions
4.20).

Our own register of staff is read only for persons who got a role: other persons have no row here.
Each change of a role makes the answer due (`mark_answer_due`).

On PostgreSQL a transaction may have read the facts from before an import, and note them as fresh
after the import has made all answers due. So an import waits, once its facts are stored, for the
transactions that were reading (`share_import_lock`, `wait_for_readers`). SQLite writes one
transaction after another.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, func, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import Executable

from authn.db.transaction import must_write
from authn.people.merge import PersonMerge
from authn.settings import Settings
from authn.sources.questions import OUR_OWN, QuestionName
from authn.sources.tables import source_answers

NOT_AGAIN_BEFORE: Final = timedelta(seconds=30)
"""For how long after a failure a question about a person is not asked again."""
OWN_FRESH: Final = timedelta(days=1)
"""For how long our own answers are fresh; each change of a role makes one due at once."""


@dataclass(frozen=True, slots=True)
class SourceAnswer:
    """A row of `source_answers`: when one question about one person was answered, and is due again.

    `answered_at` is None when there was never an answer; `failed_at` is the first failure since the
    last answer, None without any.
    """

    question: QuestionName
    answered_at: datetime | None
    due_at: datetime
    failed_at: datetime | None

    def is_due(self, now: datetime) -> bool:
        """Whether the source is to be asked now."""
        return self.due_at <= now

    def is_usable(self, settings: Settings, now: datetime) -> bool:
        """Whether the last answer is within its stale limit, so that it may still be used."""
        if self.answered_at is None:
            return False
        stale_after = stale_limit(settings, self.question)
        return stale_after is None or now - self.answered_at < stale_after


_OF_PERSON: Final = select(
    source_answers.c.question,
    source_answers.c.answered_at,
    source_answers.c.due_at,
    source_answers.c.failed_at,
).where(source_answers.c.person_id == bindparam("of_person"))
_ASK_ANEW: Final = (
    update(source_answers)
    .where(
        source_answers.c.question == bindparam("asked"), source_answers.c.due_at > bindparam("now")
    )
    .values(due_at=bindparam("now"))
)


def find_source_answers(
    connection: Connection, person_id: UUID
) -> dict[QuestionName, SourceAnswer]:
    """The row of each question that was ever asked about a person; one statement."""
    rows = connection.execute(_OF_PERSON, {"of_person": person_id})
    return {row.question: SourceAnswer(*row) for row in rows}


def due_questions(
    answers: Mapping[QuestionName, SourceAnswer], questions: Iterable[QuestionName], now: datetime
) -> tuple[QuestionName, ...]:
    """The questions that are to be asked now: never asked before, or due again."""
    return tuple(
        each
        for each in questions
        if (answers[each].is_due(now) if each in answers else each not in OUR_OWN)
    )


def find_due_questions(
    connection: Connection, person_id: UUID, questions: Iterable[QuestionName], now: datetime
) -> tuple[QuestionName, ...]:
    """The questions about a person that are to be asked now, read from the table."""
    return due_questions(find_source_answers(connection, person_id), questions, now)


def note_answer(
    connection: Connection,
    person_id: UUID,
    question: QuestionName,
    settings: Settings,
    now: datetime,
) -> None:
    """A question about a person was answered now, and is due again when the answer is not fresh."""
    values = {
        "answered_at": now,
        "due_at": now + fresh_period(settings, question),
        "failed_at": None,
    }
    _note(connection, "answer", {"person_id": person_id, "question": question, **values})


def note_failure(
    connection: Connection, person_id: UUID, question: QuestionName, now: datetime
) -> None:
    """A source did not answer now: its last answer is kept, and it is not asked for a moment."""
    values = {"answered_at": None, "due_at": now + NOT_AGAIN_BEFORE, "failed_at": now}
    _note(connection, "failure", {"person_id": person_id, "question": question, **values})


def mark_answers_due(connection: Connection, question: QuestionName, now: datetime) -> int:
    """Everybody's answer to a question is due now (after an import); how many were not yet."""
    must_write(connection)
    return connection.execute(_ASK_ANEW, {"asked": question, "now": now}).rowcount


def mark_answer_due(
    connection: Connection, person_id: UUID, question: QuestionName, now: datetime
) -> None:
    """A person's answer to a question is due now, whether there was one before or not."""
    values = {"answered_at": None, "due_at": now, "failed_at": None}
    _note(connection, "due", {"person_id": person_id, "question": question, **values})


def fresh_period(settings: Settings, question: QuestionName) -> timedelta:
    """For how long an answer to a question is fresh: the source is not asked again."""
    if question in OUR_OWN:
        return OWN_FRESH
    lifetime: timedelta = getattr(settings, f"{question}_fresh")
    return lifetime


def stale_limit(settings: Settings, question: QuestionName) -> timedelta | None:
    """The age up to which an answer is used; None without a limit: a citizen's, and our own."""
    limit: timedelta | None = getattr(settings, f"{question}_stale", None)
    return limit


def _note(connection: Connection, what: str, row: dict[str, Any]) -> None:
    must_write(connection)
    connection.execute(_upsert(what, connection.dialect.name), row)


@cache
def _upsert(what: str, dialect: str) -> Executable:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = insert(source_answers)
    new, old = statement.excluded, source_answers.c
    changes: dict[str, dict[str, Any]] = {
        "answer": {"answered_at": new.answered_at, "due_at": new.due_at, "failed_at": None},
        "failure": {
            "due_at": new.due_at,
            "failed_at": func.coalesce(old.failed_at, new.failed_at),
        },
        "due": {"due_at": new.due_at},
    }
    key = list(source_answers.primary_key.columns)
    return statement.on_conflict_do_update(index_elements=key, set_=changes[what])


_KEY: Final = 0x6175_7468_6E_01  # "authn", and which of its locks
_STAND_BY: Final = text(f"SELECT pg_advisory_xact_lock_shared({_KEY})")
_WAIT_FOR_READERS: Final = text(f"SELECT pg_advisory_xact_lock({_KEY})")


def share_import_lock(connection: Connection) -> None:
    """An import waits for this transaction before answers become due, so none is missed."""
    if connection.dialect.name == "postgresql":
        connection.execute(_STAND_BY)


def wait_for_readers(connection: Connection) -> None:
    """Every transaction that read the old facts has ended; the next statement sees its answers."""
    if connection.dialect.name == "postgresql":
        connection.execute(_WAIT_FOR_READERS)


@dataclass(frozen=True, slots=True)
class SourceOutcome:
    """When a question was last answered about anybody, and for how many persons asking fails."""

    question: QuestionName
    answered_at: datetime | None
    failing: int


_OUTCOMES: Final = select(
    source_answers.c.question,
    func.max(source_answers.c.answered_at),
    func.count(source_answers.c.failed_at),
).group_by(source_answers.c.question)


def source_outcomes(connection: Connection) -> dict[QuestionName, SourceOutcome]:
    """The outcome of each question that was ever asked."""
    return {row[0]: SourceOutcome(*row) for row in connection.execute(_OUTCOMES)}


def ask_sources_again(merger: PersonMerge) -> list[str]:
    """Everything is due to be asked again about the kept person, by all of their numbers."""
    connection = merger.connection
    connection.execute(delete(source_answers).where(source_answers.c.person_id == merger.merged.id))
    connection.execute(
        update(source_answers)
        .where(source_answers.c.person_id == merger.kept.id)
        .values(due_at=merger.occasion.now)
    )
    return []

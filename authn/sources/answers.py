"""When each question about a person was answered, is due again, and since when asking has failed.

What the answer was, `people` and `profiles` keep. An answer is fresh for the setting `*_fresh` of
its question, and used for `*_stale` at most while its source is down; after a failure nobody asks
again for half a minute. About a citizen an old answer is good for as long as there is no newer one:
who is down then is the register, not the citizen (decisions 4.20).

Of our own register of staff nobody is asked who never got a role: they have no row here, and it
costs them nothing. Who has one is asked again with each change of it (`ask_anew_of`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import Executable

from authn.db.transaction import must_write
from authn.settings import Settings
from authn.sources.questions import OUR_OWN, QuestionName
from authn.sources.tables import source_answers

NOT_AGAIN_BEFORE: Final = timedelta(seconds=30)
"""After a failure, how long the same is not asked about the same person."""
OWN_FRESH: Final = timedelta(days=1)
"""What we know ourselves is read anew by then, though each change of it has that done at once."""


@dataclass(frozen=True, slots=True)
class SourceAnswer:
    """A row of `source_answers`: how a question about a person stands.

    `answered_at` is None when it never was; `failed_at` is since when asking has failed, None when
    the last time went well.
    """

    question: QuestionName
    answered_at: datetime | None
    due_at: datetime
    failed_at: datetime | None

    def is_due(self, now: datetime) -> bool:
        """Whether it is time to ask."""
        return self.due_at <= now

    def is_usable(self, settings: Settings, now: datetime) -> bool:
        """Whether the last answer may still be used: it is within its stale limit."""
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


def heard_of(connection: Connection, person_id: UUID) -> dict[QuestionName, SourceAnswer]:
    """How each question that was ever asked about this person stands: one statement."""
    rows = connection.execute(_OF_PERSON, {"of_person": person_id})
    return {row.question: SourceAnswer(*row) for row in rows}


def due_of(
    heard: Mapping[QuestionName, SourceAnswer], questions: Iterable[QuestionName], now: datetime
) -> tuple[QuestionName, ...]:
    """Those of these questions that are to be asked now: never asked, or their time has come."""
    return tuple(
        each
        for each in questions
        if (heard[each].is_due(now) if each in heard else each not in OUR_OWN)
    )


def due(
    connection: Connection, person_id: UUID, questions: Iterable[QuestionName], now: datetime
) -> tuple[QuestionName, ...]:
    """The same, read from the table; use `heard_of` and `due_of` to know more by one statement."""
    return due_of(heard_of(connection, person_id), questions, now)


def note_answer(
    connection: Connection,
    person_id: UUID,
    question: QuestionName,
    settings: Settings,
    now: datetime,
) -> None:
    """The question was answered now, and is due again once the answer is not fresh any more."""
    values = {"answered_at": now, "due_at": now + fresh_for(settings, question), "failed_at": None}
    _note(connection, "answer", {"person_id": person_id, "question": question, **values})


def note_failure(
    connection: Connection, person_id: UUID, question: QuestionName, now: datetime
) -> None:
    """The source did not answer now; what it said last is kept, and nobody asks for a moment."""
    values = {"answered_at": None, "due_at": now + NOT_AGAIN_BEFORE, "failed_at": now}
    _note(connection, "failure", {"person_id": person_id, "question": question, **values})


def ask_anew(connection: Connection, question: QuestionName, now: datetime) -> int:
    """Everybody's answer to this question is due now (after an import); how many were not yet."""
    must_write(connection)
    return connection.execute(_ASK_ANEW, {"asked": question, "now": now}).rowcount


def ask_anew_of(
    connection: Connection, person_id: UUID, question: QuestionName, now: datetime
) -> None:
    """This person's answer to this question is due now, whether there was one before or not."""
    values = {"answered_at": None, "due_at": now, "failed_at": None}
    _note(connection, "due", {"person_id": person_id, "question": question, **values})


def fresh_for(settings: Settings, question: QuestionName) -> timedelta:
    """How long an answer is not asked anew."""
    if question in OUR_OWN:
        return OWN_FRESH
    lifetime: timedelta = getattr(settings, f"{question}_fresh")
    return lifetime


def stale_limit(settings: Settings, question: QuestionName) -> timedelta | None:
    """How old an answer may be at most to be used; None for no limit: a citizen's, and our own."""
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

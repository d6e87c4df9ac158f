"""Imports a file of facts into an embedded source.

Facts are staged in batches, each in a short transaction, and moved into the source by one at the
end: the source changes in one moment. A file adds facts and replaces known ones; a complete file
also ends the facts that are left out. Importing the same file twice changes nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import (
    Connection,
    Executable,
    Table,
    bindparam,
    delete,
    exists,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from authn.audit.events.service import FactsImported
from authn.audit.log import record
from authn.db.engine import Database
from authn.db.occasion import NO_REFERENCE
from authn.db.transaction import reading, writing
from authn.errors import CommandError
from authn.people.ssin import today_in_brussels
from authn.people.tables import person_ssins
from authn.secrets import Secrets
from authn.sources.answers import mark_answers_due, wait_for_readers
from authn.sources.embedded.fact_columns import FileKind
from authn.sources.embedded.fact_files import FactFile, FactFileEntry, RejectedLine
from authn.sources.embedded.facts import (
    ACCESS_MANAGERS,
    ORGANISATION,
    fact_rows,
    organisation_rows,
    organisations_by_number,
)
from authn.sources.facts import Organisation
from authn.sources.tables import source_answers, source_facts, source_staged_facts

BATCH = 1000
ABANDONED_AFTER = timedelta(days=1)

Progress = Callable[[int], None]
"""Called with the number of bytes of the file that are staged."""

# Under which questions the facts of a file are kept.
_KEPT_AS: Final[dict[FileKind, tuple[str, ...]]] = {
    "children": ("children",),
    "qualities": ("qualities",),
    "organisations": (ORGANISATION,),
    "memberships": ("memberships", ACCESS_MANAGERS),
    "mandates": ("mandates",),
}
_STAGED = source_staged_facts.c
_FACT = [column.name for column in source_facts.c]
_THIS_IMPORT = _STAGED.import_id == bindparam("this_import")


def _insert(table: Table, dialect: str) -> sqlite.Insert | postgresql.Insert:
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


@cache
def _stage(dialect: str) -> Executable:
    """Rows are staged. An organisation's access manager in two roles has one row."""
    return _insert(source_staged_facts, dialect).on_conflict_do_nothing()


@cache
def _move(dialect: str) -> Executable:
    """The staged rows are in the source, in place of rows with the same key."""
    statement = _insert(source_facts, dialect)
    rows = select(*(_STAGED[name] for name in _FACT)).where(_THIS_IMPORT)
    new = statement.excluded
    changes = {"fact_encrypted": new.fact_encrypted, "imported_at": new.imported_at}
    return statement.from_select(_FACT, rows).on_conflict_do_update(
        index_elements=list(source_facts.primary_key.columns), set_=changes
    )


_END_LEFT_OUT = delete(source_facts).where(
    source_facts.c.question.in_(bindparam("kept_as", expanding=True)),
    ~exists().where(
        _THIS_IMPORT,
        _STAGED.question == source_facts.c.question,
        _STAGED.subject_hash == source_facts.c.subject_hash,
        _STAGED.key_hash == source_facts.c.key_hash,
    ),
)

# The persons whom the staged facts are about, by a number that they have or had.
_CONCERNED = select(person_ssins.c.person_id).where(
    person_ssins.c.ssin_hash.in_(select(_STAGED.subject_hash).where(_THIS_IMPORT))
)
_ANSWERS_ARE_DUE = (
    update(source_answers)
    .where(
        source_answers.c.question == bindparam("asked"),
        source_answers.c.due_at > bindparam("now"),
        source_answers.c.person_id.in_(_CONCERNED),
    )
    .values(due_at=bindparam("now"))
)


@dataclass(frozen=True, slots=True)
class FactImportReport:
    """The result of an import: `facts` imported, lines `rejected`, and how many facts `ended`."""

    facts: int
    rejected: tuple[RejectedLine, ...]
    ended: int = 0


@dataclass(frozen=True, slots=True)
class FactImport:
    """An import of one file of facts.

    `complete`: the file is everything, and facts left out end. `strict`: nothing is imported when
    one line is rejected; a complete file is always strict, since the fact of a rejected line would
    end.
    """

    database: Database
    secrets: Secrets
    kind: FileKind
    path: Path
    now: datetime
    complete: bool = False
    strict: bool = False
    progress: Progress = lambda _: None
    id: UUID = field(default_factory=uuid4)

    def run(self) -> FactImportReport:
        """The source holds the facts of the file; opens its own transactions.

        Nothing is changed when nothing can be imported: `facts` of the report is 0 then. Raises
        `CommandError` when the whole is no file of this kind, `OSError` when it cannot be read.
        """
        try:
            facts, rejected = self._stage()
            if not facts and not rejected:
                raise CommandError("There is nothing in the file.")
            if not facts or (rejected and (self.strict or self.complete)):
                return FactImportReport(0, rejected)
            ended = self._swap_in(facts, len(rejected))
            self._make_due()
            return FactImportReport(facts, rejected, ended)
        finally:
            self._clear_staging()

    def _stage(self) -> tuple[int, tuple[RejectedLine, ...]]:
        """How many facts are staged, and which lines were rejected."""
        file = FactFile(self.path, self.kind, self._organisations(), today_in_brussels(self.now))
        rejected: list[RejectedLine] = []
        facts = 0
        taken = self._rows(file, rejected)
        while batch := list(islice(taken, BATCH)):
            with writing(self.database) as connection:
                rows = [row for rows in batch for row in rows]
                connection.execute(_stage(connection.dialect.name), rows)
            facts += len(batch)
            self.progress(file.bytes_read)
        self.progress(file.bytes_read)
        return facts, tuple(rejected)

    def _organisations(self) -> dict[str, Organisation]:
        if self.kind not in ("memberships", "mandates"):
            return {}
        with reading(self.database) as connection:
            return organisations_by_number(connection, self.secrets)

    def _rows(self, file: FactFile, rejected: list[RejectedLine]) -> Iterator[list[dict[str, Any]]]:
        """The rows to stage, fact by fact; invalid lines are added to `rejected`."""
        seen: dict[str, int] = {}
        common = {"import_id": self.id, "imported_at": self.now}
        for entry in file.entries():
            if isinstance(entry, RejectedLine):
                rejected.append(entry)
                continue
            rows = self._rows_of(entry)
            keys = [f"{row['subject_hash']}{row['key_hash']}" for row in rows if _is_fact(row)]
            first = min((seen[key] for key in keys if key in seen), default=None)
            if first is not None:
                rejected.append(RejectedLine(entry.line, f"it is told at {first} already"))
                continue
            seen |= dict.fromkeys(keys, entry.line)
            yield [row | common for row in rows]

    def _rows_of(self, entry: FactFileEntry) -> list[dict[str, Any]]:
        if isinstance(entry.content, Organisation):
            return organisation_rows(self.secrets, entry.content)
        assert self.kind != "organisations"
        return fact_rows(self.secrets, self.kind, entry.ssin, entry.content)

    def _swap_in(self, facts: int, rejected: int) -> int:
        """The staged facts are in the source, by one transaction; how many facts ended by that."""
        ended = 0
        with writing(self.database) as connection:
            _one_swap_at_a_time(connection)
            if self.complete:
                values = {"this_import": self.id, "kept_as": _KEPT_AS[self.kind]}
                ended = connection.execute(_END_LEFT_OUT, values).rowcount
            connection.execute(_move(connection.dialect.name), {"this_import": self.id})
            event = FactsImported(kind=self.kind, facts=facts, rejected=rejected, ended=ended)
            record(connection, self.secrets, event, self.now, NO_REFERENCE)
        return ended

    def _make_due(self) -> None:
        """Earlier answers about the persons in the file are due to be asked again now.

        In a transaction of its own, after the facts are in: every later question gets the new
        answer.
        """
        if self.kind == "organisations":
            return
        with writing(self.database) as connection:
            wait_for_readers(connection)
            if self.complete:
                mark_answers_due(connection, self.kind, self.now)
                return
            values = {"this_import": self.id, "asked": self.kind, "now": self.now}
            connection.execute(_ANSWERS_ARE_DUE, values)

    def _clear_staging(self) -> None:
        """No staged facts are left of this import, nor of an import that was killed long ago."""
        with writing(self.database) as connection:
            abandoned = _STAGED.imported_at < self.now - ABANDONED_AFTER
            mine = _STAGED.import_id == self.id
            connection.execute(delete(source_staged_facts).where(or_(mine, abandoned)))


def _is_fact(row: dict[str, Any]) -> bool:
    """Whether a row is a fact itself, and not the index by which access managers are found."""
    question: str = row["question"]
    return question != ACCESS_MANAGERS


def _one_swap_at_a_time(connection: Connection) -> None:
    """Imports follow each other, so that none waits for another's rows; readers never wait."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE source_facts IN SHARE ROW EXCLUSIVE MODE"))

"""Imports a CSV file into the embedded national register: all of the file or nothing.

Rows are staged in batches, each in a short transaction, and moved into the register by one at the
end: the register changes in one moment, and nobody waits for a long file to be read. A file adds
citizens and replaces what was known of them; nobody leaves the register by being left out (the dead
are marked as deceased). Persons who enrolled already are refreshed in the same transaction.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Select, Table, delete, insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from authn.audit.events.service import RegisterImported
from authn.audit.log import record
from authn.db.engine import Database
from authn.db.occasion import NO_REFERENCE
from authn.db.transaction import writing
from authn.people.persons import find_persons_by_ssin_hash, refresh_person
from authn.people.ssin import today_in_brussels
from authn.secrets import Secrets, national_number_hash
from authn.sources.embedded.register import LONGEST_CHAIN, EmbeddedRegister, encrypt_ssin
from authn.sources.embedded.register_csv import (
    InvalidRegisterRow,
    RegisterLines,
    RegisterRow,
    read_rows,
)
from authn.sources.tables import register_citizens, register_replacements, register_staged_rows

BATCH = 1000
HASHES_PER_QUERY = 500
ABANDONED_AFTER = timedelta(days=1)

Progress = Callable[[int], None]
"""Called with the number of bytes of the file that are staged."""


@dataclass(frozen=True, slots=True)
class RegisterImportReport:
    """The result of an import: `rows` imported, and enrolled persons who were `refreshed`."""

    rows: int
    refreshed: int


def import_register_file(
    database: Database,
    secrets: Secrets,
    path: Path,
    now: datetime,
    progress: Progress = lambda _: None,
) -> RegisterImportReport:
    """The embedded register holds the rows of the file; nothing changes where a row is invalid.

    Opens its own transactions. Raises `InvalidRegisterRow`, and `OSError` when the file cannot be
    read.
    """
    import_id = uuid4()
    try:
        with path.open("rb") as file:
            rows = _stage(database, secrets, import_id, RegisterLines(file), now, progress)
        with writing(database) as connection:
            _swap_in(connection, import_id)
            refreshed = _refresh_persons(connection, secrets, import_id, now)
            _clear_staging(connection, import_id, now)
            record(connection, secrets, RegisterImported(rows=rows), now, NO_REFERENCE)
    except BaseException:
        with writing(database) as connection:
            _clear_staging(connection, import_id, now)
        raise
    return RegisterImportReport(rows, refreshed)


def _stage(
    database: Database,
    secrets: Secrets,
    import_id: UUID,
    lines: RegisterLines,
    now: datetime,
    progress: Progress,
) -> int:
    seen = _SeenRows()
    rows = (seen.require_new(row) for row in read_rows(lines, today_in_brussels(now)))
    staged = 0
    while batch := [_staged_row(secrets, row) for row in islice(rows, BATCH)]:
        common = {"import_id": import_id, "staged_at": now}
        with writing(database) as connection:
            connection.execute(insert(register_staged_rows), [row | common for row in batch])
        staged += len(batch)
        progress(lines.bytes_read)
    if not staged:
        raise InvalidRegisterRow(1, "there is no row after the header")
    return staged


@dataclass(frozen=True, slots=True)
class _SeenRows:
    """On which line each number, and each replaced number, was seen."""

    present: dict[str, int] = field(default_factory=dict)
    replaced: dict[str, int] = field(default_factory=dict)

    def require_new(self, row: RegisterRow) -> RegisterRow:
        """The row, if no earlier line has its national number; else raises `InvalidRegisterRow`."""
        first = self.present.setdefault(row.ssin, row.line)
        if first != row.line:
            raise InvalidRegisterRow(row.line, f"its number is on line {first} already")
        if row.replaces:
            first = self.replaced.setdefault(row.replaces, row.line)
            if first != row.line:
                raise InvalidRegisterRow(
                    row.line, f"what it replaces is replaced on line {first} already"
                )
        return row


def _staged_row(secrets: Secrets, row: RegisterRow) -> dict[str, Any]:
    ssin_hash = national_number_hash(secrets, row.ssin)
    replaces_hash = national_number_hash(secrets, row.replaces) if row.replaces else None
    return {
        "line": row.line,
        "ssin_hash": ssin_hash,
        "ssin_encrypted": encrypt_ssin(secrets, row.ssin, ssin_hash),
        "given_name": row.given_name,
        "family_name": row.family_name,
        "birthdate": row.birthdate,
        "language": row.language,
        "deceased": row.deceased,
        "cancelled": row.cancelled,
        "replaces_hash": replaces_hash,
        "replaces_encrypted": (
            encrypt_ssin(secrets, row.replaces, replaces_hash)
            if row.replaces and replaces_hash
            else None
        ),
    }


def _swap_in(connection: Connection, import_id: UUID) -> None:
    staged = register_staged_rows.c
    columns = [staged[column.name] for column in register_citizens.c]
    rows = select(*columns).where(staged.import_id == import_id).order_by(staged.ssin_hash)
    _insert_or_replace(connection, register_citizens, rows)
    replacements = (
        select(staged.replaces_hash, staged.replaces_encrypted, staged.ssin_hash)
        .where(staged.import_id == import_id, staged.replaces_hash.is_not(None))
        .order_by(staged.replaces_hash)
    )
    _insert_or_replace(connection, register_replacements, replacements)
    _refuse_circles(connection, import_id)


def _insert_or_replace(
    connection: Connection, table: Table, rows: Select[*tuple[Any, ...]]
) -> None:
    """The rows are in the table. All imports write in one order, so that two never deadlock."""
    dialect_insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    names = [column.name for column in table.c]
    statement = dialect_insert(table).from_select(names, rows)
    key = [column.name for column in table.primary_key]
    changes = {name: statement.excluded[name] for name in names if name not in key}
    connection.execute(statement.on_conflict_do_update(index_elements=key, set_=changes))


def _refuse_circles(connection: Connection, import_id: UUID) -> None:
    """Every number in the file leads to a number that nothing replaced."""
    staged = register_staged_rows.c
    new = connection.execute(
        select(staged.line, staged.replaces_hash, staged.ssin_hash)
        .where(staged.import_id == import_id, staged.replaces_hash.is_not(None))
        .order_by(staged.line)
    ).all()
    if not new:
        return
    edges = connection.execute(select(register_replacements)).all()
    successor: dict[str, str] = {edge.ssin_hash: edge.replaced_by_hash for edge in edges}
    for line, _, present in new:
        for _ in range(LONGEST_CHAIN):
            if present not in successor:
                break
            present = successor[present]
        else:
            raise InvalidRegisterRow(line, "the numbers replace one another in a circle")


def _refresh_persons(
    connection: Connection, secrets: Secrets, import_id: UUID, now: datetime
) -> int:
    """Persons who enrolled before are as the register says now; how many there are."""
    register = EmbeddedRegister(connection, secrets)
    refreshed: set[UUID] = set()
    for hashes in _batches_of_hashes(connection, import_id):
        for ssin_hash, person in find_persons_by_ssin_hash(connection, hashes).items():
            citizen = register.entry_by_hash(ssin_hash)
            if citizen is None or person.id in refreshed:
                continue
            refresh_person(connection, secrets, person, citizen, now)
            refreshed.add(person.id)
    return len(refreshed)


def _batches_of_hashes(connection: Connection, import_id: UUID) -> Iterator[list[str]]:
    staged = register_staged_rows.c
    rows = connection.execute(
        select(staged.ssin_hash, staged.replaces_hash)
        .where(staged.import_id == import_id)
        .order_by(staged.ssin_hash)
    ).all()
    hashes = iter([each for row in rows for each in row if each])
    while batch := list(islice(hashes, HASHES_PER_QUERY)):
        yield batch


def _clear_staging(connection: Connection, import_id: UUID, now: datetime) -> None:
    """No staged rows are left of this import, nor of an import that was killed long ago."""
    staged = register_staged_rows.c
    connection.execute(
        delete(register_staged_rows).where(
            or_(staged.import_id == import_id, staged.staged_at < now - ABANDONED_AFTER)
        )
    )

"""What is encrypted in the tables is written anew under the present master key.

In batches, in the order of the primary key, while the service runs: a value is replaced only where
it still is the one that was read. Whatever stops it, it goes on where it was when it runs again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    LargeBinary,
    Row,
    Table,
    and_,
    bindparam,
    func,
    select,
    tuple_,
    update,
)

from authn.db.engine import Database
from authn.db.transaction import reading, writing
from authn.secrets import MARK_BYTES, Secrets, decrypt, encrypt, master_key_mark

BATCH = 500


@dataclass(frozen=True, slots=True)
class EncryptedColumn:
    """A column of ciphertexts, and what each of them is bound to: the `context` of `encrypt`."""

    column: Column[bytes]
    context: Callable[[Any], str]


def count_old_values(connection: Connection, secrets: Secrets, encrypted: EncryptedColumn) -> int:
    """How many values of this column are not under the present master key."""
    statement = select(func.count()).select_from(encrypted.column.table)
    return connection.execute(statement.where(_is_old(secrets, encrypted.column))).scalar_one()


def reencrypt(
    database: Database,
    secrets: Secrets,
    encrypted: EncryptedColumn,
    progress: Callable[[int], None],
) -> None:
    """Encrypt anew, under the present master key, each value under the other one.

    `progress` is told how many of each batch. A value that is written at the same moment by a
    process that knows the former key alone stays behind: `count_old_values` finds it. Raises
    `CommandError` when a value is under neither key.
    """
    table, column = encrypted.column.table, encrypted.column
    assert isinstance(table, Table)
    where = [key == bindparam(f"of_{key.name}") for key in table.primary_key.columns]
    statement = (
        update(table)
        .where(*where, column == bindparam("before"))
        .values({column: bindparam("afterwards")})
    )
    for rows in _batches(database, secrets, encrypted):
        changes = [_change(secrets, encrypted, row) for row in rows]
        with writing(database) as connection:
            connection.execute(statement, changes)
        progress(len(changes))


def _change(secrets: Secrets, encrypted: EncryptedColumn, row: Row[Any]) -> dict[str, object]:
    """The parameters of the UPDATE of one row."""
    context, before = encrypted.context(row), row._mapping[encrypted.column]
    afterwards = encrypt(secrets, decrypt(secrets, before, context), context)
    keys = {f"of_{key.name}": row._mapping[key] for key in encrypted.column.table.primary_key}
    return {**keys, "before": before, "afterwards": afterwards}


def _batches(
    database: Database, secrets: Secrets, encrypted: EncryptedColumn
) -> Iterator[list[Row[Any]]]:
    """The rows with an old value, each once, in the order of their keys."""
    keys = list(encrypted.column.table.primary_key)
    statement = (
        select(encrypted.column.table)
        .where(_is_old(secrets, encrypted.column))
        .order_by(*keys)
        .limit(BATCH)
    )
    page = statement
    while True:
        with reading(database) as connection:
            rows = list(connection.execute(page))
        if not rows:
            return
        yield rows
        last = [bindparam(None, rows[-1]._mapping[key], type_=key.type) for key in keys]
        page = statement.where(tuple_(*keys) > tuple_(*last))


def _is_old(secrets: Secrets, column: Column[bytes]) -> ColumnElement[bool]:
    """Whether there is a value, and it begins with another mark than ours."""
    mark = bindparam(None, master_key_mark(secrets.master_key), type_=LargeBinary)
    begin = func.substr(column, 1, MARK_BYTES, type_=LargeBinary)
    return and_(func.length(column) > 0, begin != mark)

"""Single use as one SQL statement: zero rows is the refusal.

Two parallel tries give exactly one success, on SQLite and on PostgreSQL. An `IntegrityError` is
never caught to find out who was first: on PostgreSQL that would lose every earlier write.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from authn.db.transaction import must_write


def insert_once(connection: Connection, table: Table, values: dict[str, Any]) -> bool:
    """Whether the row was inserted now; False when one with the same unique values exists.

    Raises `NeedsToWrite` in a transaction that only reads.
    """
    must_write(connection)
    statement = _inserted_or_not(table, connection.dialect.name)
    return connection.execute(statement, values).rowcount == 1


def insert_missing(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Each row is there, or another one with the same unique values; raises as `insert_once`."""
    must_write(connection)
    connection.execute(_inserted_or_not(table, connection.dialect.name), rows)


@cache  # putting a statement together costs more than executing it
def _inserted_or_not(table: Table, dialect: str) -> Any:
    """`INSERT … ON CONFLICT DO NOTHING`, in the engine's dialect."""
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    # Of an INSERT SQLAlchemy keeps no count unless it is asked to.
    return insert(table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)

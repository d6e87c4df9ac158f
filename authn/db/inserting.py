"""Inserting rows at the least cost: the statement, and how values are bound, worked out once.

Why: for a row that each request inserts, SQLAlchemy's own way takes longer than the driver's; and
on PostgreSQL it asks for the new primary key, and reads an answer that nobody wants. Here the
statement is compiled once for each engine and goes to the driver as text, its values bound by the
columns' own types. Whoever listens to statements hears of it as of any other.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg

from authn.db.transaction import must_write


@dataclass(frozen=True, slots=True)
class _Insert:
    """The statement for a driver, and of each of its parameters the column and what binds it."""

    statement: str
    parameters: tuple[tuple[str, Callable[[Any], Any] | None], ...]

    def bound(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """A row's values, as the driver takes them."""
        bound = [
            values[name] if bind is None else bind(values[name]) for name, bind in self.parameters
        ]
        return tuple(bound)


def insert_row(connection: Connection, table: Table, values: Mapping[str, Any]) -> None:
    """Insert a row; a column that is not named has the database's default, or none.

    Raises `NeedsToWrite` in a transaction that only reads.
    """
    must_write(connection)
    insert = _insert(table, tuple(values), connection.dialect.name)
    connection.exec_driver_sql(insert.statement, insert.bound(values))


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert several rows in one statement; no statement where there are none.

    Raises `ValueError` unless all have the same columns: the statement is made for the first one's,
    and another one's would be lost.
    """
    must_write(connection)
    if not rows:
        return
    if any(values.keys() != rows[0].keys() for values in rows):
        raise ValueError("rows of different columns")
    insert = _insert(table, tuple(rows[0]), connection.dialect.name)
    connection.exec_driver_sql(insert.statement, [insert.bound(values) for values in rows])


@cache
def _insert(table: Table, names: tuple[str, ...], engine: str) -> _Insert:
    dialect: Dialect = (
        psycopg.dialect(paramstyle="format")  # type: ignore[no-untyped-call]
        if engine == "postgresql"
        else sqlite.dialect()
    )
    compiled = table.insert().inline().compile(dialect=dialect, column_keys=names)
    order: list[str] = compiled.positiontup  # type: ignore[assignment]
    binds = (table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in order)
    return _Insert(str(compiled), tuple(zip(order, binds, strict=True)))

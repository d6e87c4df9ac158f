"""Single use as one SQL statement: zero rows is the refusal.

Two parallel tries give exactly one success, on SQLite and on PostgreSQL. An `IntegrityError` is
never caught to find out who was first: on PostgreSQL that would lose every earlier write.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Column, Connection, Table, delete
from sqlalchemy.dialects import postgresql, sqlite

from authn.db.metadata import UtcDateTime, metadata, token_hash_type
from authn.db.transaction import must_write
from authn.secrets import token_hash

# Hashes of tokens that were used and are remembered until they would expire.
spent_tokens = Table(
    "spent_tokens",
    metadata,
    Column("token_hash", token_hash_type(), primary_key=True),
    Column("expires_at", UtcDateTime, nullable=False),
    sqlite_with_rowid=False,
)


def insert_once(connection: Connection, table: Table, values: dict[str, Any]) -> bool:
    """Insert the row; False when one with the same unique values exists.

    Raises `NeedsToWrite` in a transaction that only reads.
    """
    must_write(connection)
    statement = _inserted_or_not(table, connection.dialect.name)
    return connection.execute(statement, values).rowcount == 1


def insert_missing(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert the rows whose unique values no row has yet; raises as `insert_once`."""
    must_write(connection)
    connection.execute(_inserted_or_not(table, connection.dialect.name), rows)


@cache  # putting a statement together costs more than executing it
def _inserted_or_not(table: Table, dialect: str) -> Any:
    """`INSERT … ON CONFLICT DO NOTHING`, in the engine's dialect."""
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    # Of an INSERT SQLAlchemy keeps no count unless it is asked to.
    return insert(table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)


def spend(connection: Connection, token: str, expires_at: datetime) -> bool:
    """Spend a signed token; False when it was spent before.

    `expires_at` is when the token itself is worth nothing any more: until then it is remembered.
    """
    row = {"token_hash": token_hash(token), "expires_at": expires_at}
    return insert_once(connection, spent_tokens, row)


def forget_spent_tokens(connection: Connection, now: datetime) -> int:
    """Delete the spent tokens that have expired; how many."""
    statement = delete(spent_tokens).where(spent_tokens.c.expires_at < now)
    return connection.execute(statement).rowcount

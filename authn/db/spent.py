"""Signed tokens that count once: a mail's link, a proof of identity. Spent in one statement."""

from datetime import datetime

from sqlalchemy import Column, Connection, Table, delete

from authn.db.metadata import UtcDateTime, metadata, token_hash_type
from authn.db.once import insert_once
from authn.secrets import token_hash

spent_tokens = Table(
    "spent_tokens",
    metadata,
    Column("token_hash", token_hash_type(), primary_key=True),
    Column("expires_at", UtcDateTime, nullable=False),
    sqlite_with_rowid=False,
)


def spend(connection: Connection, token: str, expires_at: datetime) -> bool:
    """Whether the token is spent by this transaction; False when it was spent before.

    `expires_at` is when the token itself is worth nothing any more: until then it is remembered.
    """
    row = {"token_hash": token_hash(token), "expires_at": expires_at}
    return insert_once(connection, spent_tokens, row)


def forget_spent_tokens(connection: Connection, now: datetime) -> int:
    """How many were forgotten: those that have expired."""
    statement = delete(spent_tokens).where(spent_tokens.c.expires_at < now)
    return connection.execute(statement).rowcount

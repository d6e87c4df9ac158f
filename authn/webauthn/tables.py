"""Challenges that were used. One that was not is stored nowhere: it is in its ceremony token."""

from sqlalchemy import Column, Table

from authn.db.metadata import Instant, metadata, token_hash_type

burnt_challenges = Table(
    "burnt_challenges",
    metadata,
    Column("challenge_hash", token_hash_type(), primary_key=True),
    Column("expires_at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

"""Sessions."""

from sqlalchemy import Column, ForeignKey, String, Table, Uuid

from authn.db.metadata import Instant, metadata, token_hash_type

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("installation_id", ForeignKey("installations.id"), nullable=False, index=True),
    Column("token_hash", token_hash_type(), nullable=False, unique=True),
    Column("level", String(9), nullable=False),
    Column("auth_time", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
    Column("ended_at", Instant),
    # The authorization request that the assertion's challenge named (protocol 4.7), and the one for
    # which the person has chosen this account.
    Column("answered_request", String(64)),
    Column("selected_request", String(64)),
    sqlite_with_rowid=False,
)

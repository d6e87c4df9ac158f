"""The table `sessions`."""

from sqlalchemy import Column, ForeignKey, Index, String, Table, Uuid, and_

from authn.db.metadata import UtcDateTime, metadata, token_hash_type

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("installation_id", ForeignKey("installations.id"), nullable=False),
    Column("token_hash", token_hash_type(), nullable=False, unique=True),
    Column("level", String(9), nullable=False),
    Column("auth_time", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    # The authorization request that the assertion's challenge named (decisions 4.7), and the
    # request for which the person has chosen this account.
    Column("answered_request", String(64)),
    Column("selected_request", String(64)),
    # Since when it is sure that the applications which were given something in it hear of its end.
    Column("end_told_at", UtcDateTime),
    sqlite_with_rowid=False,
)
# For the session of an installation that a login goes on with: one at most, among all that ended.
Index(
    None,
    sessions.c.installation_id,
    sessions.c.auth_time,
    sqlite_where=sessions.c.ended_at.is_(None),
    postgresql_where=sessions.c.ended_at.is_(None),
)
# For what has ended and is not told yet: nearly nothing, whatever there was.
Index(
    "ix_sessions_end_told_at",
    sessions.c.end_told_at,
    sqlite_where=and_(sessions.c.ended_at.is_not(None), sessions.c.end_told_at.is_(None)),
    postgresql_where=and_(sessions.c.ended_at.is_not(None), sessions.c.end_told_at.is_(None)),
)

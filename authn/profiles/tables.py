"""The table `profiles`: each capacity of a person but that of citizen, by its source's last answer.

A profile that has ended never comes back: the same mandate, given anew, is another profile. So no
consent or grant in the ended profile becomes valid again.
"""

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, String, Table, Uuid, and_

from authn.db.metadata import UtcDateTime, metadata

profiles = Table(
    "profiles",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("person_id", Uuid, ForeignKey("persons.id"), nullable=False, index=True),
    Column("kind", String(20), nullable=False),
    # The question (`sources.questions`) whose answer it is of.
    Column("question", String(20), nullable=False),
    # What makes it this profile of the person and no other: a keyed hash of the fact's own key.
    Column("key_hash", String(80), nullable=False),
    # The fact itself, as JSON.
    Column("fact_encrypted", LargeBinary, nullable=False),
    # For whom one acts, where that is a person: a row of `persons`, made when it is first needed.
    Column("represented_id", Uuid, ForeignKey("persons.id"), index=True),
    # When it ends by itself; none where the source names no end.
    Column("valid_to", UtcDateTime),
    # When its source last answered, and is to be asked again, is in `source_answers`.
    Column("known_since", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    # Since when its holder and the applications have been told that it ended.
    Column("end_told_at", UtcDateTime),
    sqlite_with_rowid=False,
)
_LIVE = profiles.c.ended_at.is_(None)
_UNTOLD = and_(profiles.c.ended_at.is_not(None), profiles.c.end_told_at.is_(None))
Index(
    "uq_profiles_live",
    profiles.c.person_id,
    profiles.c.kind,
    profiles.c.key_hash,
    unique=True,
    sqlite_where=_LIVE,
    postgresql_where=_LIVE,
)
Index("ix_profiles_valid_to", profiles.c.valid_to, sqlite_where=_LIVE, postgresql_where=_LIVE)
Index(
    "ix_profiles_end_told_at",
    profiles.c.end_told_at,
    sqlite_where=_UNTOLD,
    postgresql_where=_UNTOLD,
)

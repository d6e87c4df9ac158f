"""Two tables: burnt challenges, and the operator's copies of the FIDO metadata.

A challenge that was not answered is stored nowhere: only the ceremony token has it.
"""

from sqlalchemy import Column, Integer, LargeBinary, String, Table

from authn.db.metadata import UtcDateTime, metadata, token_hash_type

burnt_challenges = Table(
    "burnt_challenges",
    metadata,
    Column("challenge_hash", token_hash_type(), primary_key=True),
    Column("expires_at", UtcDateTime, nullable=False),
    sqlite_with_rowid=False,
)

# One row for each BLOB that an operator took over (FIDO Metadata Service v3.1 §3.1.7): its JWT,
# compressed. The highest number is the one in force.
fido_metadata = Table(
    "fido_metadata",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("next_update", String(10), nullable=False),
    Column("blob_compressed", LargeBinary, nullable=False),
    Column("imported_at", UtcDateTime, nullable=False),
)

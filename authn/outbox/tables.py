"""What must be told to others once the act has committed."""

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table, Uuid

from authn.db.metadata import UtcDateTime, metadata

LONGEST_ERROR = 200
LONGEST_DESTINATION = 100

# The payload is encrypted: it holds addresses and links.
outbox = Table(
    "outbox",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("state", String(8), nullable=False),
    Column("payload_encrypted", LargeBinary, nullable=False),
    Column("person_id", Uuid),
    Column("created_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("last_error", String(LONGEST_ERROR)),
    Column("done_at", UtcDateTime),
    # Whose it is to take it, where a kind has several: they do not wait for one another.
    Column("destination", String(LONGEST_DESTINATION)),
    Index(None, "state", "kind", "due_at"),
)

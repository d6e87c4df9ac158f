"""Where a person can be reached."""

from sqlalchemy import Column, ForeignKey, LargeBinary, String, Table, Uuid

from authn.db.metadata import UtcDateTime, metadata

# An address is in use from its confirmation until it is removed; the code of a link that confirms
# it is kept as a hash.
contact_addresses = Table(
    "contact_addresses",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("person_id", Uuid, ForeignKey("persons.id"), nullable=False, index=True),
    Column("address_encrypted", LargeBinary, nullable=False),
    Column("confirmation_hash", String(64), unique=True),
    Column("added_at", UtcDateTime, nullable=False),
    Column("confirmed_at", UtcDateTime),
    Column("removed_at", UtcDateTime),
    # Keyed, to find whose it is; none where the row is older than the column (`hash_addresses`).
    Column("address_hash", String(80), index=True),
)

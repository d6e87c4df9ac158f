"""Identities of upstreams that come without a Belgian number, and whom they lead to."""

from sqlalchemy import Boolean, Column, ForeignKey, LargeBinary, String, Table, Uuid, false

from authn.db.metadata import UtcDateTime, metadata, token_hash_type

# Foreign identities that no number is known of yet, until a registrar has matched them.
unmatched_identities = Table(
    "unmatched_identities",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("upstream", String(100), nullable=False),
    # A keyed hash of issuer and subject: the same person again is the same row.
    Column("identity_hash", token_hash_type(), nullable=False, unique=True),
    # What the identity says of its holder, as JSON.
    Column("claims_encrypted", LargeBinary, nullable=False),
    Column("arrived_at", UtcDateTime, nullable=False),
    Column("matched_at", UtcDateTime),
    Column("person_id", Uuid, ForeignKey("persons.id")),
    # Whether a second member of staff agreed to the match, which one alone does not outlive.
    Column("matched_by_two", Boolean, nullable=False, server_default=false()),
    sqlite_with_rowid=False,
)

"""The signing keys as they are stored: private halves encrypted under the master key."""

from sqlalchemy import Column, Index, LargeBinary, String, Table

from authn.db.metadata import Instant, metadata

ACTIVE = "active"

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", String(64), primary_key=True),
    Column("alg", String(10), nullable=False),
    # `active` signs and verifies; any other key only verifies what it signed before.
    Column("state", String(10), nullable=False),
    Column("private_jwk_encrypted", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
)

# Two processes that start at once agree on one key: the second INSERT does nothing.
Index(
    "uq_signing_keys_active",
    signing_keys.c.alg,
    unique=True,
    sqlite_where=signing_keys.c.state == ACTIVE,
    postgresql_where=signing_keys.c.state == ACTIVE,
)

"""Our own keys as they are stored: encrypted under the master key, and so sealed as well."""

from sqlalchemy import Column, Index, LargeBinary, String, Table

from authn.db.metadata import UtcDateTime, metadata

NEXT = "next"
ACTIVE = "active"
RETIRED = "retired"
WITHDRAWN = "withdrawn"
KEPT = "kept"

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", String(64), primary_key=True),
    # What is signed with it, or how others encrypt to it.
    Column("alg", String(20), nullable=False),
    # `next` is published and signs nothing yet; `active` signs and verifies; `retired` verifies
    # what it signed before; `withdrawn` was given away or guessed: nothing of it is believed;
    # `kept` verifies nothing any more but what it signed of the audit log.
    Column("state", String(10), nullable=False),
    # The private JWK; only the public one once nothing lives any more that was signed with it.
    # Encrypted all the same: who can write to this table can't make us believe a key of theirs.
    Column("jwk_encrypted", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("activated_at", UtcDateTime),
    Column("retired_at", UtcDateTime),
)

# Two processes that start, or rotate, at once agree on one key: the second INSERT does nothing.
for _state in (ACTIVE, NEXT):
    Index(
        f"uq_signing_keys_{_state}",
        signing_keys.c.alg,
        unique=True,
        sqlite_where=signing_keys.c.state == _state,
        postgresql_where=signing_keys.c.state == _state,
    )

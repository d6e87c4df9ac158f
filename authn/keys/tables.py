"""The signing keys as they are stored: private halves encrypted under the master key."""

from sqlalchemy import JSON, Column, Index, LargeBinary, String, Table

from authn.db.metadata import Instant, metadata

NEXT = "next"
ACTIVE = "active"
RETIRED = "retired"
WITHDRAWN = "withdrawn"

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", String(64), primary_key=True),
    Column("alg", String(10), nullable=False),
    # `next` is published and signs nothing yet; `active` signs and verifies; `retired` verifies
    # what it signed before; `withdrawn` was given away or guessed: nothing of it is believed.
    Column("state", String(10), nullable=False),
    # Gone once nothing is signed with it any more; the public half stays for `id_token_hint`.
    Column("private_jwk_encrypted", LargeBinary),
    Column("public_jwk", JSON),
    Column("created_at", Instant, nullable=False),
    Column("activated_at", Instant),
    Column("retired_at", Instant),
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

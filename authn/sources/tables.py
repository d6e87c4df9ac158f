"""The embedded twin of the national register, and where an import waits until it is complete."""

from sqlalchemy import Boolean, Column, Integer, LargeBinary, String, Table, Uuid

from authn.db.metadata import Instant, metadata
from authn.people.tables import LONGEST_NAME

register_citizens = Table(
    "register_citizens",
    metadata,
    Column("ssin_hash", String(80), primary_key=True),
    Column("ssin_encrypted", LargeBinary, nullable=False),
    Column("given_name", String(LONGEST_NAME), nullable=False),
    Column("family_name", String(LONGEST_NAME), nullable=False),
    Column("birthdate", String(10)),
    Column("language", String(2), nullable=False),
    Column("deceased", Boolean, nullable=False),
)

# A number, and the one that replaced it: followed until there is no further one.
register_replacements = Table(
    "register_replacements",
    metadata,
    Column("ssin_hash", String(80), primary_key=True),
    Column("ssin_encrypted", LargeBinary, nullable=False),
    Column("replaced_by_hash", String(80), nullable=False, index=True),
)

# Rows of a file that is being read; nothing else looks at them.
register_staged_rows = Table(
    "register_staged_rows",
    metadata,
    Column("import_id", Uuid, primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("staged_at", Instant, nullable=False),
    Column("ssin_hash", String(80), nullable=False),
    Column("ssin_encrypted", LargeBinary, nullable=False),
    Column("given_name", String(LONGEST_NAME), nullable=False),
    Column("family_name", String(LONGEST_NAME), nullable=False),
    Column("birthdate", String(10)),
    Column("language", String(2), nullable=False),
    Column("deceased", Boolean, nullable=False),
    Column("replaces_hash", String(80)),
    Column("replaces_encrypted", LargeBinary),
)

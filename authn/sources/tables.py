"""The tables of embedded twins, of imports that are not complete, and of answers by source."""

from sqlalchemy import Boolean, Column, ForeignKey, Integer, LargeBinary, String, Table, Uuid

from authn.db.metadata import UtcDateTime, metadata
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
    # The number was given out in error, and nothing took its place.
    Column("cancelled", Boolean, nullable=False),
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
    Column("staged_at", UtcDateTime, nullable=False),
    Column("ssin_hash", String(80), nullable=False),
    Column("ssin_encrypted", LargeBinary, nullable=False),
    Column("given_name", String(LONGEST_NAME), nullable=False),
    Column("family_name", String(LONGEST_NAME), nullable=False),
    Column("birthdate", String(10)),
    Column("language", String(2), nullable=False),
    Column("deceased", Boolean, nullable=False),
    Column("cancelled", Boolean, nullable=False),
    Column("replaces_hash", String(80)),
    Column("replaces_encrypted", LargeBinary),
)

# The embedded twins of the other sources: what each question is answered with, by the keyed hash of
# whom it is about (a person's number, an organisation's).
source_facts = Table(
    "source_facts",
    metadata,
    Column("question", String(20), primary_key=True),
    Column("subject_hash", String(80), primary_key=True),
    # What makes it this fact and no other: a keyed hash of its own key.
    Column("key_hash", String(80), primary_key=True),
    Column("fact_encrypted", LargeBinary, nullable=False),
    Column("imported_at", UtcDateTime, nullable=False),
    sqlite_with_rowid=False,
)

# Facts of a file that is being read; nothing else looks at them.
source_staged_facts = Table(
    "source_staged_facts",
    metadata,
    Column("import_id", Uuid, primary_key=True),
    Column("question", String(20), primary_key=True),
    Column("subject_hash", String(80), primary_key=True),
    Column("key_hash", String(80), primary_key=True),
    Column("fact_encrypted", LargeBinary, nullable=False),
    Column("imported_at", UtcDateTime, nullable=False),
    sqlite_with_rowid=False,
)

# When each question about a person was last answered, when it is due to be asked again, and since
# when asking has failed. What was answered, `profiles` keeps.
source_answers = Table(
    "source_answers",
    metadata,
    Column("person_id", Uuid, ForeignKey("persons.id"), primary_key=True),
    Column("question", String(20), primary_key=True),
    Column("answered_at", UtcDateTime),
    Column("due_at", UtcDateTime, nullable=False),
    Column("failed_at", UtcDateTime),
    sqlite_with_rowid=False,
)

"""The tables of persons, of their national numbers and of their pairwise subjects."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    Uuid,
    and_,
)

from authn.db.metadata import UtcDateTime, metadata

USER_HANDLE_BYTES = 32
LONGEST_NAME = 200
LONGEST_KEY_PART = 100
# Three orders of two names, each behind its bar (`persons.name_key`).
LONGEST_KEY = 6 * LONGEST_KEY_PART + 3

persons = Table(
    "persons",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_handle", LargeBinary(USER_HANDLE_BYTES), nullable=False, unique=True),
    Column("given_name", String(LONGEST_NAME), nullable=False),
    Column("family_name", String(LONGEST_NAME), nullable=False),
    Column("birthdate", String(10)),
    Column("language", String(2), nullable=False),
    Column("deceased", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("checked_at", UtcDateTime, nullable=False),
    # As in `sessions`: since when it is told that what a deceased person had opened has ended.
    Column("end_told_at", UtcDateTime),
    # The person into whom this person was merged; of the merged one the subjects alone are left.
    Column("merged_into", Uuid, ForeignKey("persons.id")),
    # The name as the help desk looks for it (`people.persons.name_key`).
    Column("name_key", String(LONGEST_KEY)),
    Index(None, "birthdate", "name_key"),
)
Index(
    "ix_persons_end_told_at",
    persons.c.end_told_at,
    sqlite_where=and_(persons.c.deceased.is_(True), persons.c.end_told_at.is_(None)),
    postgresql_where=and_(persons.c.deceased.is_(True), persons.c.end_told_at.is_(None)),
)
_MERGED = persons.c.merged_into.is_not(None)
Index(
    "ix_persons_merged_into",
    persons.c.merged_into,
    sqlite_where=_MERGED,
    postgresql_where=_MERGED,
)

# The history of a person's numbers. The number without `valid_to` is the present number.
person_ssins = Table(
    "person_ssins",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("person_id", ForeignKey("persons.id"), nullable=False, index=True),
    Column("ssin_hash", String(80), nullable=False, unique=True),
    Column("ssin_encrypted", LargeBinary, nullable=False),
    Column("valid_from", UtcDateTime, nullable=False),
    Column("valid_to", UtcDateTime),
    Column("replaced_by", ForeignKey("person_ssins.id")),
)

# The pairwise subjects by which applications know a person (decisions 1.3).
subjects = Table(
    "subjects",
    metadata,
    Column("person_id", ForeignKey("persons.id"), primary_key=True),
    Column("sector", String(255), primary_key=True),
    Column("sub", String(64), nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Person:
    """A row of `persons`: a citizen, under an id that means nothing elsewhere.

    `user_handle` is WebAuthn's `user.id` for new credentials. `checked_at` is when the national
    register last answered. A deceased person can't sign in, nor get or use an activation code.
    """

    id: UUID
    user_handle: bytes
    given_name: str
    family_name: str
    birthdate: str | None
    language: str
    deceased: bool
    created_at: datetime
    checked_at: datetime
    end_told_at: datetime | None = None
    merged_into: UUID | None = None
    name_key: str | None = None

    @property
    def full_name(self) -> str:
        """Given and family name; some people have only the latter."""
        return f"{self.given_name} {self.family_name}".strip()

"""Members of staff: a row for each role of a person at a desk, never deleted."""

from sqlalchemy import Column, ForeignKey, Index, String, Table, Uuid

from authn.db.metadata import UtcDateTime, metadata

LONGEST_DESK = 60

staff = Table(
    "staff",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("person_id", Uuid, ForeignKey("persons.id"), nullable=False, index=True),
    Column("role", String(10), nullable=False),
    # The name of the place of work: nobody acts alone on a colleague of their own desk.
    Column("desk", String(LONGEST_DESK), nullable=False),
    # By whom of the staff; none on the command line.
    Column("appointed_by", Uuid, ForeignKey("persons.id")),
    Column("appointed_at", UtcDateTime, nullable=False),
    Column("ended_by", Uuid, ForeignKey("persons.id")),
    Column("ended_at", UtcDateTime),
    sqlite_with_rowid=False,
)
_LIVE = staff.c.ended_at.is_(None)
Index(
    "uq_staff_live",
    staff.c.person_id,
    staff.c.role,
    unique=True,
    sqlite_where=_LIVE,
    postgresql_where=_LIVE,
)
# One row at most: the first operator is appointed once.
staff_beginning = Table(
    "staff_beginning",
    metadata,
    Column("what", String(20), primary_key=True),
    Column("person_id", Uuid, ForeignKey("persons.id"), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    sqlite_with_rowid=False,
)

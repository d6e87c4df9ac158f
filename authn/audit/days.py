"""Days of the chain that are over: how many rows each has, and its last link.

A day's head is signed and exported (`keys.audit_days`): then whoever has even the audit key can't
write that day anew. Rows are deleted only of days that are signed and archived; triggers in the
database refuse anything else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    String,
    Table,
    Text,
    bindparam,
    func,
    select,
    update,
)

from authn.audit.chain import audit_chain
from authn.db.metadata import UtcDateTime, metadata
from authn.db.once import insert_once

audit_days = Table(
    "audit_days",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("first_sequence", BigInteger, nullable=False),
    Column("last_sequence", BigInteger, nullable=False),
    Column("head", String(80), nullable=False),
    # The four above, as a JWS of ours.
    Column("signed", Text, nullable=False),
    Column("signed_at", UtcDateTime, nullable=False),
    Column("exported_at", UtcDateTime),
    # Since when its rows are in a file, and may be deleted here.
    Column("archived_at", UtcDateTime),
    # Which file that is, as a JWS of ours; the database lets no day be archived without it.
    Column("archive_signed", Text),
    sqlite_with_rowid=False,
)

_OVER = (
    select(
        audit_chain.c.day,
        func.min(audit_chain.c.sequence),
        func.max(audit_chain.c.sequence),
    )
    .where(
        audit_chain.c.day < bindparam("today"),
        audit_chain.c.day.not_in(select(audit_days.c.day)),
    )
    .group_by(audit_chain.c.day)
    .order_by(audit_chain.c.day)
)
_LINK = select(audit_chain.c.link).where(audit_chain.c.sequence == bindparam("sequence"))


@dataclass(frozen=True, slots=True)
class AuditDay:
    """A day (UTC) of the chain, from one number to another; `head` is its last link."""

    day: str
    first_sequence: int
    last_sequence: int
    head: str

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return self.last_sequence - self.first_sequence + 1

    @property
    def claims(self) -> Mapping[str, Any]:
        """What is signed of it."""
        return {
            "day": self.day,
            "first_sequence": self.first_sequence,
            "last_sequence": self.last_sequence,
            "head": self.head,
        }


@dataclass(frozen=True, slots=True)
class SignedDay:
    """A day, and the JWS of its claims."""

    day: AuditDay
    signed: str
    signed_at: datetime
    exported_at: datetime | None
    archived_at: datetime | None
    archive_signed: str | None


def days_to_sign(connection: Connection, now: datetime) -> list[AuditDay]:
    """The days that are over and not signed yet, the oldest first."""
    rows = connection.execute(_OVER, {"today": chain_day(now)}).all()
    return [
        AuditDay(day, first, last, connection.execute(_LINK, {"sequence": last}).scalar_one())
        for day, first, last in rows
    ]


def record_signed_day(connection: Connection, day: AuditDay, signed: str, now: datetime) -> bool:
    """Store the signed head of the day; False when another worker was faster."""
    return insert_once(connection, audit_days, {**day.claims, "signed": signed, "signed_at": now})


def signed_days(connection: Connection) -> list[SignedDay]:
    """Every day that is signed, the oldest first."""
    rows = connection.execute(select(audit_days).order_by(audit_days.c.day))
    return [SignedDay(AuditDay(*row[:4]), *row[4:]) for row in rows]


def mark_exported(connection: Connection, day: str, now: datetime) -> None:
    """Record that the signed head of the day was exported."""
    connection.execute(
        update(audit_days)
        .where(audit_days.c.day == day, audit_days.c.exported_at.is_(None))
        .values(exported_at=now)
    )


def record_signed_file(connection: Connection, day: str, signed: str) -> None:
    """Store the signature over the file that has the day's rows.

    The database refuses another one once the day counts as archived.
    """
    connection.execute(
        update(audit_days).where(audit_days.c.day == day).values(archive_signed=signed)
    )


def mark_archived(connection: Connection, day: str, now: datetime) -> None:
    """Record that the day's rows are in a signed file, and may be deleted; else refused."""
    connection.execute(
        update(audit_days)
        .where(audit_days.c.day == day, audit_days.c.archived_at.is_(None))
        .values(archived_at=now)
    )


def chain_day(now: datetime) -> str:
    """The day (UTC) on which a row that is chained now counts."""
    return now.astimezone(UTC).date().isoformat()

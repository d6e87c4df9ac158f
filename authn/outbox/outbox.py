"""The rows of the outbox: written in the transaction of an act, claimed by one worker at a time.

A row waits until `due_at`. Claiming a row is one statement that puts `due_at` off by the lease, so
that no other worker takes it meanwhile, and a row of a worker that died is due again. A row that
was sent and not marked is therefore sent again: at least once, never silently not at all.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

import orjson
from sqlalchemy import (
    Column,
    Connection,
    CursorResult,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Uuid,
    and_,
    delete,
    func,
    or_,
    select,
    update,
)

from authn.db.metadata import UtcDateTime, metadata
from authn.db.occasion import Occasion
from authn.db.reencryption import EncryptedColumn
from authn.secrets import Secrets, decrypt, encrypt


class DeliveryFailed(Exception):
    """A row was not delivered, in one of the three ways below."""


class DeliveryRefused(DeliveryFailed):
    """A row can never be delivered: the other side refused it for good."""


class DeliveryNotBegun(DeliveryFailed):
    """A row cannot be delivered now; another row may well be."""


class DestinationUnreachable(DeliveryFailed):
    """Nothing can be delivered now: the other side does not answer, or not as it must."""


LONGEST_ERROR = 200

LONGEST_DESTINATION = 100

# The payload is encrypted: it holds addresses and links.
outbox = Table(
    "outbox",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("state", String(8), nullable=False),
    Column("payload_encrypted", LargeBinary, nullable=False),
    Column("person_id", Uuid),
    Column("created_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("last_error", String(LONGEST_ERROR)),
    Column("done_at", UtcDateTime),
    # The receiver, for a kind with several: they do not wait for one another.
    Column("destination", String(LONGEST_DESTINATION)),
    Index(None, "state", "kind", "due_at"),
)

State = Literal["waiting", "sent", "dead"]

LEASE = timedelta(minutes=10)
SENT_REMEMBERED = timedelta(days=7)
DEAD_REMEMBERED = timedelta(days=90)
# A row that could not be tried for this long, without a mail server, is of no use any more.
WAITED_LONG_ENOUGH = timedelta(days=30)
EMPTY = b""
_DEAD = select(func.count()).select_from(outbox).where(outbox.c.state == "dead")


@dataclass(frozen=True, slots=True)
class ClaimedEntry:
    """A row that one worker alone has, until `lease_until`; `tries` includes the present one."""

    id: UUID
    kind: str
    payload_encrypted: bytes
    created_at: datetime
    tries: int
    lease_until: datetime
    destination: str | None = None


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """A row as `authn outbox` shows it: neither its content nor the person."""

    id: UUID
    kind: str
    state: State
    created_at: datetime
    due_at: datetime
    tries: int
    last_error: str | None
    destination: str | None = None


def enqueue(
    occasion: Occasion,
    kind: str,
    payload: dict[str, Any],
    person_id: UUID | None = None,
    destination: str | None = None,
) -> UUID:
    """A payload (JSON) will be delivered once the transaction has committed; the id of its row.

    `destination` names the receiver, for a kind whose receivers must not delay each other.
    """
    row_id = uuid4()
    occasion.connection.execute(
        outbox.insert().values(
            id=row_id,
            kind=kind,
            state="waiting",
            payload_encrypted=encrypt(occasion.secrets, orjson.dumps(payload), _context(row_id)),
            person_id=person_id,
            created_at=occasion.now,
            due_at=occasion.now,
            tries=0,
            destination=destination,
        )
    )
    return row_id


def is_due(
    connection: Connection, now: datetime, kind: str, but: Collection[str] = frozenset()
) -> bool:
    """Whether a row of a kind can be claimed, other than for the destinations `but`."""
    statement = select(outbox.c.id).where(_claimable(now, kind, but)).limit(1)
    return connection.execute(statement).first() is not None


def claim(
    connection: Connection, now: datetime, kind: str, but: Collection[str] = frozenset()
) -> ClaimedEntry | None:
    """The row of a kind that has waited longest, for the caller alone once the transaction commits.

    Rows for the destinations `but` are left out; None without any other.
    """
    claimable = _claimable(now, kind, but)
    oldest = (
        select(outbox.c.id)
        .where(claimable)
        .order_by(outbox.c.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    statement = (
        update(outbox)
        .where(outbox.c.id == oldest, claimable)
        .values(due_at=now + LEASE, tries=outbox.c.tries + 1)
        .returning(*outbox.c)
    )
    row = connection.execute(statement).first()
    if row is None:
        return None
    return ClaimedEntry(
        id=row.id,
        kind=row.kind,
        payload_encrypted=row.payload_encrypted,
        created_at=row.created_at,
        tries=row.tries,
        lease_until=row.due_at,
        destination=row.destination,
    )


def read_payload(secrets: Secrets, claimed: ClaimedEntry) -> dict[str, Any]:
    """The payload that was given to `enqueue`; raises `CommandError` under another master key."""
    payload: dict[str, Any] = orjson.loads(
        decrypt(secrets, claimed.payload_encrypted, _context(claimed.id))
    )
    return payload


def mark_sent(connection: Connection, claimed: ClaimedEntry, now: datetime) -> bool:
    """Whether the row is marked as sent; False when its lease had ended and another took it."""
    return _finish(
        connection,
        claimed,
        state="sent",
        payload_encrypted=EMPTY,
        last_error=None,
        done_at=now,
    )


def mark_dead(connection: Connection, claimed: ClaimedEntry, error: str, now: datetime) -> bool:
    """The row is not tried again, unless an operator asks for it. Returns as `mark_sent`."""
    return _finish(connection, claimed, state="dead", last_error=error[:LONGEST_ERROR], done_at=now)


def put_off(connection: Connection, claimed: ClaimedEntry, error: str, due_at: datetime) -> bool:
    """The row is tried again at `due_at`. Returns as `mark_sent`."""
    return _finish(
        connection, claimed, state="waiting", last_error=error[:LONGEST_ERROR], due_at=due_at
    )


def put_off_destination(
    connection: Connection, kind: str, destination: str, now: datetime, due_at: datetime
) -> int:
    """How many rows of a destination were due, and are tried at `due_at` instead."""
    statement = (
        update(outbox)
        .where(_claimable(now, kind), outbox.c.destination == destination)
        .values(due_at=due_at)
    )
    return connection.execute(statement).rowcount


def _finish(connection: Connection, claimed: ClaimedEntry, **values: Any) -> bool:
    statement = (
        update(outbox)
        .where(
            outbox.c.id == claimed.id,
            outbox.c.state == "waiting",
            outbox.c.due_at == claimed.lease_until,
        )
        .values(values)
    )
    return connection.execute(statement).rowcount == 1


def list_unsent(connection: Connection) -> list[OutboxEntry]:
    """All rows that are not sent, the dead first, then by age."""
    statement = (
        select(
            outbox.c.id,
            outbox.c.kind,
            outbox.c.state,
            outbox.c.created_at,
            outbox.c.due_at,
            outbox.c.tries,
            outbox.c.last_error,
            outbox.c.destination,
        )
        .where(outbox.c.state != "sent")
        .order_by(outbox.c.state, outbox.c.created_at)
    )
    return [OutboxEntry(*row) for row in connection.execute(statement)]


def count_dead(connection: Connection) -> int:
    """How many rows are dead: no worker tries them again."""
    return connection.execute(_DEAD).scalar_one()


def retry_dead(connection: Connection, now: datetime, row_id: UUID | None = None) -> int:
    """How many dead rows wait again, due now: the row with an id, or all."""
    statement = (
        update(outbox)
        .where(outbox.c.state == "dead")
        .values(state="waiting", due_at=now, tries=0, done_at=None)
    )
    if row_id is not None:
        statement = statement.where(outbox.c.id == row_id)
    return connection.execute(statement).rowcount


def drop_unsent(connection: Connection, row_id: UUID) -> bool:
    """Whether a row that was not sent has been deleted."""
    statement = delete(outbox).where(outbox.c.id == row_id, outbox.c.state != "sent")
    return connection.execute(statement).rowcount == 1


def forget_old_rows(connection: Connection, now: datetime) -> int:
    """How many rows were deleted: sent a week ago, dead for three months, waiting for one."""
    result: CursorResult[Any] = connection.execute(
        delete(outbox).where(
            or_(
                and_(outbox.c.state == "sent", outbox.c.done_at < now - SENT_REMEMBERED),
                and_(outbox.c.state == "dead", outbox.c.done_at < now - DEAD_REMEMBERED),
                and_(outbox.c.state == "waiting", outbox.c.created_at < now - WAITED_LONG_ENOUGH),
            )
        )
    )
    return result.rowcount


def _claimable(now: datetime, kind: str, but: Collection[str] = frozenset()) -> Any:
    waits = and_(outbox.c.state == "waiting", outbox.c.kind == kind, outbox.c.due_at <= now)
    if not but:
        return waits
    return and_(waits, or_(outbox.c.destination.is_(None), outbox.c.destination.not_in(but)))


def _context(row_id: UUID) -> str:
    return f"outbox:{row_id}"


ENCRYPTED = (EncryptedColumn(outbox.c.payload_encrypted, lambda row: _context(row.id)),)

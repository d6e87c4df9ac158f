"""Rows of the outbox: written in the act's transaction, claimed by one worker at a time, done.

A row waits until `due_at`. Claiming it is one statement that puts `due_at` off by the lease, so
that nobody else takes it meanwhile and it comes back by itself should the worker die. Whatever is
sent and then not marked is therefore sent again: at least once, never silently not at all.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

import orjson
from sqlalchemy import Connection, CursorResult, and_, delete, func, or_, select, update

from authn.db.occasion import Occasion
from authn.db.reencryption import EncryptedColumn
from authn.outbox.tables import LONGEST_ERROR, outbox
from authn.secrets import Secrets, decrypt, encrypt

State = Literal["waiting", "sent", "dead"]

LEASE = timedelta(minutes=10)
SENT_REMEMBERED = timedelta(days=7)
DEAD_REMEMBERED = timedelta(days=90)
# What could not even be tried for this long, since no mail server is set, tells nobody anything.
WAITED_LONG_ENOUGH = timedelta(days=30)
EMPTY = b""
_DEAD = select(func.count()).select_from(outbox).where(outbox.c.state == "dead")


@dataclass(frozen=True, slots=True)
class ClaimedEntry:
    """A row that this worker alone has, until `lease_until`. `tries` counts this one too."""

    id: UUID
    kind: str
    payload_encrypted: bytes
    created_at: datetime
    tries: int
    lease_until: datetime
    destination: str | None = None


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """A row as `authn outbox` shows it: nothing of what it tells, and to which person."""

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
    """The payload (JSON) will be delivered once the occasion's transaction has committed.

    `destination` names whose it is to take it, where one that is slow must not hold up the others.
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
    """Whether a row of this kind can be claimed, for none of the destinations `but`."""
    statement = select(outbox.c.id).where(_claimable(now, kind, but)).limit(1)
    return connection.execute(statement).first() is not None


def claim(
    connection: Connection, now: datetime, kind: str, but: Collection[str] = frozenset()
) -> ClaimedEntry | None:
    """The row that has waited longest, this worker's alone once the transaction has committed.

    None for the destinations `but`.
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
    """The payload that `enqueue` was given; raises `CommandError` under another master key."""
    payload: dict[str, Any] = orjson.loads(
        decrypt(secrets, claimed.payload_encrypted, _context(claimed.id))
    )
    return payload


def mark_sent(connection: Connection, claimed: ClaimedEntry, now: datetime) -> bool:
    """Whether the row is done; False when its lease had ended and another worker took it."""
    return _finish(
        connection,
        claimed,
        state="sent",
        payload_encrypted=EMPTY,
        last_error=None,
        done_at=now,
    )


def mark_dead(connection: Connection, claimed: ClaimedEntry, error: str, now: datetime) -> bool:
    """Nobody tries again by itself; `authn outbox` shows the row. Returns as `mark_sent`."""
    return _finish(connection, claimed, state="dead", last_error=error[:LONGEST_ERROR], done_at=now)


def put_off(connection: Connection, claimed: ClaimedEntry, error: str, due_at: datetime) -> bool:
    """The row is tried again at `due_at`. Returns as `mark_sent`."""
    return _finish(
        connection, claimed, state="waiting", last_error=error[:LONGEST_ERROR], due_at=due_at
    )


def put_off_destination(
    connection: Connection, kind: str, destination: str, now: datetime, due_at: datetime
) -> int:
    """How many rows of this destination that are due are tried at `due_at` instead."""
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


def entries(connection: Connection) -> list[OutboxEntry]:
    """Every row that is not sent, the dead first, then by age."""
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
    """How many rows nobody tries any more by itself."""
    return connection.execute(_DEAD).scalar_one()


def retry(connection: Connection, now: datetime, row_id: UUID | None = None) -> int:
    """How many dead rows wait again, due now: this one, or all of them."""
    statement = (
        update(outbox)
        .where(outbox.c.state == "dead")
        .values(state="waiting", due_at=now, tries=0, done_at=None)
    )
    if row_id is not None:
        statement = statement.where(outbox.c.id == row_id)
    return connection.execute(statement).rowcount


def drop(connection: Connection, row_id: UUID) -> bool:
    """Whether a row that was not sent is gone, and will never be."""
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

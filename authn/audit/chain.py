"""The chain of audit rows: numbered and linked one after the other, by a worker, after the fact.

A row's seal shows that it is ours and unchanged; the chain shows that none is missing, none was put
in later and none has changed places. Why not at insert: transactions that run side by side would
wait for each other's link (protocol 3.4). So each row is written as before, and the worker gives it
the next number in an order of its own: a lower id may be committed after a higher one.

A day of the chain is the day (UTC) on which its rows were linked, not the one on which they
happened: once it is over nothing is added to it, even where a clock goes back.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    String,
    Table,
    and_,
    bindparam,
    column,
    func,
    insert,
    select,
    table,
    update,
)

from authn.audit.log import audit_events
from authn.db.metadata import Instant, metadata
from authn.db.once import insert_once
from authn.secrets import Secrets, audit_link

AT_ONCE = 1000  # rows, in one transaction
# No transaction lives so long after it wrote: what has a lower id than a row that was seen so long
# ago has been committed, or never will be.
LATEST_COMMIT = timedelta(minutes=5)
BEGINNING = "0"  # what the first link is linked to

audit_chain = Table(
    "audit_chain",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", BigInteger, nullable=False, unique=True),
    Column("day", String(10), nullable=False),
    Column("link", String(80), nullable=False),
    Index(None, "day", "sequence"),
    sqlite_with_rowid=False,
)

# How far the chain has come: one row. Ids below `complete_below` need not be looked at again;
# `seen` was the highest id of all at `seen_at`.
audit_progress = Table(
    "audit_progress",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, nullable=False),
    Column("link", String(80), nullable=False),
    Column("complete_below", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("chained_at", Instant, nullable=False),
    # Up to which number the rows were streamed to whoever watches (`audit.stream`).
    Column("streamed", BigInteger, nullable=False),
    # Up to which number a running head was signed (`audit.heads`), and when; None before the first.
    Column("headed", BigInteger),
    Column("headed_at", Instant),
    sqlite_with_rowid=False,
)
THE_ONE = 1

_UNCHAINED = audit_events.outerjoin(audit_chain, audit_chain.c.event_id == audit_events.c.id)
_NEW = (
    select(audit_events.c.id, audit_events.c.seal)
    .select_from(_UNCHAINED)
    .where(
        audit_events.c.id >= bindparam("complete_below"),
        audit_chain.c.event_id.is_(None),
    )
    .order_by(audit_events.c.id)
    .limit(bindparam("most", type_=Integer))
)
# `skip_locked`: another worker is at it, and one is enough.
_PROGRESS = select(audit_progress).where(audit_progress.c.id == THE_ONE)
_PROGRESS_ALONE = _PROGRESS.with_for_update(skip_locked=True)
_HELD = _PROGRESS.with_for_update()
_ADVANCE = update(audit_progress).where(audit_progress.c.id == THE_ONE)
_LAST = select(func.max(audit_events.c.id))
_LAST_SIGNED = select(func.max(column("day", String))).select_from(table("audit_days"))
_WAITING = (
    select(func.count(), func.min(audit_events.c.occurred_at))
    .select_from(_UNCHAINED)
    .where(
        and_(
            audit_events.c.id >= bindparam("complete_below"),
            audit_chain.c.event_id.is_(None),
        )
    )
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many rows are not chained yet, and since when the oldest of them waits."""

    rows: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Progress:
    """The number of the last row that was chained, and when that was; None where none was."""

    sequence: int
    chained_at: datetime | None


def progress_of(connection: Connection) -> Progress:
    """How far the chain has come."""
    found = connection.execute(_PROGRESS).first()
    if found is None or not found.sequence:
        return Progress(0, None)
    return Progress(found.sequence, found.chained_at)


def anything_to_chain(connection: Connection) -> bool:
    """Whether a row waits: one look into an index, without a lock."""
    progress = connection.execute(_PROGRESS).first()
    below = progress.complete_below if progress else 0
    return bool(connection.execute(_NEW, {"complete_below": below, "most": 1}).first())


def chain_new_rows(connection: Connection, secrets: Secrets, now: datetime) -> int:
    """How many rows were numbered and linked now; 0 also when another worker is at it.

    At most `AT_ONCE`: call it again until there is nothing left.
    """
    progress = _progress(connection, now)
    if progress is None:
        return 0
    new = connection.execute(
        _NEW, {"complete_below": progress.complete_below, "most": AT_ONCE}
    ).all()
    sequence, link, day = progress.sequence, progress.link, _open_day(connection, progress, now)
    rows: list[dict[str, Any]] = []
    for event_id, seal in new:
        sequence += 1
        link = audit_link(secrets, link, sequence, day, event_id, seal)
        rows.append({"sequence": sequence, "event_id": event_id, "day": day, "link": link})
    if rows:
        connection.execute(insert(audit_chain), rows)
    values: dict[str, Any] = {}
    if rows:
        chained_at = max(now, progress.chained_at)
        values = {"sequence": sequence, "link": link, "chained_at": chained_at}
    if len(new) < AT_ONCE and now - progress.seen_at >= LATEST_COMMIT:
        last = connection.execute(_LAST).scalar() or 0
        values |= {"complete_below": progress.seen + 1, "seen": last, "seen_at": now}
    if values:
        connection.execute(_ADVANCE.values(values))
    return len(rows)


def hold_chain(connection: Connection) -> None:
    """Until this transaction ends nothing is chained."""
    connection.execute(_HELD)


def waiting(connection: Connection) -> Waiting:
    """What the worker has not come to yet: in a running service, of the last seconds only."""
    progress = connection.execute(_PROGRESS).first()
    below = progress.complete_below if progress else 0
    return Waiting(*connection.execute(_WAITING, {"complete_below": below}).one())


def _progress(connection: Connection, now: datetime) -> Any:
    """The one row, for this worker alone; None while another one has it."""
    found = connection.execute(_PROGRESS_ALONE).first()
    if found is None:
        first = {
            "id": THE_ONE,
            "sequence": 0,
            "link": BEGINNING,
            "complete_below": 0,
            "seen": 0,
            "seen_at": now,
            "chained_at": now,
            "streamed": 0,
        }
        insert_once(connection, audit_progress, first)
        found = connection.execute(_PROGRESS_ALONE).first()
    return found


def _open_day(connection: Connection, progress: Any, now: datetime) -> str:
    """The day of the next rows: never before that of the last ones, and never one that is signed.

    So a day's rows are all those from one number to another, whatever a clock does.
    """
    day = max(_day(now), _day(progress.chained_at) if progress.sequence else "")
    signed = connection.execute(_LAST_SIGNED).scalar()
    if signed is None or day > signed:
        return day
    return (date.fromisoformat(signed) + timedelta(days=1)).isoformat()


def _day(now: datetime) -> str:
    return now.astimezone(UTC).date().isoformat()

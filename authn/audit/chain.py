"""The chain of audit rows: numbered and linked one after the other, by a worker, after the fact.

A row's seal shows that it is ours and unchanged; the chain shows that none is missing, none was put
in later and none has changed places. Why not at insert: transactions that run side by side would
wait for each other's link (decisions 3.4). So each row is written as before, and the worker gives
it the next number in an order of its own: a lower id may be committed after a higher one. Which ids
were passed over is remembered until none of them can come any more: so a look costs what is new,
however much was written in the last minutes.

A day of the chain is the day (UTC) on which its rows were linked, not the one on which they
happened: once it is over nothing is added to it, even where a clock goes back.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
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
    or_,
    select,
    table,
    update,
)

from authn.audit.log import audit_events
from authn.db.inserting import insert_rows
from authn.db.metadata import UtcDateTime, metadata
from authn.db.once import insert_once
from authn.secrets import Secrets, audit_link

AT_ONCE = 1000  # rows, in one transaction
# No transaction lives so long after it wrote: an id that was passed over so long ago has been
# committed, or never will be.
LATEST_COMMIT = timedelta(minutes=5)
# Ids: SQLite gives the last ones anew when somebody deleted their rows, and the new ones count too.
LOOKED_AT_AGAIN = 200
RANGES_AT_ONCE = 50  # of ids that were passed over, in one statement
FIRST_ID = 1
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

# How far the chain has come: one row. Ids below `complete_below` need not be looked at again, but
# those that are `missing`: ranges of ids that were passed over, with the moment of that.
audit_progress = Table(
    "audit_progress",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, nullable=False),
    Column("link", String(80), nullable=False),
    Column("complete_below", BigInteger, nullable=False),
    Column("chained_at", UtcDateTime, nullable=False),
    # Up to which number the rows were streamed to whoever watches (`audit.stream`).
    Column("streamed", BigInteger, nullable=False),
    # Up to which number a running head was signed (`audit.heads`), and when; None before the first.
    Column("headed", BigInteger),
    Column("headed_at", UtcDateTime),
    Column("missing", JSON),
    sqlite_with_rowid=False,
)
THE_ONE = 1

# Links too only from there on: else PostgreSQL, while it has no statistics, would read them all.
_UNCHAINED = audit_events.outerjoin(
    audit_chain,
    and_(
        audit_chain.c.event_id == audit_events.c.id,
        audit_chain.c.event_id >= bindparam("looked_at_from"),
    ),
)
_COLUMNS = audit_events.c["id", "seal", "occurred_at"]
_NEW = (
    select(*_COLUMNS)
    .select_from(_UNCHAINED)
    .where(
        audit_events.c.id >= bindparam("looked_at_from"),
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
_LAST_SIGNED = select(func.max(column("day", String))).select_from(table("audit_days"))
_WAITING = (
    select(func.count(), func.min(audit_events.c.occurred_at))
    .select_from(_UNCHAINED)
    .where(
        and_(
            audit_events.c.id >= bindparam("looked_at_from"),
            audit_chain.c.event_id.is_(None),
        )
    )
)


# From one id to another, and the moment (ISO 8601) at which they were passed over.
Missing = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class WaitingRows:
    """How many rows are not chained yet, and since when the oldest of them waits."""

    rows: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class ChainProgress:
    """The number of the last row that was chained, and when that was; None where none was."""

    sequence: int
    chained_at: datetime | None


def chain_progress(connection: Connection) -> ChainProgress:
    """The number and link of the last chained row."""
    found = connection.execute(_PROGRESS).first()
    if found is None or not found.sequence:
        return ChainProgress(0, None)
    return ChainProgress(found.sequence, found.chained_at)


def has_rows_to_chain(connection: Connection) -> bool:
    """Whether a row waits: a look into an index or two, without a lock."""
    progress = connection.execute(_PROGRESS).first()
    new = connection.execute(_NEW, {"looked_at_from": _looked_at_from(progress), "most": 1})
    return bool(new.first() or _late(connection, progress))


def chain_new_rows(connection: Connection, secrets: Secrets, now: datetime) -> int:
    """Number and link the rows that wait; how many. 0 also while another worker does so.

    About `AT_ONCE` at most: call it again until there is nothing left.
    """
    progress = _progress(connection, now)
    if progress is None:
        return 0
    below = progress.complete_below
    parameters = {"looked_at_from": _looked_at_from(progress), "most": AT_ONCE}
    new = connection.execute(_NEW, parameters).all()
    late = _late(connection, progress)
    if not new and not late:
        return 0
    sequence, link, day = progress.sequence, progress.link, _open_day(connection, progress, now)
    rows: list[dict[str, Any]] = []
    for event_id, seal, _ in (*late, *new):
        sequence += 1
        link = audit_link(secrets, link, sequence, day, event_id, seal)
        rows.append({"sequence": sequence, "event_id": event_id, "day": day, "link": link})
    insert_rows(connection, audit_chain, rows)
    ids = [row.id for row in new if row.id >= below]
    values = {
        "sequence": sequence,
        "link": link,
        "chained_at": max(now, progress.chained_at),
        "complete_below": ids[-1] + 1 if ids else below,
        "missing": remaining_id_ranges(progress.missing, {row.id for row in (*late, *new)}, now)
        + skipped_id_ranges(below, ids, now),
    }
    connection.execute(_ADVANCE, values)
    return len(rows)


def lock_chain(connection: Connection) -> None:
    """Lock the chain: no row is chained until this transaction ends."""
    connection.execute(_HELD)


def find_waiting_rows(connection: Connection) -> WaitingRows:
    """What the worker has not come to yet: in a running service, of the last seconds only."""
    progress = connection.execute(_PROGRESS).first()
    looked_at_from = {"looked_at_from": _looked_at_from(progress)}
    rows, since = connection.execute(_WAITING, looked_at_from).one()
    late = _late(connection, progress)
    moments = [each.occurred_at for each in late] + ([since] if since else [])
    return WaitingRows(rows + len(late), min(moments, default=None))


def _progress(connection: Connection, now: datetime) -> Any:
    """The one row, for this worker alone; None while another one has it."""
    found = connection.execute(_PROGRESS_ALONE).first()
    if found is None:
        first = {
            "id": THE_ONE,
            "sequence": 0,
            "link": BEGINNING,
            "complete_below": 0,
            "chained_at": now,
            "streamed": 0,
        }
        insert_once(connection, audit_progress, first)
        found = connection.execute(_PROGRESS_ALONE).first()
    return found


def _looked_at_from(progress: Any) -> int:
    return progress.complete_below - LOOKED_AT_AGAIN if progress else 0


def skipped_id_ranges(below: int, ids: Sequence[int], now: datetime) -> list[Missing]:
    """The ranges of ids from `below` on that the sorted `ids` leave out."""
    edges = zip((max(below, FIRST_ID), *(each + 1 for each in ids)), ids, strict=False)
    return [(expected, each - 1, now.isoformat()) for expected, each in edges if each > expected]


def remaining_id_ranges(
    missing: Iterable[Missing] | None, come: Collection[int], now: datetime
) -> list[Missing]:
    """The ranges of `missing` without the ids that came now, and without those too old to come."""
    left: list[Missing] = []
    for low, high, since in missing or ():
        if now - datetime.fromisoformat(since) >= LATEST_COMMIT:
            continue
        here = sorted(each for each in come if low <= each <= high)
        edges = zip((low, *(each + 1 for each in here)), (*here, high + 1), strict=True)
        left += [(first, end - 1, since) for first, end in edges if end > first]
    return left


def _late(connection: Connection, progress: Any) -> list[Any]:
    """The rows that have come of what was passed over, and that `_NEW` does not give."""
    found: list[Any] = []
    below = _looked_at_from(progress)
    missing = [each for each in (progress and progress.missing) or () if each[0] < below]
    for start in range(0, len(missing), RANGES_AT_ONCE):
        some = missing[start : start + RANGES_AT_ONCE]
        ranges = (audit_events.c.id.between(low, min(high, below - 1)) for low, high, _ in some)
        late = select(*_COLUMNS).select_from(_UNCHAINED)
        statement = late.where(or_(*ranges), audit_chain.c.event_id.is_(None))
        lowest = {"looked_at_from": min(low for low, _, _ in some)}
        found += connection.execute(statement.order_by(audit_events.c.id), lowest).all()
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


@dataclass(frozen=True, slots=True)
class ChainFinding:
    """A fault in the audit log: what is wrong, at which number of the chain, in which row."""

    what: str
    sequence: int | None = None
    event_id: int | None = None

    def __str__(self) -> str:
        where = [
            f"number {self.sequence}" if self.sequence is not None else "",
            f"row {self.event_id}" if self.event_id is not None else "",
        ]
        return ", ".join(each for each in (self.what, *where) if each)

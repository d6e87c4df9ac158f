"""Whether the audit log is as it was written: every seal, every link, every number.

Nothing is believed that the database says of itself: seals and links are computed anew with the
audit key, which is not in it. What is found is named by number and row, to be looked at.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, func, null, select

from authn.audit.chain import BEGINNING, audit_chain, progress_of
from authn.audit.days import SignedDay, signed_days
from authn.audit.findings import ChainFinding
from authn.audit.heads import ChainHeads
from authn.audit.log import audit_events
from authn.secrets import Secrets, audit_link, audit_seal

AT_ONCE = 2000
# Longer, and no worker ran, or somebody put the row in.
CHAINED_WITHIN = timedelta(minutes=15)
SEALED = ("occurred_at", "event", "reference", "person_id", "device_id", "client_id", "details")

# With all that is sealed of a row, and that only where it is there.
STORED = (*SEALED, "actor_id")

_EVENT = [audit_events.c[name] for name in STORED]
_ROWS = (
    select(
        audit_chain.c.sequence,
        audit_chain.c.event_id,
        audit_chain.c.day,
        audit_chain.c.link,
        audit_events.c.id,
        audit_events.c.seal,
        *_EVENT,
    )
    .select_from(audit_chain.outerjoin(audit_events, audit_events.c.id == audit_chain.c.event_id))
    .where(audit_chain.c.sequence > bindparam("after"))
    .order_by(audit_chain.c.sequence)
    .limit(AT_ONCE)
)
_ROW = _ROWS.limit(1)
# As `_ROWS`, without what somebody made unreadable in one of them.
_BARE = (
    select(
        *audit_chain.c["sequence", "event_id", "day", "link"],
        audit_chain.c.event_id.label("id"),
        null().label("seal"),
    )
    .where(audit_chain.c.sequence > bindparam("after"))
    .order_by(audit_chain.c.sequence)
    .limit(AT_ONCE)
)
_UNCHAINED = (
    select(audit_events.c.id, audit_events.c.seal, *_EVENT)
    .select_from(audit_events.outerjoin(audit_chain, audit_chain.c.event_id == audit_events.c.id))
    .where(audit_chain.c.event_id.is_(None), audit_events.c.occurred_at < bindparam("before"))
    .order_by(audit_events.c.id)
)


@dataclass(slots=True)
class VerifiedChain:
    """How far the check has come: number and link of the last row, and each day's last link."""

    sequence: int
    link: str
    rows: int = 0


def verify_log(
    connection: Connection,
    secrets: Secrets,
    now: datetime,
    checked: VerifiedChain | None = None,
    signed: ChainHeads | None = None,
) -> Iterator[ChainFinding]:
    """Everything that is wrong, as it is found; nothing where the log is whole.

    `checked` tells the caller how far it has come; `signed` are heads that were exported. Of
    archived days the files are checked (`audit.archive`), here only that they lead to what is still
    there.
    """
    exported = signed or ChainHeads()
    chained = progress_of(connection).sequence  # before the rows: they may become more meanwhile
    days = signed_days(connection)
    archived = [each.day for each in days if each.archived_at is not None]
    at = checked or VerifiedChain(0, BEGINNING)
    at.sequence, at.link = (
        (archived[-1].last_sequence, archived[-1].head) if archived else (0, BEGINNING)
    )
    heads = {each.day.last_sequence: each for each in days if each.archived_at is None}
    while rows := rows_after(connection, at.sequence):
        for row in rows:
            yield from check_row(secrets, at, row)
            yield from check_head(heads.pop(at.sequence, None), row)
            yield from exported.check(at.sequence, row.link)
            at.link, at.rows = row.link, at.rows + 1
    for day in heads.values():
        yield ChainFinding(f"the rows of {day.day.day} that were signed are not all there")
    if at.sequence < chained:
        yield ChainFinding(f"rows were cut off at the end: {at.sequence + 1} to {chained}")
    yield from exported.cut_off(at.sequence)
    yield from _never_chained(connection, secrets, now)


def rows_after(connection: Connection, sequence: int) -> Sequence[Any]:
    """The next rows of the chain with what they link, some thousand at a time.

    One that holds no row that could have been written (on SQLite a moment may be any text) has no
    seal.
    """
    try:
        return connection.execute(_ROWS, {"after": sequence}).all()
    except ValueError:
        bare = connection.execute(_BARE, {"after": sequence}).all()
        return [_readable(connection, each) for each in bare]


def _readable(connection: Connection, bare: Any) -> Any:
    try:
        return connection.execute(_ROW, {"after": bare.sequence - 1}).one()
    except ValueError:
        return bare


def check_row(secrets: Secrets, at: VerifiedChain, row: Any) -> Iterator[ChainFinding]:
    """What is wrong with the next row, of `rows_after`; its number is how far the check came."""
    expected = at.sequence + 1
    if row.sequence != expected:
        gone = (
            f"{expected}" if row.sequence == expected + 1 else f"{expected} to {row.sequence - 1}"
        )
        yield ChainFinding(f"numbers are missing: {gone}")
    if row.id is None:
        yield ChainFinding("the row was removed", row.sequence, row.event_id)
    elif row.seal is None:
        yield ChainFinding("the row was altered: it can't be read", row.sequence, row.event_id)
    elif row.seal != seal_of(secrets, row._mapping):
        yield ChainFinding("the row was altered, or is not ours", row.sequence, row.event_id)
    if row.seal is not None:
        link = audit_link(secrets, at.link, row.sequence, row.day, row.event_id, row.seal)
        if link != row.link and row.sequence == expected:
            yield ChainFinding(
                "the link does not follow from the row before", row.sequence, row.event_id
            )
    at.sequence = row.sequence


def check_head(day: SignedDay | None, row: Any) -> Iterator[ChainFinding]:
    """Whether a day that was signed ends with this row's link."""
    if day is not None and day.day.head != row.link:
        yield ChainFinding(
            f"the head of {day.day.day} is not the one that was signed", row.sequence
        )


def _never_chained(
    connection: Connection, secrets: Secrets, now: datetime
) -> Iterator[ChainFinding]:
    for row in connection.execute(_UNCHAINED, {"before": now - CHAINED_WITHIN}):
        if row.seal != seal_of(secrets, row._mapping):
            yield ChainFinding("the row was put in by somebody else", event_id=row.id)
        else:
            yield ChainFinding("the row was never chained", event_id=row.id)


def seal_of(secrets: Secrets, row: Mapping[Any, Any]) -> str:
    """The seal that a row with these values has (`audit.log.record`)."""
    sealed = {name: row[name] for name in SEALED}
    if row["actor_id"] is not None:
        sealed["actor_id"] = row["actor_id"]
    return audit_seal(secrets, orjson.dumps(sealed))


def rows_of(connection: Connection) -> int:
    """How many rows the chain has here: what a check will go through."""
    return connection.execute(select(func.count()).select_from(audit_chain)).scalar_one()

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

from authn.audit.chain import BEGINNING, ChainFinding, audit_chain, chain_progress
from authn.audit.days import SignedDay, signed_days
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
    """Every fault in the audit log, as each is found.

    `checked` tells the caller how far it has come; `signed` are heads that were exported. Of
    archived days the files are checked (`audit.archive`), here only that they lead to what is still
    there.
    """
    exported = signed or ChainHeads()
    chained = chain_progress(connection).sequence  # before the rows: they may become more meanwhile
    days = signed_days(connection)
    archived = [each.day for each in days if each.archived_at is not None]
    at = checked or VerifiedChain(0, BEGINNING)
    at.sequence, at.link = (
        (archived[-1].last_sequence, archived[-1].head) if archived else (0, BEGINNING)
    )
    heads = {each.day.last_sequence: each for each in days if each.archived_at is None}
    while rows := list_rows_after(connection, at.sequence):
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


def list_rows_after(connection: Connection, sequence: int) -> Sequence[Any]:
    """The next rows of the chain with the events they link, `AT_ONCE` at most.

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
    """What is wrong with the next row, of `list_rows_after`; `at` advances to the row."""
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
    elif row.seal != row_seal(secrets, row._mapping):
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
        if row.seal != row_seal(secrets, row._mapping):
            yield ChainFinding("the row was put in by somebody else", event_id=row.id)
        else:
            yield ChainFinding("the row was never chained", event_id=row.id)


def row_seal(secrets: Secrets, row: Mapping[Any, Any]) -> str:
    """The seal that a row with these values has (`audit.log.record`)."""
    sealed = {name: row[name] for name in SEALED}
    if row["actor_id"] is not None:
        sealed["actor_id"] = row["actor_id"]
    return audit_seal(secrets, orjson.dumps(sealed))


def chain_length(connection: Connection) -> int:
    """The number of chained rows in the database."""
    return connection.execute(select(func.count()).select_from(audit_chain)).scalar_one()


_CHAINED = select(audit_chain).where(audit_chain.c.event_id == bindparam("event_id"))
_LINK = select(audit_chain.c.link).where(audit_chain.c.sequence == bindparam("sequence"))


@dataclass(frozen=True, slots=True)
class VerifiedPlace:
    """A row's place in the chain, and whether its link follows from the one before."""

    sequence: int
    day: str
    link: str
    follows: bool
    signed: SignedDay | None


@dataclass(frozen=True, slots=True)
class VerifiedSoundness:
    """What was found of one row now; without a place the worker has not come to it yet."""

    sealed: bool
    place: VerifiedPlace | None


def verify_row(connection: Connection, secrets: Secrets, row: Any) -> VerifiedSoundness:
    """Whether the row, as `searching.find_row` read it, is as it was written."""
    sealed = row.seal == row_seal(secrets, row._mapping)
    chained = connection.execute(_CHAINED, {"event_id": row.id}).first()
    if chained is None:
        return VerifiedSoundness(sealed, None)
    days = signed_days(connection)
    before = _link_before(connection, chained.sequence, days)
    link = audit_link(secrets, before, chained.sequence, chained.day, row.id, row.seal)
    signed = next((each for each in days if each.day.day == chained.day), None)
    place = VerifiedPlace(chained.sequence, chained.day, chained.link, link == chained.link, signed)
    return VerifiedSoundness(sealed, place)


def verify_day(
    connection: Connection, secrets: Secrets, signed: SignedDay, checked: VerifiedChain
) -> Iterator[ChainFinding]:
    """Everything that is wrong with the rows of a signed day; `checked` counts them."""
    day = signed.day
    checked.sequence = day.first_sequence - 1
    checked.link = _link_before(connection, day.first_sequence, signed_days(connection))
    while rows := list_rows_after(connection, checked.sequence):
        for row in rows:
            if row.sequence > day.last_sequence:
                break
            yield from check_row(secrets, checked, row)
            if row.sequence == day.last_sequence:
                yield from check_head(signed, row)
            checked.link, checked.rows = row.link, checked.rows + 1
        if checked.sequence >= day.last_sequence or row.sequence > day.last_sequence:
            break
    if checked.sequence < day.last_sequence:
        yield ChainFinding(f"the rows of {day.day} that were signed are not all there")


def _link_before(connection: Connection, sequence: int, days: list[SignedDay]) -> str:
    """The link that the row of this number is linked to; of an archived day its signed head."""
    found = connection.execute(_LINK, {"sequence": sequence - 1}).scalar()
    archived = (each.day.head for each in days if each.day.last_sequence == sequence - 1)
    return found or next(archived, BEGINNING)

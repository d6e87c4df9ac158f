"""Days of the audit log in files: compressed, whole, to be verified as the log itself is.

A file is gzip of lines of JSON: first the day's signed head, then each row with its number and
link. Rows are deleted from the database only when the file is on the disk and was read back.
"""

import gzip
import os
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection, bindparam, delete, select

from authn.audit.chain import ChainFinding, audit_chain
from authn.audit.days import AuditDay, SignedDay
from authn.audit.heads import ChainHeads
from authn.audit.log import audit_events
from authn.audit.verification import STORED, VerifiedChain, row_seal
from authn.secrets import Secrets, audit_link, new_token

SUFFIX = ".jsonl.gz"
UNFINISHED = ".unfinished"
LONGEST_LINE = 64 * 1024
# What a file that is none of ours, or none any more, may come to; whatever is in it.
UNREADABLE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    KeyError,
    OSError,
    TypeError,
    ValueError,
    zlib.error,
)

_ROWS = (
    select(
        audit_chain.c.sequence,
        audit_chain.c.event_id,
        audit_chain.c.day,
        audit_chain.c.link,
        audit_events.c.seal,
        *(audit_events.c[name] for name in STORED),
    )
    .join(audit_events, audit_events.c.id == audit_chain.c.event_id)
    .where(audit_chain.c.day == bindparam("day"))
    .order_by(audit_chain.c.sequence)
)
_OF_DAY = select(audit_chain.c.event_id).where(audit_chain.c.day == bindparam("of_day"))
_DELETE_EVENTS = delete(audit_events).where(audit_events.c.id.in_(_OF_DAY))
_DELETE_CHAIN = delete(audit_chain).where(audit_chain.c.day == bindparam("of_day"))


def archive_path(directory: Path, day: str) -> Path:
    """The file of a day."""
    return directory / f"{day}{SUFFIX}"


def write_archive(connection: Connection, directory: Path, signed: SignedDay) -> Path:
    """Write the rows of a day to a file, on the disk, under a temporary name; raises `OSError`.

    It has its name (`keep_archive`) once it was verified: another run may have moved the rows
    already, and its file is then the only place where they are.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = archive_path(directory, signed.day.day)
    unfinished = path.with_name(f"{path.name}.{new_token()}{UNFINISHED}")
    with unfinished.open("xb") as raw:
        with gzip.GzipFile(path.name, "wb", fileobj=raw, mtime=0) as file:
            file.write(orjson.dumps({"signed": signed.signed}) + b"\n")
            for row in connection.execute(_ROWS, {"day": signed.day.day}):
                values = {f"{name}": value for name, value in row._mapping.items()}
                file.write(orjson.dumps(values) + b"\n")
        raw.flush()
        os.fsync(raw.fileno())
    return unfinished


def finish_archive(unfinished: Path, path: Path) -> None:
    """Give a verified file its final name, on the disk too: its rows may be deleted then."""
    unfinished.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_archive(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a file; raises `ValueError` for what is no such file."""
    with gzip.open(path, "rb") as file:
        while line := file.readline(LONGEST_LINE):
            if not line.endswith(b"\n"):
                raise ValueError("a line that is too long, or cut off")
            content = orjson.loads(line)
            if not isinstance(content, dict):
                raise ValueError("a line that is no object")  # noqa: TRY004 (of a file)
            yield content


def verify_archive(
    path: Path, secrets: Secrets, day: AuditDay, before: str, signed: ChainHeads | None = None
) -> Iterator[ChainFinding]:
    """What is wrong with the file of this day, whose chain begins at the link `before`.

    `signed` are heads that were exported.
    """
    exported = signed or ChainHeads()
    checked = VerifiedChain(day.first_sequence - 1, before)
    try:
        lines = read_archive(path)
        next(lines, None)  # the signed head: the caller has verified the one in the database
        for row in lines:
            yield from _check(secrets, checked, row)
            yield from exported.check(checked.sequence, checked.link)
    except UNREADABLE as problem:
        yield ChainFinding(f"{path.name} can't be read: {type(problem).__name__}")
        return
    if checked.sequence != day.last_sequence or checked.link != day.head:
        yield ChainFinding(f"{path.name} does not end as {day.day} was signed", checked.sequence)


def _check(secrets: Secrets, checked: VerifiedChain, row: dict[str, Any]) -> Iterator[ChainFinding]:
    sequence, event_id, link = row["sequence"], row["event_id"], row["link"]
    if sequence != checked.sequence + 1:
        yield ChainFinding("numbers are missing", sequence, event_id)
    if row_seal(secrets, _as_stored(row)) != row["seal"]:
        yield ChainFinding("the row was altered, or is not ours", sequence, event_id)
    if audit_link(secrets, checked.link, sequence, row["day"], event_id, row["seal"]) != link:
        yield ChainFinding("the link does not follow from the row before", sequence, event_id)
    checked.sequence, checked.link, checked.rows = sequence, link, checked.rows + 1


def _as_stored(row: dict[str, Any]) -> dict[str, Any]:
    """The values as the seal was made of them: instants and ids, not their texts."""
    values = {name: row[name] for name in STORED}
    values["occurred_at"] = datetime.fromisoformat(row["occurred_at"]).astimezone(UTC)
    for name in ("person_id", "device_id", "actor_id"):
        values[name] = None if row[name] is None else UUID(row[name])
    return values


def delete_archived(connection: Connection, day: str) -> int:
    """Delete the rows of an archived day from the database; how many."""
    events = connection.execute(_DELETE_EVENTS, {"of_day": day}).rowcount
    connection.execute(_DELETE_CHAIN, {"of_day": day})
    return events

"""Chained rows for whoever watches: lines of JSON or CEF, into a file or to a syslog server.

RFC 5424 (https://www.rfc-editor.org/rfc/rfc5424) with the framing of RFC 6587 §3.4.1 over TCP. At
least once, in the order of the chain: a watcher that is away gets the rows when it is back, and
knows a row that comes twice by its number. Lines hold what the rows hold: no name, no number.
"""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from sqlalchemy import Connection, Integer, RowMapping, bindparam, select, update

from authn.audit.chain import THE_ONE, audit_chain, audit_progress
from authn.audit.log import audit_events
from authn.settings import Settings

AT_ONCE = 500
SECONDS = 3.0
# RFC 5424 §6.2.1: facility 13 (log audit), severity 6 (informational).
PRIORITY: Final = 13 * 8 + 6
APPLICATION: Final = "authn"

Send = Callable[[str], None]

_ROWS = (
    select(
        audit_chain.c.sequence,
        audit_events.c.occurred_at,
        audit_events.c.event,
        audit_events.c.reference,
        audit_events.c.person_id,
        audit_events.c.device_id,
        audit_events.c.client_id,
        audit_events.c.actor_id,
        audit_events.c.details,
        audit_chain.c.link,
    )
    .join(audit_events, audit_events.c.id == audit_chain.c.event_id)
    .where(audit_chain.c.sequence > bindparam("streamed"))
    .order_by(audit_chain.c.sequence)
    .limit(bindparam("most", type_=Integer))
)
_STREAMED = select(audit_progress.c.streamed).where(audit_progress.c.id == THE_ONE)
_MARK = (
    update(audit_progress)
    .where(audit_progress.c.id == THE_ONE, audit_progress.c.streamed < bindparam("up_to"))
    .values(streamed=bindparam("up_to"))
)


def rows_to_stream(connection: Connection) -> list[RowMapping]:
    """The next rows that were chained and not streamed yet, in the order of the chain."""
    streamed = connection.execute(_STREAMED).scalar()
    if streamed is None:
        return []
    rows = connection.execute(_ROWS, {"streamed": streamed, "most": AT_ONCE})
    return [row._mapping for row in rows]


def mark_streamed(connection: Connection, up_to: int) -> None:
    """Record that the rows up to this number were sent."""
    connection.execute(_MARK, {"up_to": up_to})


def json_line(row: RowMapping) -> str:
    """The row as an object of JSON on one line."""
    values = {f"{name}": value for name, value in row.items() if name != "details"}
    return orjson.dumps({**values, "details": orjson.loads(row["details"])}).decode()


def cef_line(row: RowMapping) -> str:
    """The row in the Common Event Format, version 0."""
    extension = {
        "rt": int(row["occurred_at"].timestamp() * 1000),
        "externalId": row["sequence"],
        "suid": row["actor_id"],
        "duid": row["person_id"],
        "requestClientApplication": row["client_id"],
        "cs1Label": "reference",
        "cs1": row["reference"],
        "cs2Label": "device",
        "cs2": row["device_id"],
        "msg": row["details"],
    }
    said = " ".join(
        f"{name}={_cef_value(value)}" for name, value in extension.items() if value is not None
    )
    event = _cef_header(row["event"])
    return f"CEF:0|authn|authn|1|{event}|{event}|3|{said}"


FORMATS: dict[str, Callable[[RowMapping], str]] = {"json": json_line, "cef": cef_line}


def send_head(settings: Settings, token: str) -> None:
    """Send a signed head (a JWS) to where rows are sent; raises `OSError`."""
    if not settings.audit_stream:
        return
    line = (
        f"CEF:0|authn|authn|1|audit.head|audit.head|3|msg={token}"
        if settings.audit_stream_format == "cef"
        else orjson.dumps({"audit_head": token}).decode()
    )
    with open_stream(settings) as send:
        send(line)


@contextmanager
def open_stream(settings: Settings) -> Iterator[Send]:
    """A function that sends a line to the stream of the settings; raises `OSError`."""
    address = urlsplit(settings.audit_stream)
    if address.scheme == "file":
        with _file(Path(address.path)) as send:
            yield send
        return
    kind = socket.SOCK_DGRAM if address.scheme == "udp" else socket.SOCK_STREAM
    found = socket.getaddrinfo(address.hostname, address.port, type=kind)[0]
    with socket.socket(found[0], kind) as connection:
        connection.settimeout(SECONDS)
        connection.connect(found[4])
        yield lambda line: connection.sendall(_framed(line, stream=kind == socket.SOCK_STREAM))


@contextmanager
def _file(path: Path) -> Iterator[Send]:
    """Appends lines; they are on the disk when the block ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
    with os.fdopen(descriptor, "ab") as file:
        yield lambda line: _write(file, line)
        file.flush()
        os.fsync(file.fileno())


def _write(file: Any, line: str) -> None:
    file.write(line.encode() + b"\n")


def _framed(line: str, *, stream: bool) -> bytes:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    host = socket.gethostname() or "-"
    message = f"<{PRIORITY}>1 {now} {host} {APPLICATION} - audit - {line}".encode()
    return f"{len(message)} ".encode() + message if stream else message


def _cef_header(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|")


def _cef_value(value: object) -> str:
    text = str(value).replace("\\", "\\\\").replace("=", "\\=")
    return text.replace("\r", "\\r").replace("\n", "\\n")

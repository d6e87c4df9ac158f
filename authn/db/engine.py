"""How the two engines are opened, and the lock under which SQLite writes.

SQLite (https://www.sqlite.org/wal.html): WAL, `synchronous=FULL` so that an acknowledged unlink
survives a power cut, `busy_timeout` before anything else. sqlite3's own transaction control is off:
its BEGIN is always deferred, and a deferred transaction that reads and then writes fails whenever
another one wrote in between.
"""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson
from sqlalchemy import Connection, Engine, create_engine, event

from authn.errors import Unavailable
from authn.settings import Settings

WRITES: Final = "authn_writes"  # the execution option of a connection that may write
WAIT_SECONDS = 5.0
POLL_SECONDS = 0.002


class DatabaseBusy(Exception):
    """SQLite's write lock is taken, and whoever asked can't wait for it here; nothing was done."""


@dataclass(frozen=True, slots=True)
class WriteLock:
    """One writer at a time on an SQLite file: among threads by a lock, among processes by flock.

    Why: BEGIN IMMEDIATE alone makes writers sleep in SQLite's back-off; queueing them here gives
    forty times the throughput. Raises `Unavailable` after five seconds.
    """

    file: BinaryIO
    threads: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def held(self, *, wait: bool = True) -> Iterator[None]:
        """The lock is held inside the block; raises `Busy` when it is not to wait and is taken."""
        if not self.threads.acquire(blocking=wait, timeout=WAIT_SECONDS if wait else -1):
            raise Unavailable(detail="waited for the SQLite write lock") if wait else DatabaseBusy
        try:
            _lock_among_processes(self.file, wait=wait)
            try:
                yield
            finally:
                fcntl.flock(self.file, fcntl.LOCK_UN)
        finally:
            self.threads.release()


def _lock_among_processes(file: BinaryIO, *, wait: bool) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if not wait:
                raise DatabaseBusy from None
            if time.monotonic() > deadline:
                raise Unavailable(detail="another process holds the SQLite write lock") from None
            time.sleep(POLL_SECONDS)


@dataclass(frozen=True, slots=True)
class Database:
    """Two engines on one pool of connections, for reading and for writing; and SQLite's lock.

    Reading is in autocommit: each statement sees what is committed, which is all that READ
    COMMITTED promises a transaction too, and costs no BEGIN and no COMMIT.
    """

    reader: Engine
    writer: Engine
    write_lock: WriteLock | None

    def close(self) -> None:
        """Every connection is closed, and the lock file too."""
        self.writer.dispose()
        if self.write_lock:
            self.write_lock.file.close()


def open_database(settings: Settings) -> Database:
    """The database of these settings, with as many connections as there are threads."""
    url = settings.sqlalchemy_url
    if url.startswith("sqlite"):
        return _open_sqlite(url, settings.threads)
    options = f"-c lock_timeout={int(WAIT_SECONDS * 1000)} -c timezone=UTC"
    writer = _writer(
        url, settings.threads, {"connect_timeout": int(WAIT_SECONDS), "options": options}
    )
    autocommit = {"isolation_level": "AUTOCOMMIT"}
    reader = _engine(url, pool=writer.pool, execution_options=autocommit)
    return Database(reader, writer, None)


def _open_sqlite(url: str, threads: int) -> Database:
    path = Path(url.removeprefix("sqlite:///"))
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # SQLite would let everybody read it; its -wal and -shm get the same mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    # The connection that was used last is used next: what it has read is good until another one has
    # written. Taken in turns, each would read the same pages from the file for every request.
    writer = _writer(url, threads, {"check_same_thread": False}, pool_use_lifo=True)
    event.listen(writer.pool, "connect", _configure_sqlite)
    reader = _engine(url, pool=writer.pool)
    lock_file = path.with_name(path.name + ".lock")
    descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    return Database(reader, writer, WriteLock(os.fdopen(descriptor, "r+b")))


def _writer(url: str, threads: int, connect_args: dict[str, Any], **options: Any) -> Engine:
    return _engine(
        url,
        pool_size=threads,
        max_overflow=0,
        pool_timeout=WAIT_SECONDS,
        connect_args=connect_args,
        execution_options={WRITES: True},
        **options,
    )


def _engine(url: str, **options: Any) -> Engine:
    # An exception's text holds no value of a row. A client's row has three columns of JSON, which
    # the standard library would take longer to read than SQLite takes to find the row.
    return create_engine(url, hide_parameters=True, json_deserializer=orjson.loads, **options)


def _configure_sqlite(dbapi_connection: Any, record: Any) -> None:
    dbapi_connection.isolation_level = None  # no BEGIN but ours
    cursor = dbapi_connection.cursor()
    for pragma in (
        f"busy_timeout={int(WAIT_SECONDS * 1000)}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def begin_immediate(connection: Connection) -> None:
    """SQLite's transaction begins, with the right to write at once (`db.transaction.writing`).

    On the driver's own connection: SQLAlchemy's way to it costs ten times the statement. And not as
    its event "begin": with one listener, an engine tells of each statement that it executes, which
    costs a tenth of each.
    """
    driver: Any = connection.connection.driver_connection
    driver.execute("BEGIN IMMEDIATE")

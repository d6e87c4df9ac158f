"""What is opened once for all tests of a worker: connections to PostgreSQL, and an event loop.

And what is not waited for: the disk.

Why: PostgreSQL starts a process for each connection, which then reads its catalogue and plans its
statements from the start; Starlette's client starts a thread with an event loop for each request
that it makes outside a `with`. Together they would be a third of what a test costs. The service
itself keeps its connections as well, and has one loop.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import anyio.from_thread
import psycopg
import pytest
from anyio.to_thread import current_default_thread_limiter
from psycopg.pq import TransactionStatus
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from authn.db import engine
from tests import patience

MOST = 16  # of one kind: a server takes a hundred
THREADS = 40  # anyio's own number; an application sets another when it starts


class Connections:
    """The connections that no engine has at the moment, by what they were opened with."""

    def __init__(self) -> None:
        self._free: dict[str, list[psycopg.Connection[Any]]] = {}
        self._opened_with: dict[psycopg.Connection[Any], str] = {}

    def keep(self, patch: pytest.MonkeyPatch) -> None:
        """Engines get theirs here, and give them back when they would close them."""
        connect: Any = PGDialect_psycopg.connect
        close: Any = PGDialect_psycopg.do_close

        def connect_or_reuse(dialect: Any, *arguments: Any, **named: Any) -> Any:
            # The context is each engine's own object, and says the same in each.
            said = {name: value for name, value in named.items() if name != "context"}
            how = repr((arguments, sorted(said.items())))
            free = self._free.setdefault(how, [])
            while free:
                connection = free.pop()
                if not connection.closed:
                    return connection
                del self._opened_with[connection]
            connection = connect(dialect, *arguments, **named)
            self._opened_with[connection] = how
            return connection

        def keep_or_close(dialect: Any, connection: psycopg.Connection[Any]) -> None:
            idle = connection.info.transaction_status is TransactionStatus.IDLE
            free = self._free.setdefault(self._opened_with[connection], [])
            if connection.closed or not idle or len(free) >= MOST:
                del self._opened_with[connection]
                close(dialect, connection)
                return
            connection.autocommit = False
            free.append(connection)

        patch.setattr(PGDialect_psycopg, "connect", connect_or_reuse)
        patch.setattr(PGDialect_psycopg, "do_close", keep_or_close)

    def processes(self) -> list[int]:
        """The server's processes behind the free ones."""
        free = [each for these in self._free.values() for each in these if not each.closed]
        return [each.info.backend_pid for each in free]

    def close(self) -> None:
        """Those that no engine has are closed, and no engine gets them any more."""
        for these in self._free.values():
            for each in these:
                del self._opened_with[each]
                each.close()
        self._free.clear()


def forgetful_sqlite(patch: pytest.MonkeyPatch) -> None:
    """SQLite writes nothing through to the disk at a commit, as PostgreSQL does not here."""
    configure = engine._configure_sqlite

    def configure_forgetful(dbapi_connection: Any, record: Any) -> None:
        configure(dbapi_connection, record)
        dbapi_connection.execute("PRAGMA synchronous=OFF").close()

    patch.setattr(engine, "_configure_sqlite", configure_forgetful)


def patient(patch: pytest.MonkeyPatch) -> None:
    """A lock is waited for longer than in the service: a busy machine is slow, nothing is wrong."""
    patch.setattr(engine, "WAIT_SECONDS", patience.SECONDS / 2)


def backwards_sqlite(patch: pytest.MonkeyPatch) -> None:
    """Rows that nobody ordered come backwards: who relies on their order fails each time, not once
    in a while on PostgreSQL (https://www.sqlite.org/pragma.html#pragma_reverse_unordered_selects).
    """
    configure = engine._configure_sqlite

    def configure_backwards(dbapi_connection: Any, record: Any) -> None:
        configure(dbapi_connection, record)
        dbapi_connection.execute("PRAGMA reverse_unordered_selects=ON").close()

    patch.setattr(engine, "_configure_sqlite", configure_backwards)


@contextmanager
def one_loop(patch: pytest.MonkeyPatch) -> Iterator[anyio.from_thread.BlockingPortal]:
    """Every application that a test calls runs in one event loop, in a thread of its own."""
    with anyio.from_thread.start_blocking_portal("asyncio", {"use_uvloop": True}) as portal:
        patch.setattr(
            anyio.from_thread, "start_blocking_portal", lambda *_, **__: nullcontext(portal)
        )
        yield portal


async def as_many_threads_as_at_first() -> None:
    """What an earlier test's application has set does not count any more."""
    current_default_thread_limiter().total_tokens = THREADS

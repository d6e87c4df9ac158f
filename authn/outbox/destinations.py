"""The worker for a kind of row with many destinations: one delivery to each at a time.

A destination that is slow or gone delays its own rows alone: when a row fails, the others of that
destination are put off without being tried. One thread of a process at a time delivers to a
destination.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from authn.clock import Clock
from authn.db.engine import Database
from authn.db.transaction import reading, writing
from authn.outbox.outbox import (
    ClaimedEntry,
    DestinationUnreachable,
    claim,
    is_due,
    put_off_destination,
)
from authn.outbox.worker import Deliver, OutboxReport, settle, try_delivery
from authn.secrets import Secrets
from authn.web.logs import logger
from authn.web.threads import STOP_SECONDS, randomise_pause

MOST_AT_ONCE = 4
POLL_SECONDS = 1.0
PAUSE_SECONDS = 5.0  # after the database did not answer


@dataclass(frozen=True, slots=True)
class DestinationWork:
    """The settings of a worker for one kind of row, of which every row has a destination.

    `prepare` is called before each reading of the outbox, in no transaction: it may add rows.
    """

    database: Database
    secrets: Secrets
    clock: Clock
    kind: str
    deliver: Deliver
    prepare: Callable[[], object]


@dataclass(slots=True)
class _DeliveryThreads:
    """The threads that deliver, and the destinations that they deliver to now."""

    work: DestinationWork
    pool: ThreadPoolExecutor
    changed: threading.Event
    report: OutboxReport = field(default_factory=OutboxReport)
    busy: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def deliver_due(self) -> None:
        """Rows that are due are being delivered, as far as threads are free."""
        work = self.work
        work.prepare()
        while claimed := self._claim():
            self.pool.submit(self._deliver, claimed)

    def _claim(self) -> ClaimedEntry | None:
        """A row for a destination that is not busy, and is busy from now on."""
        work = self.work
        with self.lock:
            busy = frozenset(self.busy)
        if len(busy) >= MOST_AT_ONCE:
            return None
        with reading(work.database) as connection:
            if not is_due(connection, work.clock(), work.kind, busy):
                return None
        with writing(work.database) as connection:
            claimed = claim(connection, work.clock(), work.kind, busy)
        if claimed:
            with self.lock:
                self.busy.add(claimed.destination or "")
        return claimed

    def _deliver(self, claimed: ClaimedEntry) -> None:
        try:
            self._settle(claimed)
        except Exception:  # noqa: BLE001  the row's lease ends by itself
            logger.exception("outbox row was not marked", kind=claimed.kind, row=str(claimed.id))
        finally:
            with self.lock:
                self.busy.discard(claimed.destination or "")
                self.changed.set()

    def _settle(self, claimed: ClaimedEntry) -> None:
        work = self.work
        failure = try_delivery(work.secrets, work.deliver, claimed)
        now = work.clock()
        with writing(work.database) as connection, self.lock:
            due_at = settle(connection, claimed, failure, now, self.report)
            if due_at and claimed.destination and isinstance(failure, DestinationUnreachable):
                self.report.put_off += put_off_destination(
                    connection, claimed.kind, claimed.destination, now, due_at
                )


@contextmanager
def _open_threads(work: DestinationWork, changed: threading.Event) -> Iterator[_DeliveryThreads]:
    pool = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix=work.kind)
    try:
        yield _DeliveryThreads(work, pool, changed)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def run_once(work: DestinationWork) -> OutboxReport:
    """All rows that were due have been tried once, except those of unreachable destinations."""
    changed = threading.Event()
    with _open_threads(work, changed) as threads:
        while True:
            changed.clear()
            threads.deliver_due()
            with threads.lock:
                # A destination that became free since the last reading may have more rows.
                if not threads.busy and not changed.is_set():
                    return threads.report
            changed.wait()


@contextmanager
def run_in_background(work: DestinationWork) -> Iterator[threading.Thread]:
    """A thread delivers the rows that are due for as long as the block runs."""
    stop, changed = threading.Event(), threading.Event()
    thread = threading.Thread(target=_run, args=(work, stop, changed), name=work.kind, daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        changed.set()
        thread.join(STOP_SECONDS)


def _run(work: DestinationWork, stop: threading.Event, changed: threading.Event) -> None:
    with _open_threads(work, changed) as threads:
        while not stop.is_set():
            pause = POLL_SECONDS
            changed.clear()
            try:
                threads.deliver_due()
            except Exception:  # noqa: BLE001  a database that is gone for a while comes back
                logger.exception("outbox worker broke", kind=work.kind)
                pause = PAUSE_SECONDS
            # Until a thread is free again, or the outbox is to be read again.
            changed.wait(randomise_pause(pause))

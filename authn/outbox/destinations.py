"""The worker for a kind of row with many destinations: several rows at once, one to each of them.

Who is slow or gone holds up nobody but itself: what else waits for it is put off with the row that
failed, without being tried. A destination is spoken to by one thread of this process at a time.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from authn.clock import Clock
from authn.db.engine import Database
from authn.db.transaction import reading, writing
from authn.outbox.failures import DestinationUnreachable
from authn.outbox.outbox import ClaimedEntry, claim, is_due, put_off_destination
from authn.outbox.worker import Deliver, OutboxReport, failure_of, settle
from authn.secrets import Secrets
from authn.web.logs import logger
from authn.web.threads import STOP_SECONDS, spread

MOST_AT_ONCE = 4
POLL_SECONDS = 1.0
PAUSE_SECONDS = 5.0  # after the database did not answer


@dataclass(frozen=True, slots=True)
class DestinationWork:
    """What the worker needs to know.

    `prepare` is called before each look at the outbox, in no transaction: it may add rows. Every
    row of the `kind` has a destination.
    """

    database: Database
    secrets: Secrets
    clock: Clock
    kind: str
    deliver: Deliver
    prepare: Callable[[], object]


@dataclass(slots=True)
class _Hands:
    """The threads that deliver, and to whom they are speaking."""

    work: DestinationWork
    pool: ThreadPoolExecutor
    changed: threading.Event
    report: OutboxReport = field(default_factory=OutboxReport)
    busy: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self) -> None:
        """What is due is being delivered, as far as threads are free."""
        work = self.work
        work.prepare()
        while claimed := self._claim():
            self.pool.submit(self._deliver, claimed)

    def _claim(self) -> ClaimedEntry | None:
        """A row for a destination that nobody speaks to, which counts as spoken to from now on."""
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
        failure = failure_of(work.secrets, work.deliver, claimed)
        now = work.clock()
        with writing(work.database) as connection, self.lock:
            due_at = settle(connection, claimed, failure, now, self.report)
            if due_at and claimed.destination and isinstance(failure, DestinationUnreachable):
                self.report.put_off += put_off_destination(
                    connection, claimed.kind, claimed.destination, now, due_at
                )


@contextmanager
def _hands(work: DestinationWork, changed: threading.Event) -> Iterator[_Hands]:
    pool = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix=work.kind)
    try:
        yield _Hands(work, pool, changed)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def run_once(work: DestinationWork) -> OutboxReport:
    """Everything that was due has been tried once, but for whom does not answer."""
    changed = threading.Event()
    with _hands(work, changed) as hands:
        while True:
            changed.clear()
            hands.look()
            with hands.lock:
                # Who became free since it was looked may have more waiting.
                if not hands.busy and not changed.is_set():
                    return hands.report
            changed.wait()


@contextmanager
def running(work: DestinationWork) -> Iterator[threading.Thread]:
    """What is due is delivered for as long as the block runs, whatever goes wrong."""
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
    with _hands(work, changed) as hands:
        while not stop.is_set():
            pause = POLL_SECONDS
            changed.clear()
            try:
                hands.look()
            except Exception:  # noqa: BLE001  a database that is gone for a while comes back
                logger.exception("outbox worker broke", kind=work.kind)
                pause = PAUSE_SECONDS
            # Until a thread is free again, or it is time to look.
            changed.wait(spread(pause))

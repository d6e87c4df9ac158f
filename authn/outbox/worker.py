"""The worker: claims a row, commits, delivers the row outside any transaction, and marks it.

A row is delivered at least once. A worker that dies between delivering and marking leaves the row
to be claimed again when its lease has ended; a mail then comes twice, under the same Message-ID.
Two workers at once never deliver the same row: claiming is one statement.

Why a thread and not a process of its own: one command runs the whole service (decisions 8.10). When
there is nothing to do, each process reads an index every few seconds. Each kind
of row has a worker of its own; `outbox.destinations` is the one for kinds with many destinations.
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection

from authn.clock import Clock
from authn.db.engine import Database
from authn.db.transaction import reading, writing
from authn.outbox.outbox import (
    ClaimedEntry,
    DeliveryFailed,
    DeliveryNotBegun,
    DeliveryRefused,
    DestinationUnreachable,
    claim,
    is_due,
    mark_dead,
    mark_sent,
    put_off,
    read_payload,
)
from authn.secrets import Secrets
from authn.web.logs import logger
from authn.web.threads import background_thread, randomise_pause

POLL_SECONDS = 5.0
PAUSE_SECONDS = 60.0  # after the other side did not answer, or the database didn't

FIRST_DELAY = timedelta(minutes=1)
LONGEST_DELAY = timedelta(hours=6)
FACTOR = 4.0
MOST_TRIES = 16  # about three days

# Delivers the payload of one row; raises one of `failures`.
Deliver = Callable[[ClaimedEntry, dict[str, Any]], None]
Delivering = AbstractContextManager[Deliver]


@dataclass(frozen=True, slots=True)
class OutboxWork:
    """The settings of a worker for rows of one kind.

    `delivering` is a context manager that opens what is needed (a connection to a mail server), and
    gives the function that delivers a row.
    """

    database: Database
    secrets: Secrets
    clock: Clock
    kind: str
    delivering: Callable[[], Delivering]


@dataclass(slots=True)
class OutboxReport:
    """The counts of a run; `unreachable` when it ended early: nothing can be delivered now."""

    sent: int = 0
    put_off: int = 0
    dead: int = 0
    unreachable: bool = False


def run_once(work: OutboxWork, stop: threading.Event | None = None) -> OutboxReport:
    """All rows that were due have been tried once, unless nothing can be delivered now."""
    report = OutboxReport()
    with reading(work.database) as connection:
        if not is_due(connection, work.clock(), work.kind):
            return report
    with work.delivering() as deliver:
        while not report.unreachable and not (stop and stop.is_set()):
            with writing(work.database) as connection:
                claimed = claim(connection, work.clock(), work.kind)
            if claimed is None:
                break
            failure = try_delivery(work.secrets, deliver, claimed)
            now = work.clock()
            with writing(work.database) as connection:
                settle(connection, claimed, failure, now, report)
            report.unreachable = isinstance(failure, DestinationUnreachable)
    return report


def settle(
    connection: Connection,
    claimed: ClaimedEntry,
    failure: DeliveryFailed | None,
    now: datetime,
    report: OutboxReport,
) -> datetime | None:
    """The row is marked sent, put off or dead, and counted; the time of the next try, if any."""
    if failure is None:
        mark_sent(connection, claimed, now)
        report.sent += 1
    elif isinstance(failure, DeliveryRefused) or claimed.tries >= MOST_TRIES:
        _bury(connection, claimed, str(failure), now)
        report.dead += 1
    else:
        due_at = now + retry_delay(claimed.tries)
        put_off(connection, claimed, str(failure), due_at)
        report.put_off += 1
        return due_at
    return None


def try_delivery(
    secrets: Secrets, deliver: Deliver, claimed: ClaimedEntry
) -> DeliveryFailed | None:
    """Delivers a claimed row: None when delivered, else the failure."""
    try:
        deliver(claimed, read_payload(secrets, claimed))
    except DeliveryFailed as failure:
        return failure
    except Exception:  # noqa: BLE001  one row that can't be delivered must not stop the others
        logger.exception("outbox row broke", kind=claimed.kind, row=str(claimed.id))
        return DeliveryNotBegun("broke")
    return None


def _bury(connection: Connection, claimed: ClaimedEntry, error: str, now: datetime) -> None:
    if mark_dead(connection, claimed, error, now):
        logger.error(
            "outbox dead letter",
            kind=claimed.kind,
            row=str(claimed.id),
            tries=claimed.tries,
            error=error,
        )


def retry_delay(tries: int) -> timedelta:
    """The delay after so many tries: 1, 4, 16, … minutes, at most 6 hours; ± a fifth."""
    growth: float = FACTOR ** min(tries - 1, 10)
    exact = min(FIRST_DELAY * growth, LONGEST_DELAY)
    return exact * randomise_pause(1)


def run_in_background(work: OutboxWork) -> AbstractContextManager[threading.Thread]:
    """A thread delivers the rows that are due for as long as the block runs.

    Should the other side hang at the end, the row's lease ends by itself.
    """
    return background_thread("outbox", partial(_run, work))


def _run(work: OutboxWork, stop: threading.Event) -> None:
    pause = 0.0
    while not stop.wait(pause):
        try:
            report = run_once(work, stop)
            pause = PAUSE_SECONDS if report.unreachable else POLL_SECONDS
            if report.unreachable:
                logger.warning("outbox unreachable", put_off=report.put_off)
        except Exception:  # noqa: BLE001  a database that is gone for a while comes back
            logger.exception("outbox worker broke")
            pause = PAUSE_SECONDS
        pause = randomise_pause(pause)

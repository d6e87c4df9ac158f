"""The worker: at least once, retried with growing pauses, dead letters, and it survives trouble."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text, update
from structlog.testing import capture_logs

from authn.db.engine import Database
from authn.db.transaction import reading, writing
from authn.outbox import worker
from authn.outbox.outbox import (
    LEASE,
    ClaimedEntry,
    DeliveryNotBegun,
    DeliveryRefused,
    DestinationUnreachable,
    enqueue,
    list_unsent,
    outbox,
)
from authn.outbox.worker import (
    MOST_TRIES,
    Deliver,
    OutboxWork,
    retry_delay,
    run_in_background,
    run_once,
)
from authn.web import threads
from authn.web.site import Site
from tests.conftest import MovableClock
from tests.occasion import job
from tests.patience import SECONDS, until
from tests.together import at_once


@dataclass(slots=True)
class Receiver:
    """What was delivered, and what goes wrong: failures are used up in order."""

    delivered: list[str] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    opened: int = 0

    def deliver(self, claimed: ClaimedEntry, payload: dict[str, Any]) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.delivered.append(payload["words"])

    @contextmanager
    def delivering(self) -> Iterator[Deliver]:
        self.opened += 1
        yield self.deliver


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def work(site: Site, receiver: Receiver) -> OutboxWork:
    return OutboxWork(site.database, site.secrets, site.clock, "test", receiver.delivering)


def enqueued(site: Site, *words: str, kind: str = "test") -> None:
    with writing(site.database) as connection:
        for each in words:
            enqueue(job(site, connection), kind, {"words": each})


def states(database: Database) -> list[tuple[str, int, str | None]]:
    with reading(database) as connection:
        return [(each.state, each.tries, each.last_error) for each in list_unsent(connection)]


def test_everything_due_is_delivered_over_one_connection(
    site: Site, work: OutboxWork, receiver: Receiver, database: Database
) -> None:
    enqueued(site, "one", "two", "three")
    assert run_once(work).sent == 3
    assert sorted(receiver.delivered) == ["one", "three", "two"]
    assert receiver.opened == 1
    assert states(database) == []


def test_when_nothing_is_due_nothing_is_opened_and_nothing_written(
    work: OutboxWork, receiver: Receiver, database: Database
) -> None:
    before = receiver.opened
    assert run_once(work) == worker.OutboxReport()
    assert receiver.opened == before


def test_what_cannot_be_delivered_now_is_put_off_and_comes_later(
    site: Site, work: OutboxWork, receiver: Receiver, clock: MovableClock, database: Database
) -> None:
    enqueued(site, "one")
    receiver.failures = [DeliveryNotBegun("recipient: 451"), DeliveryNotBegun("recipient: 451")]
    assert run_once(work).put_off == 1
    assert states(database) == [("waiting", 1, "recipient: 451")]
    assert run_once(work) == worker.OutboxReport(), "it is not due yet"
    clock.advance(seconds=73)
    assert run_once(work).put_off == 1
    clock.advance(seconds=73)
    assert run_once(work) == worker.OutboxReport(), "the second pause is longer"
    clock.advance(minutes=5)
    assert run_once(work).sent == 1
    assert receiver.delivered == ["one"]


def test_pauses_grow_from_a_minute_to_six_hours_and_end_after_about_three_days() -> None:
    for tries, exact in ((1, 1), (2, 4), (3, 16), (4, 64), (5, 256), (6, 360), (15, 360)):
        found = {retry_delay(tries) for _ in range(50)}
        assert len(found) > 40, "jitter"
        assert all(abs(each / timedelta(minutes=exact) - 1) <= 0.2 for each in found)
    whole = sum((retry_delay(tries) for tries in range(1, MOST_TRIES)), timedelta())
    assert timedelta(days=2) < whole < timedelta(days=4)


def test_a_refusal_is_dead_at_once_and_logged_without_what_it_said(
    site: Site, work: OutboxWork, receiver: Receiver, database: Database
) -> None:
    enqueued(site, "hanne@example.org")
    receiver.failures = [DeliveryRefused("recipient: 550 5.1.1")]
    with capture_logs() as logs:
        assert run_once(work).dead == 1
    assert states(database) == [("dead", 1, "recipient: 550 5.1.1")]
    (line,) = [each for each in logs if each["event"] == "outbox dead letter"]
    assert line["error"] == "recipient: 550 5.1.1"
    assert "hanne" not in str(logs)


def test_what_fails_for_too_long_is_dead(
    site: Site, work: OutboxWork, receiver: Receiver, clock: MovableClock, database: Database
) -> None:
    enqueued(site, "one")
    receiver.failures = [DeliveryNotBegun("recipient: 451") for _ in range(MOST_TRIES)]
    for _ in range(MOST_TRIES):
        run_once(work)
        clock.advance(days=1)
    assert states(database) == [("dead", MOST_TRIES, "recipient: 451")]


def test_one_row_that_breaks_does_not_stop_the_others(
    site: Site, work: OutboxWork, receiver: Receiver, database: Database
) -> None:
    enqueued(site, "one", "two")
    receiver.failures = [ValueError("hanne@example.org")]
    report = run_once(work)
    assert (report.sent, report.put_off) == (1, 1)
    assert states(database) == [("waiting", 1, "broke")]


def test_a_row_that_cannot_be_decrypted_does_not_stop_the_others(
    site: Site, work: OutboxWork, receiver: Receiver, clock: MovableClock, database: Database
) -> None:
    enqueued(site, "one")
    clock.advance(seconds=1)
    with writing(database) as connection:
        connection.execute(update(outbox).values(payload_encrypted=b"1 garbage of some length"))
    enqueued(site, "two")
    report = run_once(work)
    assert (report.sent, report.put_off) == (1, 1)
    assert receiver.delivered == ["two"]


def test_another_kind_waits_for_its_own_worker(
    site: Site, work: OutboxWork, database: Database
) -> None:
    enqueued(site, "one", kind="other")
    assert run_once(work) == worker.OutboxReport()
    assert states(database) == [("waiting", 0, None)]


def test_an_unreachable_server_ends_the_run_and_costs_one_row_one_try(
    site: Site, work: OutboxWork, receiver: Receiver, database: Database
) -> None:
    enqueued(site, "one", "two", "three")
    receiver.failures = [DestinationUnreachable("connect: ConnectionRefusedError")]
    report = run_once(work)
    assert (report.sent, report.put_off, report.unreachable) == (0, 1, True)
    assert sorted(tries for _, tries, _ in states(database)) == [0, 0, 1]


def test_two_workers_at_once_deliver_nothing_twice(
    site: Site, work: OutboxWork, receiver: Receiver
) -> None:
    words = [f"row {number}" for number in range(12)]
    enqueued(site, *words)
    at_once(lambda: run_once(work), threads=4)
    assert sorted(receiver.delivered) == sorted(words)


def test_a_crash_between_sending_and_marking_sends_again_after_the_lease(
    site: Site, work: OutboxWork, receiver: Receiver, clock: MovableClock
) -> None:
    enqueued(site, "one")

    class PowerCut(BaseException):
        """Nothing after it happens."""

    def dying() -> Any:
        @contextmanager
        def delivering() -> Iterator[Deliver]:
            def deliver(claimed: ClaimedEntry, payload: dict[str, Any]) -> None:
                receiver.deliver(claimed, payload)
                raise PowerCut

            yield deliver

        return delivering()

    with pytest.raises(PowerCut):
        run_once(replace(work, delivering=dying))
    assert receiver.delivered == ["one"]
    run_once(work)
    assert receiver.delivered == ["one"], "its lease holds"
    clock.advance(seconds=LEASE.total_seconds())
    run_once(work)
    assert receiver.delivered == ["one", "one"], "at least once"
    clock.advance(days=1)
    run_once(work)
    assert receiver.delivered == ["one", "one"]


def test_delivering_holds_no_transaction(site: Site, work: OutboxWork, database: Database) -> None:
    """While a mail server takes its time, everybody else can write."""
    enqueued(site, "one")
    written = []

    @contextmanager
    def delivering() -> Iterator[Deliver]:
        def deliver(claimed: ClaimedEntry, payload: dict[str, Any]) -> None:
            with writing(database, wait=False) as connection:
                connection.execute(text("SELECT 1"))
                written.append(True)

        yield deliver

    assert run_once(replace(work, delivering=delivering)).sent == 1
    assert written == [True]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker looks every few milliseconds."""
    monkeypatch.setattr(worker, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(worker, "PAUSE_SECONDS", 0.04)


@pytest.mark.usefixtures("quick")
def test_the_thread_delivers_what_comes_and_stops_with_its_block(
    site: Site, work: OutboxWork, receiver: Receiver
) -> None:
    with run_in_background(work) as thread:
        enqueued(site, "one")
        until(lambda: receiver.delivered == ["one"])
        enqueued(site, "two")
        until(lambda: receiver.delivered == ["one", "two"])
    assert not thread.is_alive()


@pytest.mark.usefixtures("quick")
def test_the_thread_survives_a_database_that_breaks(
    site: Site, work: OutboxWork, receiver: Receiver, database: Database
) -> None:
    with writing(database) as connection:
        connection.execute(text("ALTER TABLE outbox RENAME TO elsewhere"))
    with capture_logs() as logs, run_in_background(work):
        until(lambda: any(each["event"] == "outbox worker broke" for each in logs))
        with writing(database) as connection:
            connection.execute(text("ALTER TABLE elsewhere RENAME TO outbox"))
        enqueued(site, "one")
        until(lambda: receiver.delivered == ["one"])


@pytest.mark.usefixtures("quick")
def test_the_thread_survives_a_server_that_is_not_there(
    site: Site, work: OutboxWork, receiver: Receiver, database: Database, clock: MovableClock
) -> None:
    receiver.failures = [DestinationUnreachable("connect: ConnectionRefusedError")]
    enqueued(site, "one")
    with capture_logs() as logs, run_in_background(work):
        until(lambda: any(each["event"] == "outbox unreachable" for each in logs))
        clock.advance(minutes=2)
        until(lambda: receiver.delivered == ["one"])


@pytest.mark.usefixtures("quick")
def test_stopping_does_not_wait_for_a_server_that_hangs(
    site: Site, work: OutboxWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "STOP_SECONDS", 0.1)
    let_go, began = threading.Event(), threading.Event()

    @contextmanager
    def delivering() -> Iterator[Deliver]:
        def deliver(claimed: ClaimedEntry, payload: dict[str, Any]) -> None:
            began.set()
            let_go.wait(SECONDS)

        yield deliver

    enqueued(site, "one")
    with run_in_background(replace(work, delivering=delivering)) as thread:
        assert began.wait(SECONDS)
    assert thread.is_alive(), "it was left behind"
    let_go.set()
    until(lambda: not thread.is_alive())


def test_looking_for_work_goes_through_the_index(database: Database) -> None:
    looking = (
        "SELECT id FROM outbox WHERE state = 'waiting' AND kind = 'mail'"
        " AND due_at <= '2026-01-01' LIMIT 1"
    )
    with writing(database) as connection:
        if database.write_lock is None:  # it would rather read a table of one page
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        explain = "EXPLAIN QUERY PLAN " if database.write_lock else "EXPLAIN "
        plan = connection.execute(text(explain + looking)).all()
    assert "ix_outbox_state_kind_due_at" in str(plan)

"""The worker for many destinations: who is slow or gone holds up nobody but itself."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select

from authn.db.engine import Database
from authn.db.transaction import reading, writing
from authn.outbox import destinations
from authn.outbox.destinations import MOST_AT_ONCE, DestinationWork, run_in_background, run_once
from authn.outbox.outbox import (
    ClaimedEntry,
    DeliveryNotBegun,
    DeliveryRefused,
    DestinationUnreachable,
    enqueue,
    list_unsent,
    outbox,
)
from authn.web.site import Site
from tests.conftest import MovableClock
from tests.occasion import job
from tests.patience import SECONDS, until
from tests.together import at_once

pytestmark = pytest.mark.thorough


@dataclass(slots=True)
class Receivers:
    """What each destination was given, and what goes wrong there."""

    delivered: list[tuple[str, str]] = field(default_factory=list)
    failing: dict[str, Exception] = field(default_factory=dict)
    tried: Counter[str] = field(default_factory=Counter)
    gates: dict[str, threading.Event] = field(default_factory=dict)
    talking: Counter[str] = field(default_factory=Counter)
    most_to_one: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def deliver(self, claimed: ClaimedEntry, payload: dict[str, Any]) -> None:
        destination = claimed.destination or ""
        with self.lock:
            self.tried[destination] += 1
            self.talking[destination] += 1
            self.most_to_one = max(self.most_to_one, self.talking[destination])
            self.most = max(self.most, self.talking.total())
        try:
            if gate := self.gates.get(destination):
                assert gate.wait(SECONDS)
            if failure := self.failing.get(destination):
                raise failure
            self.delivered.append((destination, payload["words"]))
        finally:
            with self.lock:
                self.talking[destination] -= 1


@pytest.fixture
def receivers() -> Receivers:
    return Receivers()


@pytest.fixture
def work(site: Site, receivers: Receivers) -> DestinationWork:
    return DestinationWork(
        site.database, site.secrets, site.clock, "test", receivers.deliver, lambda: None
    )


def enqueued(site: Site, destination: str, *words: str) -> None:
    with writing(site.database) as connection:
        for each in words:
            enqueue(job(site, connection), "test", {"words": each}, destination=destination)


def left(database: Database) -> list[tuple[str | None, str, int]]:
    with reading(database) as connection:
        return sorted(
            (each.destination, each.state, each.tries) for each in list_unsent(connection)
        )


def test_everything_due_is_delivered_one_at_a_time_to_each(
    site: Site, work: DestinationWork, receivers: Receivers, database: Database
) -> None:
    for number in range(6):
        enqueued(site, f"d{number}", "one", "two")
    assert run_once(work).sent == 12
    assert len(set(receivers.delivered)) == 12
    assert receivers.most_to_one == 1
    assert receivers.most <= MOST_AT_ONCE
    assert left(database) == []


def test_who_does_not_answer_is_tried_once_and_what_else_waits_for_it_later(
    site: Site,
    work: DestinationWork,
    receivers: Receivers,
    database: Database,
    clock: MovableClock,
) -> None:
    enqueued(site, "gone", "one", "two", "three")
    enqueued(site, "here", "one", "two")
    receivers.failing["gone"] = DestinationUnreachable("ConnectError")
    report = run_once(work)
    assert (report.sent, report.put_off) == (2, 3)
    assert receivers.tried == {"gone": 1, "here": 2}
    assert left(database) == [("gone", "waiting", 0)] * 2 + [("gone", "waiting", 1)]
    receivers.failing.clear()
    assert run_once(work).sent == 0, "not due yet"
    clock.advance(seconds=73)
    assert run_once(work).sent == 3


def test_one_that_is_not_taken_does_not_keep_the_next_from_its_destination(
    site: Site, work: DestinationWork, receivers: Receivers, database: Database
) -> None:
    enqueued(site, "picky", "one", "two")
    receivers.failing["picky"] = DeliveryNotBegun("status 400")
    assert run_once(work).put_off == 2
    assert receivers.tried == {"picky": 2}
    assert left(database) == [("picky", "waiting", 1)] * 2


def test_what_is_refused_for_ever_is_dead(
    site: Site, work: DestinationWork, receivers: Receivers, database: Database
) -> None:
    enqueued(site, "never", "one")
    receivers.failing["never"] = DeliveryRefused("no")
    assert run_once(work).dead == 1
    assert left(database) == [("never", "dead", 1)]


def test_two_workers_at_once_deliver_nothing_twice(
    site: Site, work: DestinationWork, receivers: Receivers
) -> None:
    for number in range(4):
        enqueued(site, f"d{number}", "one", "two", "three")
    at_once(lambda: run_once(work), threads=3)
    assert len(receivers.delivered) == len(set(receivers.delivered)) == 12


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker looks every few milliseconds."""
    monkeypatch.setattr(destinations, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(destinations, "PAUSE_SECONDS", 0.04)


@pytest.mark.usefixtures("quick")
def test_a_slow_one_does_not_hold_up_the_others(
    site: Site, work: DestinationWork, receivers: Receivers
) -> None:
    slow = receivers.gates["slow"] = threading.Event()
    enqueued(site, "slow", "one", "two")
    with run_in_background(work) as thread:
        until(lambda: receivers.talking["slow"] == 1)
        enqueued(site, "quick", "one", "two", "three")
        until(lambda: len(receivers.delivered) == 3)
        assert receivers.tried["slow"] == 1
        slow.set()
        until(lambda: len(receivers.delivered) == 5)
    assert not thread.is_alive()
    assert receivers.most_to_one == 1


@pytest.mark.usefixtures("quick")
def test_trouble_while_preparing_is_survived(
    site: Site, work: DestinationWork, receivers: Receivers
) -> None:
    troubles = [RuntimeError("the database is gone")]

    def prepare() -> None:
        if troubles:
            raise troubles.pop()

    enqueued(site, "here", "one")
    shaky = DestinationWork(
        work.database, work.secrets, work.clock, work.kind, work.deliver, prepare
    )
    with run_in_background(shaky):
        until(lambda: len(receivers.delivered) == 1)
    assert not troubles


def test_the_destination_is_on_the_row(site: Site, database: Database) -> None:
    enqueued(site, "here", "one")
    with reading(database) as connection:
        assert connection.execute(select(outbox.c.destination)).scalar() == "here"

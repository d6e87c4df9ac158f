"""The outbox: a row lives with its transaction, is claimed by one, and is never lost."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from authn.cli.service.cleanup import FORGOTTEN_ROWS
from authn.db.engine import Database
from authn.db.transaction import reading, writing
from authn.errors import Refusal
from authn.outbox.outbox import (
    DEAD_REMEMBERED,
    LEASE,
    SENT_REMEMBERED,
    WAITED_LONG_ENOUGH,
    ClaimedEntry,
    claim,
    drop_unsent,
    enqueue,
    is_due,
    list_unsent,
    mark_dead,
    mark_sent,
    outbox,
    put_off,
    read_payload,
    retry_dead,
)
from authn.web.site import Site
from tests.conftest import MovableClock
from tests.occasion import job
from tests.together import at_once

SECRET = "a word that is nowhere else"


def enqueued(site: Site) -> None:
    with writing(site.database) as connection:
        enqueue(job(site, connection), "test", {"words": SECRET})


def claimed_now(site: Site) -> ClaimedEntry | None:
    with writing(site.database) as connection:
        return claim(connection, site.clock(), "test")


def certainly_claimed(site: Site) -> ClaimedEntry:
    claimed = claimed_now(site)
    assert claimed is not None
    return claimed


def test_a_row_is_gone_when_the_act_is_rolled_back(site: Site) -> None:
    with pytest.raises(RuntimeError), writing(site.database) as connection:
        enqueue(job(site, connection), "test", {})
        raise RuntimeError
    assert claimed_now(site) is None


def test_a_row_stays_when_the_act_is_refused_afterwards(site: Site) -> None:
    with pytest.raises(Refusal), writing(site.database) as connection:
        enqueue(job(site, connection), "test", {})
        raise Refusal("no", "No.")
    assert claimed_now(site) is not None


def test_the_payload_is_encrypted_and_comes_back_as_it_was(site: Site, database: Database) -> None:
    enqueued(site)
    with reading(database) as connection:
        (stored,) = connection.execute(select(outbox.c.payload_encrypted)).scalars()
    assert SECRET.encode() not in stored
    assert read_payload(site.secrets, certainly_claimed(site)) == {"words": SECRET}


def test_eight_workers_at_once_claim_each_row_once(site: Site) -> None:
    for _ in range(5):
        enqueued(site)

    def claim_all() -> list[ClaimedEntry]:
        mine = []
        while claimed := claimed_now(site):
            mine.append(claimed)
        return mine

    found = at_once(claim_all)
    ids = [claimed.id for each in found if isinstance(each, list) for claimed in each]
    assert len(ids) == len(set(ids)) == 5


def test_a_claimed_row_is_nobody_elses_until_its_lease_ends(
    site: Site, clock: MovableClock, database: Database
) -> None:
    enqueued(site)
    first = certainly_claimed(site)
    clock.advance(seconds=LEASE.total_seconds() - 1)
    assert claimed_now(site) is None
    clock.advance(seconds=1)
    second = certainly_claimed(site)
    assert (first.id, first.tries, second.tries) == (second.id, 1, 2)
    with writing(database) as connection:
        assert not mark_sent(connection, first, clock()), "another worker has it now"
        assert not put_off(connection, first, "late", clock())
        assert mark_sent(connection, second, clock())


def test_what_is_sent_keeps_no_payload_and_is_not_claimed_again(
    site: Site, clock: MovableClock, database: Database
) -> None:
    enqueued(site)
    with writing(database) as connection:
        mark_sent(connection, certainly_claimed_in(connection, clock), clock())
        stored = connection.execute(select(outbox.c.payload_encrypted)).scalar_one()
        assert stored == b""
    clock.advance(days=1)
    assert claimed_now(site) is None
    with reading(database) as connection:
        assert list_unsent(connection) == []
        assert not is_due(connection, clock(), "test")


def certainly_claimed_in(connection: object, clock: MovableClock) -> ClaimedEntry:
    claimed = claim(connection, clock(), "test")  # type: ignore[arg-type]
    assert claimed is not None
    return claimed


def test_a_dead_row_waits_for_an_operator(
    site: Site, clock: MovableClock, database: Database
) -> None:
    enqueued(site)
    claimed = certainly_claimed(site)
    with writing(database) as connection:
        mark_dead(connection, claimed, "recipient: 550", clock())
    clock.advance(days=2)
    assert claimed_now(site) is None
    with writing(database) as connection:
        (entry,) = list_unsent(connection)
        assert (entry.state, entry.last_error, entry.tries) == ("dead", "recipient: 550", 1)
        assert retry_dead(connection, clock(), uuid4()) == 0
        assert retry_dead(connection, clock(), entry.id) == 1
    assert certainly_claimed(site).tries == 1, "its tries are counted anew"
    with writing(database) as connection:
        assert drop_unsent(connection, entry.id)
        assert not drop_unsent(connection, entry.id)


@pytest.mark.parametrize(
    ("state", "age"),
    [("sent", SENT_REMEMBERED), ("dead", DEAD_REMEMBERED), ("waiting", WAITED_LONG_ENOUGH)],
)
def test_cleanup_deletes_what_is_old_in_its_state(
    site: Site, clock: MovableClock, database: Database, state: str, age: timedelta
) -> None:
    enqueued(site)
    with writing(database) as connection:
        if state != "waiting":
            claimed = certainly_claimed_in(connection, clock)
            if state == "sent":
                mark_sent(connection, claimed, clock())
            else:
                mark_dead(connection, claimed, "no", clock())
        assert FORGOTTEN_ROWS["outbox"](connection, clock() + age) == 0
        assert FORGOTTEN_ROWS["outbox"](connection, clock() + age + timedelta(seconds=1)) == 1

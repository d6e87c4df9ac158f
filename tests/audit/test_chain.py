"""Audit rows are chained after the fact, none twice, none left out, whoever writes meanwhile."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import DatabaseError

from authn.audit import chain
from authn.audit.chain import audit_chain, audit_progress, chain_new_rows, waiting
from authn.audit.days import audit_days
from authn.audit.events import SignedIn
from authn.audit.log import audit_events, record
from authn.audit.verification import verify_log
from authn.db.transaction import reading, writing
from authn.keys.audit_days import chain_all
from authn.web.site import Site
from tests.conftest import MovableClock


def happen(site: Site, times: int = 1) -> None:
    """So many events, each in a transaction of its own."""
    for _ in range(times):
        with writing(site.database) as connection:
            event = SignedIn(person_id=uuid4(), device_id=uuid4(), level="device")
            record(connection, site.secrets, event, site.clock(), "ABCDEFGHJK")


def chained(site: Site) -> int:
    return chain_all(site.database, site.secrets, site.clock())


def findings(site: Site) -> list[str]:
    with reading(site.database) as connection:
        return [str(each) for each in verify_log(connection, site.secrets, site.clock())]


def test_each_row_is_chained_once_in_one_order(site: Site) -> None:
    happen(site, 3)
    assert chained(site) == 3
    happen(site, 2)
    assert chained(site) == 2
    assert chained(site) == 0
    with reading(site.database) as connection:
        numbers = connection.execute(select(audit_chain.c.sequence)).scalars().all()
    assert sorted(numbers) == [1, 2, 3, 4, 5]
    assert findings(site) == []


def test_a_lower_id_that_is_committed_later_is_chained_too(site: Site, clock: MovableClock) -> None:
    if site.database.write_lock:  # SQLite writes one after the other: there is no such thing
        happen(site)
        assert chained(site) == 1
        return
    with writing(site.database) as slow:
        event = SignedIn(person_id=uuid4(), device_id=uuid4(), level="device")
        record(slow, site.secrets, event, site.clock(), "SLOW")
        happen(site, 2)
        assert chained(site) == 2
        clock.advance(minutes=4)
        happen(site)
        assert chained(site) == 1
    assert chained(site) == 1
    assert findings(site) == []


def test_what_is_far_behind_is_not_looked_at_again(site: Site, clock: MovableClock) -> None:
    happen(site, 3)
    chained(site)
    for _ in range(3):
        clock.advance(minutes=6)
        happen(site)
        chained(site)
    with reading(site.database) as connection:
        below = connection.execute(select(audit_progress.c.complete_below)).scalar_one()
        newest = connection.execute(select(func.max(audit_events.c.id))).scalar_one()
    assert 3 < below <= newest
    assert findings(site) == []


def test_two_workers_at_once_chain_each_row_once(site: Site) -> None:
    happen(site, 40)
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda _: chained(site), range(4)))
    assert sum(counts) + chained(site) == 40
    assert findings(site) == []


def test_who_writes_does_not_wait_for_the_worker(site: Site) -> None:
    """On SQLite there is one writer at a time anyway, for as long as one batch takes."""
    happen(site, 5)
    if site.database.write_lock:
        return
    with writing(site.database) as connection:
        assert chain_new_rows(connection, site.secrets, site.clock()) == 5
        happen(site)  # would wait here, and give up, if the worker had locked anything of it
    assert chained(site) == 1


def test_more_than_a_batch(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("authn.audit.chain.AT_ONCE", 3)
    monkeypatch.setattr("authn.keys.audit_days.AT_ONCE", 3)
    happen(site, 8)
    assert chained(site) == 8
    assert findings(site) == []


def test_what_waits_is_told(site: Site) -> None:
    happen(site, 2)
    chained(site)
    happen(site)
    with reading(site.database) as connection:
        left = waiting(connection)
    assert (left.rows, left.since) == (1, site.clock())


@pytest.mark.parametrize("table", [audit_events, audit_chain], ids=str)
def test_the_database_itself_refuses_to_change_or_delete(site: Site, table: object) -> None:
    happen(site)
    chained(site)
    assert table in (audit_events, audit_chain)
    column = audit_events.c.event if table is audit_events else audit_chain.c.day
    for statement in (
        update(column.table).values({column: "x"}),
        delete(column.table),
    ):
        with (
            pytest.raises(DatabaseError, match="audit rows are"),
            writing(site.database) as connection,
        ):
            connection.execute(statement)
    assert findings(site) == []


def test_nothing_of_a_day_goes_before_it_is_archived(site: Site, clock: MovableClock) -> None:
    happen(site)
    chained(site)
    row = {"day": "2026-03-02", "first_sequence": 1, "last_sequence": 1, "head": "", "signed": ""}
    with writing(site.database) as connection:
        connection.execute(audit_days.insert(), row | {"signed_at": clock()})
    with pytest.raises(DatabaseError), writing(site.database) as connection:
        connection.execute(delete(audit_events))
    with pytest.raises(DatabaseError), writing(site.database) as connection:
        connection.execute(delete(audit_days))


def test_a_table_is_not_emptied_at_one_stroke(site: Site) -> None:
    happen(site)
    if site.database.write_lock:  # SQLite has no TRUNCATE
        return
    with pytest.raises(DatabaseError), writing(site.database) as connection:
        connection.execute(text("TRUNCATE audit_events"))


def test_the_bound_of_the_delay_is_longer_than_any_transaction(site: Site) -> None:
    waits = site.settings.sources_seconds
    assert 10 * timedelta(seconds=waits) < chain.LATEST_COMMIT

"""Audit rows are chained after the fact, none twice, none left out, whoever writes meanwhile."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import DatabaseError

from authn.audit import chain
from authn.audit.chain import (
    audit_chain,
    audit_progress,
    chain_new_rows,
    find_waiting_rows,
    has_rows_to_chain,
    remaining_id_ranges,
    skipped_id_ranges,
)
from authn.audit.days import audit_days
from authn.audit.events.people import SignedIn
from authn.audit.log import audit_events, record
from authn.audit.verification import verify_log
from authn.db.transaction import reading, writing
from authn.keys.audit_days import chain_all
from authn.web.site import Site
from tests.conftest import MovableClock
from tests.plans import explained


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


def progress(site: Site) -> Any:
    with reading(site.database) as connection:
        return connection.execute(select(audit_progress)).one()


def test_what_was_looked_at_is_not_looked_at_again(site: Site) -> None:
    """Nor while rows of the last minutes could still come: those are looked for by their ids."""
    happen(site, 3)
    chained(site)
    happen(site)
    chained(site)
    with reading(site.database) as connection:
        newest = connection.execute(select(func.max(audit_events.c.id))).scalar_one()
    assert progress(site).complete_below == newest + 1
    assert findings(site) == []


def test_of_what_was_passed_over_only_that_is_looked_for_and_not_for_ever(
    site: Site, clock: MovableClock
) -> None:
    if site.database.write_lock:  # SQLite gives the id of what was rolled back anew
        happen(site, 2)
        assert chained(site) == 2
        assert not progress(site).missing
        return
    happen(site)
    chained(site)
    with pytest.raises(ZeroDivisionError), writing(site.database) as connection:
        record(connection, site.secrets, SignedIn(level="device"), site.clock(), "GONE")
        raise ZeroDivisionError
    happen(site, 2)
    assert chained(site) == 2
    low, high, since = progress(site).missing[-1]
    assert low == high == progress(site).complete_below - 3
    assert datetime.fromisoformat(since) == site.clock()
    clock.advance(seconds=chain.LATEST_COMMIT.total_seconds())
    happen(site)
    assert chained(site) == 1
    assert progress(site).missing == []
    assert findings(site) == []


@pytest.mark.one_engine
def test_which_ids_were_passed_over_and_which_of_them_have_come() -> None:
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    later, at = now + timedelta(minutes=1), now.isoformat()
    assert skipped_id_ranges(0, [1, 2, 3], now) == []
    assert skipped_id_ranges(4, [], now) == []
    assert skipped_id_ranges(4, [6, 7, 10], now) == [(4, 5, at), (8, 9, at)]
    missing = [(4, 9, at)]
    assert remaining_id_ranges(missing, set(), later) == missing
    assert remaining_id_ranges(missing, {4, 6, 9}, later) == [(5, 5, at), (7, 8, at)]
    assert remaining_id_ranges(missing, {4, 5, 6, 7, 8, 9}, later) == []
    assert remaining_id_ranges(missing, set(), now + chain.LATEST_COMMIT) == []
    assert remaining_id_ranges(None, set(), now) == []


def test_a_look_goes_down_an_index_and_no_further_than_what_is_new(site: Site) -> None:
    """However many rows the last minutes had: each process looks once a second."""
    happen(site, 5)
    chained(site)
    with reading(site.database) as connection, explained(connection) as plans:
        assert not has_rows_to_chain(connection)
    assert plans
    for plan in plans:
        assert plan.scanned_whole == [], plan


def test_a_lower_id_is_chained_too_when_the_chain_is_far_beyond_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain, "LOOKED_AT_AGAIN", 0)
    if site.database.write_lock:
        return
    with writing(site.database) as slow:
        event = SignedIn(person_id=uuid4(), device_id=uuid4(), level="device")
        record(slow, site.secrets, event, site.clock(), "SLOW")
        happen(site, 2)
        assert chained(site) == 2
        happen(site)
        assert chained(site) == 1
    with reading(site.database) as connection:
        assert has_rows_to_chain(connection)
        assert find_waiting_rows(connection).rows == 1
    assert chained(site) == 1
    happen(site)
    assert chained(site) == 1
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
        left = find_waiting_rows(connection)
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

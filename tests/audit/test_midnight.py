"""A day of the chain is from one number to another, whatever clocks and workers do at midnight.

Days are of UTC: in Brussels one begins at one o'clock in winter and at two in summer, and none has
23 or 25 hours.
"""

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from authn.audit.chain import audit_chain, chain_new_rows
from authn.audit.days import signed_days
from authn.db.transaction import reading, writing
from authn.keys.audit_days import sign_days
from authn.keys.signing_keys import ensure_signing_keys
from authn.people.ssin import BRUSSELS
from authn.web.site import Site
from tests.audit.test_chain import chained, findings, happen
from tests.conftest import MovableClock
from tests.together import at_once

MIDNIGHT = datetime(2026, 3, 3, tzinfo=UTC)


def sign(site: Site) -> int:
    return sign_days(site.database, site.settings, site.secrets, site.clock())


def days(site: Site) -> list[str]:
    """The day of each row, in the order of the chain."""
    with reading(site.database) as connection:
        statement = select(audit_chain.c.day).order_by(audit_chain.c.sequence)
        return list(connection.execute(statement).scalars())


def spans(site: Site) -> list[tuple[str, int, int]]:
    with reading(site.database) as connection:
        found = [each.day for each in signed_days(connection)]
    return [(each.day, each.first_sequence, each.last_sequence) for each in found]


@pytest.fixture
def before_midnight(site: Site, clock: MovableClock) -> Site:
    """Two rows, of the last minute of a day."""
    ensure_signing_keys(site.database, site.secrets, clock())
    clock.now = MIDNIGHT - timedelta(minutes=1)
    happen(site, 2)
    chained(site)
    return site


def test_a_clock_that_goes_back_over_midnight_adds_nothing_to_the_day_before(
    before_midnight: Site, clock: MovableClock
) -> None:
    site = before_midnight
    clock.now = MIDNIGHT + timedelta(seconds=1)
    happen(site)
    chained(site)
    clock.now = MIDNIGHT - timedelta(seconds=1)
    happen(site)
    chained(site)
    assert days(site) == ["2026-03-02", "2026-03-02", "2026-03-03", "2026-03-03"]
    clock.now = MIDNIGHT + timedelta(days=1)
    assert sign(site) == 2
    assert spans(site) == [("2026-03-02", 1, 2), ("2026-03-03", 3, 4)]
    assert findings(site) == []


def test_nor_does_it_once_the_day_is_signed_and_nothing_came_since(
    before_midnight: Site, clock: MovableClock
) -> None:
    site = before_midnight
    clock.now = MIDNIGHT
    assert sign(site) == 1
    clock.now = MIDNIGHT - timedelta(hours=3)
    happen(site)
    chained(site)
    assert days(site)[-1] == "2026-03-03"
    clock.now = MIDNIGHT + timedelta(days=1)
    assert sign(site) == 1
    assert findings(site) == []


def test_a_worker_that_is_still_at_yesterday_s_rows_is_waited_for(
    before_midnight: Site, clock: MovableClock
) -> None:
    site = before_midnight
    happen(site)
    if site.database.write_lock:  # SQLite has one writer at a time
        return
    late = clock.now
    with ThreadPoolExecutor(1) as pool:
        with writing(site.database) as slow:
            assert chain_new_rows(slow, site.secrets, late) == 1
            clock.now = MIDNIGHT
            signing = pool.submit(sign, site)
            wait([signing], timeout=0.3)
            assert not signing.done()
        assert signing.result(timeout=5) == 1
    assert spans(site) == [("2026-03-02", 1, 3)]
    assert findings(site) == []


def test_workers_at_once_sign_a_day_once(before_midnight: Site, clock: MovableClock) -> None:
    site = before_midnight
    clock.now = MIDNIGHT
    happen(site, 3)

    def work() -> int:
        return chained(site) + 100 * sign(site)

    assert sum(each for each in at_once(work, 4) if isinstance(each, int)) + chained(site) == 103
    assert spans(site) == [("2026-03-02", 1, 2)]
    assert findings(site) == []


@pytest.mark.parametrize("clocks_change", ["2026-03-29", "2026-10-25"])
def test_a_night_in_which_clocks_change_is_as_any_other(
    site: Site, clock: MovableClock, clocks_change: str
) -> None:
    ensure_signing_keys(site.database, site.secrets, clock())
    begins = datetime.fromisoformat(f"{clocks_change}T00:00+00:00")
    clock.now = (begins - timedelta(hours=2)).astimezone(BRUSSELS)
    for _ in range(28):
        happen(site)
        chained(site)
        clock.now = (clock.now.astimezone(UTC) + timedelta(hours=1)).astimezone(BRUSSELS)
    clock.now += timedelta(days=2)
    assert sign(site) == 3
    assert days(site) == sorted(days(site))
    assert days(site).count(clocks_change) == 24
    assert findings(site) == []

"""Whoever changes the audit log behind the service's back is found, and the row is named."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from authn.audit.events.people import SignedIn
from authn.audit.log import record
from authn.audit.verification import verify_log
from authn.db.transaction import reading, writing
from authn.keys.audit_days import sign_days
from authn.keys.signing_keys import ensure_signing_keys
from authn.web.site import Site
from tests.audit.test_chain import chained, findings, happen
from tests.conftest import MovableClock

# As whoever has the database's own rights would: the triggers are gone first.
DISARM = {
    "sqlite": [
        "DROP TRIGGER IF EXISTS audit_events_unchanged",
        "DROP TRIGGER IF EXISTS audit_events_kept",
        "DROP TRIGGER IF EXISTS audit_chain_unchanged",
        "DROP TRIGGER IF EXISTS audit_chain_kept",
    ],
    "postgresql": ["SET LOCAL session_replication_role = replica"],
}


def behind_its_back(site: Site, *statements: str) -> None:
    """The statements, executed by somebody who owns the database."""
    with writing(site.database) as connection:
        for statement in (*DISARM[connection.dialect.name], *statements):
            connection.execute(text(statement))


@pytest.fixture
def five(site: Site) -> Site:
    """A log of five rows, chained."""
    happen(site, 5)
    chained(site)
    assert findings(site) == []
    return site


def event_ids(site: Site) -> list[int]:
    with reading(site.database) as connection:
        rows = connection.execute(text("SELECT event_id FROM audit_chain ORDER BY sequence"))
        return list(rows.scalars())


@pytest.mark.parametrize(
    "change",
    [
        "event = 'session.refused'",
        'details = \'{"level":"certified"}\'',
        "reference = 'ZZZZZZZZZZ'",
        "client_id = 'another'",
        "person_id = NULL",
        "seal = '1:00'",
    ],
)
def test_an_altered_row_is_named(five: Site, change: str) -> None:
    third = event_ids(five)[2]
    behind_its_back(five, f"UPDATE audit_events SET {change} WHERE id = {third}")
    assert any(f"number 3, row {third}" in each for each in findings(five))


def test_a_removed_row_is_named(five: Site) -> None:
    third = event_ids(five)[2]
    behind_its_back(five, f"DELETE FROM audit_events WHERE id = {third}")
    assert findings(five) == [f"the row was removed, number 3, row {third}"]


def test_a_row_removed_with_its_link_leaves_a_gap(five: Site) -> None:
    third = event_ids(five)[2]
    behind_its_back(
        five,
        f"DELETE FROM audit_events WHERE id = {third}",
        "DELETE FROM audit_chain WHERE sequence = 3",
    )
    assert "numbers are missing: 3" in findings(five)


def test_a_gap_that_is_closed_by_counting_anew_breaks_the_links(five: Site) -> None:
    third = event_ids(five)[2]
    behind_its_back(
        five,
        f"DELETE FROM audit_events WHERE id = {third}",
        "DELETE FROM audit_chain WHERE sequence = 3",
        "UPDATE audit_chain SET sequence = 3 WHERE sequence = 4",
        "UPDATE audit_chain SET sequence = 4 WHERE sequence = 5",
    )
    assert any("does not follow from the row before" in each for each in findings(five))


def test_a_row_that_was_put_in_is_named(five: Site, clock: MovableClock) -> None:
    columns = "occurred_at, event, reference, person_id, device_id, client_id, details, seal"
    behind_its_back(
        five,
        f"INSERT INTO audit_events ({columns}) SELECT {columns} FROM audit_events "
        f"WHERE id = {event_ids(five)[0]}",
    )
    clock.advance(minutes=20)
    [finding] = findings(five)
    assert "never chained" in finding or "somebody else" in finding


def test_a_row_without_our_seal_is_named_even_once_it_is_chained(five: Site) -> None:
    behind_its_back(
        five,
        "INSERT INTO audit_events (occurred_at, event, reference, details, seal) "
        "SELECT occurred_at, event, reference, details, '1:ff' FROM audit_events LIMIT 1",
    )
    chained(five)
    [finding] = findings(five)
    assert finding.startswith("the row was altered, or is not ours, number 6")


def test_two_rows_that_changed_places_are_named(five: Site) -> None:
    second, third = event_ids(five)[1:3]
    behind_its_back(
        five,
        "UPDATE audit_chain SET event_id = 0 WHERE sequence = 2",
        f"UPDATE audit_chain SET event_id = {second} WHERE sequence = 3",
        f"UPDATE audit_chain SET event_id = {third} WHERE sequence = 2",
    )
    assert any("number 2" in each for each in findings(five))
    assert any("number 3" in each for each in findings(five))


def test_links_computed_anew_without_the_key_do_not_hold(five: Site) -> None:
    """Who has the database, and our code, still has not the audit key."""
    other = replace(five.secrets, audit_key=b"0" * 32)
    with writing(five.database) as connection:
        event = SignedIn(person_id=uuid4(), device_id=uuid4(), level="device")
        record(connection, other, event, five.clock(), "ABCDEFGHJK")
    chained(five)
    assert any("not ours" in each for each in findings(five))
    with reading(five.database) as connection:
        theirs: list[Any] = list(verify_log(connection, other, five.clock()))
    assert theirs


def test_the_end_cut_off_is_found_once_the_day_is_signed(five: Site, clock: MovableClock) -> None:
    ensure_signing_keys(five.database, five.secrets, clock())
    clock.advance(days=1)
    sign_days(five.database, five.settings, five.secrets, clock())
    fifth = event_ids(five)[4]
    behind_its_back(
        five,
        f"DELETE FROM audit_events WHERE id = {fifth}",
        "DELETE FROM audit_chain WHERE sequence = 5",
    )
    assert findings(five) == [
        "the rows of 2026-03-02 that were signed are not all there",
        "rows were cut off at the end: 5 to 5",
    ]


def test_what_can_be_read_no_more_is_named_and_the_rest_is_checked(five: Site) -> None:
    """SQLite takes any text for a moment or an id, and both take any letter in a seal."""
    second, third, fourth = event_ids(five)[1:4]
    changes = {
        second: "seal = '1:\u00e9'",
        third: "person_id = 'nobody'" if five.database.write_lock else "details = '\u00e9'",
        fourth: "occurred_at = 'once'" if five.database.write_lock else "reference = ''",
    }
    statements = [
        f"UPDATE audit_events SET {each} WHERE id = {row}" for row, each in changes.items()
    ]
    behind_its_back(five, *statements)
    said = findings(five)
    for number, row in enumerate(changes, 2):
        assert any(f"number {number}, row {row}" in each for each in said), said
    assert not any("number 5" in each for each in said)


def test_a_number_that_is_there_twice_is_refused_by_the_database(five: Site) -> None:
    with pytest.raises(IntegrityError):
        behind_its_back(five, "UPDATE audit_chain SET sequence = 3 WHERE sequence = 4")
    with pytest.raises(IntegrityError):
        first = event_ids(five)[0]
        behind_its_back(five, f"UPDATE audit_chain SET event_id = {first} WHERE sequence = 4")

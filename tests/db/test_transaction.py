"""One endpoint is one transaction: a refusal commits, a crash rolls back."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, func, select

from authn.audit.log import audit_events
from authn.db import engine as engine_module
from authn.db.engine import Database
from authn.db.once import insert_once
from authn.db.transaction import NeedsToWrite, reading, writing
from authn.db.upgrade import upgrade
from authn.db.version import is_current
from authn.errors import Refusal, Unavailable
from authn.settings import Settings

TRIES = 16
notes = Table("test_notes", MetaData(), Column("name", String(40), primary_key=True))
counters = Table(
    "test_counters",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("value", Integer, nullable=False),
)


@pytest.fixture(autouse=True)
def tables(database: Database) -> Iterator[None]:
    """Two tables of the test's own."""
    with writing(database) as connection:
        notes.metadata.create_all(connection)
        counters.metadata.create_all(connection)
        connection.execute(counters.insert().values(id=1, value=0))
    yield
    with writing(database) as connection:
        notes.metadata.drop_all(connection)
        counters.metadata.drop_all(connection)


def note(connection: Connection, name: str) -> None:
    connection.execute(notes.insert().values(name=name))


def names(database: Database) -> list[str]:
    with reading(database) as connection:
        return list(connection.execute(select(notes.c.name).order_by(notes.c.name)).scalars())


def at_once(work: Callable[[int], bool]) -> list[bool]:
    """The results of the same work, tried by many threads at the same time."""
    with ThreadPoolExecutor(TRIES) as pool:
        return list(pool.map(work, range(TRIES)))


def test_what_is_inserted_once_is_never_inserted_while_reading(database: Database) -> None:
    with reading(database) as connection, pytest.raises(NeedsToWrite):
        insert_once(connection, notes, {"name": "read"})
    assert names(database) == []


def test_what_was_written_before_a_refusal_stays(database: Database) -> None:
    with pytest.raises(Refusal), writing(database) as connection:
        note(connection, "burnt")
        raise Refusal("no", "No.")
    assert names(database) == ["burnt"]


def test_a_refusal_inside_a_savepoint_keeps_only_what_came_before_it(database: Database) -> None:
    with pytest.raises(Refusal), writing(database) as connection:
        note(connection, "burnt")
        with connection.begin_nested():
            note(connection, "half done")
            raise Refusal("no", "No.")
    assert names(database) == ["burnt"]


def test_a_crash_leaves_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), writing(database) as connection:
        note(connection, "half done")
        raise ZeroDivisionError
    assert names(database) == []


def test_single_use_has_one_winner_among_many(database: Database) -> None:
    def use(number: int) -> bool:
        with writing(database) as connection:
            return insert_once(connection, notes, {"name": "once"})

    for _ in range(5):
        assert sum(at_once(use)) == 1
        with writing(database) as connection:
            connection.execute(notes.delete())


def test_reading_and_then_writing_loses_no_update(database: Database) -> None:
    def count(number: int) -> bool:
        with writing(database) as connection:
            row = select(counters.c.value).where(counters.c.id == 1).with_for_update()
            value = connection.execute(row).scalar_one()
            connection.execute(counters.update().values(value=value + 1))
        return True

    assert all(at_once(count))
    with reading(database) as connection:
        assert connection.execute(select(func.max(counters.c.value))).scalar() == TRIES


def test_another_process_writing_all_the_time_keeps_nobody_out(
    database: Database, settings: Settings
) -> None:
    program = (
        "from authn.db.engine import open_database\n"
        "from authn.db.transaction import writing\n"
        "from authn.settings import Settings\n"
        f"database = open_database(Settings(database_url={settings.sqlalchemy_url!r}))\n"
        "for _ in range(200):\n"
        "    with writing(database) as connection:\n"
        "        connection.exec_driver_sql('UPDATE test_counters SET value = value + 1')\n"
    )
    with subprocess.Popen([sys.executable, "-c", program]) as process:
        for _ in range(100):
            with writing(database) as connection:
                connection.execute(counters.update().values(value=counters.c.value + 1))
    assert process.returncode == 0
    with reading(database) as connection:
        assert connection.execute(select(counters.c.value)).scalar() == 300


def test_a_lock_that_stays_taken_is_unavailable(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "WAIT_SECONDS", 0.05)
    if database.write_lock is None:
        return  # PostgreSQL needs no lock of ours; tests/web/test_failures.py has its lock_timeout
    with (
        writing(database),
        pytest.raises(Unavailable),
        writing(database),
    ):
        pytest.fail("two writers at once")


def test_who_reads_has_what_was_read_before_at_hand(database: Database) -> None:
    """SQLite's connections are not taken in turns: each has what it read in a memory of its own."""
    if database.write_lock is None:
        return
    with reading(database), reading(database), reading(database):
        pass  # so many are open now
    with reading(database) as connection:
        last = connection.connection.driver_connection
    for _ in range(3):
        with writing(database) as connection:
            assert connection.connection.driver_connection is last


def test_an_instant_comes_back_in_utc(database: Database) -> None:
    moment = datetime(2026, 11, 24, 8, 30, 15, 123456, tzinfo=UTC)
    with writing(database) as connection:
        connection.execute(
            audit_events.insert().values(
                occurred_at=moment, event="x", reference="-", details="{}", seal="-"
            )
        )
        found = connection.execute(select(audit_events.c.occurred_at)).scalar_one()
    assert found == moment and found.utcoffset() == moment.utcoffset()


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    assert is_current(database)
    assert upgrade(database) is False

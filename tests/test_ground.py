"""The tests' own ground: what it promises to every other test."""

from sqlalchemy import text

from authn.db.engine import Database
from authn.db.transaction import reading, writing


def test_each_test_gets_the_engine_that_it_asked_for(database: Database, database_url: str) -> None:
    with reading(database) as connection:
        assert database_url.startswith(connection.dialect.name)


def test_a_fresh_database_is_migrated(database: Database) -> None:
    with reading(database) as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()


def test_a_write_in_a_reading_transaction_is_noticed(
    database: Database, writes_while_reading: list[str]
) -> None:
    statement = "UPDATE alembic_version SET version_num = version_num"
    with writing(database) as connection:
        connection.execute(text(statement))
    assert writes_while_reading == []
    with reading(database) as connection:
        connection.execute(text(statement))
    assert writes_while_reading == [statement]
    writes_while_reading.clear()

"""A row that goes to the driver as text is the row that SQLAlchemy's own way would have written."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import pytest
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    Uuid,
    event,
    select,
)

from authn.db.engine import Database
from authn.db.inserting import insert_row, insert_rows
from authn.db.metadata import UtcDateTime
from authn.db.transaction import NeedsToWrite, reading, writing

NOW = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
everything = Table(
    "test_of_every_type",
    MetaData(),
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("at", UtcDateTime),
    Column("who", Uuid),
    Column("said", Text),
    Column("name", String(40)),
    Column("how_many", BigInteger),
    Column("whether", Boolean),
    Column("day", Date),
    Column("bytes", LargeBinary),
    Column("document", JSON),
)
VALUES = {
    "document": {"b": [1, None, "é"], "a": {}},
    "at": NOW,
    "who": uuid4(),
    "said": "100 % of it: %s, ?, :name, 'quoted'",
    "name": "Élodie",
    "how_many": 2**40,
    "whether": True,
    "day": NOW.date(),
    "bytes": b"\x00\xff",
}


@pytest.fixture(autouse=True)
def _table(database: Database) -> Iterator[None]:
    """The table, and none of it afterwards: a database is emptied for the next test, not made."""
    with writing(database) as connection:
        everything.metadata.drop_all(connection)
        everything.metadata.create_all(connection)
    yield
    with writing(database) as connection:
        everything.metadata.drop_all(connection)


def rows(database: Database) -> list[tuple[object, ...]]:
    columns = [column for column in everything.c if column.name != "id"]
    with reading(database) as connection:
        found = connection.execute(select(*columns).order_by(everything.c.id))
        return [tuple(row) for row in found]


@pytest.mark.parametrize("values", [VALUES, {**dict.fromkeys(VALUES), "document": []}])
def test_every_type_is_written_as_by_sqlalchemy_itself(
    database: Database, values: dict[str, object]
) -> None:
    with writing(database) as connection:
        connection.execute(everything.insert(), values)
        insert_row(connection, everything, values)
        insert_rows(connection, everything, [values, values])
    first, *others = rows(database)
    assert others == [first] * 3
    if values["at"]:
        assert first[0] == NOW.astimezone(UTC)


def test_a_column_that_is_not_named_is_empty(database: Database) -> None:
    with writing(database) as connection:
        insert_row(connection, everything, {"name": "x"})
        insert_row(connection, everything, {"how_many": 1})
        insert_rows(connection, everything, [])
    assert [row.count(None) for row in rows(database)] == [8, 8]


def test_rows_with_other_columns_are_refused_and_none_is_written(database: Database) -> None:
    for other in ({"name": "y", "how_many": 1}, {"how_many": 1}):
        with pytest.raises(ValueError, match="columns"), writing(database) as connection:
            insert_rows(connection, everything, [{"name": "x"}, other])
    assert rows(database) == []


def test_a_transaction_that_reads_does_not_write(database: Database) -> None:
    with pytest.raises(NeedsToWrite), reading(database) as connection:
        insert_row(connection, everything, VALUES)
    with pytest.raises(NeedsToWrite), reading(database) as connection:
        insert_rows(connection, everything, [])


def test_who_counts_statements_hears_of_one(database: Database) -> None:
    heard: list[str] = []

    def hear(connection: object, cursor: object, statement: str, *others: object) -> None:
        heard.append(statement)

    event.listen(database.writer, "before_cursor_execute", hear)
    try:
        with writing(database) as connection:
            insert_row(connection, everything, VALUES)
            insert_rows(connection, everything, [VALUES, VALUES])
    finally:
        event.remove(database.writer, "before_cursor_execute", hear)
    assert [each.split("(")[0].strip() for each in heard] == [f"INSERT INTO {everything.name}"] * 2
    assert "RETURNING" not in "".join(heard)

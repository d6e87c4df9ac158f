"""How the database would carry out what the application asks: which tables it reads whole.

A plan says the same on every machine and at every load, which no measured time does. PostgreSQL
would read a small table whole whatever index there is, so it is told not to where it can do
otherwise; what it does then depends on what it believes of the tables (`as_if_new`).
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, event, text

_NEVER_LOOKED_AT = text(
    "UPDATE pg_class SET relpages = 0, reltuples = -1 "
    "WHERE oid IN (SELECT to_regclass(name) FROM unnest(CAST(:names AS text[])) AS name)"
)
_UNKNOWN = text(
    "DELETE FROM pg_statistic "
    "WHERE starelid IN (SELECT to_regclass(name) FROM unnest(CAST(:names AS text[])) AS name)"
)


@dataclass(frozen=True, slots=True)
class Plan:
    """A statement, and the tables of which it reads every row: by itself, or along an index.

    `in_order` are those that it reads along an index from one end; unless what comes is `sorted`
    afterwards, it may stop.
    """

    statement: str
    scanned_whole: list[str] = field(default_factory=list)
    in_order: list[str] = field(default_factory=list)
    sorted: bool = False


@dataclass(slots=True)
class Heard:
    """A statement as it went to the driver."""

    statement: str
    parameters: Any


@contextmanager
def explained(connection: Connection) -> Iterator[list[Plan]]:
    """The plans of what is selected on this connection inside the block; filled when it ends."""
    plans: list[Plan] = []
    with heard(connection.engine) as statements:
        yield plans
    plans += [plan_of(connection, each) for each in statements]


@contextmanager
def heard(*engines: Engine) -> Iterator[list[Heard]]:
    """What is selected, changed or deleted on these engines inside the block."""
    statements: list[Heard] = []

    def hear(
        connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
    ) -> None:
        if not many and statement.lstrip().startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
            statements.append(Heard(statement, parameters))

    for engine in engines:
        event.listen(engine, "before_cursor_execute", hear)
    try:
        yield statements
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", hear)


@contextmanager
def inserted(engine: Engine) -> Iterator[list[str]]:
    """What is inserted on this engine inside the block, as it goes to the driver."""
    statements: list[str] = []

    def hear(connection: Any, cursor: Any, statement: str, *others: Any) -> None:
        if statement.startswith("INSERT"):
            statements.append(statement)

    event.listen(engine, "before_cursor_execute", hear)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", hear)


@contextmanager
def as_if_new(engine: Engine, tables: Iterable[str]) -> Iterator[Connection]:
    """A connection on which nothing is known of what these tables hold, as on the first day.

    Without it PostgreSQL would judge by what something in the background saw last, some time ago,
    of a handful of rows: another plan each time. Of a table that was never looked at it takes some
    hundred rows for granted, and of an index that a value has a few. Nothing of it stays.
    """
    names = sorted(tables)
    if engine.dialect.name == "postgresql":  # pages that tests before left empty would count
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"VACUUM {', '.join(names)}")
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            named = {"names": names}
            connection.execute(_NEVER_LOOKED_AT, named)
            connection.execute(_UNKNOWN, named)
        yield connection
        connection.rollback()


def plan_of(connection: Connection, each: Heard) -> Plan:
    """How the database would carry it out; it is not."""
    if connection.dialect.name == "sqlite":
        return _of_sqlite(connection, each)
    connection.exec_driver_sql("SET enable_seqscan = off")
    try:
        explaining = f"EXPLAIN (FORMAT JSON) {each.statement}"
        found = connection.exec_driver_sql(explaining, each.parameters).scalar_one()
    finally:
        connection.exec_driver_sql("RESET enable_seqscan")
    [top] = orjson.loads(found) if isinstance(found, str) else found
    plan, sorted_ = Plan(each.statement), False
    for node in _nodes(top["Plan"]):
        sorted_ |= node["Node Type"] == "Sort"  # an incremental one stops where its input does
        _scan_of_postgresql(plan, node)
    return Plan(plan.statement, plan.scanned_whole, plan.in_order, sorted_)


def _scan_of_postgresql(plan: Plan, node: Mapping[str, Any]) -> None:
    kind = node["Node Type"]
    if kind == "Seq Scan":
        plan.scanned_whole.append(node["Relation Name"])
    elif kind in ("Index Scan", "Index Only Scan") and "Index Cond" not in node:
        plan.in_order.append(node["Relation Name"])
    elif kind == "Bitmap Index Scan" and "Index Cond" not in node:
        plan.scanned_whole.append(node["Index Name"])


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _of_sqlite(connection: Connection, each: Heard) -> Plan:
    """https://www.sqlite.org/eqp.html: SCAN is every row, SEARCH some by an index."""
    plan, sorted_ = Plan(each.statement), False
    rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {each.statement}", each.parameters)
    for detail in (row[3] for row in rows):
        sorted_ |= detail.startswith("USE TEMP B-TREE FOR ORDER BY")
        if detail.startswith("SCAN "):
            table = detail.split()[1]
            (plan.in_order if " INDEX " in detail else plan.scanned_whole).append(table)
    return Plan(plan.statement, plan.scanned_whole, plan.in_order, sorted_)

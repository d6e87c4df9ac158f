"""The search of the audit log, the newest rows first, for people who may see all of them.

Each search goes down one index: that of the narrowest thing that is asked. Of the rows there at
most `LOOKED_THROUGH` are held against the rest of what is asked, so that no question takes longer
than another; where that was not enough, the answer says from where to look on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    and_,
    bindparam,
    func,
    or_,
    select,
)

from authn.audit.events.clients import (
    AssertionIssuerEnded,
    AssertionIssuerRegistered,
    ClientChanged,
    ClientEnded,
    ClientRegistered,
    ExchangeAllowed,
    ExchangeForbidden,
    ResourceChanged,
    ResourceEnded,
    ResourceRegistered,
)
from authn.audit.log import audit_events
from authn.db.metadata import UtcDateTime

LOOKED_THROUGH: Final = 10_000
PROBED: Final = 500
# What can be asked, by the columns of the log; each has an index of its own.
ASKED: Final = ("reference", "person_id", "actor_id", "client_id", "event")
# What an operator does about an application, and nobody does with it.
NO_USE: Final = [
    event.name
    for event in (
        ClientRegistered,
        ClientChanged,
        ClientEnded,
        ResourceRegistered,
        ResourceChanged,
        ResourceEnded,
        ExchangeAllowed,
        ExchangeForbidden,
        AssertionIssuerRegistered,
        AssertionIssuerEnded,
    )
]


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """What is asked of a row; None for whatever it may be. `until` is not part of it any more."""

    since: datetime | None = None
    until: datetime | None = None
    reference: str | None = None
    person_id: UUID | None = None
    actor_id: UUID | None = None
    client_id: str | None = None
    event: str | None = None

    @property
    def asked(self) -> Mapping[str, Any]:
        """What is asked besides the time, by column."""
        found = {name: getattr(self, name) for name in ASKED}
        return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True, slots=True)
class AuditRow:
    """A row as it is stored; `details` are what its event tells besides what every event may."""

    id: int
    occurred_at: datetime
    event: str
    reference: str
    person_id: UUID | None
    device_id: UUID | None
    client_id: str | None
    actor_id: UUID | None
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AuditRowMark:
    """A row that was reached: what comes next is older, or as old with a lower number."""

    at: datetime
    id: int


@dataclass(frozen=True, slots=True)
class AuditRows:
    """What was found, and from where to look on; `further` is None where there is no more.

    `given_up` is whether that is because so many rows were looked through already.
    """

    rows: list[AuditRow]
    further: AuditRowMark | None
    given_up: bool = False


_COLUMNS = tuple(audit_events.c[name] for name in AuditRow.__dataclass_fields__)


def search_rows(
    connection: Connection, filters: AuditFilters, before: AuditRowMark | None, most: int
) -> AuditRows:
    """At most `most` rows that match the filters and are older than the mark, the newest first."""
    asked = filters.asked
    lead = _narrowest(connection, filters)
    timed = frozenset(
        name
        for name, value in (
            ("since", filters.since),
            ("until", filters.until),
            ("before", before),
        )
        if value is not None
    )
    parameters = {**asked, "since": filters.since, "until": filters.until, "most": most + 1}
    if before is not None:
        parameters |= {"at": before.at, "below": before.id}
    statement = _statement(lead, frozenset(asked), timed)
    found = [_row(each) for each in connection.execute(statement, parameters)]
    if len(found) > most:
        last = found[most - 1]
        return AuditRows(found[:most], AuditRowMark(last.occurred_at, last.id))
    reached = None
    if set(asked) - {lead}:
        row = connection.execute(_last_looked_at(lead, timed), parameters).first()
        reached = AuditRowMark(row.occurred_at, row.id) if row else None
    return AuditRows(found, reached, given_up=reached is not None)


def find_row(connection: Connection, row_id: int) -> Any:
    """The row with this number, with its seal, as it is stored; None where there is none."""
    return connection.execute(_ONE, {"row_id": row_id}).first()


def last_use_at(connection: Connection, client_id: str) -> datetime | None:
    """When the application was last used, by the audit log."""
    parameters = {"client_id": client_id, "none": NO_USE}
    return connection.execute(_LAST_USE, parameters).scalar()


_ONE = select(audit_events).where(audit_events.c.id == bindparam("row_id"))
_LAST_USE = (
    select(audit_events.c.occurred_at)
    .where(
        audit_events.c.client_id == bindparam("client_id"),
        audit_events.c.event.not_in(bindparam("none", expanding=True)),
    )
    .order_by(audit_events.c.occurred_at.desc())
    .limit(1)
)


def _row(found: Any) -> AuditRow:
    return AuditRow(**{**found._mapping, "details": orjson.loads(found.details)})


def _narrowest(connection: Connection, filters: AuditFilters) -> str:
    """Which of what is asked the fewest rows have; "" where nothing is asked but a time."""
    asked = filters.asked
    if len(asked) < 2:
        return next(iter(asked), "")
    if "reference" in asked:
        return "reference"
    counts = {
        name: connection.execute(_probe(name), {name: value}).scalar_one()
        for name, value in asked.items()
    }
    return min(counts, key=lambda name: counts[name])


@cache
def _probe(name: str) -> Select[Any]:
    """How many rows have it, as far as it matters."""
    some = select(audit_events.c.id).where(audit_events.c[name] == bindparam(name)).limit(PROBED)
    return select(func.count()).select_from(some.subquery())


# Statements are put together once for each set of questions: there are not many.
@cache
def _statement(lead: str, asked: frozenset[str], timed: frozenset[str]) -> Select[Any]:
    others = sorted(asked - {lead})
    if not others:
        return _led(lead, timed).limit(bindparam("most", type_=Integer))
    looked_at = _led(lead, timed).limit(LOOKED_THROUGH).subquery("looked_at")
    return (
        select(*(looked_at.c[column.name] for column in _COLUMNS))
        .where(*(looked_at.c[name] == bindparam(name) for name in others))
        .order_by(looked_at.c.occurred_at.desc(), looked_at.c.id.desc())
        .limit(bindparam("most", type_=Integer))
    )


@cache
def _last_looked_at(lead: str, timed: frozenset[str]) -> Select[Any]:
    """The last row that `_statement` looks at, where there are more behind it."""
    only = _led(lead, timed).with_only_columns(audit_events.c.occurred_at, audit_events.c.id)
    return only.limit(1).offset(LOOKED_THROUGH - 1)


def _led(lead: str, timed: frozenset[str]) -> Select[Any]:
    statement = select(*_COLUMNS).order_by(
        audit_events.c.occurred_at.desc(), audit_events.c.id.desc()
    )
    if lead:
        statement = statement.where(audit_events.c[lead] == bindparam(lead))
    return statement.where(*(_TIMES[name] for name in sorted(timed)))


_AT = audit_events.c.occurred_at
_TIMES: Mapping[str, ColumnElement[bool]] = {
    "since": bindparam("since", type_=UtcDateTime) <= _AT,
    "until": bindparam("until", type_=UtcDateTime) > _AT,
    "before": and_(
        bindparam("at", type_=UtcDateTime) >= _AT,
        or_(
            bindparam("at", type_=UtcDateTime) > _AT,
            audit_events.c.id < bindparam("below", type_=Integer),
        ),
    ),
}

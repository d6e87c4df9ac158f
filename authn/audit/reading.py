"""The audit events about one person, the newest first."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection, Integer, bindparam, select

from authn.audit.log import audit_events
from authn.db.metadata import UtcDateTime


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """A row about a person; `event` is the name of a class of `audit.events` and its like.

    `details` are the fields of that class that not every event has.
    """

    occurred_at: datetime
    event: str
    reference: str
    person_id: UUID
    device_id: UUID | None
    client_id: str | None
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RowPlace:
    """Where reading goes on: at rows of this moment, without the first `skip` of them.

    Not at a row's number, which would tell how much happens to everybody.
    """

    at: datetime
    skip: int = 0

    def after(self, rows: Collection[RecordedEvent]) -> "RowPlace":
        """The place behind these rows, which were read at this one."""
        if not rows:
            return self
        last = [*rows][-1].occurred_at
        skip = sum(row.occurred_at == last for row in rows)
        return RowPlace(last, skip + self.skip if last == self.at else skip)


_COLUMNS = tuple(audit_events.c[name] for name in RecordedEvent.__dataclass_fields__)
# Down the index of the person, from a moment on; built once, as everywhere.
_RECORDED = (
    select(*_COLUMNS)
    .where(
        audit_events.c.person_id.in_(bindparam("person_ids", expanding=True)),
        audit_events.c.occurred_at <= bindparam("at", type_=UtcDateTime),
        audit_events.c.occurred_at > bindparam("since", type_=UtcDateTime),
        audit_events.c.event.in_(bindparam("events", expanding=True)),
    )
    .order_by(audit_events.c.occurred_at.desc(), audit_events.c.id.desc())
    .limit(bindparam("most", type_=Integer))
    .offset(bindparam("skip", type_=Integer))
)


def list_recorded_events(
    connection: Connection,
    person_ids: Collection[UUID],
    events: Collection[str],
    since: datetime,
    place: RowPlace,
    most: int,
) -> list[RecordedEvent]:
    """At most `most` rows about these persons, of these events, from the place backwards.

    Several persons are one who was merged (`people.merge.list_merged_ids`). No row is as old as
    `since`.
    """
    parameters = {
        "person_ids": list(person_ids),
        "events": list(events),
        "since": since,
        "at": place.at,
        "skip": place.skip,
        "most": most,
    }
    rows = connection.execute(_RECORDED, parameters)
    return [
        RecordedEvent(at, event, reference, person, device, client, orjson.loads(details))
        for at, event, reference, person, device, client, details in rows
    ]

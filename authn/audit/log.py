"""Appends events to the table, sealed."""

from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, String, Table, Text, Uuid

from authn.audit.events.event import Event
from authn.db.inserting import insert_row, insert_rows
from authn.db.metadata import UtcDateTime, metadata
from authn.secrets import Secrets, audit_seal

COMMON = ("person_id", "device_id", "client_id", "actor_id")

audit_events = Table(
    "audit_events",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("occurred_at", UtcDateTime, nullable=False),
    Column("event", String(50), nullable=False),
    Column("reference", String(32), nullable=False),
    Column("person_id", Uuid),
    Column("device_id", Uuid),
    Column("client_id", String(200)),
    Column("details", Text, nullable=False),
    Column("seal", String(80), nullable=False),
    # Who of the staff did it; none where nobody of them did.
    Column("actor_id", Uuid),
    # What happened to one person, the newest first; and where a thing happened.
    Index(None, "person_id", "occurred_at", "id"),
    Index(None, "event", "occurred_at"),
    # What somebody reads aloud from a page.
    Index(None, "reference"),
    # The newest of all, and of a time.
    Index(None, "occurred_at"),
)

_BY_STAFF = audit_events.c.actor_id.is_not(None)
Index(
    "ix_audit_events_actor_id_occurred_at",
    audit_events.c.actor_id,
    audit_events.c.occurred_at,
    sqlite_where=_BY_STAFF,
    postgresql_where=_BY_STAFF,
)

# Which application it was, and when one was used last.
_BY_CLIENT = audit_events.c.client_id.is_not(None)
Index(
    "ix_audit_events_client_id_occurred_at",
    audit_events.c.client_id,
    audit_events.c.occurred_at,
    sqlite_where=_BY_CLIENT,
    postgresql_where=_BY_CLIENT,
)


def record(
    connection: Connection, secrets: Secrets, event: Event, now: datetime, reference: str
) -> None:
    """Append an event to the audit log, sealed, in the caller's transaction.

    `reference` is the number of the request, as the person saw it if there was an error; "-" for
    the command line. Raises `NeedsToWrite` in a transaction that only reads.
    """
    insert_row(connection, audit_events, _sealed(secrets, event, now, reference))


def record_several(
    connection: Connection,
    secrets: Secrets,
    several: Iterable[Event],
    now: datetime,
    reference: str,
) -> None:
    """Append several events to the audit log, as `record` does, in one statement."""
    rows = [_sealed(secrets, event, now, reference) for event in several]
    insert_rows(connection, audit_events, rows)


def _sealed(secrets: Secrets, event: Event, now: datetime, reference: str) -> dict[str, Any]:
    """The row of an event, with its seal."""
    kind: Any = type(event)
    details = {name: getattr(event, name) for name in _names_of_details(kind)}
    row: dict[str, Any] = {
        "occurred_at": now.astimezone(UTC),  # as it is read back: the seal is of this text
        "event": event.name,
        "reference": reference,
        "person_id": event.person_id,
        "device_id": event.device_id,
        "client_id": event.client_id,
        "details": orjson.dumps(details).decode(),
    }
    actor_id = event.actor_id or None
    if actor_id:  # in the seal too, but rows that have none are sealed as they ever were
        row["actor_id"] = actor_id
    seal = audit_seal(secrets, orjson.dumps(row))
    row["actor_id"], row["seal"] = actor_id, seal
    return row


@cache  # to ask a class for its fields takes longer than to read them
def _names_of_details(event: type[Event]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(event) if field.name not in COMMON)

"""Appends an event to the table, sealed."""

from dataclasses import fields
from datetime import UTC, datetime

import orjson
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, String, Table, Text, Uuid

from authn.audit.events import Event
from authn.db.metadata import Instant, metadata
from authn.db.transaction import must_write
from authn.secrets import Secrets, audit_seal

COMMON = ("person_id", "device_id", "client_id", "actor_id")

audit_events = Table(
    "audit_events",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("occurred_at", Instant, nullable=False),
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

# Built once: putting a statement together costs more than executing it.
_INSERT = audit_events.insert()


def record(
    connection: Connection, secrets: Secrets, event: Event, now: datetime, reference: str
) -> None:
    """The event is in the table when the transaction commits.

    `reference` is the number of the request, as the person saw it if there was an error; "-" for
    the command line. Raises `NeedsToWrite` in a transaction that only reads.
    """
    must_write(connection)
    details = {
        field.name: getattr(event, field.name)
        for field in fields(event)
        if field.name not in COMMON
    }
    row = {
        "occurred_at": now.astimezone(UTC),  # as it is read back: the seal is of this text
        "event": event.name,
        "reference": reference,
        "person_id": event.person_id,
        "device_id": event.device_id,
        "client_id": event.client_id,
        "details": orjson.dumps(details).decode(),
    }
    if event.actor_id:  # in the seal too, but rows that have none are sealed as they ever were
        row["actor_id"] = event.actor_id
    seal = audit_seal(secrets, orjson.dumps(row))
    connection.execute(_INSERT, {"actor_id": None, **row, "seal": seal})

"""Rows of the audit log as auditors read them: all fields, and the meaning of the event."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

import orjson

from authn.audit.catalogue import event_meaning, events_by_name
from authn.audit.searching import AuditRow

SHOWN_IN_LINE: Final = 120


@dataclass(frozen=True, slots=True)
class AuditMeaning:
    """The name of an event and its documented meaning, as pieces of text: every second is code."""

    name: str
    pieces: tuple[str, ...]

    @property
    def text(self) -> str:
        """The meaning as plain text."""
        return "".join(self.pieces)


@dataclass(frozen=True, slots=True)
class AuditLine:
    """A row in the list of results; `details` are shortened."""

    id: int
    occurred_at: datetime
    event: str
    person_id: UUID | None
    actor_id: UUID | None
    client_id: str | None
    details: str
    reference: str


@dataclass(frozen=True, slots=True)
class AuditRowView:
    """A row with everything that is stored of it; empty fields are left out."""

    id: int
    occurred_at: datetime
    meaning: AuditMeaning | None
    event: str
    fields: list[tuple[str, str]]
    details: list[tuple[str, str]]
    seal: str


def audit_line(row: AuditRow) -> AuditLine:
    """The row for the list of results."""
    details = ", ".join(f"{name}: {_text(value)}" for name, value in row.details.items())
    if len(details) > SHOWN_IN_LINE:
        details = details[: SHOWN_IN_LINE - 1] + "…"
    return AuditLine(
        id=row.id,
        occurred_at=row.occurred_at,
        event=row.event,
        person_id=row.person_id,
        actor_id=row.actor_id,
        client_id=row.client_id,
        details=details,
        reference="" if row.reference == "-" else row.reference,
    )


def audit_row_view(row: Any) -> AuditRowView:
    """The row with all its fields, from the columns that `searching.find_row` read."""
    named = ("reference", "person_id", "actor_id", "device_id", "client_id")
    details = orjson.loads(row.details)
    return AuditRowView(
        id=row.id,
        occurred_at=row.occurred_at,
        meaning=next((each for each in event_meanings() if each.name == row.event), None),
        event=row.event,
        fields=[(name, str(row._mapping[name])) for name in named if row._mapping[name]],
        details=[(name, _text(value)) for name, value in details.items()],
        seal=row.seal,
    )


@cache
def event_meanings() -> tuple[AuditMeaning, ...]:
    """Every event of the audit log with its meaning, sorted by name."""
    return tuple(
        AuditMeaning(name, tuple(event_meaning(event).split("`")))
        for name, event in events_by_name().items()
    )


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return orjson.dumps(value).decode()

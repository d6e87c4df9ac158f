"""Rows of the log as an auditor reads them: every field, and what the event means."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

import orjson

from authn.audit.catalogue import every_event, meaning_of
from authn.audit.searching import AuditRow

SHOWN_IN_LINE: Final = 120


@dataclass(frozen=True, slots=True)
class AuditMeaning:
    """An event's name, and its documented meaning as pieces of text, every second one code."""

    name: str
    pieces: tuple[str, ...]

    @property
    def text(self) -> str:
        """The meaning as plain text."""
        return "".join(self.pieces)


@dataclass(frozen=True, slots=True)
class AuditSentence:
    """A row on the page of what was found; `details` are shortened."""

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
    """A row with everything that is stored of it, by name; what is not there is left out."""

    id: int
    occurred_at: datetime
    meaning: AuditMeaning | None
    event: str
    fields: list[tuple[str, str]]
    details: list[tuple[str, str]]
    seal: str


def line_of(row: AuditRow) -> AuditSentence:
    """The row as a line of the page."""
    said = ", ".join(f"{name}: {_text(value)}" for name, value in row.details.items())
    if len(said) > SHOWN_IN_LINE:
        said = said[: SHOWN_IN_LINE - 1] + "…"
    return AuditSentence(
        id=row.id,
        occurred_at=row.occurred_at,
        event=row.event,
        person_id=row.person_id,
        actor_id=row.actor_id,
        client_id=row.client_id,
        details=said,
        reference="" if row.reference == "-" else row.reference,
    )


def row_view(row: Any) -> AuditRowView:
    """All of the row, as `searching.find_row` read it."""
    named = ("reference", "person_id", "actor_id", "device_id", "client_id")
    details = orjson.loads(row.details)
    return AuditRowView(
        id=row.id,
        occurred_at=row.occurred_at,
        meaning=next((each for each in meanings() if each.name == row.event), None),
        event=row.event,
        fields=[(name, str(row._mapping[name])) for name in named if row._mapping[name]],
        details=[(name, _text(value)) for name, value in details.items()],
        seal=row.seal,
    )


@cache
def meanings() -> tuple[AuditMeaning, ...]:
    """Every event there is with its meaning, by name."""
    return tuple(
        AuditMeaning(name, tuple(meaning_of(event).split("`")))
        for name, event in every_event().items()
    )


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return orjson.dumps(value).decode()

"""Audit events of looking at what is on record: the log itself, and what a desk did.

`actor_id` is who looked; `person_id` is about whom, where somebody looked for one person.
"""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from authn.audit.events.event import DeskEvent, Event


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSearched(DeskEvent):
    """An auditor searched the audit log; `filters` are what they looked for besides the person.

    `into` is `page`, or `file` where they took what was found with them.
    """

    name: ClassVar[str] = "audit.searched"
    filters: str
    into: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRowSeen(DeskEvent):
    """An auditor opened one `row` of the audit log, which is of the event `seen`."""

    name: ClassVar[str] = "audit.row-seen"
    row: int
    seen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditVerified(Event):
    """So many `rows` of a `day` of the audit log were verified; with so many `findings`.

    Without a day it was all of it. `first` is the first finding, "" where there is none.
    """

    name: ClassVar[str] = "audit.verified"
    day: str = ""
    rows: int
    findings: int
    first: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditArchived(Event):
    """So many `rows` of a `day` of the audit log were moved into a file, on the command line."""

    name: ClassVar[str] = "audit.archived"
    day: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskActivitySeen(DeskEvent):
    """A supervisor looked at what their desk did lately; `agent` is of whom, if of one alone."""

    name: ClassVar[str] = "desk.activity-seen"
    agent: UUID | None = None

"""Events of the operator's screens that are of nothing else's: what waits to be told to others.

As in `events`: a class is an event, its docstring its public documentation.
"""

from dataclasses import dataclass
from typing import ClassVar

from authn.audit.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRetried(Event):
    """So many `rows` that could not be told to others are tried again; `row` where it was one."""

    name: ClassVar[str] = "outbox.retried"
    rows: int
    row: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxDropped(Event):
    """A `row` of this `kind` that was not told to others yet was deleted: it never will be."""

    name: ClassVar[str] = "outbox.dropped"
    row: str
    kind: str

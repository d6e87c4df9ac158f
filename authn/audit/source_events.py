"""Events of the embedded sources.

As in `events`: a class is an event, its docstring its public documentation.
"""

from dataclasses import dataclass
from typing import ClassVar

from authn.audit.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class FactsImported(Event):
    """The facts of a file of this kind were taken into an embedded source; so many ended by it."""

    name: ClassVar[str] = "source.imported"
    kind: str
    facts: int
    rejected: int
    ended: int

"""Events in the life of a person's entry here.

As in `events`: a class is an event, its docstring its public documentation.
"""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from authn.audit.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonsMerged(Event):
    """Two persons turned out to be one: on record about both, each with the `other`.

    `role` is `kept`, or `merged` for the one that is nobody's any more.
    """

    name: ClassVar[str] = "person.merged"
    role: str
    other: UUID

"""What every audit event tells, and what every event at the support desk tells besides.

A Belgian audit register says of each look which user it was, and in which capacity (decisions 9.8).
"""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every event may tell: about whom, with which device, for which application.

    `actor_id` is who of the staff did it to that person; none where the person did it.
    """

    name: ClassVar[str]
    person_id: UUID | None = None
    device_id: UUID | None = None
    client_id: str | None = None
    actor_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskEvent(Event):
    """A look or an act at the desk: `actor_id` is who of the staff it was.

    `role` is the role of theirs by which they might, with a comma between where there were
    several, and `desk` the desk at which it is theirs (`console.recording`); "" where nobody of the
    staff did it.
    """

    role: str = ""
    desk: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonedEvent(DeskEvent):
    """One about a person, for a reason.

    `reason` is of the operator's list; `explanation` and `ticket` are in the agent's own words.
    """

    reason: str
    explanation: str = ""
    ticket: str = ""

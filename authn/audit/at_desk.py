"""What events of the support desk have in common: in which role of which desk, and why.

A Belgian audit register says of each look which user it was, and in which capacity (domain 8).
"""

from dataclasses import dataclass

from authn.audit.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskEvent(Event):
    """A look or an act at the desk: `actor_id` is who of the staff it was.

    `role` is the role of theirs by which they might, with a comma between where there were
    several, and `desk` the desk at which it is theirs (`console.on_record`); "" where nobody of the
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

"""Events of the support desk: who of the staff looked at whom or did what, and why.

A class is an event, its docstring its public documentation. `actor_id` is who of the staff did it.
"""

from dataclasses import dataclass
from typing import ClassVar

from authn.audit.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffAppointed(Event):
    """A person got a `role` at a `desk`; without an actor, on the command line."""

    name: ClassVar[str] = "staff.appointed"
    role: str
    desk: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffDismissed(Event):
    """A person's `role` at the desk ended; without an actor, on the command line."""

    name: ClassVar[str] = "staff.dismissed"
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskOpened(Event):
    """A member of staff opened the support desk with their device."""

    name: ClassVar[str] = "desk.opened"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskClosed(Event):
    """A member of staff closed the support desk; one that ends by itself has no such event."""

    name: ClassVar[str] = "desk.closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskRefused(Event):
    """Somebody asked at the support desk for what they may not; nothing was done or shown.

    `act` is what they asked for, `refused` why not; without `person_id` it was about nobody, or
    about somebody who does not exist.
    """

    name: ClassVar[str] = "desk.refused"
    act: str
    refused: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskReasonGiven(Event):
    """A member of staff said why they are going to look at a person.

    `reason` is of the operator's list; `explanation` and `ticket` are in their own words.
    """

    name: ClassVar[str] = "desk.reason-given"
    reason: str
    explanation: str = ""
    ticket: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskSearched(Event):
    """A member of staff looked for somebody; what they typed is on record nowhere.

    `kind` is what they searched by: `number`, `reference`, `address` or `name`. `found` is how many
    people were shown for it, with a row for each; `person_id` is whom, also where it was one who
    may not be shown, and none where it was nobody. `citizen` is whether they were told that
    somebody without an account here is in the national register.
    """

    name: ClassVar[str] = "desk.searched"
    kind: str
    found: int
    citizen: bool = False
    reason: str
    explanation: str = ""
    ticket: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskLookedAt(Event):
    """A member of staff was shown the page of a person, with their devices and what happened."""

    name: ClassVar[str] = "desk.looked-at"
    reason: str
    explanation: str = ""
    ticket: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskNumberShown(Event):
    """A member of staff was shown the national number of a person."""

    name: ClassVar[str] = "desk.number-shown"
    reason: str
    explanation: str = ""
    ticket: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskLooksUnusual(Event):
    """A member of staff, the actor, looked at so many persons within an hour; once an hour.

    `stopped` is whether it was so many that they may look at no more for now.
    """

    name: ClassVar[str] = "desk.looks-unusual"
    looks: int
    stopped: bool

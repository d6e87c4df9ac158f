"""Audit events of the support desk: who of the staff looked at whom, and why.

`actor_id` is who of the staff it was.
"""

from dataclasses import dataclass
from typing import ClassVar

from authn.audit.events.event import DeskEvent, Event, ReasonedEvent


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
    """A member of staff opened the support desk with their device.

    `desk` is the one of theirs that they opened, `roles` what they were there: those with which the
    desk was opened. One that ends meanwhile is theirs no more.
    """

    name: ClassVar[str] = "desk.opened"
    desk: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskClosed(Event):
    """A member of staff closed the support desk; one that ends by itself has no such event."""

    name: ClassVar[str] = "desk.closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskRefused(DeskEvent):
    """Somebody asked at the support desk for what they may not; nothing was done or shown.

    `act` is what they asked for, `refused` why not; without `person_id` it was about nobody, or
    about somebody who does not exist.
    """

    name: ClassVar[str] = "desk.refused"
    act: str
    refused: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskActConfirmed(DeskEvent):
    """A member of staff confirmed with their device an act that a tool may do once in their name.

    `act` and `target`, ids of ours, are what exactly; the tool is the application. What was done by
    it is on record as the act itself, and nothing is where the tool did nothing.
    """

    name: ClassVar[str] = "desk.act-confirmed"
    act: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskReasonGiven(ReasonedEvent):
    """A member of staff said why they are going to look at a person."""

    name: ClassVar[str] = "desk.reason-given"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskSearched(ReasonedEvent):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskLookedAt(ReasonedEvent):
    """A member of staff was shown the page of a person, with their devices and what happened."""

    name: ClassVar[str] = "desk.looked-at"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskNumberShown(ReasonedEvent):
    """A member of staff was shown the national number of a person."""

    name: ClassVar[str] = "desk.number-shown"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskActedAlone(ReasonedEvent):
    """Whoever is at the machine did alone an `act` that needs two, since nobody could approve it.

    That is possible until there is a first supervisor, and never again.
    """

    name: ClassVar[str] = "desk.acted-alone"
    act: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskColleagueSeen(DeskEvent):
    """A member of staff, the actor, opened the account of a colleague of their own desk.

    With the reason that was given; the supervisors of the desk are told.
    """

    name: ClassVar[str] = "desk.colleague-seen"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskLooksUnusual(Event):
    """A member of staff, the actor, looked at so many persons within an hour; once an hour.

    `stopped` is whether it was so many that they may look at no more for now.
    """

    name: ClassVar[str] = "desk.looks-unusual"
    looks: int
    stopped: bool

"""Audit events of the support desk's acts: what was done to whom, by whom, why, and who approved.

`actor_id` is who of the staff did or asked it. What became of a device by an act is an event of its
own (`devices`), under the same reference.
"""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from authn.audit.events.event import DeskEvent, ReasonedEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskAct(ReasonedEvent):
    """What every act at the desk tells: why, and how sure the agent was of whom they spoke with.

    `checked` says of each question that the operator wants asked whether it was answered well,
    never the answer. `approved_by` is the second member of staff, where one was needed.
    """

    checked: str = ""
    approved_by: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskSuspended(DeskAct):
    """The help desk blocked a device."""

    name: ClassVar[str] = "desk.suspended"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskSuspensionUndone(DeskAct):
    """The help desk took back, within minutes, that it had blocked a device by mistake."""

    name: ClassVar[str] = "desk.suspension-undone"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskUnlinked(DeskAct):
    """The help desk removed a device; `last` is whether no device that works was left."""

    name: ClassVar[str] = "desk.unlinked"
    last: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskResumed(DeskAct):
    """The help desk unblocked a device."""

    name: ClassVar[str] = "desk.resumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskReinstated(DeskAct):
    """The help desk unblocked a device that was blocked on suspicion; `suspicion` is which.

    Of what the desk had blocked, it is the code of the reason that it was blocked for.
    """

    name: ClassVar[str] = "desk.reinstated"
    suspicion: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskBlockedAll(DeskAct):
    """The help desk blocked every device of a person."""

    name: ClassVar[str] = "desk.blocked-all"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskAccountRecoveryBegun(DeskAct):
    """The help desk began the return of a person who has no device any more."""

    name: ClassVar[str] = "desk.return-begun"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskAddressChanged(DeskAct):
    """The help desk added or removed (`change`) a contact address; never the address."""

    name: ClassVar[str] = "desk.address-changed"
    change: str
    address_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskMerged(DeskAct):
    """The help desk made one person of two who turned out to be one, `other` being the other."""

    name: ClassVar[str] = "desk.merged"
    other: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalEvent(DeskEvent):
    """What every step of an approval tells: which one, and of which act."""

    approval: UUID
    act: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonedApprovalEvent(ApprovalEvent):
    """One that tells why the act was asked as well, as `ReasonedEvent` does."""

    reason: str
    explanation: str = ""
    ticket: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalAsked(ReasonedApprovalEvent):
    """A member of staff asked for a second one's approval of an act; nothing was done yet.

    Without an actor, whoever is at the machine asked it on the command line. `asked_by` in the
    events that follow is the same.
    """

    name: ClassVar[str] = "approval.asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalSeen(ReasonedApprovalEvent):
    """Another member of staff saw what waits for approval, about this person."""

    name: ClassVar[str] = "approval.seen"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalGiven(ApprovalEvent):
    """The actor approved what `asked_by` had asked; the act itself is on record too."""

    name: ClassVar[str] = "approval.given"
    asked_by: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRefused(ApprovalEvent):
    """The actor refused what `asked_by` had asked, for the `remark` in their own words."""

    name: ClassVar[str] = "approval.refused"
    asked_by: UUID | None
    remark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalWithdrawn(ApprovalEvent):
    """Who had asked for approval asks for it no more."""

    name: ClassVar[str] = "approval.withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalExpired(ApprovalEvent):
    """Nobody decided in time about what `asked_by` had asked; nothing was done."""

    name: ClassVar[str] = "approval.expired"
    asked_by: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalFailed(ApprovalEvent):
    """The actor approved it, but it could not be done any more; `failure` is for operators."""

    name: ClassVar[str] = "approval.failed"
    asked_by: UUID | None
    failure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalLapsed(ApprovalEvent):
    """What `approved_by` had approved was not carried out: they may not approve it any more.

    The actor is who wanted to carry it out, none at the machine; `failure` is for operators.
    """

    name: ClassVar[str] = "approval.lapsed"
    approved_by: UUID | None
    failure: str

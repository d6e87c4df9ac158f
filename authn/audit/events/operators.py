"""Audit events of requests that wait for a second operator."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from authn.audit.events.event import DeskEvent, Event


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorRequestEvent(DeskEvent):
    """What every step of a request tells: which one, of what `kind`, and on what (`target`)."""

    request: UUID
    kind: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorRequestAsked(OperatorRequestEvent):
    """Somebody asked for what gives much, as `gives` names; nothing was done yet.

    Without an actor, whoever is at the machine asked it on the command line. With `person_id`, it
    is a role for this person. `asked_by` in the events that follow is the actor here.
    """

    name: ClassVar[str] = "operator-request.asked"
    gives: tuple[str, ...]
    reason: str
    ticket: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorRequestApproved(OperatorRequestEvent):
    """The actor approved what `asked_by` had asked; what was done is on record too."""

    name: ClassVar[str] = "operator-request.approved"
    asked_by: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorRequestRefused(OperatorRequestEvent):
    """The actor refused what `asked_by` had asked, for the `remark` in their own words."""

    name: ClassVar[str] = "operator-request.refused"
    asked_by: UUID | None
    remark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorRequestWithdrawn(OperatorRequestEvent):
    """Who had asked asks for it no more, or asked it anew."""

    name: ClassVar[str] = "operator-request.withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorRequestExpired(OperatorRequestEvent):
    """Nobody decided in time about what `asked_by` had asked; nothing was done."""

    name: ClassVar[str] = "operator-request.expired"
    asked_by: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorRequestFailed(OperatorRequestEvent):
    """The actor approved it, but it could not be done any more; `failure` is for operators."""

    name: ClassVar[str] = "operator-request.failed"
    asked_by: UUID | None
    failure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorActedAlone(Event):
    """Whoever is at the machine did alone what needs two, since there was no second one.

    Every operator and supervisor was told by mail. `kind`, `target` and `gives` are as in
    `operator-request.asked`.
    """

    name: ClassVar[str] = "operator.acted-alone"
    kind: str
    target: str
    gives: tuple[str, ...]
    reason: str
    ticket: str = ""

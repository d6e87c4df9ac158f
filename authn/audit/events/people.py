"""Audit events of a person: activation codes, signing in and out, two accounts that became one."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from authn.audit.events.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationCodeIssued(Event):
    """An activation code was issued for a person."""

    name: ClassVar[str] = "activation.issued"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationRefused(Event):
    """An activation code was presented and refused; `reason` is for operators."""

    name: ClassVar[str] = "activation.refused"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn(Event):
    """A person signed in with a device; `level` is the level of the login."""

    name: ClassVar[str] = "session.signed-in"
    level: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRefused(Event):
    """A verified assertion was refused all the same; `reason` is for operators."""

    name: ClassVar[str] = "session.refused"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOut(Event):
    """A session was ended by its holder, here or from an application."""

    name: ClassVar[str] = "session.signed-out"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOutEverywhere(Event):
    """A person ended all their `sessions` at once; and so many grants that would have gone on."""

    name: ClassVar[str] = "session.signed-out-everywhere"
    sessions: int
    offline_grants: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonsMerged(Event):
    """Two persons turned out to be one: on record about both, each with the `other`.

    `role` is `kept`, or `merged` for the one that is nobody's any more.
    """

    name: ClassVar[str] = "person.merged"
    role: str
    other: UUID

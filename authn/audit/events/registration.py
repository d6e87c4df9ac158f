"""Audit events of the registration desk: identity checks, codes issued, foreign identities matched.

`actor_id` is the registrar.
"""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from authn.audit.events.event import DeskEvent, Event, ReasonedEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class CitizenSearched(DeskEvent):
    """A registrar looked for a citizen by national number; without a person there was none."""

    name: ClassVar[str] = "registration.searched"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationEvent(ReasonedEvent):
    """What every act at the registration desk tells: why it was done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityChecked(RegistrationEvent):
    """A registrar checked an identity document.

    `document` is its kind, `last_digits` are those of its number and nothing more of it,
    `valid_until` is its last day; `checked` names the checks of the operator's list that were done.
    """

    name: ClassVar[str] = "registration.identity-checked"
    document: str
    last_digits: str
    valid_until: str
    checked: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskCodeAsked(RegistrationEvent):
    """A registrar asked for an activation code.

    `second_half` is how its other half goes to the person; `state` whether it may be printed
    (`open`), waits for a second member of staff (`asked`) or for a day (`waiting`).
    """

    name: ClassVar[str] = "registration.code-asked"
    desk_code: UUID
    second_half: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskCodePrinted(RegistrationEvent):
    """A registrar printed the letter of an activation code; an earlier code was withdrawn by it.

    `approved_by` is the second member of staff, where there was one; `again` whether the letter was
    printed anew, the one before being spoiled.
    """

    name: ClassVar[str] = "registration.code-printed"
    desk_code: UUID
    approved_by: UUID | None = None
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskCodeCancelled(DeskEvent):
    """A code of the desk was cancelled: by a registrar, or by the person in a mail (no actor)."""

    name: ClassVar[str] = "registration.code-cancelled"
    desk_code: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignIdentityArrived(Event):
    """An upstream proved an identity without a Belgian number, which waits to be matched."""

    name: ClassVar[str] = "identity.unmatched"
    upstream: str
    identity: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignIdentitySeen(RegistrationEvent):
    """A registrar saw what a foreign identity says of its holder."""

    name: ClassVar[str] = "identity.seen"
    identity: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignIdentityMatched(RegistrationEvent):
    """A registrar matched a foreign identity to a person, whom it leads to from then on.

    `approved_by` is the second member of staff, where there was one.
    """

    name: ClassVar[str] = "identity.matched"
    identity: UUID
    approved_by: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignIdentityParted(RegistrationEvent):
    """A registrar took a match away: the foreign identity leads to nobody any more.

    `ended_return` is whether a return ended by it that was begun with that identity, `blocked` how
    many devices were blocked that it had let in; each of them is on record as `device.suspended`.
    """

    name: ClassVar[str] = "identity.parted"
    identity: UUID
    ended_return: bool = False
    blocked: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignMatchEnded(Event):
    """A match that one registrar alone had made ended by itself, since it would need two by now.

    `why`: the person got a `role` at the desk, was joined with another account (`merger`), or got a
    `device` that did not come by that identity. What ended with it is said as in `identity.parted`.
    """

    name: ClassVar[str] = "identity.match-ended"
    identity: UUID
    why: str
    ended_return: bool = False
    blocked: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorCodeIssued(RegistrationEvent):
    """An activation code was printed at the machine, on the command line.

    `approved_by` is the member of staff who agreed, where the person has or had a device.
    """

    name: ClassVar[str] = "registration.code-issued-at-machine"
    approved_by: UUID | None = None

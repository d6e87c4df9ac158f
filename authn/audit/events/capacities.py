"""Audit events of the capacity in which a person acts, and of tokens in another capacity."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from authn.audit.events.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileEnded(Event):
    """A person's profile of this `kind` has ended, and with it so many `grants` were revoked."""

    name: ClassVar[str] = "profile.ended"
    profile_id: UUID
    kind: str
    grants: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileChosen(Event):
    """A person chose in which capacity they act at an application.

    `profile_id` is none as a citizen. `where`: `on the way` to the application, or on their own
    `account` pages.
    """

    name: ClassVar[str] = "profile.chosen"
    kind: str
    profile_id: UUID | None
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedProfilePresented(Event):
    """An application asked for tokens in a capacity that has ended: its grant is revoked."""

    name: ClassVar[str] = "application.ended-profile"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileSwitched(Event):
    """An application got a token for a resource in another capacity of the person, by exchange.

    `profile_id` is that capacity, "" as a citizen.
    """

    name: ClassVar[str] = "application.profile-switched"
    resource: str
    profile_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MayActReleased(Event):
    """A resource was told for whom a person may act, with the national numbers of these people.

    `profile_ids` are these capacities. Who of them is known here has a record of their own, of
    the release of their number.
    """

    name: ClassVar[str] = "application.may-act-released"
    profile_ids: str

"""Events of the capacity in which tokens act.

As in `events`: a class is an event, its docstring its public documentation.
"""

from dataclasses import dataclass
from typing import ClassVar

from authn.audit.events import Event


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

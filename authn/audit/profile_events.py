"""Events in the life of a profile: a capacity in which a person acts.

As in `events`: a class is an event, its docstring its public documentation.
"""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from authn.audit.events import Event


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

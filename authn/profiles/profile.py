"""A profile: in which capacity a person acts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from authn.clients.permissions import Kind
from authn.sources.facts import Fact

__all__ = ["CITIZEN", "NO_PROFILE", "Kind", "Profile"]

# By which a consent of the person as a citizen is kept: no profile has this id.
NO_PROFILE: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Profile:
    """A capacity of a person, with the fact of which it is; a citizen has neither id nor fact.

    `person_id` is whose it is. `due_at` is when its source is to be asked again, `confirmed_at`
    when it last said so, None for never. For a mandate of a person, and a child, `represented_id`
    is that person here, once needed.
    """

    kind: Kind
    id: UUID | None = None
    fact: Fact | None = None
    represented_id: UUID | None = None
    valid_to: datetime | None = None
    confirmed_at: datetime | None = None
    due_at: datetime | None = None
    ended_at: datetime | None = None
    person_id: UUID | None = None

    @property
    def consent_id(self) -> UUID:
        """The id under which consents are kept for it."""
        return self.id or NO_PROFILE


CITIZEN: Final = Profile("citizen")

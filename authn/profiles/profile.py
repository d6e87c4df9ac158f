"""A profile: the capacity in which a person acts, as other rooms see it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from authn.clients.resource_servers.permissions import ClientIdentity, Kind
from authn.policies import PolicyLevel
from authn.sources.facts import Fact, Mandate, Quality

__all__ = ["CITIZEN", "NO_PROFILE", "Kind", "Profile"]

# The id under which consents of a person as a citizen are kept: no profile has this id.
NO_PROFILE: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Profile:
    """A capacity of a person, with the fact that makes it; a citizen has neither id nor fact.

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
        """The id under which consents in the profile are kept."""
        return self.id or NO_PROFILE


CITIZEN: Final = Profile("citizen")


def acting_identity(profile: Profile, level: PolicyLevel) -> ClientIdentity:
    """A profile and the level of a login, as permissions of resources see who acts."""
    fact = profile.fact
    return ClientIdentity(
        profile.kind,
        level,
        disciplines=(fact.discipline,) if isinstance(fact, Quality) else (),
        service_names=fact.service_names if isinstance(fact, Mandate) else (),
    )

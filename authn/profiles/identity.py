"""Who acts, as the permissions of resources see it: a capacity and the level of a login."""

from authn.clients.permissions import ClientIdentity
from authn.policies import PolicyLevel
from authn.profiles.profile import Profile
from authn.sources.facts import Mandate, Quality


def identity_of(profile: Profile, level: PolicyLevel) -> ClientIdentity:
    """Somebody who acts in this capacity and signed in at this level."""
    fact = profile.fact
    return ClientIdentity(
        profile.kind,
        level,
        disciplines=(fact.discipline,) if isinstance(fact, Quality) else (),
        service_names=fact.service_names if isinstance(fact, Mandate) else (),
    )

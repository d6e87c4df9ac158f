"""A citizen: what everybody is, so that no source is asked and nothing ends it."""

from datetime import datetime

from authn.errors import N_
from authn.profiles.kinds.kind import PERSON_CLAIMS, ProfileKind, ProfileNames
from authn.settings import Settings


def _key(fact: None) -> tuple[str, ...]:
    return ()


def _holds(fact: None, settings: Settings, now: datetime) -> bool:
    return True


def _ends_at(fact: None, settings: Settings) -> None:
    return None


def _names(fact: None) -> ProfileNames:
    return ProfileNames(N_("As a citizen"))


KIND: ProfileKind[None] = ProfileKind(
    name="citizen",
    question="citizen",
    group=N_("For yourself"),
    key=_key,
    holds=_holds,
    ends_at=_ends_at,
    names=_names,
    claims=PERSON_CLAIMS,
)

"""What every kind of profile says of itself; one module of this folder fills it in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Generic, Protocol, TypeVar

from authn.errors import N_
from authn.profiles.profile import Kind
from authn.settings import Settings
from authn.sources.facts import FactPeriod, NaturalPerson
from authn.sources.questions import QuestionName

F = TypeVar("F")
F_contra = TypeVar("F_contra", contravariant=True)
Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class HasName:
    """A person as claims show them; `ssin` only where the receiver may have it, "" otherwise."""

    given_name: str
    family_name: str
    ssin: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ProfileNames:
    """How a profile is called: message ids, with what fills in their `%(name)s`.

    `details` come after the title; those that are message ids are translated, others shown as is.
    """

    title: str
    name: str = ""
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProfileClaim(Generic[F_contra]):
    """Members of the claim `userProfile` (domain 2.5), for one kind of profile.

    `name` and `meaning` are for the documentation. `members` makes them of the fact, and of whom
    they are about: the person who acts or, where one acts for a person, that one; None where one
    acts for an organisation.
    """

    name: str
    meaning: str
    members: Callable[[F_contra, HasName | None], Mapping[str, object]]


def nobody(fact: object) -> None:
    """No person is represented."""


def told(fact: object, deceased: bool) -> bool:
    """Its end is told like any other."""
    return False


def nothing(fact: object, named: HasName | None, settings: Settings) -> Json:
    """No member."""
    return {}


@dataclass(frozen=True, slots=True)
class ProfileKind(Generic[F]):
    """One kind of profile, of facts of one type.

    `key` is what makes a fact this profile and no other: stable, and hashed with a key wherever it
    is kept. `holds` is whether the fact makes a profile at this instant, `ends_at` when it will not
    any more whatever the source says, None for no end. `represents` is the person for whom one
    acts, None where that is nobody or an organisation; `for_another` whether the real person stays
    visible in `act`. `switch` are the members of `userProfile` of an entry in the federation's
    `may_act`, by which one can change to this profile. `group` is the heading on the choice page.
    `ends_in_silence` is whether its holder is spared a mail about its end; it is told whether the
    represented person is known here as deceased.
    """

    name: Kind
    question: QuestionName
    group: str
    key: Callable[[F], tuple[str, ...]]
    holds: Callable[[F, Settings, datetime], bool]
    ends_at: Callable[[F, Settings], datetime | None]
    called: Callable[[F], ProfileNames]
    claims: tuple[ProfileClaim[F], ...]
    represents: Callable[[F], NaturalPerson | None] = nobody
    for_another: bool = False
    switch: Callable[[F, HasName | None, Settings], Json] = nothing
    ends_in_silence: Callable[[F, bool], bool] = told


class HasPeriod(Protocol):
    """A fact that holds from a day to a day."""

    @property
    def period(self) -> FactPeriod: ...


def period_holds(fact: HasPeriod, settings: Settings, now: datetime) -> bool:
    """`holds` of such a fact: its period does."""
    return fact.period.holds(now)


def period_ends_at(fact: HasPeriod, settings: Settings) -> datetime | None:
    """`ends_at` of such a fact: with its period."""
    return fact.period.ends_at


def ssin_member(fact: object, named: HasName | None) -> Json:
    """The national number, where the receiver may have it."""
    return {"ssin": named.ssin} if named and named.ssin else {}


def _first_name(fact: object, named: HasName | None) -> Json:
    return {"firstName": named.given_name} if named and named.given_name else {}


def _last_name(fact: object, named: HasName | None) -> Json:
    return {"lastName": named.family_name} if named else {}


# Of whoever the profile is about.
PERSON_CLAIMS: Final[tuple[ProfileClaim[object], ...]] = (
    ProfileClaim(
        "ssin", "The national number, only where the receiver has the permission.", ssin_member
    ),
    ProfileClaim("firstName", "The given names; some people have none.", _first_name),
    ProfileClaim("lastName", "The family name.", _last_name),
)

# What kinds of organisations are called; the keys are `ORGANISATION_KINDS`.
ORGANISATION_WORDS: Final[dict[str, str]] = {
    "hospital": N_("Hospital"),
    "otdpharmacy": N_("Pharmacy"),
    "officedoctors": N_("Doctors’ practice"),
    "groupofdoctors": N_("Group of doctors"),
    "guardpost": N_("Doctors on duty"),
    "medicalhouse": N_("Medical house"),
    "reeducation": N_("Rehabilitation centre"),
    "groupofnurses": N_("Group of nurses"),
    "homecareservices": N_("Home care service"),
    "enterprise": N_("Enterprise"),
}

"""The description that each kind of profile gives of itself, in a module of its own."""

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
class NameInClaims:
    """The name of a person in claims, with `ssin` only where the receiver may have the number."""

    given_name: str
    family_name: str
    ssin: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ProfileNames:
    """The name of a profile as message ids, with the value of their `%(name)s`.

    `details` come after the title; those that are message ids are translated, others shown as is.
    """

    title: str
    name: str = ""
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProfileClaim(Generic[F_contra]):
    """Members of the claim `userProfile` (decisions 9.2), for one kind of profile.

    `name` and `meaning` are for the documentation. `members` makes the members from the fact and
    the name of the person whom they are about: the person who acts, or for whom somebody acts; None
    for an organisation.
    """

    name: str
    meaning: str
    members: Callable[[F_contra, NameInClaims | None], Mapping[str, object]]


def represents_nobody(fact: object) -> None:
    """No person is represented."""


def never_ends_in_silence(fact: object, deceased: bool) -> bool:
    """The holder gets a mail about the end of the profile."""
    return False


def no_members(fact: object, named: NameInClaims | None, settings: Settings) -> Json:
    """No member of `userProfile`."""
    return {}


@dataclass(frozen=True, slots=True)
class ProfileKind(Generic[F]):
    """One kind of profile, of facts of one type.

    `key` tells profiles of a person apart: stable, and stored as a keyed hash alone. `holds` is
    whether the fact makes a profile at an instant, `ends_at` when it stops to, whatever the source
    says, None for no end. `names` are for pages. `represents` is the person for whom somebody acts,
    None for nobody and for an organisation; `for_another` whether the person who acts stays visible
    in `act`. `may_act_members` are the members of `userProfile` of an entry in the federation's
    `may_act`, by which somebody can change to this profile. `group` is the heading on the choice
    page. `ends_in_silence` is whether the holder is spared a mail about the end; its second
    argument is whether the represented person is known here as deceased.
    """

    name: Kind
    question: QuestionName
    group: str
    key: Callable[[F], tuple[str, ...]]
    holds: Callable[[F, Settings, datetime], bool]
    ends_at: Callable[[F, Settings], datetime | None]
    names: Callable[[F], ProfileNames]
    claims: tuple[ProfileClaim[F], ...]
    represents: Callable[[F], NaturalPerson | None] = represents_nobody
    for_another: bool = False
    may_act_members: Callable[[F, NameInClaims | None, Settings], Json] = no_members
    ends_in_silence: Callable[[F, bool], bool] = never_ends_in_silence


class HasPeriod(Protocol):
    """A fact that holds in a period of days."""

    @property
    def period(self) -> FactPeriod: ...


def period_holds(fact: HasPeriod, settings: Settings, now: datetime) -> bool:
    """`ProfileKind.holds` of a fact with a period."""
    return fact.period.holds(now)


def period_ends_at(fact: HasPeriod, settings: Settings) -> datetime | None:
    """`ProfileKind.ends_at` of a fact with a period."""
    return fact.period.ends_at


def ssin_member(fact: object, named: NameInClaims | None) -> Json:
    """The national number, where the receiver may have it."""
    return {"ssin": named.ssin} if named and named.ssin else {}


def _first_name(fact: object, named: NameInClaims | None) -> Json:
    return {"firstName": named.given_name} if named and named.given_name else {}


def _last_name(fact: object, named: NameInClaims | None) -> Json:
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

"""A parent of a child who is young enough for parents to act (decisions 9.3).

The age is a setting (`parents_until_age`). Who has no birth date, or half of one, is never taken to
be younger than they may be.
"""

from datetime import date, datetime

from authn.errors import N_
from authn.profiles.kinds.kind import (
    PERSON_CLAIMS,
    Json,
    NameInClaims,
    ProfileKind,
    ProfileNames,
    ssin_member,
)
from authn.settings import Settings
from authn.sources.facts import Child, NaturalPerson, start_of_day

_FEBRUARY_29 = (2, 29)


def coming_of_age_date(birthdate: str, age: int) -> date:
    """The first day on which a person may have an age, born as early as `birthdate` allows.

    `birthdate` is `YYYY`, `YYYY-MM` or `YYYY-MM-DD`. Who was born on 29 February has their birthday
    on the 28th where there is no such day: not later than it may be.
    """
    year, month, day = (*map(int, birthdate.split("-")), 1, 1)[:3]
    if (month, day) == _FEBRUARY_29 and not _is_leap(year + age):
        day = 28
    return date(year + age, month, day)


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _key(fact: Child) -> tuple[str, ...]:
    return ("ssin", fact.child.ssin)


def _holds(fact: Child, settings: Settings, now: datetime) -> bool:
    ends_at = _ends_at(fact, settings)
    return not fact.deceased and ends_at is not None and now < ends_at


def _ends_at(fact: Child, settings: Settings) -> datetime | None:
    """A profile for a child without a birth date never holds, so that nothing ends."""
    if fact.birthdate is None:
        return None
    return start_of_day(coming_of_age_date(fact.birthdate, settings.parents_until_age))


def _represents(fact: Child) -> NaturalPerson:
    return fact.child


def _names(fact: Child) -> ProfileNames:
    return ProfileNames(
        N_("For your child %(name)s"), fact.child.given_name or fact.child.family_name
    )


def _ends_in_silence(fact: Child, deceased: bool) -> bool:
    """Parents get no mail about what they may no longer do for a child that died."""
    return fact.deceased or deceased


def _may_act_members(fact: Child, named: NameInClaims | None, settings: Settings) -> Json:
    """The register names no services: those of parents are the same for every child."""
    services = settings.parents_service_names.split()
    service_names: Json = {"serviceNames": services} if services else {}
    return {"children": [ssin_member(fact, named) | service_names]}


KIND: ProfileKind[Child] = ProfileKind(
    name="child",
    question="children",
    group=N_("For your children"),
    key=_key,
    holds=_holds,
    ends_at=_ends_at,
    names=_names,
    represents=_represents,
    for_another=True,
    claims=PERSON_CLAIMS,
    may_act_members=_may_act_members,
    ends_in_silence=_ends_in_silence,
)

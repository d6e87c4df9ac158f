"""A parent of a child who is young enough for parents to act (domain 2.8).

The age is a setting (`parents_until_age`). Who has no birth date, or half of one, is never taken to
be younger than they may be.
"""

from datetime import date, datetime

from authn.errors import N_
from authn.profiles.kinds.kind import (
    PERSON_CLAIMS,
    HasName,
    Json,
    ProfileKind,
    ProfileNames,
    ssin_member,
)
from authn.settings import Settings
from authn.sources.facts import Child, NaturalPerson, midnight

_FEBRUARY_29 = (2, 29)


def of_age_on(birthdate: str, age: int) -> date:
    """The first day on which somebody may have this age, born as early as `birthdate` allows.

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
    """Without a birth date it holds never, so that there is no end to tell."""
    if fact.birthdate is None:
        return None
    return midnight(of_age_on(fact.birthdate, settings.parents_until_age))


def _represents(fact: Child) -> NaturalPerson:
    return fact.child


def _called(fact: Child) -> ProfileNames:
    return ProfileNames(
        N_("For your child %(name)s"), fact.child.given_name or fact.child.family_name
    )


def _ends_in_silence(fact: Child, deceased: bool) -> bool:
    """Nobody is told by mail what they may not do any more for a child that died."""
    return fact.deceased or deceased


def _switch(fact: Child, named: HasName | None, settings: Settings) -> Json:
    """The register names no services: those of parents are the same for every child."""
    services = settings.parents_service_names.split()
    told: Json = {"serviceNames": services} if services else {}
    return {"children": [ssin_member(fact, named) | told]}


KIND: ProfileKind[Child] = ProfileKind(
    name="child",
    question="children",
    group=N_("For your children"),
    key=_key,
    holds=_holds,
    ends_at=_ends_at,
    called=_called,
    represents=_represents,
    for_another=True,
    claims=PERSON_CLAIMS,
    switch=_switch,
    ends_in_silence=_ends_in_silence,
)

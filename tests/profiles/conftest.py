"""A person who acts, and what the sources tell of them."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import pytest

from authn.db.transaction import NeedsToWrite, reading, writing
from authn.people.persons import Citizen, find_or_create_person
from authn.people.tables import Person
from authn.profiles.answer import apply_answer
from authn.profiles.available import available_profiles
from authn.profiles.profile import Profile
from authn.sources.facts import Fact, NaturalPerson
from authn.sources.questions import QuestionName
from authn.sources.real_sources import shared_sources
from authn.web.routing import MOST_TIMES_OUTSIDE, NeededFromOutside
from authn.web.site import Site, SiteMemory
from tests.capacities import Asking
from tests.citizen import HANNE
from tests.sources_server import Running

T = TypeVar("T")


def answered(site: Site, act: Callable[[Asking], T]) -> T:
    """What the act gives, done as an endpoint does it: reading, asking outside, writing."""
    for _ in range(MOST_TIMES_OUTSIDE):
        try:
            return _once(site, act)
        except NeededFromOutside as needed:
            fetch = needed.fetch
        fetch()
    raise AssertionError("asked outside again and again")


def _once(site: Site, act: Callable[[Asking], T]) -> T:
    try:
        with reading(site.database) as connection:
            return act(Asking(connection, site))
    except NeedsToWrite:
        with writing(site.database) as connection:
            return act(Asking(connection, site))


@pytest.fixture
def outside(site: Site, real: Running) -> Iterator[Site]:
    """The service, where all four sources are outside."""
    there = replace(site, settings=real.settings(site.settings), memory=SiteMemory())
    with closing(shared_sources(there)):
        yield there


@pytest.fixture
def hanne(site: Site) -> Person:
    """Known here, and to no source yet."""
    with writing(site.database) as connection:
        return find_or_create_person(connection, site.secrets, HANNE, site.clock())


def take(
    site: Site,
    person: Person,
    question: QuestionName,
    *facts: Fact,
    at: datetime | None = None,
) -> None:
    """The source of this question says that these facts are all that there is."""
    with writing(site.database) as connection:
        settings = site.settings
        now = at or site.clock()
        apply_answer(connection, site.secrets, settings, person.id, question, facts, now)


def offered(site: Site, person_id: UUID) -> list[Profile]:
    """In which capacities this person may act now."""
    with reading(site.database) as connection:
        return available_profiles(connection, site.secrets, site.settings, person_id, site.clock())


def facts_offered(site: Site, person: Person) -> list[Fact | None]:
    """The facts of these profiles; None for that of the citizen."""
    return [each.fact for each in offered(site, person.id)]


def known(site: Site, named: NaturalPerson, **changes: object) -> Person:
    """The person of a fact is known here, as the register tells of them."""
    citizen = Citizen(named.ssin, named.given_name, named.family_name, None, "nl")
    with writing(site.database) as connection:
        changed = replace(citizen, **changes)  # type: ignore[arg-type]
        return find_or_create_person(connection, site.secrets, changed, site.clock())

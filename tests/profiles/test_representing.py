"""For whom somebody acts: a person who may never have been here (decisions 9.5)."""

from dataclasses import replace

import pytest
from sqlalchemy import delete, select, update

from authn.db.transaction import reading, writing
from authn.errors import Refusal, Unavailable
from authn.people.numbers import current_ssin
from authn.people.persons import find_person_by_ssin
from authn.people.tables import Person, persons
from authn.profiles.profile import Profile
from authn.profiles.profiles import find_profile
from authn.profiles.representing import (
    EndedRepresentation,
    name_for_claims,
    represented_in_source,
    represented_name_for_claims,
    resolve_represented_person,
)
from authn.secrets import national_number_hash
from authn.sources.embedded.register import encrypt_ssin
from authn.sources.facts import Fact, NaturalPerson
from authn.sources.questions import QuestionName
from authn.sources.tables import register_citizens, register_replacements
from authn.web.site import Site
from tests.citizen import HANNE
from tests.conftest import MovableClock
from tests.profiles.conftest import answered, known, offered, take
from tests.profiles.sample_facts import (
    AT_HOSPITAL,
    FOR_FIRM,
    FOR_JURGEN,
    JURGEN,
    MARCEL,
    PARENT_OF_LUCAS,
    PHYSICIAN,
)
from tests.sources_server import CANCELLED, MANDATOR, UNKNOWN, Running, Said
from tests.together import at_once

register = pytest.mark.usefixtures("register")


def acting(site: Site, person: Person, question: QuestionName, fact: Fact) -> Profile:
    take(site, person, question, fact)
    (profile,) = [each for each in offered(site, person.id) if each.fact == fact]
    return profile


def for_whom(site: Site, profile: Profile) -> Person | None:
    return answered(site, lambda request: resolve_represented_person(request, profile))


def found(site: Site, profile: Profile) -> Profile:
    assert profile.id
    with reading(site.database) as connection:
        profile_now = find_profile(connection, site.secrets, profile.id)
    assert profile_now
    return profile_now


def test_nobody_is_represented_by_whoever_acts_for_themselves_or_for_a_firm(
    site: Site, hanne: Person
) -> None:
    facts: list[tuple[QuestionName, Fact]] = [
        ("qualities", PHYSICIAN),
        ("memberships", AT_HOSPITAL),
        ("mandates", FOR_FIRM),
    ]
    for question, fact in facts:
        profile = acting(site, hanne, question, fact)
        assert represented_in_source(profile) is None
        assert for_whom(site, profile) is None
        with reading(site.database) as connection:
            assert not represented_name_for_claims(
                connection, site.secrets, profile, with_ssin=True
            )


@register
def test_a_mandator_who_was_never_here_is_made_of_the_register_once(
    site: Site, hanne: Person
) -> None:
    profile = acting(site, hanne, "mandates", FOR_JURGEN)
    results = at_once(lambda: for_whom(site, profile))
    ids = {each.id for each in results if isinstance(each, Person)}
    assert len(results) == 8
    assert ids == {found(site, profile).represented_id}
    assert not any(isinstance(each, Refusal) for each in results)


@register
def test_looking_again_writes_nothing(site: Site, hanne: Person) -> None:
    profile = acting(site, hanne, "mandates", FOR_JURGEN)
    first = for_whom(site, profile)
    with reading(site.database) as connection:
        before = connection.execute(select(persons)).all()
    assert for_whom(site, found(site, profile)) == first
    with reading(site.database) as connection:
        assert connection.execute(select(persons)).all() == before


@register
def test_a_replaced_number_leads_to_the_same_person(site: Site, hanne: Person) -> None:
    jurgen = known(site, NaturalPerson(MARCEL.ssin, "Jürgen", "Kettenis"))
    known(site, NaturalPerson(MARCEL.ssin, "Jürgen", "Kettenis"), previous_ssins=(JURGEN.ssin,))
    profile = acting(site, hanne, "mandates", FOR_JURGEN)
    assert profile.represented_id == jurgen.id
    with reading(site.database) as connection:
        told = represented_name_for_claims(connection, site.secrets, profile, with_ssin=True)
        without = represented_name_for_claims(connection, site.secrets, profile, with_ssin=False)
    assert told
    assert told.ssin == MARCEL.ssin, "the present one, whatever the mandate says"
    assert without
    assert without.ssin == ""


@register
def test_a_mandator_whom_the_register_knows_as_dead_ends_the_profile(
    site: Site, hanne: Person
) -> None:
    with writing(site.database) as connection:
        connection.execute(update(register_citizens).values(deceased=True))
    profile = acting(site, hanne, "mandates", FOR_JURGEN)
    with pytest.raises(EndedRepresentation):
        for_whom(site, profile)
    assert found(site, profile).ended_at == site.clock(), "the refusal commits"
    take(site, hanne, "mandates", FOR_JURGEN)
    assert len(offered(site, hanne.id)) == 1, "and it does not come back"


@register
def test_who_dies_is_heard_of_within_a_day(site: Site, hanne: Person, clock: MovableClock) -> None:
    profile = acting(site, hanne, "mandates", FOR_JURGEN)
    assert for_whom(site, profile)
    with writing(site.database) as connection:
        connection.execute(update(register_citizens).values(deceased=True))
    clock.advance(days=1)
    with pytest.raises(EndedRepresentation):
        for_whom(site, found(site, profile))


@register
def test_nobody_acts_for_themselves_under_a_number_that_theirs_replaced(
    site: Site, hanne: Person
) -> None:
    """Here nobody knows yet that the two numbers are one person's; the register does."""
    old, new = (national_number_hash(site.secrets, each.ssin) for each in (JURGEN, HANNE))
    with writing(site.database) as connection:
        connection.execute(delete(register_citizens).where(register_citizens.c.ssin_hash == old))
        replaced = {
            "ssin_hash": old,
            "ssin_encrypted": encrypt_ssin(site.secrets, JURGEN.ssin, old),
            "replaced_by_hash": new,
        }
        connection.execute(register_replacements.insert().values(replaced))
    profile = acting(site, hanne, "mandates", FOR_JURGEN)
    with pytest.raises(EndedRepresentation):
        for_whom(site, profile)
    assert found(site, profile).ended_at == site.clock()
    take(site, hanne, "mandates", FOR_JURGEN)
    assert len(offered(site, hanne.id)) == 1


@register
def test_nobody_acts_for_whom_goes_by_a_number_that_was_cancelled_since(
    site: Site, hanne: Person, clock: MovableClock
) -> None:
    profile = acting(site, hanne, "mandates", FOR_JURGEN)
    assert for_whom(site, profile)
    with writing(site.database) as connection:
        connection.execute(update(register_citizens).values(cancelled=True))
    clock.advance(days=1)
    with pytest.raises(EndedRepresentation):
        for_whom(site, found(site, profile))


def test_nobody_acts_for_whom_the_register_does_not_know(site: Site, hanne: Person) -> None:
    profile = acting(site, hanne, "children", PARENT_OF_LUCAS)
    with pytest.raises(Unavailable):
        for_whom(site, profile)
    assert found(site, profile).ended_at is None


@register
def test_names_come_from_the_source_until_the_person_is_known(site: Site, hanne: Person) -> None:
    profile = acting(site, hanne, "mandates", FOR_JURGEN)
    with reading(site.database) as connection:
        told = represented_name_for_claims(connection, site.secrets, profile, with_ssin=True)
        own = name_for_claims(connection, site.secrets, hanne, with_ssin=True)
        assert own.ssin == current_ssin(connection, site.secrets, hanne.id)
        assert name_for_claims(connection, site.secrets, hanne, with_ssin=False).ssin == ""
    assert told
    assert (told.given_name, told.family_name, told.ssin) == ("Jürgen", "Kettenis", JURGEN.ssin)


# A register outside


def test_the_register_outside_is_asked_once(outside: Site, hanne: Person, real: Running) -> None:
    profile = acting(outside, hanne, "mandates", FOR_JURGEN)
    person = for_whom(outside, profile)
    assert for_whom(outside, found(outside, profile)) == person
    assert len(real.server.asked("/citizen")) == 1
    with reading(outside.database) as connection:
        assert find_person_by_ssin(connection, outside.secrets, MANDATOR) == person


@pytest.mark.parametrize("number", [CANCELLED, UNKNOWN])
def test_nor_for_a_number_that_is_nobody_s(
    outside: Site, hanne: Person, real: Running, number: str
) -> None:
    other = replace(FOR_JURGEN, mandator=NaturalPerson(number, "No", "Body"))
    profile = acting(outside, hanne, "mandates", other)
    with pytest.raises(Unavailable):
        for_whom(outside, profile)
    assert len(real.server.asked("/citizen")) == 1


def test_a_register_that_is_down_is_no_no(outside: Site, hanne: Person, real: Running) -> None:
    real.server.dictated = lambda seen: Said(500)
    profile = acting(outside, hanne, "mandates", FOR_JURGEN)
    with pytest.raises(Unavailable) as refused:
        for_whom(outside, profile)
    assert JURGEN.ssin not in refused.value.detail
    assert found(outside, profile).ended_at is None


def test_once_known_a_register_that_is_down_keeps_nobody_from_acting(
    outside: Site, hanne: Person, real: Running, clock: MovableClock
) -> None:
    profile = acting(outside, hanne, "mandates", FOR_JURGEN)
    person = for_whom(outside, profile)
    real.server.dictated = lambda seen: Said(500)
    clock.advance(days=2)
    again = for_whom(outside, found(outside, profile))
    assert again
    assert person
    assert again.id == person.id

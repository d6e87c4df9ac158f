"""Persons: one for each citizen, found by any number they ever had, as the register describes them.

Domain facts on replaced numbers: a national number can replace a BIS number, and whoever comes with
the old one is the same person.
"""

from dataclasses import fields, replace
from uuid import uuid4

from sqlalchemy import func, select

from authn.db.engine import Database
from authn.db.transaction import reading, writing
from authn.people.numbers import current_ssin
from authn.people.persons import (
    Citizen,
    find_or_create_person,
    find_person,
    find_person_by_ssin,
    lock_person,
    name_key,
    refresh_person,
)
from authn.people.tables import Person, person_ssins, persons
from authn.secrets import national_number_hash
from authn.settings import Settings
from authn.web.site import Site
from tests.conftest import MovableClock
from tests.together import at_once

HANNE = Citizen(
    ssin="03410100128",
    given_name="Hanne",
    family_name="Van der Meulen",
    birthdate="1903-01-01",
    language="nl",
)
RENUMBERED = replace(HANNE, ssin="05520900401", previous_ssins=("03410100128",))


def enrolled(site: Site, citizen: Citizen, clock: MovableClock) -> Person:
    with writing(site.database) as connection:
        return find_or_create_person(connection, site.secrets, citizen, clock.now)


def count(database: Database) -> tuple[int, int]:
    with reading(database) as connection:
        return (
            connection.execute(select(func.count()).select_from(persons)).scalar_one(),
            connection.execute(select(func.count()).select_from(person_ssins)).scalar_one(),
        )


def test_the_dataclass_is_the_row() -> None:
    assert [field.name for field in fields(Person)] == [column.name for column in persons.c]


def test_a_citizen_becomes_a_person_with_an_id_and_a_user_handle_that_tell_nothing(
    site: Site, clock: MovableClock
) -> None:
    person = enrolled(site, HANNE, clock)
    assert person.full_name == "Hanne Van der Meulen"
    assert len(person.user_handle) == 32
    assert (person.created_at, person.checked_at) == (clock.now, clock.now)
    with reading(site.database) as connection:
        assert find_person(connection, person.id) == person
        assert lock_person(connection, person.id) == person
        assert find_person_by_ssin(connection, site.secrets, HANNE.ssin) == person
        assert current_ssin(connection, site.secrets, person.id) == HANNE.ssin
        assert find_person(connection, uuid4()) is None
        assert find_person_by_ssin(connection, site.secrets, "05520900401") is None


def test_the_same_citizen_is_the_same_person_later(site: Site, clock: MovableClock) -> None:
    first = enrolled(site, HANNE, clock)
    clock.advance(days=400)
    later = enrolled(site, replace(HANNE, family_name="Peeters", deceased=True), clock)
    assert later == replace(
        first,
        family_name="Peeters",
        deceased=True,
        checked_at=clock.now,
        name_key=name_key("Hanne", "Peeters"),
    )
    assert count(site.database) == (1, 1)


def test_the_same_citizen_at_once_is_one_person(site: Site, clock: MovableClock) -> None:
    people = at_once(lambda: enrolled(site, HANNE, clock))
    assert len({person.id for person in people if isinstance(person, Person)}) == 1
    assert count(site.database) == (1, 1)


def test_old_and_new_number_at_once_are_one_person(site: Site, clock: MovableClock) -> None:
    citizens = [HANNE, RENUMBERED] * 4
    people = at_once(lambda: enrolled(site, citizens.pop(), clock))
    assert len({person.id for person in people if isinstance(person, Person)}) == 1
    assert count(site.database) == (1, 2)


def test_a_replaced_number_leads_to_the_same_person_and_ends(
    site: Site, clock: MovableClock
) -> None:
    before = enrolled(site, HANNE, clock)
    clock.advance(days=30)
    after = enrolled(site, RENUMBERED, clock)
    assert after.id == before.id
    with reading(site.database) as connection:
        for ssin in ("03410100128", "05520900401"):
            found = find_person_by_ssin(connection, site.secrets, ssin)
            assert found is not None
            assert found.id == before.id
        assert current_ssin(connection, site.secrets, before.id) == "05520900401"
        rows = {row.ssin_hash: row for row in connection.execute(select(person_ssins))}
    old = rows[national_number_hash(site.secrets, "03410100128")]
    new = rows[national_number_hash(site.secrets, "05520900401")]
    assert (old.valid_to, old.replaced_by) == (clock.now, new.id)
    assert (new.valid_from, new.valid_to, new.replaced_by) == (clock.now, None, None)


def test_someone_first_met_with_a_replaced_number_has_the_whole_history(
    site: Site, clock: MovableClock
) -> None:
    person = enrolled(site, RENUMBERED, clock)
    with reading(site.database) as connection:
        assert current_ssin(connection, site.secrets, person.id) == "05520900401"
        assert find_person_by_ssin(connection, site.secrets, "03410100128") == person


def test_a_number_of_another_person_stays_theirs(site: Site, clock: MovableClock) -> None:
    hanne = enrolled(site, HANNE, clock)
    other = enrolled(site, replace(HANNE, ssin="05520900401", given_name="Anna"), clock)
    assert enrolled(site, RENUMBERED, clock).id == other.id
    with writing(site.database) as connection:  # as an import does with whoever it finds
        refresh_person(connection, site.secrets, hanne, RENUMBERED, clock())
    with reading(site.database) as connection:
        assert current_ssin(connection, site.secrets, hanne.id) == HANNE.ssin
        assert current_ssin(connection, site.secrets, other.id) == "05520900401"


def test_no_number_is_in_the_database_in_the_clear(
    site: Site, clock: MovableClock, settings: Settings
) -> None:
    enrolled(site, RENUMBERED, clock)
    with reading(site.database) as connection:
        dump = repr(connection.execute(select(persons)).all())
        dump += repr(connection.execute(select(person_ssins)).all())
    assert "03410100128" not in dump
    assert "05520900401" not in dump


def test_a_citizen_does_not_show_the_number_in_a_log() -> None:
    assert "0341" not in repr(RENUMBERED)
    assert "0552" not in repr(RENUMBERED)

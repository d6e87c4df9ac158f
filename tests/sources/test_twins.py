"""The embedded twins: what files said of a person or an organisation, by any of their numbers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from authn.db.transaction import reading, writing
from authn.errors import CommandError
from authn.people.persons import Citizen, find_or_create_person
from authn.secrets import national_number_hash
from authn.sources.embedded.fact_columns import COLUMNS, FileKind
from authn.sources.embedded.fact_import import FactImport
from authn.sources.embedded.facts import (
    Twins,
    find_access_managers,
    find_facts,
    find_facts_of_person,
    find_organisation,
)
from authn.sources.embedded.register_import import import_register_file
from authn.sources.facts import Fact, Mandate, Membership, Organisation
from authn.sources.protocols import (
    AccessManager,
    Mandates,
    NationalRegister,
    Organisations,
    Professions,
)
from authn.sources.questions import QuestionName
from authn.sources.tables import source_facts
from authn.web.site import Site
from tests.citizen import HANNE, KARIM
from tests.conftest import MovableClock

pytestmark = pytest.mark.thorough

NEW_SSIN = "05520900401"
HOSPITAL = "hospital,Sint-Jan,0406798006,71000012"
PHARMACY = "otdpharmacy,Central,,28000123"

Take = Callable[..., None]


@pytest.fixture
def take(site: Site, clock: MovableClock, tmp_path: Path) -> Take:
    """Takes the rows given, as a file of this kind."""

    def take(kind: FileKind, *rows: str, **how: Any) -> None:
        path = tmp_path / f"{kind}.csv"
        header = ",".join(column.name for column in COLUMNS[kind])
        path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
        report = FactImport(site.database, site.secrets, kind, path, clock.now, **how).run()
        assert report.rejected == ()

    return take


def told(site: Site, question: QuestionName, *ssins: str) -> tuple[Fact, ...]:
    with reading(site.database) as connection:
        return find_facts(connection, site.secrets, question, ssins)


def mandate(mandate_id: str, mandatary: str, *, until: str = "") -> str:
    return f"{mandate_id},{mandatary},{NEW_SSIN},Marie,Dubois,,recipe,2020-01-01,{until},yes,yes"


def ids(facts: tuple[Fact, ...]) -> set[str]:
    return {fact.mandate_id for fact in facts if isinstance(fact, Mandate)}


def test_facts_are_told_of_the_number_asked_and_of_no_other(site: Site, take: Take) -> None:
    take("mandates", mandate("m1", HANNE.ssin), mandate("m2", KARIM.ssin))
    assert ids(told(site, "mandates", HANNE.ssin)) == {"m1"}
    assert ids(told(site, "mandates", NEW_SSIN)) == set()  # the mandator is no mandatary
    assert told(site, "qualities", HANNE.ssin) == ()
    assert told(site, "mandates") == ()


def test_a_fact_told_of_a_previous_number_is_found_and_the_present_one_goes_before(
    site: Site, take: Take
) -> None:
    old, new = HANNE.ssin, KARIM.ssin
    take("mandates", mandate("m1", old), mandate("m2", old, until="2021-01-01"))
    take("mandates", mandate("m2", new), mandate("m3", new))
    found = told(site, "mandates", new, old)
    assert ids(found) == {"m1", "m2", "m3"}
    assert [fact.period.until for fact in found if isinstance(fact, Mandate)] == [None] * 3


def test_facts_of_a_person_are_found_by_every_number_that_they_have_or_had(
    site: Site, clock: MovableClock, take: Take
) -> None:
    replaced = Citizen(NEW_SSIN, "Hanne", "Maes", None, "nl", previous_ssins=(HANNE.ssin,))
    take("mandates", mandate("m1", HANNE.ssin), mandate("m3", KARIM.ssin))
    take("mandates", mandate("m2", NEW_SSIN), mandate("m1", NEW_SSIN, until="2030-01-01"))
    with writing(site.database) as connection:
        person = find_or_create_person(connection, site.secrets, replaced, clock.now)
        found = find_facts_of_person(connection, site.secrets, "mandates", person.id)
    assert ids(found) == {"m1", "m2"}
    untils = {fact.mandate_id: fact.period.until for fact in found if isinstance(fact, Mandate)}
    assert str(untils["m1"]) == "2030-01-01"


def test_an_organisation_is_found_by_each_of_its_numbers(site: Site, take: Take) -> None:
    take("organisations", HOSPITAL, PHARMACY)
    hospital = Organisation("hospital", "Sint-Jan", "0406798006", "71000012")
    with reading(site.database) as connection:

        def found(number: str) -> Organisation | None:
            return find_organisation(connection, site.secrets, number)

        assert found("0406798006") == found("71000012") == hospital
        assert found("28000123") == Organisation("otdpharmacy", "Central", "", "28000123")
        assert [found(each) for each in ("71000013", "", "é", "٣")] == [None] * 4


def test_the_access_managers_of_an_organisation_are_those_of_whom_a_membership_says_so(
    site: Site, take: Take
) -> None:
    take("organisations", HOSPITAL, PHARMACY)
    hanne = f"{HANNE.ssin},71000012,director,2020-01-01,"
    karim = f"{KARIM.ssin},0406.798.006,physician,2020-01-01,,no"
    take("memberships", f"{hanne},yes", karim)
    membership = told(site, "memberships", HANNE.ssin)[0]
    assert isinstance(membership, Membership)
    expected = (AccessManager(HANNE.ssin, membership),)

    def managers(number: str) -> tuple[AccessManager, ...]:
        with reading(site.database) as connection:
            return find_access_managers(connection, site.secrets, number)

    assert managers("71000012") == managers("0406798006") == expected
    assert managers("28000123") == managers("é") == ()
    assert HANNE.ssin not in repr(expected)
    take("memberships", f"{hanne},no")
    assert managers("71000012") == ()


def test_the_twins_are_all_four_sources(site: Site, clock: MovableClock, take: Take) -> None:
    people = Path(__file__).parents[2] / "authn" / "demo" / "people.csv"
    import_register_file(site.database, site.secrets, people, clock.now)
    take("children", f"{HANNE.ssin},12410100251,Léa,Maes,2012-01-01,")
    take("qualities", f"{HANNE.ssin},physician,10000000000,2020-01-01,")
    take("organisations", HOSPITAL)
    take("memberships", f"{HANNE.ssin},71000012,physician,2020-01-01,,yes")
    take("mandates", mandate("m1", HANNE.ssin))
    with reading(site.database) as connection:
        twins = Twins(connection, site.secrets)
        register: NationalRegister = twins
        professions: Professions = twins
        organisations: Organisations = twins
        mandates: Mandates = twins
        assert register.citizen(HANNE.ssin)
        assert [child.child.given_name for child in register.children(HANNE.ssin)] == ["Léa"]
        assert [each.discipline for each in professions.qualities(HANNE.ssin)] == ["physician"]
        assert [each.role for each in organisations.memberships(HANNE.ssin)] == ["physician"]
        assert organisations.organisation("71000012")
        assert len(organisations.access_managers("71000012")) == 1
        assert ids(mandates.mandates(HANNE.ssin)) == {"m1"}


def test_nothing_is_in_the_table_in_the_clear_and_no_row_can_be_moved(
    site: Site, take: Take
) -> None:
    take("organisations", HOSPITAL)
    take("memberships", f"{HANNE.ssin},71000012,director,2020-01-01,,yes")
    take("mandates", mandate("m1", HANNE.ssin), mandate("m2", KARIM.ssin))
    with reading(site.database) as connection:
        dump = repr(connection.execute(select(source_facts)).all())
    for word in (HANNE.ssin, NEW_SSIN, "Marie", "recipe", "Sint-Jan", "71000012", "director"):
        assert word not in dump
    karim = national_number_hash(site.secrets, KARIM.ssin)
    hanne = national_number_hash(site.secrets, HANNE.ssin)
    with writing(site.database) as connection:
        mandates = source_facts.c.question == "mandates"
        connection.execute(
            update(source_facts)
            .where(mandates, source_facts.c.subject_hash == hanne)
            .values(subject_hash=karim)
        )
    with pytest.raises(CommandError, match="cannot be decrypted"):
        told(site, "mandates", KARIM.ssin)

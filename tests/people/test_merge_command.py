"""`authn people merge`: shown first, by doing it and taking it back; and asked for with `--yes`.

Here there was never a supervisor, so that it is done at once; `tests.console.test_machine` has the
second person.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from authn.db.metadata import metadata
from authn.db.transaction import reading
from authn.people.numbers import current_ssin
from authn.people.persons import find_person, find_person_by_ssin
from authn.people.tables import Person
from authn.sources.embedded.register_import import import_register_file
from authn.web.site import Site
from tests.citizen import HANNE, KARIM
from tests.conftest import MovableClock
from tests.console.acting import rows
from tests.devices.test_devices import add
from tests.people.test_merge import person
from tests.people.test_people_command import WHY, Command, command

__all__ = ["command"]  # a fixture

HEADER = "ssin,given_name,family_name,birthdate,language,deceased,replaces\n"
BOTH = f"{HANNE.ssin},Hanne,Van der Meulen,,nl,no,\n{KARIM.ssin},Karim,Benali,,fr,no,\n"
ONE = f"{HANNE.ssin},Hanne,Van der Meulen,,nl,no,{KARIM.ssin}\n"


def register_says(site: Site, tmp_path: Path, rows: str) -> None:
    path = tmp_path / "register.csv"
    path.write_text(HEADER + rows, encoding="utf-8")
    import_register_file(site.database, site.secrets, path, site.clock())


def content(site: Site) -> dict[str, list[Any]]:
    """Every row of every table."""
    with reading(site.database) as connection:
        return {
            name: sorted(map(repr, connection.execute(select(table))))
            for name, table in metadata.tables.items()
        }


@pytest.fixture
def two(site: Site) -> tuple[Person, Person]:
    """Who turns out to be the other, with a device, and who stays."""
    merged, kept = person(site, KARIM), person(site, HANNE)
    add(site, merged, 1, "Laptop of Karim")
    return merged, kept


def test_what_would_be_done_is_told_in_words_and_nothing_is_written(
    site: Site, command: Command, two: tuple[Person, Person], tmp_path: Path
) -> None:
    register_says(site, tmp_path, ONE)
    before = content(site)
    output = command("merge", *(str(each.id) for each in two), *WHY).output
    assert "What would be done:" in output
    assert "Device that goes on working: Laptop of Karim." in output
    assert "says that they are one" in output
    assert "Nothing was done" in output
    # But that both were looked at, and why.
    looked = rows(site, "desk.looked-at")
    assert {(row["person_id"], row["ticket"]) for row in looked} == {
        (each.id, "T-1") for each in two
    }
    before.pop("audit_events")
    after = content(site)
    after.pop("audit_events")
    assert after == before
    for number in (HANNE.ssin, KARIM.ssin):
        assert number not in output


def test_with_yes_it_is_done(
    site: Site, command: Command, two: tuple[Person, Person], tmp_path: Path
) -> None:
    merged, kept = two
    register_says(site, tmp_path, ONE)
    output = command("merge", str(merged.id), str(kept.id), "--yes", *WHY).output
    assert "What was done:" in output
    assert "WARNING: this needs two people" in output
    (row,) = rows(site, "desk.acted-alone")
    assert (row["act"], row["person_id"], row["actor_id"]) == ("merge", kept.id, None)
    with reading(site.database) as connection:
        assert find_person(connection, merged.id) is None
        found = find_person_by_ssin(connection, site.secrets, KARIM.ssin)
        assert found and found.id == kept.id
        assert current_ssin(connection, site.secrets, kept.id) == HANNE.ssin
    again = command.failure("merge", str(merged.id), str(kept.id), "--yes", *WHY)
    assert "merged into another" in again


def test_the_present_number_is_the_registers_whoever_stays(
    site: Site, command: Command, two: tuple[Person, Person], tmp_path: Path
) -> None:
    merged, kept = two
    register_says(site, tmp_path, ONE)
    command("merge", str(kept.id), str(merged.id), "--yes", *WHY)
    with reading(site.database) as connection:
        assert current_ssin(connection, site.secrets, merged.id) == HANNE.ssin
        found = find_person(connection, merged.id)
    assert found and found.given_name == "Hanne"


def test_two_citizens_of_the_register_are_not_merged(
    site: Site, command: Command, two: tuple[Person, Person], tmp_path: Path
) -> None:
    merged, kept = two
    register_says(site, tmp_path, BOTH)
    ids = (str(merged.id), str(kept.id))
    assert "two citizens" in command.failure("merge", *ids, "--yes", *WHY)
    with reading(site.database) as connection:
        assert find_person(connection, merged.id)


def test_a_register_that_knows_them_not_is_said(
    command: Command, two: tuple[Person, Person]
) -> None:
    output = command("merge", *(str(each.id) for each in two), *WHY).output
    assert "does not know both of them" in output


def test_one_person_is_nobody_else(command: Command, two: tuple[Person, Person]) -> None:
    merged, _ = two
    failure = command.failure("merge", str(merged.id), str(merged.id), *WHY)
    assert "one person already" in failure


def test_the_dead_and_the_living_are_one_only_when_the_register_says_so(
    site: Site, command: Command, clock: MovableClock
) -> None:
    merged, kept = person(site, replace(KARIM, deceased=True)), person(site, HANNE)
    assert "deceased" in command.failure("merge", str(merged.id), str(kept.id), "--yes", *WHY)

"""`authn people`: the register's file comes in, a person is shown without their number."""

from pathlib import Path

import pytest
from sqlalchemy import update
from typer.testing import CliRunner, Result

from authn.cli.people.people import app
from authn.console.reason import WrongReason
from authn.db.transaction import writing
from authn.devices.tables import devices
from authn.errors import CommandError
from authn.people.persons import find_or_create_person
from authn.settings import PREFIX
from authn.web.site import Site
from tests.conftest import MovableClock
from tests.console.acting import rows
from tests.devices.test_devices import add
from tests.people.test_persons import HANNE

WHY = ("--reason", "question", "--ticket", "T-1")
PEOPLE = Path(__file__).parents[2] / "authn" / "demo" / "people.csv"


@pytest.fixture
def command(site: Site, monkeypatch: pytest.MonkeyPatch) -> "Command":
    """`authn people …` with the settings of this test."""
    for name in ("database_url", "master_key", "national_number_key", "token_key", "audit_key"):
        value = getattr(site.settings, name).get_secret_value()
        monkeypatch.setenv(PREFIX + name.upper(), value)
    return Command()


class Command:
    """Runs it."""

    def __call__(self, *arguments: str, typed: str = "") -> Result:
        return CliRunner().invoke(app, list(arguments), input=typed)

    def failure(self, *arguments: str, typed: str = "") -> str:
        """The one sentence that it ends with."""
        result = self(*arguments, typed=typed)
        assert isinstance(result.exception, CommandError), result.output
        return str(result.exception)


def test_a_file_is_imported_and_counted(command: Command) -> None:
    rows = len(PEOPLE.read_text(encoding="utf-8").splitlines()) - 1
    assert f"People imported: {rows}." in command("import", str(PEOPLE)).output


def test_help_names_every_column(command: Command) -> None:
    output = command("import", "--help").output
    assert all(column in output for column in ("birthdate", "deceased", "replaces"))


def test_a_bad_file_is_one_sentence(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("name\n", encoding="utf-8")
    assert command.failure("import", str(path)).startswith("Line 1: the columns must be ssin,")


def test_a_person_is_shown_by_number_or_id_without_the_number(
    command: Command, site: Site, clock: MovableClock
) -> None:
    with writing(site.database) as connection:
        person = find_or_create_person(connection, site.secrets, HANNE, clock.now)
    by_number = command("show", *WHY, typed="03.41.01-001.28\n")
    for result in (by_number, command("show", str(person.id), *WHY)):
        assert result.exit_code == 0
        assert str(person.id) in result.stdout
        assert "Hanne Van der Meulen" in result.stdout
        assert "**.**.**-***.28" in result.stdout
        assert HANNE.ssin not in result.stdout


def test_to_show_a_person_is_a_look_on_record_with_its_reason(
    command: Command, site: Site, clock: MovableClock
) -> None:
    with writing(site.database) as connection:
        person = find_or_create_person(connection, site.secrets, HANNE, clock.now)
    bored = command("show", str(person.id), "--ticket", "", typed="bored\n")
    assert isinstance(bored.exception, WrongReason)
    assert person.full_name not in bored.output
    assert rows(site, "desk.looked-at", "desk.reason-given") == []
    assert command("show", str(person.id), typed="question\nT-7\n").exit_code == 0
    given, looked = rows(site, "desk.looked-at", "desk.reason-given")
    for row in (given, looked):
        assert (row["person_id"], row["actor_id"]) == (person.id, None)
        assert (row["reason"], row["ticket"]) == ("question", "T-7")


def test_a_persons_devices_are_shown_with_what_is_wrong_with_each(
    command: Command, site: Site, clock: MovableClock
) -> None:
    with writing(site.database) as connection:
        person = find_or_create_person(connection, site.secrets, HANNE, clock.now)
    for number, name in enumerate(("Laptop", "[bold]Phone[/bold]")):
        add(site, person, number, name)
    with writing(site.database) as connection:
        phone = devices.c.name == "[bold]Phone[/bold]"
        values = {"status": "suspended", "suspended_why": "counter", "suspended_at": clock()}
        connection.execute(update(devices).where(phone).values(values))
    shown = command("show", str(person.id), *WHY).stdout
    assert "Laptop (" in shown
    assert "): active, last used 2026-03-02 10:30 (Brussels)" in shown
    assert "[bold]Phone[/bold] (" in shown
    assert "): suspended, may have been copied, last used" in shown


def test_who_is_unknown_is_said_in_one_sentence(command: Command) -> None:
    command("import", str(PEOPLE))
    assert "not a valid national number (check digits)" in command.failure(
        "show", *WHY, typed="03410100129\n"
    )
    assert "in the national register, but" in command.failure("show", *WHY, typed="03410100128\n")
    assert command.failure("show", *WHY, typed="12410100251\n") == "There is no such person."
    unknown = "00000000-0000-4000-8000-000000000000"
    assert command.failure("show", unknown, *WHY) == "There is no such person."

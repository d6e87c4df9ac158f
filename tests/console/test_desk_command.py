"""`authn devices …`, `authn people block` and `begin-return`: the desk's acts, by hand."""

import pytest
from typer.testing import CliRunner, Result

from authn.cli.approvals import approvals as approvals_command
from authn.cli.clients import resources as resources_command
from authn.cli.people import activation as activation_command
from authn.cli.people import devices as devices_command
from authn.cli.people import people as people_command
from authn.clients.resource_servers.desk_api import DESK_ACT, DESK_READ, desk_api_audience
from authn.clients.resource_servers.resources import find_resource
from authn.db.transaction import reading
from authn.errors import CommandError, Refusal
from authn.settings import PREFIX
from authn.web.site import Site
from tests.citizen import HANNE, KARIM
from tests.console.acting import rows, statuses, suspend_for
from tests.console.conftest import MakeStaff
from tests.console.desk import CitizenAtHome
from tests.screens import signed_in

WHY = ("--reason", "lost-device", "--ticket", "T-9")
APPS = {
    "activation": activation_command.app,
    "approvals": approvals_command.app,
    "devices": devices_command.app,
    "people": people_command.app,
    "resources": resources_command.app,
}


class Command:
    """Runs it."""

    def __call__(self, *arguments: str, typed: str = "") -> Result:
        group, *rest = arguments
        return CliRunner().invoke(APPS[group], rest, input=typed)

    def done(self, *arguments: str, typed: str = "") -> str:
        """What it says; it did what it was asked."""
        result = self(*arguments, typed=typed)
        assert result.exit_code == 0, (result.output, result.exception)
        return result.stdout

    def failure(self, *arguments: str, typed: str = "") -> str:
        """The one sentence that it ends with."""
        result = self(*arguments, typed=typed)
        assert isinstance(result.exception, CommandError | Refusal), (result.output, result)
        error = result.exception
        return error.description if isinstance(error, Refusal) else str(error)


@pytest.fixture
def command(site: Site, monkeypatch: pytest.MonkeyPatch) -> Command:
    """`authn …` with the settings of this test."""
    for name in ("database_url", "master_key", "national_number_key", "token_key", "audit_key"):
        value = getattr(site.settings, name).get_secret_value()
        monkeypatch.setenv(PREFIX + name.upper(), value)
    monkeypatch.setenv(f"{PREFIX}ISSUER", site.settings.issuer)
    monkeypatch.setenv(f"{PREFIX}DATA_DIRECTORY", str(site.settings.data_directory))
    return Command()


def test_a_device_is_blocked_and_unblocked_with_a_reason_on_record(
    command: Command, citizen: CitizenAtHome, site: Site
) -> None:
    first = str(citizen.devices[0])
    said = command.done("devices", "suspend", first, *WHY, typed=f"{HANNE.ssin}\n")
    assert said.splitlines()[-1] == "Hanne Van der Meulen: Computer is blocked."
    assert statuses(site, citizen.person)[citizen.devices[0]] == "suspended"
    assert not signed_in(citizen.screen)
    (row,) = rows(site, "desk.suspended")
    assert (row["actor_id"], row["person_id"]) == (None, citizen.person.id)
    assert (row["reason"], row["ticket"]) == ("lost-device", "T-9")
    assert len(rows(site, "desk.reason-given")) == 1, "the citizen reads it"
    command.done("devices", "resume", first, "--person", str(citizen.person.id), *WHY)
    assert statuses(site, citizen.person)[citizen.devices[0]] == "active"


def test_what_is_not_said_is_asked(command: Command, citizen: CitizenAtHome, site: Site) -> None:
    typed = f"{HANNE.ssin}\nquestion\nT-8\n"
    command.done("devices", "unlink", str(citizen.devices[0]), typed=typed)
    (row,) = rows(site, "desk.unlinked")
    assert (row["reason"], row["ticket"], row["last"]) == ("question", "T-8", False)


@pytest.mark.parametrize("act", ["suspend", "resume", "unlink"])
def test_without_a_reason_of_the_list_nothing_is_done(
    command: Command, citizen: CitizenAtHome, site: Site, act: str
) -> None:
    person = ("--person", str(citizen.person.id))
    why = ("--reason", "curious", "--ticket", "")
    assert command.failure("devices", act, str(citizen.devices[0]), *person, *why)
    number = ("--reason", "question", "--ticket", HANNE.ssin)
    assert HANNE.ssin not in command.failure(
        "devices", act, str(citizen.devices[0]), *person, *number
    )
    assert {*statuses(site, citizen.person).values()} == {"active"}
    assert rows(site, "desk.reason-given") == []


def test_what_two_must_do_only_waits(command: Command, citizen: CitizenAtHome, site: Site) -> None:
    """Also where there never was a supervisor: blocking is enough, and can be undone."""
    first, second = map(str, citizen.devices)
    person = ("--person", str(citizen.person.id))
    command.done("devices", "unlink", first, *person, *WHY)
    assert "Nothing was done yet" in command.done("devices", "unlink", second, *person, *WHY)
    suspend_for(site, citizen.devices[1], "counter")
    assert "Nothing was done yet" in command.done("devices", "resume", second, *person, *WHY)
    assert statuses(site, citizen.person)[citizen.devices[1]] == "suspended"
    asked = rows(site, "approval.asked")
    assert [(row["actor_id"], row["act"], row["ticket"]) for row in asked] == [
        (None, "unlink-last", "T-9"),
        (None, "reinstate", "T-9"),
    ]
    assert rows(site, "desk.acted-alone") == []


def test_what_was_blocked_for_fraud_only_waits(
    command: Command, citizen: CitizenAtHome, site: Site
) -> None:
    first, person = str(citizen.devices[0]), ("--person", str(citizen.person.id))
    command.done("devices", "suspend", first, *person, "--reason", "misuse", "--ticket", "T-9")
    assert "Nothing was done yet" in command.done("devices", "resume", first, *person, *WHY)
    assert statuses(site, citizen.person)[citizen.devices[0]] == "suspended"
    assert [row["act"] for row in rows(site, "approval.asked")] == ["reinstate"]


def test_another_persons_device_is_not_there(
    command: Command, citizen: CitizenAtHome, make_staff: MakeStaff, site: Site
) -> None:
    other = make_staff("agent").person.id
    said = command.failure(
        "devices", "suspend", str(citizen.devices[0]), "--person", str(other), *WHY
    )
    assert "not there" in said
    assert {*statuses(site, citizen.person).values()} == {"active"}


def test_the_devices_are_listed_and_that_is_a_look(
    command: Command, citizen: CitizenAtHome, site: Site
) -> None:
    said = command.done("devices", "list", "--person", str(citizen.person.id), *WHY)
    for device in citizen.devices:
        assert str(device) in said
    (row,) = rows(site, "desk.looked-at")
    assert (row["actor_id"], row["person_id"], row["ticket"]) == (None, citizen.person.id, "T-9")


def test_every_device_is_blocked_with_a_reason(
    command: Command, citizen: CitizenAtHome, site: Site
) -> None:
    said = command.done("people", "block", str(citizen.person.id), *WHY)
    assert "Every device is blocked: Hanne Van der Meulen." in said
    assert {*statuses(site, citizen.person).values()} == {"suspended"}
    (row,) = rows(site, "desk.blocked-all")
    assert (row["actor_id"], row["ticket"]) == (None, "T-9")
    assert "nothing to block" in command.failure("people", "block", str(citizen.person.id), *WHY)


def test_a_return_needs_somebody_who_can_be_warned(
    command: Command, citizen: CitizenAtHome
) -> None:
    said = command.failure("people", "begin-return", str(citizen.person.id), *WHY)
    assert "no address at which we could warn them" in said


def test_who_is_unknown_is_one_sentence_and_a_search_on_record(
    command: Command, citizen: CitizenAtHome, site: Site
) -> None:
    arguments = ("devices", "list", *WHY)
    assert command.failure(*arguments, typed=f"{KARIM.ssin}\n")
    (row,) = rows(site, "desk.searched")
    assert (row["kind"], row["found"], row["ticket"]) == ("number", 0, "T-9")
    assert (row["person_id"], row["actor_id"]) == (None, None)


def test_the_api_is_offered_by_a_command_and_once(command: Command, site: Site) -> None:
    assert "is offered now" in command.done("resources", "desk-api")
    assert "was offered already" in command.done("resources", "desk-api")
    with reading(site.database) as connection:
        found = find_resource(connection, desk_api_audience(site.settings))
    assert found is not None
    assert found.scopes.keys() == {DESK_READ, DESK_ACT}
    assert {*found.scopes[DESK_ACT].name} == {"en", "nl", "fr", "de"}
    assert "service's own" in command.failure(
        "resources", "change", found.resource, "--name", "Another"
    )

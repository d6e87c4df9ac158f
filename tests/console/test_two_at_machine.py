"""What gives much, at the machine: free before there is an operator, asked of one, or loud."""

import re
from uuid import UUID

import pytest
from typer.testing import CliRunner, Result

from authn.cli.approvals import approvals as approvals_command
from authn.cli.clients import assertion_issuers as issuers_command
from authn.cli.clients import clients as clients_command
from authn.cli.clients import exchanges as exchanges_command
from authn.cli.clients import resources as resources_command
from authn.cli.people import staff as staff_command
from authn.clients.assertion_issuers import list_assertion_issuers
from authn.clients.resource_servers.exchange_pairs import list_exchanges
from authn.clients.resource_servers.resources import find_resource
from authn.console.operator_requests import approve_request
from authn.db.transaction import reading, writing
from authn.errors import CommandError, Refusal
from authn.people.tables import Person
from authn.profiles.appointments import appoint
from authn.secrets import token_hash
from authn.staff.members import staff_by_desk
from authn.web.site import Site
from tests.citizen import HANNE, KARIM, activation_code
from tests.conftest import MovableClock
from tests.console.acting import desk_of, rows
from tests.console.conftest import MakeStaff
from tests.console.desk import STAFF, DeskScreen
from tests.console.test_desk_command import Command as DeskCommand
from tests.console.test_desk_command import command as desk_command
from tests.console.test_operator_clients import client_of
from tests.console.two_operators import REQUESTS, agree, every_request, states
from tests.mailbox import confirm_for, mails
from tests.occasion import job
from tests.together import at_once

__all__ = ["desk_command"]  # a fixture

URI = "https://hospital.example/callback"
ADD = ("add", "Hospital", "--client-id", "hospital", "--redirect-uri", URI)
WHY = ("--reason", "They send letters by number", "--ticket", "T-7")
APPS = {
    "approvals": approvals_command.app,
    "assertion-issuers": issuers_command.app,
    "clients": clients_command.app,
    "exchanges": exchanges_command.app,
    "resources": resources_command.app,
    "staff": staff_command.app,
}


class Command:
    """Runs it."""

    def __call__(self, group: str, *words: str, typed: str = "") -> Result:
        return CliRunner().invoke(APPS[group], list(words), input=typed)

    def done(self, group: str, *words: str, typed: str = "") -> str:
        """What it says; it did what it was asked."""
        result = self(group, *words, typed=typed)
        assert result.exit_code == 0, (result.output, result.exception)
        return result.stdout

    def failure(self, group: str, *words: str) -> str:
        """The one sentence that it ends with."""
        error = self(group, *words).exception
        assert isinstance(error, CommandError | Refusal), error
        return error.description if isinstance(error, Refusal) else str(error)


@pytest.fixture
def command(
    desk_command: DeskCommand, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> Command:
    """`authn …` with the settings and the clock of this test."""
    monkeypatch.setattr("authn.cli.ground.system_clock", clock)
    return Command()


@pytest.fixture
def second(make_staff: MakeStaff) -> DeskScreen:
    """Another operator, of another desk."""
    return make_staff("operator", desk="Namur", citizen=STAFF["agent"])


def waiting_in(output: str) -> UUID:
    """What the command says that it waits for."""
    assert "Nothing was done yet" in output, output
    found = re.search(rf"{REQUESTS}/([0-9a-f-]{{36}})", output)
    assert found, output
    return UUID(found[1])


def roles_of(site: Site, person: Person) -> set[str]:
    with reading(site.database) as connection:
        held = staff_by_desk(connection, person.id).values()
    return {role for each in held for role in each.roles}


# Applications, resources, exchanges, issuers


def test_before_there_ever_was_an_operator_nothing_is_asked(command: Command, site: Site) -> None:
    said = command.done("clients", *ADD, "--ssin", "--first-party")
    assert "WARNING" not in said
    client = client_of(site, "hospital")
    assert client is not None
    assert client.may_read_ssin
    assert rows(site, "operator.acted-alone", "operator-request.asked") == []


def test_of_two_operators_one_must_agree_to_what_the_machine_asks(
    command: Command, operator: DeskScreen, second: DeskScreen, site: Site
) -> None:
    said = command.done("clients", *ADD, "--ssin", *WHY)
    request = waiting_in(said)
    secret = re.search(r"client_secret +(\S{43})\n", said)
    assert secret
    assert client_of(site, "hospital") is None
    (row,) = rows(site, "operator-request.asked")
    assert (row["actor_id"], row["gives"], row["ticket"]) == (None, ["ssin"], "T-7")
    assert f"{request}  new-client      waiting" in command.done("approvals", "list")
    assert agree(second, request).status_code == 200
    client = client_of(site, "hospital")
    assert client is not None
    assert client.may_ask("ssin")
    assert client.client_secret_hash == token_hash(secret[1])
    assert f"{request}  new-client      approved" in command.done("approvals", "list")
    assert rows(site, "operator.acted-alone") == []


def test_what_gives_nothing_much_is_done_at_once(
    command: Command, operator: DeskScreen, second: DeskScreen, site: Site
) -> None:
    assert "Nothing was done" not in command.done("clients", *ADD)
    assert "is changed" in command.done("clients", "change", "hospital", "--name", "Clinic")
    assert client_of(site, "hospital")
    request = waiting_in(command.done("clients", "change", "hospital", "--first-party", *WHY))
    command.done("approvals", "withdraw", str(request))
    assert command.failure("approvals", "withdraw", str(request))
    assert states(site) == ["withdrawn"]


def test_an_operator_who_is_alone_does_it_loudly(
    command: Command, operator: DeskScreen, make_staff: MakeStaff, site: Site
) -> None:
    supervisor = make_staff("supervisor")
    for each, name in ((operator, "els"), (supervisor, "claire")):
        confirm_for(site, each.person, f"{name}@desk.example")
    said = command.done("clients", *ADD, "--ssin", *WHY)
    assert "WARNING: this needs two people" in said
    assert client_of(site, "hospital")
    (row,) = rows(site, "operator.acted-alone")
    assert (row["kind"], row["target"], row["gives"]) == ("new-client", "hospital", ["ssin"])
    assert (row["reason"], row["ticket"]) == ("They send letters by number", "T-7")
    assert told(site) == {("claire@desk.example", "much-given"), ("els@desk.example", "much-given")}
    sentence = "Hospital (hospital) was given much, and nobody else agreed."
    assert sentence in english(operator).get(REQUESTS).text
    assert all("Hospital (hospital)" in each.text for each in mails(site))


def test_also_when_every_operator_was_dismissed(
    command: Command, operator: DeskScreen, site: Site
) -> None:
    """Dismissing them is no way back to the beginning."""
    command.done("staff", "dismiss", "operator", "--person", str(operator.person.id))
    assert "WARNING" in command.done("clients", *ADD, "--ssin", *WHY)
    assert len(rows(site, "operator.acted-alone")) == 1


@pytest.mark.parametrize("typed", ["", "\n\n", "a\n"])
def test_without_a_reason_and_a_ticket_nothing_is_done(
    command: Command, operator: DeskScreen, site: Site, typed: str
) -> None:
    assert command("clients", *ADD, "--ssin", typed=typed).exit_code == 1
    assert client_of(site, "hospital") is None
    assert rows(site, "operator.acted-alone") == []


def test_a_reason_holds_no_national_number(
    command: Command, operator: DeskScreen, site: Site
) -> None:
    said = command.failure("clients", *ADD, "--ssin", "--reason", HANNE.ssin, "--ticket", "")
    assert "national number" in said
    assert client_of(site, "hospital") is None


def test_resources_exchanges_and_issuers_wait_too_and_are_done_as_said(
    command: Command, operator: DeskScreen, second: DeskScreen, site: Site
) -> None:
    command.done("clients", *ADD)
    letters = "https://letters.example"
    words = ("resources", "add", letters, "--name", "Letters", "--scope", "read=Read your letters")
    assert agree(second, waiting_in(command.done(*words, "--ssin", *WHY))).status_code == 200
    with reading(site.database) as connection:
        found = find_resource(connection, letters)
    assert found is not None
    assert found.may_read_ssin
    pair = ("exchanges", "allow", "hospital", "hospital", letters)
    request = waiting_in(command.done(*pair, *WHY))
    with reading(site.database) as connection:
        assert list_exchanges(connection) == []
    assert agree(second, request).status_code == 200
    issuer = ("add", "https://issuer.example", "--client", "hospital")
    keys = ("--subject-client", "hospital", "--jwks-uri", "https://issuer.example/keys")
    request = waiting_in(command.done("assertion-issuers", *issuer, *keys, *WHY))
    assert agree(second, request).status_code == 200
    with reading(site.database) as connection:
        assert len(list_exchanges(connection)) == 1
        (taken,) = list_assertion_issuers(connection)
    assert (taken.client_id, taken.jwks_uri) == ("hospital", "https://issuer.example/keys")
    change = ("resources", "change", letters, "--client", "hospital")
    assert agree(second, waiting_in(command.done(*change, *WHY))).status_code == 200


# Roles


def appointed(command: Command, role: str, person: Person, *more: str) -> str:
    words = ("appoint", role, "--desk", "Ghent", "--person", str(person.id))
    return command.done("staff", *words, *more)


def test_the_first_supervisor_is_appointed_as_ever_and_operators_are_told(
    command: Command, operator: DeskScreen, site: Site
) -> None:
    confirm_for(site, operator.person, "els@desk.example")
    person, _ = activation_code(site, KARIM)
    assert "has the role now" in appointed(command, "supervisor", person)
    assert roles_of(site, person) == {"supervisor"}
    assert told(site) == {("els@desk.example", "role-changed")}
    assert rows(site, "operator.acted-alone") == []


@pytest.mark.parametrize("role", ["supervisor", "operator"])
def test_another_one_waits_for_who_has_the_role(
    command: Command, make_staff: MakeStaff, site: Site, role: str
) -> None:
    there = make_staff(role)
    other = make_staff("operator" if role == "supervisor" else "supervisor", citizen=HANNE)
    person, _ = activation_code(site, KARIM)
    request = waiting_in(appointed(command, role, person, *WHY))
    assert roles_of(site, person) == set()
    assert other.get(f"{REQUESTS}/{request}").status_code == 404
    assert agree(other, request).status_code == 404
    page = there.get(f"{REQUESTS}/{request}").text
    assert person.family_name in page
    assert KARIM.ssin not in page
    confirm_for(site, there.person, "there@desk.example")
    assert agree(there, request).status_code == 200
    assert roles_of(site, person) == {role}
    assert told(site) == {("there@desk.example", "role-changed")}
    (row,) = rows(site, "operator-request.approved")
    assert (row["actor_id"], row["person_id"]) == (there.person.id, person.id)


def test_roles_by_which_nobody_decides_are_given_at_once(
    command: Command, operator: DeskScreen, make_staff: MakeStaff, site: Site
) -> None:
    make_staff("supervisor")
    person, _ = activation_code(site, KARIM)
    for role in ("agent", "registrar", "auditor"):
        assert "has the role now" in appointed(command, role, person)
    assert every_request(site) == []
    assert "had the role already" in appointed(command, "agent", person)


def test_once_all_were_dismissed_one_alone_appoints_and_everybody_hears_of_it(
    command: Command, operator: DeskScreen, make_staff: MakeStaff, site: Site
) -> None:
    supervisor = make_staff("supervisor")
    for each, name in ((operator, "els"), (supervisor, "claire")):
        confirm_for(site, each.person, f"{name}@desk.example")
    person, _ = activation_code(site, KARIM)
    command.done("staff", "dismiss", "supervisor", "--person", str(supervisor.person.id))
    both = {("claire@desk.example", "role-changed"), ("els@desk.example", "role-changed")}
    assert told(site) == both
    assert "WARNING" in appointed(command, "supervisor", person, *WHY)
    assert roles_of(site, person) == {"supervisor"}
    (row,) = rows(site, "operator.acted-alone")
    assert (row["kind"], row["person_id"], row["ticket"]) == ("role", person.id, "T-7")
    page = english(operator).get(REQUESTS).text
    assert f"Nobody else agreed that {person.full_name} is supervisor." in page
    assert f"{supervisor.person.full_name} is no more supervisor." in page


@pytest.mark.parametrize("desk", ["", "x" * 61])
def test_what_is_no_desk_is_not_asked(
    command: Command, operator: DeskScreen, site: Site, desk: str
) -> None:
    person, _ = activation_code(site, KARIM)
    words = ("appoint", "operator", "--desk", desk, "--person", str(person.id), *WHY)
    assert "at most 60 characters" in command.failure("staff", *words)
    assert every_request(site) == []


def test_supervisors_read_on_their_pages_who_was_appointed_at_the_machine(
    command: Command, make_staff: MakeStaff, site: Site
) -> None:
    supervisor = english(make_staff("supervisor"))
    person, _ = activation_code(site, KARIM)
    command.done("staff", "first-operator", "--person", str(person.id))
    for path in ("/desk", "/desk/activity", REQUESTS):
        assert f"{person.full_name} was made operator." in supervisor.get(path).text


def test_nobody_agrees_to_a_role_of_their_own(
    command: Command, make_staff: MakeStaff, site: Site
) -> None:
    """Who became supervisor meanwhile does not agree that they are."""
    make_staff("supervisor")
    chosen = make_staff("agent", desk="Namur")
    request = waiting_in(appointed(command, "supervisor", chosen.person, *WHY))
    with writing(site.database) as connection:
        keys, now = site.secrets, site.clock()
        appoint(connection, keys, chosen.person.id, "supervisor", "Namur", now)
    desk = desk_of(site, chosen, at="Namur")
    with writing(site.database) as connection, pytest.raises(Refusal):
        approve_request(job(site, connection), desk, request)
    assert states(site) == ["waiting"]


def test_of_two_roles_that_are_agreed_to_at_once_for_one_person_one_is_given(
    command: Command, make_staff: MakeStaff, site: Site
) -> None:
    there = make_staff("supervisor")
    person, _ = activation_code(site, KARIM)
    request = waiting_in(appointed(command, "supervisor", person, *WHY))
    desk = desk_of(site, there)

    def run() -> bool:
        with writing(site.database) as connection:
            approve_request(job(site, connection), desk, request)
        return True

    assert sum(each is True for each in at_once(run, threads=4)) == 1
    assert len([row for row in rows(site, "staff.appointed") if row["person_id"] == person.id]) == 1


def english(screen: DeskScreen) -> DeskScreen:
    screen.screen.client.headers["Accept-Language"] = "en"
    return screen


def told(site: Site) -> set[tuple[str, str]]:
    """To whom of the staff a mail goes, and of which kind."""
    return {(mail.to, mail.notice) for mail in mails(site) if "desk.example" in mail.to}

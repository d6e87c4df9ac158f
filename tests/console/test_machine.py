"""The machine's command line asks a second person for what two must do, as the desk's pages do.

Decisions 3.3. `authn people merge` and `authn activation issue` are no way around it.
"""

import re
from uuid import UUID

import pytest
from starlette.applications import Starlette

from authn.console.desk_sessions import LookReason
from authn.console.local_operator import LocalCodeIssue, build_local_operator, do_issue_code
from authn.db.transaction import reading, writing
from authn.people.persons import find_person
from authn.people.tables import Person
from authn.profiles.appointments import appoint, dismiss
from authn.sources.embedded.register_import import import_register_file
from authn.web.site import Site
from tests.citizen import KARIM, activation_code
from tests.conftest import MovableClock
from tests.console.acting import approve, every_approval, rows
from tests.console.desk import STAFF, CitizenAtHome, DeskScreen
from tests.console.test_desk_command import WHY, Command, command
from tests.console.test_registration import enrol_with
from tests.enrolment.test_activation_command import PEOPLE
from tests.mailbox import confirm_for
from tests.occasion import job
from tests.screens import another_screen
from tests.together import at_once

__all__ = ["command"]  # a fixture

# Of whom the demo's register knows nothing.
HANNE_AGAIN = STAFF["auditor"]
CODE = re.compile(r"[0-9A-Z]{5}-[0-9A-Z]{5}-[0-9A-Z]{6}")
APPROVAL = re.compile(r"/desk/approvals/([0-9a-f-]{36})")


@pytest.fixture(autouse=True)
def present_day(site: Site, clock: MovableClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands have the clock of the pages."""
    monkeypatch.setattr("authn.cli.ground.system_clock", clock)
    import_register_file(site.database, site.secrets, PEOPLE, site.clock())


def waiting_in(output: str) -> UUID:
    """What the command says that it waits for; no code is in it."""
    assert "Nothing was done yet" in output
    assert CODE.search(output) is None
    found = APPROVAL.search(output)
    assert found, output
    return UUID(found[1])


def issue(command: Command, person: Person) -> str:
    return command.done("activation", "issue", "--person", str(person.id), *WHY)


def test_a_code_for_who_never_had_a_device_is_printed_at_once_with_its_reason(
    command: Command, supervisor: DeskScreen, site: Site
) -> None:
    said = command.done("activation", "issue", *WHY, typed=f"{KARIM.ssin}\n")
    assert CODE.search(said)
    assert "WARNING" not in said
    (row,) = rows(site, "registration.code-issued-at-machine")
    assert (row["actor_id"], row["reason"], row["ticket"]) == (None, "lost-device", "T-9")
    assert row["approved_by"] is None
    assert len(rows(site, "desk.reason-given")) == 1
    assert rows(site, "desk.acted-alone") == []


def test_a_code_for_who_has_a_device_waits_and_is_printed_once_by_the_same_command(
    command: Command, supervisor: DeskScreen, citizen: CitizenAtHome, site: Site, app: Starlette
) -> None:
    asked = waiting_in(issue(command, citizen.person))
    assert waiting_in(issue(command, citizen.person)) == asked  # it waits once
    (row,) = rows(site, "approval.asked")
    assert (row["actor_id"], row["act"], row["ticket"]) == (None, "issue-code", "T-9")
    supervisor.screen.client.headers["Accept-Language"] = "en"
    assert "The operator, at the machine of this service" in supervisor.get("/desk/approvals").text
    assert approve(supervisor, asked).status_code == 200
    said = issue(command, citizen.person)
    code = CODE.search(said)
    assert code
    (printed,) = rows(site, "registration.code-issued-at-machine")
    assert printed["approved_by"] == str(supervisor.person.id)
    assert waiting_in(issue(command, citizen.person)) != asked  # spent
    answer = enrol_with(another_screen(app), code[0])
    assert answer.status_code == 200, answer.text


def test_what_was_refused_taken_back_or_too_late_prints_nothing(
    command: Command,
    supervisor: DeskScreen,
    citizen: CitizenAtHome,
    site: Site,
    clock: MovableClock,
) -> None:
    refused = waiting_in(issue(command, citizen.person))
    supervisor.post_form(f"/desk/approvals/{refused}/refuse", remark="Call them back")
    assert "Call them back" in command.done("approvals", "list")
    taken_back = waiting_in(issue(command, citizen.person))
    assert "Taken back" in command.done("approvals", "withdraw", str(taken_back))
    assert command.failure("approvals", "withdraw", str(taken_back))
    approved = waiting_in(issue(command, citizen.person))
    assert approve(supervisor, approved).status_code == 200
    clock.advance(minutes=31)
    too_late = waiting_in(issue(command, citizen.person))
    assert len({refused, taken_back, approved, too_late}) == 4
    assert rows(site, "registration.code-issued-at-machine") == []
    listed = command.done("approvals", "list")
    assert [listed.count(word) for word in ("refused", "withdrawn", "approved", "waiting")] == [
        1,
        1,
        1,
        1,
    ]
    assert citizen.person.family_name not in listed


def test_nobody_takes_back_what_another_one_asked(
    command: Command, agent: DeskScreen, supervisor: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    asked = waiting_in(issue(command, citizen.person))
    assert agent.get(f"/desk/approvals/{asked}").status_code == 404
    for who in (agent, supervisor):
        assert who.post_form(f"/desk/approvals/{asked}/withdraw").status_code == 404
    assert every_approval(site)[0].state == "waiting"


def test_two_persons_are_merged_at_the_moment_when_a_supervisor_approves(
    command: Command, supervisor: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    other, _ = activation_code(site, HANNE_AGAIN)
    ids = (str(other.id), str(citizen.person.id))
    command.done("people", "merge", *ids, *WHY)
    assert every_approval(site) == []
    asked = waiting_in(command.done("people", "merge", *ids, "--yes", *WHY))
    with reading(site.database) as connection:
        assert find_person(connection, other.id)
    assert approve(supervisor, asked).status_code == 200
    with reading(site.database) as connection:
        assert find_person(connection, other.id) is None
    (row,) = rows(site, "desk.merged")
    assert (row["actor_id"], row["approved_by"]) == (None, str(supervisor.person.id))
    assert (row["reason"], row["ticket"]) == ("lost-device", "T-9")


@pytest.mark.parametrize("typed", ["", "bored\nT-1\n"])
def test_without_a_reason_nothing_is_asked_and_nothing_issued(
    command: Command, citizen: CitizenAtHome, site: Site, typed: str
) -> None:
    person = str(citizen.person.id)
    for arguments in (
        ("activation", "issue", "--person", person),
        ("people", "merge", person, person, "--yes"),
        ("people", "show", person),
    ):
        assert command(*arguments, typed=typed).exit_code == 1
    assert every_approval(site) == []
    assert rows(site, "desk.reason-given", "registration.code-issued-at-machine") == []


# Before there was a supervisor, and after


def test_before_there_ever_was_a_supervisor_one_does_it_alone_and_it_is_said_loudly(
    command: Command, citizen: CitizenAtHome, site: Site
) -> None:
    said = issue(command, citizen.person)
    assert CODE.search(said)
    assert "WARNING: this needs two people" in said
    (row,) = rows(site, "desk.acted-alone")
    assert (row["act"], row["person_id"], row["ticket"]) == ("issue-code", citizen.person.id, "T-9")


@pytest.mark.parametrize("dismissed", [False, True])
def test_once_there_was_a_supervisor_never_again(
    command: Command, citizen: CitizenAtHome, site: Site, *, dismissed: bool
) -> None:
    """Also when none is left: dismissing them is no way back to the beginning."""
    person, _ = activation_code(site, STAFF["supervisor"])
    with writing(site.database) as connection:
        appoint(connection, site.secrets, person.id, "supervisor", "Ghent", site.clock())
        if dismissed:
            dismiss(connection, site.secrets, person.id, "supervisor", site.clock())
    waiting_in(issue(command, citizen.person))
    other, _ = activation_code(site, HANNE_AGAIN)
    ids = (str(other.id), str(citizen.person.id))
    waiting_in(command.done("people", "merge", *ids, "--yes", *WHY))
    assert rows(site, "desk.acted-alone", "desk.merged") == []


def test_a_return_that_was_begun_at_the_machine_lets_nobody_in_by_the_machine_alone(
    command: Command,
    supervisor: DeskScreen,
    citizen: CitizenAtHome,
    site: Site,
    clock: MovableClock,
) -> None:
    """Who began it is not who issues the code, and both are whoever is at the machine."""
    confirm_for(site, citizen.person)
    command.done("people", "block", str(citizen.person.id), *WHY)
    command.done("people", "begin-return", str(citizen.person.id), *WHY)
    clock.advance(days=2)
    waiting_in(issue(command, citizen.person))


def test_an_approval_is_spent_by_one_of_two_commands_at_once(
    supervisor: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    with reading(site.database) as connection:
        desk = build_local_operator(connection, LookReason("came-to-desk"))
    assert desk.alone == frozenset()

    def run() -> LocalCodeIssue:
        with writing(site.database) as connection:
            return do_issue_code(job(site, connection), desk, citizen.person)

    first = run().asked
    assert first
    assert approve(supervisor, first.id).status_code == 200
    results = at_once(run, threads=4)
    codes = [each.code for each in results if isinstance(each, LocalCodeIssue) and each.code]
    assert len(codes) == 1
    assert len(rows(site, "registration.code-issued-at-machine")) == 1
    assert codes[0] not in repr(results)


def test_who_approved_and_was_dismissed_since_is_no_second_person(
    command: Command, supervisor: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    asked = waiting_in(issue(command, citizen.person))
    assert approve(supervisor, asked).status_code == 200
    with writing(site.database) as connection:
        dismiss(connection, site.secrets, supervisor.person.id, "supervisor", site.clock())
    said = command.failure("activation", "issue", "--person", str(citizen.person.id), *WHY)
    assert "may not agree any more" in said
    assert rows(site, "registration.code-issued-at-machine") == []
    (row,) = rows(site, "approval.lapsed")
    assert (row["actor_id"], row["approved_by"]) == (None, str(supervisor.person.id))

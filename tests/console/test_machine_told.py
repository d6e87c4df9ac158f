"""Who has devices is told of a code that is asked for at the machine, as of a desk's: decisions
3.3.

Every address on file can cancel it, until it was used.
"""

import pytest
from httpx2 import Response
from starlette.applications import Starlette

from authn.console.desk_sessions import LookReason
from authn.console.local_operator import LocalCodeIssue, build_local_operator, do_issue_code
from authn.db.transaction import reading, writing
from authn.web.site import Site
from tests.citizen import KARIM
from tests.console.acting import approve, every_approval, rows
from tests.console.desk import CitizenAtHome, DeskScreen
from tests.console.test_desk_command import WHY, Command, command
from tests.console.test_machine import CODE, issue, present_day, waiting_in
from tests.console.test_registration import HOME, enrol_with
from tests.mailbox import Mail, confirm_for, mails
from tests.occasion import job
from tests.screens import another_screen
from tests.together import at_once

__all__ = ["command", "present_day"]  # fixtures


@pytest.fixture
def reachable(site: Site, citizen: CitizenAtHome) -> CitizenAtHome:
    """Hanne has devices and two addresses."""
    for address in ("hanne@example.org", "hanne@work.example"):
        confirm_for(site, citizen.person, address)
    return citizen


def told(site: Site) -> list[Mail]:
    return [each for each in mails(site) if each.notice == "machine-code-asked"]


def cancel(app: Starlette, mail: Mail) -> Response:
    """The button of the link in this mail, by whoever reads it."""
    return another_screen(app).post_json("/not-me", {"token": mail.link("/not-me")})


def issued_twice(command: Command, supervisor: DeskScreen, reachable: CitizenAtHome) -> list[str]:
    """The codes that were printed, one after the other, each asked for and approved."""
    codes = []
    for _ in range(2):
        assert approve(supervisor, waiting_in(issue(command, reachable.person))).status_code == 200
        codes.append(CODE.findall(issue(command, reachable.person))[0])
    return codes


def test_every_address_is_told_once_however_often_the_same_is_asked(
    command: Command, site: Site, supervisor: DeskScreen, reachable: CitizenAtHome
) -> None:
    asked = waiting_in(issue(command, reachable.person))
    assert waiting_in(issue(command, reachable.person)) == asked
    found = told(site)
    assert {each.to for each in found} == {"hanne@example.org", "hanne@work.example"}
    assert len(found) == 2
    assert "op de machine van deze dienst" in found[0].text


def test_asked_by_two_commands_at_once_it_is_told_once(
    site: Site, supervisor: DeskScreen, reachable: CitizenAtHome
) -> None:
    with reading(site.database) as connection:
        desk = build_local_operator(connection, LookReason("came-to-desk"))

    def run() -> LocalCodeIssue:
        with writing(site.database) as connection:
            return do_issue_code(job(site, connection), desk, reachable.person)

    results = at_once(run, threads=4)
    assert (
        len({each.asked.id for each in results if isinstance(each, LocalCodeIssue) and each.asked})
        == 1
    )
    assert len(told(site)) == 2
    assert len(every_approval(site)) == 1


def test_what_its_holder_cancelled_is_not_printed_though_it_was_approved(
    command: Command,
    site: Site,
    app: Starlette,
    supervisor: DeskScreen,
    reachable: CitizenAtHome,
) -> None:
    asked = waiting_in(issue(command, reachable.person))
    assert approve(supervisor, asked).status_code == 200
    assert cancel(app, told(site)[0]).json() == {"standing": "done"}
    assert waiting_in(issue(command, reachable.person)) != asked
    assert rows(site, "registration.code-issued-at-machine") == []
    assert len(told(site)) == 4


def test_the_link_ends_a_code_that_was_printed_and_not_one_of_later(
    command: Command,
    site: Site,
    app: Starlette,
    supervisor: DeskScreen,
    reachable: CitizenAtHome,
) -> None:
    codes = issued_twice(command, supervisor, reachable)
    first, _, second, _ = told(site)
    assert cancel(app, second).json() == {"standing": "done"}
    assert enrol_with(another_screen(app), codes[1]).status_code == 422
    assert enrol_with(another_screen(app), codes[0]).status_code == 422  # the later one ended it
    assert first.link("/not-me") != second.link("/not-me")


def test_an_old_link_leaves_a_code_that_was_issued_since(
    command: Command,
    site: Site,
    app: Starlette,
    supervisor: DeskScreen,
    reachable: CitizenAtHome,
) -> None:
    codes = issued_twice(command, supervisor, reachable)
    cancel(app, told(site)[0])
    answer = enrol_with(another_screen(app), codes[1])
    assert answer.status_code == 200, answer.text


def test_before_there_ever_was_a_supervisor_they_are_told_too(
    command: Command, site: Site, app: Starlette, reachable: CitizenAtHome
) -> None:
    code = CODE.findall(issue(command, reachable.person))[0]
    assert len(told(site)) == 2
    assert cancel(app, told(site)[0]).json() == {"standing": "done"}
    assert enrol_with(another_screen(app), code).status_code == 422


def test_who_never_had_a_device_is_told_of_none(
    command: Command, site: Site, supervisor: DeskScreen
) -> None:
    command.done("activation", "issue", *WHY, typed=f"{KARIM.ssin}\n")
    assert told(site) == []


def test_a_registrar_sees_that_a_code_waits_and_may_cancel_it(
    command: Command,
    site: Site,
    registrar: DeskScreen,
    supervisor: DeskScreen,
    reachable: CitizenAtHome,
) -> None:
    registrar.screen.client.headers["Accept-Language"] = "en"
    asked = waiting_in(issue(command, reachable.person))
    registrar.give_reason(reachable.person.id)
    page = registrar.get(f"{HOME}/{reachable.person.id}").text
    assert "A colleague is at work on a code for this person" in page
    code_id = every_approval(site)[0].payload["desk_code_id"]
    cancelled = registrar.post_form(f"{HOME}/{reachable.person.id}/cancel", desk_code=code_id)
    assert cancelled.status_code == 303
    assert approve(supervisor, asked).status_code == 200
    assert waiting_in(issue(command, reachable.person)) != asked

"""Ways around the second person that were tried, each of which leads nowhere: decisions 3.3, 5."""

from uuid import UUID

import pytest

from authn.console.approvals import request_approval as ask_second
from authn.db.transaction import writing
from authn.profiles.appointments import appoint, dismiss
from authn.web.site import Site
from tests.citizen import KARIM, activation_code
from tests.console.acting import (
    act_path,
    approve,
    asked,
    desk_of,
    every_approval,
    rows,
    statuses,
    suspend_for,
)
from tests.console.conftest import MakeStaff, MakeTool
from tests.console.desk import STAFF, CitizenAtHome, DeskScreen
from tests.console.test_api import ANOTHER
from tests.console.test_registration import (
    approvals_of,
    ask,
    checked,
    desk_code,
    letter,
    printed_again,
    ticket_in,
)
from tests.occasion import job
from tests.screens import problem


@pytest.fixture
def boss(make_staff: MakeStaff) -> DeskScreen:
    """A supervisor of another desk, who is nobody's colleague here."""
    return make_staff("supervisor", desk="Namur", citizen=ANOTHER)


# What was approved is exactly what is done


def test_an_approval_of_unblocking_is_none_of_reinstating_after_fraud(
    site: Site, make_staff: MakeStaff, boss: DeskScreen
) -> None:
    """Asked while it was blocked as lost; blocked on suspicion by the time that it is approved."""
    asker, colleague = make_staff("supervisor"), make_staff("agent", citizen=STAFF["registrar"])
    (theirs,) = statuses(site, colleague.person)
    suspend_for(site, theirs, "desk")
    asker.give_reason(colleague.person.id)
    waiting = asked(asker.act(act_path(colleague.person, theirs, "resume")))
    assert every_approval(site)[0].act == "resume"
    suspend_for(site, theirs, "counter")
    answer = approve(boss, waiting)
    assert (answer.status_code, problem(answer)) == (403, "heavier-now")
    assert every_approval(site)[0].state == "failed"
    assert statuses(site, colleague.person)[theirs] == "suspended"
    # Asked anew it is what it is, and waits as that.
    again = asked(asker.act(act_path(colleague.person, theirs, "resume")))
    assert next(each.act for each in every_approval(site) if each.id == again) == "reinstate"
    assert approve(boss, again).status_code == 200


def test_an_approval_of_removing_is_none_of_removing_the_last(
    site: Site, make_staff: MakeStaff, boss: DeskScreen, citizen: CitizenAtHome
) -> None:
    with writing(site.database) as connection:
        appoint(connection, site.secrets, citizen.person.id, "auditor", "Ghent", site.clock())
    asker = make_staff("agent")
    first, second = citizen.devices
    asker.give_reason(citizen.person.id)
    waiting = [
        asked(asker.act(act_path(citizen.person, each, "unlink"))) for each in (first, second)
    ]
    assert {each.act for each in every_approval(site)} == {"unlink"}
    assert approve(boss, waiting[0]).status_code == 200
    assert approve(boss, waiting[1]).status_code == 403
    assert statuses(site, citizen.person) == {first: "unlinked", second: "active"}


def test_what_became_lighter_is_done(
    site: Site, make_staff: MakeStaff, boss: DeskScreen, citizen: CitizenAtHome
) -> None:
    asker = make_staff("supervisor")
    suspend_for(site, citizen.devices[0], "counter")
    asker.give_reason(citizen.person.id)
    waiting = asked(asker.act(act_path(citizen.person, citizen.devices[0], "resume")))
    suspend_for(site, citizen.devices[0], "desk")
    assert approve(boss, waiting).status_code == 200
    assert statuses(site, citizen.person)[citizen.devices[0]] == "active"


# By another way, the same one


def test_nobody_approves_by_a_tool_what_they_asked_at_a_page_nor_the_other_way_round(
    site: Site, make_staff: MakeStaff, make_tool: MakeTool, citizen: CitizenAtHome
) -> None:
    one = make_staff("supervisor")
    tool = make_tool(one)
    for device in citizen.devices:
        suspend_for(site, device, "counter")
    one.give_reason(citizen.person.id)
    at_page = asked(one.act(act_path(citizen.person, citizen.devices[0], "resume")))
    by_tool = UUID(tool.call("resume", citizen.person.id, citizen.devices[1]).json()["approval_id"])
    assert tool.once("approval", at_page).json()["decides"] is False
    answer = tool.once("approve", at_page)
    assert answer.status_code in (401, 404)
    assert approve(one, by_tool).status_code == 404
    assert {each.state for each in every_approval(site)} == {"waiting"}


def test_who_asked_and_became_somebody_else_is_no_second_person(
    site: Site, make_staff: MakeStaff, boss: DeskScreen, citizen: CitizenAtHome
) -> None:
    """Dismissed as who asked; a supervisor appointed since can't carry it out, only refuse it."""
    asker = make_staff("agent")
    first, second = citizen.devices
    asker.give_reason(citizen.person.id)
    asker.act(act_path(citizen.person, second, "unlink"))
    waiting = asked(asker.act(act_path(citizen.person, first, "unlink")))
    with writing(site.database) as connection:
        dismiss(connection, site.secrets, asker.person.id, "agent", site.clock())
        appoint(connection, site.secrets, asker.person.id, "supervisor", "Ghent", site.clock())
    asker.open()
    assert approve(asker, waiting).status_code == 404
    assert statuses(site, citizen.person)[first] == "active"


# When two became one


def test_a_code_for_one_account_is_not_printed_for_the_two_that_it_became(
    site: Site,
    registrar: DeskScreen,
    make_staff: MakeStaff,
    boss: DeskScreen,
    citizen: CitizenAtHome,
    register: None,
) -> None:
    """What a supervisor agreed to was a way into the one, which has all of the other's by now."""
    person = checked(registrar, site)
    assert ask(registrar, site, person, way="second").status_code == 200
    (waiting,) = approvals_of(site, "issue-code")
    assert approve(boss, waiting).status_code == 200
    other, _ = activation_code(site, STAFF["auditor"])
    asker = make_staff("supervisor")
    asker.give_reason(person.id)
    path = f"/desk/people/{person.id}/merge"
    asker.post_form(path, number=STAFF["auditor"].ssin)
    merging = asked(asker.act(f"{path}/{other.id}"))
    assert approve(boss, merging).status_code == 200
    assert len(rows(site, "desk.merged")) == 1
    answer = printed_again(registrar, site, person)
    if answer.status_code == 200:
        assert letter(registrar, person, ticket_in(answer)).status_code == 403
    assert rows(site, "registration.code-printed") == []
    assert desk_code(site, person).state == "cancelled"


@pytest.mark.parametrize("which", ["kept", "merged"])
def test_what_waits_about_either_of_two_ends_with_their_merger(
    site: Site, make_staff: MakeStaff, boss: DeskScreen, citizen: CitizenAtHome, which: str
) -> None:
    other, _ = activation_code(site, KARIM)
    kept, merged = citizen.person, other
    asker, colleague = make_staff("registrar"), make_staff("supervisor")
    about = kept if which == "kept" else merged
    with writing(site.database) as connection:
        occasion, payload = job(site, connection), {"address": "new@example.org"}
        ask_second(occasion, desk_of(site, asker), "change-address", about.id, payload)
    colleague.give_reason(kept.id)
    path = f"/desk/people/{kept.id}/merge"
    colleague.post_form(path, number=KARIM.ssin)
    merging = asked(colleague.act(f"{path}/{merged.id}"))
    assert approve(boss, merging).status_code == 200
    states = {each.act: each.state for each in every_approval(site)}
    assert states == {"change-address": "withdrawn", "merge": "approved"}

"""Who works at several desks is at one of them at a time, in the roles that they have there.

As at the API, where a capacity is of one desk. Colleagues are those of every desk of theirs.
"""

import re

import pytest
from sqlalchemy import select

from authn.console import approvals
from authn.console.tables import desk_sessions
from authn.db.transaction import reading, writing
from authn.staff.members import staff_by_desk
from authn.web.site import Site
from tests.console.acting import (
    act_path,
    appointed,
    approve,
    asked,
    desk_of,
    dismissed,
    every_approval,
    rows,
    statuses,
    suspend_for,
)
from tests.console.conftest import MakeStaff, MakeTool
from tests.console.desk import STAFF, CitizenAtHome, DeskScreen
from tests.console.test_api import ANOTHER
from tests.occasion import job
from tests.screens import answered, ceremony, problem
from tests.together import at_once


@pytest.fixture
def both(make_staff: MakeStaff, site: Site) -> DeskScreen:
    """An agent in Ghent, who is a supervisor in Namur; no desk is open."""
    made = make_staff("agent", opened=False)
    made.screen.client.headers["Accept-Language"] = "en"
    appointed(site, made, "supervisor", "Namur")
    return made


def at(made: DeskScreen, desk: str) -> DeskScreen:
    answer = made.open(desk=desk)
    assert answer.status_code == 200, answer.text
    return made


def choices(page: str) -> list[tuple[str, bool]]:
    """The desks that a page offers, and whether each is chosen already."""
    found = re.findall(r'name="desk" value="([^"]+)"( checked)?', page)
    return [(name, bool(checked)) for name, checked in found]


# Choosing


def test_who_works_at_one_desk_has_nothing_to_choose(make_staff: MakeStaff) -> None:
    made = make_staff("agent", "registrar", opened=False)
    page = made.get("/desk/login").text
    assert choices(page) == []
    assert made.open().status_code == 200
    assert "/desk/login?other" not in made.get("/desk").text


def test_who_works_at_several_chooses_by_name_and_role_without_a_click_more(
    both: DeskScreen,
) -> None:
    page = both.get("/desk/login").text
    assert choices(page) == [("Ghent", True), ("Namur", False)]
    assert re.search(r"Ghent<br><span[^>]*>Agent<", page)
    assert re.search(r"Namur<br><span[^>]*>Supervisor<", page)


def test_none_is_opened_that_is_not_theirs_or_that_they_did_not_choose(
    site: Site, both: DeskScreen
) -> None:
    for desk in ("", "Brussels", "ghent", "Ghent "):
        answer = both.open(desk=desk)
        assert (answer.status_code, problem(answer)) == (400, "choose-desk"), desk
    assert not both.cookie
    assert rows(site, "desk.opened") == []


@pytest.mark.parametrize("sent", [["Ghent"], 1, None, {"a": 1}])
def test_what_is_no_name_opens_none(both: DeskScreen, sent: object) -> None:
    answer = both.post_json("/desk/login/options", {"desk": sent})
    assert (answer.status_code, problem(answer)) == (400, "choose-desk")


def test_the_device_confirms_this_one_desk(both: DeskScreen) -> None:  # decisions 2.9
    options = ceremony(both.screen, "/desk/login/options", {"desk": "Ghent"})
    content = {"next": "/desk", "desk": "Namur", **answered(both.screen, options)}
    assert both.post_json("/desk/login", content).status_code == 400
    assert not both.cookie


def test_one_goes_over_to_another_which_closes_the_first(both: DeskScreen) -> None:
    before = at(both, "Ghent").cookie
    home = both.get("/desk").text
    assert 'href="/desk/login?other=yes"' in home
    assert choices(both.get("/desk/login?other=yes").text) == [("Ghent", False), ("Namur", True)]
    assert both.get("/desk/login").status_code == 303
    at(both, "Namur")
    both.present(before)
    assert not both.is_open


# In the roles of that desk


def test_they_may_there_what_their_roles_there_permit_and_nothing_else(
    both: DeskScreen, citizen: CitizenAtHome
) -> None:
    person = citizen.person
    screens = {"/desk/activity": (404, 200), "/desk/approvals": (200, 200)}
    for path, (in_ghent, in_namur) in screens.items():
        assert at(both, "Ghent").get(path).status_code == in_ghent
        assert at(both, "Namur").get(path).status_code == in_namur
    at(both, "Ghent").give_reason(person.id)
    assert both.get(f"/desk/people/{person.id}/merge").status_code == 404
    at(both, "Namur").give_reason(person.id)
    assert both.get(f"/desk/people/{person.id}/merge").status_code == 200


def test_the_record_says_of_which_desk_the_role_is(
    site: Site, both: DeskScreen, citizen: CitizenAtHome
) -> None:
    for desk in ("Ghent", "Namur"):
        at(both, desk).give_reason(citizen.person.id)
        both.get("/desk/operator/keys")
    for event, roles in (
        ("desk.reason-given", ["agent", "supervisor"]),
        ("desk.refused", ["agent", "supervisor"]),
    ):
        found = [(row["desk"], row["role"]) for row in rows(site, event)]
        assert found == list(zip(("Ghent", "Namur"), roles, strict=True)), event


def test_at_the_api_too(
    site: Site, agent: DeskScreen, citizen: CitizenAtHome, make_tool: MakeTool
) -> None:
    tool = make_tool(agent)
    assert tool.call("suspend", citizen.person.id, citizen.devices[0]).status_code == 200
    assert {(row["desk"], row["role"]) for row in rows(site, "desk.suspended")} == {
        ("Ghent", "agent")
    }


def test_it_ends_with_the_last_role_of_its_desk_though_another_desk_is_theirs(
    site: Site, both: DeskScreen
) -> None:
    at(both, "Ghent")
    dismissed(site, both, "agent")
    assert not both.is_open
    assert both.open().status_code == 200  # the one that is left
    assert rows(site, "desk.opened")[-1]["desk"] == "Namur"


def test_a_role_that_moved_to_another_desk_opens_nothing_at_the_first(
    site: Site, both: DeskScreen, citizen: CitizenAtHome
) -> None:
    at(both, "Ghent").give_reason(citizen.person.id)
    dismissed(site, both, "agent")
    appointed(site, both, "agent", "Namur")
    path = act_path(citizen.person, citizen.devices[0], "suspend")
    assert both.act(path).status_code == 403
    assert statuses(site, citizen.person)[citizen.devices[0]] == "active"


# Colleagues, and a second person


@pytest.mark.parametrize("desk", ["Ghent", "Namur"])
def test_a_colleague_of_any_desk_of_theirs_is_a_colleague_at_each(
    site: Site, both: DeskScreen, make_staff: MakeStaff, desk: str
) -> None:
    elsewhere = make_staff("auditor", desk="Namur", opened=False)
    (theirs,) = statuses(site, elsewhere.person)
    at(both, desk).give_reason(elsewhere.person.id)
    asked(both.act(act_path(elsewhere.person, theirs, "suspend")))
    assert statuses(site, elsewhere.person)[theirs] == "active"


def test_a_supervisor_approves_where_they_are_one_and_not_from_another_desk(
    site: Site, both: DeskScreen, make_staff: MakeStaff, citizen: CitizenAtHome
) -> None:
    """What is asked at any desk: there may be one supervisor alone, who asks."""
    asker = make_staff("supervisor", citizen=ANOTHER)
    suspend_for(site, citizen.devices[0], "counter")
    asker.give_reason(citizen.person.id)
    waiting = asked(asker.act(act_path(citizen.person, citizen.devices[0], "resume")))
    in_ghent = at(both, "Ghent")
    assert in_ghent.get(f"/desk/approvals/{waiting}").status_code == 404
    assert approve(in_ghent, waiting).status_code == 404
    assert in_ghent.post_form(f"/desk/approvals/{waiting}/refuse").status_code == 404
    assert approve(at(both, "Namur"), waiting).status_code == 200
    assert statuses(site, citizen.person)[citizen.devices[0]] == "active"
    (row,) = rows(site, "approval.given")
    assert (row["desk"], row["role"]) == ("Namur", "supervisor")


def test_who_asked_at_one_desk_is_not_the_second_at_another(
    site: Site, make_staff: MakeStaff, citizen: CitizenAtHome
) -> None:
    made = make_staff("agent", opened=False)
    appointed(site, made, "supervisor", "Namur")
    at(made, "Ghent").give_reason(citizen.person.id)
    made.act(act_path(citizen.person, citizen.devices[1], "unlink"))
    waiting = asked(made.act(act_path(citizen.person, citizen.devices[0], "unlink")))
    at(made, "Namur")
    assert approve(made, waiting).status_code == 404
    assert every_approval(site)[0].state == "waiting"


def test_what_was_asked_in_a_role_is_not_done_in_one_of_another_desk(
    site: Site, both: DeskScreen, supervisor: DeskScreen, citizen: CitizenAtHome
) -> None:
    """Asked as an agent in Ghent, which they are no more: what they are in Namur is no reason."""
    at(both, "Ghent").give_reason(citizen.person.id)
    both.act(act_path(citizen.person, citizen.devices[1], "unlink"))
    waiting = asked(both.act(act_path(citizen.person, citizen.devices[0], "unlink")))
    assert every_approval(site)[0].desk == "Ghent"
    dismissed(site, both, "agent")
    assert approve(supervisor, waiting).status_code == 403
    assert every_approval(site)[0].state == "failed"
    assert statuses(site, citizen.person)[citizen.devices[0]] == "active"


def test_what_was_approved_for_a_desk_is_used_there_alone(
    site: Site, make_staff: MakeStaff, supervisor: DeskScreen, citizen: CitizenAtHome
) -> None:
    made = make_staff("registrar", opened=False)
    in_ghent, second = desk_of(site, made), desk_of(site, supervisor)
    person_id = citizen.person.id
    with writing(site.database) as connection:
        waiting = approvals.request_approval(
            job(site, connection), in_ghent, "issue-code", person_id, {}
        )
        approvals.record_decision(job(site, connection), second, waiting.id, "approved")
    dismissed(site, made, "registrar")
    appointed(site, made, "registrar", "Namur")
    with writing(site.database) as connection:
        occasion = job(site, connection)
        in_namur = desk_of(site, made, at="Namur")
        assert approvals.use_approval(occasion, in_namur, "issue-code", person_id, {}) is None
    assert every_approval(site)[0].state == "approved"


def test_looks_are_counted_whatever_the_desk(
    site: Site, both: DeskScreen, citizen: CitizenAtHome, registrar: DeskScreen
) -> None:
    update = {"desk_looks_warning": 1, "desk_looks_most": 2}
    object.__setattr__(site, "settings", site.settings.model_copy(update=update))
    at(both, "Ghent").give_reason(citizen.person.id)
    at(both, "Namur").give_reason(registrar.person.id)
    assert both.give_reason(citizen.person.id).status_code == 403


def test_two_desks_opened_at_once_leave_one_open(site: Site, both: DeskScreen) -> None:
    contents = [
        {
            "next": "/desk",
            "desk": desk,
            **answered(both.screen, ceremony(both.screen, "/desk/login/options", {"desk": desk})),
        }
        for desk in ("Ghent", "Namur")
    ]
    at_once(lambda: both.post_json("/desk/login", contents.pop()), 2)
    assert {row["desk"] for row in rows(site, "desk.opened")}, "one of them at least"
    # Which answer reaches the browser last is not ours to say: its cookie may be the ended one.
    with reading(site.database) as connection:
        still_open = select(desk_sessions.c.desk).where(desk_sessions.c.ended_at.is_(None))
        assert len(connection.execute(still_open).all()) == 1


def test_a_name_is_the_same_however_it_is_composed(site: Site, agent: DeskScreen) -> None:
    appointed(site, agent, "auditor", "Lie\u0301ge")
    appointed(site, agent, "registrar", "Li\u00e9ge")
    with reading(site.database) as connection:
        held = staff_by_desk(connection, agent.person.id)
    assert {desk: each.in_order for desk, each in held.items()} == {
        "Ghent": ("agent",),
        "Li\u00e9ge": ("registrar", "auditor"),
    }
    assert STAFF["agent"].given_name == agent.person.given_name

"""Four eyes: what waits for a second member of staff, who decides, and that it ends in one way.

Decisions 3.3, 5. The act runs in the transaction of the approval, everything checked again.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from authn.console import acts, approvals
from authn.console.approval_expiry import expire_approvals
from authn.console.tables import approvals as table
from authn.db.transaction import reading, writing
from authn.devices.devices import find_device
from authn.devices.life import unlink
from authn.errors import Expired
from authn.profiles.appointments import dismiss
from authn.web.site import Site
from tests.conftest import MovableClock
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
from tests.console.conftest import MakeStaff
from tests.console.desk import STAFF, CitizenAtHome, DeskScreen
from tests.mailbox import confirm_for, mails
from tests.occasion import job
from tests.oidc.test_cost import counted
from tests.screens import answered, ceremony
from tests.together import at_once


@pytest.fixture
def working(agent: DeskScreen, citizen: CitizenAtHome) -> DeskScreen:
    """An agent who said why they look at Hanne, whose second device is removed already."""
    agent.screen.client.headers["Accept-Language"] = "en"
    agent.give_reason(citizen.person.id, explanation="Lost both", ticket="T-9")
    agent.act(act_path(citizen.person, citizen.devices[1], "unlink"))
    return agent


@pytest.fixture
def boss(supervisor: DeskScreen) -> DeskScreen:
    """A supervisor, who reads English."""
    supervisor.screen.client.headers["Accept-Language"] = "en"
    return supervisor


@pytest.fixture
def waiting(working: DeskScreen, citizen: CitizenAtHome) -> UUID:
    """The agent asked to remove the last device."""
    return asked(working.act(act_path(citizen.person, citizen.devices[0], "unlink")))


def test_the_last_device_is_removed_only_once_a_second_person_approved(
    site: Site, working: DeskScreen, boss: DeskScreen, citizen: CitizenAtHome, waiting: UUID
) -> None:
    confirm_for(site, citizen.person)
    first = citizen.devices[0]
    assert statuses(site, citizen.person)[first] == "active"
    assert citizen.screen.client.get("/devices").status_code == 200
    assert approve(boss, waiting).status_code == 200
    assert statuses(site, citizen.person)[first] == "unlinked"
    assert citizen.screen.client.get("/devices").status_code == 303
    row = rows(site, "desk.unlinked")[-1]
    assert (row["actor_id"], row["approved_by"]) == (working.person.id, str(boss.person.id))
    assert (row["explanation"], row["ticket"], row["last"]) == ("Lost both", "T-9", True)
    (given,) = rows(site, "approval.given")
    assert (given["actor_id"], given["asked_by"]) == (boss.person.id, str(working.person.id))
    assert given["reference"] == row["reference"]  # one transaction
    assert [each.notice for each in mails(site)] == ["device-unlinked"]
    assert "what to say" in working.get(f"/desk/approvals/{waiting}").text


def test_what_waits_tells_who_asks_about_whom_why_and_what_would_end(
    site: Site, working: DeskScreen, boss: DeskScreen, citizen: CitizenAtHome, waiting: UUID
) -> None:
    page = boss.get("/desk/approvals").text
    assert working.person.full_name in page and citizen.person.full_name in page
    assert "Remove the last device" in page and "T-9" in page and "Lost both" in page
    detail = boss.get(f"/desk/approvals/{waiting}").text
    assert "1 session ends at once." in detail
    assert "the citizen cannot sign in any more" in detail
    # To see it is a look at that person.
    seen = rows(site, "approval.seen")
    assert [each["actor_id"] for each in seen] == [boss.person.id] * 2
    assert {each["person_id"] for each in seen} == {citizen.person.id}


def test_the_list_follows_by_itself_for_one_statement_and_keeps_no_desk_open(
    site: Site,
    clock: MovableClock,
    working: DeskScreen,
    boss: DeskScreen,
    citizen: CitizenAtHome,
) -> None:
    state = boss.get("/desk/approvals/state").json()["state"]
    assert f'data-state="{state}"' in boss.get("/desk/approvals").text
    assert boss.get("/desk/approvals/state").json()["state"] == state
    approval = asked(working.act(act_path(citizen.person, citizen.devices[0], "unlink")))
    with counted(site) as seen:
        after = boss.get("/desk/approvals/state").json()["state"]
    assert len(seen) == 2, seen  # who is there; and what waits
    assert after != state
    assert f'data-state="{after}"' in boss.get("/desk/approvals").text
    clock.advance(minutes=14)
    assert boss.get("/desk/approvals/state").json()["state"] == after
    boss.post_form(f"/desk/approvals/{approval}/refuse")
    assert boss.get("/desk/approvals/state").json()["state"] == state
    clock.advance(minutes=14)
    assert boss.get("/desk/approvals/state").status_code == 200
    clock.advance(minutes=14)
    assert (
        boss.get("/desk/approvals/state").status_code == 403
    )  # looking by itself is no use of the desk


def test_asking_the_same_twice_waits_once(
    site: Site, working: DeskScreen, citizen: CitizenAtHome, waiting: UUID
) -> None:
    again = asked(working.act(act_path(citizen.person, citizen.devices[0], "unlink")))
    assert again == waiting
    assert len(rows(site, "approval.asked")) == 1


def test_what_waits_is_encrypted_at_rest(site: Site, waiting: UUID, citizen: CitizenAtHome) -> None:
    with reading(site.database) as connection:
        row = connection.execute(select(table)).one()
    assert str(citizen.devices[0]).encode() not in row.payload_encrypted
    (approval,) = every_approval(site)
    assert approval.payload == {"device_id": str(citizen.devices[0])}


def test_who_asked_cannot_approve_even_as_a_supervisor(
    site: Site, boss: DeskScreen, citizen: CitizenAtHome
) -> None:
    boss.give_reason(citizen.person.id)
    boss.act(act_path(citizen.person, citizen.devices[1], "unlink"))
    approval = asked(boss.act(act_path(citizen.person, citizen.devices[0], "unlink")))
    assert approve(boss, approval).status_code == 404
    assert boss.post_form(f"/desk/approvals/{approval}/refuse").status_code == 404
    assert statuses(site, citizen.person)[citizen.devices[0]] == "active"
    assert every_approval(site)[0].state == "waiting"


def test_only_a_supervisor_decides_and_only_who_asked_takes_it_back(
    site: Site, make_staff: MakeStaff, registrar: DeskScreen, boss: DeskScreen, waiting: UUID
) -> None:
    path = f"/desk/approvals/{waiting}"
    assert registrar.get(path).status_code == 404
    assert registrar.post_json(f"{path}/approve/options").status_code == 404
    assert registrar.post_form(f"{path}/refuse").status_code == 404
    assert registrar.post_form(f"{path}/withdraw").status_code == 404
    assert boss.post_form(f"{path}/withdraw").status_code == 404
    assert every_approval(site)[0].state == "waiting"


def test_the_citizen_concerned_does_not_decide_about_themselves(
    site: Site, make_staff: MakeStaff, agent: DeskScreen
) -> None:
    """A supervisor of another desk has an account as everybody."""
    concerned = make_staff("supervisor", desk="Brussels")
    agent.give_reason(concerned.person.id)
    (theirs,) = statuses(site, concerned.person)
    approval = asked(agent.act(act_path(concerned.person, theirs, "unlink")))
    assert concerned.get(f"/desk/approvals/{approval}").status_code == 404
    assert str(approval) not in concerned.get("/desk/approvals").text
    assert approve(concerned, approval).status_code == 404
    assert statuses(site, concerned.person)[theirs] == "active"


def test_any_act_on_a_colleague_waits(
    site: Site, make_staff: MakeStaff, agent: DeskScreen, boss: DeskScreen, registrar: DeskScreen
) -> None:
    agent.give_reason(registrar.person.id)
    (theirs,) = statuses(site, registrar.person)
    approval = asked(agent.act(act_path(registrar.person, theirs, "suspend")))
    assert statuses(site, registrar.person)[theirs] == "active"
    assert approve(boss, approval).status_code == 200
    assert statuses(site, registrar.person)[theirs] == "suspended"
    assert not registrar.is_open


def test_approving_asks_for_the_supervisor_s_own_device_for_exactly_this(
    site: Site, boss: DeskScreen, registrar: DeskScreen, waiting: UUID, citizen: CitizenAtHome
) -> None:  # decisions 2.9
    assert boss.post_json(f"/desk/approvals/{waiting}/approve").status_code == 400
    with writing(site.database) as connection:
        occasion = job(site, connection)
        asker = desk_of(site, registrar)
        other = approvals.request_approval(occasion, asker, "issue-code", citizen.person.id, {})
    of_other = ceremony(boss.screen, f"/desk/approvals/{other.id}/approve/options")
    answer = boss.post_json(f"/desk/approvals/{waiting}/approve", answered(boss.screen, of_other))
    assert answer.status_code in (400, 403)
    assert {each.state for each in every_approval(site)} == {"waiting"}


def test_a_refusal_is_told_to_who_asked_and_nothing_is_done(
    site: Site, working: DeskScreen, boss: DeskScreen, citizen: CitizenAtHome, waiting: UUID
) -> None:
    answer = boss.post_form(f"/desk/approvals/{waiting}/refuse", remark="Call them back first")
    assert answer.status_code == 303
    assert "Call them back first" in working.get("/desk/approvals").text
    (row,) = rows(site, "approval.refused")
    assert (row["actor_id"], row["remark"]) == (boss.person.id, "Call them back first")
    assert approve(boss, waiting).status_code == 410
    assert statuses(site, citizen.person)[citizen.devices[0]] == "active"


def test_no_national_number_gets_into_the_remark(
    site: Site, boss: DeskScreen, waiting: UUID
) -> None:
    answer = boss.post_form(f"/desk/approvals/{waiting}/refuse", remark="It is 03.41.01-001.28")
    assert answer.status_code == 400
    assert rows(site, "approval.refused") == []
    assert {each.state for each in every_approval(site)} == {"waiting"}


def test_what_was_taken_back_is_not_done(
    site: Site, working: DeskScreen, boss: DeskScreen, citizen: CitizenAtHome, waiting: UUID
) -> None:
    assert working.post_form(f"/desk/approvals/{waiting}/withdraw").status_code == 303
    assert len(rows(site, "approval.withdrawn")) == 1
    assert approve(boss, waiting).status_code == 410
    assert working.post_form(f"/desk/approvals/{waiting}/withdraw").status_code == 410
    assert statuses(site, citizen.person)[citizen.devices[0]] == "active"


def test_after_its_time_nobody_approves_it_any_more(
    site: Site,
    clock: MovableClock,
    working: DeskScreen,
    boss: DeskScreen,
    citizen: CitizenAtHome,
    waiting: UUID,
) -> None:
    for _ in range(3):
        clock.advance(minutes=10)
        working.get("/desk")
        boss.get("/desk")
    assert approve(boss, waiting).status_code == 410
    assert statuses(site, citizen.person)[citizen.devices[0]] == "active"
    assert "Nobody decided in time" in working.get("/desk/approvals").text
    boss.get("/desk/approvals")
    (row,) = rows(site, "approval.expired")
    assert (row["approval"], row["asked_by"]) == (str(waiting), str(working.person.id))


def test_a_device_that_is_gone_meanwhile_is_said_and_nothing_happens_later(
    site: Site, working: DeskScreen, boss: DeskScreen, citizen: CitizenAtHome, waiting: UUID
) -> None:
    with writing(site.database) as connection:
        device = find_device(connection, citizen.person.id, citizen.devices[0])
        unlink(job(site, connection), device, "desk")
    assert "not there any more" in boss.get(f"/desk/approvals/{waiting}").text
    answer = approve(boss, waiting)
    assert answer.status_code == 404
    assert "was removed" in answer.json()["detail"]
    assert every_approval(site)[0].state == "failed"
    (row,) = rows(site, "approval.failed")
    assert row["failure"] == "device_gone"
    assert len(rows(site, "desk.unlinked")) == 1  # the second device, before
    assert approve(boss, waiting).status_code == 410


def test_who_asked_must_still_be_staff_when_it_is_done(
    site: Site,
    clock: MovableClock,
    working: DeskScreen,
    boss: DeskScreen,
    citizen: CitizenAtHome,
    waiting: UUID,
) -> None:
    with writing(site.database) as connection:
        dismiss(connection, site.secrets, working.person.id, "agent", clock())
    assert approve(boss, waiting).status_code == 403
    assert every_approval(site)[0].state == "failed"
    assert statuses(site, citizen.person)[citizen.devices[0]] == "active"


def test_what_was_blocked_on_suspicion_is_reinstated_by_two(
    site: Site, make_staff: MakeStaff, boss: DeskScreen, citizen: CitizenAtHome
) -> None:
    other = make_staff("supervisor", citizen=STAFF["auditor"])
    suspend_for(site, citizen.devices[0], "counter")
    boss.give_reason(citizen.person.id)
    approval = asked(boss.act(act_path(citizen.person, citizen.devices[0], "resume")))
    assert approve(other, approval).status_code == 200
    assert statuses(site, citizen.person)[citizen.devices[0]] == "active"
    (row,) = rows(site, "desk.reinstated")
    assert (row["suspicion"], row["approved_by"]) == ("counter", str(other.person.id))


# Exactly one of what happens at once


def outcome(act: Callable[[Any], object], site: Site) -> str:
    with writing(site.database) as connection:
        act(job(site, connection))
    return "done"


def race(site: Site, *acts: Callable[[Any], object]) -> list[Any]:
    """What each of the acts came to, all at the same moment; several times each."""
    turns = iter(range(1000))
    return at_once(lambda: outcome(acts[next(turns) % len(acts)], site), threads=6)


@pytest.fixture
def other_boss(make_staff: MakeStaff) -> DeskScreen:
    """A second supervisor."""
    return make_staff("supervisor", citizen=STAFF["auditor"])


def test_of_two_approvals_at_once_one_is_carried_out(
    site: Site,
    working: DeskScreen,
    boss: DeskScreen,
    other_boss: DeskScreen,
    citizen: CitizenAtHome,
    waiting: UUID,
) -> None:
    one, two = desk_of(site, boss), desk_of(site, other_boss)
    results = race(
        site,
        lambda occasion: acts.approve(occasion, one, waiting),
        lambda occasion: acts.approve(occasion, two, waiting),
    )
    assert sum(each == "done" for each in results) == 1
    assert all(each == "done" or isinstance(each, Expired) for each in results)
    assert len(rows(site, "approval.given")) == 1
    assert len(rows(site, "desk.unlinked")) == 2


def test_an_approval_against_a_withdrawal_or_a_refusal_ends_in_one_of_them(
    site: Site,
    working: DeskScreen,
    boss: DeskScreen,
    other_boss: DeskScreen,
    citizen: CitizenAtHome,
    waiting: UUID,
) -> None:
    one, two, asker = (desk_of(site, each) for each in (boss, other_boss, working))
    results = race(
        site,
        lambda occasion: acts.approve(occasion, one, waiting),
        lambda occasion: approvals.record_withdrawal(occasion, asker, waiting),
        lambda occasion: approvals.record_refusal(occasion, two, waiting, ""),
    )
    assert sum(each == "done" for each in results) == 1
    decided = rows(site, "approval.given", "approval.withdrawn", "approval.refused")
    assert len(decided) == 1
    done = decided[0]["event"] == "approval.given"
    (approval,) = every_approval(site)
    assert (approval.state == "approved") == done
    assert (statuses(site, citizen.person)[citizen.devices[0]] == "unlinked") == done


def test_an_approval_against_the_end_of_its_time_ends_in_one_of_them(
    site: Site,
    working: DeskScreen,
    boss: DeskScreen,
    citizen: CitizenAtHome,
    waiting: UUID,
    clock: MovableClock,
) -> None:
    """Two processes whose clocks differ by a moment: for one it is over, for the other not yet."""
    one = desk_of(site, boss)
    in_time = clock()
    clock.advance(minutes=31)
    late = clock()

    def approve_in_time(occasion: Any) -> None:
        acts.approve(replace(occasion, now=in_time), one, waiting)

    def expire_late(occasion: Any) -> None:
        if not expire_approvals(replace(occasion, now=late)):
            raise Expired("none", "none")

    results = race(site, approve_in_time, expire_late)
    assert sum(each == "done" for each in results) == 1
    given, expired = rows(site, "approval.given"), rows(site, "approval.expired")
    assert len(given) + len(expired) == 1
    unlinked = statuses(site, citizen.person)[citizen.devices[0]] == "unlinked"
    assert unlinked == bool(given)


def test_an_approval_is_used_once_by_who_asked(
    site: Site,
    clock: MovableClock,
    registrar: DeskScreen,
    working: DeskScreen,
    boss: DeskScreen,
    citizen: CitizenAtHome,
) -> None:
    """An activation code is printed where the registrar is, after a supervisor approved it."""
    asker, other, second = (desk_of(site, each) for each in (registrar, working, boss))
    with writing(site.database) as connection:
        occasion = job(site, connection)
        asked_for = approvals.request_approval(occasion, asker, "issue-code", citizen.person.id, {})
        assert approvals.use_approval(occasion, asker, "issue-code", citizen.person.id, {}) is None
        acts.approve(occasion, second, asked_for.id)
        assert approvals.use_approval(occasion, other, "issue-code", citizen.person.id, {}) is None
        assert approvals.use_approval(occasion, asker, "issue-code", asker.person_id, {}) is None

    def use(occasion: Any) -> None:
        if approvals.use_approval(occasion, asker, "issue-code", citizen.person.id, {}) is None:
            raise Expired("none", "none")

    results = race(site, use)
    assert sum(each == "done" for each in results) == 1
    assert every_approval(site)[0].state == "used"


def test_until_when_it_waits_is_said_with_its_day(
    agent: DeskScreen, supervisor: DeskScreen, citizen: CitizenAtHome
) -> None:
    for each in (agent, supervisor):
        each.screen.client.headers["Accept-Language"] = "en"
    agent.give_reason(citizen.person.id)
    for device in citizen.devices:
        agent.act(f"/desk/people/{citizen.person.id}/devices/{device}/unlink")
    pages = {
        "/desk/approvals": agent,
        f"/desk/people/{citizen.person.id}": agent,
        "/desk/activity": supervisor,
    }
    for path, who in pages.items():
        assert re.search(r"\b(2|3) March 2026 at \d\d:\d\d", who.get(path).text), path

"""What a supervisor sees of their own desk: who looked at whom, acts, refusals, what waits."""

import ast
import re
from datetime import timedelta
from html import unescape
from inspect import isclass
from pathlib import Path

import pytest

import authn
from authn.audit.events import desk_acts, registration, staff
from authn.audit.events.event import Event
from authn.audit.events.staff import DeskLookedAt, DeskLooksUnusual
from authn.audit.log import record
from authn.console import desk_activity
from authn.console.act_rules import BEGAN_RECOVERY, not_found_error, own_account_error
from authn.console.desk_activity_chart import round_up
from authn.console.desk_activity_sentences import ACT_WORDS, NOT_OF_A_DESK, REFUSAL_WORDS, SENTENCES
from authn.db.transaction import writing
from authn.profiles.appointments import appoint
from authn.staff.roles import RULES
from authn.web.site import Site
from tests.citizen import KARIM, SSIN
from tests.conftest import MovableClock
from tests.console.conftest import MakeStaff
from tests.console.desk import CitizenAtHome, DeskScreen
from tests.console.tools import Tool

NOTING = {"record_desk_refusal", "record_refused", "_refuse"}


@pytest.fixture
def supervisor(supervisor: DeskScreen) -> DeskScreen:
    """A supervisor who reads English."""
    supervisor.screen.client.headers["Accept-Language"] = "en"
    return supervisor


@pytest.mark.one_engine
def test_every_event_of_the_desk_is_in_words_or_named_with_the_reason_why_not() -> None:
    of_a_desk = {
        each
        for module in (desk_acts, registration, staff)
        for each in vars(module).values()
        if isclass(each) and issubclass(each, Event) and hasattr(each, "name")
    }
    assert of_a_desk <= SENTENCES.keys() | NOT_OF_A_DESK.keys()
    assert not SENTENCES.keys() & NOT_OF_A_DESK.keys()


def test_who_looked_at_whom_and_why_by_name_and_never_by_number(
    supervisor: DeskScreen, agent: DeskScreen, citizen: CitizenAtHome
) -> None:
    agent.give_reason(citizen.person.id, "lost-device", "called from abroad", "T-7")
    agent.get(f"/desk/people/{citizen.person.id}")
    page = supervisor.get("/desk/activity").text
    assert citizen.person.full_name in page
    assert agent.person.full_name in page
    assert "called from abroad" in page
    assert "T-7" in page
    assert SSIN not in page
    assert SSIN[:6] not in page


def test_a_supervisor_sees_no_other_desk(
    supervisor: DeskScreen, make_staff: MakeStaff, citizen: CitizenAtHome
) -> None:
    elsewhere = make_staff("agent", desk="Namur", citizen=KARIM)
    elsewhere.give_reason(citizen.person.id)
    page = supervisor.get("/desk/activity").text
    assert elsewhere.person.full_name not in page
    assert citizen.person.full_name not in page
    assert supervisor.get(f"/desk/activity?agent={elsewhere.person.id}").status_code == 404


def test_a_supervisor_of_one_desk_sees_nothing_of_another_where_they_are_an_agent(
    supervisor: DeskScreen, make_staff: MakeStaff, citizen: CitizenAtHome, site: Site
) -> None:
    elsewhere = make_staff("agent", desk="Namur", citizen=KARIM)
    with writing(site.database) as connection:
        appoint(connection, site.secrets, supervisor.person.id, "agent", "Namur", site.clock())
    elsewhere.give_reason(citizen.person.id)
    assert elsewhere.person.full_name not in supervisor.get("/desk/activity").text
    assert supervisor.get(f"/desk/activity?agent={elsewhere.person.id}").status_code == 404


def test_refusals_are_shown_with_why(supervisor: DeskScreen, agent: DeskScreen) -> None:
    agent.get("/desk/audit")
    page = supervisor.get(f"/desk/activity?agent={agent.person.id}").text
    assert "not for this role" in page


def test_unusual_looks_are_marked(supervisor: DeskScreen, agent: DeskScreen, site: Site) -> None:
    with writing(site.database) as connection:
        event = DeskLooksUnusual(actor_id=agent.person.id, looks=31, stopped=False)
        record(connection, site.secrets, event, site.clock(), "-")
    page = supervisor.get("/desk/activity").text
    assert 'class="marked"' in page
    assert "badge warning" in page


def test_looks_are_counted_on_the_belgian_day_on_which_they_happened(
    supervisor: DeskScreen, agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    at = site.clock().replace(hour=23, minute=30) - timedelta(days=2)  # the next day in Brussels
    with writing(site.database) as connection:
        event = DeskLookedAt(
            actor_id=agent.person.id, person_id=citizen.person.id, reason="question"
        )
        for moment in (at, at - timedelta(days=30)):
            record(connection, site.secrets, event, moment, "-")
    page = supervisor.get("/desk/activity?day=2026-03-01").text
    row = page.partition('href="/desk/activity?day=2026-03-01">')[2].partition("</tr>")[0]
    assert row.count("<td>1</td>") == 1
    assert citizen.person.full_name in page
    assert citizen.person.full_name not in supervisor.get("/desk/activity?day=2026-02-28").text


def test_a_long_day_is_shown_a_part_at_a_time(
    supervisor: DeskScreen, agent: DeskScreen, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_activity, "ROWS_ON_PAGE", 2)
    monkeypatch.setattr(desk_activity, "_ACTIVITY", desk_activity._ACTIVITY.limit(3))
    address, seen = f"/desk/activity?agent={agent.person.id}", 0
    for _ in range(3):
        agent.close()
        agent.open()
    while address:
        page = supervisor.get(address).text
        rows = page.partition('aria-labelledby="deeds"')[2].partition("</main>")[0]
        seen += rows.count('<td class="no-wrap"><time')
        further = rows.partition("before=")[2].partition('"')[0]
        address = ""
        if further:
            address = f"/desk/activity?agent={agent.person.id}&before={further}"
    assert seen == 7


def test_what_waits_for_approval_is_there(
    supervisor: DeskScreen, agent: DeskScreen, citizen: CitizenAtHome
) -> None:
    agent.give_reason(citizen.person.id)
    for device in citizen.devices:
        agent.act(f"/desk/people/{citizen.person.id}/devices/{device}/unlink")
    page = supervisor.get("/desk/activity").text
    assert "/desk/approvals/" in page.partition('id="open"')[2]


@pytest.mark.parametrize("query", ["day=x", "day=99999-01-01", "agent=", "day=2026-03-02"])
def test_what_can_not_be_read_is_today(supervisor: DeskScreen, query: str) -> None:
    assert "2026-03-02" in supervisor.get(f"/desk/activity?{query}").text


def test_the_look_is_on_record_and_another_supervisor_sees_it(
    supervisor: DeskScreen, clock: MovableClock
) -> None:
    supervisor.get("/desk/activity")
    assert "Looked at the desk" in supervisor.get("/desk/activity").text


@pytest.mark.one_engine
def test_the_chart_ends_at_a_round_number() -> None:
    assert [round_up(each) for each in (0, 5, 6, 11, 21, 51, 999)] == [
        5,
        5,
        10,
        20,
        50,
        100,
        1000,
    ]


def deeds(supervisor: DeskScreen) -> list[str]:
    """What each line of today says was done, and why: the latest first."""
    page = supervisor.get("/desk/activity").text.partition('aria-labelledby="deeds"')[2]
    pattern = r"</time></td><td>[^<]*</td><td>([^<]*).*?</td><td>.*?</td><td>([^<]*)"
    lines = re.findall(pattern, page)
    return [unescape(f"{what} | {why}") for what, why in lines]


def test_a_deed_has_one_line_though_a_reason_came_before_it(
    supervisor: DeskScreen, agent: DeskScreen, citizen: CitizenAtHome
) -> None:
    agent.give_reason(citizen.person.id)
    agent.get(f"/desk/people/{citizen.person.id}")
    agent.act(f"/desk/people/{citizen.person.id}/devices/{citizen.devices[0]}/suspend")
    assert [line.partition(" | ")[0] for line in deeds(supervisor)][:3] == [
        "Blocked a device",
        "Looked at a person",
        "Opened the desk",
    ]


def test_a_reason_after_which_nobody_was_looked_at_has_its_line(
    supervisor: DeskScreen, agent: DeskScreen, citizen: CitizenAtHome
) -> None:
    agent.give_reason(citizen.person.id)
    assert deeds(supervisor)[0].startswith("Gave a reason to look")


def test_what_a_tool_did_has_one_line(
    supervisor: DeskScreen, tool: Tool, citizen: CitizenAtHome
) -> None:
    tool.person("suspend", citizen.person.id, citizen.devices[0])
    lines = [line.partition(" | ")[0] for line in deeds(supervisor)]
    assert [each for each in lines if "lock" in each] == ["Blocked a device"]
    assert not [each for each in lines if "tool" in each]


def test_what_was_asked_and_refused_or_approved_is_said_in_a_sentence(
    supervisor: DeskScreen, agent: DeskScreen, citizen: CitizenAtHome
) -> None:
    agent.get(f"/desk/people/{agent.person.id}")
    assert deeds(supervisor)[0] == "Was refused: Look at a person | their own account"
    agent.give_reason(citizen.person.id)
    devices = f"/desk/people/{citizen.person.id}/devices"
    agent.act(f"{devices}/{citizen.devices[0]}/unlink")
    answer = agent.act(f"{devices}/{citizen.devices[1]}/unlink")
    assert deeds(supervisor)[0].startswith(
        "Asked for approval: Remove the last device that works | A device"
    )
    supervisor.act(f"{answer.json()['location']}/approve")
    assert "Approved: Remove the last device that works | " in deeds(supervisor)


@pytest.mark.one_engine
def test_every_act_and_every_reason_of_a_refusal_is_in_words() -> None:
    """Each text that is noted as refused, wherever the desk does it."""
    assert RULES.keys() <= ACT_WORDS.keys()
    assert {
        BEGAN_RECOVERY,
        own_account_error().error,
        not_found_error().error,
    } <= REFUSAL_WORDS.keys()
    known = {*ACT_WORDS, *REFUSAL_WORDS}
    called = set()
    for path in sorted(Path(authn.__path__[0]).glob("console/*.py")) + sorted(
        Path(authn.__path__[0]).glob("desk_api/*.py")
    ):
        for call in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Name)
                and call.func.id in NOTING
            ):
                called.add(call.func.id)
                said = {
                    each.value
                    for argument in call.args[1:]
                    if not isinstance(argument, ast.Call)
                    for each in ast.walk(argument)
                    if isinstance(each, ast.Constant) and isinstance(each.value, str)
                }
                assert said <= known, (path.name, call.lineno)
    assert called == NOTING  # a function that was renamed would be looked for in vain

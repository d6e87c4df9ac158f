"""The desk's API: what the pages do, by a tool, with an access token of a member of staff.

RFC 6750 (https://www.rfc-editor.org/rfc/rfc6750), RFC 9457 (https://www.rfc-editor.org/rfc/rfc9457).
"""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from authn.console.looks import count_looks
from authn.db.transaction import reading, writing
from authn.people.persons import Citizen, find_or_create_person
from authn.web.site import Site
from tests.citizen import HANNE, KARIM
from tests.conftest import MovableClock
from tests.console.acting import every_approval, rows, statuses, suspend_for
from tests.console.conftest import MakeStaff, MakeTool
from tests.console.desk import CitizenAtHome, DeskScreen
from tests.console.tools import WHY, Tool
from tests.screens import problem, signed_in

ANOTHER = Citizen("03410105769", "Fien", "Wouters", "1903-01-01", "nl")


def lately(site: Site) -> Any:
    return site.clock() - timedelta(hours=1)


# Finding and seeing


def test_a_person_is_found_by_number_and_shown_masked(tool: Tool, citizen: CitizenAtHome) -> None:
    found = tool.person("find", clue=HANNE.ssin)
    assert [each["id"] for each in found["people"]] == [str(citizen.person.id)]
    seen = tool.person("person", citizen.person.id)
    assert seen["number"] == found["people"][0]["number"] == "**.**.**-***.28"
    assert (seen["family_name"], seen["status"]) == (HANNE.family_name, "living")
    assert HANNE.ssin not in str(seen) + str(found)


def test_who_is_found_by_name_needs_a_birth_date(tool: Tool, citizen: CitizenAtHome) -> None:
    answer = tool.call("find", name="Van der")
    assert (answer.status_code, problem(answer)) == (400, "not-searchable")
    found = tool.person("find", name="Van der", birthdate=HANNE.birthdate)
    assert [each["id"] for each in found["people"]] == [str(citizen.person.id)]


def test_a_search_that_finds_nobody_is_on_record_and_counted(tool: Tool, site: Site) -> None:
    assert tool.person("find", clue=KARIM.ssin)["people"] == []
    (row,) = rows(site, "desk.searched")
    assert (row["actor_id"], row["found"]) == (tool.made.person.id, 0)
    assert row["ticket"] == "T-1"
    assert KARIM.ssin not in str(row)
    with reading(site.database) as connection:
        assert count_looks(connection, tool.made.person.id, lately(site)) == 1


def test_devices_and_sessions_are_as_at_the_page(tool: Tool, citizen: CitizenAtHome) -> None:
    seen = tool.person("devices", citizen.person.id)["devices"]
    assert {each["id"] for each in seen} == {str(each) for each in citizen.devices}
    assert {"act": "suspend", "waits": False} in seen[0]["acts"]
    sessions = tool.person("sessions", citizen.person.id)["sessions"]
    assert sessions
    assert {each["device_id"] for each in sessions} <= {each["id"] for each in seen}


def test_what_happened_is_shown_in_the_language_that_is_asked(
    tool: Tool, citizen: CitizenAtHome
) -> None:
    entries = tool.person("activity", citizen.person.id)["activity"]
    assert "A device was added" in {each["what"] for each in entries}


def test_each_look_is_on_record_with_who_and_why(
    tool: Tool, citizen: CitizenAtHome, site: Site
) -> None:
    for name in ("person", "devices", "sessions", "activity"):
        tool.person(name, citizen.person.id)
    looked = rows(site, "desk.looked-at")
    assert len(looked) == 4
    for row in looked:
        assert (row["actor_id"], row["person_id"]) == (tool.made.person.id, citizen.person.id)
        assert {name: row[name] for name in WHY} == WHY


def test_the_citizen_reads_one_reason_once(
    tool: Tool, citizen: CitizenAtHome, site: Site, clock: MovableClock
) -> None:
    for name in ("person", "devices", "activity"):
        tool.person(name, citizen.person.id)
    assert len(rows(site, "desk.reason-given")) == 1
    tool.call("person", citizen.person.id, reason="question")
    assert len(rows(site, "desk.reason-given")) == 2
    clock.advance(minutes=16)
    tool.token = tool.fresh_token()
    tool.person("person", citizen.person.id)
    assert len(rows(site, "desk.reason-given")) == 3


def test_too_many_looks_are_refused(
    make_staff: MakeStaff, make_tool: MakeTool, citizen: CitizenAtHome, site: Site
) -> None:
    few = site.settings.model_copy(update={"desk_looks_warning": 1, "desk_looks_most": 2})
    object.__setattr__(site, "settings", few)
    tool = make_tool(make_staff("agent"))
    for _ in range(2):
        tool.person("find", clue=KARIM.ssin)
    answer = tool.call("person", citizen.person.id)
    assert (answer.status_code, problem(answer)) == (429, "too-many-looks")
    assert citizen.person.family_name not in answer.text
    assert [row["stopped"] for row in rows(site, "desk.looks-unusual")] == [False, True]


def test_who_became_another_is_told_as_that(
    tool: Tool, citizen: CitizenAtHome, make_staff: MakeStaff, make_tool: MakeTool, site: Site
) -> None:
    with writing(site.database) as connection:
        other = find_or_create_person(connection, site.secrets, KARIM, site.clock())
    supervisor = make_tool(make_staff("supervisor"))
    second = make_tool(make_staff("supervisor", "registrar", desk="Namur", citizen=ANOTHER))
    waits = supervisor.call("merge", other.id, merged=str(citizen.person.id))
    assert waits.status_code == 202, waits.text
    assert second.person("approve", waits.json()["approval_id"])["state"] == "approved"
    seen = tool.person("person", citizen.person.id)
    assert (seen["status"], seen["merged_into"]) == ("merged", str(other.id))
    assert "addresses" not in seen
    answer = tool.call("devices", citizen.person.id)
    assert (answer.status_code, problem(answer)) == (403, "merged")


# Acting


def test_a_device_is_blocked_and_taken_back(tool: Tool, citizen: CitizenAtHome, site: Site) -> None:
    first = citizen.devices[0]
    done = tool.person("suspend", citizen.person.id, first)
    assert statuses(site, citizen.person)[first] == "suspended"
    assert not signed_in(citizen.screen)
    assert done["say"][0]["sentences"]
    (row,) = rows(site, "desk.suspended")
    assert (row["actor_id"], row["device_id"]) == (tool.made.person.id, first)
    assert {name: row[name] for name in WHY} == WHY
    tool.person("undo", undo=done["undo"])
    assert statuses(site, citizen.person)[first] == "active"


def test_what_is_so_already_is_a_conflict(tool: Tool, citizen: CitizenAtHome) -> None:
    first = citizen.devices[0]
    assert tool.call("suspend", citizen.person.id, first).status_code == 200
    again = tool.call("suspend", citizen.person.id, first)
    assert (again.status_code, problem(again)) == (409, "blocked-already")
    assert tool.call("resume", citizen.person.id, first).status_code == 200
    again = tool.call("resume", citizen.person.id, first)
    assert (again.status_code, problem(again)) == (409, "not-possible")


def test_a_device_is_removed_once(tool: Tool, citizen: CitizenAtHome, site: Site) -> None:
    first = citizen.devices[0]
    assert tool.call("unlink", citizen.person.id, first).status_code == 200
    again = tool.call("unlink", citizen.person.id, first)
    assert (again.status_code, problem(again)) == (404, "device-gone")
    assert len(rows(site, "desk.unlinked")) == 1


def test_everything_is_blocked(tool: Tool, citizen: CitizenAtHome, site: Site) -> None:
    tool.person("block_all", citizen.person.id)
    assert {*statuses(site, citizen.person).values()} == {"suspended"}
    again = tool.call("block_all", citizen.person.id)
    assert (again.status_code, problem(again)) == (409, "nothing-to-block")


def test_a_return_needs_somebody_who_can_be_warned(tool: Tool, citizen: CitizenAtHome) -> None:
    answer = tool.call("begin_return", citizen.person.id)
    assert (answer.status_code, problem(answer)) == (409, "not-reachable")


def test_questions_are_recorded_as_answered(
    make_tool: MakeTool, agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    asked = {"birth": {"en": "Born?"}, "street": {"en": "Where?"}}
    object.__setattr__(site, "settings", site.settings.model_copy(update={"desk_questions": asked}))
    tool = make_tool(agent)
    person, device = citizen.person.id, citizen.devices[0]
    unknown = tool.call("suspend", person, device, checked=["shoe"])
    assert (unknown.status_code, problem(unknown)) == (400, "invalid-request")
    tool.person("suspend", person, device, checked=["birth"])
    assert rows(site, "desk.suspended")[0]["checked"] == "birth yes, street no"


# Four eyes


def test_the_last_device_waits_for_a_second_one_who_approves(
    tool: Tool, make_staff: MakeStaff, make_tool: MakeTool, citizen: CitizenAtHome, site: Site
) -> None:
    first, second = citizen.devices
    tool.person("unlink", citizen.person.id, first)
    waits = tool.call("unlink", citizen.person.id, second)
    assert waits.status_code == 202
    approval_id = waits.json()["approval_id"]
    assert waits.headers["location"].endswith(f"/approvals/{approval_id}")
    assert statuses(site, citizen.person)[second] == "active"
    again = tool.call("unlink", citizen.person.id, second)
    assert again.json()["approval_id"] == approval_id, "the same waits once"
    own = tool.call("approve", approval_id)
    assert own.status_code == 404, "an agent approves nothing"
    supervisor = make_tool(make_staff("supervisor"))
    (listed,) = supervisor.person("approvals")["approvals"]
    assert (listed["act"], listed["decides"], listed["ticket"]) == ("unlink-last", True, "T-1")
    assert supervisor.person("approve", approval_id)["state"] == "approved"
    assert statuses(site, citizen.person)[second] == "unlinked"
    row = rows(site, "desk.unlinked")[-1]
    assert (row["actor_id"], row["approved_by"]) == (
        tool.made.person.id,
        str(supervisor.made.person.id),
    )
    late = supervisor.call("refuse", approval_id, remark="Too late")
    assert (late.status_code, problem(late)) == (409, "approval-over")


def test_an_approval_is_refused_or_taken_back(
    tool: Tool, make_staff: MakeStaff, make_tool: MakeTool, citizen: CitizenAtHome, site: Site
) -> None:
    supervisor = make_tool(make_staff("supervisor"))
    suspend_for(site, citizen.devices[0], "counter")
    asked = supervisor.call("resume", citizen.person.id, citizen.devices[0])
    assert asked.status_code == 202, asked.text
    approval_id = asked.json()["approval_id"]
    assert supervisor.call("approve", approval_id).status_code == 404, "nobody approves their own"
    assert tool.call("withdraw", approval_id).status_code == 404, "nor takes back another's"
    assert supervisor.person("withdraw", approval_id)["state"] == "withdrawn"
    asked = supervisor.call("resume", citizen.person.id, citizen.devices[0])
    other = make_tool(make_staff("supervisor", "registrar", desk="Namur", citizen=ANOTHER))
    wrong = other.call("refuse", asked.json()["approval_id"], remark=f"is {HANNE.ssin}")
    assert (wrong.status_code, problem(wrong)) == (400, "invalid-request")
    refused = other.person("refuse", asked.json()["approval_id"], remark="Not sure who called")
    assert refused["state"] == "refused"
    seen = supervisor.person("approval", asked.json()["approval_id"])
    assert (seen["remark"], seen["own"]) == ("Not sure who called", True)
    assert statuses(site, citizen.person)[citizen.devices[0]] == "suspended"


def test_an_address_is_added_by_two(
    make_staff: MakeStaff, make_tool: MakeTool, citizen: CitizenAtHome, site: Site
) -> None:
    object.__setattr__(
        site, "settings", site.settings.model_copy(update={"smtp_host": "localhost"})
    )
    registrar = make_tool(make_staff("registrar"))
    asked = registrar.call("change_address", citizen.person.id, add="hanne@example.org")
    assert asked.status_code == 202, asked.text
    (waiting,) = every_approval(site)
    assert waiting.payload["address"] == "hanne@example.org"
    supervisor = make_tool(make_staff("supervisor"))
    assert supervisor.person("approve", waiting.id)["state"] == "approved"
    (address,) = supervisor.person("person", citizen.person.id)["addresses"]
    assert address["confirmed"] is False
    assert "hanne@" not in address["address"]
    neither = registrar.call("change_address", citizen.person.id)
    assert (neither.status_code, problem(neither)) == (400, "invalid-request")


def test_an_approval_that_is_not_there(tool: Tool) -> None:
    for name in ("approval", "withdraw"):
        assert tool.call(name, uuid4()).status_code == 404

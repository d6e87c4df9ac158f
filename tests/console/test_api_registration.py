"""The registration desk and the desk's activity by the API: the pages' acts, by the same rules.

Decisions 2.9, 2.11, 3.3.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from httpx2 import Response
from starlette.applications import Starlette

from authn.console.looks import count_looks
from authn.db.transaction import reading, writing
from authn.enrolment.returning import BY_DESK, begin_account_recovery
from authn.people.persons import find_or_create_person
from authn.people.tables import Person
from authn.web.site import Site
from tests.citizen import KARIM
from tests.conftest import MovableClock
from tests.console.acting import every_approval, rows
from tests.console.conftest import MakeStaff, MakeTool
from tests.console.desk import CitizenAtHome, DeskScreen
from tests.console.pdf import read_pdf
from tests.console.test_registration import CODE, address_id, enrol_with, levels, second_token
from tests.console.test_registration_identities import identity as identity
from tests.console.test_registration_identities import whose
from tests.console.tools import Tool
from tests.mailbox import confirm_for, mails
from tests.occasion import job
from tests.screens import another_screen, problem
from tests.together import at_once

DOCUMENT: Final = {
    "document": "identity-card",
    "last_digits": "4231",
    "valid_until": "2030-01-31",
    "checks": ["photograph", "data", "genuine"],
}


@pytest.fixture
def desk(registrar: DeskScreen, make_tool: MakeTool) -> Tool:
    """A tool of the registrar."""
    return make_tool(registrar)


@pytest.fixture
def karim(site: Site) -> Person:
    """Somebody who never had a device."""
    with writing(site.database) as connection:
        return find_or_create_person(connection, site.secrets, KARIM, site.clock())


def checked(tool: Tool, person_id: UUID) -> str:
    code: str = tool.person("check_identity", person_id, **DOCUMENT)["code"]
    return code


def codes_in(answer: Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    return CODE.findall(read_pdf(answer.content).text)


def test_a_first_code_is_checked_confirmed_and_printed_at_once(
    desk: Tool, karim: Person, app: Starlette, site: Site
) -> None:
    code = checked(desk, karim.id)
    answer = desk.call("issue_code", karim.id, code=code)
    first, second = codes_in(answer)
    assert "no-store" in answer.headers["cache-control"]
    screen = another_screen(app)
    done = enrol_with(screen, first, second_token(screen, second), KARIM.ssin)
    assert done.status_code == 200, done.text
    assert levels(site, karim) == ["high"]
    (row,) = rows(site, "registration.code-printed")
    assert (row["actor_id"], row["reason"]) == (desk.made.person.id, "lost-device")
    (row,) = rows(site, "registration.identity-checked")
    assert (row["last_digits"], row["document"]) == ("4231", "identity-card")


def test_the_second_half_goes_to_the_address_that_was_confirmed(
    desk: Tool, karim: Person, site: Site
) -> None:
    confirm_for(site, karim, "karim@example.org")
    chosen = address_id(site, karim)
    answer = desk.call("issue_code", karim.id, code=checked(desk, karim.id), address=chosen)
    assert len(codes_in(answer)) == 1
    assert [(mail.to, mail.notice) for mail in mails(site)] == [
        ("karim@example.org", "activation-link")
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"document": "library-card"},
        {"last_digits": "4"},
        {"valid_until": "yesterday"},
        {"valid_until": "2026-03-01"},
        {"checks": ["photograph"]},
        {"checks": []},
    ],
)
def test_a_document_that_was_not_wholly_checked_leads_nowhere(
    desk: Tool, karim: Person, site: Site, wrong: dict[str, Any]
) -> None:
    answer = desk.call("check_identity", karim.id, **{**DOCUMENT, **wrong})
    assert (answer.status_code, problem(answer)) == (400, "invalid-document")
    assert rows(site, "registration.identity-checked") == []


def test_what_was_confirmed_is_this_code_for_this_person_by_this_way(
    desk: Tool, karim: Person, citizen: CitizenAtHome, site: Site
) -> None:
    for name in ("one", "two"):
        confirm_for(site, karim, f"{name}@example.org")
    known = desk.person("person", karim.id)["addresses"]
    code, other = checked(desk, karim.id), checked(desk, citizen.person.id)
    right = {"code": code, "address": known[0]["id"], "way": "second"}
    token = desk.confirmed_token(desk.asked_for("issue_code", karim.id, **right))
    for swapped in ({"address": known[1]["id"]}, {"way": "wait"}, {"code": other}):
        answer = desk.once("issue_code", karim.id, token=token, **{**right, **swapped})
        assert problem(answer) == "insufficient-authorization", swapped
    without = {"code": code, "way": "second"}
    answer = desk.once("issue_code", karim.id, token=token, **without)
    assert problem(answer) == "insufficient-authorization"
    answer = desk.once("issue_code", citizen.person.id, token=token, **right)
    assert problem(answer) == "insufficient-authorization"
    assert len(codes_in(desk.once("issue_code", karim.id, token=token, **right))) == 1
    again = desk.once("issue_code", karim.id, token=token, **right)
    assert problem(again) == "insufficient-authorization", "once"


def test_for_who_has_a_device_it_waits_and_is_printed_by_the_same_call(
    desk: Tool, citizen: CitizenAtHome, make_tool: MakeTool, supervisor: DeskScreen, site: Site
) -> None:
    person_id = citizen.person.id
    code = checked(desk, person_id)
    waits = desk.call("issue_code", person_id, code=code)
    assert waits.status_code == 202
    approval = waits.json()["approval_id"]
    assert waits.headers["location"].endswith(f"/approvals/{approval}")
    early = desk.call("issue_code", person_id, code=code)
    assert (early.status_code, problem(early)) == (409, "not-approved")
    assert make_tool(supervisor).call("approve", UUID(approval)).status_code == 200
    assert len(codes_in(desk.call("issue_code", person_id, code=code))) == 2
    (row,) = rows(site, "registration.code-printed")
    assert row["approved_by"] == str(supervisor.person.id)


def test_or_it_waits_for_a_day(
    desk: Tool, citizen: CitizenAtHome, clock: MovableClock, site: Site
) -> None:
    person_id = citizen.person.id
    confirm_for(site, citizen.person)
    asked = {"code": checked(desk, person_id), "way": "wait"}
    waits = desk.call("issue_code", person_id, **asked)
    assert (waits.status_code, waits.json()["approval_id"]) == (202, None)
    assert waits.json()["opens_at"]
    early = desk.call("issue_code", person_id, **asked)
    assert (early.status_code, problem(early)) == (409, "code-not-now")
    clock.advance(days=1)
    desk.sign_in_anew()
    other = desk.call("issue_code", person_id, **asked, address=address_id(site, citizen.person))
    assert (other.status_code, problem(other)) == (409, "code-not-now"), "another second half"
    assert len(codes_in(desk.call("issue_code", person_id, **asked))) == 2


def test_a_code_is_printed_anew_for_a_few_minutes(
    desk: Tool, karim: Person, clock: MovableClock, site: Site
) -> None:
    code = checked(desk, karim.id)
    first = codes_in(desk.call("issue_code", karim.id, code=code))
    assert codes_in(desk.call("issue_code", karim.id, code=code)) != first
    clock.advance(minutes=15)
    desk.sign_in_anew()
    late = desk.call("issue_code", karim.id, code=code)
    assert (late.status_code, problem(late)) == (409, "code-not-now")
    assert [row["again"] for row in rows(site, "registration.code-printed")] == [False, True]


def test_another_registrars_check_and_another_persons_code_are_none(
    desk: Tool,
    karim: Person,
    citizen: CitizenAtHome,
    make_staff: MakeStaff,
    make_tool: MakeTool,
) -> None:
    code = checked(desk, karim.id)
    other = make_tool(make_staff("registrar", citizen=replace(KARIM, ssin="03410105769")))
    assert other.call("issue_code", karim.id, code=code).status_code == 404
    assert desk.call("issue_code", citizen.person.id, code=code).status_code == 404
    assert desk.call("issue_code", karim.id, code=str(uuid4())).status_code == 404
    assert desk.call("issue_code", karim.id, code=code, way="at once").status_code == 400


def test_who_began_the_return_issues_no_code_and_matches_nothing(
    desk: Tool, citizen: CitizenAtHome, identity: UUID, site: Site
) -> None:
    person_id = citizen.person.id
    code = checked(desk, person_id)
    with writing(site.database) as connection:
        begin_account_recovery(
            job(site, connection), person_id, BY_DESK, "substantial", desk.made.person.id
        )
    for answer in (
        desk.call("issue_code", person_id, code=code),
        desk.call("match_identity", person_id, identity=str(identity)),
    ):
        assert (answer.status_code, problem(answer)) == (403, "began-return")


def test_one_confirmation_used_twice_at_once_prints_one_letter(
    desk: Tool, karim: Person, site: Site
) -> None:
    asked = {"code": checked(desk, karim.id)}
    token = desk.confirmed_token(desk.asked_for("issue_code", karim.id, **asked))
    answers = at_once(
        lambda: desk.once("issue_code", karim.id, token=token, **asked).status_code, threads=2
    )
    assert sorted(map(str, answers)) == ["200", "401"]
    assert len(rows(site, "registration.code-printed")) == 1


def test_a_foreign_identity_is_seen_for_a_reason_and_matched_after_a_check(
    desk: Tool, karim: Person, identity: UUID, site: Site
) -> None:
    listed = desk.person("identities")["identities"]
    assert [each["id"] for each in listed] == [str(identity)]
    assert desk.call("identity", identity, reason="").status_code == 400
    assert rows(site, "identity.seen") == []
    assert desk.person("identity", identity)["claims"]["family_name"] == "Müller"
    (row,) = rows(site, "identity.seen")
    assert (row["reason"], row["identity"]) == ("lost-device", str(identity))
    with reading(site.database) as connection:
        since = site.clock() - timedelta(hours=1)
        assert count_looks(connection, desk.made.person.id, since) == 1
    early = desk.call("match_identity", karim.id, identity=str(identity))
    assert (early.status_code, problem(early)) == (409, "identity-not-checked")
    checked(desk, karim.id)
    done = desk.person("match_identity", karim.id, identity=str(identity))
    assert done["approval_id"] is None
    assert whose(site, identity) == karim.id
    seen = desk.call("identity", identity)
    assert (seen.status_code, problem(seen)) == (409, "match-changed")
    assert "Müller" not in seen.text


def test_a_match_for_who_has_a_device_waits_for_a_second_one(
    desk: Tool,
    citizen: CitizenAtHome,
    identity: UUID,
    make_tool: MakeTool,
    supervisor: DeskScreen,
    site: Site,
) -> None:
    person_id, asked = citizen.person.id, {"identity": str(identity)}
    checked(desk, person_id)
    waits = desk.call("match_identity", person_id, **asked)
    assert waits.status_code == 202
    (waiting,) = every_approval(site)
    assert waits.json()["approval_id"] == str(waiting.id)
    assert whose(site, identity) is None
    assert make_tool(supervisor).call("approve", waiting.id).status_code == 200
    assert desk.call("match_identity", person_id, **asked).status_code == 200
    assert whose(site, identity) == person_id


def test_what_was_confirmed_matches_this_identity_to_this_person(
    desk: Tool, karim: Person, citizen: CitizenAtHome, identity: UUID, site: Site
) -> None:
    for person_id in (karim.id, citizen.person.id):
        checked(desk, person_id)
    right = {"identity": str(identity)}
    token = desk.confirmed_token(desk.asked_for("match_identity", karim.id, **right))
    for answer in (
        desk.once("match_identity", citizen.person.id, token=token, **right),
        desk.once("match_identity", karim.id, token=token, identity=str(uuid4())),
        desk.once("issue_code", karim.id, token=token, code=str(uuid4())),
    ):
        assert problem(answer) == "insufficient-authorization"
    assert whose(site, identity) is None


def test_a_supervisor_sees_what_their_desk_did(
    tool: Tool, citizen: CitizenAtHome, make_tool: MakeTool, supervisor: DeskScreen, site: Site
) -> None:
    tool.person("suspend", citizen.person.id, citizen.devices[0])
    mine = make_tool(supervisor)
    told = mine.person("desk_activity")
    assert any(each["group"] == "act" for each in told["deeds"])
    assert citizen.person.full_name in {each["person"] for each in told["deeds"]}
    by_agent = {each["name"]: each["counts"] for each in told["agents"]}
    assert by_agent[tool.made.person.full_name]["act"] == 1
    assert len(told["days"]) == 14
    (row,) = rows(site, "desk.activity-seen")
    assert row["actor_id"] == supervisor.person.id


def test_the_activity_of_one_agent_or_day_alone(
    tool: Tool, citizen: CitizenAtHome, make_tool: MakeTool, supervisor: DeskScreen, site: Site
) -> None:
    tool.person("suspend", citizen.person.id, citizen.devices[0])
    mine = make_tool(supervisor)

    def asked(query: str) -> Response:
        return mine.get(f"/activity?{query}")

    one = asked(f"agent={tool.made.person.id}").json()
    assert [each["name"] for each in one["agents"]] == [tool.made.person.full_name]
    assert asked("day=2026-02-20").json()["deeds"] == []
    for query in (f"agent={citizen.person.id}", f"agent={uuid4()}", "agent=garbage", "agent="):
        assert asked(query).status_code == 404, query
    for query in ("day=garbage", "day=99999-01-01", "day=1999-01-01"):
        assert asked(query).status_code == 400, query
    assert asked("before=garbage").status_code == 404

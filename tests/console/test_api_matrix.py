"""Who may what by the desk's API: every call by every role on everybody.

What is expected is what `staff.roles` says, as at the pages (tests/console/test_matrix.py).
"""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from authn.db.transaction import writing
from authn.desk_api.endpoints import OPERATIONS
from authn.desk_api.operations import Operation
from authn.people.persons import find_or_create_person
from authn.people.tables import persons
from authn.profiles.appointments import appoint
from authn.staff.roles import ROLES, RULES, Role
from authn.web.site import Site
from tests.citizen import KARIM
from tests.console.acting import rows
from tests.console.conftest import MakeStaff, MakeTool
from tests.console.desk import STAFF, CitizenAtHome
from tests.console.test_api import ANOTHER
from tests.console.tools import Tool
from tests.screens import problem

ABOUT_SOMEBODY = [each for each in OPERATIONS if each.about_person]
OTHERS = [each for each in OPERATIONS if not each.about_person]
TARGETS = ("own", "colleague", "citizen", "deceased", "merged", "nobody")
LOOKS = ("person", "devices", "sessions", "activity")
CONTENT: dict[str, dict[str, Any]] = {
    "find": {"clue": KARIM.ssin},
    "change_address": {"add": "somebody@example.org"},
    "merge": {"merged": str(uuid4())},
    "undo": {"undo": "x"},
    "refuse": {"remark": "no"},
    "check_identity": {
        "document": "passport",
        "last_digits": "4231",
        "valid_until": "2030-01-31",
        "checks": ["photograph", "data", "genuine"],
    },
    "issue_code": {"code": str(uuid4())},
    "match_identity": {"identity": str(uuid4())},
}
OF_NOBODY = ("issue_code", "match_identity")  # that code, that identity: there is none


@pytest.fixture
def targets(site: Site, citizen: CitizenAtHome) -> dict[str, UUID]:
    """A person of each sort, but for whoever calls; Hanne is the citizen."""
    who = {"colleague": STAFF["auditor"], "deceased": KARIM, "merged": ANOTHER}
    now = site.clock()
    with writing(site.database) as connection:
        ids = {
            name: find_or_create_person(connection, site.secrets, each, now).id
            for name, each in who.items()
        }
        appoint(connection, site.secrets, ids["colleague"], "auditor", "Ghent", now)
        for name, values in (
            ("deceased", {"deceased": True}),
            ("merged", {"merged_into": citizen.person.id}),
        ):
            connection.execute(update(persons).where(persons.c.id == ids[name]).values(values))
    return {**ids, "citizen": citizen.person.id, "nobody": uuid4()}


def called(tool: Tool, operation: Operation, *ids: UUID) -> tuple[int, str]:
    answer = tool.call(operation.name, *ids, **CONTENT.get(operation.name, {}))
    return answer.status_code, "" if answer.is_success else problem(answer)


def refused(operation: Operation, role: Role, target: str) -> tuple[int, str] | None:
    """What the rules say: the refusal; None where the act decides itself."""
    assert operation.act is not None
    if role not in RULES[operation.act].roles or target == "nobody":
        return (404, "not-found")
    if target == "own":
        return (403, "own-account")
    if operation.name == "person":
        return None
    if target == "merged":
        return (403, "merged")
    if target == "deceased" and operation.name not in LOOKS:
        return (403, "deceased")
    return None


@pytest.mark.parametrize("role", ROLES)
def test_every_call_of_a_role_on_everybody(
    make_staff: MakeStaff,
    make_tool: MakeTool,
    citizen: CitizenAtHome,
    targets: dict[str, UUID],
    role: Role,
) -> None:
    made = make_staff(role, citizen=STAFF["agent"])
    tool = make_tool(made)
    ids = {**targets, "own": made.person.id}
    for operation in ABOUT_SOMEBODY:
        for target in TARGETS:
            on = [ids[target], citizen.devices[0] if target == "citizen" else uuid4()]
            found = called(tool, operation, *on[: operation.path.count("{")])
            expected = refused(operation, role, target)
            if expected:
                assert found == expected, (operation.name, target)
            else:
                refusals = {"own-account", "deceased", "not-found"}
                if operation.name in OF_NOBODY:
                    refusals -= {"not-found"}
                assert found[1] not in refusals, (operation.name, target)


@pytest.mark.parametrize("role", ROLES)
def test_every_other_call_of_a_role(
    make_staff: MakeStaff, make_tool: MakeTool, site: Site, role: Role
) -> None:
    tool = make_tool(make_staff(role, citizen=STAFF["agent"]))
    for operation in OTHERS:
        before = len(rows(site, "desk.refused"))
        status, _ = called(tool, operation, *[uuid4()] * operation.path.count("{"))
        may = operation.act is None or role in RULES[operation.act].roles
        assert may or status == 404, operation.name
        if not may:
            assert len(rows(site, "desk.refused")) == before + 1, operation.name


@pytest.mark.parametrize("operation", ABOUT_SOMEBODY, ids=lambda each: each.name)
def test_nothing_about_anybody_without_a_reason(
    make_staff: MakeStaff, make_tool: MakeTool, citizen: CitizenAtHome, operation: Operation
) -> None:
    tool = make_tool(make_staff("agent", "registrar", "supervisor"))
    ids = [citizen.person.id, citizen.devices[0]][: operation.path.count("{")]
    content = CONTENT.get(operation.name, {})
    without = tool.call(operation.name, *ids, **{**content, "reason": ""})
    assert (without.status_code, problem(without)) == (400, "invalid-request")
    wrong = tool.call(operation.name, *ids, **{**content, "reason": "curious"})
    assert (wrong.status_code, problem(wrong)) == (400, "invalid-reason")
    for answer in (without, wrong):
        assert citizen.person.family_name not in answer.text


def test_an_act_on_a_colleague_waits_for_a_second_one(
    make_staff: MakeStaff, make_tool: MakeTool
) -> None:
    colleague = make_staff("auditor")
    tool = make_tool(make_staff("agent"))
    devices = tool.person("devices", colleague.person.id)["devices"]
    assert {"act": "suspend", "waits": True} in devices[0]["acts"]
    answer = tool.call("suspend", colleague.person.id, UUID(devices[0]["id"]))
    assert answer.status_code == 202


@pytest.mark.one_engine
def test_each_act_has_the_weight_that_its_rule_says() -> None:
    for each in OPERATIONS:
        light = ("undo", "refuse", "identities", "identity")  # they open nothing
        if each.act and RULES[each.act].fresh and each.name not in light:
            assert each.confirms, each.name
        if each.confirms:
            assert each.scope == "desk_act"

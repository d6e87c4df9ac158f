"""What a tool sends may be anything: it is refused in one form, and nothing of it is echoed."""

import string
from typing import Any
from uuid import uuid4

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authn.clients.resource_servers.desk_api import PATH
from authn.db.transaction import writing
from authn.desk_api.endpoints import OPERATIONS
from authn.desk_api.operations import Operation
from authn.people.persons import find_or_create_person
from authn.web.site import Site
from tests.citizen import HANNE, KARIM
from tests.console.acting import rows, statuses
from tests.console.conftest import MakeStaff, MakeTool
from tests.console.desk import CitizenAtHome
from tests.console.tools import WHY, Tool, check
from tests.screens import problem

POSTS = [each for each in OPERATIONS if each.method == "POST"]
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=700)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


@pytest.fixture
def powerful(make_staff: MakeStaff, make_tool: MakeTool) -> Tool:
    """A tool of somebody who may do most."""
    return make_tool(make_staff("agent", "registrar", "supervisor"))


@st.composite
def calls(draw: st.DrawFn) -> tuple[Operation, dict[str, Any]]:
    """A call, and any JSON object: often of members that it knows, and with a good reason."""
    operation = draw(st.sampled_from(POSTS))
    known = [each.name for each in operation.members] or ["x"]
    names = st.sampled_from(known) | st.text(string.printable, max_size=20)
    content = draw(st.dictionaries(names, VALUES, max_size=6))
    return operation, content | (WHY if operation.with_why and draw(st.booleans()) else {})


@pytest.mark.thorough
@pytest.mark.one_engine
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(call=calls())
def test_any_json_gets_an_answer_that_the_document_has(
    powerful: Tool, call: tuple[Operation, dict[str, Any]]
) -> None:
    """On somebody without devices, at a service whose workers don't run: they use chance."""
    operation, content = call
    with writing(powerful.site.database) as connection:
        now = powerful.site.clock()
        person = find_or_create_person(connection, powerful.site.secrets, KARIM, now)
    on = person.id if operation.about_person else uuid4()
    path = operation.path.replace("{id}", str(on)).replace("{device}", str(uuid4()))
    answer = powerful.http.post(PATH + path, json=content, headers=powerful.headers())
    check(operation.name, answer)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/json"),
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b'"reason"', "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"{" + b'"a":{' * 20 + b"}" * 21, "application/json"),
        (b"reason=lost-device", "application/x-www-form-urlencoded"),
        (b"{}", "text/plain"),
    ],
)
@pytest.mark.one_engine
def test_what_is_no_json_object_is_refused(
    tool: Tool, citizen: CitizenAtHome, body: bytes, kind: str
) -> None:
    headers = {**tool.headers(), "Content-Type": kind}
    path = f"{PATH}/people/{citizen.person.id}"
    answer = tool.http.post(path, content=body, headers=headers)
    check("person", answer)
    assert (answer.status_code, problem(answer)) == (400, "invalid-request")


def test_what_is_too_large_is_refused_before_it_is_read(tool: Tool) -> None:
    content = orjson.dumps({**WHY, "clue": "x" * 70_000})
    headers = {**tool.headers(), "Content-Type": "application/json"}
    answer = tool.http.post(f"{PATH}/people/find", content=content, headers=headers)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "wrong",
    [
        {"who": "else"},
        {"ticket": "T" * 61},
        {"ticket": 7},
        {"explanation": "x" * 501},
        {"explanation": "a\x00b"},
        {"explanation": f"about {HANNE.ssin}"},
        {"reason": ["lost-device"]},
        {"checked": "birth"},
        {"checked": ["birth", "birth"]},
        {"checked": [1]},
    ],
)
def test_a_body_that_is_not_what_the_call_takes_does_nothing(
    tool: Tool, citizen: CitizenAtHome, site: Site, wrong: dict[str, Any]
) -> None:
    answer = tool.call("suspend", citizen.person.id, citizen.devices[0], **wrong)
    assert answer.status_code == 400
    for value in wrong.values():
        assert str(value) not in answer.json()["detail"]
    assert HANNE.ssin not in answer.text
    assert {*statuses(site, citizen.person).values()} == {"active"}
    assert rows(site, "desk.suspended", "desk.reason-given") == []


@pytest.mark.parametrize("merged", ["", "x", "{" + "0" * 36 + "}", 7, "A" * 36])
@pytest.mark.one_engine
def test_an_id_is_a_uuid_and_nothing_else(
    powerful: Tool, citizen: CitizenAtHome, merged: object
) -> None:
    answer = powerful.call("merge", citizen.person.id, merged=merged)
    assert (answer.status_code, problem(answer)) == (400, "invalid-request")


@pytest.mark.parametrize("path", ["/people/x", "/people/1/devices", "/nothing", "", "/"])
def test_a_path_that_there_is_not(tool: Tool, path: str) -> None:
    assert tool.post(path, **WHY).status_code == 404


def test_a_method_that_there_is_not(tool: Tool, citizen: CitizenAtHome) -> None:
    assert tool.get(f"/people/{citizen.person.id}").status_code == 405


def test_a_number_is_in_no_log(
    tool: Tool, citizen: CitizenAtHome, capsys: pytest.CaptureFixture[str]
) -> None:
    tool.person("find", clue=HANNE.ssin)
    tool.person("find", clue=f"{HANNE.ssin[:6]}-{HANNE.ssin[6:9]}.{HANNE.ssin[9:]}")
    assert HANNE.ssin not in capsys.readouterr().out

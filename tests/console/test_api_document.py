"""The OpenAPI document of the desk's API: it says what there is, and what there is, it says.

OpenAPI 3.1.1 (https://spec.openapis.org/oas/v3.1.1.html).
"""

import re

import pytest
import yaml
from jsonschema import Draft202012Validator
from starlette.routing import Route
from starlette.testclient import TestClient

from authn.app import ROUTES
from authn.clients.resource_servers.desk_api import PATH
from authn.consents.desk_acts import MEMBERS
from authn.desk_api.endpoints import OPERATIONS
from authn.desk_api.openapi import build_openapi
from authn.staff.roles import Act
from tests.citizen import ORIGIN
from tools import desk_api_page

pytestmark = pytest.mark.one_engine


def test_the_service_has_it_for_everybody(http: TestClient) -> None:
    answer = http.get(f"{PATH}/openapi.json")
    assert answer.status_code == 200
    assert answer.json() == build_openapi(ORIGIN, OPERATIONS)
    assert answer.json()["servers"] == [{"url": ORIGIN + PATH}]


def test_the_file_in_the_documents_is_up_to_date() -> None:
    written = desk_api_page.PAGE.read_text(encoding="utf-8")
    assert written == desk_api_page.page(), "run `make docs`"
    assert yaml.safe_load(written) == build_openapi("https://login.example.org", OPERATIONS)


@pytest.mark.parametrize("act", MEMBERS)
def test_its_page_names_the_members_of_each_act_that_is_confirmed(act: Act) -> None:
    page = desk_api_page.PAGE.with_name("README.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    (row,) = [each for each in rows if f"`{act}`" in each.split("|")[1]]
    named = re.findall(r"`([a-z]+)`", row.split("|")[2])
    assert {*MEMBERS[act]} <= {*named}


def test_it_has_every_route() -> None:
    document = build_openapi(ORIGIN, OPERATIONS)
    described = {
        (method.upper(), PATH + path)
        for path, calls in document["paths"].items()
        for method in calls
    }
    routes = {
        (method, re.sub(r":\w+", "", route.path))
        for route in ROUTES
        if isinstance(route, Route) and route.path.startswith("/api/")
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert routes - described == {("GET", f"{PATH}/openapi.json")}
    assert described <= routes


def test_every_schema_is_one_and_every_reference_leads_somewhere() -> None:
    document = build_openapi(ORIGIN, OPERATIONS)
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for reference in re.findall(r"'\$ref': '#/([^']+)'", str(document)):
        found = document
        for step in reference.split("/"):
            found = found[step]


def test_every_call_has_a_name_of_its_own() -> None:
    names = [each.name for each in OPERATIONS]
    assert len(set(names)) == len(names)

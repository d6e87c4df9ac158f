"""Staff of each role with the desk open, and a citizen with two devices."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.db.transaction import writing
from authn.people.persons import Citizen
from authn.profiles.appointments import appoint
from authn.web.site import Site
from tests.authenticator import Authenticator
from tests.citizen import HANNE, ORIGIN, activation_code, enrolled
from tests.console.desk import STAFF, CitizenAtHome, DeskScreen
from tests.console.tools import Tool, tool_of
from tests.screens import add_here, another_screen, device_in

MakeStaff = Callable[..., DeskScreen]
MakeTool = Callable[..., Tool]


@pytest.fixture
def make_staff(site: Site, app: Starlette) -> MakeStaff:
    """`make_staff(*roles, desk=…, citizen=…, opened=…, **lies)`: a member of staff at a screen."""

    def make(
        *roles: str,
        desk: str = "Ghent",
        citizen: Citizen | None = None,
        opened: bool = True,
        **lies: Any,
    ) -> DeskScreen:
        who = citizen or STAFF[roles[0]]  # type: ignore[index]
        person, code = activation_code(site, who)
        with writing(site.database) as connection:
            for role in roles:
                appoint(connection, site.secrets, person.id, role, desk, site.clock())
        screen = another_screen(app)
        answer = screen.enrol(code, who.ssin, **lies)
        assert answer.status_code == 200, answer.text
        made = DeskScreen(person, screen, site)
        if opened:
            answer = made.open()
            assert answer.status_code == 200, answer.text
        return made

    return make


@pytest.fixture
def agent(make_staff: MakeStaff) -> DeskScreen:
    """An agent of the desk in Ghent."""
    return make_staff("agent")


@pytest.fixture
def registrar(make_staff: MakeStaff) -> DeskScreen:
    """A registrar of the same desk."""
    return make_staff("registrar")


@pytest.fixture
def supervisor(make_staff: MakeStaff) -> DeskScreen:
    """A supervisor of the same desk."""
    return make_staff("supervisor")


@pytest.fixture
def auditor(make_staff: MakeStaff) -> DeskScreen:
    """An auditor, of another desk."""
    return make_staff("auditor", desk="Brussels")


@pytest.fixture
def operator(make_staff: MakeStaff) -> DeskScreen:
    """An operator, of another desk."""
    return make_staff("operator", desk="Brussels")


@pytest.fixture
def citizen(site: Site, client: TestClient) -> CitizenAtHome:
    """Hanne, with a first device at which she is signed in, and a second one."""
    person, screen = enrolled(site, client, HANNE)
    page = client.get("/devices").text
    first = _devices_on(page)
    second = device_in(add_here(screen, Authenticator()))
    return CitizenAtHome(person, screen, [*first, second])


@pytest.fixture
def http(app: Starlette) -> TestClient:
    """What a tool calls the desk's API with: no cookie of anybody."""
    return TestClient(app, base_url=ORIGIN, follow_redirects=False)


@pytest.fixture
def make_tool(http: TestClient) -> MakeTool:
    """`make_tool(made, scope=…)`: a tool of this member of staff."""
    return lambda made, **more: tool_of(made, http, **more)


@pytest.fixture
def tool(agent: DeskScreen, make_tool: MakeTool) -> Tool:
    """A tool of the agent."""
    return make_tool(agent)


def _devices_on(page: str) -> list[UUID]:
    found = re.findall(r'href="/devices/([0-9a-f-]{36})"', page)
    return [UUID(each) for each in dict.fromkeys(found)]

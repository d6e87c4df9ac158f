"""Finding a number that nobody here has: the real national register is asked, for a registrar."""

from typing import Any

import pytest
from sqlalchemy import select

from authn.audit.events.staff import DeskSearched
from authn.audit.log import audit_events
from authn.db.transaction import reading
from authn.settings import Settings
from authn.web.site import Site
from tests.console.acting import rows
from tests.console.conftest import MakeStaff, MakeTool
from tests.console.desk import DeskScreen
from tests.sources_server import MANDATOR, UNKNOWN, Running, Said

# The service ends with the test, and with it its connections to the register.
pytestmark = pytest.mark.usefixtures("client")


@pytest.fixture
def settings(settings: Settings, real: Running) -> Settings:
    """The settings of a service that asks the real register."""
    return real.settings(settings)


def search(made: DeskScreen, clue: str) -> str:
    made.screen.client.headers["Accept-Language"] = "en"
    answer = made.post_form("/desk/find", clue=clue, reason="came-to-desk")
    assert answer.status_code == 200
    return answer.text


def searches(site: Site) -> list[Any]:
    with reading(site.database) as connection:
        statement = select(audit_events.c.details).where(audit_events.c.event == DeskSearched.name)
        return list(connection.execute(statement.order_by(audit_events.c.id)).scalars())


def test_a_registrar_hears_that_it_knows_a_citizen(
    registrar: DeskScreen, site: Site, real: Running
) -> None:
    opened: list[int] = []

    def look(_: object) -> Said | None:
        opened.append(site.database.writer.pool.checkedout())  # type: ignore[attr-defined]
        return None

    real.server.dictated = look
    assert "No account yet" in search(registrar, MANDATOR)
    assert "Nobody was found" in search(registrar, UNKNOWN)
    assert set(opened) == {0}, "no transaction is open while it is asked"
    assert len(searches(site)) == 2


def test_it_is_not_asked_for_an_agent(agent: DeskScreen, real: Running) -> None:
    assert "Nobody was found" in search(agent, MANDATOR)
    assert real.server.asked("/citizen") == []


def test_while_it_is_down_that_is_said_and_the_search_is_on_record(
    registrar: DeskScreen, site: Site, real: Running
) -> None:
    real.server.dictated = lambda seen: None if seen.path == "/token" else Said(500)
    assert "could not be asked right now" in search(registrar, MANDATOR)
    assert len(searches(site)) == 1


def test_it_hears_of_nobody_for_who_looked_at_too_many(
    make_staff: MakeStaff, site: Site, real: Running
) -> None:
    few = site.settings.model_copy(update={"desk_looks_warning": 1, "desk_looks_most": 2})
    object.__setattr__(site, "settings", few)
    registrar = make_staff("registrar")
    for _ in range(2):
        search(registrar, UNKNOWN)
    before = len(real.server.asked("/citizen"))
    answer = registrar.post_form("/desk/find", clue=MANDATOR, reason="came-to-desk")
    assert answer.status_code == 403
    assert len(real.server.asked("/citizen")) == before
    (refused,) = rows(site, "desk.refused")
    assert (refused["act"], refused["refused"]) == (DeskSearched.name, "too many looks")


def test_nor_for_a_tool_of_theirs(
    make_staff: MakeStaff, make_tool: MakeTool, site: Site, real: Running
) -> None:
    few = site.settings.model_copy(update={"desk_looks_warning": 1, "desk_looks_most": 2})
    object.__setattr__(site, "settings", few)
    tool = make_tool(make_staff("registrar"))
    for _ in range(2):
        tool.person("find", clue=UNKNOWN)
    before = len(real.server.asked("/citizen"))
    assert tool.call("find", clue=MANDATOR).status_code == 429
    assert len(real.server.asked("/citizen")) == before

"""The person's page, and the API's answer, tell what waits about them for a second person."""

from uuid import UUID

import pytest

from authn.console.approval_expiry import expire_overdue
from authn.console.approvals import request_approval
from authn.console.desk_sessions import LookReason
from authn.console.local_operator import build_local_operator
from authn.db.transaction import writing
from authn.web.site import Site
from tests.citizen import KARIM, activation_code
from tests.conftest import MovableClock
from tests.console.acting import act_path, approve, asked
from tests.console.conftest import MakeTool
from tests.console.desk import CitizenAtHome, DeskScreen
from tests.occasion import job


@pytest.fixture
def waiting(agent: DeskScreen, citizen: CitizenAtHome) -> UUID:
    """The agent asked to remove the last device."""
    agent.screen.client.headers["Accept-Language"] = "en"
    agent.give_reason(citizen.person.id)
    agent.act(act_path(citizen.person, citizen.devices[1], "unlink"))
    return asked(agent.act(act_path(citizen.person, citizen.devices[0], "unlink")))


def card(who: DeskScreen, citizen: CitizenAtHome) -> str:
    """The card on the page, "" where there is none."""
    page = who.get(f"/desk/people/{citizen.person.id}").text
    return page.partition('aria-labelledby="approvals"')[2].partition("</section>")[0]


def test_who_asks_and_until_when_it_waits_is_on_the_person_s_page(
    agent: DeskScreen, citizen: CitizenAtHome, waiting: UUID
) -> None:
    shown = card(agent, citizen)
    assert "Waiting for a second person" in shown
    assert "Remove the last device that works" in shown
    assert f"Asked by {agent.person.full_name}" in shown
    assert f'href="/desk/approvals/{waiting}"' in shown


def test_another_agent_sees_it_and_cannot_open_it(
    registrar: DeskScreen, citizen: CitizenAtHome, waiting: UUID
) -> None:
    registrar.screen.client.headers["Accept-Language"] = "en"
    registrar.give_reason(citizen.person.id)
    shown = card(registrar, citizen)
    assert "Remove the last device that works" in shown
    assert "/desk/approvals/" not in shown
    assert registrar.get(f"/desk/approvals/{waiting}").status_code == 404


@pytest.mark.parametrize(
    ("how", "words"),
    [("approve", "Approved"), ("refuse", "Call them back"), ("expire", "Nobody decided in time")],
)
def test_how_it_ended_is_there_for_a_day(
    site: Site,
    clock: MovableClock,
    agent: DeskScreen,
    supervisor: DeskScreen,
    citizen: CitizenAtHome,
    waiting: UUID,
    how: str,
    words: str,
) -> None:
    if how == "approve":
        assert approve(supervisor, waiting).status_code == 200
    elif how == "refuse":
        supervisor.post_form(f"/desk/approvals/{waiting}/refuse", remark="Call them back")
    else:
        clock.advance(minutes=31)
        expire_overdue(site.database, site.settings, site.secrets, site.clock())
        agent.open()
        agent.give_reason(citizen.person.id)
    shown = card(agent, citizen)
    assert words in shown
    assert "Asked of a second person" in shown
    if how != "expire":
        assert f"Decided by {supervisor.person.full_name}" in shown
    clock.advance(days=1)
    agent.screen.sign_in()
    agent.open()
    agent.give_reason(citizen.person.id)
    assert card(agent, citizen) == ""


def test_of_another_person_nothing_is_there(
    site: Site, agent: DeskScreen, citizen: CitizenAtHome, waiting: UUID
) -> None:
    other, _ = activation_code(site, KARIM)
    agent.give_reason(other.id)
    assert "approvals" not in agent.get(f"/desk/people/{other.id}").text.partition("<main")[2]


def test_the_api_tells_the_same(
    site: Site, agent: DeskScreen, citizen: CitizenAtHome, waiting: UUID, make_tool: MakeTool
) -> None:
    with writing(site.database) as connection:
        desk = build_local_operator(connection, LookReason("question"))
        request_approval(job(site, connection), desk, "merge", citizen.person.id, {})
    tool = make_tool(agent)
    told = {each["act"]: each for each in tool.person("person", citizen.person.id)["approvals"]}
    at_machine, own = told["merge"], told["unlink-last"]  # asked at the same moment
    assert (own["id"], own["act"], own["state"]) == (str(waiting), "unlink-last", "waiting")
    assert own["asked_by"] == agent.person.full_name
    assert at_machine["asked_by"] == "The operator, at the machine of this service"

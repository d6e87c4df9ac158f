"""What the desk blocked because somebody else may use the account comes back by two alone.

The device keeps why it was blocked; the operator's list says which reasons speak of fraud.
"""

from collections.abc import Callable
from uuid import UUID

import pytest

from authn.errors import CommandError
from authn.settings import Settings, load_settings
from authn.staff.reasons import is_fraud
from authn.web.site import Site
from tests.console.acting import act_path, approve, asked, device, rows, statuses
from tests.console.conftest import MakeStaff, MakeTool
from tests.console.desk import CitizenAtHome, DeskScreen
from tests.console.test_api import ANOTHER

FRAUD = "misuse"


@pytest.fixture
def first(citizen: CitizenAtHome) -> UUID:
    """The device that it is about."""
    return citizen.devices[0]


@pytest.fixture
def blocking(agent: DeskScreen, citizen: CitizenAtHome, first: UUID) -> Callable[[str], DeskScreen]:
    """`blocking(reason)`: the agent, who blocked the device for this reason."""

    def block(reason: str) -> DeskScreen:
        agent.screen.client.headers["Accept-Language"] = "en"
        agent.give_reason(citizen.person.id, reason)
        assert agent.act(act_path(citizen.person, first, "suspend")).status_code == 200
        return agent

    return block


@pytest.mark.parametrize("reason", ["lost-device", "question"])
def test_what_was_blocked_for_another_reason_an_agent_unblocks(
    blocking: Callable[[str], DeskScreen],
    citizen: CitizenAtHome,
    first: UUID,
    site: Site,
    reason: str,
) -> None:
    agent = blocking(reason)
    assert device(site, citizen.person, first).suspended_reason == reason
    assert agent.act(act_path(citizen.person, first, "resume")).status_code == 200
    after = device(site, citizen.person, first)
    assert (after.status, after.suspended_reason) == ("active", None)


@pytest.mark.parametrize("reason", [FRAUD, "copied-key"])
def test_what_was_blocked_for_fraud_no_agent_unblocks(
    blocking: Callable[[str], DeskScreen],
    citizen: CitizenAtHome,
    first: UUID,
    site: Site,
    reason: str,
) -> None:
    agent = blocking(reason)
    agent.give_reason(citizen.person.id, "question")  # another reason now changes nothing
    html = agent.get(act_path(citizen.person, first, "resume")).text
    assert "A supervisor does this" in html and "data-ceremony" not in html
    assert agent.act(act_path(citizen.person, first, "resume")).status_code == 404
    page = agent.get(f"/desk/people/{citizen.person.id}").text
    assert f"{first}/resume" not in page
    assert "Somebody else may be using" in page or "A key may have been copied" in page
    assert statuses(site, citizen.person)[first] == "suspended"
    assert not rows(site, "desk.resumed", "desk.reinstated")


def test_a_supervisor_reinstates_it_with_a_second_one(
    blocking: Callable[[str], DeskScreen],
    make_staff: MakeStaff,
    supervisor: DeskScreen,
    citizen: CitizenAtHome,
    first: UUID,
    site: Site,
) -> None:
    blocking(FRAUD)
    supervisor.give_reason(citizen.person.id, "came-to-desk")
    waiting = asked(supervisor.act(act_path(citizen.person, first, "resume")))
    assert statuses(site, citizen.person)[first] == "suspended"
    second = make_staff("supervisor", citizen=ANOTHER)
    assert approve(second, waiting).status_code == 200
    assert statuses(site, citizen.person)[first] == "active"
    (row,) = rows(site, "desk.reinstated")
    assert (row["suspicion"], row["actor_id"], row["approved_by"]) == (
        FRAUD,
        supervisor.person.id,
        str(second.person.id),
    )


def test_who_blocked_the_wrong_device_takes_it_back_within_minutes_whatever_the_reason(
    blocking: Callable[[str], DeskScreen], citizen: CitizenAtHome, first: UUID, site: Site
) -> None:
    """It gives nobody what they did not have: a moment before, the device worked."""
    agent = blocking("question")
    agent.act(act_path(citizen.person, first, "resume"))
    agent.give_reason(citizen.person.id, FRAUD)
    location = agent.act(act_path(citizen.person, first, "suspend")).json()["location"]
    assert agent.post_form("/desk/undo", did=location.partition("did=")[2]).status_code == 303
    after = device(site, citizen.person, first)
    assert (after.status, after.suspended_reason) == ("active", None)


def test_blocking_all_for_fraud_is_so_for_what_was_blocked_before_too(
    blocking: Callable[[str], DeskScreen], citizen: CitizenAtHome, first: UUID, site: Site
) -> None:
    agent = blocking("lost-device")
    agent.give_reason(citizen.person.id, FRAUD)
    assert agent.act(f"/desk/people/{citizen.person.id}/block-all").status_code == 200
    for each in citizen.devices:
        assert device(site, citizen.person, each).suspended_reason == FRAUD
        assert agent.act(act_path(citizen.person, each, "resume")).status_code == 404
    assert set(statuses(site, citizen.person).values()) == {"suspended"}


def test_blocking_it_again_by_way_of_another_reason_launders_nothing(
    blocking: Callable[[str], DeskScreen], citizen: CitizenAtHome, first: UUID, site: Site
) -> None:
    agent = blocking(FRAUD)
    for reason in ("lost-device", "question"):
        agent.give_reason(citizen.person.id, reason)
        assert agent.act(act_path(citizen.person, first, "suspend")).status_code == 403
        agent.act(f"/desk/people/{citizen.person.id}/block-all")
    assert device(site, citizen.person, first).suspended_reason == FRAUD
    assert agent.act(act_path(citizen.person, first, "resume")).status_code == 404


def test_the_api_keeps_it_too(
    make_staff: MakeStaff, make_tool: MakeTool, citizen: CitizenAtHome, first: UUID, site: Site
) -> None:
    tool = make_tool(make_staff("agent"))
    assert tool.call("suspend", citizen.person.id, first, reason=FRAUD).status_code == 200
    found = tool.person("devices", citizen.person.id)["devices"]
    (shown,) = [each for each in found if each["id"] == str(first)]
    assert shown["suspended_reason"] == FRAUD
    assert [each["act"] for each in shown["acts"]] == ["unlink"]
    assert tool.call("resume", citizen.person.id, first).status_code == 404
    supervisor = make_tool(make_staff("supervisor"))
    answer = supervisor.call("resume", citizen.person.id, first)
    assert (answer.status_code, answer.json()["act"]) == (202, "reinstate")
    assert statuses(site, citizen.person)[first] == "suspended"


@pytest.mark.one_engine
def test_the_operator_says_which_reasons_speak_of_fraud() -> None:
    own = {"stolen-identity": {"en": "Stolen identity"}, "lost": {"en": "Lost"}}
    settings = load_settings(desk_reasons=own, desk_fraud_reasons="stolen-identity")
    assert is_fraud(settings, "stolen-identity")
    assert not is_fraud(settings, "lost") and not is_fraud(settings, None)
    assert is_fraud(Settings(), FRAUD)
    with pytest.raises(CommandError, match="DESK_FRAUD_REASONS"):
        load_settings(desk_reasons=own, desk_fraud_reasons="misspelt")

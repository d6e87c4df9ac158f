"""The same call at the same moment; and what a call costs."""

from collections.abc import Callable
from uuid import UUID

import pytest
from httpx2 import Response

from authn.db.transaction import writing
from authn.desk_api.endpoints import OPERATIONS
from authn.devices.devices import list_devices
from authn.devices.life import unlink
from authn.errors import Refusal
from authn.web.site import Site
from tests.console.acting import every_approval, rows, statuses, suspend_for
from tests.console.conftest import MakeStaff, MakeTool
from tests.console.desk import CitizenAtHome
from tests.console.test_api import ANOTHER
from tests.console.tools import Tool
from tests.occasion import job
from tests.oidc.test_cost import counted
from tests.together import at_once


def confirmed(tool: Tool, threads: int, name: str, *ids: UUID) -> Callable[[], Response]:
    """The call, each time with another confirmation of the same: one for each thread."""
    asked = tool.asked_for(name, *ids)
    tokens = [tool.confirmed_token(asked) for _ in range(threads)]
    return lambda: tool.once(name, *ids, token=tokens.pop())


def codes(answers: list[Response | Refusal]) -> list[int]:
    return sorted(each.status_code if isinstance(each, Response) else 0 for each in answers)


@pytest.mark.parametrize("name", ["suspend", "unlink"])
def test_of_several_at_once_one_does_it(
    tool: Tool, citizen: CitizenAtHome, site: Site, name: str
) -> None:
    first = citizen.devices[0]
    answers = at_once(confirmed(tool, 4, name, citizen.person.id, first), 4)
    refusal = 409 if name == "suspend" else 404
    assert codes(answers) == [200, *[refusal] * 3]
    assert len(rows(site, "desk.suspended", "desk.unlinked")) == 1
    assert statuses(site, citizen.person)[first] != "active"


def test_two_who_approve_at_once_approve_once(
    make_staff: MakeStaff, make_tool: MakeTool, citizen: CitizenAtHome, site: Site
) -> None:
    asking = make_tool(make_staff("supervisor"))
    other = make_tool(make_staff("supervisor", "registrar", desk="Namur", citizen=ANOTHER))
    suspend_for(site, citizen.devices[0], "counter")
    asked = asking.call("resume", citizen.person.id, citizen.devices[0]).json()
    answers = at_once(confirmed(other, 3, "approve", UUID(asked["approval_id"])), 3)
    assert codes(answers) == [200, 409, 409]
    assert [each.state for each in every_approval(site)] == ["approved"]
    assert len(rows(site, "desk.reinstated")) == 1


def test_the_same_asked_at_once_waits_once(
    make_staff: MakeStaff, make_tool: MakeTool, citizen: CitizenAtHome, site: Site
) -> None:
    tool = make_tool(make_staff("supervisor"))
    suspend_for(site, citizen.devices[0], "counter")
    answers = at_once(confirmed(tool, 4, "resume", citizen.person.id, citizen.devices[0]), 4)
    assert codes(answers) == [202] * 4
    assert len(every_approval(site)) == 1


def test_an_act_against_the_removal_of_the_agents_own_device(
    tool: Tool, citizen: CitizenAtHome, site: Site
) -> None:
    """Either the act came first, or it is refused with the token: nothing in between."""
    act = confirmed(tool, 1, "suspend", citizen.person.id, citizen.devices[0])
    with writing(site.database) as connection:
        (held,) = list_devices(connection, tool.made.person.id)

    def removed() -> None:
        with writing(site.database) as connection:
            unlink(job(site, connection), held, "desk")

    both: list[Callable[[], Response | None]] = [removed, act]
    answers = at_once(lambda: both.pop()(), 2)
    (answer,) = (each for each in answers if isinstance(each, Response))
    done = statuses(site, citizen.person)[citizen.devices[0]] == "suspended"
    assert answer.status_code == (200 if done else 401)
    late = tool.call("suspend", citizen.person.id, citizen.devices[1])
    assert late.status_code == 401


# Statements of one call: seven for the token, the capacity and who calls, for an act one which
# spends its confirmation, the rest as at the pages; one commit.
MOST = {
    "find": 14,
    "person": 33,
    "devices": 30,
    "sessions": 30,
    "activity": 22,
    "suspend": 36,
    "approvals": 8,
}


@pytest.mark.thorough
@pytest.mark.parametrize("name", MOST)
def test_what_a_call_costs(tool: Tool, citizen: CitizenAtHome, site: Site, name: str) -> None:
    operation = next(each for each in OPERATIONS if each.name == name)
    ids = [citizen.person.id, citizen.devices[0]][: operation.path.count("{")]
    content = {"clue": "03410100128"} if name == "find" else {}
    token = tool.confirmed_token(tool.asked_for(name, *ids)) if operation.confirms else None
    with counted(site) as seen:
        assert tool.once(name, *ids, token=token, **content).status_code == 200
    assert len(seen) - seen.count("COMMIT") <= MOST[name], (name, len(seen))
    assert seen.count("COMMIT") == (0 if name == "approvals" else 1)

"""How heavy an act is, is said the same wherever it is: offered, asked, waiting, done.

And on whom: for what lets somebody in as one of the staff, whatever their desk, two must agree.
"""

import re
from pathlib import Path

import pytest

from authn.console import act_endpoints, device_acts, person_offers
from authn.staff.roles import RULES
from authn.web.site import Site
from tests.console.acting import act_path, asked, every_approval, suspend_for
from tests.console.conftest import MakeStaff, MakeTool
from tests.console.desk import CitizenAtHome
from tests.console.test_api import ANOTHER

SECOND = "A second person must approve this"


@pytest.mark.one_engine
def test_one_function_weighs_an_act_for_all() -> None:
    for module in (act_endpoints, device_acts, person_offers):
        assert module.act_by_risk.__module__ == "authn.console.act_rules"
    sources = {
        path.name: path.read_text("utf-8")
        for room in ("console", "desk_api")
        for path in Path("authn", room).rglob("*.py")
    }
    named = {
        name for name, text in sources.items() if re.search(r'"(unlink-last|reinstate)"', text)
    }
    deciding, done = {"act_rules.py"}, {"device_acts.py"}
    said = {"approval_views.py", "desk_activity_sentences.py", "recording.py", "act_texts.py"}
    assert named <= deciding | done | said
    assert {n for n, text in sources.items() if "RULES[act].second" in text} == {"act_rules.py"}
    began = {name for name, text in sources.items() if 'Forbidden("began_return"' in text}
    assert began == {"act_rules.py"}


@pytest.mark.parametrize("act", ["suspend", "unlink", "resume"])
@pytest.mark.parametrize("why", ["", "desk", "counter"])
def test_what_is_offered_what_its_page_says_and_what_is_done_are_as_heavy(
    site: Site,
    make_staff: MakeStaff,
    make_tool: MakeTool,
    citizen: CitizenAtHome,
    act: str,
    why: str,
) -> None:
    """The last device that works, and one that is blocked by the desk, or on suspicion."""
    first, second = citizen.devices
    boss = make_staff("supervisor")
    boss.screen.client.headers["Accept-Language"] = "en"
    boss.give_reason(citizen.person.id)
    assert boss.act(act_path(citizen.person, second, "unlink")).status_code == 200
    if why:
        suspend_for(site, first, why)
    tool = make_tool(boss)
    (told,) = tool.person("devices", citizen.person.id)["devices"]
    offers = {each["act"]: each["waits"] for each in told["acts"]}
    names = {"unlink": ("unlink", "unlink-last"), "resume": ("resume", "reinstate")}
    (name,) = [each for each in names.get(act, (act,)) if each in offers] or [""]
    if not name:  # it is so already
        assert boss.act(act_path(citizen.person, first, act)).status_code >= 400
        return
    assert offers[name] == RULES[name].second  # type: ignore[index]
    page = boss.get(act_path(citizen.person, first, act)).text
    answer = boss.act(act_path(citizen.person, first, act))
    waits = [each.act for each in every_approval(site)]
    assert waits == ([name] if offers[name] else [])
    assert answer.json()["location"].startswith("/desk/approvals/") == offers[name]
    assert (SECOND in page) == offers[name]


def test_an_offer_of_what_lets_in_as_staff_says_that_it_waits(
    make_staff: MakeStaff, make_tool: MakeTool
) -> None:
    """Of whatever desk they are; the act itself always waited."""
    elsewhere = make_staff("agent", desk="Namur", opened=False)
    registrar = make_tool(make_staff("registrar", "agent", citizen=ANOTHER))
    seen = registrar.person("person", elsewhere.person.id)
    offers = {each["act"]: each["waits"] for each in seen["acts"]}
    assert not seen["colleague"]
    assert offers["issue-code"]
    assert not offers["block-all"]


def test_an_act_on_a_colleague_is_said_to_wait_on_its_page(make_staff: MakeStaff) -> None:
    agent, colleague = make_staff("agent"), make_staff("agent", citizen=ANOTHER)
    agent.give_reason(colleague.person.id)
    agent.screen.client.headers["Accept-Language"] = "en"
    path = f"/desk/people/{colleague.person.id}/block-all"
    assert SECOND in agent.get(path).text
    asked(agent.act(path))

"""Who may what at the desk as a table of its own, and what holds of every act alike.

The table here says it anew: what is computed from `staff.roles` cannot show that `staff.roles` is
right.
"""

import re
from typing import Final

import pytest
from sqlalchemy import func, select, update

from authn.audit.events.staff import DeskRefused
from authn.audit.log import audit_events
from authn.console.desk_pages import MENU
from authn.db.transaction import reading, writing
from authn.keys.signing_keys import ensure_signing_keys
from authn.people.tables import persons
from authn.staff.roles import ROLES, RULES, Act, Role, may
from authn.web.site import Site
from tests.console.acting import asked, every_approval, rows, statuses
from tests.console.conftest import MakeStaff
from tests.console.desk import STAFF, CitizenAtHome, DeskScreen
from tests.console.test_matrix import ENTRIES
from tests.console.test_matrix import asked as called
from tests.mailbox import confirm_for
from tests.screens import problem

SEEING: Final = frozenset({"find", "see-person", "show-number"})
ON_DEVICES: Final = frozenset(
    {"suspend", "unlink", "unlink-last", "resume", "block-all", "begin-return"}
)
REQUESTS: Final = frozenset({"see-requests", "decide-requests"})
MAY: Final[dict[Role, frozenset[str]]] = {
    "agent": SEEING | ON_DEVICES,
    "registrar": SEEING | {"check-identity", "issue-code", "match-identity", "change-address"},
    "supervisor": SEEING
    | ON_DEVICES
    | {"reinstate", "change-address", "merge", "approve", "see-desk"}
    | REQUESTS,
    "auditor": frozenset({"see-audit"}),
    "operator": frozenset(
        {
            "see-clients",
            "change-clients",
            "see-keys",
            "rotate-keys",
            "see-health",
            "retry-notices",
        }
    )
    | REQUESTS,
}
BY_TWO: Final = frozenset({"unlink-last", "reinstate", "change-address", "merge"})
NOT_CONFIRMED: Final = frozenset(
    {
        # They take back, refuse or cancel: nothing is opened by them.
        "POST /desk/undo",
        "POST /desk/approvals/{id:uuid}/refuse",
        "POST /desk/registration/{id:uuid}/cancel",
        "POST /desk/requests/{id:uuid}/refuse",
        # They show what is to be confirmed.
        "POST /desk/people/{id:uuid}/addresses",
        "POST /desk/people/{id:uuid}/merge",
        "POST /desk/registration/identities/{identity:uuid}",
        "POST /desk/registration/identities/{identity:uuid}/propose",
        "POST /desk/operator/new-client",
        "POST /desk/operator/clients/{client_id}/edit",
        "POST /desk/operator/new-resource",
        "POST /desk/operator/resource/edit",
        # Once, with the ticket that a confirmed act gave.
        "POST /desk/registration/{id:uuid}/letter",
    }
)
# What else is wrong with an empty call there is said before; each is held to it where it is tested.
EARLIER: Final = {
    "POST /desk/people/{id:uuid}/addresses/added/{mark}": (400, "invalid-request"),
    "POST /desk/registration/{id:uuid}/code": (400, "invalid-request"),
    "POST /desk/registration/{id:uuid}/print": (400, "invalid-request"),
    "POST /desk/operator/notices/{row:uuid}/drop": (404, "not-found"),
}
ACTS: Final = ("suspend", "unlink", "resume", "block-all", "begin-return")


@pytest.mark.one_engine
@pytest.mark.parametrize("act", RULES)
@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_the_table_says(role: Role, act: Act) -> None:
    assert may(frozenset({role}), act) == (act in MAY[role])


@pytest.mark.one_engine
def test_what_two_must_do_is_named() -> None:
    assert {act for act, rule in RULES.items() if rule.second} == BY_TWO


@pytest.mark.parametrize("role", ROLES)
def test_the_rail_leads_where_the_role_may_and_nowhere_else(
    make_staff: MakeStaff, role: Role
) -> None:
    page = make_staff(role).get("/desk").text
    rail = page.partition('<nav class="rail"')[2].partition("</nav>")[0]
    expected = [each.path for each in MENU if each.act is None or each.act in MAY[role]]
    assert re.findall(r'href="([^"]+)"', rail) == expected


@pytest.mark.one_engine
def test_every_act_of_weight_is_sent_to_where_it_was_confirmed() -> None:
    weighty = {
        name
        for name, entry in ENTRIES.items()
        if name.startswith("POST ") and entry.act and RULES[entry.act].fresh
    }
    confirmed = {name for name in weighty if f"{name}/options" in weighty}
    options = {name for name in weighty if name.endswith("/options")}
    assert weighty - confirmed - options == NOT_CONFIRMED
    assert {f"{name}/options" for name in confirmed} == options


def test_without_the_device_of_who_asks_no_act_of_weight_is_done(
    make_staff: MakeStaff, citizen: CitizenAtHome, site: Site
) -> None:
    everything = make_staff("agent", "registrar", "supervisor", "operator")
    assert everything.give_reason(citizen.person.id).status_code == 303
    ensure_signing_keys(site.database, site.secrets, site.clock())
    before = on_record(site)
    for name, entry in ENTRIES.items():
        if f"{name}/options" not in ENTRIES:
            continue
        answer = called(everything, name.replace("{alg}", "ES256"), entry, citizen)
        found = (answer.status_code, problem(answer))
        assert found == EARLIER.get(name, (400, "invalid-ceremony")), name
        assert on_record(site) == before, name
    assert set(statuses(site, citizen.person).values()) == {"active"}


def on_record(site: Site) -> int:
    """How much happened, but for refusals."""
    statement = select(func.count()).where(audit_events.c.event != DeskRefused.name)
    with reading(site.database) as connection:
        count: int = connection.execute(statement).scalar_one()
    return count


def path_to(made: CitizenAtHome, act: str) -> str:
    """The page of an act, on the person or on the first of their devices."""
    device = "" if act in ("block-all", "begin-return") else f"devices/{made.devices[0]}/"
    return f"/desk/people/{made.person.id}/{device}{act}"


@pytest.mark.parametrize("act", ACTS)
def test_by_its_page_no_act_is_done_on_who_has_died(
    supervisor: DeskScreen, citizen: CitizenAtHome, site: Site, act: str
) -> None:
    confirm_for(site, citizen.person)
    with writing(site.database) as connection:
        connection.execute(
            update(persons).where(persons.c.id == citizen.person.id).values(deceased=True)
        )
    supervisor.give_reason(citizen.person.id)
    answer = supervisor.act(path_to(citizen, act))
    assert (answer.status_code, problem(answer)) == (403, "deceased")
    assert set(statuses(site, citizen.person).values()) == {"active"}
    assert [row["act"] for row in rows(site, DeskRefused.name)] == [act]


@pytest.mark.parametrize("act", ["suspend", "unlink", "block-all", "begin-return"])
def test_by_its_page_every_act_on_a_colleague_waits(
    agent: DeskScreen, make_staff: MakeStaff, site: Site, act: str
) -> None:
    made = make_staff("auditor", opened=False)
    confirm_for(site, made.person)
    colleague = CitizenAtHome(made.person, made.screen, [*statuses(site, made.person)])
    agent.give_reason(made.person.id)
    approval = asked(agent.act(path_to(colleague, act)))
    assert [each.id for each in every_approval(site)] == [approval]
    assert set(statuses(site, made.person).values()) == {"active"}


@pytest.mark.parametrize("act", ACTS)
def test_by_its_page_nobody_acts_on_themselves(make_staff: MakeStaff, site: Site, act: str) -> None:
    made = make_staff("supervisor", citizen=STAFF["agent"])
    oneself = CitizenAtHome(made.person, made.screen, [*statuses(site, made.person)])
    for path in (path_to(oneself, act), f"{path_to(oneself, act)}/options"):
        answer = made.post_json(path)
        assert (answer.status_code, problem(answer)) == (403, "own-account")
    assert set(statuses(site, made.person).values()) == {"active"}

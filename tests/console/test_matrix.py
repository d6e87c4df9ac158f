"""Who may what at the desk: every route by every role, and every act by every role on everybody.

Each route under /desk has its line in `WHO`, with its act; what that act asks is in `staff.roles`.
"""

import re
from collections.abc import Iterator
from typing import Final
from uuid import UUID, uuid4

import pytest
from httpx2 import Response
from sqlalchemy import func, select, update
from starlette.routing import Route

from authn.app import ROUTES
from authn.audit.events.staff import DeskColleagueSeen, DeskRefused
from authn.audit.log import audit_events
from authn.console.act_rules import (
    LOOK_ACTS,
    RECOVERY_ACTS,
    find_person_at_desk,
    guard_target,
    staff_status,
)
from authn.console.desk_pages import MENU
from authn.console.desk_sessions import Desk, LookReason
from authn.console.endpoints import routes as console_routes
from authn.console.staff_endpoints import StaffEndpoint
from authn.db.transaction import reading, writing
from authn.errors import Refusal
from authn.people.persons import find_or_create_person
from authn.people.tables import persons
from authn.profiles.appointments import appoint, dismiss
from authn.staff.members import Staff
from authn.staff.roles import ROLES, RULES, Act, Role
from authn.web.site import Site
from tests.citizen import HANNE, KARIM
from tests.console.acting import rows
from tests.console.conftest import MakeStaff
from tests.console.desk import STAFF, CitizenAtHome, DeskScreen
from tests.console.test_api import ANOTHER
from tests.occasion import job

OPEN: Final = frozenset({"GET /desk/login", "POST /desk/login/options", "POST /desk/login"})
"""What is asked before anybody is at the desk; it says itself who is staff."""

EVERYBODY: Final = None


def confirmed(path: str, act: Act) -> dict[str, Act | None]:
    """What the script of an act calls."""
    return {f"POST {path}/options": act, f"POST {path}": act}


def acts(path: str, act: Act) -> dict[str, Act | None]:
    """The page of an act, and what its script calls."""
    return {f"GET {path}": act, **confirmed(path, act)}


WHO: Final[dict[str, Act | None]] = {
    "GET /desk": EVERYBODY,
    "GET /desk/help": EVERYBODY,
    "POST /desk/close": EVERYBODY,
    "GET /desk/reason": "see-person",
    "POST /desk/reason": "see-person",
    "GET /desk/find": "find",
    "POST /desk/find": "find",
    "GET /desk/people/{id:uuid}": "see-person",
    "POST /desk/people/{id:uuid}/number": "show-number",
    "GET /desk/people/{id:uuid}/done": "see-person",
    **acts("/desk/people/{id:uuid}/devices/{device:uuid}/suspend", "suspend"),
    **acts("/desk/people/{id:uuid}/devices/{device:uuid}/unlink", "unlink"),
    **acts("/desk/people/{id:uuid}/devices/{device:uuid}/resume", "resume"),
    **acts("/desk/people/{id:uuid}/block-all", "block-all"),
    **acts("/desk/people/{id:uuid}/begin-return", "begin-return"),
    "GET /desk/people/{id:uuid}/addresses": "change-address",
    "POST /desk/people/{id:uuid}/addresses": "change-address",
    **confirmed("/desk/people/{id:uuid}/addresses/added/{mark}", "change-address"),
    **acts("/desk/people/{id:uuid}/addresses/{address:uuid}/remove", "change-address"),
    "GET /desk/people/{id:uuid}/merge": "merge",
    "POST /desk/people/{id:uuid}/merge": "merge",
    **confirmed("/desk/people/{id:uuid}/merge/{other:uuid}", "merge"),
    "POST /desk/undo": "suspend",
    "GET /desk/approvals": "find",
    "GET /desk/approvals/state": "find",
    "GET /desk/approvals/{id:uuid}": "find",
    **confirmed("/desk/approvals/{id:uuid}/approve", "approve"),
    "POST /desk/approvals/{id:uuid}/refuse": "approve",
    "POST /desk/approvals/{id:uuid}/withdraw": "find",
    "GET /desk/registration": "check-identity",
    "POST /desk/registration/find": "check-identity",
    "GET /desk/registration/{id:uuid}": "check-identity",
    "POST /desk/registration/{id:uuid}/check": "check-identity",
    **confirmed("/desk/registration/{id:uuid}/code", "issue-code"),
    **confirmed("/desk/registration/{id:uuid}/print", "issue-code"),
    "GET /desk/registration/{id:uuid}/letter": "issue-code",
    "POST /desk/registration/{id:uuid}/letter": "issue-code",
    "POST /desk/registration/{id:uuid}/cancel": "issue-code",
    "GET /desk/registration/identities": "match-identity",
    "GET /desk/registration/identities/{identity:uuid}": "match-identity",
    "POST /desk/registration/identities/{identity:uuid}": "match-identity",
    "POST /desk/registration/identities/{identity:uuid}/propose": "match-identity",
    "POST /desk/registration/{id:uuid}/match/{identity:uuid}/check": "check-identity",
    "GET /desk/registration/{id:uuid}/match": "match-identity",
    **acts("/desk/registration/{id:uuid}/match/{identity:uuid}", "match-identity"),
    **confirmed("/desk/registration/{id:uuid}/match/{identity:uuid}/part", "match-identity"),
    "GET /desk/activity": "see-desk",
    "GET /desk/audit": "see-audit",
    "POST /desk/audit": "see-audit",
    "GET /desk/audit/found.csv": "see-audit",
    "GET /desk/audit/{row:int}": "see-audit",
    "GET /desk/audit/chain": "see-audit",
    "POST /desk/audit/chain/verify": "see-audit",
    "GET /desk/requests": "see-requests",
    "GET /desk/requests/state": "see-requests",
    "GET /desk/requests/{id:uuid}": "see-requests",
    **confirmed("/desk/requests/{id:uuid}/approve", "decide-requests"),
    "POST /desk/requests/{id:uuid}/refuse": "decide-requests",
    "POST /desk/requests/{id:uuid}/withdraw": "see-requests",
    "GET /desk/operator/clients": "see-clients",
    "GET /desk/operator/clients/{client_id}": "see-clients",
    "POST /desk/operator/clients/{client_id}/check": "see-clients",
    "GET /desk/operator/clients/{client_id}/end": "change-clients",
    "POST /desk/operator/clients/{client_id}/end/options": "change-clients",
    "POST /desk/operator/clients/{client_id}/end": "change-clients",
    "GET /desk/operator/new-client": "change-clients",
    "POST /desk/operator/new-client": "change-clients",
    "POST /desk/operator/new-client/confirmed/{mark}/options": "change-clients",
    "POST /desk/operator/new-client/confirmed/{mark}": "change-clients",
    "GET /desk/operator/clients/{client_id}/edit": "change-clients",
    "POST /desk/operator/clients/{client_id}/edit": "change-clients",
    "POST /desk/operator/clients/{client_id}/change/{mark}/options": "change-clients",
    "POST /desk/operator/clients/{client_id}/change/{mark}": "change-clients",
    "GET /desk/operator/resources": "see-clients",
    "GET /desk/operator/resource": "see-clients",
    "GET /desk/operator/resource/end": "change-clients",
    "POST /desk/operator/resource/end/{mark}/options": "change-clients",
    "POST /desk/operator/resource/end/{mark}": "change-clients",
    "GET /desk/operator/new-resource": "change-clients",
    "POST /desk/operator/new-resource": "change-clients",
    "POST /desk/operator/new-resource/confirmed/{mark}/options": "change-clients",
    "POST /desk/operator/new-resource/confirmed/{mark}": "change-clients",
    "GET /desk/operator/resource/edit": "change-clients",
    "POST /desk/operator/resource/edit": "change-clients",
    "POST /desk/operator/resource/change/{mark}/options": "change-clients",
    "POST /desk/operator/resource/change/{mark}": "change-clients",
    "GET /desk/operator/organisations": "see-clients",
    "GET /desk/operator/keys": "see-keys",
    "GET /desk/operator/keys/{alg}/rotate": "rotate-keys",
    "POST /desk/operator/keys/{alg}/rotate/options": "rotate-keys",
    "POST /desk/operator/keys/{alg}/rotate": "rotate-keys",
    "GET /desk/operator/notices": "see-health",
    "POST /desk/operator/notices/retry": "retry-notices",
    "POST /desk/operator/notices/{row:uuid}/retry": "retry-notices",
    "GET /desk/operator/notices/{row:uuid}/drop": "retry-notices",
    "POST /desk/operator/notices/{row:uuid}/drop/options": "retry-notices",
    "POST /desk/operator/notices/{row:uuid}/drop": "retry-notices",
    "GET /desk/operator/sources": "see-health",
    "POST /desk/operator/sources/check": "see-health",
    "GET /desk/operator/policy": "see-health",
}


def routes_of_the_desk() -> Iterator[tuple[str, Route]]:
    for route in ROUTES:
        if isinstance(route, Route) and re.match(r"/desk(/|$)", route.path):
            (method,) = (route.methods or set()) - {"HEAD"}
            yield f"{method} {route.path}", route


def entry_of(route: Route) -> StaffEndpoint | None:
    function = route.app.shape.function  # type: ignore[attr-defined]
    return function if isinstance(function, StaffEndpoint) else None


ENTRIES: Final = {
    name: entry for name, route in routes_of_the_desk() if (entry := entry_of(route)) is not None
}


def address(path: str, entry: StaffEndpoint, citizen: CitizenAtHome) -> str:
    """The path with a citizen, a device of theirs, and what nobody has, in place of its names."""
    known = {"id": str(citizen.person.id), "device": str(citizen.devices[0])}

    def filled(found: re.Match[str]) -> str:
        name, _, kind = found.group(1).partition(":")
        if entry.about and name in known:
            return known[name]
        return {"uuid": str(uuid4()), "int": "1"}.get(kind, "x")

    return re.sub(r"\{([^}]+)\}", filled, path)


def asked(made: DeskScreen, name: str, entry: StaffEndpoint, citizen: CitizenAtHome) -> Response:
    method, _, path = name.partition(" ")
    at = address(path, entry, citizen)
    if method == "GET":
        return made.get(at)
    return made.post_json(at) if entry.script else made.post_form(at)


def refused_for_role(site: Site) -> int:
    statement = select(func.count()).where(
        audit_events.c.event == DeskRefused.name,
        audit_events.c.details.contains('"refused":"role"'),
    )
    with reading(site.database) as connection:
        count: int = connection.execute(statement).scalar_one()
    return count


@pytest.mark.one_engine
def test_every_route_of_the_desk_is_listed_with_its_act() -> None:
    found = {name: entry.act for name, entry in ENTRIES.items()}
    assert found == WHO
    assert {name for name, _ in routes_of_the_desk()} == WHO.keys() | OPEN


@pytest.mark.one_engine
def test_the_desk_has_no_routes_elsewhere() -> None:
    under = {route.path for _, route in routes_of_the_desk()}
    assert {route.path for route in console_routes} == under


@pytest.mark.one_engine
def test_what_is_about_the_person_in_its_path_asks_for_a_reason() -> None:
    under = ("/desk/people/{id:uuid}", "/desk/registration/{id:uuid}")
    for name, entry in ENTRIES.items():
        assert entry.about is name.partition(" ")[2].startswith(under), name


@pytest.mark.one_engine
def test_the_menu_leads_to_screens_of_those_who_see_it() -> None:
    for screen in MENU:
        assert ENTRIES[f"GET {screen.path}"].act == screen.act
    keys = [screen.key for screen in MENU]
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch("[a-z]", key) and key != "g" for key in keys)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_gets_what_its_acts_allow_and_finds_nothing_else(
    make_staff: MakeStaff, citizen: CitizenAtHome, site: Site, role: Role
) -> None:
    made = make_staff(role)
    unknown = made.get("/desk/no-such-page")
    for name, entry in sorted(ENTRIES.items(), key=lambda each: each[0] == "POST /desk/close"):
        may = entry.act is None or role in RULES[entry.act].roles
        before = refused_for_role(site)
        answer = asked(made, name, entry, citizen)
        refused = refused_for_role(site) - before
        assert refused == (0 if may else 1), name
        assert answer.status_code < 500, name
        if not may:
            assert answer.status_code == unknown.status_code == 404, name
            assert citizen.person.family_name not in answer.text
        if not may and not entry.script:
            assert plain(answer) == plain(unknown), name


def plain(answer: Response) -> str:
    """The page without what every answer has of its own: its reference and its address."""
    text = re.sub(r'name="return_to" value="[^"]*"', "", answer.text)
    return re.sub(r'<p class="small quiet">[^<]*</p>', "", text)


def test_whoever_is_not_at_the_desk_gets_nothing(
    make_staff: MakeStaff, citizen: CitizenAtHome
) -> None:
    made = make_staff("agent", "registrar", "supervisor", opened=False)
    for name, entry in ENTRIES.items():
        answer = asked(made, name, entry, citizen)
        if entry.script:
            assert (answer.status_code, answer.json()["type"][-11:]) == (403, "not-at-desk"), name
        else:
            assert answer.status_code == 303, name
            assert answer.headers["location"].startswith("/desk/login?next=%2Fdesk"), name


def about_somebody() -> dict[str, StaffEndpoint]:
    return {name: each for name, each in ENTRIES.items() if each.about}


def everybody(made: DeskScreen, site: Site) -> None:
    """This member of staff has every role that sees people, so that roles are out of the way."""
    with writing(site.database) as connection:
        for role in ("agent", "registrar", "supervisor"):
            appoint(connection, site.secrets, made.person.id, role, "Ghent", site.clock())


def test_nobody_is_shown_without_a_reason_for_exactly_this_person(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    everybody(agent, site)
    with writing(site.database) as connection:
        other = find_or_create_person(connection, site.secrets, KARIM, site.clock())
    agent.give_reason(other.id)
    for name, entry in about_somebody().items():
        answer = asked(agent, name, entry, citizen)
        if entry.script:
            assert answer.status_code == 403, name
            assert answer.json()["type"].endswith("reason-required"), name
            assert refusals(site)[-1:] == ["no reason"], name
        else:
            assert answer.status_code == 303, name
            assert answer.headers["location"].startswith("/desk/reason?person="), name
        assert citizen.person.family_name not in answer.text, name


def test_who_does_not_exist_is_not_there(agent: DeskScreen, site: Site) -> None:
    everybody(agent, site)
    nobody = CitizenAtHome(agent.person, agent.screen, [uuid4()])
    for name, entry in about_somebody().items():
        path = name.replace("{id:uuid}", str(uuid4()))
        assert asked(agent, path, entry, nobody).status_code == 404, name


def test_nobody_looks_at_themselves_whatever_their_roles(agent: DeskScreen, site: Site) -> None:
    everybody(agent, site)
    oneself = CitizenAtHome(agent.person, agent.screen, [uuid4()])
    for name, entry in about_somebody().items():
        assert asked(agent, name, entry, oneself).status_code == 403, name


# Acts, wherever they are asked for


TARGETS = ("own", "colleague", "staff elsewhere", "citizen", "deceased", "merged")


@pytest.fixture
def targets(site: Site) -> dict[str, UUID]:
    """A person of each sort; `own` is the one who acts, at the desk in Ghent."""
    who = dict(zip(TARGETS, (*STAFF.values(), KARIM), strict=True))
    with writing(site.database) as connection:
        now = site.clock()
        ids = {
            name: find_or_create_person(connection, site.secrets, citizen, now).id
            for name, citizen in who.items()
        }
        appoint(connection, site.secrets, ids["colleague"], "auditor", "Ghent", now)
        appoint(connection, site.secrets, ids["staff elsewhere"], "agent", "Namur", now)
        for name, values in (
            ("deceased", {"deceased": True}),
            ("merged", {"merged_into": ids["citizen"]}),
        ):
            connection.execute(update(persons).where(persons.c.id == ids[name]).values(values))
    return ids


def expected(role: Role, act: Act, target: str) -> str:
    """What the rules say: the refusal, or whether it is done alone or with a second person."""
    rule = RULES[act]
    if role not in rule.roles:
        return "not_found"
    if target == "own":
        return "own_account"
    if act in LOOK_ACTS:  # colleagues too, of which supervisors are told; and whoever died
        return "alone"
    refusal = {"deceased": "deceased", "merged": "merged"}.get(target)
    if refusal:
        return refusal
    of_staff = {"colleague"} | ({"staff elsewhere"} if act in RECOVERY_ACTS else set())
    return "with a second" if rule.second or target in of_staff else "alone"


@pytest.mark.parametrize("role", ROLES)
def test_every_act_of_a_role_on_everybody(site: Site, targets: dict[str, UUID], role: Role) -> None:
    desk = Desk(
        Staff(targets["own"], frozenset({role}), frozenset({"Ghent"})), LookReason("question")
    )
    for act, rule in RULES.items():
        if not rule.about_person:
            continue
        for target, person_id in targets.items():
            with writing(site.database) as connection:
                person = find_person_at_desk(connection, person_id)
                assert person is not None
                try:
                    second = guard_target(job(site, connection), desk, act, person)
                    found = "with a second" if second else "alone"
                except Refusal as refusal:
                    found = refusal.error
            assert found == expected(role, act, target), (act, target)


@pytest.mark.parametrize("role", ROLES)
def test_every_page_and_call_of_a_role_on_everybody(
    make_staff: MakeStaff, targets: dict[str, UUID], site: Site, role: Role
) -> None:
    """As the acts: what the refusal is, on record, or that nothing of all this refuses it."""
    made = make_staff(role, citizen=STAFF["agent"])
    assert made.person.id != targets["colleague"]
    who = {**targets, "own": made.person.id}
    for name, entry in about_somebody().items():
        assert entry.act is not None
        for target in TARGETS:
            if target != "own" and role in RULES["see-person"].roles:
                assert made.give_reason(who[target]).status_code == 303, (name, target)
            with reading(site.database) as connection:
                person = find_person_at_desk(connection, who[target])
            assert person is not None
            before = refusals(site)
            answer = asked(made, name, entry, CitizenAtHome(person, made.screen, [uuid4()]))
            found = refusals(site)[len(before) :]
            wanted = expected(role, entry.act, target)
            alone = wanted in ("alone", "with a second")
            assert found == ([] if alone else [NAMED.get(wanted, wanted)]), (name, target)
            assert answer.status_code < 500, (name, target)
            assert alone or answer.status_code == (404 if wanted == "not_found" else 403), name


NAMED: Final = {"not_found": "role"}


def refusals(site: Site) -> list[str]:
    """What was refused, in the order in which it was."""
    return [row["refused"] for row in rows(site, DeskRefused.name)]


def test_whoever_opens_the_account_of_a_colleague_is_told_of(
    make_staff: MakeStaff, targets: dict[str, UUID], site: Site
) -> None:
    agent, supervisor = make_staff("agent"), make_staff("supervisor", citizen=HANNE)
    elsewhere = make_staff("agent", "supervisor", desk="Namur", citizen=ANOTHER)
    for each in (supervisor, elsewhere):
        each.screen.client.headers["Accept-Language"] = "en"
    for target in ("citizen", "staff elsewhere", "colleague"):
        agent.give_reason(targets[target], "check")
        assert agent.get(f"/desk/people/{targets[target]}").status_code == 200
    (row,) = rows(site, DeskColleagueSeen.name)
    assert (row["actor_id"], row["person_id"], row["reason"]) == (
        agent.person.id,
        targets["colleague"],
        "check",
    )
    sentence = "An Peeters opened the account of Bert Dubois"
    for path in ("/desk", "/desk/activity"):
        assert sentence in supervisor.get(path).text
        assert sentence not in elsewhere.get(path).text
    assert sentence not in agent.get("/desk").text


def test_each_refused_act_is_on_record(site: Site, targets: dict[str, UUID]) -> None:
    roles = frozenset[Role]({"agent"})
    desk = Desk(Staff(targets["own"], roles, frozenset({"Ghent"})), LookReason())
    for target in ("own", "deceased", "merged"):
        with pytest.raises(Refusal), writing(site.database) as connection:
            person = find_person_at_desk(connection, targets[target])
            assert person is not None
            guard_target(job(site, connection), desk, "suspend", person)
    columns = (audit_events.c.actor_id, audit_events.c.person_id)
    of_refusals = select(*columns).where(audit_events.c.event == DeskRefused.name)
    with reading(site.database) as connection:
        found = {tuple(row) for row in connection.execute(of_refusals)}
    assert found == {(targets["own"], targets[each]) for each in ("own", "deceased", "merged")}


def test_whoever_left_the_desk_is_no_colleague(site: Site, targets: dict[str, UUID]) -> None:
    desk = Desk(Staff(targets["own"], frozenset[Role](), frozenset({"Ghent"})), LookReason())
    with writing(site.database) as connection:
        assert staff_status(connection, desk, targets["colleague"]).colleague
        dismiss(connection, site.secrets, targets["colleague"], "auditor", site.clock())
        assert not staff_status(connection, desk, targets["colleague"]).colleague
        assert not staff_status(connection, desk, targets["staff elsewhere"]).colleague

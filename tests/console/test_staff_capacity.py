"""Being staff is a capacity like others: offered where the operator opens it, ended at once.

OpenID Connect Core 1.0 §5.3.2, RFC 7662 §2.2, RFC 9396 §7.1 for where it is told.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from authn.audit.catalogue import events_by_name
from authn.audit.events.desk_acts import ApprovalExpired
from authn.audit.events.event import DeskEvent
from authn.audit.events.operators import OperatorRequestExpired
from authn.audit.events.registration import OperatorCodeIssued
from authn.audit.events.staff import DeskActedAlone
from authn.clients.client_registration.registration import change_client
from authn.clients.clients import find_client
from authn.clients.resource_servers.desk_api import desk_api_audience
from authn.console.recording import ACTS, NAMES_ITS_ACT
from authn.db.transaction import reading, writing
from authn.errors import Refusal
from authn.grants.endings.ended_profiles import notify_of_ended_profiles
from authn.keys.signing_keys import ensure_signing_keys
from authn.profiles.available import available_profiles
from authn.profiles.profile import Profile
from authn.profiles.profiles import public_id
from authn.sources.answers import find_source_answers
from authn.sources.facts import DeskRoles
from authn.staff.roles import RULES
from authn.web.site import Site
from tests.citizen import enrolled
from tests.commands import run_command
from tests.console.acting import appointed, dismissed, rows, statuses
from tests.console.conftest import MakeStaff, MakeTool
from tests.console.desk import CitizenAtHome, DeskScreen
from tests.console.tools import BOTH, Tool, registered_tool
from tests.occasion import job
from tests.oidc.acting import change_resource
from tests.oidc.refreshing import refresh
from tests.oidc.relying_party import RelyingParty, register
from tests.oidc.resource_servers import API, application, resource_server
from tests.screens import problem
from tests.together import at_once


def capacities(site: Site, made: DeskScreen) -> list[DeskRoles]:
    with reading(site.database) as connection:
        of = (connection, site.secrets, site.settings, made.person.id, site.clock())
        return [each.fact for each in available_profiles(*of) if isinstance(each.fact, DeskRoles)]


def profile_of(site: Site, made: DeskScreen) -> Profile:
    with reading(site.database) as connection:
        of = (connection, site.secrets, site.settings, made.person.id, site.clock())
        return next(each for each in available_profiles(*of) if each.kind == "staff")


def portal(made: DeskScreen, *kinds: str, required: bool = False, **more: Any) -> RelyingParty:
    """An application of the desk's own, in the browser of this member of staff."""
    ensure_signing_keys(made.site.database, made.site.secrets, made.site.clock())
    browser = made.screen.client
    assert isinstance(browser, TestClient)
    return register(
        made.site,
        browser,
        client_id="portal",
        first_party=True,
        profile_kinds=kinds,
        required_profile_kinds=kinds if required else (),
        **more,
    )


def offered(made: DeskScreen, rp: RelyingParty, **asked: str) -> str:
    """The page of the choice; "" where there was nothing to choose."""
    location = rp.authorize(**asked).headers["location"]
    return made.get(location).text if urlsplit(location).path == "/profile" else ""


# Offered


def test_it_is_offered_with_its_roles_where_the_operator_opened_it(
    make_staff: MakeStaff, site: Site
) -> None:
    made = make_staff("agent", "supervisor")
    page = offered(made, portal(made, "staff"))
    assert "Bij de helpdesk Ghent" in page
    assert "Medewerker, Supervisor" in page
    assert capacities(site, made) == [DeskRoles("Ghent", ("agent", "supervisor"))]


def test_an_application_for_other_capacities_never_sees_it(agent: DeskScreen) -> None:
    rp = portal(agent, "quality", "organisation", "mandate", "child")
    assert offered(agent, rp) == ""
    assert parse_qs(urlsplit(rp.authorize().headers["location"]).query)["code"]


def test_an_application_does_not_get_it_by_asking_for_it(agent: DeskScreen) -> None:
    rp = portal(agent)
    details = '[{"type": "profile", "kinds": ["staff"]}]'
    assert rp.answer(authorization_details=details)["error"] == "invalid_authorization_details"
    assert "code" in rp.answer(profile="staff"), "a hint that leads nowhere"


def test_a_capacity_at_each_desk(agent: DeskScreen, site: Site) -> None:
    appointed(site, agent, "auditor", "Brussels")
    page = offered(agent, portal(agent, "staff", required=True))
    assert page.index("Bij de helpdesk Brussels") < page.index("Bij de helpdesk Ghent")


def test_the_only_one_is_chosen_without_a_page(agent: DeskScreen, site: Site) -> None:
    rp = portal(agent, "staff", required=True)
    tokens = rp.tokens()
    (detail,) = tokens["authorization_details"]
    named = public_id(profile_of(site, agent).consent_id, rp.client.sector_identifier)
    assert detail == {"type": "profile", "kind": "staff", "sub": named}


def test_a_citizen_has_none_and_is_never_asked_for_it(site: Site, client: TestClient) -> None:
    person, screen = enrolled(site, client)
    made = DeskScreen(person, screen, site)
    rp = portal(made, "staff", required=True)
    location = rp.authorize().headers["location"]
    assert urlsplit(location).path == "/profile"
    assert "Bij de helpdesk" not in made.get(location).text
    assert rp.answer(prompt="none")["error"] == "access_denied"
    assert made.get("/profiles").status_code == 200
    with reading(site.database) as connection:
        assert "staff" not in find_source_answers(connection, person.id)


# Told


def test_userinfo_tells_the_desk_and_the_roles(agent: DeskScreen) -> None:
    rp = portal(agent, "staff", required=True)
    told = rp.userinfo(rp.tokens()["access_token"]).json()["userProfile"]
    assert told["staff"] == {"desk": "Ghent", "roles": ["agent"]}
    assert (told["firstName"], told["lastName"]) == ("An", "Peeters")
    assert "ssin" not in told


def test_a_role_that_is_added_is_in_the_same_capacity_at_once(
    agent: DeskScreen, site: Site
) -> None:
    rp = portal(agent, "staff", required=True)
    token, before = rp.tokens()["access_token"], profile_of(site, agent).id
    appointed(site, agent, "registrar")
    assert rp.userinfo(token).json()["userProfile"]["staff"]["roles"] == ["agent", "registrar"]
    assert profile_of(site, agent).id == before


def test_my_capacities_shows_it_in_words_and_my_activity_names_the_roles(
    agent: DeskScreen, site: Site
) -> None:
    page = agent.get("/profiles").text
    assert "Bij de helpdesk Ghent" in page
    assert "Medewerker" in page
    activity = agent.get("/activity").text
    assert "U kreeg een rol bij de helpdesk" in activity
    assert activity.count("Hoedanigheid: Medewerker") == 2, "appointed, and opened the desk"
    dismissed(site, agent)
    assert "Bij de helpdesk Ghent" not in agent.get("/profiles").text


# Ended at once


def test_it_is_gone_at_once_for_userinfo_refresh_and_introspection(
    agent: DeskScreen, http: TestClient, site: Site
) -> None:
    ensure_signing_keys(site.database, site.secrets, site.clock())
    api = resource_server(site, http)
    change_resource(site, API, reads_profile=True)
    browser = agent.screen.client
    assert isinstance(browser, TestClient)
    rp = application(site, browser, profile_kinds=["staff"], required_profile_kinds=["staff"])
    kept = rp.tokens(scope="openid profile offline_access", prompt="consent")
    there = rp.tokens(scope="openid letters", resource=API)["access_token"]
    assert rp.userinfo(kept["access_token"]).status_code == 200
    told = api.learns(there)["userProfile"]
    assert told["staff"] == {"desk": "Ghent", "roles": ["agent"]}
    dismissed(site, agent)
    assert rp.userinfo(kept["access_token"]).status_code == 401
    assert api.learns(there) == {"active": False}
    answer = refresh(rp, kept["refresh_token"])
    assert answer.json()["error"] == "invalid_grant"
    assert capacities(site, agent) == []


def test_a_code_that_was_given_before_is_worth_nothing(agent: DeskScreen, site: Site) -> None:
    rp = portal(agent, "staff", required=True)
    code = rp.code()
    dismissed(site, agent)
    assert rp.redeem(code).json()["error"] == "invalid_grant"


def test_what_is_left_at_the_desk_is_another_capacity(make_staff: MakeStaff, site: Site) -> None:
    made = make_staff("agent", "supervisor")
    rp = portal(made, "staff", required=True)
    token, before = rp.tokens()["access_token"], profile_of(site, made).id
    dismissed(site, made, "supervisor")
    assert rp.userinfo(token).status_code == 401
    told = rp.userinfo(rp.tokens()["access_token"]).json()["userProfile"]["staff"]
    assert told == {"desk": "Ghent", "roles": ["agent"]}
    assert profile_of(site, made).id != before


def test_what_they_are_at_another_desk_goes_on(agent: DeskScreen, site: Site) -> None:
    rp = portal(agent, "staff", required=True)
    token = rp.tokens()["access_token"]
    appointed(site, agent, "auditor", "Brussels")
    dismissed(site, agent, "auditor")
    assert rp.userinfo(token).json()["userProfile"]["staff"]["desk"] == "Ghent"


def test_its_grants_are_revoked_and_everybody_is_told(agent: DeskScreen, site: Site) -> None:
    portal(agent, "staff", required=True).tokens()
    dismissed(site, agent)
    with writing(site.database) as connection:
        assert notify_of_ended_profiles(job(site, connection)) == 1
    (row,) = rows(site, "profile.ended")
    assert (row["person_id"], row["kind"], row["grants"]) == (agent.person.id, "staff", 1)


def test_whoever_comes_back_acts_in_a_new_one(agent: DeskScreen, site: Site) -> None:
    rp = portal(agent, "staff", required=True)
    token = rp.tokens()["access_token"]
    dismissed(site, agent)
    appointed(site, agent, "agent")
    assert rp.userinfo(token).status_code == 401
    assert rp.userinfo(rp.tokens()["access_token"]).status_code == 200


# The desk's API


def test_a_token_of_a_citizen_is_none_for_the_api(agent: DeskScreen, http: TestClient) -> None:
    rp = registered_tool(agent)
    with writing(agent.site.database) as connection:
        client = find_client(connection, rp.client.client_id)
        assert client
        changes: dict[str, Any] = {"profile_kinds": (), "required_profile_kinds": ()}
        change_client(connection, agent.site.secrets, client, agent.site.clock(), **changes)
    audience = desk_api_audience(agent.site.settings)
    refused = rp.answer(scope=BOTH, resource=audience, prompt="none")
    assert "code" not in refused or "desk_read" not in rp.tokens(scope=BOTH, resource=audience)


def test_a_dismissed_member_of_staff_calls_nothing(tool: Tool, site: Site) -> None:
    assert tool.get("/approvals").status_code == 200
    dismissed(site, tool.made)
    answer = tool.get("/approvals")
    assert (answer.status_code, problem(answer)) == (401, "invalid-token")


def test_at_one_desk_they_may_not_what_they_may_at_another(
    make_staff: MakeStaff, make_tool: MakeTool, citizen: CitizenAtHome, site: Site
) -> None:
    made = make_staff("agent")
    tool = make_tool(made)
    appointed(site, made, "registrar", "Brussels")
    assert tool.call("devices", citizen.person.id).status_code == 200
    with_both = rows(site, "desk.looked-at")[-1]
    assert with_both["role"] == "agent", "what they are in Brussels stays there"


def test_a_role_that_ends_at_the_moment_of_an_act(
    tool: Tool, citizen: CitizenAtHome, site: Site
) -> None:
    """Either the act came first, or it is refused: nothing in between."""
    token = tool.confirmed_token(tool.asked_for("suspend", citizen.person.id, citizen.devices[0]))

    def acted() -> Response:
        return tool.once("suspend", citizen.person.id, citizen.devices[0], token=token)

    def ended() -> None:
        dismissed(site, tool.made)

    both: list[Callable[[], Response | None]] = [ended, acted]
    answers: list[Response | Refusal | None] = [*at_once(lambda: both.pop()(), 2)]
    (answer,) = (each for each in answers if isinstance(each, Response))
    assert answer.status_code in (200, 401, 404)
    suspended = statuses(site, citizen.person)[citizen.devices[0]] == "suspended"
    assert suspended == (answer.status_code == 200)
    assert tool.get("/approvals").status_code == 401


def test_two_lines_of_the_operator_make_a_tool(site: Site) -> None:
    audience = desk_api_audience(site.settings)
    told = ""
    for arguments in (
        ("resources", "desk-api"),
        (
            *("clients", "add", "Call centre", "--redirect-uri", "https://tool.example/callback"),
            *("--resource", audience, "--scope", "openid desk_read desk_act"),
        ),
    ):
        done = run_command(site.settings, *arguments)
        assert done.returncode == 0, done.stderr
        told = done.stdout
    client_id = told.partition("client_id")[2].split()[0]
    with reading(site.database) as connection:
        client = find_client(connection, client_id)
    assert client
    assert client.allowed_profile_kinds == {"staff"}


# On record


def test_opening_the_desk_names_it_and_the_roles_there(make_staff: MakeStaff, site: Site) -> None:
    made = make_staff("supervisor", "agent", opened=False)
    appointed(site, made, "auditor", "Brussels")
    assert made.open(desk="Ghent").status_code == 200
    (row,) = rows(site, "desk.opened")
    assert (row["desk"], row["roles"]) == ("Ghent", ["agent", "supervisor"])


def test_every_look_and_act_names_the_role_that_permitted_it(
    make_staff: MakeStaff, citizen: CitizenAtHome, site: Site
) -> None:
    made = make_staff("agent", "auditor", "operator")
    person, device = citizen.person, citizen.devices[0]
    assert made.give_reason(person.id).status_code == 303
    assert made.get(f"/desk/people/{person.id}").status_code == 200
    assert made.act(f"/desk/people/{person.id}/devices/{device}/suspend").status_code == 200
    assert made.get("/desk/operator/nothing").status_code == 404
    assert made.get(f"/desk/registration/{person.id}").status_code == 404
    for event in ("desk.reason-given", "desk.looked-at", "desk.suspended"):
        assert {row["role"] for row in rows(site, event)} == {"agent"}, event
    refused = {row["role"] for row in rows(site, "desk.refused")}
    assert refused == {"agent, auditor, operator"}, "none of theirs permits it"
    location = made.post_form("/desk/audit", event="desk.suspended").headers["location"]
    assert "role: agent" in made.get(location).text
    file = made.get("/desk/audit/found.csv?event=desk.suspended")
    assert '""role"":""agent""' in file.text
    assert {row["role"] for row in rows(site, "audit.searched")} == {"auditor"}


def test_at_the_api_too(tool: Tool, citizen: CitizenAtHome, site: Site) -> None:
    assert tool.call("suspend", citizen.person.id, citizen.devices[0]).status_code == 200
    for event in ("desk.reason-given", "desk.suspended"):
        assert {row["role"] for row in rows(site, event)} == {"agent"}, event


@pytest.mark.one_engine
def test_each_event_of_the_desk_is_of_an_act_that_a_role_permits() -> None:
    """Those that nobody of the staff does have no role: at the machine, or by time alone."""
    by_nobody = {ApprovalExpired, OperatorRequestExpired, DeskActedAlone, OperatorCodeIssued}
    events = {each for each in events_by_name().values() if issubclass(each, DeskEvent)}
    assert events - by_nobody == {*ACTS, *NAMES_ITS_ACT}
    assert {*ACTS.values()} <= {*RULES}


@pytest.mark.one_engine
def test_the_desk_records_what_staff_did_in_one_place() -> None:
    """Others record what is about no person, or what nobody of the staff did."""
    others = {
        "approval_expiry",  # by time
        "audit_chain",  # of a day of the log
        "home_endpoints",  # the desk closed
        "login_endpoints",  # opened: with every role
        "local_operator",  # nobody of the staff
        "operator_request_rows",  # expired, by time
        "operator_requests",  # asked by a local operator
        "operator_second",  # done there alone
        "operator_upkeep",  # of no person
        "person_acts",  # what became of an address, beside the act itself
        "recording",
    }
    found = {
        path.stem
        for room in ("console", "desk_api")
        for path in Path("authn", room).rglob("*.py")
        if re.search(r"from authn\.audit\.log import .*\brecord\b", path.read_text("utf-8"))
    }
    assert found <= others

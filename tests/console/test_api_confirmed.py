"""An act of weight by the desk's API: confirmed by itself, for one call, on exactly its target.

RFC 9396 (https://www.rfc-editor.org/rfc/rfc9396), RFC 9470 §3
(https://www.rfc-editor.org/rfc/rfc9470#section-3), decisions 2.9.
"""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest
from starlette.testclient import TestClient

from authn.clients.clients import TOKEN_EXCHANGE
from authn.clients.resource_servers.desk_api import DESK_READ, PATH, desk_api_audience
from authn.clients.resource_servers.exchange_pairs import ExchangePair, allow_exchange
from authn.consents.desk_acts import MEMBERS
from authn.db.transaction import writing
from authn.desk_api.confirmation import ONLY_ASKS
from authn.desk_api.endpoints import OPERATIONS
from authn.devices.devices import find_device, list_devices
from authn.devices.life import suspend, unlink
from authn.profiles.appointments import appoint, dismiss
from authn.staff.roles import RULES
from authn.web.site import Site
from tests.authenticator import Authenticator
from tests.citizen import KARIM, ORIGIN
from tests.conftest import MovableClock
from tests.console.acting import every_approval, rows, statuses, suspend_for
from tests.console.conftest import MakeStaff, MakeTool
from tests.console.desk import CitizenAtHome, DeskScreen
from tests.console.test_api import ANOTHER
from tests.console.tools import BOTH, WHY, Tool, registered_tool
from tests.occasion import job
from tests.oidc.dpop_proofs import DpopKey
from tests.oidc.relying_party import VERIFIER, basic, segment
from tests.oidc.test_cost import counted
from tests.screens import add_here, answered, ceremony, problem
from tests.together import at_once

CONFIRMED = [each for each in OPERATIONS if each.confirms]
Details = list[dict[str, Any]]


@pytest.fixture
def details(tool: Tool, citizen: CitizenAtHome) -> Details:
    """What the tool has to ask for, to block the citizen's first device."""
    return tool.asked_for("suspend", citizen.person.id, citizen.devices[0])


def active(site: Site, citizen: CitizenAtHome) -> bool:
    return {*statuses(site, citizen.person).values()} == {"active"}


def token_of_page(page: str) -> str:
    return parse_qs(urlsplit(page).query)["request"][0]


# What the API asks for


@pytest.mark.one_engine
def test_every_act_that_is_confirmed_has_its_members() -> None:
    assert {each.act for each in CONFIRMED} == MEMBERS.keys()
    assert all(RULES[act].fresh for act in MEMBERS)


@pytest.mark.parametrize("name", [each.name for each in CONFIRMED if each.about_person])
def test_without_a_confirmation_an_act_is_refused_and_says_what_to_ask_for(
    make_staff: MakeStaff, make_tool: MakeTool, citizen: CitizenAtHome, site: Site, name: str
) -> None:
    tool = make_tool(make_staff("agent", "registrar", "supervisor"))
    content = {
        "change_address": {"add": "a@example.org"},
        "merge": {"merged": str(uuid4())},
        "issue_code": {"code": str(uuid4())},
        "match_identity": {"identity": str(uuid4())},
    }.get(name, {})
    answer = tool.once(name, citizen.person.id, citizen.devices[0], **content)
    assert (answer.status_code, problem(answer)) == (401, "insufficient-authorization")
    challenge = answer.headers["www-authenticate"]
    assert 'error="insufficient_authorization"' in challenge
    assert 'acr_values="urn:authn:level:device urn:authn:level:certified"' in challenge
    (detail,) = answer.json()["authorization_details"]
    assert detail["person"] == str(citizen.person.id)
    assert detail["locations"] == [desk_api_audience(site.settings)]
    assert citizen.person.family_name not in answer.text
    assert "example.org" not in json.dumps(detail)
    assert active(site, citizen)


def test_a_sign_in_of_just_now_is_no_confirmation(
    tool: Tool, citizen: CitizenAtHome, site: Site
) -> None:
    tool.sign_in_anew()
    answer = tool.once("suspend", citizen.person.id, citizen.devices[0])
    assert (answer.status_code, problem(answer)) == (401, "insufficient-authorization")
    assert active(site, citizen)


# Once, and on nothing else


def test_what_was_confirmed_is_done_once(
    tool: Tool, citizen: CitizenAtHome, details: Details, site: Site
) -> None:
    first = citizen.devices[0]
    token = tool.confirmed_token(details)
    assert segment(token, 1)["authorization_details"][0] == details[0]
    assert tool.once("suspend", citizen.person.id, first, token=token).status_code == 200
    tool.person("undo", undo=_undo(tool, citizen, first, token))
    again = tool.once("suspend", citizen.person.id, first, token=token)
    assert (again.status_code, problem(again)) == (401, "insufficient-authorization")
    assert active(site, citizen)


def _undo(tool: Tool, citizen: CitizenAtHome, device: UUID, token: str) -> str:
    """The tool takes back the block that it did; blocked again by another confirmation first."""
    assert tool.call("resume", citizen.person.id, device).status_code == 200
    undo: str = tool.person("suspend", citizen.person.id, device)["undo"]
    return undo


def test_what_is_left_of_the_token_is_good_for_looks(
    tool: Tool, citizen: CitizenAtHome, details: Details
) -> None:
    token = tool.confirmed_token(details)
    tool.once("suspend", citizen.person.id, citizen.devices[0], token=token)
    assert tool.once("person", citizen.person.id, token=token).status_code == 200


def test_another_target_or_act_is_refused_and_costs_nothing(
    tool: Tool, citizen: CitizenAtHome, details: Details, site: Site
) -> None:
    first, second = citizen.devices
    token = tool.confirmed_token(details)
    for name, on in (
        ("suspend", [citizen.person.id, second]),
        ("unlink", [citizen.person.id, first]),
        ("resume", [citizen.person.id, first]),
        ("block_all", [citizen.person.id]),
    ):
        answer = tool.once(name, *on, token=token)
        assert (answer.status_code, problem(answer)) == (401, "insufficient-authorization"), name
    assert active(site, citizen)
    assert tool.once("suspend", citizen.person.id, first, token=token).status_code == 200


def test_another_persons_device_is_refused_whatever_was_confirmed(
    tool: Tool, citizen: CitizenAtHome, make_staff: MakeStaff, site: Site
) -> None:
    """The path of one person with a device of another: confirmed as that, and still nobody's."""
    other = make_staff("auditor", desk="Namur", citizen=KARIM)
    asked = tool.asked_for("suspend", other.person.id, citizen.devices[0])
    token = tool.confirmed_token(asked)
    answer = tool.once("suspend", other.person.id, citizen.devices[0], token=token)
    assert (answer.status_code, problem(answer)) == (404, "device-gone")
    swapped = tool.once("suspend", citizen.person.id, citizen.devices[0], token=token)
    assert swapped.status_code == 401
    assert active(site, citizen)


def test_another_approval_is_refused(
    make_staff: MakeStaff, make_tool: MakeTool, citizen: CitizenAtHome, site: Site
) -> None:
    asking = make_tool(make_staff("supervisor"))
    other = make_tool(make_staff("supervisor", "registrar", desk="Namur", citizen=ANOTHER))
    asked = []
    for device in citizen.devices:
        suspend_for(site, device, "counter")
        answer = asking.call("resume", citizen.person.id, device)
        asked.append(UUID(answer.json()["approval_id"]))
    token = other.confirmed_token(other.asked_for("approve", asked[0]))
    assert other.once("approve", asked[1], token=token).status_code == 401
    assert {each.state for each in every_approval(site)} == {"waiting"}
    assert other.once("approve", asked[0], token=token).status_code == 200


def test_an_address_is_named_without_being_told(
    make_staff: MakeStaff, make_tool: MakeTool, citizen: CitizenAtHome, site: Site
) -> None:
    mail = site.settings.model_copy(update={"smtp_host": "localhost"})
    object.__setattr__(site, "settings", mail)
    tool = make_tool(make_staff("registrar"))
    asked = tool.asked_for("change_address", citizen.person.id, add="hanne@example.org")
    token = tool.confirmed_token(asked)
    for content in ({"add": "thief@example.org"}, {"remove": str(uuid4())}):
        answer = tool.once("change_address", citizen.person.id, token=token, **content)
        assert answer.status_code == 401
    content = {"add": "hanne@example.org"}
    answer = tool.once("change_address", citizen.person.id, token=token, **content)
    assert answer.status_code == 202


def test_two_persons_are_joined_in_the_order_that_was_confirmed(
    make_staff: MakeStaff, make_tool: MakeTool, citizen: CitizenAtHome, agent: DeskScreen
) -> None:
    tool = make_tool(make_staff("supervisor", desk="Namur"))
    one, other = citizen.person.id, agent.person.id
    token = tool.confirmed_token(tool.asked_for("merge", one, merged=str(other)))
    assert tool.once("merge", other, merged=str(one), token=token).status_code == 401
    assert tool.once("merge", one, merged=str(uuid4()), token=token).status_code == 401


def test_a_refusal_of_the_act_itself_spends_it(
    tool: Tool, citizen: CitizenAtHome, details: Details, site: Site
) -> None:
    """Burn first, then refuse (decisions 5): what has changed is to be confirmed anew."""
    first = citizen.devices[0]
    token = tool.confirmed_token(details)
    suspend_for(site, first, "holder")
    refused = tool.once("suspend", citizen.person.id, first, token=token)
    assert (refused.status_code, problem(refused)) == (409, "blocked-already")
    again = tool.once("suspend", citizen.person.id, first, token=token)
    assert problem(again) == "insufficient-authorization"


def test_a_body_that_is_wrong_costs_nothing(
    tool: Tool, citizen: CitizenAtHome, details: Details
) -> None:
    first = citizen.devices[0]
    token = tool.confirmed_token(details)
    for wrong in ({"reason": ""}, {"reason": "curious"}, {"who": "else"}):
        answer = tool.once("suspend", citizen.person.id, first, token=token, **wrong)
        assert answer.status_code == 400
    assert tool.once("suspend", citizen.person.id, first, token=token).status_code == 200


def test_of_several_calls_at_once_one_has_it(
    tool: Tool, citizen: CitizenAtHome, site: Site
) -> None:
    person, first = citizen.person.id, citizen.devices[0]
    token = tool.confirmed_token(tool.asked_for("resume", person, first))
    suspend_for(site, first, "desk")
    answers = at_once(lambda: tool.once("resume", person, first, token=token), 4)
    assert sorted(each.status_code for each in answers) == [200, 401, 401, 401]  # type: ignore[union-attr]
    assert len(rows(site, "desk.resumed")) == 1


# From what it can't be had


def test_a_refresh_makes_no_other_one(
    agent: DeskScreen, http: TestClient, citizen: CitizenAtHome, site: Site
) -> None:
    grants = ("authorization_code", "refresh_token")
    rp = registered_tool(agent, grant_types=grants)
    tool = Tool(agent, rp, http, BOTH)
    tool.token = tool.fresh_token()
    person, first = citizen.person.id, citizen.devices[0]
    code = tool.confirmed_code(tool.asked_for("resume", person, first))
    tokens = rp.redeem(code).json()
    suspend_for(site, first, "desk")
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    refresh |= {"code": None, "redirect_uri": None, "code_verifier": None}
    renewed = rp.redeem(None, **refresh).json()
    used = tool.once("resume", person, first, token=renewed["access_token"])
    assert used.status_code == 200, "it is the same confirmation, unspent"
    suspend_for(site, first, "desk")
    latest = rp.redeem(None, **refresh).json()["access_token"]
    for token in (tokens["access_token"], renewed["access_token"], latest):
        answer = tool.once("resume", person, first, token=token)
        assert (answer.status_code, problem(answer)) == (401, "insufficient-authorization")


def test_an_exchange_makes_no_other_one(
    agent: DeskScreen, http: TestClient, citizen: CitizenAtHome, site: Site
) -> None:
    rp = registered_tool(agent, grant_types=("authorization_code", TOKEN_EXCHANGE))
    api, client_id = desk_api_audience(site.settings), rp.client.client_id
    with writing(site.database) as connection:
        pair = ExchangePair(client_id, client_id, api)
        assert allow_exchange(connection, site.secrets, pair, site.clock())
    tool = Tool(agent, rp, http, BOTH)
    tool.token = tool.fresh_token()
    person, first = citizen.person.id, citizen.devices[0]
    token = tool.confirmed_token(tool.asked_for("suspend", person, first))
    asked = {"grant_type": TOKEN_EXCHANGE, "subject_token": token, "resource": api}
    asked |= {"subject_token_type": "urn:ietf:params:oauth:token-type:access_token"}
    answer = rp.redeem(None, redirect_uri=None, code_verifier=None, **asked)
    assert answer.status_code == 200, answer.text
    exchanged = answer.json()["access_token"]
    assert tool.once("suspend", person, first, token=token).status_code == 200
    again = tool.once("suspend", person, first, token=exchanged)
    assert (again.status_code, problem(again)) == (401, "insufficient-authorization")


def test_it_ends_five_minutes_after_it_was_confirmed(
    agent: DeskScreen,
    http: TestClient,
    citizen: CitizenAtHome,
    clock: MovableClock,
) -> None:
    rp = registered_tool(agent, grant_types=("authorization_code", "refresh_token"))
    tool = Tool(agent, rp, http, BOTH)
    tool.token = tool.fresh_token()
    asked = tool.asked_for("suspend", citizen.person.id, citizen.devices[0])
    code = tool.confirmed_code(asked)
    clock.advance(seconds=50)
    tokens = rp.redeem(code).json()
    assert tokens["expires_in"] == 250
    clock.advance(seconds=251)
    answer = tool.once(
        "suspend", citizen.person.id, citizen.devices[0], token=tokens["access_token"]
    )
    assert (answer.status_code, problem(answer)) == (401, "invalid-token")
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    late = rp.redeem(None, redirect_uri=None, code_verifier=None, **refresh)
    assert late.json()["error"] == "invalid_grant"


@pytest.mark.one_engine
@pytest.mark.parametrize("more", [{}, {"prompt": "login"}, {"max_age": "0"}])
def test_nobody_is_asked_nothing(tool: Tool, details: Details, more: dict[str, str]) -> None:
    """Neither the session of just now nor an earlier confirmation stands for this one."""
    tool.confirmed_token(details)
    page = tool.page_to_confirm(details, **more)
    assert urlsplit(page.headers["location"]).path == ("/login" if more else "/login/desk-act")


def test_what_is_allowed_is_confirmed_all_the_same(
    agent: DeskScreen, http: TestClient, citizen: CitizenAtHome, site: Site
) -> None:
    """A tool of others asks what it may; that answer is no confirmation, and comes before it."""
    tool = Tool(agent, registered_tool(agent, first_party=False), http, BOTH)
    detail = {
        "type": "desk_act",
        "locations": [desk_api_audience(site.settings)],
        "act": "block-all",
        "person": str(citizen.person.id),
    }
    page = tool.page_to_confirm([detail]).headers["location"]
    assert urlsplit(page).path == "/consent"
    html = agent.get(page).text
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', html))
    boxes = re.findall(r'name="(allow:[^"]+)"', html)
    ticked = dict.fromkeys(boxes, "yes")
    answer = agent.post_form("/consent", **(fields | ticked | {"decision": "allow"}))
    assert "/login/desk-act?request=" in answer.text, answer.text
    for _ in range(2):
        page = tool.page_to_confirm([detail]).headers["location"]
        assert urlsplit(page).path == "/login/desk-act"
        assert tool.confirm(page).status_code == 200


@pytest.mark.thorough
def test_what_it_costs(tool: Tool, details: Details, site: Site) -> None:
    """The page, and its answer: most of both is in which capacity they act, looked at again."""
    page = tool.page_to_confirm(details).headers["location"]
    fields = {"request": token_of_page(page), "person": str(tool.made.person.id)}
    with counted(site) as seen:
        assert tool.made.get(page).status_code == 200
    assert len(seen) <= 12, len(seen)
    assert seen.count("COMMIT") == 0
    options = ceremony(tool.made.screen, "/login/desk-act/options", fields)
    sent = fields | answered(tool.made.screen, options)
    with counted(site) as seen:
        assert tool.made.post_json("/login/desk-act", sent).status_code == 200
    assert len(seen) <= 29, len(seen)
    assert seen.count("COMMIT") == 1


@pytest.mark.one_engine
def test_discovery_lists_the_type(http: TestClient) -> None:
    metadata = http.get("/.well-known/openid-configuration").json()
    assert "desk_act" in metadata["authorization_details_types_supported"]


@pytest.mark.one_engine
def test_without_a_page_there_is_none(tool: Tool, details: Details) -> None:
    tool.confirmed_token(details)
    asked = json.dumps(details)
    answer = tool.rp.answer(scope=tool.scope, prompt="none", authorization_details=asked)
    assert answer["error"] == "interaction_required"


@pytest.mark.one_engine
def test_the_code_that_another_screen_shows_is_no_way(
    make_staff: MakeStaff, http: TestClient, details: Details
) -> None:
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    rp = registered_tool(make_staff("supervisor"), grant_types=("authorization_code", grant))
    answer = http.post(
        "/device_authorization",
        data={"scope": BOTH, "authorization_details": json.dumps(details)},
        headers={"Authorization": basic(rp.client.client_id, rp.client_secret)},
    )
    assert answer.json()["error"] == "invalid_authorization_details"


def test_a_pushed_request_is_confirmed_as_any_other(
    tool: Tool, citizen: CitizenAtHome, details: Details
) -> None:
    pushed = tool.http.post(
        "/par",
        data=tool.rp.request(scope=tool.scope, authorization_details=json.dumps(details)),
        headers={"Authorization": basic(tool.rp.client.client_id, tool.rp.client_secret)},
    )
    assert pushed.status_code == 201, pushed.text
    named = {"client_id": tool.rp.client.client_id, "request_uri": pushed.json()["request_uri"]}
    page = tool.rp.browser.get("/authorize", params=named).headers["location"]
    answer = tool.confirm(page)
    code = parse_qs(urlsplit(answer.json()["location"]).query)["code"][0]
    token = tool.rp.redeem(code).json()["access_token"]
    answer = tool.once("suspend", citizen.person.id, citizen.devices[0], token=token)
    assert answer.status_code == 200


# The request


WRONG: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no location": lambda it: it.pop("locations"),
    "another location": lambda it: it.update(locations=["https://other.example/"]),
    "two locations": lambda it: it.update(locations=it["locations"] * 2),
    "no act": lambda it: it.pop("act"),
    "an act that is none": lambda it: it.update(act="see-person"),
    "an act that is weighed": lambda it: it.update(act="unlink-last"),
    "an act of another shape": lambda it: it.update(act="block-all"),
    "acts": lambda it: it.update(act=["suspend"]),
    "no person": lambda it: it.pop("person"),
    "no device": lambda it: it.pop("device"),
    "a number": lambda it: it.update(person="03410100128"),
    "an id in capitals": lambda it: it.update(device=it["device"].upper()),
    "a list": lambda it: it.update(device=[it["device"]]),
    "null": lambda it: it.update(device=None),
    "a member more": lambda it: it.update(approval=it["device"]),
    "an unknown member": lambda it: it.update(reason="lost-device"),
}


@pytest.mark.one_engine
@pytest.mark.parametrize("wrong", WRONG)
def test_what_names_no_act_exactly_is_refused(tool: Tool, details: Details, wrong: str) -> None:
    WRONG[wrong](details[0])
    answer = tool.rp.answer(scope=tool.scope, authorization_details=json.dumps(details))
    assert answer["error"] == "invalid_authorization_details"


@pytest.mark.one_engine
def test_one_act_is_confirmed_at_a_time(tool: Tool, details: Details) -> None:
    another = details[0] | {"device": str(uuid4())}
    for several in ([*details, *details], [*details, another]):
        answer = tool.rp.answer(scope=tool.scope, authorization_details=json.dumps(several))
        assert answer["error"] == "invalid_authorization_details"


@pytest.mark.one_engine
def test_a_client_that_may_not_act_there_asks_for_no_act(
    make_staff: MakeStaff, tool: Tool, details: Details, http: TestClient
) -> None:
    reader = registered_tool(make_staff("supervisor"), scope=f"openid {DESK_READ}")
    answer = reader.answer(scope="openid", authorization_details=json.dumps(details))
    assert answer["error"] == "invalid_authorization_details"


def test_a_token_of_another_client_does_not_do_it(
    tool: Tool,
    make_staff: MakeStaff,
    make_tool: MakeTool,
    citizen: CitizenAtHome,
    details: Details,
    site: Site,
) -> None:
    """Each tool has its own token; one person's confirmation is no use in another's."""
    tool.confirmed_token(details)
    other = make_tool(make_staff("supervisor"))
    answer = other.once("suspend", citizen.person.id, citizen.devices[0])
    assert (answer.status_code, problem(answer)) == (401, "insufficient-authorization")
    assert active(site, citizen)


# The page


def shown(tool: Tool, details: Details, language: str = "en") -> str:
    page = tool.page_to_confirm(details).headers["location"]
    client = tool.made.screen.client
    text: str = client.get(page, headers={"Accept-Language": language}).text
    return text


def test_the_page_names_whom_once_the_tool_has_said_why(
    tool: Tool, citizen: CitizenAtHome, details: Details, clock: MovableClock
) -> None:
    page = shown(tool, details)
    assert "Block this device?" in page
    assert citizen.person.full_name in page
    assert str(citizen.devices[0])[-8:] in page
    clock.advance(minutes=16)
    later = shown(tool, details)
    assert citizen.person.full_name not in later
    assert citizen.person.family_name not in later
    assert "Compare the reference" in later
    assert str(citizen.devices[0])[-8:] in later


def test_the_page_shows_nobody_whom_a_stranger_names(
    tool: Tool, citizen: CitizenAtHome, site: Site
) -> None:
    detail = {
        "type": "desk_act",
        "locations": [desk_api_audience(site.settings)],
        "act": "unlink",
        "person": str(citizen.person.id),
        "device": str(citizen.devices[0]),
    }
    page = shown(tool, [detail])
    assert citizen.person.family_name not in page
    assert rows(site, "desk.looked-at", "desk.reason-given") == []


def test_an_approval_is_shown_to_who_may_decide_and_that_is_on_record(
    make_staff: MakeStaff, make_tool: MakeTool, citizen: CitizenAtHome, site: Site
) -> None:
    asking = make_tool(make_staff("supervisor"))
    suspend_for(site, citizen.devices[0], "counter")
    approval = asking.call("resume", citizen.person.id, citizen.devices[0]).json()["approval_id"]
    other = make_tool(make_staff("supervisor", "registrar", desk="Namur", citizen=ANOTHER))
    asked = other.asked_for("approve", UUID(approval))
    before = len(rows(site, "approval.seen"))
    page = shown(other, asked)
    assert citizen.person.full_name in page
    assert asking.made.person.full_name in page
    assert len(rows(site, "approval.seen")) == before + 1
    assert citizen.person.full_name not in shown(asking, asked)


def test_who_has_another_role_is_told_so_and_it_is_on_record(
    tool: Tool, make_staff: MakeStaff, make_tool: MakeTool, details: Details, site: Site
) -> None:
    auditor = make_tool(make_staff("auditor"))
    page = auditor.page_to_confirm(details).headers["location"]
    text = shown(auditor, details)
    assert "This is not for your role" in text
    assert "data-ceremony" not in text
    token = token_of_page(page)
    fields = {"request": token, "person": str(auditor.made.person.id)}
    options = auditor.made.post_json("/login/desk-act/options", fields)
    assert (options.status_code, problem(options)) == (403, "not-this-role")
    row = rows(site, "desk.refused")[-1]
    assert (row["actor_id"], row["act"]) == (auditor.made.person.id, "suspend")
    back = auditor.made.get(f"/login/declined?request={token}").headers["location"]
    assert parse_qs(urlsplit(back).query)["error"] == ["access_denied"]


def test_who_is_no_staff_has_no_capacity_in_which_to_confirm(
    tool: Tool, citizen: CitizenAtHome, details: Details
) -> None:
    rp = tool.rp
    asked = rp.request(scope=BOTH, authorization_details=json.dumps(details), prompt="none")
    answer = citizen.screen.client.get("/authorize", params=asked)
    assert "error=access_denied" in answer.headers["location"]


def test_who_was_dismissed_meanwhile_confirms_nothing(
    tool: Tool, citizen: CitizenAtHome, details: Details, site: Site
) -> None:
    page = tool.page_to_confirm(details).headers["location"]
    fields = {"request": token_of_page(page), "person": str(tool.made.person.id)}
    options = ceremony(tool.made.screen, "/login/desk-act/options", fields)
    with writing(site.database) as connection:
        assert dismiss(connection, site.secrets, tool.made.person.id, "agent", site.clock())
    sent = fields | answered(tool.made.screen, options)
    assert tool.made.post_json("/login/desk-act", sent).status_code == 403
    assert rows(site, "desk.act-confirmed") == []


def test_who_was_dismissed_after_that_does_nothing(
    tool: Tool, citizen: CitizenAtHome, details: Details, site: Site
) -> None:
    token = tool.confirmed_token(details)
    with writing(site.database) as connection:
        assert dismiss(connection, site.secrets, tool.made.person.id, "agent", site.clock())
    answer = tool.once("suspend", citizen.person.id, citizen.devices[0], token=token)
    assert answer.status_code == 401
    assert active(site, citizen)


def test_who_has_another_role_meanwhile_does_nothing(
    tool: Tool, citizen: CitizenAtHome, details: Details, site: Site
) -> None:
    token = tool.confirmed_token(details)
    now, who = site.clock(), tool.made.person.id
    with writing(site.database) as connection:
        assert appoint(connection, site.secrets, who, "auditor", "Ghent", now)
        assert dismiss(connection, site.secrets, who, "agent", now)
    answer = tool.once("suspend", citizen.person.id, citizen.devices[0], token=token)
    assert answer.status_code == 401
    assert active(site, citizen)


# The ceremony


def test_a_confirmation_serves_one_request(tool: Tool, details: Details, site: Site) -> None:
    page = tool.page_to_confirm(details).headers["location"]
    assert tool.confirm(page).status_code == 200
    token = token_of_page(page)
    fields = {"request": token, "person": str(tool.made.person.id)}
    again = tool.made.post_json("/login/desk-act/options", fields)
    assert (again.status_code, problem(again)) == (403, "not-this-step")
    assert len(rows(site, "desk.act-confirmed")) == 1


def test_two_confirmations_of_one_request_at_once_are_one(
    tool: Tool, details: Details, site: Site
) -> None:
    page = tool.page_to_confirm(details).headers["location"]
    fields = {"request": token_of_page(page), "person": str(tool.made.person.id)}
    sent = [
        fields
        | answered(tool.made.screen, ceremony(tool.made.screen, "/login/desk-act/options", fields))
        for _ in range(2)
    ]
    answers = at_once(lambda: tool.made.post_json("/login/desk-act", sent.pop()), 2)
    assert [each.status_code for each in answers].count(200) == 1  # type: ignore[union-attr]
    assert len(rows(site, "desk.act-confirmed")) == 1


@pytest.mark.one_engine
@pytest.mark.parametrize("path", ["/login/options", "/desk/login/options"])
def test_an_assertion_for_something_else_confirms_nothing(
    tool: Tool, details: Details, site: Site, path: str
) -> None:
    page = tool.page_to_confirm(details).headers["location"]
    fields = {"request": token_of_page(page), "person": str(tool.made.person.id)}
    options = ceremony(tool.made.screen, path, fields)
    sent = fields | answered(tool.made.screen, options)
    answer = tool.made.post_json("/login/desk-act", sent)
    assert (answer.status_code, problem(answer)) == (400, "invalid-ceremony")
    assert rows(site, "desk.act-confirmed") == []


@pytest.mark.one_engine
def test_an_assertion_for_the_same_act_of_another_request_confirms_nothing(
    tool: Tool, details: Details, site: Site
) -> None:
    pages = [tool.page_to_confirm(details).headers["location"] for _ in range(2)]
    person = str(tool.made.person.id)
    first, second = ({"request": token_of_page(each), "person": person} for each in pages)
    options = ceremony(tool.made.screen, "/login/desk-act/options", first)
    answer = tool.made.post_json("/login/desk-act", second | answered(tool.made.screen, options))
    assert (answer.status_code, problem(answer)) == (400, "invalid-ceremony")


def test_it_is_confirmed_with_the_device_of_the_session(
    tool: Tool, details: Details, site: Site
) -> None:
    """So that the token ends with the device that confirmed it."""
    screen = tool.made.screen
    other = Authenticator()
    assert add_here(screen, other).status_code == 200
    page = tool.page_to_confirm(details).headers["location"]
    fields = {"request": token_of_page(page), "person": str(tool.made.person.id)}
    options = ceremony(screen, "/login/desk-act/options", fields)
    assert len(options["publicKey"]["allowCredentials"]) == 1
    options["publicKey"]["allowCredentials"] = []
    sent = {"ceremony": options["ceremony"], "credential": other.get(options, ORIGIN)}
    answer = tool.made.post_json("/login/desk-act", fields | sent)
    assert (answer.status_code, problem(answer)) == (403, "not-this-device")


def test_with_the_device_of_who_confirmed_all_ends(
    tool: Tool, citizen: CitizenAtHome, details: Details, site: Site
) -> None:
    token = tool.confirmed_token(details)
    with writing(site.database) as connection:
        (held,) = list_devices(connection, tool.made.person.id)
        unlink(job(site, connection), held, "desk")
    answer = tool.once("suspend", citizen.person.id, citizen.devices[0], token=token)
    assert (answer.status_code, problem(answer)) == (401, "invalid-token")
    assert active(site, citizen)


def test_a_device_that_was_blocked_meanwhile_confirms_nothing(
    tool: Tool, details: Details, site: Site
) -> None:
    page = tool.page_to_confirm(details).headers["location"]
    fields = {"request": token_of_page(page), "person": str(tool.made.person.id)}
    options = ceremony(tool.made.screen, "/login/desk-act/options", fields)
    sent = fields | answered(tool.made.screen, options)
    with writing(site.database) as connection:
        (held,) = list_devices(connection, tool.made.person.id)
        device = find_device(connection, tool.made.person.id, held.id)
        suspend(job(site, connection), device, "desk", "desk")
    assert tool.made.post_json("/login/desk-act", sent).status_code == 403
    assert rows(site, "desk.act-confirmed") == []


def test_the_target_that_is_gone_is_gone(
    tool: Tool, citizen: CitizenAtHome, details: Details, site: Site
) -> None:
    token = tool.confirmed_token(details)
    with writing(site.database) as connection:
        held = find_device(connection, citizen.person.id, citizen.devices[0])
        unlink(job(site, connection), held, "holder")
    answer = tool.once("suspend", citizen.person.id, citizen.devices[0], token=token)
    assert (answer.status_code, problem(answer)) == (404, "device-gone")


def test_a_token_that_is_bound_to_a_key_needs_its_proof_for_the_act_too(
    tool: Tool, citizen: CitizenAtHome, details: Details, site: Site
) -> None:
    key = DpopKey()
    code = tool.confirmed_code(details)
    answer = tool.made.screen.client.post(
        "/token",
        data={
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": tool.rp.redirect_uri,
            "code_verifier": VERIFIER,
        },
        headers={
            "DPoP": key.proof("POST", f"{ORIGIN}/token", site.clock()),
            "Authorization": basic(tool.rp.client.client_id, tool.rp.client_secret),
        },
    )
    token = answer.json()["access_token"]
    path = f"{PATH}/people/{citizen.person.id}/devices/{citizen.devices[0]}/suspend"
    bare = tool.http.post(path, json=WHY, headers={"Authorization": f"Bearer {token}"})
    assert (bare.status_code, problem(bare)) == (401, "invalid-token")
    codes = []
    for each in (DpopKey(), key):
        proof = each.proof("POST", ORIGIN + path, site.clock(), token)
        headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
        codes.append(tool.http.post(path, json=WHY, headers=headers).status_code)
    assert codes == [401, 200], "the attempt with another key cost nothing"


@pytest.mark.one_engine
@pytest.mark.parametrize(
    "content",
    [{}, {"request": 1, "person": "x"}, {"request": "x", "person": "x"}, {"request": "x" * 9000}],
)
def test_garbage_is_refused(tool: Tool, content: dict[str, Any]) -> None:
    for path in ("/login/desk-act", "/login/desk-act/options"):
        answer = tool.made.post_json(path, content)
        assert answer.status_code == 400, answer.text


def test_the_page_says_that_it_may_only_ask(tool: Tool, citizen: CitizenAtHome) -> None:
    tool.made.screen.client.headers["Accept-Language"] = "en"
    first = citizen.devices[0]
    path = tool.page_to_confirm(tool.asked_for("unlink", citizen.person.id, first))
    page = tool.made.get(path.headers["location"]).text
    assert "If it is the last device that works" in page
    assert "a second member of staff must agree" in page


@pytest.mark.one_engine
def test_of_every_act_that_may_only_ask_the_page_says_so() -> None:
    assert MEMBERS.keys() - ONLY_ASKS.keys() == {"approve", "issue-code"}

"""Who may call the desk's API: a token that is for it, of staff, who signed in lately enough.

RFC 6750 §3.1 (https://www.rfc-editor.org/rfc/rfc6750#section-3.1), RFC 8705 §3
(https://www.rfc-editor.org/rfc/rfc8705#section-3), RFC 9449 §7
(https://www.rfc-editor.org/rfc/rfc9449#section-7), RFC 9470 §3
(https://www.rfc-editor.org/rfc/rfc9470#section-3).
"""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Response
from sqlalchemy import select, update
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.clients.client_registration.registration import change_client
from authn.clients.clients import find_client
from authn.clients.resource_servers.desk_api import DESK_ACT, DESK_READ, PATH, desk_api_audience
from authn.clients.resource_servers.registration import end_resource
from authn.clients.tables import resources
from authn.db.transaction import writing
from authn.desk_api.endpoints import OPERATIONS
from authn.devices.devices import find_device, list_devices
from authn.devices.life import suspend
from authn.devices.tables import devices
from authn.profiles.appointments import dismiss
from authn.settings import Settings
from authn.web.site import Site
from tests.certificates import Held, issue
from tests.citizen import ORIGIN
from tests.conftest import MovableClock
from tests.console.acting import rows, statuses
from tests.console.conftest import MakeStaff, MakeTool
from tests.console.desk import CitizenAtHome, DeskScreen
from tests.console.tools import BOTH, WHY, Tool, registered_tool, tool_of
from tests.occasion import job
from tests.oidc.dpop_proofs import DpopKey
from tests.oidc.registrant import registered
from tests.oidc.relying_party import VERIFIER, basic
from tests.screens import problem


def challenge(answer: Response) -> dict[str, str]:
    """What the answer says that a token needs."""
    said = answer.headers["www-authenticate"]
    assert 'realm="desk"' in said
    assert "userinfo" not in said
    return dict(re.findall(r'(\w+)="([^"]*)"', said))


def test_without_a_token_it_is_told_how_and_nothing_more(http: TestClient) -> None:
    answer = http.get(f"{PATH}/approvals")
    assert (answer.status_code, problem(answer)) == (401, "invalid-token")
    assert answer.headers["www-authenticate"].startswith('Bearer realm="desk", DPoP realm="desk"')


def test_every_call_asks_for_a_token(http: TestClient) -> None:
    for each in OPERATIONS:
        path = PATH + re.sub(r"\{\w+\}", str(uuid4()), each.path)
        answer = http.request(each.method, path, json=WHY if each.method == "POST" else None)
        assert answer.status_code == 401, each.name


def test_the_session_of_the_desk_is_no_token(agent: DeskScreen) -> None:
    assert agent.get(f"{PATH}/approvals").status_code == 401


def test_a_token_for_another_resource_is_refused(tool: Tool, site: Site) -> None:
    other = tool.fresh_token(resource=f"{site.settings.issuer}/userinfo")
    answer = tool.post("/people/find", other, clue="x", **WHY)
    assert (answer.status_code, challenge(answer)["error"]) == (401, "invalid_token")


def test_its_token_is_refused_at_userinfo(tool: Tool) -> None:
    assert tool.rp.userinfo(tool.token).status_code == 401


def test_a_token_that_expired_or_whose_client_ended_is_refused(
    tool: Tool, clock: MovableClock
) -> None:
    assert tool.get("/approvals").status_code == 200
    clock.advance(minutes=6)
    assert tool.get("/approvals").status_code == 401


def test_who_only_reads_does_not_act(
    agent: DeskScreen, make_tool: MakeTool, citizen: CitizenAtHome, site: Site
) -> None:
    reader = make_tool(agent, scope=f"openid {DESK_READ}")
    assert reader.call("devices", citizen.person.id).status_code == 200
    answer = reader.call("suspend", citizen.person.id, citizen.devices[0])
    assert (answer.status_code, challenge(answer)["scope"]) == (403, DESK_ACT)
    assert "suspended" not in statuses(site, citizen.person).values()


def test_who_only_acts_does_not_read(
    agent: DeskScreen, make_tool: MakeTool, citizen: CitizenAtHome
) -> None:
    actor = make_tool(agent, scope=f"openid {DESK_ACT}")
    answer = actor.call("devices", citizen.person.id)
    assert (answer.status_code, challenge(answer)["scope"]) == (403, DESK_READ)


def test_what_is_taken_from_a_tool_or_the_api_counts_for_tokens_of_before(
    tool: Tool, site: Site
) -> None:
    def changed(**changes: Any) -> None:
        with writing(site.database) as connection:
            client = find_client(connection, tool.rp.client.client_id)
            assert client
            change_client(connection, site.secrets, client, site.clock(), **changes)

    had = tool.rp.client
    assert tool.get("/approvals").status_code == 200
    changed(scope=f"openid {DESK_ACT}")
    answer = tool.get("/approvals")
    assert (answer.status_code, challenge(answer)["error"]) == (403, "insufficient_scope")
    changed(scope=had.scope, resources=())
    answer = tool.get("/approvals")
    assert (answer.status_code, challenge(answer)["error"]) == (401, "invalid_token")
    changed(resources=had.resources)
    assert tool.get("/approvals").status_code == 200
    audience = desk_api_audience(site.settings)
    with writing(site.database) as connection:
        rules = connection.execute(
            select(resources.c.scopes).where(resources.c.resource == audience)
        ).scalar_one()
        rules[DESK_READ]["profile_kinds"] = ["quality"]
        connection.execute(
            update(resources).where(resources.c.resource == audience).values(scopes=rules)
        )
    answer = tool.get("/approvals")
    assert (answer.status_code, challenge(answer)["error"]) == (403, "insufficient_scope")


def test_with_the_last_role_the_token_ends(
    make_tool: MakeTool, make_staff: MakeStaff, site: Site
) -> None:
    made = make_staff("agent")
    tool = make_tool(made)
    with writing(site.database) as connection:
        assert dismiss(connection, site.secrets, made.person.id, "agent", site.clock())
    answer = tool.call("find", clue="03410100128")
    assert (answer.status_code, challenge(answer)["error"]) == (401, "invalid_token")
    assert rows(site, "desk.searched") == []


# Step-up


def test_an_act_needs_a_sign_in_no_older_than_the_desk_stays_open(
    tool: Tool, citizen: CitizenAtHome, clock: MovableClock, site: Site
) -> None:
    shorter = site.settings.model_copy(update={"desk_lifetime": timedelta(minutes=10)})
    object.__setattr__(site, "settings", shorter)
    clock.advance(minutes=11)
    tool.token = tool.fresh_token()
    answer = tool.call("suspend", citizen.person.id, citizen.devices[0])
    assert (answer.status_code, problem(answer)) == (401, "insufficient-user-authentication")
    asked = challenge(answer)
    assert asked["max_age"] == "600"
    assert asked["acr_values"] == "urn:authn:level:device urn:authn:level:certified"
    assert "suspended" not in statuses(site, citizen.person).values()
    tool.sign_in_anew()
    assert tool.call("suspend", citizen.person.id, citizen.devices[0]).status_code == 200


def test_a_look_needs_a_sign_in_no_older_than_the_desk_stays_open(
    make_staff: MakeStaff, make_tool: MakeTool, citizen: CitizenAtHome, clock: MovableClock
) -> None:
    tool = make_tool(make_staff("agent"))
    shorter = tool.site.settings.model_copy(update={"desk_lifetime": timedelta(minutes=10)})
    object.__setattr__(tool.site, "settings", shorter)
    clock.advance(minutes=9)
    tool.token = tool.fresh_token()
    assert tool.call("person", citizen.person.id).status_code == 200
    clock.advance(minutes=2)
    tool.token = tool.fresh_token()
    answer = tool.call("person", citizen.person.id)
    assert (answer.status_code, challenge(answer)["max_age"]) == (401, "600")


def test_a_device_that_turned_out_to_be_synced_is_not_enough(
    tool: Tool, citizen: CitizenAtHome, site: Site
) -> None:
    with writing(site.database) as connection:
        (held,) = list_devices(connection, tool.made.person.id)
        synced = update(devices).where(devices.c.id == held.id).values(backup_eligible=True)
        connection.execute(synced)
    answer = tool.call("person", citizen.person.id)
    assert (answer.status_code, challenge(answer)["error"]) == (
        401,
        "insufficient_user_authentication",
    )


def test_with_the_agents_device_all_ends(tool: Tool, citizen: CitizenAtHome, site: Site) -> None:
    with writing(site.database) as connection:
        (held,) = list_devices(connection, tool.made.person.id)
        device = find_device(connection, tool.made.person.id, held.id)
        suspend(job(site, connection), device, "desk", "desk")
    assert tool.call("person", citizen.person.id).status_code == 401


# What a token is bound to


def test_a_token_that_is_bound_to_a_key_needs_its_proof_once(
    agent: DeskScreen, http: TestClient, citizen: CitizenAtHome, site: Site
) -> None:
    key = DpopKey()
    tool = tool_of(agent, http)
    proof = key.proof("POST", f"{ORIGIN}/token", site.clock())
    answer = agent.screen.client.post(
        "/token",
        data={
            "grant_type": "authorization_code",
            "code": tool.rp.code(scope=BOTH, resource=desk_api_audience(site.settings)),
            "redirect_uri": tool.rp.redirect_uri,
            "code_verifier": VERIFIER,
        },
        headers={
            "DPoP": proof,
            "Authorization": basic(tool.rp.client.client_id, tool.rp.client_secret),
        },
    )
    token = answer.json()["access_token"]
    path = f"/people/{citizen.person.id}"
    bare = tool.post(path, token, **WHY)
    assert (bare.status_code, challenge(bare)["error"]) == (401, "invalid_token")
    shown = key.proof("POST", ORIGIN + PATH + path, site.clock(), token)
    headers = {"Authorization": f"DPoP {token}", "DPoP": shown}
    assert http.post(PATH + path, json=WHY, headers=headers).status_code == 200
    again = http.post(PATH + path, json=WHY, headers=headers)
    assert again.status_code == 401, "a proof is used once"
    other = DpopKey().proof("POST", ORIGIN + PATH + path, site.clock(), token)
    assert http.post(PATH + path, json=WHY, headers={**headers, "DPoP": other}).status_code == 401


PROXY = "10.1.2.3"
HEADER = "Client-Cert"


@pytest.fixture
def batch(clock: MovableClock) -> Held:
    """A certificate of the tool's own."""
    return issue("tool", clock())


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A service behind a proxy that passes certificates on."""
    changes = {
        "trusted_proxies": PROXY,
        "client_certificate_header": HEADER,
        "mtls_origin": "https://mtls.example",
    }
    return settings.model_copy(update=changes)


def test_a_token_that_is_bound_to_a_certificate_needs_it(
    app: Starlette, agent: DeskScreen, citizen: CitizenAtHome, batch: Held, clock: MovableClock
) -> None:
    rp = registered_tool(agent, tls_client_certificate_bound_access_tokens=True)
    code = rp.code(scope=BOTH, resource=desk_api_audience(agent.site.settings))
    path = f"{PATH}/people/{citizen.person.id}"
    with TestClient(app, base_url=ORIGIN, client=(PROXY, 1)) as proxy:
        proxy.headers[HEADER] = batch.rfc_9440
        token = rp.redeem(code, proxy).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        assert proxy.post(path, json=WHY, headers=headers).status_code == 200
        proxy.headers[HEADER] = issue("other", clock()).rfc_9440
        assert proxy.post(path, json=WHY, headers=headers).status_code == 401
        del proxy.headers[HEADER]
        assert proxy.post(path, json=WHY, headers=headers).status_code == 401


# Who gets a token


def test_no_client_registers_for_it_by_itself(tool: Tool, http: TestClient, site: Site) -> None:
    object.__setattr__(site, "settings", site.settings.model_copy(update={"registration": "open"}))
    told = registered(http, scope=BOTH, resources=[desk_api_audience(site.settings)])
    assert not {DESK_READ, DESK_ACT} & set(told.get("scope", "").split())


def test_without_the_operators_word_there_is_no_such_resource(tool: Tool, site: Site) -> None:
    with writing(site.database) as connection:
        audience = desk_api_audience(site.settings)
        assert end_resource(connection, site.secrets, audience, site.clock())
    answer = tool.call("approvals")
    assert (answer.status_code, challenge(answer)["error"]) == (401, "invalid_token")
    answer_of_authorize = tool.rp.answer(scope=BOTH, resource=audience)
    assert answer_of_authorize["error"] == "invalid_target"

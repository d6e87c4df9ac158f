"""An application is given something in the very moment in which that ends.

What a naive provider does: it reads that all is well, is overtaken by the end, and writes a token
that nothing ends any more. Each end here has been written, and is committed only while the
application's request is on its way.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from httpx2 import Response
from sqlalchemy import Connection
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.consents.consents import withdraw_consents
from authn.db.transaction import writing
from authn.devices.life import suspend, unlink
from authn.grants.endings.ended_grants import end_client
from authn.grants.grants import revoke_offline_grants
from authn.people.persons import lock_person
from authn.sessions.sessions import end_sessions_of_person
from authn.web.site import Site
from tests.citizen import ORIGIN
from tests.occasion import job
from tests.oidc.refreshing import OFFLINE, REFRESHING, refresh
from tests.oidc.relying_party import Holder, RelyingParty, hold_device
from tests.patience import meanwhile

pytestmark = pytest.mark.thorough


@dataclass(frozen=True, slots=True)
class World:
    """Hanne and an application."""

    site: Site
    rp: RelyingParty
    holder: Holder


@pytest.fixture
def world(
    site: Site, app: Starlette, make_rp: Callable[..., RelyingParty], holder: Holder
) -> World:
    hold_device(site, TestClient(app, base_url=ORIGIN))  # the last one could not be taken away
    rp = make_rp(client_id="hospital", scope=OFFLINE, metadata=REFRESHING)
    return World(site, rp.allowed_by(holder, OFFLINE), holder)


def unlinked(connection: Connection, world: World) -> None:
    unlink(job(world.site, connection), world.holder.held.device, "holder")


def suspended(connection: Connection, world: World) -> None:
    suspend(job(world.site, connection), world.holder.held.device, "holder", "holder")


def withdrawn(connection: Connection, world: World) -> None:
    withdraw_consents(job(world.site, connection), world.holder.person.id, "hospital")


def client_ended(connection: Connection, world: World) -> None:
    end_client(connection, world.site.secrets, "hospital", world.site.clock())


def signed_out_everywhere(connection: Connection, world: World) -> None:
    site, person_id = world.site, world.holder.person.id
    lock_person(connection, person_id)
    end_sessions_of_person(connection, site.settings, person_id, site.clock())
    revoke_offline_grants(connection, person_id, site.clock())


ENDS = (unlinked, suspended, withdrawn, client_ended, signed_out_everywhere)


def while_ending(
    world: World, end: Callable[[Connection, World], None], act: Callable[[], Response]
) -> Response:
    """The answer to an act that began before the end was committed, and went on after it."""
    with ThreadPoolExecutor(1) as pool:
        with writing(world.site.database) as connection:
            end(connection, world)
            running = pool.submit(act)
            meanwhile()  # it has read what it reads, and may wait
        return running.result(timeout=20)


def nothing_lives(world: World, answer: Response, backchannel: TestClient) -> None:
    """What was given, if anything was, is worth nothing."""
    assert answer.status_code < 500, answer.text
    if answer.status_code != 200:
        return
    tokens = answer.json()
    userinfo = backchannel.get(
        "/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"}
    )
    assert userinfo.status_code == 401
    assert refresh(world.rp, tokens["refresh_token"], backchannel).status_code in (400, 401)


@pytest.mark.parametrize("end", ENDS)
def test_a_code_that_is_redeemed_meanwhile(
    world: World, backchannel: TestClient, end: Callable[[Connection, World], None]
) -> None:
    code = world.rp.code(scope=OFFLINE)
    answer = while_ending(world, end, lambda: world.rp.redeem(code, backchannel))
    nothing_lives(world, answer, backchannel)


@pytest.mark.parametrize("end", ENDS)
def test_a_refresh_token_that_is_used_meanwhile(
    world: World, backchannel: TestClient, end: Callable[[Connection, World], None]
) -> None:
    token = world.rp.tokens(scope=OFFLINE)["refresh_token"]
    answer = while_ending(world, end, lambda: refresh(world.rp, token, backchannel))
    nothing_lives(world, answer, backchannel)


@pytest.mark.parametrize("end", ENDS)
def test_a_code_that_is_issued_meanwhile(
    world: World, backchannel: TestClient, end: Callable[[Connection, World], None]
) -> None:
    answer = while_ending(world, end, lambda: world.rp.authorize(scope=OFFLINE))
    assert answer.status_code < 500
    location = answer.headers.get("location", "")
    if "code=" in location:
        code = location.partition("code=")[2].partition("&")[0]
        nothing_lives(world, world.rp.redeem(code, backchannel), backchannel)

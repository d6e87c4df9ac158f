"""What ends what: the table of the design, each act against each thing that could end with it.

Two applications in one session; the same application in another browser of the same device, and on
another device of the same person; and somebody else. Of each: the session, access tokens at
userinfo and at a resource server, and refresh tokens, online and offline. Whether an application is
told is in `test_backchannel_logout`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.db.transaction import writing
from authn.devices.dormancy import make_dormant
from authn.devices.life import resume, suspend, suspend_all, unlink
from authn.devices.tables import HeldDevice, devices
from authn.enrolment.emergency import begin_emergency_block
from authn.grants.endings.ended_grants import end_client
from authn.jose import ALGORITHMS
from authn.keys.rotation import rotate
from authn.people.persons import find_or_create_person
from authn.web.site import Site
from tests.citizen import HANNE, KARIM, ORIGIN, Screen
from tests.conftest import MovableClock
from tests.occasion import job
from tests.oidc.refreshing import OFFLINE, refresh
from tests.oidc.relying_party import Holder, RelyingParty, hold_device, sign_in
from tests.oidc.resource_servers import API, SCOPE, ResourceServer, application, resource_server

pytestmark = pytest.mark.thorough

ONLINE_AT_API = SCOPE
OFFLINE_AT_API = f"{SCOPE} offline_access"


@dataclass(slots=True)
class Held:
    """What one application holds of one person, obtained in one session."""

    rp: RelyingParty
    tokens: dict[str, dict[str, str]] = field(default_factory=dict)

    def obtain(self) -> "Held":
        """Tokens for userinfo and for the API, that end with the session, and that do not."""
        for name, scope, resource in (
            ("online", "openid profile", None),
            ("offline", OFFLINE, None),
            ("online API", ONLINE_AT_API, API),
            ("offline API", OFFLINE_AT_API, API),
        ):
            if resource is None or self.rp.client.resources:
                self.tokens[name] = self.rp.tokens(scope=scope, resource=resource)
        return self


@dataclass(slots=True)
class World:
    """Everybody, and all that they hold."""

    site: Site
    clock: MovableClock
    api: ResourceServer
    hanne: Holder
    here: TestClient
    browsers: dict[str, TestClient]
    held: dict[str, Held]
    phone: HeldDevice

    def alive(self) -> frozenset[str]:
        """The names of the things that are worth something now."""
        things = set()
        for where, browser in self.browsers.items():
            if browser.get("/devices").status_code == 200:
                things.add(f"{where}: session")
        for where, held in self.held.items():
            for kind, tokens in held.tokens.items():
                if self._access(held, kind, tokens["access_token"]):
                    things.add(f"{where}: {kind} access token")
                # Nobody is signed in at an application's server.
                if refresh(held.rp, tokens["refresh_token"]).status_code == 200:
                    things.add(f"{where}: {kind} refresh token")
        return frozenset(things)

    def _access(self, held: Held, kind: str, token: str) -> bool:
        if kind.endswith("API"):
            return bool(self.api.learns(token)["active"])
        return held.rp.userinfo(token).status_code == 200


HERE, OTHER_APP, OTHER_BROWSER, PHONE, KARIMS = (
    "here",
    "other application",
    "other browser",
    "phone",
    "somebody else",
)
PLACES = (HERE, OTHER_APP, OTHER_BROWSER, PHONE, KARIMS)


def things(*places: str, online: bool = False, offline: bool = False) -> frozenset[str]:
    """The names of what is held there: what hangs on the session, and what outlives it."""
    found = set()
    for place in places:
        if online and place != OTHER_APP:
            found.add(f"{place}: session")
        kinds = [
            *(["online", "online API"] if online else []),
            *(["offline", "offline API"] if offline else []),
        ]
        for kind in kinds:
            if place == OTHER_APP and kind.endswith("API"):
                continue
            found |= {f"{place}: {kind} access token", f"{place}: {kind} refresh token"}
    return frozenset(found)


def both(*places: str) -> frozenset[str]:
    """Everything that is held there."""
    return things(*places, online=True, offline=True)


EVERYTHING = both(*PLACES)


@pytest.fixture
def world(
    site: Site,
    app: Starlette,
    client: TestClient,
    backchannel: TestClient,
    clock: MovableClock,
    make_rp: Callable[..., RelyingParty],
) -> World:
    """Hanne with a laptop in two browsers and a phone, Karim with a laptop; two applications."""
    api = resource_server(site, backchannel)
    hospital = application(site, client)
    pharmacy = make_rp(
        client_id="pharmacy",
        redirect_uris=["https://pharmacy.example/callback"],
        scope=OFFLINE,
        metadata=hospital.client.metadata,
        first_party=True,
    )
    browsers = {HERE: client}
    for place in (OTHER_BROWSER, PHONE, KARIMS):
        browsers[place] = TestClient(app, base_url=ORIGIN, follow_redirects=False)
    hanne = hold_device(site, client)
    sign_in(site, browsers[OTHER_BROWSER], hanne.held)
    phone = hold_device(site, browsers[PHONE])
    hold_device(site, browsers[KARIMS], KARIM)
    held = {
        place: Held(replace_browser(hospital, browser)).obtain()
        for place, browser in browsers.items()
    }
    held[OTHER_APP] = Held(pharmacy).obtain()
    world = World(site, clock, api, hanne, client, browsers, held, phone.held)
    assert world.alive() == EVERYTHING
    clock.advance(seconds=1)
    return world


def replace_browser(rp: RelyingParty, browser: TestClient) -> RelyingParty:
    return RelyingParty(rp.site, browser, rp.client, rp.client_secret)


# The acts


def sign_out_here(world: World) -> None:
    assert Screen(world.here).post_form("/sign-out").status_code == 303


def sign_out_at_an_application(world: World) -> None:
    hint = world.held[HERE].tokens["online"]["id_token"]
    asked = world.here.get("/logout", params={"id_token_hint": hint}).text
    token = asked.partition('name="logout" value="')[2].partition('"')[0]
    assert Screen(world.here).post_form("/logout/confirm", logout=token).status_code == 200


def sign_out_everywhere(world: World) -> None:
    assert Screen(world.here).post_form("/sign-out/everywhere").status_code == 303


def sign_out_everywhere_and_offline(world: World) -> None:
    answer = Screen(world.here).post_form("/sign-out/everywhere", offline="yes")
    assert answer.status_code == 303


def end_an_installation(world: World) -> None:
    session = world.hanne.session
    path = f"/devices/{session.device_id}/installations/{session.installation_id}/end"
    assert Screen(world.browsers[PHONE]).post_form(path).status_code == 303


def withdraw_an_application(world: World) -> None:
    answer = Screen(world.here).post_form("/applications/hospital/withdraw")
    assert answer.headers["location"] == "/applications?done=withdrawn"


def suspend_the_laptop(world: World) -> None:
    with writing(world.site.database) as connection:
        assert suspend(job(world.site, connection), world.hanne.held.device, "desk", "desk")


def suspend_and_resume_the_laptop(world: World) -> None:
    suspend_the_laptop(world)
    world.clock.advance(seconds=1)
    with writing(world.site.database) as connection:
        resume(job(world.site, connection), world.hanne.held.device, "desk")


def unlink_the_laptop(world: World) -> None:
    with writing(world.site.database) as connection:
        unlink(job(world.site, connection), world.hanne.held.device, "desk")


def let_the_laptop_sleep(world: World) -> None:
    device_id = world.hanne.held.device.id
    with writing(world.site.database) as connection:
        long_ago = world.clock() - world.site.settings.dormant_after * 2
        told = long_ago + world.site.settings.dormancy_notice
        connection.execute(
            devices.update()
            .where(devices.c.id == device_id)
            .values(last_used_at=long_ago, dormancy_told_at=told)
        )
        assert make_dormant(job(world.site, connection), [device_id]) == 1


def block_all_but_the_phone(world: World) -> None:
    with writing(world.site.database) as connection:
        occasion = job(world.site, connection)
        person_id, phone = world.hanne.person.id, world.phone.device.id
        assert suspend_all(occasion, person_id, "holder", "holder", but=phone)


def suspend_the_person(world: World) -> None:
    """Fraud: the desk blocks all that somebody has."""
    with writing(world.site.database) as connection:
        occasion = job(world.site, connection)
        assert suspend_all(occasion, world.hanne.person.id, "desk", "desk")


def use_the_emergency_door(world: World) -> None:
    with writing(world.site.database) as connection:
        assert begin_emergency_block(job(world.site, connection), world.hanne.person.id, "upstream")


def die(world: World) -> None:
    dead = replace(HANNE, deceased=True)
    with writing(world.site.database) as connection:
        find_or_create_person(connection, world.site.secrets, dead, world.clock())


def end_the_client(world: World) -> None:
    with writing(world.site.database) as connection:
        assert end_client(connection, world.site.secrets, "hospital", world.clock()) is not None


def rotate_the_signing_keys(world: World) -> None:
    site = world.site
    for alg in ALGORITHMS:
        rotate(site.database, site.settings, site.secrets, world.clock(), alg, at_once=True)
    world.clock.advance(minutes=2)  # every process has read them


def expire_the_sessions(world: World) -> None:
    world.clock.now += world.site.settings.session_idle


Act = Callable[[World], None]
LAPTOP = (HERE, OTHER_APP, OTHER_BROWSER)
HANNES = (*LAPTOP, PHONE)
HOSPITALS = (HERE, OTHER_BROWSER, PHONE)
SESSIONS = frozenset(f"{place}: session" for place in PLACES)

# Each act, and what of everything ends by it.
ENDS: dict[str, tuple[Act, frozenset[str]]] = {
    "sign out here": (sign_out_here, things(HERE, OTHER_APP, online=True)),
    "sign out at an application": (
        sign_out_at_an_application,
        things(HERE, OTHER_APP, online=True),
    ),
    "sign out everywhere": (sign_out_everywhere, things(*HANNES, online=True)),
    "sign out everywhere, offline too": (sign_out_everywhere_and_offline, both(*HANNES)),
    "end one installation": (end_an_installation, things(HERE, OTHER_APP, online=True)),
    "withdraw an application": (withdraw_an_application, both(*HOSPITALS) - SESSIONS),
    "suspend a device": (suspend_the_laptop, both(*LAPTOP)),
    "suspend and resume a device": (suspend_and_resume_the_laptop, both(*LAPTOP)),
    "unlink a device": (unlink_the_laptop, both(*LAPTOP)),
    "a device becomes dormant": (let_the_laptop_sleep, both(*LAPTOP)),
    "block all but one": (block_all_but_the_phone, both(*LAPTOP)),
    "suspend a person": (suspend_the_person, both(*HANNES)),
    "the emergency door": (use_the_emergency_door, both(*HANNES)),
    "the person has died": (die, both(*HANNES)),
    "end a client": (end_the_client, both(*HOSPITALS, KARIMS) - SESSIONS),
    "rotate the signing keys": (rotate_the_signing_keys, frozenset()),
}


@pytest.mark.parametrize("act", ENDS)
def test_what_it_ends_and_nothing_else(world: World, act: str) -> None:  # decisions 7
    does, ends = ENDS[act]
    does(world)
    alive = world.alive()
    assert sorted(EVERYTHING - alive) == sorted(ends)
    assert alive <= EVERYTHING


def test_a_session_that_expires_takes_its_online_grants_alone(
    world: World,
) -> None:  # decisions 1.2
    expire_the_sessions(world)
    kinds = ("offline refresh token", "offline API refresh token")
    assert world.alive() == {thing for thing in EVERYTHING if thing.endswith(kinds)}

"""Any walk through the endpoints, with what is right, stale, somebody else's or garbage.

However it goes: never a crash, nothing accepted whose chain has ended, nothing twice that counts
once, nothing wider than what was allowed and than what the client may ask today.

The walks are the same each time, so that the test never fails by chance. `FUZZ_SEED=7` takes others
(`random`: new ones each time), `FUZZ_RUNS` and `FUZZ_STEPS` make them more and longer:
`FUZZ_SEED=random FUZZ_RUNS=300 make test ARGS="-k test_any_walk"`. A fault names the walk that
shows it and the seed; to find a shorter one takes minutes, which `FUZZ_SHRINK=no` saves.
"""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed
from hypothesis import settings as tries
from hypothesis.stateful import initialize, rule, run_state_machine_as_test
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.clients.clients import DEVICE_CODE, JWT_BEARER, TOKEN_EXCHANGE
from authn.settings import Settings
from authn.web.site import Site
from tests.certificates import issue
from tests.citizen import ORIGIN
from tests.conftest import MovableClock
from tests.oidc.fapi import PROXY, behind_a_proxy
from tests.oidc.fuzz_at_once import AtOnce
from tests.oidc.fuzz_ends import ENDS, Ends
from tests.oidc.fuzz_misuse import Misuse
from tests.oidc.fuzz_model import Asked, Refresh
from tests.oidc.fuzz_parties import NAMES
from tests.oidc.fuzz_values import ANY, APPLICATIONS, OFFLINE, PASSING, SCREENS, detail
from tests.oidc.fuzz_world import picked
from tests.oidc.relying_party import VERIFIER
from tests.oidc.resource_servers import resource_server

pytestmark = pytest.mark.thorough

RUNS = int(os.environ.get("FUZZ_RUNS", "26"))
STEPS = int(os.environ.get("FUZZ_STEPS", "40"))
SEED = os.environ.get("FUZZ_SEED", "1")
SHRINK = os.environ.get("FUZZ_SHRINK", "yes") == "yes"
AT_API = OFFLINE | {"letters", "drafts"}
CENTURY = timedelta(days=36500)
# What each step does when all is well: a walk that never comes so far would show nothing.
DONE = {
    "/device_authorization ",
    "/par ",
    "/revoke ",
    *(f"/token {each}" for each in ("authorization_code", "client_credentials", "refresh_token")),
    *(f"/token {each}" for each in (DEVICE_CODE, JWT_BEARER, TOKEN_EXCHANGE)),
    *(f"{each} /grants" for each in ("GET", "DELETE")),
    *(f"{each} /register" for each in ("GET", "PUT", "DELETE")),
    *("a code", "a code for a pushed request", "a request object", "a client assertion"),
    *("a proof", "userinfo", "introspection"),
    *("a code at once", "a refresh token at once", "a pushed request at once"),
    *("a device code at once", "an assertion at once", "a client assertion at once"),
    *("a proof at once", "an end at once: hospital", "an end at once: guest"),
    *("used while it ends", "withdrawn"),
}


class Walk(AtOnce, Misuse):
    """What can happen, in any order."""

    @initialize()
    def start(self) -> None:
        """Each application has tokens that outlive a session, and a code."""
        self.begin()
        for name in NAMES:
            party = self.parties[name]
            for scope, how in (
                (OFFLINE, "none"),
                (OFFLINE, None),
                (AT_API, "one"),
                (AT_API, "none"),
            ):
                details = (detail("letters"),) if scope == AT_API and name != "guest" else ()
                asked = Asked(scope, VERIFIER, party.redirect_uris[0], details)
                self.ask(party, 0, asked, how)

    @rule(number=ANY)
    def use(self, *, number: int) -> None:
        access = picked(self.book.accesses, number)
        if access is not None:
            self.used(access)

    @rule(number=ANY, name=APPLICATIONS)
    def revoke(self, *, number: int, name: str) -> None:
        thing = picked([*self.book.accesses, *self.book.refreshes], number)
        if thing is None:
            return
        party = self.parties[name]
        if self.post("/revoke", party, {"token": thing.value}).status_code != 200:
            return
        if isinstance(thing, Refresh):
            assert party is thing.grant.party
            thing.grant.ended = True
        elif thing.may_live(self.clock()):
            assert party is thing.party
            thing.revoked = True

    @rule(end=ENDS, screen=SCREENS, name=APPLICATIONS)
    def end(self, *, end: Callable[[Ends, int, str], None], screen: int, name: str) -> None:
        """What lived until then is looked at, and gone on with."""
        party, now = self.parties[name], self.clock()
        living = [each for each in self.book.accesses if each.may_live(now)]
        usable = [each for each in self.book.refreshes if each.may_be_used(now)]
        end(self, screen, name)
        for access in [*living[-3:], *[each for each in living if each.party is party][-3:]]:
            self.used(access)
        for token in [*usable[-2:], *[each for each in usable if each.grant.party is party][-3:]]:
            self.refreshed(token, token.grant.party, {}, self.proof(self.key_of(token.jkt)))

    @rule(seconds=PASSING)
    def wait(self, *, seconds: int) -> None:
        self.clock.advance(seconds=seconds)

    def teardown(self) -> None:
        """What is left is worth nothing once both devices are gone."""
        if hasattr(self, "book"):
            for each in self.book.accesses:
                self.used(each)
            for screen in (0, 1):
                self.unlinked(screen)
            for each in self.book.accesses[-5:]:
                self.used(each)


@pytest.fixture
def settings(settings: Settings, clock: MovableClock, tmp_path: Path) -> Settings:
    """Who has a token may register; a proxy says with which certificate clients connect."""
    return behind_a_proxy(settings, issue("Root", clock(), ca=True), tmp_path)


@pytest.fixture
def backchannel(app: Starlette) -> Iterator[TestClient]:
    """What connects is the proxy."""
    with TestClient(app, base_url=ORIGIN, follow_redirects=False, client=(PROXY, 1)) as client:
        yield client


@pytest.fixture
def here(site: Site, app: Starlette, clock: MovableClock, backchannel: TestClient) -> type[Walk]:
    """A walk in this service."""

    class Here(Walk):
        pass

    Here.site, Here.app, Here.clock, Here.http = site, app, clock, backchannel
    scopes = {"letters": "Read your letters", "drafts": "Write some"}
    Here.api = resource_server(site, backchannel, scopes=scopes)
    Here.certificate, Here.other_certificate = (
        issue(name, clock(), valid_until=CENTURY) for name in ("bank", "thief")
    )
    Here.seen = Counter()
    return Here


def test_each_step_leads_somewhere(here: type[Walk]) -> None:
    walk = here()
    walk.start()
    well: dict[str, Any] = {"well": True, "how": "one", "details": ()}
    walk.exchange(number=4, name="hospital", how="none", scope=None, extras={})
    walk.push(name="bank", scope=OFFLINE, at_once=True, **well)
    walk.ask_signed(name="app", screen=1, scope=OFFLINE, details=(), pushed=False, well=True)
    walk.say_who_it_is(path="/par")
    walk.redeem_at_once(name="app", how="one")
    walk.refresh_at_once(number=1)
    walk.bring_at_once(name="guest", screen=0)
    walk.poll_at_once(name="app", screen=0)
    walk.say_at_once(name="app")
    walk.prove_at_once(name="bank")
    walk.change_itself(changes={"scope": "openid"}, well=True)
    for method in ("GET", "DELETE"):
        walk.manage(number=0, name="hospital", method=method, right=True)
    walk.revoke(number=0, name="hospital")
    walk.act_for_another(scope=OFFLINE, screen=1, how="one", ends=True)
    for name in ("hospital", "guest"):
        walk.end_at_once(name=name)
    walk.change_itself(changes={}, well=True)
    walk.manage_registration(method="DELETE", whose="its own", changes={})
    walk.end(end=Ends.withdrawn, screen=0, name="bank")
    walk.use_while_it_ends(end=Ends.signed_out, name="app", screen=0, what="a refresh")
    walk.teardown()
    assert walk.seen.keys() >= DONE, DONE - walk.seen.keys()


def test_any_walk(site: Site, here: type[Walk]) -> None:
    runs = RUNS if site.database.write_lock else max(RUNS // 3, 1)
    number = random.SystemRandom().getrandbits(32) if SEED == "random" else int(SEED)
    walks = tries(
        max_examples=runs,
        stateful_step_count=STEPS,
        deadline=None,
        phases=(Phase.generate, Phase.shrink) if SHRINK else (Phase.generate,),
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(seed(number)(here), settings=walks)
    except BaseException as fault:
        fault.add_note(f"FUZZ_SEED={number}")
        raise

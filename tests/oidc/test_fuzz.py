"""Any walk through the endpoints, with what is right, stale, somebody else's or garbage.

However it goes: never a crash, nothing accepted whose chain has ended, nothing twice that counts
once, nothing wider than what was allowed. `FUZZ_RUNS` and `FUZZ_STEPS` make it longer.
"""

import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.clients.clients import DEVICE_CODE
from authn.clients.protocol_words import TOKEN_EXCHANGE
from authn.oidc.grant_types.token_exchange import ACCESS_TOKEN
from authn.web.site import Site
from tests.conftest import MovableClock
from tests.oidc.fuzz_elsewhere import Elsewhere
from tests.oidc.fuzz_model import Access, Code, Party, Pushed, Refresh
from tests.oidc.fuzz_values import (
    ANY,
    APPLICATIONS,
    ENDS,
    GARBAGE,
    NARROWER,
    NEARLY_ALWAYS,
    OFFLINE,
    PASSING,
    PROMPTS,
    SCOPES,
    SCREENS,
    VERIFIERS,
)
from tests.oidc.fuzz_world import NAMES, World, fine, picked
from tests.oidc.pushing import bring, push
from tests.oidc.refreshing import refresh
from tests.oidc.relying_party import VERIFIER, s256
from tests.oidc.resource_servers import API, resource_server

pytestmark = pytest.mark.thorough

RUNS = int(os.environ.get("FUZZ_RUNS", "30"))
STEPS = int(os.environ.get("FUZZ_STEPS", "50"))


class Walk(Elsewhere):
    """What can happen, in any order."""

    @initialize()
    def start(self) -> None:
        """Each application has tokens that outlive a session, and a code."""
        self.begin()
        for name in NAMES:
            for at_once in (True, False):
                self.ask(self.parties[name], 0, OFFLINE, at_once=at_once)

    @rule(
        name=APPLICATIONS,
        screen=SCREENS,
        scope=SCOPES,
        verifier=VERIFIERS,
        prompt=PROMPTS,
        well=NEARLY_ALWAYS,
        at_once=st.booleans(),
    )
    def authorize(
        self,
        *,
        name: str,
        screen: int,
        scope: str,
        verifier: str,
        prompt: str | None,
        well: bool,
        at_once: bool,
    ) -> None:
        """`well`: everybody is there and says yes; `at_once`: the code is redeemed."""
        if well:
            self.revive(name, screen)
        self.ask(
            self.parties[name],
            screen,
            scope,
            verifier,
            at_once=at_once,
            prompt=prompt,
            decision="allow" if well else "decline",
        )

    def ask(
        self,
        party: Party,
        screen: int,
        scope: str,
        verifier: str = VERIFIER,
        *,
        at_once: bool,
        prompt: str | None = None,
        decision: str = "allow",
    ) -> None:
        answer = self.rp(party, screen).authorize(
            scope=scope, code_challenge=s256(verifier), prompt=prompt
        )
        code = self.answered(party, screen, answer, decision)
        if code:
            self.allowed(party, screen, code, frozenset(scope.split()), verifier)
        if code and at_once:
            self.redeemed(self.book.codes[-1], party, verifier)

    @rule(name=APPLICATIONS, scope=SCOPES, well=NEARLY_ALWAYS)
    def push(self, *, name: str, scope: str, well: bool) -> None:
        if well:
            self.revive(name, 0)
        party = self.parties[name]
        answer = fine(push(self.rp(party), scope=scope))
        assert (answer.status_code == 201) == (not party.ended)
        if answer.status_code == 201:
            uri = self.book.new(answer.json()["request_uri"])
            asked = frozenset(scope.split())
            self.book.pushed.append(Pushed(uri, party, self.clock(), VERIFIER, asked))

    @rule(number=ANY, name=APPLICATIONS, screen=SCREENS, right=NEARLY_ALWAYS)
    def bring(self, *, number: int, name: str, screen: int, right: bool) -> None:
        pushed: Pushed | None = picked(self.book.pushed, number)
        if pushed is None:
            return
        party = pushed.party if right else self.parties[name]
        answer = bring(self.rp(party, screen), pushed.value)
        code = self.answered(party, screen, answer, "allow")
        if code:
            assert pushed.may_be_answered(self.clock()), "a request that was worth nothing"
            assert party is pushed.party
            pushed.spent = True
            self.allowed(party, screen, code, pushed.scope, pushed.verifier)

    @rule(number=ANY, name=APPLICATIONS, verifier=VERIFIERS, right=NEARLY_ALWAYS)
    def redeem(self, *, number: int, name: str, verifier: str, right: bool) -> None:
        code: Code | None = picked(self.book.codes, number)
        if code is not None:
            party = code.grant.party if right else self.parties[name]
            self.redeemed(code, party, code.verifier if right else verifier)

    def redeemed(self, code: Code, party: Party, verifier: str) -> None:
        form = {"code_verifier": verifier}
        answer = fine(self.rp(party).redeem(code.value, self.http, **form))
        own = party is code.grant.party and not party.ended
        if answer.status_code == 200:
            assert own
            assert verifier == code.verifier
            assert code.may_be_redeemed(self.clock()), "a code that was worth nothing"
            self.obtained(answer, code.grant, party)
            token = Refresh(self.book.new(answer.json()["refresh_token"]), code.grant)
            self.book.refreshes.append(token)
            code.used = True
        elif own:  # a second use ends what the first one gave, a wrong first one all that could be
            code.used = code.grant.ended = True

    @rule(number=ANY, name=APPLICATIONS, right=NEARLY_ALWAYS, scope=NARROWER)
    def refresh(self, *, number: int, name: str, right: bool, scope: str | None) -> None:
        token: Refresh | None = picked(self.book.refreshes, number)
        if token is None:
            return
        party = token.grant.party if right else self.parties[name]
        own = party is token.grant.party and not party.ended
        wider = set((scope or "").split()) - token.grant.scope
        answer = fine(refresh(self.rp(party), token.value, self.http, scope=scope))
        if answer.status_code == 200:
            assert own
            assert not wider, "more than was allowed"
            assert token.may_be_used(self.clock()), "a refresh token that was worth nothing"
            self.obtained(answer, token.grant, party)
            self.goes_on(token, answer.json()["refresh_token"], party)
        elif own and token.rotated_at is not None and not wider:
            token.grant.ended = True  # it came back: its whole family has ended

    @rule(number=ANY, name=APPLICATIONS)
    def exchange(self, *, number: int, name: str) -> None:
        access: Access | None = picked(self.book.accesses, number)
        if access is None:
            return
        party = self.parties[name]
        form = {
            "grant_type": TOKEN_EXCHANGE,
            "subject_token": access.value,
            "subject_token_type": ACCESS_TOKEN,
            "resource": API,
        }
        answer = self.post("/token", party, form)
        if answer.status_code == 200:
            assert access.may_live(self.clock()), "an exchange of what was worth nothing"
            assert not party.public
            assert not party.ended
            left = access.expires_at - self.clock()
            assert answer.json()["expires_in"] <= left.total_seconds(), "a longer life"
            token = self.book.new(answer.json()["access_token"])
            until = access.expires_at
            self.book.accesses.append(Access(token, access.grant, party, API, until))

    @rule(number=ANY)
    def use(self, *, number: int) -> None:
        access: Access | None = picked(self.book.accesses, number)
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

    @rule(end=ENDS, screen=SCREENS, name=APPLICATIONS, really=st.sampled_from((True, False)))
    def end(
        self, *, end: Callable[[World, int, str], None], screen: int, name: str, really: bool
    ) -> None:
        if really:
            end(self, screen, name)

    @rule(seconds=PASSING)
    def wait(self, *, seconds: int) -> None:
        self.clock.advance(seconds=seconds)

    @rule(number=ANY, garbage=GARBAGE, name=APPLICATIONS)
    def present_something_else(self, *, number: int, garbage: str, name: str) -> None:
        """A thing of one kind where another one is meant, or nothing that was ever given."""
        party, others = self.parties[name], self.book.by_kind()
        for field, grant_type in (
            ("code", "authorization_code"),
            ("refresh_token", "refresh_token"),
            ("subject_token", TOKEN_EXCHANGE),
            ("device_code", DEVICE_CODE),
        ):
            wrong = [each for kind, values in others.items() if kind != field for each in values]
            form = {
                "grant_type": grant_type,
                field: (number % 2 and picked(wrong, number)) or garbage,
                "subject_token_type": ACCESS_TOKEN,
                "redirect_uri": self.rps[party.client_id].redirect_uri,
                "code_verifier": VERIFIER,
            }
            assert self.post("/token", party, form).status_code in (400, 401)
        wrong = [
            each for kind in ("code", "refresh_token", "device_code", "") for each in others[kind]
        ]
        other = picked(wrong, number) or "x"
        headers = {"Authorization": f"Bearer {other}"}
        assert fine(self.http.get("/userinfo", headers=headers)).status_code == 401
        assert self.api.learns(other) == {"active": False}
        fine(self.http.get("/logout", params={"id_token_hint": other}))

    def teardown(self) -> None:
        """What is left is worth nothing once both devices are gone."""
        if hasattr(self, "book"):
            for each in self.book.accesses:
                self.used(each)
            for screen in (0, 1):
                self.unlinked(screen)
            for each in self.book.accesses[-5:]:
                self.used(each)


def test_any_walk(
    site: Site, app: Starlette, clock: MovableClock, client: TestClient, backchannel: TestClient
) -> None:
    class Here(Walk):
        pass

    Here.site, Here.app, Here.clock, Here.http = site, app, clock, backchannel
    Here.api = resource_server(site, backchannel)
    runs = RUNS if site.database.write_lock else max(RUNS // 3, 1)
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=runs,
            stateful_step_count=STEPS,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )

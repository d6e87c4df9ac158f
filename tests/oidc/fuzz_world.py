"""Who the fuzz is about: a person with two screens, two applications that may do much, an API.

Everything here does something for certain and writes into the model what it has done.
"""

import re
from collections.abc import Sequence
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

from httpx2 import Response
from hypothesis.stateful import RuleBasedStateMachine
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.clients.clients import (
    CLIENT_CREDENTIALS,
    DEVICE_CODE,
    GRANT_MANAGEMENT_QUERY,
    GRANT_MANAGEMENT_REVOKE,
)
from authn.clients.exchange_pairs import ExchangePair, allow_exchange
from authn.clients.protocol_words import TOKEN_EXCHANGE
from authn.db.transaction import writing
from authn.devices.devices import find_device
from authn.devices.life import resume, suspend, unlink
from authn.grants.ended_clients import end_client
from authn.secrets import new_token
from authn.web.site import Site
from tests.citizen import ORIGIN, Screen
from tests.conftest import MovableClock
from tests.occasion import job
from tests.oidc.fuzz_model import (
    ACCESS_LIFETIME,
    Access,
    Allowed,
    Book,
    Code,
    Machine,
    Party,
    Refresh,
    SignedIn,
)
from tests.oidc.refreshing import GRANT_TYPES
from tests.oidc.relying_party import (
    Holder,
    RelyingParty,
    basic,
    hold_device,
    register,
    sign_in,
)
from tests.oidc.resource_servers import API, ResourceServer
from tests.oidc.systems import ORGANISATION

MANAGING = (GRANT_MANAGEMENT_QUERY, GRANT_MANAGEMENT_REVOKE)
USERINFO = f"{ORIGIN}/userinfo"
NAMES = ("hospital", "app")


def picked(things: Sequence[Any], number: int) -> Any:
    """One of them, mostly a late one; None where there is none yet."""
    if not things:
        return None
    some = things[-3:] if number % 4 else things
    return some[number % len(some)]


def fine(answer: Response) -> Response:
    """No crash, whatever was sent."""
    assert answer.status_code < 500, answer.text
    return answer


class World(RuleBasedStateMachine):
    """The ground of a walk; the rules are in `test_fuzz`."""

    site: Site
    app: Starlette
    clock: MovableClock
    api: ResourceServer
    http: TestClient

    def begin(self) -> None:
        """Hanne is signed in on two screens, and nothing was given yet."""
        self.book = Book()
        self.rps: dict[str, RelyingParty] = {}
        self.parties: dict[str, Party] = {}
        self.screens = [
            TestClient(self.app, base_url=ORIGIN, follow_redirects=False) for _ in range(2)
        ]
        self.machines = [Machine(), Machine()]
        self.holders: list[Holder] = [hold_device(self.site, each) for each in self.screens]
        self.sessions = [self.new_session(each) for each in self.machines]
        for name in NAMES:
            self.registered(name)

    def new_session(self, machine: Machine) -> SignedIn:
        session = SignedIn(machine, self.clock(), self.clock())
        self.book.sessions.append(session)
        return session

    def registered(self, name: str) -> None:
        """The application is a client, whose tokens the hospital may exchange for the API."""
        party = self.parties[name] = Party(f"{name}-{new_token(6)}", public=name == "app")
        self.rps[party.client_id] = register(
            self.site,
            self.http,
            client_id=party.client_id,
            redirect_uris=[f"https://{name}.example/callback"],
            token_endpoint_auth_method="none" if party.public else "client_secret_basic",
            scope=" ".join(("openid profile letters offline_access", *MANAGING)),
            resources=[API],
            organisation="" if party.public else ORGANISATION,
            metadata=ClientMetadata(
                grant_types=(
                    *(*GRANT_TYPES, TOKEN_EXCHANGE, DEVICE_CODE),
                    *(() if party.public else (CLIENT_CREDENTIALS,)),
                )
            ),
        )
        caller = self.parties["hospital"].client_id
        with writing(self.site.database) as connection:
            for each in {party.client_id, self.parties.get("app", party).client_id}:
                pair = ExchangePair(caller, each, API)
                allow_exchange(connection, self.site.secrets, pair, self.clock())

    def rp(self, party: Party, screen: int = 0) -> RelyingParty:
        made = self.rps[party.client_id]
        return RelyingParty(self.site, self.screens[screen], made.client, made.client_secret)

    def post(self, path: str, party: Party, form: dict[str, str]) -> Response:
        """What the endpoint answers to this client."""
        headers = {}
        if party.public:
            form = {**form, "client_id": party.client_id}
        else:
            secret = self.rps[party.client_id].client_secret
            headers["Authorization"] = basic(party.client_id, secret)
        return fine(self.http.post(path, data=form, headers=headers))

    def revive(self, name: str, screen: int) -> None:
        """Whoever has ended is there again: another client, another session, another device."""
        if self.parties[name].ended:
            self.registered(name)
        if not self.sessions[screen].may_live(self.clock()):
            self.signed_in(screen)

    def signed_in(self, screen: int) -> None:
        """Again on the same device, or on a new one where that is gone."""
        self.clock.advance(seconds=1)
        if self.machines[screen].active:
            sign_in(self.site, self.screens[screen], self.holders[screen].held)
        else:
            self.unlinked(screen)
            self.holders[screen] = hold_device(self.site, self.screens[screen])
            self.machines[screen] = Machine()
        self.sessions[screen] = self.new_session(self.machines[screen])

    def answered(self, party: Party, screen: int, answer: Response, decision: str) -> str:
        """The code that came of an authorization request; "" for none. A page is answered."""
        session = self.sessions[screen]
        if session.may_live(self.clock()):
            session.seen = self.clock()
        location = fine(answer).headers.get("location", "")
        if urlsplit(location).path == "/consent":
            token = parse_qs(urlsplit(location).query)["request"][0]
            said = Screen(self.screens[screen]).answer_page("/consent", token, decision=decision)
            found = re.search(r'data-location="([^"]*)"', fine(said).text)
            assert found
            location = unescape(found[1])
        code = parse_qs(urlsplit(location).query).get("code", [""])[0]
        if code:
            assert session.may_live(self.clock()), "a code for nobody"
            assert not party.ended, "a code for a client that has ended"
            assert location.startswith(self.rps[party.client_id].redirect_uri)
            self.book.new(code)
        return code

    def allowed(
        self, party: Party, screen: int, code: str, scope: frozenset[str], verifier: str
    ) -> None:
        """A code was given for this."""
        grant = Allowed(party, self.sessions[screen], "offline_access" in scope, scope)
        self.book.grants.append(grant)
        self.book.codes.append(Code(code, grant, self.clock(), verifier))

    def obtained(self, answer: Response, grant: Allowed, party: Party) -> None:
        """An access token, for no more than was allowed, that nobody was given before."""
        body = answer.json()
        assert set(body.get("scope", "").split()) <= grant.scope, "more than was allowed"
        grant.grant_id = body.get("grant_id", "")
        audience = API if "letters" in grant.scope else USERINFO
        token, until = self.book.new(body["access_token"]), self.clock() + ACCESS_LIFETIME
        access = Access(token, grant, party, audience, until)
        self.book.accesses.append(access)
        self.used(access)

    def goes_on(self, token: Refresh, value: str, party: Party) -> None:
        """With the same refresh token, or with its one successor."""
        if not party.public:
            assert value == token.value
        elif token.successor is None:
            token.rotated_at = self.clock()
            token.successor = Refresh(self.book.new(value), token.grant)
            self.book.refreshes.append(token.successor)
        else:
            assert value == token.successor.value
            token.given_again = True

    def used(self, access: Access) -> None:
        """It is accepted where it is meant for, at most, and while its chain may live, at most."""
        headers = {"Authorization": f"Bearer {access.value}"}
        answer = fine(self.http.get("/userinfo", headers=headers))
        if answer.status_code == 200:
            assert access.audience == USERINFO
            assert access.may_live(self.clock()), "an access token that was worth nothing"
        if self.api.learns(access.value)["active"]:
            assert access.audience == API
            assert access.may_live(self.clock()), "active, although it has ended"

    # What ends

    def signed_out(self, screen: int, name: str) -> None:
        fine(Screen(self.screens[screen]).post_form("/sign-out"))
        self.sessions[screen].ended = True

    def signed_out_everywhere(self, screen: int, name: str, **fields: str) -> None:
        answer = Screen(self.screens[screen]).post_form("/sign-out/everywhere", **fields)
        if fine(answer).headers.get("location", "").startswith("/signed-out"):
            for session in self.book.sessions:
                session.ended = True
            for grant in self.book.grants:
                grant.ended = grant.ended or bool(fields) or not grant.offline

    def signed_out_of_everything(self, screen: int, name: str) -> None:
        self.signed_out_everywhere(screen, name, offline="yes")

    def withdrawn(self, screen: int, name: str) -> None:
        party = self.parties[name]
        path = f"/applications/{party.client_id}/withdraw"
        answer = fine(Screen(self.screens[screen]).post_form(path))
        if answer.headers.get("location") == "/applications?done=withdrawn":
            for grant in self.book.grants:
                grant.ended = grant.ended or grant.party is party

    def suspended(self, screen: int, name: str) -> None:
        if self.machines[screen].active:
            with writing(self.site.database) as connection:
                occasion, held = job(self.site, connection), self.holders[screen].held
                device = find_device(connection, held.person.id, held.device.id)
                assert suspend(occasion, device, "desk", "desk")
            self._over(self.machines[screen])

    def suspended_and_resumed(self, screen: int, name: str) -> None:
        if self.machines[screen].active:
            self.suspended(screen, name)
            self.clock.advance(seconds=1)
            with writing(self.site.database) as connection:
                occasion, held = job(self.site, connection), self.holders[screen].held
                device = find_device(connection, held.person.id, held.device.id)
                resume(occasion, device, "desk")
            self.machines[screen].active = True

    def unlinked(self, screen: int, name: str = "") -> None:
        machine, held = self.machines[screen], self.holders[screen].held
        if not machine.gone:
            with writing(self.site.database) as connection:
                occasion = job(self.site, connection)
                device = find_device(connection, held.person.id, held.device.id)
                unlink(occasion, device, "desk")
            machine.gone = True
            self._over(machine)

    def client_ended(self, screen: int, name: str) -> None:
        party = self.parties[name]
        with writing(self.site.database) as connection:
            end_client(connection, self.site.secrets, party.client_id, self.clock())
        party.ended = True

    def long_after(self, screen: int, name: str) -> None:
        self.clock.advance(minutes=(61, 13 * 60, 40 * 24 * 60)[screen + (name == "app")])

    def _over(self, machine: Machine) -> None:
        machine.active = False
        for session in self.book.sessions:
            session.ended = session.ended or session.machine is machine
        for grant in self.book.grants:
            grant.ended = grant.ended or grant.session.machine is machine

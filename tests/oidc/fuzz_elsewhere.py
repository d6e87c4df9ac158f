"""What the fuzz does without a redirect: codes for another screen, the grants of a client, and
codes for who acts for somebody else.

RFC 8628 (https://www.rfc-editor.org/rfc/rfc8628), Grant Management for OAuth 2.0
(https://openid.net/specs/fapi-grant-management.html).
"""

import re
from urllib.parse import SplitResult, parse_qs, urlsplit

from httpx2 import Response
from hypothesis import strategies as st
from hypothesis.stateful import rule

from authn.clients.clients import CLIENT_CREDENTIALS, DEVICE_CODE, Client, find_client
from authn.db.transaction import reading, writing
from authn.grants.codes import issue_code
from tests.citizen import Screen
from tests.oidc.acting import asked as checked
from tests.oidc.fuzz_flow import Flow
from tests.oidc.fuzz_model import Allowed, Asked, OtherScreenCode, Party
from tests.oidc.fuzz_parties import MANAGING, fine
from tests.oidc.fuzz_values import (
    ANY,
    APPLICATIONS,
    EXTRAS,
    METHODS,
    NEARLY_ALWAYS,
    PROOFS,
    SCOPES,
    SCREENS,
)
from tests.oidc.fuzz_world import picked
from tests.oidc.relying_party import VERIFIER, RelyingParty
from tests.oidc.resource_servers import API


class Elsewhere(Flow):
    """More that can happen, in any order."""

    @rule(name=APPLICATIONS, scope=SCOPES)
    def ask_for_a_code(self, *, name: str, scope: frozenset[str]) -> None:
        self.code_for_another_screen(self.parties[name], scope)

    def code_for_another_screen(
        self, party: Party, scope: frozenset[str]
    ) -> OtherScreenCode | None:
        answer = self.post("/device_authorization", party, {"scope": " ".join(sorted(scope))})
        if answer.status_code != 200:
            return None
        assert not party.ended
        assert DEVICE_CODE in party.grant_types
        codes = answer.json()
        value, typed = self.book.new(codes["device_code"]), self.book.new(codes["user_code"])
        asked = OtherScreenCode(value, typed, party, self.clock(), scope)
        self.book.other_screens.append(asked)
        return asked

    @rule(number=ANY, screen=SCREENS, well=NEARLY_ALWAYS)
    def type_it(self, *, number: int, screen: int, well: bool) -> None:
        asked: OtherScreenCode | None = picked(self.book.other_screens, number)
        if asked is not None:
            self.typed(asked, screen, "allow" if well else "decline")

    def typed(self, asked: OtherScreenCode, screen: int, decision: str) -> None:
        """Somebody types it, and decides."""
        session = self.sessions[screen]
        if not session.may_live(self.clock()):
            return
        page = self._page(screen, asked.typed)
        allowed = page.path == "/device/allowed"  # at the very moment of another consent
        if not allowed and page.path != "/consent":
            return
        session.seen = self.clock()
        if not allowed:
            token = parse_qs(page.query)["request"][0]
            answer = Screen(self.screens[screen]).answer_page("/consent", token, decision=decision)
            allowed = self._last_page(screen, fine(answer)) == "/device/allowed"
            assert not allowed or decision == "allow"
        if allowed:
            assert asked.may_be_answered(self.clock()), "a code that was worth nothing"
            offline = "offline_access" in asked.scope
            asked.grant = Allowed(asked.party, session, offline, asked.scope)
            self.book.grants.append(asked.grant)
        else:
            asked.declined = True

    def _page(self, screen: int, typed: str) -> SplitResult:
        """Where "yes, go on" leads; nowhere for a code that nobody waits for."""
        browser = Screen(self.screens[screen])
        location = fine(browser.post_form("/device", user_code=typed)).headers.get("location", "")
        confirm = parse_qs(urlsplit(location).query).get("typed", [""])[0]
        if not confirm:
            return urlsplit("")
        answer = fine(browser.post_form("/device/confirm", typed=confirm, decision="yes"))
        return urlsplit(answer.headers.get("location", ""))

    def _last_page(self, screen: int, answer: Response) -> str:
        path = ""
        while location := answer.headers.get("location", ""):
            path = urlsplit(location).path
            answer = fine(self.screens[screen].get(location))
        return path

    @rule(number=ANY, name=APPLICATIONS, right=NEARLY_ALWAYS, how=PROOFS, extras=EXTRAS)
    def poll(
        self, *, number: int, name: str, right: bool, how: str, extras: dict[str, str]
    ) -> None:
        asked: OtherScreenCode | None = picked(self.book.other_screens, number)
        if asked is None:
            return
        party, proof = asked.party if right else self.parties[name], self.proof(how)
        form = {"grant_type": DEVICE_CODE, "device_code": asked.value, **extras}
        answer = self.post("/token", party, form, proof)
        if answer.status_code == 200:
            assert party is asked.party
            assert asked.grant
            assert not party.ended
            assert asked.may_be_redeemed(self.clock()), "a device code that was worth nothing"
            asked.spent = True
            self.obtained(answer, asked.grant, party, proof, extras)
            self.refreshable(answer, asked.grant, proof)
        elif party is asked.party and asked.grant and "ended" in answer.text:
            asked.spent = asked.grant.ended = True

    @rule(number=ANY, name=APPLICATIONS, method=METHODS, right=NEARLY_ALWAYS)
    def manage(self, *, number: int, name: str, method: str, right: bool) -> None:
        known = [each for each in self.book.grants if each.grant_id]
        managed = [each for each in known if CLIENT_CREDENTIALS in each.party.grant_types]
        grant: Allowed | None = picked(managed if right else known, number)
        party = grant.party if grant and right else self.parties[name]
        token = self.own_token(party)
        if not token or grant is None:
            return
        told = self.managed(method, grant, token)
        if told.status_code in (200, 204):
            assert grant.party is party, "another client's grant"
            assert grant.may_live(self.clock()), "a grant that had ended"
            assert not re.search(r"\b[0-9]{11}\b", told.text), "a national number"
            assert method != "HEAD" or not told.content
            self.seen[f"{method} /grants"] += 1
            grant.ended = grant.ended or method == "DELETE"
        # It is for nothing else.
        headers = {"Authorization": f"Bearer {token}"}
        assert fine(self.http.get("/userinfo", headers=headers)).status_code == 401
        assert self.api.learns(token) == {"active": False}

    def own_token(self, party: Party) -> str:
        """With which the client manages its grants; "" for one that may not."""
        form = {"grant_type": CLIENT_CREDENTIALS, "scope": " ".join(MANAGING)}
        answer = self.post("/token", party, form)
        if answer.status_code != 200:
            return ""
        assert not party.ended
        assert CLIENT_CREDENTIALS in party.grant_types
        return self.book.new(answer.json()["access_token"])

    def managed(self, method: str, grant: Allowed, token: str) -> Response:
        headers = {"Authorization": f"Bearer {token}"}
        return fine(self.http.request(method, f"/grants/{grant.grant_id}", headers=headers))

    @rule(scope=SCOPES, screen=SCREENS, how=PROOFS, ends=st.booleans())
    def act_for_another(self, *, scope: frozenset[str], screen: int, how: str, ends: bool) -> None:
        """The person has chosen to act with a mandate at an application that knows of that."""
        self.revive("care", screen)
        party, profile = self.parties["care"], self.mandated()
        asked = Asked(scope & party.scope, VERIFIER, party.redirect_uris[0])
        rp = RelyingParty(self.site, self.screens[screen], self.client(party), party.secret)
        at_api = not asked.scope.isdisjoint({"letters", "drafts"})
        request = checked(
            self.site,
            rp,
            scope=" ".join(sorted(asked.scope)),
            resource=(API,) if at_api and party.at_resource else (),
        )
        with writing(self.site.database) as connection:
            session = self.holders[screen].session
            code = issue_code(
                connection, request, rp.client, session, self.clock(), profile_id=profile.id
            )
        made = self.allowed(party, screen, self.book.new(code), asked)
        made.grant.capacity = self.capacity
        self.redeemed(made, party, VERIFIER, self.proof(how))
        if ends and made.used:
            self.capacity_ended(screen, "care")
            self.used(self.book.accesses[-1])
            self.refreshed(self.book.refreshes[-1], party, {}, self.proof(how))

    def client(self, party: Party) -> Client:
        with reading(self.site.database) as connection:
            client = find_client(connection, party.client_id)
        assert client
        return client

"""What the fuzz does without a redirect: codes for another screen, and the grants of a client.

RFC 8628 (https://www.rfc-editor.org/rfc/rfc8628), Grant Management for OAuth 2.0
(https://openid.net/specs/fapi-grant-management.html).
"""

import re
from urllib.parse import parse_qs, urlsplit

from httpx2 import Response
from hypothesis import strategies as st
from hypothesis.stateful import rule

from authn.clients.clients import CLIENT_CREDENTIALS, DEVICE_CODE
from tests.citizen import Screen
from tests.oidc.fuzz_model import Allowed, OtherScreenCode, Refresh
from tests.oidc.fuzz_values import ANY, APPLICATIONS, NEARLY_ALWAYS, SCOPES, SCREENS
from tests.oidc.fuzz_world import MANAGING, World, fine, picked

METHODS = st.sampled_from(("GET", "GET", "DELETE"))


class Elsewhere(World):
    """More that can happen, in any order."""

    @rule(name=APPLICATIONS, scope=SCOPES)
    def ask_for_a_code(self, *, name: str, scope: str) -> None:
        party = self.parties[name]
        answer = self.post("/device_authorization", party, {"scope": scope})
        assert (answer.status_code == 200) == (not party.ended)
        if answer.status_code == 200:
            codes = answer.json()
            value, asked_at = self.book.new(codes["device_code"]), self.clock()
            typed, asked = self.book.new(codes["user_code"]), frozenset(scope.split())
            self.book.other_screens.append(OtherScreenCode(value, typed, party, asked_at, asked))

    @rule(number=ANY, screen=SCREENS, well=NEARLY_ALWAYS)
    def type_it(self, *, number: int, screen: int, well: bool) -> None:
        asked: OtherScreenCode | None = picked(self.book.other_screens, number)
        session = self.sessions[screen]
        if asked is None or not session.may_live(self.clock()):
            return
        token = self._consent_page(screen, asked.typed)
        if not token:
            return
        session.seen = self.clock()
        decision = "allow" if well else "decline"
        answer = Screen(self.screens[screen]).answer_page("/consent", token, decision=decision)
        if self._last_page(screen, fine(answer)) == "/device/allowed":
            assert well
            assert asked.may_be_answered(self.clock()), "a code that was worth nothing"
            offline = "offline_access" in asked.scope
            asked.grant = Allowed(asked.party, session, offline, asked.scope)
            self.book.grants.append(asked.grant)
        else:
            asked.declined = True

    def _consent_page(self, screen: int, typed: str) -> str:
        """The token of the page that asks; "" where the way does not lead there."""
        browser = Screen(self.screens[screen])
        location = fine(browser.post_form("/device", user_code=typed)).headers.get("location", "")
        confirm = parse_qs(urlsplit(location).query).get("typed", [""])[0]
        if not confirm:
            return ""
        answer = fine(browser.post_form("/device/confirm", typed=confirm, decision="yes"))
        asked = urlsplit(answer.headers.get("location", ""))
        if asked.path != "/consent":
            return ""
        return parse_qs(asked.query)["request"][0]

    def _last_page(self, screen: int, answer: Response) -> str:
        path = ""
        while location := answer.headers.get("location", ""):
            path = urlsplit(location).path
            answer = fine(self.screens[screen].get(location))
        return path

    @rule(number=ANY, name=APPLICATIONS, right=NEARLY_ALWAYS)
    def poll(self, *, number: int, name: str, right: bool) -> None:
        asked: OtherScreenCode | None = picked(self.book.other_screens, number)
        if asked is None:
            return
        party = asked.party if right else self.parties[name]
        form = {"grant_type": DEVICE_CODE, "device_code": asked.value}
        answer = self.post("/token", party, form)
        if answer.status_code == 200:
            assert party is asked.party
            assert asked.grant
            assert not party.ended
            assert asked.may_be_redeemed(self.clock()), "a device code that was worth nothing"
            asked.spent = True
            self.obtained(answer, asked.grant, party)
            token = Refresh(self.book.new(answer.json()["refresh_token"]), asked.grant)
            self.book.refreshes.append(token)
        elif party is asked.party and asked.grant and "ended" in answer.text:
            asked.spent = asked.grant.ended = True

    @rule(number=ANY, name=APPLICATIONS, method=METHODS)
    def manage(self, *, number: int, name: str, method: str) -> None:
        known = [each for each in self.book.grants if each.grant_id]
        grant: Allowed | None = picked(known, number)
        party = self.parties[name]
        form = {"grant_type": CLIENT_CREDENTIALS, "scope": " ".join(MANAGING)}
        answer = self.post("/token", party, form)
        assert (answer.status_code == 200) == (not party.ended and not party.public)
        if answer.status_code != 200 or grant is None:
            return
        token = self.book.new(answer.json()["access_token"])
        headers = {"Authorization": f"Bearer {token}"}
        told = fine(self.http.request(method, f"/grants/{grant.grant_id}", headers=headers))
        if told.status_code in (200, 204):
            assert grant.party is party, "another client's grant"
            assert grant.may_live(self.clock()), "a grant that had ended"
            assert not re.search(r"\b[0-9]{11}\b", told.text), "a national number"
            grant.ended = grant.ended or method == "DELETE"
        # It is for nothing else.
        assert fine(self.http.get("/userinfo", headers=headers)).status_code == 401
        assert self.api.learns(token) == {"active": False}

"""The code flow in the fuzz: requests, pushed or not, their codes, refreshes and exchanges."""

from httpx2 import Response
from hypothesis import strategies as st
from hypothesis.stateful import rule

from authn.clients.clients import TOKEN_EXCHANGE
from authn.oidc.grant_types.token_exchange import ACCESS_TOKEN
from tests.oidc.fuzz_ends import Ends
from tests.oidc.fuzz_model import Access, Asked, Code, Detail, Party, Pushed, Refresh
from tests.oidc.fuzz_parties import EVERYBODY
from tests.oidc.fuzz_proofs import KEYS, NO_PROOF, Proof
from tests.oidc.fuzz_values import (
    ANY,
    APPLICATIONS,
    DETAILS,
    EXTRAS,
    NARROWER,
    NEARLY_ALWAYS,
    PROMPTS,
    PROOFS,
    SCOPES,
    SCREENS,
    VERIFIERS,
)
from tests.oidc.fuzz_world import USERINFO, picked
from tests.oidc.relying_party import VERIFIER
from tests.oidc.resource_servers import API

EXCHANGERS = st.sampled_from(("hospital", "hospital", "hospital", *EVERYBODY))
ANYBODY = st.sampled_from(EVERYBODY)
BOUND = st.sampled_from(("", "", "", KEYS[0].jkt))


class Flow(Ends):
    """What a client that people come from does."""

    @rule(
        name=APPLICATIONS,
        screen=SCREENS,
        scope=SCOPES,
        details=DETAILS,
        verifier=VERIFIERS,
        jkt=BOUND,
        prompt=PROMPTS,
        well=NEARLY_ALWAYS,
        how=st.one_of(st.none(), PROOFS),
    )
    def ask_for_it(
        self,
        *,
        name: str,
        screen: int,
        scope: frozenset[str],
        details: tuple[Detail, ...],
        verifier: str,
        jkt: str,
        prompt: str | None,
        well: bool,
        how: str | None,
    ) -> None:
        """`well`: everybody is there and says yes; `how`: the code is redeemed with this proof."""
        if well:
            self.revive(name, screen)
        party = self.parties[name]
        scope = scope if name != "guest" else scope - {"letters", "drafts"} | {"openid"}
        details = details if name != "guest" else ()
        asked = Asked(scope, verifier, party.redirect_uris[0], details, jkt)
        self.ask(party, screen, asked, how, prompt=prompt, decision="allow" if well else "decline")

    def ask(
        self,
        party: Party,
        screen: int,
        asked: Asked,
        how: str | None,
        *,
        prompt: str | None = None,
        decision: str = "allow",
    ) -> None:
        answer = self.authorize(screen, self.request(party, asked, prompt=prompt))
        code = self.answered(party, screen, answer, decision)
        if code:
            self.seen["a code"] += 1
            made = self.allowed(party, screen, code, asked)
            if how:
                self.redeemed(made, party, asked.verifier, self.proof(how))

    @rule(
        name=APPLICATIONS,
        scope=SCOPES,
        details=DETAILS,
        well=NEARLY_ALWAYS,
        how=PROOFS,
        at_once=st.booleans(),
    )
    def push(
        self,
        *,
        name: str,
        scope: frozenset[str],
        details: tuple[Detail, ...],
        well: bool,
        how: str,
        at_once: bool,
    ) -> None:
        if well:
            self.revive(name, 0)
        party = self.parties[name]
        proof = self.proof(how, "/par")
        asked = Asked(scope, VERIFIER, party.redirect_uris[0], details, proof.jkt)
        form = self.request(party, asked, dpop_jkt=None)
        pushed = self.pushed(self.post("/par", party, form, proof), party, asked)
        if pushed and at_once:
            self.brought(pushed, party, 0)

    def pushed(self, answer: Response, party: Party, asked: Asked) -> Pushed | None:
        """What /par gave for it; nothing for what /authorize would refuse."""
        if answer.status_code != 201:
            return None
        assert not party.ended
        assert asked.redirect_uri in party.redirect_uris
        actions = {each for detail in asked.details for each in detail["actions"]}
        assert actions <= party.scope, "more than the client may ask"
        uri = self.book.new(answer.json()["request_uri"])
        made = Pushed(uri, party, self.clock(), asked)
        self.book.pushed.append(made)
        return made

    @rule(number=ANY, name=APPLICATIONS, screen=SCREENS, right=NEARLY_ALWAYS)
    def bring(self, *, number: int, name: str, screen: int, right: bool) -> None:
        pushed: Pushed | None = picked(self.book.pushed, number)
        if pushed is None:
            return
        self.brought(pushed, pushed.party if right else self.parties[name], screen)

    def brought(self, pushed: Pushed, party: Party, screen: int) -> None:
        query = {"client_id": party.client_id, "request_uri": pushed.value}
        code = self.answered(party, screen, self.authorize(screen, query), "allow")
        if code:
            assert pushed.may_be_answered(self.clock()), "a request that was worth nothing"
            assert party is pushed.party
            self.seen["a code for a pushed request"] += 1
            pushed.spent = True
            self.allowed(party, screen, code, pushed.asked)

    @rule(
        number=ANY,
        name=ANYBODY,
        verifier=VERIFIERS,
        right=NEARLY_ALWAYS,
        how=PROOFS,
        extras=EXTRAS,
    )
    def redeem(
        self,
        *,
        number: int,
        name: str,
        verifier: str,
        right: bool,
        how: str,
        extras: dict[str, str],
    ) -> None:
        code: Code | None = picked(self.book.codes, number)
        if code is not None:
            party = code.grant.party if right else self.parties[name]
            verifier = code.verifier if right else verifier
            self.redeemed(code, party, verifier, self.proof(how), extras)

    def redemption(self, code: Code, verifier: str) -> dict[str, str]:
        """The form that presents the code."""
        return {
            "grant_type": "authorization_code",
            "code": code.value,
            "redirect_uri": code.redirect_uri,
            "code_verifier": verifier,
        }

    def redeemed(
        self,
        code: Code,
        party: Party,
        verifier: str,
        proof: Proof = NO_PROOF,
        extras: dict[str, str] | None = None,
    ) -> None:
        extras = extras or {}
        answer = self.post("/token", party, {**self.redemption(code, verifier), **extras}, proof)
        own = party is code.grant.party and not party.ended
        if answer.status_code == 200:
            assert own
            assert verifier == code.verifier
            assert code.jkt in ("", proof.jkt), "another key than the one it was bound to"
            assert code.may_be_redeemed(self.clock()), "a code that was worth nothing"
            code.used = True
            self.obtained(answer, code.grant, party, proof, extras)
            self.refreshable(answer, code.grant, proof)
        elif own and proof.good and answer.json()["error"] == "invalid_grant":
            # A second use ends what the first one gave, a wrong first one all that could be.
            code.used = code.grant.ended = True

    @rule(
        number=ANY,
        name=ANYBODY,
        right=NEARLY_ALWAYS,
        scope=NARROWER,
        how=PROOFS,
        extras=EXTRAS,
    )
    def refresh(
        self,
        *,
        number: int,
        name: str,
        right: bool,
        scope: str | None,
        how: str,
        extras: dict[str, str],
    ) -> None:
        token: Refresh | None = picked(self.book.refreshes, number)
        if token is None:
            return
        party = token.grant.party if right else self.parties[name]
        how = "one" if right and token.jkt == KEYS[0].jkt else how
        more = {**extras, **({"scope": scope} if scope else {})}
        self.refreshed(token, party, more, self.proof(how))

    def refreshed(self, token: Refresh, party: Party, more: dict[str, str], proof: Proof) -> None:
        own = party is token.grant.party and not party.ended
        form = {"grant_type": "refresh_token", "refresh_token": token.value, **more}
        answer = self.post("/token", party, form, proof)
        if answer.status_code == 200:
            assert own
            assert "refresh_token" in party.grant_types, "what the client may not do any more"
            assert {*more.get("scope", "").split()} <= token.grant.scope, "more than was allowed"
            assert not party.public or token.jkt in ("", proof.jkt), "another key"
            assert token.may_be_used(self.clock()), "a refresh token that was worth nothing"
            self.obtained(answer, token.grant, party, proof, more)
            self.goes_on(token, answer.json()["refresh_token"], party, proof)
        elif own and token.rotated_at is not None and "unknown, expired" in answer.text:
            token.grant.ended = True  # it came back: its whole family has ended

    @rule(number=ANY, name=EXCHANGERS, how=PROOFS, scope=NARROWER, extras=EXTRAS)
    def exchange(
        self, *, number: int, name: str, how: str, scope: str | None, extras: dict[str, str]
    ) -> None:
        now = self.clock()
        living = [each for each in self.book.accesses if each.may_live(now) and each.scope]
        access: Access | None = picked((number % 5 and living) or self.book.accesses, number)
        if access is None:
            return
        party, proof = self.parties[name], self.proof(how)
        more = {**extras, **({"scope": scope} if scope else {})}
        for said, shown in (({}, NO_PROOF), ({}, self.proof("one")), (more, proof)):
            self.exchange_for(access, party, said, shown)

    def exchange_for(
        self, access: Access, party: Party, more: dict[str, str], proof: Proof
    ) -> None:
        form = {**self.exchange_of(access), **more}
        answer = self.post("/token", party, form, proof)
        if answer.status_code == 200:
            assert access.may_live(self.clock()), "an exchange of what was worth nothing"
            assert party is self.parties["hospital"]
            assert form["resource"] == API != USERINFO
            assert proof.jkt or not (access.jkt or access.x5t), "bound to nothing any more"
            self.exchanged(answer, access, party, proof)

    def exchange_of(self, access: Access) -> dict[str, str]:
        """The form that presents the token, for one for the API."""
        return {
            "grant_type": TOKEN_EXCHANGE,
            "subject_token": access.value,
            "subject_token_type": ACCESS_TOKEN,
            "resource": API,
        }

    def exchanged(self, answer: Response, access: Access, party: Party, proof: Proof) -> None:
        """A token of the same grant that says no more and lives no longer."""
        body = answer.json()
        assert body["expires_in"] <= (access.expires_at - self.clock()).total_seconds()
        assert {*body.get("scope", "").split()} <= access.scope, "wider than what was presented"
        grant = access.grant
        made = Access(
            self.book.new(body["access_token"]),
            grant,
            party,
            API,
            access.expires_at,
            frozenset(body.get("scope", "").split()),
            access.details,
            proof.jkt,
        )
        self.book.accesses.append(made)
        self.used(made)

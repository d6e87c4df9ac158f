"""What counts once, presented several times at the same moment; and what ends while it is used.

Decisions 5: single use is one statement. Whoever comes first, there is one success at most, and
nothing that was given at that moment outlives what has ended.
"""

from collections.abc import Callable

from httpx2 import Response
from hypothesis import strategies as st
from hypothesis.stateful import rule

from authn.clients.clients import DEVICE_CODE, JWT_BEARER
from tests.oidc.fuzz_elsewhere import Elsewhere
from tests.oidc.fuzz_ends import OF_THE_PERSON, Ends
from tests.oidc.fuzz_model import Asked, Code, Refresh
from tests.oidc.fuzz_parties import EVERYBODY, fine
from tests.oidc.fuzz_proofs import NO_PROOF
from tests.oidc.fuzz_registration import Registration
from tests.oidc.fuzz_signed import Signed
from tests.oidc.fuzz_values import ANY, APPLICATIONS, OFFLINE, SCREENS
from tests.oidc.fuzz_world import code_in, picked
from tests.oidc.registrant import post as post_registration
from tests.oidc.relying_party import VERIFIER
from tests.oidc.resource_servers import API
from tests.together import at_once

TIMES = 3
ENDED = 299


def together(*acts: Callable[[], Response]) -> list[Response]:
    """What came of each of the acts, all done at the same moment."""
    waiting = iter(acts)
    answers = at_once(lambda: next(waiting)(), threads=len(acts))
    return [fine(each) for each in answers if isinstance(each, Response)]


def good(answers: list[Response]) -> list[Response]:
    return [each for each in answers if each.status_code in (200, 201, 204)]


class AtOnce(Elsewhere, Signed, Registration):
    """More that can happen, in any order."""

    def several(self, act: Callable[[], Response]) -> list[Response]:
        """The successes of the same act."""
        return good(together(*[act] * TIMES))

    def fresh(self, name: str, screen: int = 0) -> Code:
        """A code that may be redeemed, of a client that may do so."""
        self.revive(name, screen)
        party = self.parties[name]
        self.given_back(screen, name)
        asked = Asked(OFFLINE & party.scope, VERIFIER, party.redirect_uris[0])
        before = len(self.book.codes)
        self.ask(party, screen, asked, None)
        assert len(self.book.codes) > before, "no code, though all is well"
        code: Code = self.book.codes[-1]
        return code

    @rule(name=APPLICATIONS, how=st.sampled_from(("none", "one")))
    def redeem_at_once(self, *, name: str, how: str) -> None:
        code = self.fresh(name)
        party, form = code.grant.party, self.redemption(code, VERIFIER)
        given = self.several(lambda: self.post("/token", party, form, self.proof(how)))
        assert len(given) == 1, "a code twice"
        self.seen["a code at once"] += 1
        code.used = code.grant.ended = True  # the others were a second use
        self.obtained(given[0], code.grant, party, self.proof(how))

    @rule(number=ANY)
    def refresh_at_once(self, *, number: int) -> None:
        """The successor is given again to one more, at most, and to the third one nothing."""
        unbound = [each for each in self.book.refreshes if not each.jkt]
        rotating = [each for each in unbound if each.grant.party.public and not each.successor]
        token: Refresh | None = picked((number % 3 and rotating) or unbound, number)
        if token is None:
            return
        party = token.grant.party
        usable, rotates = token.may_be_used(self.clock()), party.public or token.rotated_at
        form = {"grant_type": "refresh_token", "refresh_token": token.value}
        answers = together(*[lambda: self.post("/token", party, form)] * TIMES)
        given = good(answers)
        assert usable or not given, "a refresh token that was worth nothing"
        if rotates and any("unknown, expired" in each.text for each in answers):
            token.grant.ended = True  # one of them came back
        if given:
            values = {each.json()["refresh_token"] for each in given}
            assert len(values) == 1, "two successors"
            assert rotates or values == {token.value}
            assert not rotates or len(given) < TIMES, "given again and again"
            self.seen["a refresh token at once"] += bool(rotates)
            self.obtained(given[0], token.grant, party)

    @rule(name=APPLICATIONS, screen=SCREENS)
    def bring_at_once(self, *, name: str, screen: int) -> None:
        self.fresh(name, screen)  # so that consent was given
        party = self.parties[name]
        asked = Asked(OFFLINE & party.scope, VERIFIER, party.redirect_uris[0])
        pushed = self.pushed(self.post("/par", party, self.request(party, asked)), party, asked)
        assert pushed, "nothing pushed, though all is well"
        query = {"client_id": party.client_id, "request_uri": pushed.value}
        answers = together(*[lambda: self.authorize(screen, query)] * TIMES)
        locations = [each.headers.get("location", "") for each in answers]
        codes = [code for each in locations if (code := code_in(each))]
        assert len(codes) == 1, "not one code for a pushed request"
        self.seen["a pushed request at once"] += 1
        pushed.spent = True
        self.allowed(party, screen, self.book.new(codes[0]), asked)

    @rule(name=st.sampled_from(("app", "hospital", "bank")), screen=SCREENS)
    def poll_at_once(self, *, name: str, screen: int) -> None:
        self.revive(name, screen)
        party = self.parties[name]
        asked = self.code_for_another_screen(party, OFFLINE)
        if asked is None:
            return
        self.typed(asked, screen, "allow")
        if asked.grant is None:
            return
        form = {"grant_type": DEVICE_CODE, "device_code": asked.value}
        given = self.several(lambda: self.post("/token", party, form))
        assert len(given) == 1, "a device code twice, or never"
        self.seen["a device code at once"] += 1
        asked.spent = True
        self.obtained(given[0], asked.grant, party)
        self.refreshable(given[0], asked.grant, NO_PROOF)

    @rule(name=APPLICATIONS)
    def say_at_once(self, *, name: str) -> None:
        """What another issuer says, and what a client says of itself."""
        self.known_to_the_hospital()
        if self.subject and name != "guest":
            text = self.said_by_another()
            form = {"grant_type": JWT_BEARER, "assertion": text, "resource": API}
            given = self.several(lambda: self.post("/token", self.parties["partner"], form))
            assert len(given) <= 1, "an assertion twice"
            self.seen["an assertion at once"] += len(given)
        party = self.parties["guest"]
        if party.kind == "assertion" and not party.ended and name in ("guest", "app"):
            text = self.client_assertion(party)
            given = self.several(lambda: self.said_by_client(text, "/revoke"))
            assert len(given) == 1, "a client assertion twice"
            self.seen["a client assertion at once"] += 1

    @rule(name=APPLICATIONS)
    def prove_at_once(self, *, name: str) -> None:
        code, how = self.fresh(name), "one"
        self.redeemed(code, code.grant.party, VERIFIER, self.proof(how))
        access = self.book.accesses[-1]
        proof = self.proof(how, "/userinfo", "GET", access.value)
        given = self.several(lambda: self.shown(access, proof))
        assert len(given) == 1, "a proof twice"
        self.seen["a proof at once"] += 1
        self.book.proofs.append(proof.text)

    @rule(name=st.sampled_from(("hospital", "guest")))
    def end_at_once(self, *, name: str) -> None:
        """A grant by its client, or the client by itself; and one registration for one token."""
        token = self.initial_access_token()
        made = self.several(lambda: post_registration(self.http, self.document(), token))
        assert len(made) == 1, "a registration token twice"
        if name == "hospital":
            code = self.fresh(name)
            self.redeemed(code, code.grant.party, VERIFIER)
            own = self.own_token(code.grant.party)
            ended = self.several(lambda: self.managed("DELETE", code.grant, own))
            code.grant.ended = True
            self.used(self.book.accesses[-1])
        else:
            self.revive(name, 0)
            party = self.parties[name]
            its_own = self.token_of("its own")
            ended = self.several(lambda: self.at_registration("DELETE", party, its_own))
            party.ended = True
        # Its registration a client may have ended in two answers (RFC 7592 §2.3): it ends once.
        assert len(ended) == 1 or (ended and name == "guest"), "ended twice"
        self.seen[f"an end at once: {name}"] += 1

    @rule(
        end=st.sampled_from((*OF_THE_PERSON, Ends.client_ended)),
        name=st.sampled_from(EVERYBODY[:3]),
        screen=SCREENS,
        what=st.sampled_from(("a code", "a refresh", "an exchange", "a request")),
    )
    def use_while_it_ends(
        self, *, end: Callable[[Ends, int, str], None], name: str, screen: int, what: str
    ) -> None:
        """What was given just before is worth nothing after, whoever was first."""
        code = self.fresh(name, screen)
        act = self.use_of(code, screen, what)

        def ends() -> Response:
            end(self, screen, name)
            return Response(ENDED)

        answers = [each for each in together(act, ends) if each.status_code != ENDED]
        self.seen["used while it ends"] += 1
        for answer in answers:
            if what == "a request":
                self.came_of_a_request(code, screen, answer)
            elif answer.status_code == 200:
                self.came_of(code, what, answer)

    def use_of(self, code: Code, screen: int, what: str) -> Callable[[], Response]:
        """One more use of what hangs on the grant of this code, or may do so."""
        party = code.grant.party
        if what == "a request":
            asked = Asked(OFFLINE & party.scope, VERIFIER, party.redirect_uris[0])
            return lambda: self.authorize(screen, self.request(party, asked))
        if what == "a code":
            return lambda: self.post("/token", party, self.redemption(code, VERIFIER))
        self.redeemed(code, party, VERIFIER)
        form = {"grant_type": "refresh_token", "refresh_token": self.book.refreshes[-1].value}
        if what == "an exchange":
            party, form = self.parties["hospital"], self.exchange_of(self.book.accesses[-1])
        proof = self.proof("one" if what == "an exchange" else "none")
        return lambda: self.post("/token", party, form, proof)

    def came_of_a_request(self, code: Code, screen: int, answer: Response) -> None:
        """A code at most, of a grant that has ended with the others."""
        if given := code_in(answer.headers.get("location", "")):
            party = code.grant.party
            asked = Asked(OFFLINE & party.scope, VERIFIER, party.redirect_uris[0])
            made = self.allowed(party, screen, self.book.new(given), asked)
            made.grant.ended = code.grant.ended
            self.redeemed(made, party, VERIFIER)

    def came_of(self, code: Code, what: str, answer: Response) -> None:
        """A token: `obtained` looks whether it is worth something, which it may not be."""
        grant, party = code.grant, code.grant.party
        if what == "an exchange":
            hospital = self.parties["hospital"]
            self.exchanged(answer, self.book.accesses[-1], hospital, self.proof("one"))
            return
        self.obtained(answer, grant, party)
        if what == "a code":
            code.used = True
            self.refreshable(answer, grant, NO_PROOF)
        else:
            token, value = self.book.refreshes[-1], answer.json()["refresh_token"]
            self.goes_on(token, value, party, NO_PROOF)

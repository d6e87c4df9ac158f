"""What is signed in the fuzz: request objects, assertions of clients and of another issuer.

RFC 9101 (https://www.rfc-editor.org/rfc/rfc9101), RFC 7523 §2 and §3
(https://www.rfc-editor.org/rfc/rfc7523). Each is right, or wrong in one thing.
"""

from typing import Any

from httpx2 import Response
from hypothesis import strategies as st
from hypothesis.stateful import rule

from authn.clients.clients import JWT_BEARER
from authn.secrets import new_token
from tests.citizen import ORIGIN
from tests.oidc.client_keys import ClientKey, asserted
from tests.oidc.fuzz_flow import Flow
from tests.oidc.fuzz_model import AnyOf, Asked, Detail, Party
from tests.oidc.fuzz_parties import KEY, fine
from tests.oidc.fuzz_proofs import NO_PROOF, Proof
from tests.oidc.fuzz_values import (
    APPLICATIONS,
    DETAILS,
    EXTRAS,
    NEARLY_ALWAYS,
    OFFLINE,
    PROOFS,
    SCOPES,
    SCREENS,
)
from tests.oidc.relying_party import VERIFIER
from tests.oidc.resource_servers import API

STRANGER = ClientKey("ES256", kid=KEY.kid)
RIGHT = "right"
WRONG: dict[str, dict[str, Any]] = {
    "for another": {"aud": "https://other.example"},
    "of another": {"iss": "https://other.example"},
    "of the past": {"exp": 1},
    "of the future": {"nbf": 9_999_999_999},
    "of no time": {"exp": "soon"},
    "without a signature": {"header": {"alg": "none"}},
    "with a shared secret": {"header": {"alg": "HS256"}},
    "by a key that it brings": {"header": {"jwk": STRANGER.jwk_public, "kid": None}},
    "with a word that must be known": {"header": {"crit": ["b64"], "b64": False}},
    "of another type": {"header": {"typ": "at+jwt"}},
    "of a stranger": {"key": STRANGER},
    "changed": {},
}


def signed(claims: dict[str, Any], how: str, **header: Any) -> str:
    """The JWT, right or wrong."""
    changes = dict(WRONG.get(how, {}))
    key, head = changes.pop("key", KEY), header | changes.pop("header", {})
    text: str = key.sign(claims | changes, **head)
    if how == "changed":
        first, body, signature = text.split(".")
        text = ".".join((first, body, signature[::-1]))
    return text


class Signed(Flow):
    """More that can happen, in any order."""

    @rule(
        name=APPLICATIONS,
        screen=SCREENS,
        scope=SCOPES,
        details=DETAILS,
        pushed=st.booleans(),
        well=NEARLY_ALWAYS,
    )
    def ask_signed(
        self,
        *,
        name: str,
        screen: int,
        scope: frozenset[str],
        details: tuple[Detail, ...],
        pushed: bool,
        well: bool,
    ) -> None:
        """What stands beside the request object asks for more, and counts for nothing."""
        if well:
            self.revive(name, screen)
        party = self.parties[name]
        asked = Asked(scope, VERIFIER, party.redirect_uris[0], details)
        for how in (*WRONG, RIGHT):
            text = self.request_object(party, asked, how)
            beside = {"client_id": party.client_id, "request": text}
            if pushed:
                answer = self.post("/par", party, beside)
                assert how == RIGHT or answer.status_code != 201, "a wrong request object"
                self.pushed(answer, party, asked)
                continue
            wider = self.request(party, Asked(party.scope, VERIFIER, asked.redirect_uri))
            code = self.answered(party, screen, self.authorize(screen, wider | beside), "allow")
            if code:
                assert how == RIGHT, "a wrong request object"
                self.seen["a request object"] += 1
                self.redeemed(self.allowed(party, screen, code, asked), party, VERIFIER)

    def request_object(self, party: Party, asked: Asked, how: str) -> str:
        now = int(self.clock().timestamp())
        claims: dict[str, Any] = {
            **self.request(party, asked, authorization_details=None),
            "iss": party.client_id,
            "aud": ORIGIN,
            "nbf": now,
            "exp": now + 300,
        }
        if asked.details:
            claims["authorization_details"] = [*asked.details]
        return signed(claims, how, typ="oauth-authz-req+jwt")

    @rule(proof=PROOFS, extras=EXTRAS, well=NEARLY_ALWAYS)
    def present_what_another_says(self, *, proof: str, extras: dict[str, str], well: bool) -> None:
        if well:
            self.known_to_the_hospital()
        for how in WRONG:
            self.said_for_a_token(self.said_by_another(how), how, NO_PROOF, {})
        text = self.said_by_another()
        self.said_for_a_token(text, RIGHT, self.proof(proof), extras)
        for used in self.book.assertions[-2:]:
            self.said_for_a_token(used, "used before", NO_PROOF, {})

    def known_to_the_hospital(self) -> None:
        """The hospital has a grant, and is told who the person is."""
        self.revive("hospital", 0)
        if self.parties["partner"].ended:
            self.registered("partner")
        hospital = self.parties["hospital"]
        if not any(
            each.party is hospital and each.may_live(self.clock()) for each in self.book.grants
        ):
            scope = OFFLINE | {"letters"} & hospital.scope
            self.ask(hospital, 0, Asked(scope, VERIFIER, hospital.redirect_uris[0]), "none")

    def said_by_another(self, how: str = RIGHT) -> str:
        now = int(self.clock().timestamp())
        claims = {
            "iss": self.issuer,
            "sub": self.subject or "nobody",
            "aud": ORIGIN,
            "jti": new_token(16),
            "iat": now,
            "exp": now + 120,
        }
        return signed(claims, how)

    def said_for_a_token(
        self, text: str, how: str, proof: Proof, extras: dict[str, str]
    ) -> Response:
        """What the partner gets for it: on no grant but a living one, and not for longer."""
        party, hospital = self.parties["partner"], self.parties["hospital"]
        mine = (each for each in self.book.grants if each.party is hospital)
        living = tuple(each for each in mine if each.may_live(self.clock()))
        form = {"grant_type": JWT_BEARER, "assertion": text, **extras}
        answer = self.post("/token", party, form, proof)
        if answer.status_code == 200:
            assert how == RIGHT, "a wrong assertion, or one that was used before"
            assert living, "about somebody who has allowed nothing"
            assert not party.ended
            self.book.assertions.append(text)
            access = self.obtained(answer, AnyOf(living), party, proof, {"resource": API})
            assert access.scope <= hospital.scope, "more than the hospital may ask today"
            assert answer.json()["expires_in"] <= 120
        return answer

    @rule(path=st.sampled_from(("/par", "/revoke")))
    def say_who_it_is(self, *, path: str) -> None:
        """The guest, by an assertion that it then sends again."""
        party = self.parties["guest"]
        if party.kind != "assertion":
            return
        for how in WRONG:
            answer = self.said_by_client(self.client_assertion(party, how), path)
            assert answer.status_code == 401, "a wrong assertion"
        text = self.client_assertion(party)
        answers = [self.said_by_client(text, path) for _ in range(2)]
        assert answers[1].status_code == 401, "an assertion twice"
        if answers[0].status_code != 401:
            assert not party.ended
            self.seen["a client assertion"] += 1

    def client_assertion(self, party: Party, how: str = RIGHT) -> str:
        now = int(self.clock().timestamp())
        claims = {
            "iss": party.client_id,
            "sub": party.client_id,
            "aud": ORIGIN,
            "jti": new_token(16),
            "iat": now,
            "exp": now + 60,
        }
        return signed(claims, how)

    def said_by_client(self, text: str, path: str) -> Response:
        party = self.parties["guest"]
        asked = Asked(frozenset({"openid"}), VERIFIER, party.redirect_uris[0])
        form = {"token": "x"} if path == "/revoke" else self.request(party, asked)
        form.pop("client_id", None)
        return fine(self.http.post(path, data=asserted(text, **form)))

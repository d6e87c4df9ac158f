"""The ground of a walk: a person with two screens, their clients, an API.

Everything here does something for certain and writes into the model what it has done; what tokens
say is held against it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from httpx2 import Response
from starlette.testclient import TestClient

from authn.consents.authorization_details import ACTIONS_AT_RESOURCE
from authn.oidc.client_authentication.client_certificate import certificate_thumbprint
from tests.citizen import ORIGIN, Screen
from tests.oidc.fapi import HEADER
from tests.oidc.fuzz_model import (
    ACCESS_LIFETIME,
    Access,
    Allowed,
    AnyOf,
    Asked,
    Book,
    Capacity,
    Code,
    Detail,
    Machine,
    Party,
    Refresh,
    SignedIn,
    within,
)
from tests.oidc.fuzz_parties import EVERYBODY, Parties, fine
from tests.oidc.fuzz_proofs import KEYS, NO_PROOF, Proof
from tests.oidc.relying_party import (
    Holder,
    hold_device,
    s256,
    segment,
    sign_in,
)
from tests.oidc.resource_servers import API

USERINFO = f"{ORIGIN}/userinfo"


def picked(things: Sequence[Any], number: int) -> Any:
    """One of them, mostly a late one; None where there is none yet."""
    if not things:
        return None
    some = things[-3:] if number % 4 else things
    return some[number % len(some)]


def code_in(location: str) -> str:
    """The code of an answer in the query; "" for none."""
    return parse_qs(urlsplit(location).query).get("code", [""])[0]


class World(Parties):
    """What was given to whom."""

    def begin(self) -> None:
        """Hanne is signed in on two screens, and nothing was given yet."""
        self.book = Book()
        self.parties = {}
        self.subject = ""
        self.capacity = Capacity()
        self.screens = [
            TestClient(self.app, base_url=ORIGIN, follow_redirects=False) for _ in range(2)
        ]
        self.machines = [Machine(), Machine()]
        self.holders: list[Holder] = [hold_device(self.site, each) for each in self.screens]
        self.sessions = [self.new_session(each) for each in self.machines]
        for name in EVERYBODY:
            self.registered(name)

    def new_session(self, machine: Machine) -> SignedIn:
        session = SignedIn(machine, self.clock(), self.clock())
        self.book.sessions.append(session)
        return session

    def signed_in(self, screen: int) -> None:
        """Again, on the device, which is there."""
        self.clock.advance(seconds=1)
        held = self.holders[screen].held
        self.holders[screen] = sign_in(self.site, self.screens[screen], held)
        self.sessions[screen] = self.new_session(self.machines[screen])

    def request(self, party: Party, asked: Asked, **more: str | None) -> dict[str, str]:
        """The parameters of an authorization request for this; None leaves one out."""
        request: dict[str, str | None] = {
            "response_type": "code",
            "client_id": party.client_id,
            "redirect_uri": asked.redirect_uri,
            "scope": " ".join(sorted(asked.scope)),
            "state": "af0ifjsldkj",
            "nonce": "n-0S6_WzA2Mj",
            "code_challenge": s256(asked.verifier),
            "code_challenge_method": "S256",
            "authorization_details": json.dumps(asked.details) if asked.details else None,
            "dpop_jkt": asked.jkt or None,
        }
        request |= more
        return {name: value for name, value in request.items() if value is not None}

    def authorize(self, screen: int, query: dict[str, str]) -> Response:
        return fine(self.screens[screen].get("/authorize?" + urlencode(query)))

    def answered(self, party: Party, screen: int, answer: Response, decision: str) -> str:
        """The code that came of an authorization request; "" for none. A page is answered."""
        session = self.sessions[screen]
        if session.may_live(self.clock()):
            session.seen = self.clock()
        location = fine(answer).headers.get("location", "")
        if urlsplit(location).path == "/consent":
            token = parse_qs(urlsplit(location).query)["request"][0]
            location = self.decided(screen, token, decision)
        code = code_in(location)
        if code:
            assert session.may_live(self.clock()), "a code for nobody"
            assert not party.ended, "a code for a client that has ended"
            self.book.new(code)
        return code

    def decided(self, screen: int, token: str, decision: str) -> str:
        """Where the answer to the page of consent leads."""
        said = Screen(self.screens[screen]).answer_page("/consent", token, decision=decision)
        found = re.search(r'data-location="([^"]*)"', fine(said).text)
        assert found
        return unescape(found[1])

    def allowed(self, party: Party, screen: int, code: str, asked: Asked) -> Code:
        """A code was given for this."""
        assert asked.redirect_uri in party.redirect_uris, "a code for another address"
        offline = "offline_access" in asked.scope
        grant = Allowed(party, self.sessions[screen], offline, asked.scope, asked.details)
        self.book.grants.append(grant)
        return self.given(code, grant, asked)

    def given(self, code: str, grant: Allowed, asked: Asked) -> Code:
        """The code of this grant."""
        made = Code(code, grant, self.clock(), asked.verifier, asked.redirect_uri, asked.jkt)
        self.book.codes.append(made)
        return made

    def obtained(
        self,
        answer: Response,
        grant: Allowed | AnyOf,
        party: Party,
        proof: Proof = NO_PROOF,
        said: Mapping[str, str] | None = None,
    ) -> Access:
        """An access token, for no more than was allowed, that nobody was given before."""
        body, said = answer.json(), said or {}
        scope = frozenset(body.get("scope", "").split())
        assert scope <= grant.scope, "more than was allowed"
        assert scope <= party.scope, "more than the client may ask today"
        details = actions_in(body)
        assert all(within(each, grant.details) for each in details), "details nobody allowed"
        if named := said.get("authorization_details"):
            assert all(within(each, json.loads(named)) for each in details), "more than was asked"
        if isinstance(grant, Allowed):
            grant.grant_id = body.get("grant_id", "")
        asked = bool(grant.details) or not grant.scope.isdisjoint({"letters", "drafts"})
        aud = segment(body["access_token"], 1)["aud"]
        assert aud == said.get("resource", aud), "for another resource than was asked"
        assert aud in (API, USERINFO)
        # For which resource an assertion of another issuer is presented, the operator decides.
        assert aud != API or asked or isinstance(grant, AnyOf), "for what nobody allowed"
        assert aud != API or party.at_resource, "for a resource that it may not ask for"
        access = Access(
            self.book.new(body["access_token"]),
            grant,
            party,
            aud,
            self.clock() + ACCESS_LIFETIME,
            scope,
            details,
            proof.jkt,
            self.thumbprint(party) if not proof.jkt else "",
        )
        assert (body["token_type"] == "DPoP") == bool(access.jkt)
        self.book.accesses.append(access)
        if party is self.parties["hospital"] and "id_token" in body:
            self.subject = segment(body["id_token"], 1)["sub"]
        self.used(access)
        return access

    def thumbprint(self, party: Party) -> str:
        bound = party.kind == "certificate"
        return certificate_thumbprint(self.certificate.certificate) if bound else ""

    def refreshable(self, answer: Response, grant: Allowed, proof: Proof) -> None:
        """The first refresh token of a grant, if its client has any."""
        token = answer.json().get("refresh_token")
        assert (token is None) == ("refresh_token" not in grant.party.grant_types)
        if token:
            jkt = proof.jkt if grant.party.public else ""
            self.book.refreshes.append(Refresh(self.book.new(token), grant, jkt))

    def goes_on(self, token: Refresh, value: str, party: Party, proof: Proof) -> None:
        """With the same refresh token, or with its one successor."""
        if token.rotated_at is None and (token.jkt or not party.public):
            assert value == token.value
        elif token.successor is None:
            token.rotated_at = self.clock()
            jkt = proof.jkt if party.public else ""
            token.successor = Refresh(self.book.new(value), token.grant, jkt)
            self.book.refreshes.append(token.successor)
        else:
            assert value == token.successor.value
            assert token.successor.jkt in ("", proof.jkt), "given again to another key"
            token.given_again = True

    def shown(self, access: Access, proof: Proof, certificate: str = "") -> Response:
        """What userinfo answers to the token with this beside it."""
        headers = {"Authorization": f"{'DPoP' if proof.text else 'Bearer'} {access.value}"}
        if proof.text:
            headers["DPoP"] = proof.text
        if certificate:
            headers[HEADER] = certificate
        return fine(self.http.get("/userinfo", headers=headers))

    def key_of(self, jkt: str) -> str:
        """How it is proven that one has the key; "none" for none."""
        return {KEYS[0].jkt: "one", KEYS[1].jkt: "other"}.get(jkt, "none")

    def used(self, access: Access) -> None:
        """It is accepted where it is meant for, at most, and while its chain may live, at most."""
        proof = self.proof(self.key_of(access.jkt), "/userinfo", "GET", access.value)
        answer = self.shown(access, proof, self.certificate.rfc_9440 if access.x5t else "")
        if answer.status_code == 200:
            assert access.audience == USERINFO
            assert access.may_live(self.clock()), "an access token that was worth nothing"
            self.seen["userinfo"] += 1
            self.proven(proof)
        told = self.api.learns(access.value)
        if told["active"]:
            self.seen["introspection"] += 1
            assert access.audience == API
            assert access.may_live(self.clock()), "active, although it has ended"
            of = getattr(access.grant, "party", access.party)
            # Who may exchange tokens for the API may have some for it in any case.
            may_exchange = access.party is self.parties["hospital"]
            assert access.party.at_resource or may_exchange, "the resource was taken from it"
            scope = {*told.get("scope", "").split()}
            assert scope <= access.scope & of.scope, "a scope that was taken from the client"
            details = actions_in(told)
            assert all(within(each, access.details) for each in details)
            assert all({*each["actions"]} <= of.scope for each in details), "taken from it"
            bound = {"jkt": access.jkt, "x5t#S256": access.x5t}
            assert told.get("cnf", {}) == {name: text for name, text in bound.items() if text}


def actions_in(body: Mapping[str, Any]) -> tuple[Detail, ...]:
    """The details that say what may be done where: each tells beside in which capacity."""
    told = body.get("authorization_details", [])
    return tuple(each for each in told if each["type"] == ACTIONS_AT_RESOURCE)

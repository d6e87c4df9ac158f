"""What nobody should do, in the fuzz: things of one kind where another is meant, without what they
are bound to, with a wrong secret, by HEAD, or with a value that is none."""

import json
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from authn.clients.clients import DEVICE_CODE, JWT_BEARER, TOKEN_EXCHANGE
from authn.oidc.grant_types.token_exchange import ACCESS_TOKEN
from tests.oidc.fapi import HEADER
from tests.oidc.fuzz_flow import Flow
from tests.oidc.fuzz_model import Access, Asked, Refresh
from tests.oidc.fuzz_parties import EVERYBODY, fine
from tests.oidc.fuzz_proofs import NO_PROOF, RIGHT
from tests.oidc.fuzz_values import (
    ANY,
    APPLICATIONS,
    GARBAGE,
    OFFLINE,
    PARTS,
    SCREENS,
    WRONG_PROOFS,
)
from tests.oidc.fuzz_world import code_in, picked
from tests.oidc.relying_party import VERIFIER, basic

FIELDS = {
    "code": "authorization_code",
    "refresh_token": "refresh_token",
    "subject_token": TOKEN_EXCHANGE,
    "device_code": DEVICE_CODE,
    "assertion": JWT_BEARER,
}
PARAMETERS = st.sampled_from(
    (
        *("scope", "authorization_details", "claims", "dpop_jkt", "max_age", "request"),
        *("request_uri", "id_token_hint", "resource", "acr_values", "ui_locales", "prompt"),
        *("redirect_uri", "code_challenge", "response_mode", "login_hint", "display", "state"),
        *("grant_management_action", "grant_id", "nonce", "client_id", "response_type"),
    )
)
AT = ("/token", "/par", "/device_authorization", "/revoke", "/introspect")


class Misuse(Flow):
    """More that can happen, in any order."""

    @rule(number=ANY, garbage=GARBAGE, name=APPLICATIONS)
    def present_something_else(self, *, number: int, garbage: str, name: str) -> None:
        """A thing of one kind where another one is meant, or nothing that was ever given."""
        party, others = self.parties[name], self.book.by_kind()
        for field, grant_type in FIELDS.items():
            wrong = [each for kind, values in others.items() if kind != field for each in values]
            form = {
                "grant_type": grant_type,
                field: (number % 2 and picked(wrong, number)) or garbage,
                "subject_token_type": ACCESS_TOKEN,
                "redirect_uri": party.redirect_uris[0],
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

    @rule(number=ANY)
    def show_without_what_it_is_bound_to(self, *, number: int) -> None:
        """Who has stolen a token has not its key, nor its certificate."""
        bound = [each for each in self.book.accesses if each.jkt or each.x5t]
        access: Access | None = picked(bound, number)
        if access is None:
            return
        if access.x5t:
            for certificate in ("", "x", self.other_certificate.rfc_9440):
                assert self.shown(access, NO_PROOF, certificate).status_code == 401
        for how in ("none", *RIGHT, *WRONG_PROOFS):
            proof = self.proof(how, "/userinfo", "GET", access.value)
            if access.jkt and (proof.jkt != access.jkt or not proof.good):
                assert self.shown(access, proof).status_code == 401
            elif access.jkt:  # the right key, for another token
                proof = self.proof(how, "/userinfo", "GET", access.value + "x")
                assert self.shown(access, proof).status_code == 401

    @rule(number=ANY)
    def prove_wrongly(self, *, number: int) -> None:
        """A refresh token with each wrong proof; and one that is bound, with another key."""
        token: Refresh | None = picked(self.book.refreshes, number)
        if token is None or token.rotated_at is not None:
            return
        party = token.grant.party
        form = {"grant_type": "refresh_token", "refresh_token": token.value}
        for how in ("none", *RIGHT, *WRONG_PROOFS):
            proof = self.proof(how)
            if not proof.good or (token.jkt and party.public and proof.jkt != token.jkt):
                answer = self.post("/token", party, form, proof)
                assert answer.status_code in (400, 401), "with a wrong proof, or none"

    @rule(number=ANY)
    def ask_for_parts(self, *, number: int) -> None:
        """A refresh token that stays, for one part after another of what was granted, and more."""
        staying = [each for each in self.book.refreshes if not each.grant.party.public]
        token: Refresh | None = picked(staying, number)
        if token is not None and token.rotated_at is None:
            for extras in PARTS:
                self.refreshed(token, token.grant.party, extras, NO_PROOF)

    @rule(number=ANY, name=st.sampled_from([*EVERYBODY[:1], *EVERYBODY[2:]]))
    def authenticate_as_somebody_else(self, *, number: int, name: str) -> None:
        """With nothing, with another's secret or certificate, or with what is public."""
        party, path = self.parties[name], AT[number % len(AT)]
        token: Refresh | None = picked(self.book.refreshes, number)
        form = {"client_id": party.client_id, "scope": "openid", "token": "x"}
        if path == "/token":
            form |= {"grant_type": "refresh_token", "refresh_token": token.value if token else "x"}
        secret = picked([*self.book.given, self.parties["hospital"].secret], number)
        tried: list[dict[str, str]] = [{}, {HEADER: self.other_certificate.rfc_9440}]
        if party.secret != secret:
            tried.append({"Authorization": basic(party.client_id, secret)})
        if party.kind != "public":
            for headers in tried:
                answer = fine(self.http.post(path, data=form, headers=headers))
                assert answer.status_code == 401, answer.text

    @rule(number=ANY, name=APPLICATIONS, screen=SCREENS)
    def look_at_the_head(self, *, number: int, name: str, screen: int) -> None:
        """HEAD does nothing (RFC 9110 §9.3.2), and tells nothing that GET would not."""
        party, access = self.parties[name], picked(self.book.accesses, number)
        query = self.request(party, Asked(OFFLINE, VERIFIER, party.redirect_uris[0]))
        if (pushed := picked(self.book.pushed, number)) and number % 2:
            query = {"client_id": pushed.party.client_id, "request_uri": pushed.value}
        answer = fine(self.screens[screen].head("/authorize", params=query))
        assert not code_in(answer.headers.get("location", "")), "a code for HEAD"
        headers = {"Authorization": f"Bearer {access.value}"} if access else {}
        for path in ("/userinfo", "/logout", "/register/x", "/grants/x", *AT):
            told = fine(self.http.head(path, headers=headers))
            assert not told.content
            assert told.status_code >= 400 or path in ("/userinfo", "/logout")

    @rule(
        parameter=PARAMETERS,
        garbage=GARBAGE,
        name=APPLICATIONS,
        screen=SCREENS,
        at=st.sampled_from(("/authorize", "/par", "/token")),
        number=ANY,
    )
    def say_something_else(
        self, *, parameter: str, garbage: str, name: str, screen: int, at: str, number: int
    ) -> None:
        """One parameter is none that it could be; what came of it all the same is in the book."""
        party = self.parties[name]
        asked = Asked(OFFLINE, VERIFIER, party.redirect_uris[0])
        query = self.request(party, asked) | {parameter: garbage}
        if at == "/authorize":
            code = self.answered(party, screen, self.authorize(screen, query), "allow")
            if code:
                self.allowed(party, screen, code, asked)
        elif at == "/par":
            answer = self.post("/par", party, {**query})
            self.pushed(answer, party, asked)
        else:
            token: Refresh | None = picked(self.book.refreshes, number)
            form: dict[str, Any] = {"grant_type": "refresh_token", parameter: garbage}
            if token is not None and token.grant.party is party:
                answer = self.post("/token", party, form | {"refresh_token": token.value + "x"})
                assert answer.status_code in (400, 401)
            else:
                assert self.post("/token", party, form).status_code in (400, 401)
        fine(self.http.post("/register", content=json.dumps({parameter: garbage})))

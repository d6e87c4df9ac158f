"""The clients of the fuzz: how each is registered, authenticates, and comes back when it has ended.

`hospital` has a secret, `app` is public, `bank` has a certificate, `care` knows in which capacity
people act, `partner` presents what another issuer says, and `guest` has registered itself.
"""

from collections import Counter
from datetime import timedelta
from typing import Any, ClassVar

from httpx2 import Response
from hypothesis.stateful import RuleBasedStateMachine
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.clients.assertion_issuers import AssertionIssuer, register_assertion_issuer
from authn.clients.client_metadata import ClientMetadata
from authn.clients.client_registration.initial_access_tokens import create_initial_access_token
from authn.clients.client_registration.registration import register_client
from authn.clients.clients import (
    BASIC,
    CLIENT_CREDENTIALS,
    DEVICE_CODE,
    GRANT_MANAGEMENT_QUERY,
    GRANT_MANAGEMENT_REVOKE,
    JWT_BEARER,
    PRIVATE_KEY_JWT,
    SELF_SIGNED_TLS_CLIENT_AUTH,
    TOKEN_EXCHANGE,
)
from authn.clients.resource_servers.exchange_pairs import ExchangePair, allow_exchange
from authn.db.transaction import writing
from authn.secrets import new_token
from authn.web.site import Site
from tests.certificates import Held
from tests.citizen import ORIGIN
from tests.conftest import MovableClock
from tests.oidc.client_keys import ClientKey, asserted, assertion
from tests.oidc.fapi import HEADER
from tests.oidc.fuzz_model import Book, Party
from tests.oidc.fuzz_proofs import NO_PROOF, Proof, proof_of
from tests.oidc.refreshing import GRANT_TYPES
from tests.oidc.registrant import post as post_registration
from tests.oidc.relying_party import basic
from tests.oidc.resource_servers import API, ResourceServer
from tests.oidc.systems import ORGANISATION

NAMES = ("hospital", "app", "bank", "guest")
EVERYBODY = (*NAMES, "care", "partner")
KINDS = {"app": "public", "bank": "certificate", "guest": "assertion"}
METHODS = {
    "public": "none",
    "secret": BASIC,
    "certificate": SELF_SIGNED_TLS_CLIENT_AUTH,
    "assertion": PRIVATE_KEY_JWT,
}
KIND_OF_METHOD = {method: kind for kind, method in METHODS.items()}
MANAGING = (GRANT_MANAGEMENT_QUERY, GRANT_MANAGEMENT_REVOKE)
SCOPE = " ".join(("openid profile letters drafts offline_access", *MANAGING))
KEY = ClientKey.shared("ES256")  # that of all of them: whose it is, is in what they sign


def fine(answer: Response) -> Response:
    """No crash, whatever was sent."""
    assert answer.status_code < 500, answer.text
    return answer


class Parties(RuleBasedStateMachine):
    """Who asks, and what the endpoints answer to them."""

    site: Site
    app: Starlette
    clock: MovableClock
    api: ResourceServer
    http: TestClient
    certificate: Held
    other_certificate: Held
    seen: ClassVar[Counter[str]]
    book: Book
    parties: dict[str, Party]

    def registered(self, name: str) -> Party:
        """The application is a client, another one than before."""
        party = self._registered_itself() if name == "guest" else self._by_operator(name)
        self.parties[name] = party
        if name != "guest":
            self._may_be_exchanged(party)
        if name in ("hospital", "partner"):
            self._speaks_of_people()
        return party

    def initial_access_token(self) -> str:
        """For one registration."""
        now = self.clock()
        with writing(self.site.database) as connection:
            return create_initial_access_token(connection, "fuzz", 1, now + timedelta(days=1), now)

    def document(self, **changes: Any) -> dict[str, Any]:
        """What the guest says of itself."""
        return {
            "redirect_uris": ["https://guest.example/callback"],
            "token_endpoint_auth_method": PRIVATE_KEY_JWT,
            "jwks": KEY.jwks,
            "grant_types": [*GRANT_TYPES],
            "scope": "openid profile offline_access",
        } | changes

    def _registered_itself(self) -> Party:
        answer = post_registration(self.http, self.document(), self.initial_access_token())
        assert fine(answer).status_code == 201, answer.text
        return as_told(answer.json())

    def _by_operator(self, name: str) -> Party:
        kind = KINDS.get(name, "secret")
        grant_types = {*GRANT_TYPES, TOKEN_EXCHANGE, DEVICE_CODE}
        grant_types |= {JWT_BEARER, CLIENT_CREDENTIALS} if kind == "secret" else set()
        keys = self.certificate.jwks["keys"] if kind == "certificate" else []
        redirect_uris = (f"https://{name}.example/callback",)
        with writing(self.site.database) as connection:
            registered = register_client(
                connection,
                self.site.secrets,
                self.clock(),
                client_id=f"{name}-{new_token(6)}",
                client_name=name,
                redirect_uris=[*redirect_uris],
                token_endpoint_auth_method=METHODS[kind],
                scope=SCOPE,
                resources=[API],
                organisation="" if kind == "public" else ORGANISATION,
                profile_kinds=("mandate",) if name == "care" else (),
                metadata=ClientMetadata(
                    grant_types=tuple(sorted(grant_types)),
                    jwks={"keys": [KEY.jwk_public, *keys]},
                    tls_client_certificate_bound_access_tokens=kind == "certificate",
                ),
            )
        return Party(
            registered.client.client_id,
            kind,
            redirect_uris,
            frozenset(SCOPE.split()),
            frozenset(grant_types),
            registered.client_secret or "",
        )

    def _may_be_exchanged(self, party: Party) -> None:
        """The hospital may exchange everybody's tokens for the API."""
        caller = self.parties["hospital"].client_id
        others = [each for name, each in self.parties.items() if name != "guest"]
        of = others if party is self.parties["hospital"] else [party]
        with writing(self.site.database) as connection:
            for each in of if not self.parties["hospital"].ended else []:
                if each.ended:
                    continue
                pair = ExchangePair(caller, each.client_id, API)
                allow_exchange(connection, self.site.secrets, pair, self.clock())

    @property
    def issuer(self) -> str:
        """The issuer that names people to the partner as the hospital knows them."""
        hospital, partner = self.parties["hospital"], self.parties["partner"]
        return f"https://{partner.client_id}.example/{hospital.client_id}"

    def _speaks_of_people(self) -> None:
        if "partner" not in self.parties:
            return
        issuer = AssertionIssuer(
            issuer=self.issuer,
            jwks=KEY.jwks,
            jwks_uri=None,
            client_id=self.parties["partner"].client_id,
            subject_client_id=self.parties["hospital"].client_id,
            created_at=self.clock(),
        )
        with writing(self.site.database) as connection:
            if not any(self.parties[name].ended for name in ("hospital", "partner")):
                register_assertion_issuer(connection, self.site.secrets, issuer)

    def credentials(self, party: Party) -> tuple[dict[str, str], dict[str, str]]:
        """The form and the headers with which it says who it is."""
        if party.kind == "secret":
            return {}, {"Authorization": basic(party.client_id, party.secret)}
        if party.kind == "assertion":
            return asserted(assertion(party.client_id, ORIGIN, KEY, self.clock())), {}
        shown = {HEADER: self.certificate.rfc_9440} if party.kind == "certificate" else {}
        return {"client_id": party.client_id}, shown

    def post(
        self, path: str, party: Party, form: dict[str, str], proof: Proof = NO_PROOF
    ) -> Response:
        """What the endpoint answers to this client."""
        fields, headers = self.credentials(party)
        if proof.text:
            headers["DPoP"] = proof.text
        answer = fine(self.http.post(path, data={**form, **fields}, headers=headers))
        if answer.status_code in (200, 201):
            self.seen[f"{path} {form.get('grant_type', '')}"] += 1
            self.proven(proof)
        return answer

    def proven(self, proof: Proof) -> None:
        """It was accepted: it was a right one, and is none any more."""
        if proof.text:
            assert proof.good, "a wrong proof"
            self.seen["a proof"] += 1
            self.book.proofs.append(proof.text)

    def proof(
        self, how: str, path: str = "/token", method: str = "POST", token: str | None = None
    ) -> Proof:
        """See `fuzz_proofs.proof_of`."""
        return proof_of(self.site, how, method, path, self.book.proofs, token)


def as_told(told: dict[str, Any], secret: str = "") -> Party:
    """The client that this information is about (RFC 7591 §3.2.1); a secret is told once."""
    return Party(
        told["client_id"],
        KIND_OF_METHOD[told["token_endpoint_auth_method"]],
        tuple(told["redirect_uris"]),
        frozenset(told["scope"].split()),
        frozenset(told["grant_types"]),
        told.get("client_secret", secret),
        at_resource=False,
        told=told,
    )

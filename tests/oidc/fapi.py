"""Clients under FAPI 2.0 in tests: with a key or a certificate, bound by DPoP or by mTLS."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from httpx2 import Response
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.clients.clients import PRIVATE_KEY_JWT, TLS_CLIENT_AUTH
from authn.settings import Settings
from authn.web.site import Site
from tests.certificates import Held, issue
from tests.citizen import ORIGIN
from tests.oidc.client_keys import ClientKey, asserted, assertion
from tests.oidc.dpop_proofs import DpopKey
from tests.oidc.pushing import bring
from tests.oidc.refreshing import GRANT_TYPES
from tests.oidc.relying_party import VERIFIER, RelyingParty, answer_of, register

PROXY = "10.1.2.3"
HEADER = "Client-Cert"
NAME = "hospital.example"
DPOP, MTLS = "dpop", "mtls"
METADATA = {
    DPOP: {"dpop_bound_access_tokens": True},
    MTLS: {"tls_client_certificate_bound_access_tokens": True},
}


def behind_a_proxy(settings: Settings, root: Held, directory: Path) -> Settings:
    """A service whose proxy terminates TLS and passes certificates on."""
    roots = directory / "roots.pem"
    roots.write_text(root.pem)
    return settings.model_copy(
        update={
            "trusted_proxies": PROXY,
            "client_certificate_header": HEADER,
            "client_certificate_roots": roots,
        }
    )


@dataclass(slots=True)
class FapiParty:
    """A client under the profile: `method` is how it authenticates, `bound_by` DPOP or MTLS.

    Everything that it sends through `http` is as it must be; each test changes one thing.
    """

    rp: RelyingParty
    http: TestClient
    method: str
    bound_by: str
    key: ClientKey
    certificate: Held
    dpop: DpopKey

    @property
    def client_id(self) -> str:
        return self.rp.client.client_id

    @property
    def now(self) -> datetime:
        return self.rp.site.clock()

    def post(
        self,
        path: str,
        form: dict[str, str],
        *,
        signed: str | None = None,
        bound: bool = True,
        **proof: Any,
    ) -> Response:
        """The answer to this form, authenticated and bound.

        `signed` is another assertion; `proof` changes the DPoP proof.
        """
        headers = {}
        if self.method == PRIVATE_KEY_JWT:
            form = form | asserted(self.assertion() if signed is None else signed)
        else:
            form = {"client_id": self.client_id} | form
        if self.method == TLS_CLIENT_AUTH or (bound and self.bound_by == MTLS):
            headers[HEADER] = self.certificate.rfc_9440
        if bound and self.bound_by == DPOP:
            headers["DPoP"] = self.dpop.proof("POST", ORIGIN + path, self.now, **proof)
        return self.http.post(path, data=form, headers=headers)

    def assertion(self, aud: Any = ORIGIN, **changes: Any) -> str:
        """A fresh assertion; see `client_keys.assertion`."""
        key = changes.pop("key", self.key)
        return assertion(self.client_id, aud, key, self.now, **changes)

    def push(self, *, bound: bool = False, **parameters: str | None) -> Response:
        """The answer of /par to an authorization request."""
        return self.post("/par", self.rp.request(**parameters), bound=bound)

    def pushed(self, **parameters: Any) -> str:
        """The `request_uri` of an authorization request."""
        answer = self.push(**parameters)
        assert answer.status_code == 201, answer.text
        request_uri: str = answer.json()["request_uri"]
        return request_uri

    def answer(self, **parameters: Any) -> dict[str, str]:
        """What /authorize gave back to a pushed request."""
        return answer_of(bring(self.rp, self.pushed(**parameters)), self.rp.redirect_uri)

    def code(self, **parameters: Any) -> str:
        """A fresh authorization code."""
        return self.answer(**parameters)["code"]

    def redeem(self, code: str, *, form: dict[str, str] | None = None, **sent: Any) -> Response:
        """The answer of /token to this code; `form` changes what is sent with it."""
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.rp.redirect_uri,
            "code_verifier": VERIFIER,
        }
        return self.post("/token", fields | (form or {}), **sent)

    def refresh(self, refresh_token: str, **sent: Any) -> Response:
        """The answer of /token to this refresh token."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return self.post("/token", form, **sent)

    def tokens(self, **parameters: Any) -> dict[str, Any]:
        """The whole flow: what /token answered."""
        answer = self.redeem(self.code(**parameters))
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    def userinfo(self, token: str, scheme: str = "", *, bound: bool = True) -> Response:
        """The answer of /userinfo to this token."""
        usual = "DPoP" if self.bound_by == DPOP else "Bearer"
        headers = {"Authorization": f"{scheme or usual} {token}"}
        if bound and self.bound_by == MTLS:
            headers[HEADER] = self.certificate.rfc_9440
        if bound and self.bound_by == DPOP:
            url = f"{ORIGIN}/userinfo"
            headers["DPoP"] = self.dpop.proof("GET", url, self.now, access_token=token)
        return self.http.get("/userinfo", headers=headers)


def fapi_party(
    site: Site,
    browser: TestClient,
    http: TestClient,
    root: Held,
    *,
    method: str = PRIVATE_KEY_JWT,
    bound_by: str = DPOP,
    client_id: str = "hospital",
    alg: str = "ES256",
    resources: Sequence[str] = (),
    **metadata: Any,
) -> FapiParty:
    """A client under the profile is registered; nobody is asked about it."""
    key = ClientKey.shared(alg)
    said: dict[str, Any] = {"grant_types": GRANT_TYPES, **METADATA[bound_by]}
    said |= {"jwks": key.jwks} if method == PRIVATE_KEY_JWT else {"tls_client_auth_san_dns": NAME}
    rp = register(
        site,
        browser,
        client_id=client_id,
        token_endpoint_auth_method=method,
        profile="fapi2",
        scope="openid profile letters offline_access",
        resources=resources,
        first_party=True,
        metadata=ClientMetadata(**said | metadata),
    )
    certificate = issue(client_id, site.clock(), root, names=[x509.DNSName(NAME)])
    return FapiParty(rp, http, method, bound_by, key, certificate, DpopKey())

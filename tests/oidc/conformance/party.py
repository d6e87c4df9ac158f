"""A client as the conformance suite makes one: it knows the provider by its metadata alone."""

import json
import re
import secrets
import string
from dataclasses import dataclass, field
from functools import cache
from html import unescape
from typing import Any, Self
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from httpx2 import Response
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from starlette.testclient import TestClient

from tests.citizen import ORIGIN, Screen
from tests.conftest import MovableClock
from tests.oidc.conformance import checks

BASIC, POST, KEY = "client_secret_basic", "client_secret_post", "private_key_jwt"
REDIRECT_URI = "https://suite.example/test/a/authn/callback"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
WELL_KNOWN = "/.well-known/openid-configuration"
PAGES = 6  # more than the longest way through our pages


@cache
def rsa_key(name: str) -> RSAKey:
    """A key of a client; the same name is the same key in all tests."""
    return RSAKey.generate_key(2048, parameters={"use": "sig", "alg": "RS256"}, private=True)


def random_value(length: int = 10) -> str:
    """A state or a nonce."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(length))


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where a browser ended: at an address of the client, or at a page of ours."""

    location: str
    page: Response | None = None

    @property
    def is_error_page(self) -> bool:
        """Whether the person is shown that something is wrong, and sent nowhere."""
        shown = self.page is not None and self.page.status_code == 400
        return not self.location and shown


@dataclass(slots=True)
class Party:
    """A client that registered itself; `http` is its server, `screen` the browser of its user."""

    http: TestClient
    screen: Screen
    clock: MovableClock
    metadata: dict[str, Any]
    key: RSAKey
    told: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)

    @classmethod
    def registered_with(
        cls, http: TestClient, screen: Screen, clock: MovableClock, **said: Any
    ) -> Self:
        """A client that says this beside what the suite's clients always say; None leaves it out.

        Its key is named by `key`.
        """
        key = rsa_key(said.pop("key", "first"))
        party = cls(http, screen, clock, http.get(WELL_KNOWN).json(), key)
        party.told = checks.registration(party.post_registration(**said))
        return party

    def post_registration(self, **said: Any) -> Response:
        """The answer to a registration (OIDCCCreateDynamicClientRegistrationRequest)."""
        usual: dict[str, Any] = {
            "client_name": "suite " + random_value(),
            "grant_types": ["authorization_code"],
            "response_types": ["code"],
            "jwks": self.jwks,
            "token_endpoint_auth_method": BASIC,
            "redirect_uris": [REDIRECT_URI],
            "contacts": ["certification@suite.example"],
        }
        document = {name: value for name, value in (usual | said).items() if value is not None}
        return self.http.post(self.path("registration_endpoint"), json=document)

    @property
    def jwks(self) -> dict[str, Any]:
        """Its public key; the suite's has no `kid` unless a module is about that."""
        public = self.key.as_dict(private=False)
        return {"keys": [{name: value for name, value in public.items() if name != "kid"}]}

    @property
    def client_id(self) -> str:
        client_id: str = self.told["client_id"]
        return client_id

    @property
    def redirect_uri(self) -> str:
        redirect_uri: str = self.told["redirect_uris"][0]
        return redirect_uri

    @property
    def now(self) -> int:
        return int(self.clock().timestamp())

    def path(self, endpoint: str) -> str:
        """The path of an endpoint that the metadata names."""
        address: str = self.metadata[endpoint]
        assert address.startswith(ORIGIN + "/"), address
        return address.removeprefix(ORIGIN)

    def keys(self) -> KeySet:
        """The provider's keys, as they are published now."""
        return checks.key_set(self.http.get(self.path("jwks_uri")))

    # Authorization requests, by the browser

    def request(self, **parameters: str | None) -> dict[str, str]:
        """An authorization request without PKCE, as the suite sends; None leaves one out."""
        usual: dict[str, str | None] = {
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "openid",
            "state": random_value(),
            "nonce": random_value(),
            "response_type": "code",
        }
        asked = usual | parameters
        self.asked = {name: value for name, value in asked.items() if value is not None}
        return self.asked

    def address(self, endpoint: str, query: dict[str, str]) -> str:
        return f"{self.path(endpoint)}?{urlencode(query)}"

    def visit(self, request: dict[str, str]) -> Arrival:
        """Where the browser ends that comes with this request."""
        return self.follow(self.address("authorization_endpoint", request))

    def follow(self, location: str) -> Arrival:
        """Where the browser ends that goes there: the person signs in and allows what is asked."""
        for _ in range(PAGES):
            if urlsplit(location).hostname not in (None, "localhost"):
                return Arrival(location)
            page = urlsplit(location).path
            if page == "/login":
                signed_in = self.screen.sign_in(query_of(location)["request"])
                location = signed_in.json()["location"]
                continue
            if page == "/consent":
                token = query_of(location)["request"]
                response = self.screen.answer_page(page, token, decision="allow")
            else:
                response = self.screen.client.get(location)
            location = leads_to(response)
            if not location:
                return Arrival("", response)
        raise AssertionError("the pages have no end")

    def callback(self, arrival: Arrival) -> dict[str, str]:
        """The parameters that came to the redirect_uri, each once."""
        assert arrival.location.startswith(self.redirect_uri), arrival
        assert not urlsplit(arrival.location).fragment
        return query_of(arrival.location)

    def arrive(self, **parameters: str | None) -> dict[str, str]:
        """What came back to an authorization request: a code, or an error."""
        return self.callback(self.visit(self.request(**parameters)))

    def code(self, **parameters: str | None) -> str:
        """A code; the answer with it is as it must be."""
        came = self.arrive(**parameters)
        checks.authorization_answer(came, self.metadata["issuer"], self.asked)
        return came["code"]

    # The token endpoint and userinfo, by the server

    def redeem(self, code: str, **form: str | None) -> Response:
        return self.ask_tokens(
            grant_type="authorization_code", code=code, redirect_uri=self.redirect_uri, **form
        )

    def refresh(self, refresh_token: str, scope: str = "openid") -> Response:
        return self.ask_tokens(grant_type="refresh_token", refresh_token=refresh_token, scope=scope)

    def ask_tokens(self, **form: str | None) -> Response:
        """The answer of the token endpoint, the client authenticated as it registered."""
        method, headers, proved = self.told["token_endpoint_auth_method"], {}, {}
        if method == BASIC:
            pair = f"{quote(self.client_id)}:{quote(self.told['client_secret'])}"
            headers["Authorization"] = "Basic " + checks.base64_of(pair.encode())
        elif method == POST:
            proved = {"client_id": self.client_id, "client_secret": self.told["client_secret"]}
        else:
            proved = {"client_assertion": self.assertion(), "client_assertion_type": ASSERTION_TYPE}
        data = proved | {name: value for name, value in form.items() if value is not None}
        return self.http.post(self.path("token_endpoint"), data=data, headers=headers)

    def assertion(self, aud: str = "", **header: Any) -> str:
        """The assertion of `private_key_jwt`, good for a minute; by default for /token."""
        claims: dict[str, Any] = {"iss": self.client_id, "sub": self.client_id}
        claims["aud"] = aud or self.metadata["token_endpoint"]
        claims |= {"jti": random_value(20), "iat": self.now, "exp": self.now + 60}
        return self.sign(claims, **header)

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        return jwt.encode({"alg": "RS256"} | header, claims, self.key, algorithms=["RS256"])

    def tokens(self, **parameters: str | None) -> dict[str, Any]:
        """The whole flow: the tokens, each as it must be, and the claims of the ID token."""
        answer = checks.token_answer(self.redeem(self.code(**parameters)))
        return answer | {"claims": self.id_token(answer)}

    def id_token(self, answer: dict[str, Any], nonce: str | None = "") -> dict[str, Any]:
        """The claims of the ID token; `nonce` is "" for that of the request."""
        return checks.id_token(
            answer["id_token"],
            self.keys(),
            issuer=self.metadata["issuer"],
            client_id=self.client_id,
            alg=self.told["id_token_signed_response_alg"],
            now=self.now,
            access_token=answer["access_token"],
            nonce=self.asked.get("nonce") if nonce == "" else nonce,
        )

    def userinfo(self, access_token: str) -> Response:
        headers = {"Authorization": f"Bearer {access_token}"}
        return self.http.get(self.path("userinfo_endpoint"), headers=headers)


def leads_to(response: Response) -> str:
    """Where the browser goes next: by a redirect, or by a page that moves on; "" if nowhere."""
    location: str = response.headers.get("location", "")
    if location:
        assert response.status_code in (302, 303), response.status_code
        return location
    found = re.search(r'data-location="([^"]*)"', response.text)
    return unescape(found[1]) if found else ""


def query_of(location: str) -> dict[str, str]:
    query = parse_qs(urlsplit(location).query, strict_parsing=True)
    assert all(len(values) == 1 for values in query.values()), location
    return {name: values[0] for name, values in query.items()}


def unsigned(claims: dict[str, Any]) -> str:
    """A JWT with `alg` none."""
    header = checks.base64url_of(json.dumps({"alg": "none"}).encode())
    return f"{header}.{checks.base64url_of(json.dumps(claims).encode())}."

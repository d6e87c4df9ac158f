"""A relying application in tests: sends people to /authorize, redeems codes, asks userinfo."""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID

from httpx2 import Response
from starlette.testclient import TestClient

from authn.clients.client_registration.registration import register_client
from authn.clients.clients import BASIC, Client
from authn.consents.consents import give_consent
from authn.db.transaction import writing
from authn.devices.devices import add_device
from authn.devices.installations import recognise_installation
from authn.devices.tables import HeldDevice, NewCredential
from authn.people.persons import Citizen, find_or_create_person
from authn.people.tables import Person
from authn.profiles.profile import NO_PROFILE
from authn.secrets import new_token
from authn.sessions.opening import open_session
from authn.sessions.sessions import Session
from authn.web.cookies import SESSION, cookie_name
from authn.web.site import Site
from authn.web.user_agent import read_user_agent
from tests.citizen import HANNE

REDIRECT_URI = "https://hospital.example/callback"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636, appendix B
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody signed in in a browser."""

    person: Person
    held: HeldDevice
    session: Session
    token: str


@dataclass(slots=True)
class RelyingParty:
    """One client, with the browser that it sends to us."""

    site: Site
    browser: TestClient
    client: Client
    client_secret: str
    redirect_uri: str = field(init=False)

    def __post_init__(self) -> None:
        self.redirect_uri = next(iter(self.client.redirect_uris), "")  # a system has none

    def allowed_by(self, holder: Holder, scope: str = "openid profile") -> "RelyingParty":
        """The same, once the holder has consented to this scope."""
        with writing(self.site.database) as connection:
            give_consent(
                connection,
                holder.person.id,
                self.client.client_id,
                NO_PROFILE,
                scope.split(),
                self.site.clock(),
            )
        return self

    def request(self, **parameters: str | None) -> dict[str, str]:
        """The parameters of an authorization request; None leaves one out."""
        request: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "openid profile",
            "state": "af0ifjsldkj",
            "nonce": "n-0S6_WzA2Mj",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        request |= parameters
        return {name: value for name, value in request.items() if value is not None}

    def authorize(self, **parameters: str | None) -> Response:
        """The answer of /authorize to this client's browser."""
        return self.browser.get("/authorize?" + urlencode(self.request(**parameters)))

    def answer(self, **parameters: str | None) -> dict[str, str]:
        """What /authorize gave back on the redirect_uri, in its query."""
        return answer_of(self.authorize(**parameters), self.redirect_uri)

    def code(self, **parameters: str | None) -> str:
        """A fresh authorization code."""
        return self.answer(**parameters)["code"]

    def redeem(
        self, code: str | None, browser: TestClient | None = None, /, **form: str | None
    ) -> Response:
        """The answer of /token to this code, the client authenticated as it is registered."""
        fields: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": VERIFIER,
        }
        method = self.client.token_endpoint_auth_method
        headers = {}
        if method == BASIC:
            headers["Authorization"] = basic(self.client.client_id, self.client_secret)
        else:
            fields["client_id"] = self.client.client_id
            fields["client_secret"] = self.client_secret or None
        fields |= form
        data = {name: value for name, value in fields.items() if value is not None}
        return (browser or self.browser).post("/token", data=data, headers=headers)

    def tokens(self, **parameters: str | None) -> dict[str, Any]:
        """The whole code flow: what /token answered."""
        answer = self.redeem(self.code(**parameters))
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    def userinfo(self, access_token: str) -> Response:
        """The answer of /userinfo to this token."""
        return self.browser.get("/userinfo", headers={"Authorization": f"Bearer {access_token}"})


def register(
    site: Site, browser: TestClient, *, client_id: str = "", **metadata: Any
) -> RelyingParty:
    """A client is registered, by default a confidential one at hospital.example."""
    metadata = {"client_name": "Hospital", "redirect_uris": [REDIRECT_URI]} | metadata
    with writing(site.database) as connection:
        registered = register_client(
            connection, site.secrets, site.clock(), client_id=client_id, **metadata
        )
    return RelyingParty(site, browser, registered.client, registered.client_secret or "")


def hold_device(
    site: Site,
    browser: TestClient,
    citizen: Citizen = HANNE,
    *,
    backup_eligible: bool = False,
) -> Holder:
    """The citizen has enrolled a device and is signed in with it in this browser."""
    now = site.clock()
    credential = NewCredential(
        credential_id=new_token().encode(),
        public_key=b"",
        user_handle=b"",
        aaguid=UUID(int=0),
        algorithm=-7,
        transports=("internal",),
        attachment="platform",
        rp_id="localhost",
        origin=site.settings.issuer,
        sign_count=0,
        backup_eligible=backup_eligible,
        backed_up=False,
    )
    with writing(site.database) as connection:
        person = find_or_create_person(connection, site.secrets, citizen, now)
        held = add_device(
            connection,
            person.id,
            credential,
            name="Laptop",
            kind="laptop",
            identity_level="high",
            how="activation",
            now=now,
        )
    return sign_in(site, browser, held)


def sign_in(site: Site, browser: TestClient, held: HeldDevice) -> Holder:
    """The holder of the device is signed in with it in this browser."""
    now = site.clock()
    with writing(site.database) as connection:
        here = recognise_installation(connection, held.device.id, "", read_user_agent(""), now)
        session, token = open_session(connection, site, held, here.installation_id, None, now)
    browser.cookies.set(cookie_name(site.settings, SESSION), token, domain="localhost.local")
    return Holder(held.person, held, session, token)


def answer_of(response: Response, redirect_uri: str) -> dict[str, str]:
    """The parameters of an answer in the query of the redirect_uri, each once."""
    assert response.status_code == 303, response.text
    location = response.headers["location"]
    assert location.startswith(redirect_uri + ("&" if "?" in redirect_uri else "?")), location
    parameters = parse_qs(urlsplit(location).query, strict_parsing=True)
    assert all(len(values) == 1 for values in parameters.values())
    return {name: values[0] for name, values in parameters.items()}


def basic(client_id: str, client_secret: str) -> str:
    """The header of `client_secret_basic`."""
    return "Basic " + base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()


def segment(token: str, index: int) -> dict[str, Any]:
    """A segment of a JWT, not verified: 0 is the header, 1 the claims."""
    content: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[index] + "=="))
    return content


def b64(value: bytes | dict[str, Any]) -> str:
    """A segment for a JWT."""
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def s256(code_verifier: str) -> str:
    """The code_challenge of a verifier."""
    return b64(hashlib.sha256(code_verifier.encode()).digest())

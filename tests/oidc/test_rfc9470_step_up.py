"""Step-up by a resource server: RFC 9470, OAuth 2.0 Step Up Authentication Challenge Protocol
(https://www.rfc-editor.org/rfc/rfc9470).

The resource server here is as its developers would write it: it has our access tokens, our key set
and its own idea of how, and how recently, somebody must have signed in.
"""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from httpx2 import Response
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.responses import Response as Answer
from starlette.routing import Route
from starlette.testclient import TestClient

from authn.foreign_jwt import read_key_set, verify_jws
from authn.jose import InvalidToken
from authn.web.site import Site
from tests.citizen import ORIGIN, enrolled
from tests.conftest import MovableClock
from tests.oidc.relying_party import RelyingParty, hold_device, segment
from tests.oidc.resource_servers import API, application, resource_server

pytestmark = pytest.mark.thorough

SYNCED, DEVICE, CERTIFIED = (
    f"urn:authn:level:{each}" for each in ("synced", "device", "certified")
)
MAX_AGE = 300
DESCRIPTION = "A more recent sign-in, or one with another device, is needed."


def letters(jwks: Any, clock: MovableClock, acr_values: tuple[str, ...]) -> TestClient:
    """A resource server that wants one of these classes, and a sign-in of five minutes ago."""
    keys = read_key_set(jwks)

    def challenge(**parameters: str) -> Answer:
        said = ", ".join(f'{name}="{value}"' for name, value in parameters.items())
        return Answer(status_code=401, headers={"WWW-Authenticate": f"Bearer {said}"})

    def read(request: Request) -> Answer:
        token = request.headers["authorization"].removeprefix("Bearer ")
        try:
            claims = verify_jws(token, keys, ["ES256"])
        except InvalidToken:
            return challenge(error="invalid_token")
        now = clock().timestamp()
        if claims["iss"] != ORIGIN or claims["aud"] != API or claims["exp"] <= now:
            return challenge(error="invalid_token")
        if claims["acr"] not in acr_values or claims["auth_time"] < now - MAX_AGE:
            return challenge(  # §3
                error="insufficient_user_authentication",
                error_description=DESCRIPTION,
                acr_values=" ".join(acr_values),
                max_age=str(MAX_AGE),
            )
        return JSONResponse({"letters": []})

    return TestClient(Starlette(routes=[Route("/letters", read)]), base_url="https://api.example")


@pytest.fixture
def rp(site: Site, client: TestClient, backchannel: TestClient) -> RelyingParty:
    """An application that may ask tokens for the resource server."""
    resource_server(site, backchannel)
    return application(site, client)


@pytest.fixture
def make_api(rp: RelyingParty, clock: MovableClock) -> Callable[..., TestClient]:
    """The resource server, by the classes that it wants."""
    jwks = rp.browser.get("/jwks").json()
    return lambda *acr_values: letters(jwks, clock, acr_values)


def read_letters(api: TestClient, token: str) -> Response:
    return api.get("/letters", headers={"Authorization": f"Bearer {token}"})


def parameters_of(challenged: Response) -> dict[str, str]:
    """What a client asks /authorize after such an answer (§4)."""
    assert challenged.status_code == 401
    said = dict(re.findall(r'(\w+)="([^"]*)"', challenged.headers["www-authenticate"]))
    assert said["error"] == "insufficient_user_authentication"
    return {name: said[name] for name in ("acr_values", "max_age")}


def token_for_letters(rp: RelyingParty, code: str | None = None, **parameters: str) -> str:
    """An access token for the resource server."""
    code = code or rp.code(scope="openid letters", resource=API, **parameters)
    token: str = rp.redeem(code).json()["access_token"]
    return token


def waiting(rp: RelyingParty, **parameters: str) -> str:
    """The pending request of the page that /authorize sends the browser to."""
    answer = rp.authorize(scope="openid letters", resource=API, **parameters)
    location = urlsplit(answer.headers["location"])
    assert location.path == "/login", location
    return parse_qs(location.query)["request"][0]


def test_a_token_says_how_and_when_its_person_signed_in(
    site: Site, client: TestClient, rp: RelyingParty, clock: MovableClock
) -> None:  # §6.1, §6.2
    hold_device(site, client)
    signed_in_at = int(clock().timestamp())
    clock.advance(seconds=100)
    token = token_for_letters(rp)
    claims = segment(token, 1)
    assert (claims["acr"], claims["auth_time"]) == (DEVICE, signed_in_at)


def test_a_sign_in_that_is_too_old_is_made_anew(
    site: Site,
    client: TestClient,
    rp: RelyingParty,
    make_api: Callable[..., TestClient],
    clock: MovableClock,
) -> None:  # §3, §4: max_age
    api = make_api(DEVICE, CERTIFIED)
    _, screen = enrolled(site, client)
    assert read_letters(api, token_for_letters(rp)).status_code == 200
    clock.advance(seconds=MAX_AGE + 1)
    stale = token_for_letters(rp)
    assert read_letters(api, stale).status_code == 401
    asked = parameters_of(read_letters(api, stale))
    answer = screen.sign_in(waiting(rp, **asked))
    code = parse_qs(urlsplit(answer.json()["location"]).query)["code"][0]
    assert read_letters(api, token_for_letters(rp, code)).status_code == 200
    assert read_letters(api, stale).status_code == 401  # §6: a token says what it said


def test_a_sign_in_with_too_little_is_made_with_another_device(
    site: Site, client: TestClient, rp: RelyingParty, make_api: Callable[..., TestClient]
) -> None:  # §3, §4: acr_values
    api = make_api(DEVICE, CERTIFIED)
    hold_device(site, client, backup_eligible=True)
    weak = token_for_letters(rp)
    assert segment(weak, 1)["acr"] == SYNCED
    asked = parameters_of(read_letters(api, weak))
    answer = rp.authorize(scope="openid letters", resource=API, **asked)
    assert urlsplit(answer.headers["location"]).path == "/login/device-needed"
    hold_device(site, client)  # her other device, with which she signs in now
    strong = token_for_letters(rp, **asked)
    assert segment(strong, 1)["acr"] == DEVICE
    assert read_letters(api, strong).status_code == 200


def test_a_level_that_the_person_cannot_reach_is_told(
    site: Site, client: TestClient, rp: RelyingParty, make_api: Callable[..., TestClient]
) -> None:  # §5
    api = make_api(CERTIFIED)
    hold_device(site, client)
    asked = parameters_of(read_letters(api, token_for_letters(rp)))
    answer = rp.answer(scope="openid letters", resource=API, prompt="none", **asked)
    assert answer["error"] == "unmet_authentication_requirements"


def test_the_classes_are_those_of_discovery(rp: RelyingParty) -> None:  # §7
    metadata = rp.browser.get("/.well-known/oauth-authorization-server").json()
    assert metadata["acr_values_supported"] == [CERTIFIED, DEVICE, SYNCED]

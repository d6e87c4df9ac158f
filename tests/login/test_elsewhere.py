"""The address for another browser, where this window has no keys (RFC 8252 §8.12)."""

import re
from dataclasses import fields, replace
from html import unescape
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.clients.client_registration.registration import register_client
from authn.clients.clients import find_client
from authn.db.transaction import reading, writing
from authn.grants.authorization_request import AuthorizationRequest
from authn.keys.signing_keys import ensure_signing_keys
from authn.login.pages.other_browser import address_for_another_browser, request_parameters
from authn.web.site import Site
from tests.citizen import ORIGIN, enrolled
from tests.screens import another_screen

CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636, appendix B
ASKED = {
    "response_type": "code",
    "client_id": "app",
    "scope": "openid profile",
    "state": 'a b&c=d#é"<>',
    "nonce": "n-0S6_WzA2Mj",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
    "response_mode": "query",
    "prompt": "login consent",
    "max_age": "60",
    "ui_locales": "fr nl",
}

# What a request that is made again never had, and with it what is ours.
PARTICULAR = {
    "essential_acr",
    "resource",
    "claims_id_token",
    "claims_userinfo",
    "essential_claims",
    "authorization_details",
    "withheld",
}
UNSAID = PARTICULAR | {"request_id", "arrived_at", "subject_hint", "came_as"}


def register(site: Site, application_type: str, redirect_uri: str) -> None:
    now = site.clock()
    ensure_signing_keys(site.database, site.secrets, now)
    with writing(site.database) as connection:
        register_client(
            connection,
            site.secrets,
            now,
            client_id="app",
            client_name="An app",
            redirect_uris=[redirect_uri],
            token_endpoint_auth_method="none",
            application_type=application_type,
            scope="openid profile",
        )


def sign_in_page(client: TestClient, redirect_uri: str, **more: str) -> str:
    """The page to which this request leads."""
    asked = urlencode({**ASKED, "redirect_uri": redirect_uri, **more})
    location = client.get(f"/authorize?{asked}").headers["location"]
    assert location.startswith("/login?request="), location
    return client.get(location).text


def address_on(page: str) -> str | None:
    found = re.search(r'data-outcome="not-allowed-here" data-elsewhere="([^"]*)"', page)
    return unescape(found[1]) if found else None


@pytest.mark.parametrize(
    "redirect_uri", ["be.example.app:/callback", "https://app.example/callback"]
)
def test_an_apps_request_is_made_again_as_it_was(
    site: Site, client: TestClient, redirect_uri: str
) -> None:
    register(site, "native", redirect_uri)
    address = address_on(sign_in_page(client, redirect_uri))
    assert address is not None
    parts = urlsplit(address)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{ORIGIN}/authorize"
    assert dict(parse_qsl(parts.query)) == {**ASKED, "redirect_uri": redirect_uri}


def test_another_browser_answers_the_app(site: Site, app: Starlette, client: TestClient) -> None:
    register(site, "native", "be.example.app:/callback")
    _, screen = enrolled(site, another_screen(app).client)
    page = sign_in_page(client, "be.example.app:/callback", prompt="login")
    address = address_on(page)
    assert address is not None
    location = screen.client.get(address).headers["location"]
    token = parse_qs(urlsplit(location).query)["request"][0]
    onwards = screen.sign_in(token).json()["location"]
    assert onwards.startswith("/consent?")
    onwards_token = parse_qs(urlsplit(onwards).query)["request"][0]
    allowed = screen.answer_page("/consent", onwards_token, decision="allow")
    answer = re.search(r'data-location="([^"]*)"', allowed.text)
    assert answer
    assert unescape(answer[1]).startswith("be.example.app:/callback?code=")
    assert parse_qs(urlsplit(unescape(answer[1])).query)["state"] == [ASKED["state"]]


def test_a_web_application_begins_at_its_own_start(site: Site, client: TestClient) -> None:
    """Its state is in a cookie of the window that is left: an answer elsewhere would be refused."""
    register(site, "web", "https://app.example:8443/a/callback?b=c")
    page = sign_in_page(client, "https://app.example:8443/a/callback?b=c")
    assert address_on(page) == "https://app.example:8443/"
    assert "An app" in page.partition("not-allowed-here")[2].partition("</h2>")[0]


def test_without_a_request_the_page_itself_is_the_address(client: TestClient) -> None:
    page = client.get("/login?return_to=/devices/add").text
    assert address_on(page) is None
    assert "data-elsewhere-address" in page


def test_a_request_for_one_certain_person_is_not_made_again(site: Site) -> None:
    """Its `id_token_hint` is gone: made again, it would be for anyone (Core §3.1.2.2)."""
    register(site, "native", "be.example.app:/callback")
    with reading(site.database) as connection:
        client = find_client(connection, "app")
    assert client is not None
    for hint, made in (("", True), ("a-subject", False)):
        pending = waiting_request(site, subject_hint=hint)
        assert (address_for_another_browser(site.settings, pending, client) is not None) is made


@pytest.mark.parametrize(
    "metadata",
    [
        ClientMetadata(require_pushed_authorization_requests=True),
        ClientMetadata(require_signed_request_object=True),
    ],
)
def test_a_request_that_may_not_come_plainly_is_not_made_again(
    site: Site, metadata: ClientMetadata
) -> None:
    """Made again it would be refused: RFC 9126 §5, RFC 9101 §10.5."""
    register(site, "native", "be.example.app:/callback")
    with reading(site.database) as connection:
        client = find_client(connection, "app")
    assert client is not None
    pending = waiting_request(site, subject_hint="")
    client = replace(client, metadata=metadata)
    assert address_for_another_browser(site.settings, pending, client) is None


def test_every_field_of_a_request_is_sent_again_or_never_was(site: Site) -> None:
    pending = waiting_request(site, subject_hint="a-subject")
    names = {field.name for field in fields(AuthorizationRequest)}
    sent = request_parameters(pending).keys()
    assert names - sent == UNSAID
    assert sent - names == {"response_type", "code_challenge_method"}


def waiting_request(site: Site, subject_hint: str) -> AuthorizationRequest:
    """A request in which every field has a value."""
    values = {field.name: "x" for field in fields(AuthorizationRequest)}
    own = {"redirect_uri": "be.example.app:/callback", "subject_hint": subject_hint}
    others = {"prompt": ("login",), "max_age": 1, "arrived_at": site.clock()}
    others |= dict.fromkeys(PARTICULAR, ())
    return AuthorizationRequest(**{**values, **own, **others})  # type: ignore[arg-type]

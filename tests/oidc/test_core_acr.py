"""In which way somebody must have signed in: `acr_values`, and `acr` in `claims`.

OpenID Connect Core 1.0 §3.1.2.1 and §5.5.1.1
(https://openid.net/specs/openid-connect-core-1_0.html#acrSemantics), OpenID Connect Core Error Code
unmet_authentication_requirements 1.0
(https://openid.net/specs/openid-connect-unmet-authentication-requirements-1_0.html), RFC 9470 §5
(https://www.rfc-editor.org/rfc/rfc9470#section-5), decisions 4.8.
"""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.web.site import Site
from tests.citizen import enrolled
from tests.conftest import MovableClock
from tests.oidc.relying_party import Holder, RelyingParty, answer_of, hold_device, segment, sign_in
from tests.policies import change_settings

pytestmark = pytest.mark.thorough

MakeRP = Callable[..., RelyingParty]

SYNCED, DEVICE, CERTIFIED = (
    f"urn:authn:level:{each}" for each in ("synced", "device", "certified")
)
FEDERATION = {"certified": "urn:fed:high", "device": "urn:fed:low", "synced": "urn:fed:low"}
UNMET = "unmet_authentication_requirements"
PAGE = "/login/device-needed"


def essential(*values: str) -> dict[str, str]:
    return {"claims": json.dumps({"id_token": {"acr": {"essential": True, "values": values}}})}


def voluntary(*values: str) -> dict[str, str]:
    return {"acr_values": " ".join(values)}


@pytest.fixture
def ours(make_rp: MakeRP) -> RelyingParty:
    return make_rp(first_party=True)


@pytest.fixture
def synced(site: Site, client: TestClient) -> Holder:
    """Hanne, signed in with a key that is shared by her devices; she has no other."""
    return hold_device(site, client, backup_eligible=True)


def acr_of(rp: RelyingParty, **parameters: Any) -> str:
    acr: str = segment(rp.tokens(**parameters)["id_token"], 1)["acr"]
    return acr


def path_of(rp: RelyingParty, **parameters: Any) -> str:
    return urlsplit(rp.authorize(**parameters).headers["location"]).path


# "any listed one satisfies"
@pytest.mark.parametrize("ask", [voluntary, essential])
@pytest.mark.parametrize(
    ("values", "acr"),
    [
        ((DEVICE,), DEVICE),
        ((CERTIFIED, DEVICE), DEVICE),
        ((SYNCED, DEVICE, CERTIFIED), DEVICE),
        (("urn:unknown", DEVICE), DEVICE),
        ((CERTIFIED, SYNCED), SYNCED),  # §5.5.1.1: one of those that were asked, and true
        ((SYNCED,), SYNCED),
    ],
)
@pytest.mark.one_engine
def test_the_acr_is_one_that_was_asked(
    ours: RelyingParty, holder: Holder, ask: Callable[..., Any], values: tuple[str, ...], acr: str
) -> None:
    assert acr_of(ours, **ask(*values)) == acr
    assert acr_of(ours, **ask(*values), prompt="none") == acr
    assert acr_of(ours) == DEVICE


def test_the_access_token_says_the_same(ours: RelyingParty, holder: Holder) -> None:
    tokens = ours.tokens(**voluntary(SYNCED))
    assert segment(tokens["access_token"], 1)["acr"] == SYNCED


# "unknown values are ignored"
@pytest.mark.parametrize(
    "parameters",
    [
        voluntary("urn:unknown", "1", "2"),
        voluntary("é", '"'),
        voluntary(" " * 9),
        {"claims": '{"id_token": {"acr": {"values": ["urn:unknown"]}}}'},
        {"claims": '{"id_token": {"acr": {"value": 4}}}'},
        {"claims": '{"id_token": {"acr": {"essential": true}}}'},
        {"claims": '{"id_token": {"acr": null}}'},
        {"claims": '{"userinfo": {"acr": {"essential": true, "value": "urn:unknown"}}}'},
    ],
)
@pytest.mark.one_engine
def test_what_is_voluntary_and_unknown_changes_nothing(
    ours: RelyingParty, synced: Holder, parameters: dict[str, str]
) -> None:
    assert acr_of(ours, **parameters) == SYNCED


# "essential `acr` always" (§5.5.1.1: a failed authentication attempt)
@pytest.mark.parametrize("prompt", [None, "none", "login"])
@pytest.mark.parametrize("values", [("urn:unknown",), (), ("urn:unknown", "1")])
@pytest.mark.one_engine
def test_an_essential_acr_that_does_not_exist_is_unmet(
    ours: RelyingParty, holder: Holder, values: tuple[str, ...], prompt: str | None
) -> None:
    assert ours.answer(**essential(*values), prompt=prompt)["error"] == UNMET


# "only known but unreachable"
@pytest.mark.parametrize("ask", [voluntary, essential])
def test_without_a_page_a_level_that_no_device_has_is_unmet(
    ours: RelyingParty, synced: Holder, ask: Callable[..., Any]
) -> None:
    assert ours.answer(**ask(DEVICE), prompt="none")["error"] == UNMET
    assert ours.answer(**ask("urn:unknown", CERTIFIED), prompt="none")["error"] == UNMET


@pytest.mark.parametrize("ask", [voluntary, essential])
def test_without_a_page_a_level_of_another_device_is_login_required(
    site: Site, ours: RelyingParty, holder: Holder, client: TestClient, ask: Callable[..., Any]
) -> None:
    hold_device(site, client, backup_eligible=True)
    assert ours.answer(**ask(DEVICE), prompt="none")["error"] == "login_required"
    assert ours.answer(**ask(CERTIFIED), prompt="none")["error"] == UNMET


@pytest.mark.parametrize("ask", [voluntary, essential])
def test_with_a_page_the_person_reads_what_is_needed(
    ours: RelyingParty, synced: Holder, client: TestClient, ask: Callable[..., Any]
) -> None:
    location = ours.authorize(**ask(DEVICE)).headers["location"]
    assert urlsplit(location).path == PAGE
    html = client.get(location, headers={"Accept-Language": "en"}).text
    assert "shared by several of your devices" in html
    assert "a key that stays on one device" in html
    token = parse_qs(urlsplit(location).query)["request"][0]
    # No page leads around it, and who gives up takes the error along.
    on = client.get("/login/continue", params={"request": token}).headers["location"]
    assert urlsplit(on).path == PAGE
    back = client.get("/login/without-device", params={"request": token})
    assert answer_of(back, ours.redirect_uri)["error"] == UNMET


def test_the_page_names_the_device_that_will_do(
    site: Site, ours: RelyingParty, holder: Holder, client: TestClient
) -> None:
    hold_device(site, client, backup_eligible=True)
    location = ours.authorize(**voluntary(DEVICE)).headers["location"]
    html = client.get(location, headers={"Accept-Language": "en"}).text
    assert "This device of yours is accepted" in html
    # RFC 9470 §5: stepping up is signing in with it.
    sign_in(site, client, holder.held)
    token = parse_qs(urlsplit(location).query)["request"][0]
    on = client.get("/login/continue", params={"request": token})
    assert "code" in answer_of(on, ours.redirect_uri)


def test_the_sign_in_page_says_which_device_is_needed(
    ours: RelyingParty, client: TestClient
) -> None:
    location = ours.authorize(**voluntary(DEVICE)).headers["location"]
    assert urlsplit(location).path == "/login"
    english = {"Accept-Language": "en"}
    assert "a key that stays on one device" in client.get(location, headers=english).text
    location = ours.authorize().headers["location"]
    assert "a key that stays on one device" not in client.get(location, headers=english).text


def test_signing_in_with_too_little_leads_to_the_page(
    site: Site, client: TestClient, ours: RelyingParty
) -> None:
    _, screen = enrolled(site, client, backup_eligible=True)
    screen.authenticator.credentials[0].backup_eligible = True
    screen.post_form("/sign-out")
    token = _waiting(ours, **essential(DEVICE))
    assert urlsplit(screen.sign_in(token).json()["location"]).path == PAGE


def test_a_step_up_with_a_fresh_sign_in(
    site: Site, client: TestClient, ours: RelyingParty, clock: MovableClock
) -> None:  # RFC 9470 §3: acr_values and max_age in one challenge
    _, screen = enrolled(site, client)
    clock.advance(seconds=100)
    step_up = voluntary(DEVICE) | {"max_age": "10"}
    assert path_of(ours, **step_up) == "/login"
    location = screen.sign_in(_waiting(ours, **step_up)).json()["location"]
    code = parse_qs(urlsplit(location).query)["code"][0]
    claims = segment(ours.redeem(code).json()["access_token"], 1)
    assert claims["acr"] == DEVICE
    assert claims["auth_time"] == int(clock.now.timestamp())


def test_essential_goes_before_voluntary(ours: RelyingParty, synced: Holder) -> None:
    both = essential(DEVICE) | voluntary(SYNCED)
    assert path_of(ours, **both) == PAGE
    both = essential(SYNCED) | voluntary(CERTIFIED)
    assert acr_of(ours, **both) == SYNCED


def test_the_policy_of_the_client_holds_all_the_same(make_rp: MakeRP, synced: Holder) -> None:
    rp = make_rp(first_party=True, policy="device")
    assert path_of(rp, **voluntary(SYNCED)) == PAGE
    # What the operator asks is no class that the request named (decisions 4.8).
    assert rp.answer(prompt="none")["error"] == "login_required"


def test_a_level_that_is_two_of_ours_for_a_federation(
    app: Starlette, ours: RelyingParty, synced: Holder
) -> None:
    change_settings(app, acr_map=FEDERATION)
    assert acr_of(ours, **essential("urn:fed:low")) == "urn:fed:low"
    assert ours.answer(**essential("urn:fed:high"), prompt="none")["error"] == UNMET
    assert ours.answer(**essential(DEVICE), prompt="none")["error"] == UNMET


# Registration §2: default_acr_values, default_max_age, require_auth_time
def test_what_the_client_registered_is_the_default(
    make_rp: MakeRP, synced: Holder, clock: MovableClock
) -> None:
    metadata = ClientMetadata(
        default_acr_values=(DEVICE,), default_max_age=60, require_auth_time=True
    )
    rp = make_rp(first_party=True, metadata=metadata)
    assert path_of(rp) == PAGE
    assert acr_of(rp, acr_values=SYNCED) == SYNCED
    assert acr_of(rp, **essential(SYNCED)) == SYNCED
    claims = segment(rp.tokens(acr_values=SYNCED)["id_token"], 1)
    assert claims["auth_time"] == int(clock.now.timestamp())
    clock.advance(seconds=61)
    assert path_of(rp, acr_values=SYNCED) == "/login"
    assert acr_of(rp, acr_values=SYNCED, max_age="100") == SYNCED


def _waiting(rp: RelyingParty, **parameters: Any) -> str:
    location = rp.authorize(**parameters).headers["location"]
    return parse_qs(urlsplit(location).query)["request"][0]

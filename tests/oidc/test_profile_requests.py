"""A hint at a capacity, and the authorization detail, however a request comes.

RFC 9126 (https://www.rfc-editor.org/rfc/rfc9126), RFC 9101, RFC 8628, RFC 9396.
"""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.db.transaction import reading
from authn.grants.tables import grants
from authn.web.site import Site
from tests.capacities import buttons, choose, knows, open_to, physician, profile_ids
from tests.citizen import SSIN, Screen, enrolled
from tests.oidc.other_screens import OtherScreen, decide, go_on, other_screen
from tests.oidc.pushing import bring, pushed
from tests.oidc.relying_party import Holder, RelyingParty
from tests.oidc.test_cost import counted
from tests.oidc.test_rfc9101_jar import ES256, NOTHING_ELSE, request_object

MakeRP = Callable[..., RelyingParty]

QUALITY = json.dumps([{"type": "profile", "kinds": ["quality"]}])


@pytest.fixture
def open_rp(site: Site, make_rp: MakeRP, holder: Holder) -> RelyingParty:
    """An application of the operator's own, which asks nothing; Hanne is a physician."""
    knows(site, SSIN, physician())
    metadata = ClientMetadata(jwks=ES256.jwks)
    rp = make_rp(client_id="hospital", first_party=True, metadata=metadata)
    open_to(site, "hospital", "quality")
    return rp


@pytest.fixture
def television(site: Site, backchannel: TestClient) -> OtherScreen:
    """An application without a browser, for citizens and professionals."""
    screen = other_screen(site, backchannel)
    open_to(site, "television", "quality")
    knows(site, SSIN, physician())
    return screen


def acted_in(site: Site) -> list[Any]:
    with reading(site.database) as connection:
        return [*connection.execute(select(grants.c.profile_id)).scalars()]


@pytest.mark.parametrize("asked", [{"profile": "quality"}, {"authorization_details": QUALITY}])
def test_a_plain_request(
    site: Site, open_rp: RelyingParty, holder: Holder, asked: dict[str, str]
) -> None:
    assert open_rp.answer(prompt="none")["error"] == "interaction_required"
    assert open_rp.code(**asked)
    assert acted_in(site) == [profile_ids(site, holder.person.id)["quality"]]


@pytest.mark.parametrize("asked", [{"profile": "quality"}, {"authorization_details": QUALITY}])
def test_a_pushed_request(
    site: Site, open_rp: RelyingParty, holder: Holder, asked: dict[str, str]
) -> None:
    location = bring(open_rp, pushed(open_rp, **asked)).headers["location"]
    assert "code" in parse_qs(urlsplit(location).query)
    assert acted_in(site) == [profile_ids(site, holder.person.id)["quality"]]


@pytest.mark.parametrize(
    "asked", [{"profile": "quality"}, {"authorization_details": json.loads(QUALITY)}]
)
def test_a_request_object(
    site: Site, open_rp: RelyingParty, holder: Holder, asked: dict[str, Any]
) -> None:
    assert open_rp.code(**NOTHING_ELSE, request=request_object(open_rp, **asked))
    assert acted_in(site) == [profile_ids(site, holder.person.id)["quality"]]
    # What stands beside it doesn't count (RFC 9101 §6.3).
    beside = open_rp.answer(
        **NOTHING_ELSE, request=request_object(open_rp, prompt="none"), profile="citizen"
    )
    assert beside["error"] == "interaction_required"


def test_a_posted_request(open_rp: RelyingParty) -> None:
    form = open_rp.request(profile="quality")
    onwards = open_rp.browser.post("/authorize", data=form).headers["location"]
    location = open_rp.browser.get(onwards).headers["location"]
    assert "code" in parse_qs(urlsplit(location).query)


def test_who_types_a_code_chooses_too(
    site: Site, client: TestClient, television: OtherScreen
) -> None:
    person, screen = enrolled(site, client)
    client.headers.update({"Accept-Language": "en"})
    codes = television.asked()
    token = query(go_on(screen, codes["user_code"]), "/profile")
    html = screen.client.get("/profile?request=" + token).text
    location = choose(screen, token, buttons(html)["Physician"]).headers["location"]
    token = query(location, "/consent")
    answer = screen.answer_page("/consent", token, decision="allow")
    screen.client.get(answer.headers["location"])
    assert television.poll(codes["device_code"]).status_code == 200
    assert acted_in(site) == [profile_ids(site, person.id)["quality"]]


@pytest.mark.parametrize("asked", [{"profile": "quality"}, {"authorization_details": QUALITY}])
def test_another_screen_can_ask_for_a_capacity(
    site: Site, client: TestClient, television: OtherScreen, asked: dict[str, str]
) -> None:
    person, screen = enrolled(site, client)
    codes = television.asked(**asked)
    decide(screen, codes["user_code"])
    assert acted_in(site) == [profile_ids(site, person.id)["quality"]]


def test_who_has_none_sends_the_other_screen_away(
    site: Site, client: TestClient, television: OtherScreen
) -> None:
    open_to(site, "television", "mandate", required=("mandate",))
    _, screen = enrolled(site, client)
    codes = television.asked()
    token = query(go_on(screen, codes["user_code"]), "/profile")
    location = screen.client.get("/profile/without?request=" + token).headers["location"]
    assert screen.client.get(location).status_code == 200
    refused = television.poll(codes["device_code"])
    assert refused.json()["error"] == "access_denied"


def query(location: str, path: str) -> str:
    """The token of the request that waits at this page."""
    assert urlsplit(location).path == path, location
    return parse_qs(urlsplit(location).query)["request"][0]


def test_discovery_lists_the_type(client: TestClient) -> None:
    metadata = client.get("/.well-known/openid-configuration").json()
    assert "profile" in metadata["authorization_details_types_supported"]


def test_what_a_choice_costs(site: Site, open_rp: RelyingParty) -> None:
    """Nothing where citizens alone are wanted; else three statements once one has chosen: when each
    source answered, the profiles, and what was chosen before."""
    open_rp.code(profile="quality")
    open_to(site, "hospital")
    with counted(site) as plainly:
        open_rp.code()
    open_to(site, "hospital", "quality")
    token = query(open_rp.authorize().headers["location"], "/profile")
    screen = Screen(open_rp.browser)
    open_rp.browser.headers["Accept-Language"] = "en"
    html = open_rp.browser.get("/profile?request=" + token).text
    choose(screen, token, buttons(html)["Physician"])
    with counted(site) as seen:
        open_rp.code()
    assert len(seen) == len(plainly) + 3, seen
    assert seen.count("COMMIT") == 1

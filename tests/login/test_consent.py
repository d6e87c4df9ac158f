"""The page that asks a person to allow something, and what an answer to it is worth.

OpenID Connect Core 1.0 §3.1.2.4 and §11
(https://openid.net/specs/openid-connect-core-1_0.html#Consent), RFC 8252 §8.6
(https://www.rfc-editor.org/rfc/rfc8252#section-8.6), RFC 9396.
"""

import json
import re
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from authn.audit.log import audit_events
from authn.clients.client_metadata import ClientMetadata
from authn.consents.tables import consents
from authn.db.transaction import reading
from authn.grants.authorization_request import unpack_grant_details
from authn.grants.tables import grants
from authn.web.site import Site
from tests.citizen import Screen, enrolled
from tests.conftest import MovableClock
from tests.hospital import register_hospital
from tests.login.test_interaction import allow, authorize, data_location, query, waiting
from tests.oidc.apis import PRESCRIPTIONS, REPORTS, details, register_api, register_reports

ENGLISH = {"Accept-Language": "en"}
CLAIMS = json.dumps(
    {"userinfo": {"birthdate": {"essential": True}}, "id_token": {"locale": None, "name": None}}
)


@pytest.fixture
def screen(site: Site, client: TestClient) -> Screen:
    """Hanne, signed in on the laptop with which she enrolled."""
    _, screen = enrolled(site, client)
    client.headers.update(ENGLISH)
    return screen


def hospital(site: Site, **more: Any) -> None:
    """A client that may ask nearly everything."""
    register_api(site)
    register_reports(site)
    metadata = ClientMetadata(
        grant_types=("authorization_code", "refresh_token"),
        client_names={"": "Hospital", "nl": "Ziekenhuis"},
    )
    values: dict[str, Any] = {
        "scope": "openid profile ssin offline_access read write share",
        "resources": [PRESCRIPTIONS, REPORTS],
        "metadata": metadata,
    }
    register_hospital(site, **(values | more))


def page_of(screen: Screen, **parameters: Any) -> str:
    """The page, without tags and with single spaces."""
    token = waiting(authorize(screen, **parameters), "/consent")
    html = screen.client.get("/consent?request=" + token).text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.partition("<main")[2]))


def kept(site: Site) -> set[str]:
    with reading(site.database) as connection:
        return set(connection.execute(select(consents.c.scope)).scalars())


def test_a_single_claim_is_shown_with_its_value(site: Site, screen: Screen) -> None:
    hospital(site)
    page = page_of(screen, scope="openid", claims=CLAIMS)
    assert "Your date of birth 1 January 1903 It says that it needs this." in page
    assert "Your language Dutch" in page
    assert "Your name Hanne Van der Meulen" in page
    assert page.count("It says that it needs this.") == 1


def test_what_was_allowed_is_remembered_claim_by_claim(site: Site, screen: Screen) -> None:
    hospital(site)
    allow(screen, waiting(authorize(screen, scope="openid", claims=CLAIMS), "/consent"))
    assert kept(site) == {"openid", "claim/birthdate", "claim/locale", "claim/name"}
    assert "code" in query(authorize(screen, scope="openid", claims=CLAIMS))
    more = json.dumps({"userinfo": {"family_name": None, "birthdate": None}})
    page = page_of(screen, scope="openid", claims=more)
    assert "Your family name" in page
    assert "date of birth" not in page
    with reading(site.database) as connection:
        packed = connection.execute(select(grants.c.particulars)).scalars().first()
    assert unpack_grant_details(packed or "").claims_userinfo == ("birthdate",)


def test_everything_at_once(site: Site, screen: Screen, clock: MovableClock) -> None:
    hospital(site, may_read_ssin=True)
    asked = {
        "scope": "openid ssin offline_access read share",
        "resource": f"{PRESCRIPTIONS} {REPORTS}",
        "authorization_details": details("write", identifier="rx:1"),
        "claims": json.dumps({"userinfo": {"birthdate": None}}),
    }
    page = page_of(screen, **asked)
    for words in (
        "Share this with Hospital? It asks to see and do this:",
        "Recognise you when you come back",
        "Your national number 03.41.01-001.28",
        "Your date of birth 1 January 1903",
        "In your name, at Prescriptions Read your prescriptions",
        "In your name, at Medical reports Read your medical reports Share a report",
        "This one time, at Prescriptions Renew a prescription Only for rx:1",
        "Go on having access while you are signed out",
        "We remember your answer",
    ):
        assert words in page
    code = query(allow(screen, waiting(authorize(screen, **asked), "/consent")))["code"]
    assert code
    names = {name for name in kept(site) if not name.startswith("authorization_details/")}
    assert names == {
        "openid",
        "ssin",
        "offline_access",
        "claim/birthdate",
        f"{PRESCRIPTIONS}#read",
        f"{REPORTS}#read",
        f"{REPORTS}#share",
    }
    # The next time only what is of one occasion is asked.
    clock.advance(seconds=1)
    page = page_of(screen, **asked)
    assert "Renew a prescription" in page
    assert "We remember" not in page
    assert "Read your prescriptions" not in page


def test_a_page_that_shares_nothing_does_not_speak_of_sharing(site: Site, screen: Screen) -> None:
    hospital(site)
    page = page_of(screen, scope="write")
    assert "Allow Hospital to do this?" in page
    assert "Share" not in page


def test_the_page_names_the_application_in_the_person_s_language(
    site: Site, screen: Screen
) -> None:
    hospital(site)
    screen.client.headers["Accept-Language"] = "nl"
    assert "Ziekenhuis" in page_of(screen)


# RFC 9396: what is of one occasion.
def test_details_are_allowed_for_their_own_request(
    site: Site, screen: Screen, clock: MovableClock
) -> None:
    hospital(site, scope="openid write")
    allow(screen, waiting(authorize(screen, scope="openid"), "/consent"))
    asked = {"scope": "openid", "authorization_details": details("write", identifier="rx:1")}
    other = {"scope": "openid", "authorization_details": details("write", identifier="rx:2")}
    clock.advance(seconds=1)
    waits = waiting(authorize(screen, **other), "/consent")
    assert "code" in query(allow(screen, waiting(authorize(screen, **asked), "/consent")))
    # That one is not this one, and this one is not the next.
    on = screen.client.get("/login/continue?request=" + waits).headers["location"]
    waiting(on, "/consent")
    clock.advance(seconds=1)
    waiting(authorize(screen, **asked), "/consent")


def test_no_row_is_left_for_each_occasion(site: Site, screen: Screen, clock: MovableClock) -> None:
    hospital(site, scope="openid write")
    for number in range(3):
        asked = details("write", identifier=f"rx:{number}")
        location = authorize(screen, scope="openid", authorization_details=asked)
        allow(screen, waiting(location, "/consent"))
        clock.advance(minutes=16)
    assert len(kept(site) - {"openid"}) == 1


def test_declining_keeps_nothing(site: Site, screen: Screen) -> None:
    hospital(site)
    token = waiting(authorize(screen, claims=CLAIMS, resource=PRESCRIPTIONS), "/consent")
    page = screen.answer_page("/consent", token, decision="decline").text
    assert query(data_location(page))["error"] == "access_denied"
    assert kept(site) == set()


def test_what_was_allowed_is_on_record(site: Site, screen: Screen) -> None:
    hospital(site)
    allow(screen, waiting(authorize(screen, scope="openid write", claims=CLAIMS), "/consent"))
    with reading(site.database) as connection:
        statement = select(audit_events.c.details).where(audit_events.c.event == "consent.given")
        said = connection.execute(statement).scalar_one()
    assert json.loads(said)["scopes"].split() == sorted(kept(site))


# RFC 8252 §8.6: who cannot be told from another app is never answered without the person.
@pytest.mark.parametrize("first_party", [False, True])
@pytest.mark.parametrize("redirect_uri", ["be.hospital.app:/cb", "http://127.0.0.1:4711/cb"])
def test_an_app_that_anybody_can_pretend_to_be_asks_again(
    site: Site, screen: Screen, clock: MovableClock, redirect_uri: str, first_party: bool
) -> None:
    asked = _app(site, redirect_uri, first_party=first_party)
    allow(screen, waiting(authorize(screen, **asked), "/consent"))
    clock.advance(seconds=1)
    waiting(authorize(screen, **asked), "/consent")
    assert query(authorize(screen, prompt="none", **asked))["error"] == "consent_required"
    # Who signs in for it has said yes to it by that; and has been told by the page who asks.
    token = waiting(authorize(screen, prompt="login", **asked), "/login")
    assert "code" in query(screen.sign_in(token).json()["location"])


def test_an_app_with_an_https_link_of_its_own_is_remembered(
    site: Site, screen: Screen, clock: MovableClock
) -> None:
    asked = _app(site, "https://app.hospital.example/cb")
    allow(screen, waiting(authorize(screen, **asked), "/consent"))
    clock.advance(seconds=1)
    assert "code" in query(authorize(screen, prompt="none", **asked))


def _app(site: Site, redirect_uri: str, **more: Any) -> dict[str, str]:
    """A native application, and the parameters that differ."""
    register_hospital(
        site,
        client_id="app",
        redirect_uris=[redirect_uri],
        application_type="native",
        token_endpoint_auth_method="none",
        **more,
    )
    return {"client_id": "app", "redirect_uri": redirect_uri}

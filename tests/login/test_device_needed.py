"""An application that asks for more than the service does, and a device that is no longer enough.

OpenID Connect Core 1.0 §3.1.2.6
(https://openid.net/specs/openid-connect-core-1_0.html#AuthError), OpenID Connect Core Error Code
unmet_authentication_requirements 1.0
(https://openid.net/specs/openid-connect-unmet-authentication-requirements-1_0.html).
"""

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import pytest
from sqlalchemy import select, update
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.audit.log import audit_events
from authn.clients.tables import clients
from authn.db.transaction import reading, writing
from authn.grants.tables import grants
from authn.people.tables import persons
from authn.sessions.tables import sessions
from authn.settings import Settings
from authn.web.site import Site
from tests.authenticator import Authenticator
from tests.citizen import Screen, enrolled
from tests.conftest import MovableClock
from tests.fido_metadata import with_test_root
from tests.hospital import REDIRECT_URI, register_hospital
from tests.login.test_interaction import authorize, query, waiting
from tests.policies import (
    change_settings,
    enrolled_with,
    identity_is_high,
    know_model,
    security_key,
    stored,
)
from tests.screens import add_here, another_screen, device_in, problem, signed_in

PAGE = "/login/device-needed"
ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """The service believes the metadata of the tests."""
    return with_test_root(settings, tmp_path)


def asking_for(site: Site, policy: str | None, *, first_party: bool = True) -> None:
    """The hospital is registered, with this policy; it is ours, so nobody is asked for consent."""
    register_hospital(site, policy=policy, first_party=first_party)


def now_asking_for(site: Site, policy: str | None) -> None:
    """The hospital has this policy from now on."""
    with writing(site.database) as connection:
        connection.execute(update(clients).values(policy=policy))


def synced(site: Site, client: TestClient) -> Screen:
    """Hanne, signed in with a key that is shared by her devices."""
    _, screen = enrolled(site, client, backup_eligible=True)
    screen.authenticator.credentials[0].backup_eligible = True
    client.headers.update(ENGLISH)
    return screen


def bound(site: Site, client: TestClient) -> Screen:
    """Hanne, signed in with a key that stays on her laptop."""
    _, screen = enrolled(site, client)
    client.headers.update(ENGLISH)
    return screen


def granted_levels(site: Site) -> list[str]:
    with reading(site.database) as connection:
        statement = select(grants.c.level).order_by(grants.c.granted_at)
        return list(connection.execute(statement).scalars())


def refusals(site: Site) -> list[str]:
    with reading(site.database) as connection:
        statement = select(audit_events.c.details).where(audit_events.c.event == "session.refused")
        found = connection.execute(statement.order_by(audit_events.c.id)).scalars()
        return [orjson.loads(text)["reason"] for text in found]


def test_a_client_without_a_policy_takes_whatever_the_service_takes(
    site: Site, client: TestClient
) -> None:
    asking_for(site, None)
    assert "code" in query(authorize(synced(site, client)))


def test_a_session_whose_key_is_shared_is_not_enough_for_a_client_that_asks_for_a_device(
    site: Site, client: TestClient
) -> None:
    asking_for(site, "device")
    screen = synced(site, client)
    token = waiting(authorize(screen), PAGE)
    html = client.get(f"{PAGE}?request={token}").text
    assert "Hospital asks for another device" in html
    assert "shared by several of your devices" in html
    assert "a key that stays on one device" in html
    assert "Your account and your devices are safe." in html
    assert f"/login?another=1&amp;request={token}" in html
    assert 'href="/devices/add"' in html
    assert granted_levels(site) == []
    # For her own pages she is signed in all the same.
    assert signed_in(screen)


def test_no_step_of_the_interaction_leads_around_it(site: Site, client: TestClient) -> None:
    asking_for(site, "device", first_party=False)
    screen = synced(site, client)
    token = waiting(authorize(screen), PAGE)
    for path in ("/login/continue", "/consent"):
        answer = client.get(f"{path}?request={token}")
        assert urlsplit(answer.headers["location"]).path == PAGE
    with reading(site.database) as connection:
        person = connection.execute(select(persons.c.id)).scalar_one()
    fields = {"request": token, "person": str(person), "decision": "allow"}
    answer = screen.post_form("/consent", **fields)
    assert urlsplit(answer.headers["location"]).path == PAGE
    assert granted_levels(site) == []


def test_a_login_with_such_a_key_leads_there_too(site: Site, client: TestClient) -> None:
    asking_for(site, "device")
    screen = synced(site, client)
    screen.post_form("/sign-out")
    token = waiting(authorize(screen), "/login")
    html = client.get(f"/login?request={token}").text
    assert "a key that stays on one device" in html, "it says so before it asks"
    answer = screen.sign_in(token)
    assert answer.status_code == 200
    waiting(answer.json()["location"], PAGE)
    assert signed_in(screen)


def test_the_sign_in_page_says_nothing_where_any_device_will_do(
    site: Site, client: TestClient
) -> None:
    asking_for(site, "synced")
    screen = synced(site, client)
    screen.post_form("/sign-out")
    token = waiting(authorize(screen), "/login")
    assert "You need" not in client.get(f"/login?request={token}").text


def test_signing_in_with_another_device_goes_on(site: Site, client: TestClient) -> None:
    asking_for(site, "device")
    screen = synced(site, client)
    another = Authenticator()
    device_in(add_here(screen, another))
    laptop = next(device for device in stored(site) if not device.backup_eligible)
    token = waiting(authorize(screen), PAGE)
    html = client.get(f"{PAGE}?request={token}").text
    assert "This device of yours is accepted" in html
    assert laptop.name in html
    sign_in_page = client.get(f"/login?another=1&request={token}")
    assert sign_in_page.status_code == 200
    assert "a key that stays on one device" in sign_in_page.text
    screen.authenticator = another
    location = screen.sign_in(token).json()["location"]
    assert "code" in query(location)
    assert granted_levels(site) == ["device"]
    # Its page has nothing more to say.
    again = client.get(f"{PAGE}?request={token}")
    assert urlsplit(again.headers["location"]).path == "/login/continue"


def test_going_back_tells_the_application_why(site: Site, client: TestClient) -> None:
    asking_for(site, "device")
    screen = synced(site, client)
    token = waiting(authorize(screen), PAGE)
    html = client.get(f"{PAGE}?request={token}").text
    assert f"/login/without-device?request={token}" in html
    answer = client.get(f"/login/without-device?request={token}")
    assert answer.headers["location"].startswith(REDIRECT_URI)
    assert query(answer.headers["location"])["error"] == "unmet_authentication_requirements"
    assert query(answer.headers["location"])["state"] == "s"


def test_prompt_none_is_login_required(site: Site, client: TestClient) -> None:
    asking_for(site, "device")
    answer = query(authorize(synced(site, client), prompt="none"))
    assert answer["error"] == "login_required"


@pytest.mark.parametrize("page", [PAGE, "/login/without-device"])
def test_its_pages_are_of_one_browser_and_ten_minutes(
    site: Site, client: TestClient, clock: MovableClock, page: str
) -> None:
    asking_for(site, "device")
    token = waiting(authorize(synced(site, client)), PAGE)
    assert client.get(f"{page}?request=x").status_code == 400
    clock.advance(minutes=10)
    assert client.get(f"{page}?request={token}").status_code == 410


def test_who_is_signed_out_meanwhile_signs_in_first(site: Site, client: TestClient) -> None:
    asking_for(site, "device")
    screen = synced(site, client)
    token = waiting(authorize(screen), PAGE)
    screen.post_form("/sign-out")
    answer = client.get(f"{PAGE}?request={token}")
    assert urlsplit(answer.headers["location"]).path == "/login"


# A level that is lost while somebody is signed in


def test_a_key_that_turns_out_to_be_synced_is_not_enough_from_that_moment(
    site: Site, client: TestClient, app: Starlette
) -> None:
    asking_for(site, "device")
    screen = bound(site, client)
    assert "code" in query(authorize(screen))
    another_screen(app, screen.authenticator).sign_in(backup_eligible=True)
    waiting(authorize(screen), PAGE)
    assert granted_levels(site) == ["device"]


def certified(app: Starlette, site: Site, client: TestClient) -> Screen:
    """Hanne, signed in with a certified key and a high proof of identity."""
    know_model(app)
    screen = enrolled_with(site, Screen(client, security_key()))
    assert stored(site)[0].attested
    identity_is_high(site)
    assert screen.sign_in().status_code == 200
    client.headers.update(ENGLISH)
    return screen


def test_a_certified_key_is_certified_in_acr(
    app: Starlette, site: Site, client: TestClient
) -> None:
    asking_for(site, "certified")
    screen = certified(app, site, client)
    assert "code" in query(authorize(screen))
    assert granted_levels(site) == ["certified"]


def test_a_model_that_loses_its_certification_loses_the_level_in_open_sessions(
    app: Starlette, site: Site, client: TestClient, clock: MovableClock
) -> None:
    change_settings(app, policies={"lenient": {"prohibited": []}}, policy="lenient")
    asking_for(site, "certified")
    screen = certified(app, site, client)
    assert "code" in query(authorize(screen))
    now_asking_for(site, None)
    tomorrow = (clock.now + timedelta(days=1)).date()
    know_model(app, "FIDO_CERTIFIED_L1", ("ATTESTATION_KEY_COMPROMISE", tomorrow), number=100_001)
    assert "code" in query(authorize(screen))
    clock.advance(days=1)
    with writing(site.database) as connection:  # the session is young still
        connection.execute(update(sessions).values(auth_time=clock.now, last_seen_at=clock.now))
    assert "code" in query(authorize(screen))
    assert granted_levels(site) == ["certified", "certified", "device"]


def test_a_model_that_was_revoked_yesterday_is_turned_away_in_open_sessions_too(
    app: Starlette, site: Site, client: TestClient
) -> None:
    asking_for(site, "certified")
    screen = certified(app, site, client)
    assert "code" in query(authorize(screen))
    now_asking_for(site, None)
    know_model(app, "FIDO_CERTIFIED_L1", "REVOKED", number=100_001)
    token = waiting(authorize(screen), PAGE)
    html = client.get(f"{PAGE}?request={token}").text
    assert "A weakness of its model is known" in html
    assert "another model" in html
    # The service itself doesn't accept it: it can't confirm another one.
    assert 'href="/devices/add"' not in html
    assert "with an activation code" in html
    assert problem(screen.sign_in(token)) == "device-not-good-enough"
    assert refusals(site) == ["model prohibited"]


def test_a_good_key_of_an_identity_that_was_not_proven_highly_says_so(
    app: Starlette, site: Site, client: TestClient
) -> None:
    asking_for(site, "certified")
    know_model(app)
    screen = enrolled_with(site, Screen(client, security_key()))
    client.headers.update(ENGLISH)
    token = waiting(authorize(screen), PAGE)
    html = client.get(f"{PAGE}?request={token}").text
    assert "The device is good enough." in html
    assert "prove your identity once more" in html


@pytest.mark.parametrize("asked", [{}, {"max_age": "3600"}])
def test_who_proves_their_identity_meanwhile_signs_in_once_more(
    app: Starlette, site: Site, client: TestClient, asked: dict[str, str]
) -> None:
    asking_for(site, "certified")
    know_model(app)
    screen = enrolled_with(site, Screen(client, security_key()))
    waiting(authorize(screen), PAGE)
    identity_is_high(site)
    # The session is of before: what the application is told must be true of this very login.
    token = waiting(authorize(screen, **asked), "/login")
    assert "code" in query(screen.sign_in(token).json()["location"])
    assert granted_levels(site) == ["certified"]


# A policy that is not there


def test_a_client_whose_policy_is_gone_is_told_and_nobody_else_is_hindered(
    site: Site, client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    asking_for(site, "gone")
    screen = bound(site, client)
    for prompt in ("", "none", "login"):
        answer = query(authorize(screen, prompt=prompt))
        assert answer["error"] == "server_error"
    assert "unknown_policy" in capsys.readouterr().out
    assert granted_levels(site) == []
    now_asking_for(site, None)
    assert "code" in query(authorize(screen))


def test_a_policy_that_goes_while_somebody_signs_in_opens_nothing(
    app: Starlette, site: Site, client: TestClient
) -> None:
    asking_for(site, "device")
    screen = bound(site, client)
    screen.post_form("/sign-out")
    token = waiting(authorize(screen), "/login")
    now_asking_for(site, "gone")
    answer = screen.sign_in(token)
    assert query(answer.json()["location"])["error"] == "server_error"
    assert granted_levels(site) == []
    assert client.get(f"/login?request={token}&another=1").status_code == 503

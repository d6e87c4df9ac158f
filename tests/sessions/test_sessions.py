"""Sessions: a new identifier at each login, valid while the whole chain above is alive."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Table, func, select, update
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.db.transaction import reading, writing
from authn.devices.tables import devices, installations
from authn.people.tables import persons
from authn.sessions.sessions import find_session
from authn.sessions.tables import sessions
from authn.web.site import Site
from tests.citizen import KARIM, ORIGIN, enrolled
from tests.conftest import MovableClock
from tests.screens import another_screen, events, signed_in

SESSION, INSTALLATION = "authn-8000-session", "authn-8000-installation"


def rows(site: Site, table: Table) -> list[Any]:
    with reading(site.database) as connection:
        return list(connection.execute(select(table)))


def test_only_hashes_are_stored(site: Site, client: TestClient) -> None:
    enrolled(site, client)
    stored = repr([rows(site, sessions), rows(site, installations)])
    assert client.cookies[SESSION] not in stored
    assert client.cookies[INSTALLATION] not in stored


def test_the_cookies_are_http_only_and_lax(site: Site, client: TestClient) -> None:
    _, screen = enrolled(site, client)
    set_cookies = screen.sign_in().headers.get_list("set-cookie")
    assert len(set_cookies) == 2
    for each in set_cookies:
        assert "HttpOnly" in each
        assert "SameSite=lax" in each
        assert "Path=/" in each


def test_a_login_with_the_same_device_renews_the_session(site: Site, client: TestClient) -> None:
    _, screen = enrolled(site, client)
    (before,) = rows(site, sessions)
    assert screen.sign_in().status_code == 200
    (after,) = rows(site, sessions)
    assert after.id == before.id
    assert after.token_hash != before.token_hash


def test_a_login_with_another_device_ends_the_session(site: Site, client: TestClient) -> None:
    enrolled(site, client)
    (before,) = rows(site, sessions)
    enrolled(site, client, KARIM)
    first, second = sorted(rows(site, sessions), key=lambda row: row.id != before.id)
    assert first.ended_at is not None
    assert second.ended_at is None


def test_a_login_does_not_bring_an_idle_session_back_to_life(
    site: Site, client: TestClient, clock: MovableClock
) -> None:
    _, screen = enrolled(site, client)
    (before,) = rows(site, sessions)
    clock.advance(minutes=61)
    assert screen.sign_in().status_code == 200
    ended = {row.id: row.ended_at for row in rows(site, sessions)}
    assert len(ended) == 2
    assert ended[before.id] is not None


def test_each_login_has_a_new_identifier_and_the_earlier_one_is_worth_nothing(
    site: Site, app: Starlette, client: TestClient
) -> None:
    _, screen = enrolled(site, client)
    earlier = client.cookies[SESSION]
    assert screen.sign_in().status_code == 200
    assert client.cookies[SESSION] != earlier
    thief = another_screen(app)
    thief.client.cookies.set(SESSION, earlier)
    assert not signed_in(thief)
    assert signed_in(screen)


def test_a_session_that_was_planted_is_not_taken_over(site: Site, client: TestClient) -> None:
    _, screen = enrolled(site, client)
    client.cookies.set(SESSION, "planted", domain="localhost.local", path="/")
    screen.sign_in()
    with reading(site.database) as connection:
        assert find_session(connection, site, "planted", site.clock()) is None


@pytest.mark.parametrize(
    "ended",
    [
        lambda: update(sessions).values(ended_at=func.now()),
        lambda: update(installations).values(ended_at=func.now()),
        lambda: update(devices).values(status="suspended"),
        lambda: update(devices).values(status="unlinked"),
        lambda: update(persons).values(deceased=True),
    ],
    ids=["session", "installation", "suspended", "removed", "person"],
)
def test_what_ends_above_ends_the_session(
    site: Site, client: TestClient, ended: Callable[[], Any]
) -> None:
    _, screen = enrolled(site, client)
    assert signed_in(screen)
    with writing(site.database) as connection:
        connection.execute(ended())
    assert not signed_in(screen)


def test_a_session_ends_when_it_was_not_used_for_an_hour(
    site: Site, client: TestClient, clock: MovableClock
) -> None:
    _, screen = enrolled(site, client)
    clock.advance(minutes=59)
    assert signed_in(screen)
    clock.advance(minutes=1)
    assert not signed_in(screen)


def test_using_it_keeps_it_but_for_twelve_hours_at_most(
    site: Site, client: TestClient, clock: MovableClock
) -> None:
    _, screen = enrolled(site, client)
    name = rows(site, devices)[0].id
    for _ in range(14):
        clock.advance(minutes=50)
        assert screen.post_form(f"/devices/{name}/name", name="x").headers["location"] == (
            "/devices?done=named"
        )
    clock.advance(minutes=19)
    assert signed_in(screen)
    clock.advance(minutes=1)
    assert not signed_in(screen)


def test_a_browser_stays_the_same_installation(
    site: Site, app: Starlette, client: TestClient, clock: MovableClock
) -> None:
    _, screen = enrolled(site, client)
    clock.advance(minutes=5)
    screen.client.headers["user-agent"] = "Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0"
    screen.sign_in()
    [installation] = rows(site, installations)
    assert (installation.browser, installation.system) == ("Firefox", "Linux")
    assert installation.last_seen == clock.now
    assert another_screen(app, screen.authenticator).sign_in().status_code == 200
    assert len(rows(site, installations)) == 2


def test_an_installation_that_was_ended_does_not_come_back_to_life(
    site: Site, client: TestClient
) -> None:
    _, screen = enrolled(site, client)
    old = client.cookies[SESSION], client.cookies[INSTALLATION]
    with writing(site.database) as connection:
        connection.execute(update(installations).values(ended_at=site.clock()))
    assert screen.sign_in().status_code == 200
    assert client.cookies[INSTALLATION] != old[1]
    assert len(rows(site, installations)) == 2
    with reading(site.database) as connection:
        assert find_session(connection, site, old[0], site.clock()) is None


@pytest.mark.parametrize("cookie", ["x" * 5000, "x" * 65, "x y", "x=y", "x.y"])
def test_an_installation_cookie_that_is_none_of_ours_is_replaced(
    site: Site, client: TestClient, cookie: str
) -> None:
    _, screen = enrolled(site, client)
    client.cookies.clear()
    client.cookies.set(INSTALLATION, cookie)
    answer = screen.sign_in()
    assert answer.status_code == 200
    (kept,) = [each for each in answer.headers.get_list("set-cookie") if INSTALLATION in each]
    assert re.match(rf"{INSTALLATION}=[A-Za-z0-9_-]{{43}};", kept)


def test_a_key_that_turns_out_to_be_synced_lowers_the_sessions_before(
    site: Site, app: Starlette, client: TestClient
) -> None:
    _, screen = enrolled(site, client)

    def level() -> str:
        with reading(site.database) as connection:
            token = client.cookies[SESSION]
            session = find_session(connection, site, token, site.clock())
        assert session
        return session.level

    assert level() == "device"
    another_screen(app, screen.authenticator).sign_in(backup_eligible=True)
    assert level() == "synced"


def test_signing_out_ends_the_session_here_alone(
    site: Site, app: Starlette, client: TestClient
) -> None:
    _, screen = enrolled(site, client)
    elsewhere = another_screen(app, screen.authenticator)
    elsewhere.sign_in()
    stolen = client.cookies[SESSION]
    answer = screen.post_form("/sign-out")
    assert answer.headers["location"] == "/signed-out"
    assert SESSION not in client.cookies
    assert client.get("/signed-out").status_code == 200
    client.cookies.set(SESSION, stolen)
    assert not signed_in(screen)
    assert signed_in(elsewhere)
    assert events(site)[-1] == ("session.signed-out", None)


def test_signing_out_needs_a_page_of_ours(site: Site, client: TestClient) -> None:
    _, screen = enrolled(site, client)
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"},
        {"Origin": ORIGIN},
    ):
        assert client.post("/sign-out", data={"x": "y"}, headers=headers).status_code == 403
    assert signed_in(screen)

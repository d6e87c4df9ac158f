"""One session for each browser or app, and so many for each device (decisions 1.1)."""

import pytest
from sqlalchemy import select, update
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.db.transaction import reading, writing
from authn.devices.tables import installations
from authn.sessions.tables import sessions
from authn.web.site import Site
from tests.citizen import KARIM, Screen, enrolled
from tests.conftest import MovableClock
from tests.policies import change_settings
from tests.screens import another_screen, signed_in
from tests.together import at_once

SESSION, INSTALLATION = "authn-8000-session", "authn-8000-installation"


def open_sessions(site: Site) -> list[object]:
    with reading(site.database) as connection:
        statement = select(sessions.c.id).where(sessions.c.ended_at.is_(None))
        return list(connection.execute(statement).scalars())


def limited_to(app: Starlette, count: int) -> None:
    change_settings(app, sessions_per_device=count)


def test_a_browser_that_forgot_its_cookie_goes_on_with_its_session(
    site: Site, client: TestClient
) -> None:
    _, screen = enrolled(site, client)
    before, stolen = open_sessions(site), client.cookies[SESSION]
    client.cookies.delete(SESSION)
    assert screen.sign_in().status_code == 200
    assert open_sessions(site) == before
    assert signed_in(screen)
    client.cookies.set(SESSION, stolen, domain="localhost.local", path="/")
    assert not signed_in(screen), "the earlier identifier is worth nothing"


def test_a_browser_with_a_foreign_cookie_goes_on_with_its_own(
    site: Site, client: TestClient
) -> None:
    _, screen = enrolled(site, client)
    before = open_sessions(site)
    client.cookies.set(SESSION, "x" * 43, domain="localhost.local", path="/")
    assert screen.sign_in().status_code == 200
    assert open_sessions(site) == before


def test_a_session_that_was_ended_does_not_go_on(site: Site, client: TestClient) -> None:
    _, screen = enrolled(site, client)
    before = open_sessions(site)
    screen.post_form("/sign-out")
    assert screen.sign_in().status_code == 200
    assert len(open_sessions(site)) == 1
    assert open_sessions(site) != before


def test_an_idle_session_does_not_go_on(
    site: Site, client: TestClient, clock: MovableClock
) -> None:
    _, screen = enrolled(site, client)
    before = open_sessions(site)
    clock.advance(minutes=61)
    client.cookies.delete(SESSION)
    assert screen.sign_in().status_code == 200
    assert set(open_sessions(site)) - set(before)


def test_another_persons_session_in_the_same_browser_does_not_go_on(
    site: Site, client: TestClient
) -> None:
    _, hers = enrolled(site, client)
    hanne = client.cookies[SESSION]
    _, his = enrolled(site, client, KARIM)
    assert hers.sign_in().status_code == 200
    assert his.sign_in().status_code == 200
    assert len(open_sessions(site)) == 1, "whoever signed in last"
    client.cookies.set(SESSION, hanne, domain="localhost.local", path="/")
    assert not signed_in(hers)


def test_with_one_session_too_many_the_one_unused_for_longest_ends(
    app: Starlette, site: Site, client: TestClient, clock: MovableClock
) -> None:
    limited_to(app, 3)
    _, first = enrolled(site, client)
    screens: list[Screen] = []
    for _ in range(2):
        clock.advance(minutes=2)
        screens.append(another_screen(app, first.authenticator))
        assert screens[-1].sign_in().status_code == 200
    assert signed_in(first)
    clock.advance(minutes=2)
    first.post_form("/devices/none/name", name="x")  # a refusal, but the session was used
    assert first.sign_in().status_code == 200
    last = another_screen(app, first.authenticator)
    assert last.sign_in().status_code == 200
    assert [signed_in(each) for each in (first, *screens, last)] == [True, False, True, True]
    assert len(open_sessions(site)) == 3


def test_sessions_of_other_devices_do_not_count(
    app: Starlette, site: Site, client: TestClient
) -> None:
    limited_to(app, 1)
    _, hers = enrolled(site, client)
    _, his = enrolled(site, another_screen(app).client, KARIM)
    assert signed_in(hers)
    assert signed_in(his)


def test_sessions_that_are_over_do_not_count(
    app: Starlette, site: Site, client: TestClient, clock: MovableClock
) -> None:
    limited_to(app, 2)
    _, first = enrolled(site, client)
    idle = another_screen(app, first.authenticator)
    assert idle.sign_in().status_code == 200
    clock.advance(minutes=59)
    assert first.sign_in().status_code == 200
    clock.advance(minutes=1)
    assert another_screen(app, first.authenticator).sign_in().status_code == 200
    assert signed_in(first)


def test_browsers_that_come_back_keep_the_limit_too(
    app: Starlette, site: Site, client: TestClient, clock: MovableClock
) -> None:
    limited_to(app, 2)
    _, first = enrolled(site, client)
    screens = [first, *(another_screen(app, first.authenticator) for _ in range(3))]
    for screen in screens * 2:
        clock.advance(seconds=1)
        assert screen.sign_in().status_code == 200
        assert len(open_sessions(site)) <= 2
    assert [signed_in(each) for each in screens[-2:]] == [True, True]


def test_a_browser_that_was_ended_does_not_count(
    app: Starlette, site: Site, client: TestClient, clock: MovableClock
) -> None:
    limited_to(app, 2)
    _, first = enrolled(site, client)
    clock.advance(minutes=2)
    ended = another_screen(app, first.authenticator)
    assert ended.sign_in().status_code == 200
    with writing(site.database) as connection:
        newest = select(installations.c.id).order_by(installations.c.first_seen.desc()).limit(1)
        connection.execute(
            update(installations)
            .where(installations.c.id == newest.scalar_subquery())
            .values(ended_at=clock.now)
        )
    clock.advance(minutes=2)
    assert another_screen(app, first.authenticator).sign_in().status_code == 200
    assert signed_in(first)


def test_an_endless_number_of_logins_leaves_no_more_than_the_limit(
    app: Starlette, site: Site, client: TestClient
) -> None:
    limited_to(app, 2)
    _, screen = enrolled(site, client)
    for cookies in ({SESSION}, {SESSION, INSTALLATION}, {INSTALLATION}, set()) * 3:
        for name in cookies:
            if name in client.cookies:
                client.cookies.delete(name)
        assert screen.sign_in().status_code == 200
        assert len(open_sessions(site)) <= 2


def test_parallel_logins_of_one_browser_share_its_session(
    site: Site, app: Starlette, client: TestClient
) -> None:
    _, screen = enrolled(site, client)
    screen.post_form("/sign-out")
    screen.authenticator.counts = False
    with writing(site.database) as connection:
        connection.execute(update(installations).values(last_seen=site.clock()))
    cookie = client.cookies[INSTALLATION]

    def log_in() -> int:
        one = another_screen(app, screen.authenticator)
        one.client.cookies.set(INSTALLATION, cookie)
        return one.sign_in().status_code

    assert at_once(log_in, 4) == [200] * 4
    assert len(open_sessions(site)) == 1


@pytest.mark.parametrize("limit", [1, 3])
def test_parallel_logins_of_many_browsers_keep_about_the_limit(
    site: Site, app: Starlette, client: TestClient, limit: int
) -> None:
    limited_to(app, limit)
    _, screen = enrolled(site, client)
    screen.authenticator.counts = False
    assert at_once(lambda: another_screen(app, screen.authenticator).sign_in().status_code, 4) == (
        [200] * 4
    )
    # Each login holds the device's row from its use on, so they come one after the other.
    assert len(open_sessions(site)) == limit

"""What happens at one moment to one device: never a session that outlives it, nor a lost answer.

Either the login came first, and what it opened is dead right after, or it is refused. On both
databases, over HTTP, at the same moment.
"""

from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

import pytest
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.db.transaction import reading, writing
from authn.devices.life import suspend
from authn.devices.tables import Device, devices
from authn.sessions.sessions import count_sessions
from authn.web.site import Site
from tests.authenticator import Authenticator
from tests.citizen import Screen, enrolled
from tests.conftest import MovableClock
from tests.occasion import job
from tests.policies import stored
from tests.screens import add_here, another_screen, answered, ceremony, device_in, signed_in
from tests.together import at_once

ROUNDS = 4


def both_at_once(one: Callable[[], int], other: Callable[[], int]) -> tuple[int, int]:
    """What the two gave, begun at the same moment."""
    turn = count()
    acts = (one, other)

    def act() -> tuple[int, int]:
        mine = next(turn)
        return mine, acts[mine]()

    results = dict(each for each in at_once(act, 2) if isinstance(each, tuple))
    return results[0], results[1]


def post(screen: Screen, path: str, content: dict[str, Any]) -> int:
    """The status with which a call of a script is answered."""
    return screen.post_json(path, content).status_code


def post_form(screen: Screen, path: str) -> int:
    """The status with which a form is answered."""
    return screen.post_form(path, name="x").status_code


@pytest.fixture
def laptop(site: Site, client: TestClient) -> Screen:
    """Hanne, signed in on her laptop."""
    _, screen = enrolled(site, client)
    return screen


def test_unlinking_against_a_login(site: Site, app: Starlette, laptop: Screen) -> None:
    for _ in range(ROUNDS):
        phone = another_screen(app, Authenticator())
        device_id = device_in(add_here(laptop, phone.authenticator))
        removal = answered(laptop, ceremony(laptop, f"/devices/{device_id}/remove/options"))
        login = answered(phone, ceremony(phone, "/login/options"))
        removed, logged_in = both_at_once(
            partial(post, laptop, f"/devices/{device_id}/remove", removal),
            partial(post, phone, "/login/assertion", login),
        )
        assert removed == 200
        assert logged_in in (200, 403, 404)
        assert not signed_in(phone)
        with reading(site.database) as connection:
            row = connection.execute(select(devices).where(devices.c.id == device_id)).one()
            assert Device(*row).status == "unlinked"
            assert count_sessions(connection, site.settings, device_id, site.clock()) == 0


def test_suspending_against_a_login_leaves_nothing_that_comes_back(
    site: Site, app: Starlette, laptop: Screen
) -> None:
    for _ in range(ROUNDS):
        phone = another_screen(app, Authenticator())
        device_id = device_in(add_here(laptop, phone.authenticator))
        device = next(each for each in stored(site) if each.id == device_id)
        login = answered(phone, ceremony(phone, "/login/options"))

        def block(device: Device = device) -> int:
            with writing(site.database) as connection:
                return int(suspend(job(site, connection), device, "desk", "desk"))

        suspended, logged_in = both_at_once(
            block,
            partial(post, phone, "/login/assertion", login),
        )
        assert suspended == 1
        assert logged_in in (200, 403)
        assert not signed_in(phone)
        # Active again, the device signs in anew: what was open before stays closed.
        with writing(site.database) as connection:
            connection.execute(
                devices.update().where(devices.c.id == device_id).values(status="active")
            )
        assert not signed_in(phone)


def test_a_confirmation_against_the_unlinking_of_the_confirming_device(
    site: Site, app: Starlette, laptop: Screen
) -> None:
    for _ in range(ROUNDS):
        phone = another_screen(app, Authenticator())
        device_id = device_in(add_here(laptop, phone.authenticator))
        tablet_id = device_in(add_here(laptop, Authenticator()))
        assert phone.sign_in().status_code == 200
        removal = answered(laptop, ceremony(laptop, f"/devices/{device_id}/remove/options"))
        other = answered(phone, ceremony(phone, f"/devices/{tablet_id}/remove/options"))
        removed, other_removed = both_at_once(
            partial(post, laptop, f"/devices/{device_id}/remove", removal),
            partial(post, phone, f"/devices/{tablet_id}/remove", other),
        )
        assert removed == 200
        assert other_removed in (200, 401, 403, 404)  # but no deadlock


def test_two_answers_with_one_counter_at_the_same_moment_are_one_login(
    site: Site, app: Starlette, laptop: Screen
) -> None:
    copied = another_screen(app, laptop.authenticator)
    for count_then in range(10, 10 + ROUNDS):
        answers = [
            answered(each, ceremony(each, "/login/options"), sign_count=count_then)
            for each in (laptop, copied)
        ]
        statuses = both_at_once(
            partial(post, laptop, "/login/assertion", answers[0]),
            partial(post, copied, "/login/assertion", answers[1]),
        )
        assert sorted(statuses) == [200, 403]
        assert stored(site)[0].sign_count == count_then


def test_a_backup_flag_that_was_seen_stays_whoever_signs_in_meanwhile(
    site: Site, app: Starlette, laptop: Screen
) -> None:
    laptop.authenticator.counts = False
    other = another_screen(app, laptop.authenticator)
    for _ in range(2 * ROUNDS):
        with writing(site.database) as connection:
            connection.execute(devices.update().values(backup_eligible=False, backup_changed=False))
        seen = answered(laptop, ceremony(laptop, "/login/options"), backup_eligible=True)
        unseen = answered(other, ceremony(other, "/login/options"), backup_eligible=False)
        statuses = both_at_once(
            partial(post, laptop, "/login/assertion", seen),
            partial(post, other, "/login/assertion", unseen),
        )
        assert statuses == (200, 200)
        assert stored(site)[0].backup_eligible


@pytest.mark.parametrize("path", ["/devices/add/invitation", "/devices/{device}/name"])
def test_blocking_a_device_against_another_tab_of_the_same_session(
    site: Site, app: Starlette, laptop: Screen, clock: MovableClock, path: str
) -> None:
    for _ in range(2 * ROUNDS):
        device_id = device_in(add_here(laptop, Authenticator()))
        clock.advance(minutes=2)  # so that both write that the session was used
        tab = another_screen(app, laptop.authenticator)
        tab.client.cookies.update(laptop.client.cookies)
        tab.csrf()
        answer = answered(laptop, ceremony(laptop, f"/devices/{device_id}/block/options"))
        statuses = both_at_once(
            partial(post, laptop, f"/devices/{device_id}/block", answer),
            partial(post_form, tab, path.format(device=device_id)),
        )
        assert statuses == (200, 303)  # and no deadlock

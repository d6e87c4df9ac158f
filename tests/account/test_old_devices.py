"""Who came back decides about each old device on one page, with one assertion of the new one."""

from typing import Any

import pytest
from httpx2 import Response
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.db.transaction import writing
from authn.devices.life import suspend
from authn.devices.tables import Device
from authn.people.tables import Person
from authn.web.site import Site
from tests.authenticator import Authenticator
from tests.citizen import KARIM, Screen, enrolled
from tests.conftest import MovableClock
from tests.loss import come_back, door, held, proof, statuses
from tests.occasion import job
from tests.screens import (
    add_here,
    another_screen,
    answered,
    ceremony,
    events,
    everything,
    problem,
    signed_in,
)
from tests.together import at_once

pytestmark = pytest.mark.thorough

PATH = "/return/devices"


@pytest.fixture
def hanne(site: Site, client: TestClient, clock: MovableClock) -> Person:
    """Hanne had three devices, blocked everything, and an hour has passed."""
    person, laptop = enrolled(site, client)
    for _ in range(2):
        clock.advance(seconds=1)
        add_here(laptop, Authenticator())
    clock.advance(minutes=1)
    door(site, person, "desk")
    clock.advance(minutes=60)
    return person


@pytest.fixture
def new(site: Site, app: Starlette, hanne: Person) -> Screen:
    """The screen with the new device, where she is signed in."""
    screen = another_screen(app)
    assert come_back(screen, proof(site, screen, hanne, "return")).status_code == 200
    return screen


def decide(screen: Screen, choices: dict[str, str], sent: dict[str, str] | None = None) -> Response:
    """The answer to these choices; `sent` are other ones than were confirmed."""
    options = ceremony(screen, f"{PATH}/options", {"choices": choices})
    return send(screen, choices if sent is None else sent, options)


def send(screen: Screen, choices: Any, options: Any, **lies: Any) -> Response:
    return screen.post_json(PATH, {"choices": choices, **answered(screen, options, **lies)})


def old(site: Site, person: Person) -> list[Device]:
    return [device for device in held(site, person) if device.status == "suspended"]


def test_each_old_device_is_shown_and_nothing_is_chosen_yet(
    site: Site, hanne: Person, new: Screen
) -> None:
    page = new.client.get(PATH).text
    for device in old(site, hanne):
        assert f'name="{device.id}" value="keep"' in page
        assert f'name="{device.id}" value="remove"' in page
    assert page.count("checked") == 3


def test_kept_removed_and_undecided_at_once(site: Site, hanne: Person, new: Screen) -> None:
    first, second, third = old(site, hanne)
    answer = decide(new, {str(first.id): "keep", str(second.id): "remove"})
    assert answer.status_code == 200
    present = {device.id: device.status for device in held(site, hanne)}
    assert present[first.id] == "active"
    assert second.id not in present
    assert present[third.id] == "suspended", "what nobody decides about stays blocked"
    assert signed_in(new)
    assert answer.json()["location"].endswith("/name?first=1")


def test_a_kept_device_signs_in_again_and_its_old_session_stays_dead(
    site: Site, client: TestClient, hanne: Person, new: Screen
) -> None:
    decide(new, {str(old(site, hanne)[0].id): "keep"})
    assert client.get("/devices").status_code == 303


def test_other_choices_than_were_confirmed_are_refused(
    site: Site, hanne: Person, new: Screen
) -> None:
    first, second, _ = old(site, hanne)
    confirmed = {str(first.id): "keep"}
    before = statuses(site, hanne)
    for sent in (
        {str(first.id): "remove"},
        {str(second.id): "keep"},
        {str(first.id): "keep", str(second.id): "remove"},
    ):
        assert problem(decide(new, confirmed, sent)) == "invalid-ceremony"
    assert statuses(site, hanne) == before


def test_one_choice_that_is_refused_undoes_all(
    site: Site, app: Starlette, hanne: Person, new: Screen
) -> None:
    other, _ = enrolled(site, another_screen(app).client, KARIM)
    foreign = held(site, other)[0]
    first = old(site, hanne)[0]
    before = statuses(site, hanne)
    choices = {str(first.id): "remove", str(foreign.id): "remove"}
    assert decide(new, choices).status_code == 404
    assert statuses(site, hanne) == before
    assert statuses(site, other) == ["active"]
    assert "return.decision-refused" in [event for event, _ in events(site)]


def test_a_key_that_may_have_been_copied_is_only_removed(
    site: Site, app: Starlette, client: TestClient, clock: MovableClock
) -> None:
    person, _ = enrolled(site, client)
    device = held(site, person)[0]
    with writing(site.database) as connection:
        assert suspend(job(site, connection), device, "system", "counter")
    clock.advance(minutes=1)
    new = another_screen(app)
    come_back(new, proof(site, new, person, "return"))
    assert f'name="{device.id}" value="keep"' not in new.client.get(PATH).text
    assert decide(new, {str(device.id): "keep"}).status_code == 403
    assert statuses(site, person) == ["suspended", "active"]
    assert decide(new, {str(device.id): "remove"}).status_code == 200


def test_an_answer_is_heard_once(site: Site, hanne: Person, new: Screen) -> None:
    first, second, _ = old(site, hanne)
    choices = {str(first.id): "keep", str(second.id): "remove"}
    options = ceremony(new, f"{PATH}/options", {"choices": choices})
    content = {"choices": choices, **answered(new, options)}
    answers = at_once(lambda: new.post_json(PATH, content).status_code, threads=4)
    assert sorted(map(str, answers)) == ["200", "410", "410", "410"]


def test_the_last_device_that_works_is_not_removed_by_it(
    site: Site, hanne: Person, new: Screen
) -> None:
    mine = next(device for device in held(site, hanne) if device.status == "active")
    assert decide(new, {str(mine.id): "remove"}).status_code == 403
    assert signed_in(new)


@pytest.mark.parametrize(
    "choices",
    [None, {}, [], "x", {"x": "keep"}, {"": ""}, {"00000000-0000-0000-0000-000000000000": "open"},
     {"00000000-0000-0000-0000-000000000000": ["keep"]},
     {"{00000000-0000-0000-0000-000000000000}": "keep"},
     {"00000000000000000000000000000000": "keep"}],
)  # fmt: skip
@pytest.mark.one_engine
def test_garbled_choices_are_refused(
    site: Site, hanne: Person, new: Screen, choices: object
) -> None:
    before = everything(site)
    for path in (PATH, f"{PATH}/options"):
        assert new.post_json(path, {"choices": choices}).status_code == 400
    assert everything(site) == before


def test_who_has_nothing_to_decide_goes_on(site: Site, client: TestClient) -> None:
    _, _ = enrolled(site, client)
    answer = client.get(PATH)
    assert answer.status_code == 303
    assert "/name?first=1" in answer.headers["location"]


def test_who_is_not_signed_in_signs_in_first(app: Starlette) -> None:
    answer = another_screen(app).client.get(PATH)
    assert answer.headers["location"] == "/login?return_to=%2Freturn%2Fdevices"

"""My devices: the list, names, another key here, and removal (decisions 2.9, 7)."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.db.transaction import reading
from authn.devices.tables import Device, devices
from authn.web.site import Site
from tests.authenticator import Authenticator
from tests.citizen import KARIM, ORIGIN, Screen, activation_code, enrolled
from tests.screens import (
    add_here,
    another_screen,
    answered,
    ceremony,
    created,
    device_in,
    events,
    everything,
    join,
    problem,
    remove,
    signed_in,
)
from tests.together import at_once

PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; DROP TABLE devices; --",
    "{{ 7 * 7 }}{% raw %}",
    "%(name)s %s &amp; &#60;",
)


def stored(site: Site) -> list[Device]:
    with reading(site.database) as connection:
        rows = connection.execute(select(devices).order_by(devices.c.added_at))
        return [Device(*row) for row in rows]


@pytest.fixture
def screen(site: Site, client: TestClient) -> Screen:
    """The screen of somebody who is signed in with a first device."""
    return enrolled(site, client)[1]


ANY_ID = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    "path",
    [
        "/devices",
        "/devices?done=named",
        "/devices/add",
        "/devices/add/here",
        f"/devices/{ANY_ID}/name",
        f"/devices/{ANY_ID}/remove",
        f"/devices/add/invitation/{ANY_ID}",
    ],
)
def test_whoever_is_not_signed_in_signs_in_first(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 303
    location = answer.headers["location"]
    assert location.startswith("/login?return_to=%2Fdevices")
    assert "//" not in location


@pytest.mark.parametrize(
    "path",
    [
        "/devices/add/here/confirm-options",
        "/devices/add/here/options",
        "/devices/add/here/registration",
        f"/devices/{ANY_ID}/remove/options",
        f"/devices/{ANY_ID}/remove",
        f"/devices/add/invitation/{ANY_ID}/confirm-options",
        f"/devices/add/invitation/{ANY_ID}/confirm",
    ],
)
def test_a_script_of_whoever_is_not_signed_in_is_refused(client: TestClient, path: str) -> None:
    answer = Screen(client).post_json(path, {})
    assert (answer.status_code, problem(answer)) == (403, "not-signed-in")


def test_the_list_shows_newest_use_first(site: Site, app: Starlette, screen: Screen) -> None:
    phone = another_screen(app, Authenticator(backup_eligible=True))
    phone.client.headers["user-agent"] = "Mozilla/5.0 (iPhone) Version/19.0 Safari/604.1"
    site.clock.advance(minutes=1)  # type: ignore[attr-defined]
    join(screen, phone)
    site.clock.advance(minutes=1)  # type: ignore[attr-defined]
    page = phone.client.get("/devices").text
    assert page.index("iPhone") < page.index("Computer")
    assert "Safari op iPhone" in page
    screen.sign_in()
    page = screen.client.get("/devices").text
    assert page.index("Computer") < page.index("iPhone")


def test_devices_are_those_of_the_person_alone(site: Site, app: Starlette, screen: Screen) -> None:
    person, _ = activation_code(site)
    _, other = enrolled(site, another_screen(app).client, KARIM)
    [his] = [each for each in stored(site) if each.person_id != person.id]
    for path in ("name", "remove"):
        assert screen.client.get(f"/devices/{his.id}/{path}").status_code == 404
    assert str(his.id) not in screen.client.get("/devices").text
    before = everything(site)
    assert screen.post_form(f"/devices/{his.id}/name", name="mine").status_code == 404
    assert problem(screen.post_json(f"/devices/{his.id}/remove/options", {})) == "not-found"
    assert everything(site) == before
    assert signed_in(other)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_name_is_shown_as_it_was_typed_and_does_nothing(
    site: Site, screen: Screen, payload: str
) -> None:
    add_here(screen, Authenticator())
    device = stored(site)[0]
    answer = screen.post_form(f"/devices/{device.id}/name", name=payload)
    assert answer.headers["location"] == "/devices?done=named"
    assert payload in [each.name for each in stored(site)]
    for path in ("/devices", f"/devices/{device.id}/name", f"/devices/{device.id}/remove"):
        page = screen.client.get(path)
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
        assert "49" not in page.text.partition("<h1>")[2].partition("</h1>")[0]
        assert "script-src 'self'" in page.headers["content-security-policy"]
    assert events(site)[-1] == ("device.renamed", None)


@pytest.mark.parametrize("name", ["", " ", "x" * 61, "a\nb", "\u202eevil"])
def test_a_name_that_is_none_is_asked_again(site: Site, screen: Screen, name: str) -> None:
    [device] = stored(site)
    before = everything(site)
    answer = screen.post_form(f"/devices/{device.id}/name", name=name, request="TOKEN")
    assert answer.status_code == 422
    assert 'id="name-error"' in answer.text
    assert 'name="request" value="TOKEN"' in answer.text
    assert everything(site) == before


def test_another_key_is_added_here(site: Site, screen: Screen) -> None:
    key = Authenticator(attachment="cross-platform", transports=("usb",))
    device_id = device_in(add_here(screen, key))
    assert [event for event, _ in events(site)][-1] == "device.added"
    [added] = [each for each in stored(site) if each.id == device_id]
    assert (added.kind, added.added_how) == ("security-key", "here")
    assert Screen(screen.client, key).sign_in().status_code == 200


def test_a_session_alone_adds_nothing(site: Site, screen: Screen) -> None:
    """A stolen session adds no key (decisions 2.9)."""
    confirmation = ceremony(screen, "/devices/add/here/confirm-options")
    before = everything(site)
    for content in (
        {},
        {"ceremony": confirmation["ceremony"]},
        answered(screen, confirmation, bad_signature=True),
    ):
        assert screen.post_json("/devices/add/here/options", content).status_code == 400
    content = {
        **answered(screen, confirmation),
        **created(Authenticator(), _creation(confirmation)),
    }
    assert screen.post_json("/devices/add/here/registration", content).status_code == 400
    assert everything(site) == before


def _creation(confirmation: Any) -> Any:
    """Creation options as a thief would make them up, with a challenge that we did issue."""
    public_key = {
        "challenge": confirmation["publicKey"]["challenge"],
        "rp": {"id": "localhost"},
        "user": {"id": "AA"},
        "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
    }
    return {"publicKey": public_key, "ceremony": confirmation["ceremony"]}


def test_what_was_confirmed_in_one_session_is_not_added_in_another(
    site: Site, app: Starlette, screen: Screen
) -> None:
    confirmation = answered(screen, ceremony(screen, "/devices/add/here/confirm-options"))
    options = ceremony(screen, "/devices/add/here/options", confirmation)
    screen.post_form("/sign-out")
    screen.sign_in()  # a new session in the same browser
    content = created(Authenticator(), options)
    answer = screen.post_json("/devices/add/here/registration", content)
    assert problem(answer) == "invalid-ceremony"
    assert len(stored(site)) == 1


def test_removal_ends_the_devices_sessions_and_leaves_the_others(
    site: Site, app: Starlette, screen: Screen
) -> None:
    phone, tablet = another_screen(app), another_screen(app)
    phone_id = device_in(join(screen, phone))
    device_in(join(screen, tablet))
    page = screen.client.get(f"/devices/{phone_id}/remove").text
    assert "1" in page
    answer = remove(screen, phone_id)
    assert answer.json()["location"] == "/devices?done=removed"
    assert events(site)[-1] == ("device.unlinked", None)
    assert (signed_in(screen), signed_in(phone), signed_in(tablet)) == (True, False, True)
    assert problem(phone.sign_in()) == "unknown-credential"
    page = screen.client.get("/devices").text
    assert str(phone_id) not in page
    assert "verwijderd op 2 maart 2026" in page
    assert screen.client.get(f"/devices/{phone_id}/name").status_code == 404


def test_a_device_may_remove_itself(site: Site, screen: Screen, app: Starlette) -> None:
    phone = another_screen(app)
    phone_id = device_in(join(screen, phone))
    assert remove(phone, phone_id).json()["location"] == "/signed-out"
    assert not signed_in(phone)
    assert signed_in(screen)


def test_a_removed_device_can_be_enrolled_again(site: Site, screen: Screen, app: Starlette) -> None:
    phone = another_screen(app)
    first = device_in(join(screen, phone))
    remove(screen, first)
    again = device_in(join(screen, phone))
    assert again != first
    assert phone.sign_in().status_code == 200


def test_the_last_device_stays(site: Site, screen: Screen) -> None:
    [device] = stored(site)
    answer = screen.client.get(f"/devices/{device.id}/remove")
    assert answer.headers["location"] == "/devices"
    answer = remove(screen, device.id)
    assert (answer.status_code, problem(answer)) == (403, "last-device")
    assert stored(site)[0].status == "active"
    assert signed_in(screen)


def test_a_removal_is_confirmed_for_that_device_and_once(site: Site, screen: Screen) -> None:
    first = device_in(add_here(screen, Authenticator()))
    second = device_in(add_here(screen, Authenticator()))
    content = answered(screen, ceremony(screen, f"/devices/{first}/remove/options"))
    assert problem(screen.post_json(f"/devices/{second}/remove", content)) == "invalid-ceremony"
    assert screen.post_json(f"/devices/{first}/remove", content).status_code == 200
    assert problem(screen.post_json(f"/devices/{first}/remove", content)) == "replayed"


def test_two_devices_that_remove_each_other_leave_one(
    site: Site, app: Starlette, screen: Screen
) -> None:
    phone = another_screen(app)
    phone_id = device_in(join(screen, phone))
    laptop_id = next(device.id for device in stored(site) if device.id != phone_id)
    tries: list[tuple[Screen, UUID, Any, dict[str, str]]] = []
    for each, target in ((screen, phone_id), (phone, laptop_id)):
        content = answered(each, ceremony(each, f"/devices/{target}/remove/options"))
        headers = {"Origin": ORIGIN, "X-CSRF-Token": each.csrf()}
        tries.append((each, target, content, headers))

    def post() -> int:
        each, target, content, headers = tries.pop()
        path = f"/devices/{target}/remove"
        return each.client.post(path, json=content, headers=headers).status_code

    assert 200 in at_once(post, threads=2)
    with reading(site.database) as connection:
        statement = select(func.count()).where(devices.c.status == "active")
        assert connection.execute(statement).scalar_one() == 1

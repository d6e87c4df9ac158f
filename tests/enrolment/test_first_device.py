"""From an activation code to the first device, over HTTP (decisions 2.11)."""

import pytest
from sqlalchemy import func, select, update
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.db.transaction import reading, writing
from authn.devices.tables import Device, devices
from authn.people.tables import persons
from authn.web.site import Site
from tests.authenticator import Authenticator
from tests.citizen import HANNE, KARIM, ORIGIN, Screen, activation_code, enrolled
from tests.conftest import MovableClock
from tests.screens import (
    another_screen,
    ceremony,
    created,
    device_in,
    events,
    everything,
    problem,
    signed_in,
)
from tests.together import at_once


def count_devices(site: Site) -> int:
    with reading(site.database) as connection:
        count: int = connection.execute(select(func.count()).select_from(devices)).scalar_one()
        return count


def test_a_right_pair_leads_to_a_device_a_session_and_a_name(
    site: Site, client: TestClient
) -> None:
    person, code = activation_code(site)
    screen = Screen(client)
    answer = screen.enrol(code)
    device_id = device_in(answer)
    assert answer.json()["location"] == f"/devices/{device_id}/name?first=1"
    page = client.get(answer.json()["location"])
    assert page.status_code == 200
    with reading(site.database) as connection:
        device = Device(*connection.execute(select(devices)).one())
    assert (device.id, device.person_id, device.status) == (device_id, person.id, "active")
    assert (device.added_how, device.identity_level) == ("activation", "substantial")
    assert [event for event, _ in events(site)] == [
        "activation.issued",
        "device.added",
        "session.signed-in",
    ]


def test_every_wrong_pair_gets_the_same_page(site: Site, client: TestClient) -> None:
    _, code = activation_code(site)
    activation_code(site, KARIM)
    screen = Screen(client)
    sentences = set()
    for wrong in (
        {"code": "AAAAA-AAAAA-AAAAAA", "ssin": HANNE.ssin},
        {"code": code, "ssin": KARIM.ssin},
        {"code": code, "ssin": "no number"},
        {"code": "", "ssin": ""},
        {"code": "<script>", "ssin": "<b>"},
    ):
        answer = screen.post_form("/activate", **wrong)
        assert answer.status_code == 422
        assert "<script>" not in answer.text
        assert "<b>" not in answer.text
        sentences.add(answer.text.partition('id="code-error">')[2].partition("<")[0])
    assert len(sentences) == 1
    assert sentences != {""}


def test_a_wrong_try_is_counted_although_the_page_comes_back(
    site: Site, client: TestClient
) -> None:
    _, code = activation_code(site)
    screen = Screen(client)
    for _ in range(5):
        assert screen.post_form("/activate", code=code, ssin=KARIM.ssin).status_code == 422
    assert screen.post_form("/activate", code=code, ssin=HANNE.ssin).status_code == 422


def test_the_code_survives_until_a_device_is_stored(site: Site, client: TestClient) -> None:
    _, code = activation_code(site)
    screen = Screen(client)
    assert screen.enrol(code, user_verified=False).status_code == 403
    assert screen.enrol(code, resident=False).status_code == 403
    assert screen.enrol(code, rp_id="example.org").status_code == 400
    assert screen.enrol(code).status_code == 200
    assert screen.post_form("/activate", code=code, ssin=HANNE.ssin).status_code == 422


def test_a_code_gives_one_device_even_when_typed_on_two_screens(
    site: Site, app: Starlette, client: TestClient
) -> None:
    _, code = activation_code(site)
    here, there = Screen(client), another_screen(app)
    tokens = [here.activate(code), there.activate(code)]
    answers = []
    for screen, token in zip((here, there), tokens, strict=True):
        options = ceremony(screen, "/activate/options", {"enrolment": token})
        content = {"enrolment": token, **created(screen.authenticator, options)}
        answers.append(screen.post_json("/activate/registration", content))
    assert [answer.status_code for answer in answers] == [200, 403]
    assert count_devices(site) == 1
    assert not signed_in(there)
    assert events(site)[-1] == ("device.refused", "activation_refused")


def test_parallel_registrations_with_one_code_store_one_device(
    site: Site, app: Starlette, client: TestClient
) -> None:
    _, code = activation_code(site)
    screen = Screen(client)
    token = screen.activate(code)
    contents = []
    for _ in range(8):
        options = ceremony(screen, "/activate/options", {"enrolment": token})
        contents.append({"enrolment": token, **created(Authenticator(), options)})
    headers = {"Origin": ORIGIN, "X-CSRF-Token": screen.csrf()}
    cookies = dict(client.cookies)

    def post() -> int:
        one = TestClient(app, base_url=ORIGIN, cookies=cookies)
        path = "/activate/registration"
        return one.post(path, json=contents.pop(), headers=headers).status_code

    assert sorted(map(str, at_once(post))) == ["200"] + ["403"] * 7
    assert count_devices(site) == 1


def test_the_enrolment_of_another_browser_is_refused(
    site: Site, app: Starlette, client: TestClient
) -> None:
    _, code = activation_code(site)
    token = Screen(client).activate(code)
    other = another_screen(app)
    before = everything(site)
    answer = other.post_json("/activate/options", {"enrolment": token})
    assert problem(answer) == "other-browser"
    assert other.client.get("/activate/device", params={"enrolment": token}).status_code == 403
    assert everything(site) == before


def test_an_enrolment_is_refused_after_a_quarter_of_an_hour(
    site: Site, client: TestClient, clock: MovableClock
) -> None:
    _, code = activation_code(site)
    screen = Screen(client)
    token = screen.activate(code)
    clock.advance(minutes=15)
    assert problem(screen.post_json("/activate/options", {"enrolment": token})) == "expired"
    assert client.get("/activate/device", params={"enrolment": token}).status_code == 410


def test_a_challenge_of_one_code_is_refused_for_another(site: Site, client: TestClient) -> None:
    _, code = activation_code(site)
    _, other_code = activation_code(site, KARIM)
    screen = Screen(client)
    mine, his = screen.activate(code), screen.activate(other_code, KARIM.ssin)
    options = ceremony(screen, "/activate/options", {"enrolment": mine})
    before = everything(site)
    content = {"enrolment": his, **created(screen.authenticator, options)}
    answer = screen.post_json("/activate/registration", content)
    assert problem(answer) == "invalid-ceremony"
    assert everything(site) == before


def test_who_died_meanwhile_gets_no_device(site: Site, client: TestClient) -> None:
    _, code = activation_code(site)
    screen = Screen(client)
    token = screen.activate(code)
    options = ceremony(screen, "/activate/options", {"enrolment": token})
    with writing(site.database) as connection:
        connection.execute(update(persons).values(deceased=True))
    content = {"enrolment": token, **created(screen.authenticator, options)}
    answer = screen.post_json("/activate/registration", content)
    assert (answer.status_code, count_devices(site)) == (403, 0)


def test_the_request_that_waits_is_carried_along(site: Site, client: TestClient) -> None:
    _, code = activation_code(site)
    screen = Screen(client)
    page = client.get("/activate", params={"request": "TOKEN"})
    assert '<input type="hidden" name="request" value="TOKEN">' in page.text
    answer = screen.post_form("/activate", code=code, ssin=HANNE.ssin, request="TOKEN")
    token = answer.headers["location"].partition("enrolment=")[2]
    options = ceremony(screen, "/activate/options", {"enrolment": token})
    content = {"enrolment": token, **created(screen.authenticator, options)}
    location = screen.post_json("/activate/registration", content).json()["location"]
    assert location.endswith("?first=1&request=TOKEN")
    assert '<input type="hidden" name="request" value="TOKEN">' in client.get(location).text
    named = screen.post_form(location.partition("?")[0], name="Laptop", request="TOKEN", first="1")
    assert named.headers["location"] == "/login?request=TOKEN"


@pytest.mark.parametrize("hand_held", [True, False])
def test_the_page_shows_the_kind_of_device_that_it_is(
    site: Site, client: TestClient, hand_held: bool
) -> None:
    _, code = activation_code(site)
    client.headers["user-agent"] = "Mozilla/5.0 (iPhone) Safari/604.1" if hand_held else "x"
    token = Screen(client).activate(code)
    page = client.get("/activate/device", params={"enrolment": token}).text
    assert ("dialog-phone" in page) == hand_held
    assert HANNE.given_name in page


@pytest.mark.parametrize("path", ["/activate/options", "/activate/registration"])
def test_a_garbled_enrolment_is_refused(site: Site, client: TestClient, path: str) -> None:
    _, screen = enrolled(site, client)
    before = everything(site)
    for token in ("", "x", "1eyJ.x", "é", 3, None, ["x"]):
        assert screen.post_json(path, {"enrolment": token}).status_code == 400
    assert everything(site) == before

"""What a holder does to a device, over HTTP: each act confirmed for itself, dead at once, for good.

Decisions 2.9 (a fresh assertion for each act and target), 1.2 (the chain under a device).
"""

import html
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from httpx2 import Response
from sqlalchemy import event, insert, select, update
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.consents.consents import give_consent
from authn.db.transaction import reading, writing
from authn.devices.devices import add_device, find_device
from authn.devices.life import suspend, suspend_all
from authn.devices.tables import Device, devices, installations
from authn.errors import Refusal
from authn.keys.signing_keys import ensure_signing_keys
from authn.people.tables import Person, persons
from authn.profiles.profile import NO_PROFILE
from authn.sessions.tables import sessions
from authn.web.site import Site
from authn.webauthn.responses import base64url
from tests.authenticator import Authenticator
from tests.citizen import KARIM, ORIGIN, Screen, enrolled
from tests.conftest import MovableClock
from tests.devices.test_names import credential
from tests.occasion import job
from tests.oidc.relying_party import RelyingParty, register
from tests.screens import (
    add_here,
    another_screen,
    answered,
    approve,
    ceremony,
    claim,
    created,
    device_in,
    events,
    everything,
    invite,
    join,
    problem,
    remove,
    signed_in,
)
from tests.together import at_once

OTHERS = "/devices/block-others"
ANY_ID = "00000000-0000-0000-0000-000000000000"


def act(screen: Screen, path: str, **lies: Any) -> Response:
    """The answer to an act on a device, confirmed by this screen's authenticator."""
    return screen.post_json(path, answered(screen, ceremony(screen, f"{path}/options"), **lies))


def block(screen: Screen, device_id: UUID) -> Response:
    return act(screen, f"/devices/{device_id}/block")


def resume(screen: Screen, device_id: UUID) -> Response:
    return act(screen, f"/devices/{device_id}/resume")


def stored(site: Site) -> dict[UUID, Device]:
    with reading(site.database) as connection:
        return {row.id: Device(*row) for row in connection.execute(select(devices))}


def status(site: Site, device_id: UUID) -> str:
    return stored(site)[device_id].status


@pytest.fixture
def first(site: Site, client: TestClient) -> tuple[Person, Screen]:
    return enrolled(site, client)


@pytest.fixture
def person(first: tuple[Person, Screen]) -> Person:
    return first[0]


@pytest.fixture
def screen(first: tuple[Person, Screen]) -> Screen:
    """The screen of somebody who is signed in with a first device."""
    return first[1]


@pytest.fixture
def phone(app: Starlette, screen: Screen) -> Screen:
    return another_screen(app)


@pytest.fixture
def phone_id(screen: Screen, phone: Screen) -> UUID:
    """The phone is a second device, signed in on its own screen."""
    return device_in(join(screen, phone))


@pytest.fixture
def laptop_id(site: Site, phone_id: UUID) -> UUID:
    return next(each for each in stored(site) if each != phone_id)


# Block, and allow again


def test_a_blocked_device_is_signed_out_and_cannot_sign_in_until_it_is_allowed(
    site: Site, screen: Screen, phone: Screen, phone_id: UUID
) -> None:
    page = screen.client.get(f"/devices/{phone_id}/block").text
    assert "1" in page
    answer = block(screen, phone_id)
    location = answer.json()["location"]
    assert location == f"/devices?done=blocked&device={phone_id}"
    assert not signed_in(phone)
    assert problem(phone.sign_in()) == "refused-by-policy"
    assert not signed_in(phone)
    # What was done can be undone from where it is said.
    assert f'href="/devices/{phone_id}/resume"' in screen.client.get(location).text
    assert resume(screen, phone_id).json()["location"] == "/devices?done=resumed"
    assert not signed_in(phone)
    assert phone.sign_in().status_code == 200
    assert [name for name, _ in events(site) if name.startswith("device.")][-2:] == [
        "device.suspended",
        "device.resumed",
    ]


def test_whoever_blocks_the_device_in_use_is_signed_out_here(
    site: Site, screen: Screen, phone: Screen, phone_id: UUID
) -> None:
    assert block(phone, phone_id).json() == {"location": "/signed-out"}
    assert not signed_in(phone)
    assert signed_in(screen)


def test_only_another_device_allows_a_device_again(
    screen: Screen, phone: Screen, phone_id: UUID
) -> None:
    block(screen, phone_id)
    options = ceremony(screen, f"/devices/{phone_id}/resume/options")
    assert len(options["publicKey"]["allowCredentials"]) == 1
    options["publicKey"]["allowCredentials"] = []  # a browser that lets any key answer
    laptop, screen.authenticator = screen.authenticator, phone.authenticator
    answer = screen.post_json(f"/devices/{phone_id}/resume", answered(screen, options))
    assert (answer.status_code, problem(answer)) == (403, "refused-by-policy")
    screen.authenticator = laptop
    assert resume(screen, phone_id).status_code == 200


def test_a_device_whose_key_may_have_been_copied_is_removed_not_allowed_again(
    site: Site, screen: Screen, person: Person, phone_id: UUID
) -> None:
    with writing(site.database) as connection:
        device = find_device(connection, person.id, phone_id)
        suspend(job(site, connection), device, "system", "counter")
    page = screen.client.get("/devices").text
    assert f"/devices/{phone_id}/resume" not in page
    answer = screen.client.get(f"/devices/{phone_id}/resume")
    assert answer.headers["location"] == f"/devices/{phone_id}"
    refused = resume(screen, phone_id)
    assert (refused.status_code, problem(refused)) == (403, "not-by-this-device")
    assert events(site)[-1] == ("device.act-refused", "not by this device")
    assert remove(screen, phone_id).status_code == 200


def test_the_last_device_is_not_blocked(site: Site, screen: Screen) -> None:
    [device_id] = stored(site)
    assert screen.client.get(f"/devices/{device_id}/block").headers["location"] == "/devices"
    answer = block(screen, device_id)
    assert (answer.status_code, problem(answer)) == (403, "last-device")
    assert signed_in(screen)


ACTS = ["block", "remove", "resume"]


@pytest.mark.parametrize(
    ("one", "other"),
    [(one, other) for one in ACTS for other in (*ACTS, "block-others") if one != other],
)
def test_what_confirms_one_act_confirms_no_other(
    site: Site, screen: Screen, phone_id: UUID, one: str, other: str
) -> None:
    content = answered(screen, ceremony(screen, f"/devices/{phone_id}/{one}/options"))
    before = everything(site)
    path = OTHERS if other == "block-others" else f"/devices/{phone_id}/{other}"
    assert problem(screen.post_json(path, content)) == "invalid-ceremony"
    assert everything(site) == before


@pytest.mark.parametrize("name", ACTS)
def test_an_act_is_confirmed_for_one_device_and_once(
    site: Site, screen: Screen, phone_id: UUID, laptop_id: UUID, name: str
) -> None:
    content = answered(screen, ceremony(screen, f"/devices/{phone_id}/{name}/options"))
    wrong = screen.post_json(f"/devices/{laptop_id}/{name}", content)
    assert problem(wrong) == "invalid-ceremony"
    screen.post_json(f"/devices/{phone_id}/{name}", content)
    assert problem(screen.post_json(f"/devices/{phone_id}/{name}", content)) in (
        "replayed",
        "not-found",
    )


@pytest.mark.parametrize("name", ACTS)
def test_a_session_alone_changes_nothing(
    site: Site, screen: Screen, phone_id: UUID, name: str
) -> None:
    options = ceremony(screen, f"/devices/{phone_id}/{name}/options")
    before = everything(site)
    for content in (
        {},
        {"ceremony": options["ceremony"]},
        answered(screen, options, bad_signature=True),
    ):
        assert screen.post_json(f"/devices/{phone_id}/{name}", content).status_code == 400
    assert screen.post_json(OTHERS, {}).status_code == 400
    assert everything(site) == before


@pytest.mark.parametrize("name", [*ACTS, ""])
def test_nobody_touches_another_persons_device(
    site: Site, app: Starlette, screen: Screen, phone_id: UUID, name: str
) -> None:
    _, karim = enrolled(site, another_screen(app).client, KARIM)
    path = f"/devices/{phone_id}/{name}".rstrip("/")
    assert karim.client.get(path).status_code == 404
    if name:
        assert karim.post_json(f"{path}/options", {}).status_code == 404
    place = next(iter(places(site, phone_id)))
    before = everything(site)
    answer = karim.post_form(f"/devices/{phone_id}/installations/{place}/end")
    assert answer.status_code == 404
    assert everything(site) == before


@pytest.mark.parametrize(
    "path", [OTHERS, *(f"/devices/{ANY_ID}{each}" for each in ("", "/block", "/resume"))]
)
def test_whoever_is_not_signed_in_signs_in_first(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.headers["location"].startswith("/login?return_to=%2Fdevices")
    if path.endswith(ANY_ID):
        return
    for called in (f"{path}/options", path):
        assert problem(Screen(client).post_json(called, {})) == "not-signed-in"


# Block all but this one


def test_all_but_this_one_are_blocked(
    site: Site, app: Starlette, screen: Screen, phone: Screen, phone_id: UUID, laptop_id: UUID
) -> None:
    tablet = another_screen(app)
    tablet_id = device_in(join(screen, tablet))
    page = screen.client.get(OTHERS).text
    assert page.count("<li>") >= 2
    assert act(screen, OTHERS).json() == {"location": "/devices?done=others-blocked"}
    assert [signed_in(each) for each in (screen, phone, tablet)] == [True, False, False]
    assert {status(site, each) for each in (phone_id, tablet_id)} == {"suspended"}
    assert events(site)[-1] == ("device.all-but-one-blocked", None)
    assert screen.client.get(OTHERS).headers["location"] == "/devices"


def test_it_is_confirmed_by_the_very_device_that_stays(
    site: Site, screen: Screen, phone: Screen, phone_id: UUID
) -> None:
    """Otherwise whoever holds the phone, at an unlocked laptop, would keep what they hold."""
    options = ceremony(screen, f"{OTHERS}/options")
    assert len(options["publicKey"]["allowCredentials"]) == 1
    options["publicKey"]["allowCredentials"] = []  # a browser that lets any key answer
    screen.authenticator = phone.authenticator
    answer = screen.post_json(OTHERS, answered(screen, options))
    assert (answer.status_code, problem(answer)) == (403, "not-this-device")
    assert status(site, phone_id) == "active"
    assert events(site)[-1] == ("device.act-refused", "not by this device")


def test_of_two_that_each_block_the_other_one_stays(
    site: Site, screen: Screen, phone: Screen, phone_id: UUID
) -> None:
    tries = []
    for each in (screen, phone):
        content = answered(each, ceremony(each, f"{OTHERS}/options"))
        headers = {"Origin": ORIGIN, "X-CSRF-Token": each.csrf()}
        tries.append((each, content, headers))

    def post() -> int:
        each, content, headers = tries.pop()
        return each.client.post(OTHERS, json=content, headers=headers).status_code

    results: list[int | Refusal] = at_once(post, threads=2)
    assert sorted(results, key=str) == [200, 403]
    assert sorted(device.status for device in stored(site).values()) == ["active", "suspended"]
    assert sorted([signed_in(screen), signed_in(phone)]) == [False, True]


# Dead at once, and for good


@pytest.fixture
def hospital(site: Site, person: Person, phone: Screen, phone_id: UUID) -> RelyingParty:
    """An application that the person allowed, and that sends the phone's browser to us."""
    ensure_signing_keys(site.database, site.secrets, site.clock())
    assert isinstance(phone.client, TestClient)
    hospital = register(site, phone.client)
    with writing(site.database) as connection:
        client_id = hospital.client.client_id
        give_consent(
            connection, person.id, client_id, NO_PROFILE, ["openid", "profile"], site.clock()
        )
    return hospital


def blocked_and_allowed_again(
    screen: Screen, clock: MovableClock, phone_id: UUID, meanwhile: Callable[[], None]
) -> None:
    """The phone is blocked, something is looked at, and it is allowed again."""
    assert block(screen, phone_id).status_code == 200
    meanwhile()
    clock.advance(seconds=1)
    assert resume(screen, phone_id).status_code == 200
    clock.advance(seconds=1)
    meanwhile()


def test_a_session_stays_dead(
    screen: Screen, phone: Screen, phone_id: UUID, clock: MovableClock
) -> None:
    def dead() -> None:
        assert not signed_in(phone)

    blocked_and_allowed_again(screen, clock, phone_id, dead)


def test_an_access_token_stays_dead(
    screen: Screen, phone_id: UUID, hospital: RelyingParty, clock: MovableClock
) -> None:
    token = hospital.tokens()["access_token"]
    assert hospital.userinfo(token).status_code == 200

    def dead() -> None:
        assert hospital.userinfo(token).status_code == 401

    blocked_and_allowed_again(screen, clock, phone_id, dead)


def test_a_code_that_was_not_redeemed_stays_dead(
    screen: Screen, phone_id: UUID, hospital: RelyingParty, clock: MovableClock
) -> None:
    codes = [hospital.code(), hospital.code()]

    def dead() -> None:
        answer = hospital.redeem(codes.pop())
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")

    blocked_and_allowed_again(screen, clock, phone_id, dead)
    assert not codes


def test_no_code_comes_of_the_dead_session(
    screen: Screen, phone_id: UUID, hospital: RelyingParty, clock: MovableClock
) -> None:
    assert "code" in hospital.answer(prompt="none")

    def dead() -> None:
        assert hospital.answer(prompt="none")["error"] == "login_required"

    blocked_and_allowed_again(screen, clock, phone_id, dead)


def test_a_link_that_the_device_opened_stays_dead(
    app: Starlette, screen: Screen, phone: Screen, phone_id: UUID, clock: MovableClock
) -> None:
    _, secret = invite(phone)

    def dead() -> None:
        answer = another_screen(app).post_json("/join/look", {"secret": secret})
        assert answer.status_code == 410

    blocked_and_allowed_again(screen, clock, phone_id, dead)


def test_a_link_that_the_device_approved_stays_dead(
    site: Site, app: Starlette, screen: Screen, clock: MovableClock
) -> None:
    """A key that belongs to no screen: the session that opened the link lives on."""
    key, tablet = Authenticator(), another_screen(app)
    key_id = device_in(add_here(screen, key))
    page, secret = invite(screen)
    invitation, number = claim(tablet, secret)
    laptop, screen.authenticator = screen.authenticator, key
    assert approve(screen, page, number).status_code == 200
    screen.authenticator = laptop
    options = ceremony(tablet, "/join/options", {"invitation": invitation})
    content = {"invitation": invitation, **created(tablet.authenticator, options)}

    def dead() -> None:
        again = tablet.post_json("/join/options", {"invitation": invitation})
        assert again.status_code in (404, 410)

    blocked_and_allowed_again(screen, clock, key_id, dead)
    assert tablet.post_json("/join/registration", content).status_code in (404, 410)
    assert len(stored(site)) == 2


def test_what_was_signed_while_it_was_blocked_is_worth_nothing_afterwards(
    site: Site, screen: Screen, phone: Screen, phone_id: UUID, clock: MovableClock
) -> None:
    """An open page whose challenge was answered too early: the answer is burnt."""
    assertion = answered(phone, ceremony(phone, "/login/options"))
    tried: list[str] = []

    def dead() -> None:
        tried.append(problem(phone.post_json("/login/assertion", assertion)))
        assert not signed_in(phone)

    blocked_and_allowed_again(screen, clock, phone_id, dead)
    assert tried == ["refused-by-policy", "replayed"]


def test_an_act_that_was_begun_in_the_dead_session_is_not_finished(
    site: Site, screen: Screen, phone: Screen, phone_id: UUID, laptop_id: UUID, clock: MovableClock
) -> None:
    content = answered(phone, ceremony(phone, f"/devices/{laptop_id}/remove/options"))
    before = phone.csrf()

    def dead() -> None:
        answer = phone.post_json(f"/devices/{laptop_id}/remove", content)
        assert problem(answer) == "not-signed-in"

    blocked_and_allowed_again(screen, clock, phone_id, dead)
    assert phone.csrf() == before
    assert status(site, laptop_id) == "active"


def test_a_device_that_was_blocked_while_it_confirmed_does_nothing(
    site: Site, screen: Screen, person: Person, phone: Screen, phone_id: UUID, laptop_id: UUID
) -> None:
    """Its page was open, and asked in the same moment."""
    content = answered(phone, ceremony(phone, f"/devices/{laptop_id}/block/options"))
    headers = {"Origin": ORIGIN, "X-CSRF-Token": phone.csrf()}
    path = f"/devices/{laptop_id}/block"

    def from_the_laptop() -> int:
        with writing(site.database) as connection:
            occasion = job(site, connection)
            suspend_all(occasion, person.id, "holder", "holder", but=laptop_id)
        return 200

    acts: list[Callable[[], int]] = [
        from_the_laptop,
        lambda: phone.client.post(path, json=content, headers=headers).status_code,
    ]
    at_once(lambda: acts.pop()(), threads=2)
    assert sorted(device.status for device in stored(site).values()) == ["active", "suspended"]


def test_blocking_while_it_signs_in_leaves_no_session(
    site: Site, screen: Screen, person: Person, phone: Screen, phone_id: UUID
) -> None:
    """Whoever is first: a sign-in that won is ended by the block that follows it."""
    assertion = answered(phone, ceremony(phone, "/login/options"))
    headers = {"Origin": ORIGIN, "X-CSRF-Token": phone.csrf()}

    def block_it() -> int:
        with writing(site.database) as connection:
            device = find_device(connection, person.id, phone_id)
            assert suspend(job(site, connection), device, "holder", "holder")
        return 0

    acts: list[Callable[[], int]] = [
        block_it,
        lambda: phone.client.post("/login/assertion", json=assertion, headers=headers).status_code,
    ]
    assert 0 in at_once(lambda: acts.pop()(), threads=2)
    assert not signed_in(phone)
    assert status(site, phone_id) == "suspended"
    with reading(site.database) as connection:
        open_ones = select(sessions.c.id).join(
            installations, installations.c.id == sessions.c.installation_id
        )
        alive = open_ones.where(
            installations.c.device_id == phone_id, installations.c.ended_at.is_(None)
        )
        assert connection.execute(alive).all() == []


def test_blocking_while_a_code_is_redeemed_leaves_no_token_that_works(
    site: Site, screen: Screen, person: Person, phone_id: UUID, hospital: RelyingParty
) -> None:
    codes = [hospital.code() for _ in range(4)]
    answers: list[Response] = []

    def redeem() -> int:
        answers.append(hospital.redeem(codes.pop()))
        return 1

    def block_it() -> int:
        with writing(site.database) as connection:
            device = find_device(connection, person.id, phone_id)
            suspend(job(site, connection), device, "holder", "holder")
        return 0

    acts: list[Callable[[], int]] = [block_it, *[redeem] * 4]
    at_once(lambda: acts.pop()(), threads=5)
    assert len(answers) == 4
    for answer in answers:
        token = answer.json().get("access_token")
        assert token is None or hospital.userinfo(token).status_code == 401


# One browser of a device


def places(site: Site, device_id: UUID) -> list[UUID]:
    with reading(site.database) as connection:
        statement = select(installations.c.id).where(
            installations.c.device_id == device_id, installations.c.ended_at.is_(None)
        )
        return list(connection.execute(statement).scalars())


def test_one_browser_is_ended_and_the_device_stays(
    site: Site, app: Starlette, screen: Screen, phone: Screen, phone_id: UUID
) -> None:
    """A key that is shared: signed in on two machines, one of them is ended."""
    [on_phone] = places(site, phone_id)
    mac = another_screen(app, phone.authenticator)
    mac.client.headers["user-agent"] = "Mozilla/5.0 (Macintosh) Version/19.0 Safari/605.1"
    assert mac.sign_in().status_code == 200
    page = screen.client.get(f"/devices/{phone_id}").text
    assert "Safari op Mac" in page
    [on_mac] = [each for each in places(site, phone_id) if each != on_phone]
    path = f"/devices/{phone_id}/installations/{on_mac}/end"
    assert screen.post_form(path).headers["location"] == f"/devices/{phone_id}?done=ended"
    assert [signed_in(each) for each in (screen, phone, mac)] == [True, True, False]
    assert events(site)[-1] == ("installation.ended", None)
    count = len(events(site))
    assert screen.post_form(path).status_code == 303  # twice is once
    assert len(events(site)) == count
    assert mac.sign_in().status_code == 200
    assert on_mac not in places(site, phone_id)


def test_whoever_ends_this_browser_is_signed_out_here(
    site: Site, screen: Screen, phone: Screen, phone_id: UUID
) -> None:
    [here] = places(site, phone_id)
    page = phone.client.get(f"/devices/{phone_id}").text
    assert page.count("/end") == 1
    answer = phone.post_form(f"/devices/{phone_id}/installations/{here}/end")
    assert answer.headers["location"] == "/signed-out"
    assert not signed_in(phone)


def test_a_browser_is_ended_under_its_own_device_only(
    site: Site, screen: Screen, phone: Screen, phone_id: UUID, laptop_id: UUID
) -> None:
    [on_phone] = places(site, phone_id)
    screen.post_form(f"/devices/{laptop_id}/installations/{on_phone}/end")
    assert signed_in(phone)


# What the pages say


def test_the_list_takes_three_queries_however_many_there_are(
    site: Site, screen: Screen, person: Person
) -> None:
    """20 devices with 58 browsers."""
    now = site.clock()
    with writing(site.database) as connection:
        for number in range(19):
            held = add_device(
                connection,
                person.id,
                replace(credential(), credential_id=b"%d" % number),
                name="Device",
                kind="laptop",
                identity_level="high",
                how="here",
                now=now,
            )
            rows = [
                {
                    "id": UUID(int=number * 10 + each),
                    "device_id": held.device.id,
                    "cookie_hash": f"{number}-{each}",
                    "browser": f"Browser {each}",
                    "system": "Linux",
                    "first_seen": now,
                    "last_seen": now.replace(minute=each),
                }
                for each in range(3)
            ]
            connection.execute(insert(installations), rows)
    screen.client.get("/devices")  # what a process learns once
    found: list[str] = []

    def count(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        found.append(statement)

    for engine in (site.database.reader, site.database.writer):
        event.listen(engine, "before_cursor_execute", count)
    page = screen.client.get("/devices").text
    for engine in (site.database.reader, site.database.writer):
        event.remove(engine, "before_cursor_execute", count)
    assert len(found) <= 3, found
    assert page.count('<li class="device">') == 20
    assert page.count("Browser 2 op Linux") == 19
    assert "Browser 1 op" not in page


def test_what_does_not_work_now_is_shown_apart_with_why(
    site: Site, screen: Screen, person: Person, phone_id: UUID, clock: MovableClock
) -> None:
    ids = [device_in(add_here(screen, Authenticator())) for _ in range(3)]
    clock.advance(seconds=1)
    with writing(site.database) as connection:
        for device_id, why in zip(ids, ("counter", "emergency", "holder"), strict=True):
            values = {"status": "suspended", "suspended_why": why, "suspended_at": clock()}
            connection.execute(update(devices).where(devices.c.id == device_id).values(values))
        values = {"status": "dormant", "suspended_at": clock()}
        connection.execute(update(devices).where(devices.c.id == phone_id).values(values))
    page = screen.client.get("/devices").text
    active, _, resting = page.partition('id="resting"')
    assert active.count('<li class="device">') == 1
    assert resting.count('<li class="device resting">') == 4
    assert set(re.findall(r"/devices/([0-9a-f-]{36})/resume", resting)) == {
        str(ids[2]),
        str(phone_id),
    }
    assert set(re.findall(r"/devices/([0-9a-f-]{36})/remove", resting)) == {
        str(each) for each in (*ids, phone_id)
    }


def test_a_suspension_that_is_over_is_not_shown_as_one(
    site: Site, screen: Screen, person: Person, phone_id: UUID, clock: MovableClock
) -> None:
    with writing(site.database) as connection:
        device = find_device(connection, person.id, phone_id)
        until = clock()
        suspend(job(site, connection), device, "door", "emergency", until)
    screen.client.headers["Accept-Language"] = "en"
    page = screen.client.get("/devices").text
    assert 'id="resting"' not in page
    assert "Your only device" not in page, "each of the two can sign in"


def test_a_device_whose_suspension_is_over_confirms_and_counts_as_one_that_works(
    site: Site, screen: Screen, phone: Screen, person: Person, phone_id: UUID, laptop_id: UUID
) -> None:
    with writing(site.database) as connection:
        device = find_device(connection, person.id, phone_id)
        suspend(job(site, connection), device, "door", "emergency", site.clock())
    # The laptop's own screen, and the phone in hand: nothing has looked at the suspension yet.
    path = f"/devices/{laptop_id}/remove"
    options = ceremony(screen, f"{path}/options")
    assert len(options["publicKey"]["allowCredentials"]) == 2
    assert screen.post_json(path, answered(phone, options)).status_code == 200
    assert (status(site, phone_id), status(site, laptop_id)) == ("active", "unlinked")


@pytest.mark.parametrize("path", ["", "/block", "/remove", "/name"])
def test_a_name_does_nothing_on_any_page(
    site: Site, screen: Screen, phone_id: UUID, path: str
) -> None:
    screen.post_form(f"/devices/{phone_id}/name", name="<script>alert(1)</script>{{ 7*7 }}")
    page = screen.client.get(f"/devices/{phone_id}{path}").text
    assert "<script>alert" not in page
    assert "{{ 7*7 }}" in page


# What the browser is told (WebAuthn §5.1.11)


def signals(screen: Screen) -> dict[str, Any]:
    page = screen.client.get("/devices").text
    found = re.search(r'data-signals="([^"]*)"', page)
    assert found
    return json.loads(html.unescape(found.group(1)))  # type: ignore[no-any-return]


def test_blocked_and_dormant_keys_stay_accepted_and_removed_ones_go(
    site: Site, screen: Screen, person: Person, phone_id: UUID, laptop_id: UUID
) -> None:
    """Decisions 2.7: what is left out is removed, perhaps for good."""
    key_id = device_in(add_here(screen, Authenticator()))
    with writing(site.database) as connection:
        connection.execute(update(devices).where(devices.c.id == phone_id).values(status="dormant"))
    block(screen, key_id)
    kept = {base64url(stored(site)[each].credential_id or b"") for each in stored(site)}
    [told] = signals(screen)["accepted"]
    assert told["rpId"] == "localhost"
    assert told["userId"] == base64url(person.user_handle)
    assert set(told["allAcceptedCredentialIds"]) == kept
    assert len(kept) == 3
    gone = base64url(stored(site)[key_id].credential_id or b"")
    [told] = remove(screen, key_id).json()["accepted"]
    assert set(told["allAcceptedCredentialIds"]) == kept - {gone}


def test_each_user_handle_of_a_merged_person_is_told_of(
    site: Site, screen: Screen, phone_id: UUID
) -> None:
    """Decisions 1.6; a handle whose last key was removed gets an empty list."""
    with writing(site.database) as connection:
        other = {"user_handle": b"another"}
        connection.execute(update(devices).where(devices.c.id == phone_id).values(other))
    assert len(signals(screen)["accepted"]) == 2
    assert len(signals(screen)["details"]) == 2
    accepted = {each["userId"]: each for each in remove(screen, phone_id).json()["accepted"]}
    assert accepted[base64url(b"another")]["allAcceptedCredentialIds"] == []
    assert len(signals(screen)["details"]) == 1


def test_the_name_is_the_one_of_the_register_now(site: Site, screen: Screen) -> None:
    with writing(site.database) as connection:
        connection.execute(update(persons).values(family_name="Peeters"))
    [details] = signals(screen)["details"]
    assert (details["name"], details["displayName"]) == ("Hanne Peeters", "Hanne Peeters")

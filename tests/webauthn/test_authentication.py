"""The authentication ceremony (https://www.w3.org/TR/webauthn-3/#sctn-verifying-assertion).

Each lie that an authenticator or browser can tell is refused. Before the signature verifies nothing
is written; after it, the challenge is burnt and the refusal is on record (decisions 2.2).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import cbor2
import pytest
from sqlalchemy import Connection, Engine, event, select, update
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.db.transaction import reading, writing
from authn.devices.tables import Device, devices
from authn.people.tables import persons
from authn.web.site import Site
from authn.webauthn.tables import burnt_challenges
from tests.authenticator import Authenticator, Lies
from tests.citizen import KARIM, ORIGIN, enrolled
from tests.conftest import MovableClock
from tests.patience import processor_seconds
from tests.screens import (
    add_here,
    another_screen,
    answered,
    ceremony,
    device_in,
    events,
    everything,
    problem,
    remove,
    signed_in,
)
from tests.together import at_once

UNVERIFIABLE: dict[str, Lies] = {
    "another type": {"type": "webauthn.create"},
    "another challenge": {"challenge": "A" * 43},
    "a challenge that decodes to the same": {"challenge": ""},
    "a frame of another origin": {"cross_origin": True},
    "a top origin": {"top_origin": "https://evil.example"},
    "another RP ID": {"rp_id": "example.org"},
    "a longer RP ID": {"rp_id": "evil.localhost"},
    "user not present": {"user_present": False},
    "wrong signature": {"bad_signature": True},
    "truncated authenticator data": {"truncate": 36},
    "bytes left over": {"extra_bytes": b"\x00"},
    "no authenticator data": {"authenticator_data": b"\x00"},
    "client data that are no object": {"client_data": b"[]"},
    "client data without members": {"client_data": b"{}"},
    "client data that are no JSON": {"client_data": b"\xff{"},
}
OTHER_ORIGINS = (
    "https://localhost:8000",
    "http://localhost",
    "http://localhost:80000",
    "http://localhost:8000/",
    "http://localhost:8000.",
    "http://LOCALHOST:8000",
    "http://localhost.:8000",
    "http://evil.localhost:8000",
    "http://evil-localhost:8000",
    "http://localhost:8000@evil.example",
    "http://xn--lcalhost-9ya:8000",
    "android:apk-key-hash:AAAA",
    "null",
    "",
)


def stored(site: Site) -> list[Device]:
    with reading(site.database) as connection:
        rows = connection.execute(select(devices).order_by(devices.c.added_at))
        return [Device(*row) for row in rows]


def burnt(site: Site) -> int:
    with reading(site.database) as connection:
        return len(connection.execute(select(burnt_challenges)).all())


def test_a_device_signs_in(site: Site, client: TestClient, clock: MovableClock) -> None:
    person, screen = enrolled(site, client)
    client.cookies.clear()
    assert not signed_in(screen)
    clock.advance(minutes=3)
    assert screen.sign_in().status_code == 200
    assert signed_in(screen)
    [device] = stored(site)
    assert (device.person_id, device.sign_count, device.last_used_at) == (person.id, 1, clock.now)


def test_what_we_ask(site: Site, client: TestClient) -> None:
    _, screen = enrolled(site, client)
    public_key = ceremony(screen, "/login/options")["publicKey"]
    assert public_key["rpId"] == "localhost"
    assert public_key["userVerification"] == "required"
    assert public_key["allowCredentials"] == []


@pytest.mark.parametrize("lie", UNVERIFIABLE.values(), ids=UNVERIFIABLE)
def test_what_can_not_be_verified_is_refused_and_writes_nothing(
    site: Site, client: TestClient, lie: Lies
) -> None:
    _, screen = enrolled(site, client)
    before = everything(site)
    answer = screen.sign_in(**lie)
    assert answer.status_code == 400
    assert problem(answer) in ("unverified-response", "invalid-response")
    assert everything(site) == before


@pytest.mark.parametrize("origin", OTHER_ORIGINS)
@pytest.mark.one_engine
def test_every_other_origin_is_refused(site: Site, client: TestClient, origin: str) -> None:
    _, screen = enrolled(site, client)
    before = everything(site)
    options = ceremony(screen, "/login/options")
    credential = screen.authenticator.get(options, origin)
    content = {"ceremony": options["ceremony"], "credential": credential}
    answer = screen.post_json("/login/assertion", content)
    assert problem(answer) == "unverified-response"
    assert everything(site) == before


def test_nothing_of_the_library_reaches_the_browser(site: Site, client: TestClient) -> None:
    _, screen = enrolled(site, client)
    answer = screen.sign_in(rp_id="example.org")
    assert set(answer.json()) == {"type", "title", "detail", "status", "instance"}
    assert " hash" not in answer.text
    assert "webauthn" not in answer.text.lower()


def test_an_unknown_credential_is_said_to_be_unknown(site: Site, client: TestClient) -> None:
    _, screen = enrolled(site, client)
    before = everything(site)
    answer = screen.sign_in(credential_id=b"nobody's")
    assert (answer.status_code, problem(answer)) == (404, "unknown-credential")
    assert everything(site) == before


def test_another_persons_credential_id_does_not_verify(
    site: Site, app: Starlette, client: TestClient
) -> None:
    _, screen = enrolled(site, client)
    _, other = enrolled(site, another_screen(app).client, KARIM)
    before = everything(site)
    answer = screen.sign_in(credential_id=other.authenticator.credentials[0].id)
    assert problem(answer) == "unverified-response"
    assert everything(site) == before


POLICY: dict[str, tuple[Lies, str]] = {
    "user not verified": ({"user_verified": False}, "user not verified"),
    "no user handle": ({"user_handle": None}, "no user handle"),
    "another user handle": ({"user_handle": b"x" * 32}, "user handle of another account"),
    "contradictory flags": ({"backed_up": True}, "backed up without being eligible"),
}


@pytest.mark.parametrize(("lie", "reason"), POLICY.values(), ids=POLICY)
def test_what_policy_refuses_is_burnt_and_on_record(
    site: Site, client: TestClient, lie: Lies, reason: str
) -> None:
    _, screen = enrolled(site, client)
    client.cookies.delete("authn-8000-session")
    had = burnt(site)
    answer = screen.sign_in(**lie)
    assert (answer.status_code, problem(answer)) == (403, "refused-by-policy")
    assert burnt(site) == had + 1
    assert events(site)[-1] == ("session.refused", reason)
    assert not signed_in(screen)


def _deceased(site: Site) -> None:
    with writing(site.database) as connection:
        connection.execute(update(persons).values(deceased=True))


def _suspended(site: Site) -> None:
    with writing(site.database) as connection:
        connection.execute(update(devices).values(status="suspended"))


@pytest.mark.parametrize(
    ("happened", "reason"),
    [(_deceased, "person deceased"), (_suspended, "device suspended")],
    ids=["deceased", "suspended"],
)
def test_whoever_may_not_sign_in_has_no_session_either(
    site: Site, client: TestClient, happened: Callable[[Site], None], reason: str
) -> None:
    _, screen = enrolled(site, client)
    assert signed_in(screen)
    happened(site)
    assert not signed_in(screen)
    assert problem(screen.sign_in()) == "refused-by-policy"
    assert events(site)[-1] == ("session.refused", reason)
    assert not signed_in(screen)


def test_a_response_is_accepted_once(site: Site, client: TestClient) -> None:
    _, screen = enrolled(site, client)
    content = answered(screen, ceremony(screen, "/login/options"))
    assert screen.post_json("/login/assertion", content).status_code == 200
    before = everything(site)
    answer = screen.post_json("/login/assertion", content)
    assert (answer.status_code, problem(answer)) == (410, "replayed")
    assert everything(site) == before


def test_a_refused_response_is_not_accepted_later(site: Site, client: TestClient) -> None:
    _, screen = enrolled(site, client)
    _suspended(site)
    content = answered(screen, ceremony(screen, "/login/options"))
    assert problem(screen.post_json("/login/assertion", content)) == "refused-by-policy"
    with writing(site.database) as connection:
        connection.execute(update(devices).values(status="active"))
    assert problem(screen.post_json("/login/assertion", content)) == "replayed"


def test_one_of_many_parallel_tries_is_accepted(site: Site, client: TestClient) -> None:
    _, screen = enrolled(site, client)
    content = answered(screen, ceremony(screen, "/login/options"))
    had, screen_csrf = burnt(site), screen.csrf()
    headers = {"Origin": ORIGIN, "X-CSRF-Token": screen_csrf}
    cookies = dict(client.cookies)

    def post() -> int:
        one = TestClient(client.app, base_url=ORIGIN, cookies=cookies)
        return one.post("/login/assertion", json=content, headers=headers).status_code

    assert sorted(map(str, at_once(post))) == ["200"] + ["410"] * 7
    assert burnt(site) == had + 1


def test_a_challenge_is_refused_after_five_minutes(
    site: Site, client: TestClient, clock: MovableClock
) -> None:
    _, screen = enrolled(site, client)
    content = answered(screen, ceremony(screen, "/login/options"))
    clock.advance(minutes=5)
    before = everything(site)
    answer = screen.post_json("/login/assertion", content)
    assert (answer.status_code, problem(answer)) == (410, "expired")
    assert everything(site) == before


def test_a_challenge_of_another_browser_is_refused(
    site: Site, app: Starlette, client: TestClient
) -> None:
    _, screen = enrolled(site, client)
    content = answered(screen, ceremony(screen, "/login/options"))
    before = everything(site)
    answer = another_screen(app).post_json("/login/assertion", content)
    assert problem(answer) == "invalid-ceremony"
    assert everything(site) == before


def test_a_challenge_for_another_act_or_target_is_refused(site: Site, client: TestClient) -> None:
    _, screen = enrolled(site, client)
    phone = device_in(add_here(screen, Authenticator()))
    tablet = device_in(add_here(screen, Authenticator()))
    sign_in = answered(screen, ceremony(screen, "/login/options"))
    add = answered(screen, ceremony(screen, "/devices/add/here/confirm-options"))
    away = answered(screen, ceremony(screen, f"/devices/{phone}/remove/options"))
    before = everything(site)
    for path, content in (
        (f"/devices/{phone}/remove", sign_in),
        (f"/devices/{phone}/remove", add),
        (f"/devices/{tablet}/remove", away),
        ("/devices/add/here/options", sign_in),
        ("/devices/add/here/options", away),
        ("/login/assertion", add),
        ("/login/assertion", away),
    ):
        assert problem(screen.post_json(path, content)) == "invalid-ceremony"
    assert everything(site) == before


def test_an_enrolment_challenge_is_refused_for_signing_in(site: Site, client: TestClient) -> None:
    _, screen = enrolled(site, client)
    confirmation = answered(screen, ceremony(screen, "/devices/add/here/confirm-options"))
    creation = ceremony(screen, "/devices/add/here/options", confirmation)
    challenge = creation["publicKey"]["challenge"]
    options = ceremony(screen, "/login/options")
    options["publicKey"]["challenge"] = challenge
    content = answered(screen, options) | {"ceremony": creation["ceremony"]}
    before = everything(site)
    assert problem(screen.post_json("/login/assertion", content)) == "invalid-token"
    assert everything(site) == before


def test_nobody_confirms_for_another_person(site: Site, app: Starlette, client: TestClient) -> None:
    _, screen = enrolled(site, client)
    phone = device_in(add_here(screen, Authenticator()))
    _, other = enrolled(site, another_screen(app).client, KARIM)
    stranger = other.authenticator.credentials[0]
    answer = remove(screen, phone, credential=stranger)
    assert problem(answer) == "refused-by-policy"
    assert events(site)[-1] == ("session.refused", "another person's device")
    assert len(stored(site)) == 3
    assert all(device.status == "active" for device in stored(site))


# Decisions 2.3, the counter


def test_a_counter_that_stays_zero_is_legal(site: Site, client: TestClient) -> None:
    _, screen = enrolled(site, client)
    screen.authenticator.counts = False
    for _ in range(3):
        assert screen.sign_in().status_code == 200
    assert stored(site)[0].sign_count == 0


def test_a_counter_may_jump_and_is_stored_as_asserted(site: Site, client: TestClient) -> None:
    _, screen = enrolled(site, client)
    for count in (7, 8, 4_294_967_295):
        assert screen.sign_in(sign_count=count).status_code == 200
        assert stored(site)[0].sign_count == count


@pytest.mark.parametrize("count", [0, 4, 5])
def test_a_counter_that_goes_back_suspends_the_device(
    site: Site, client: TestClient, clock: MovableClock, count: int
) -> None:
    _, screen = enrolled(site, client)
    assert screen.sign_in(sign_count=5).status_code == 200
    clock.advance(seconds=10)
    answer = screen.sign_in(sign_count=count)
    assert (answer.status_code, problem(answer)) == (403, "device-suspended")
    assert events(site)[-1] == ("device.suspended", "counter")
    assert stored(site)[0].status == "suspended"
    assert not signed_in(screen)


def test_an_older_page_that_answers_later_is_refused_but_suspends_nothing(
    site: Site, client: TestClient, clock: MovableClock
) -> None:
    _, screen = enrolled(site, client)
    older = ceremony(screen, "/login/options")
    clock.advance(seconds=10)
    assert screen.sign_in(sign_count=9).status_code == 200
    answer = screen.post_json("/login/assertion", answered(screen, older, sign_count=8))
    assert problem(answer) == "refused-by-policy"
    assert stored(site)[0].status == "active"
    assert stored(site)[0].sign_count == 9
    assert screen.sign_in(sign_count=10).status_code == 200


def test_an_unverified_counter_suspends_nothing(
    site: Site, client: TestClient, clock: MovableClock
) -> None:
    _, screen = enrolled(site, client)
    assert screen.sign_in(sign_count=5).status_code == 200
    clock.advance(seconds=10)
    assert problem(screen.sign_in(sign_count=1, bad_signature=True)) == "unverified-response"
    assert stored(site)[0].status == "active"


# Decisions 2.4, backup flags


def test_a_backup_eligible_flag_once_seen_stays(site: Site, client: TestClient) -> None:
    _, screen = enrolled(site, client)
    assert not stored(site)[0].backup_eligible
    assert screen.sign_in(backup_eligible=True, backed_up=True).status_code == 200
    assert (stored(site)[0].backup_eligible, stored(site)[0].backed_up) == (True, True)
    assert screen.sign_in(backup_eligible=False, backed_up=False).status_code == 200
    assert (stored(site)[0].backup_eligible, stored(site)[0].backed_up) == (True, False)


# What must not cost much


def test_a_sign_in_is_six_statements_and_one_commit(site: Site, client: TestClient) -> None:
    _, screen = enrolled(site, client)
    screen.csrf()
    statements: list[str] = []
    commits: list[Connection] = []

    def executed(connection: Connection, cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    engine = site.database.writer.engine
    with listening(Engine, "before_cursor_execute", executed):
        options = ceremony(screen, "/login/options")
        assert statements == []
        with listening(engine, "commit", commits.append):
            content = answered(screen, options)
            assert screen.post_json("/login/assertion", content).status_code == 200
    # device and person; challenge, device, installation, session, audit
    assert len(statements) == 6
    assert sum(statement.startswith("SELECT") for statement in statements) == 1
    assert len(commits) == 1


@contextmanager
def listening(target: Any, name: str, listener: Callable[..., Any]) -> Iterator[None]:
    event.listen(target, name, listener)
    yield
    event.remove(target, name, listener)


def shared_values(levels: int) -> bytes:
    """CBOR in which each value is the one before, twice: 2 to the power of `levels` in all."""
    values = [b"\xd8\x1c\x81\x00"]
    for level in range(1, levels):
        reference = b"\xd8\x1d" + cbor2.dumps(level - 1)
        values.append(b"\xd8\x1c\x82" + reference * 2)
    return b"\x98" + bytes([levels]) + b"".join(values)


def test_shared_values_in_extensions_cost_nothing(site: Site, client: TestClient) -> None:
    _, screen = enrolled(site, client)
    options = ceremony(screen, "/login/options")
    data = screen.authenticator.credentials[0].rp_id_hash + b"\x85\x00\x00\x00\x07"
    bomb: Any = data + shared_values(60)
    content = answered(screen, options, authenticator_data=bomb)

    def come() -> None:
        assert problem(screen.post_json("/login/assertion", content)) == "unverified-response"

    assert processor_seconds(come) < 2


def test_plain_extensions_are_accepted(site: Site, client: TestClient) -> None:
    _, screen = enrolled(site, client)
    data = screen.authenticator.credentials[0].rp_id_hash + b"\x85\x00\x00\x00\x07"
    with_extensions = data + cbor2.dumps({"credProtect": 2})
    assert screen.sign_in(authenticator_data=with_extensions).status_code == 200

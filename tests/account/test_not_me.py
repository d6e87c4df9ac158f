"""This was not me: a link blocks what was just added, once, without signing in, and opens nothing.

Decisions 2.10: its secret is in the fragment, and only the page's button acts.
"""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from httpx2 import Response
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.audit.log import audit_events
from authn.db.occasion import Job
from authn.db.transaction import reading, writing
from authn.devices.devices import list_devices
from authn.devices.life import resume, suspend
from authn.devices.tables import Device
from authn.enrolment.recovery_tables import account_recoveries
from authn.notices import kinds
from authn.notices.not_me_links import LIFETIME, not_me_link
from authn.notices.notices import tell
from authn.people.tables import Person
from authn.secrets import sign_token
from authn.web.site import Site
from tests.citizen import ORIGIN, Screen, activation_code, enrolled
from tests.conftest import MovableClock
from tests.loss import door
from tests.mailbox import confirm_for, mails
from tests.occasion import job
from tests.together import at_once

pytestmark = pytest.mark.usefixtures("register")


@pytest.fixture
def hanne(site: Site, client: TestClient) -> Person:
    """She has one address, and is told there that a device was added."""
    person, _ = activation_code(site)
    confirm_for(site, person)
    enrolled(site, client)
    return person


@pytest.fixture
def anybody(app: Starlette) -> Screen:
    """A browser that is not signed in; the application's start and end are those of `client`."""
    return Screen(TestClient(app, base_url=ORIGIN, follow_redirects=False))


def device_of(site: Site, person: Person) -> Device:
    with reading(site.database) as connection:
        (device,) = list_devices(connection, person.id)
        return device


def token_of(site: Site, notice: str = "device-added") -> str:
    (mail,) = [each for each in mails(site) if each.notice == notice]
    return mail.link("/not-me")


def look(screen: Screen, token: object) -> Response:
    return screen.post_json("/not-me/look", {"token": token})


def act(screen: Screen, token: object) -> Response:
    return screen.post_json("/not-me", {"token": token})


def test_opening_and_looking_changes_nothing(site: Site, hanne: Person, anybody: Screen) -> None:
    token = token_of(site)
    assert anybody.client.get("/not-me").status_code == 200
    assert anybody.client.get(f"/not-me?token={token}").status_code == 200
    answer = look(anybody, token).json()
    device = device_of(site, hanne)
    assert answer == {"act": "block", "standing": "possible", "device": device.name}
    assert device.status == "active"


def test_the_button_blocks_the_device_at_once_without_signing_in(
    site: Site, hanne: Person, anybody: Screen, client: TestClient
) -> None:
    assert client.get("/devices").status_code == 200, "whoever added it is signed in"
    assert act(anybody, token_of(site)).json() == {"standing": "done"}
    device = device_of(site, hanne)
    assert (device.status, device.suspended_why) == ("suspended", "notice")
    assert client.get("/devices").status_code == 303, "its session is dead"
    with reading(site.database) as connection:
        events = list(connection.execute(select(audit_events.c.event)).scalars())
    assert {"device.suspended", "notice.not-me"} <= set(events)
    assert {mail.notice for mail in mails(site)} == {"device-added", "device-suspended"}


def test_a_second_time_changes_nothing(site: Site, hanne: Person, anybody: Screen) -> None:
    token = token_of(site)
    assert [act(anybody, token).json()["standing"] for _ in range(2)] == ["done", "done"]
    assert look(anybody, token).json()["standing"] == "done"
    assert len(mails(site)) == 2


def test_a_link_that_was_used_blocks_nothing_that_was_resumed(
    site: Site, hanne: Person, anybody: Screen
) -> None:
    """Who reads the mailbox later has no button to block the device again and again."""
    token = token_of(site)
    act(anybody, token)
    with writing(site.database) as connection:
        (device,) = list_devices(connection, hanne.id)
        resume(job(site, connection), device, by="desk")
    answer = act(anybody, token)
    assert answer.status_code == 410
    assert device_of(site, hanne).status == "active"


def test_many_at_once_block_once(site: Site, hanne: Person, anybody: Screen) -> None:
    token = token_of(site)
    anybody.csrf()
    answers = at_once(lambda: act(anybody, token), threads=4)
    assert all(isinstance(each, Response) and each.status_code in (200, 410) for each in answers)
    assert device_of(site, hanne).status == "suspended"
    assert [mail.notice for mail in mails(site)].count("device-suspended") == 1


def test_a_link_works_for_thirty_days(
    site: Site, hanne: Person, anybody: Screen, clock: MovableClock
) -> None:
    token = token_of(site)
    clock.advance(seconds=LIFETIME.total_seconds() - 1)
    assert look(anybody, token).status_code == 200
    clock.advance(seconds=2)
    assert look(anybody, token).status_code == 410
    assert act(anybody, token).status_code == 410
    assert device_of(site, hanne).status == "active"


def test_a_device_that_is_blocked_already_stays_as_it_is(
    site: Site, hanne: Person, anybody: Screen
) -> None:
    with writing(site.database) as connection:
        (device,) = list_devices(connection, hanne.id)
        suspend(job(site, connection), device, "door", "emergency")
    assert act(anybody, token_of(site)).json() == {"standing": "done"}
    assert device_of(site, hanne).suspended_why == "emergency"


@pytest.mark.parametrize("hours", [1, 25])
def test_a_block_that_ends_by_itself_has_no_end_any_more(
    site: Site, hanne: Person, anybody: Screen, clock: MovableClock, hours: int
) -> None:
    """Else a thief's device would be back the next day, though its holder said whose it is not."""
    token = token_of(site)
    door(site, hanne, "mail")
    clock.advance(minutes=60 * hours)
    assert look(anybody, token).json()["standing"] == "possible"
    assert act(anybody, token).json() == {"standing": "done"}
    device = device_of(site, hanne)
    assert (device.status, device.suspended_why) == ("suspended", "notice")
    assert device.suspended_until is None
    assert look(anybody, token).json()["standing"] == "done"


def begun_return(site: Site, person: Person, clock: MovableClock) -> UUID:
    return_id = uuid4()
    with writing(site.database) as connection:
        connection.execute(
            account_recoveries.insert().values(
                id=return_id,
                person_id=person.id,
                proof="itsme",
                identity_level="substantial",
                state="waiting",
                began_at=clock(),
                opens_at=clock() + timedelta(hours=24),
                expires_at=clock() + timedelta(days=8),
            )
        )
        occasion: Job = job(site, connection)
        tell(
            occasion,
            person.id,
            kinds.AccountRecoveryBegunNotice(return_id, clock() + timedelta(hours=24)),
        )
    return return_id


def test_a_return_is_cancelled_once_and_for_good(
    site: Site, hanne: Person, anybody: Screen, clock: MovableClock
) -> None:
    return_id = begun_return(site, hanne, clock)
    token = token_of(site, "return-begun")
    expected = {"act": "cancel", "standing": "possible", "device": None}
    assert look(anybody, token).json() == expected
    assert act(anybody, token).json() == {"standing": "done"}
    with reading(site.database) as connection:
        state = connection.execute(
            select(account_recoveries.c.state).where(account_recoveries.c.id == return_id)
        ).scalar_one()
    assert state == "cancelled"
    assert act(anybody, token).json() == {"standing": "done"}
    assert device_of(site, hanne).status == "active", "it never touches a device"


def test_every_other_notice_explains_and_does_nothing(
    site: Site, hanne: Person, anybody: Screen
) -> None:
    """It leads to the emergency door, which asks for a proof of its own."""
    notice = kinds.DeviceUnlinkedNotice(uuid4(), "Laptop")
    link = not_me_link(site.settings, site.secrets, hanne.id, notice, site.clock())
    token = link.partition("#")[2]
    assert look(anybody, token).json()["act"] == "explain"
    assert act(anybody, token).json() == {"standing": "done"}
    assert device_of(site, hanne).status == "active"
    assert 'href="/lost"' in anybody.client.get("/not-me").text


@pytest.mark.parametrize("token", ["", "x", "1e30.x", None, 7, [], "x" * 100_000])
def test_what_is_no_link_of_ours_is_refused(anybody: Screen, token: object) -> None:
    for answer in (look(anybody, token), act(anybody, token)):
        assert answer.status_code in (400, 413)


def test_a_token_of_another_purpose_does_nothing(
    site: Site, hanne: Person, anybody: Screen
) -> None:
    content = {
        "person": str(hanne.id),
        "notice": "device-added",
        "target": str(device_of(site, hanne).id),
        "at": site.clock().isoformat(),
    }
    token = sign_token(site.secrets, "emergency-link", content, site.clock(), LIFETIME)
    assert act(anybody, token).status_code == 400
    assert device_of(site, hanne).status == "active"


def test_a_link_blocks_no_device_of_another_person(
    site: Site, hanne: Person, anybody: Screen
) -> None:
    notice = kinds.DeviceAddedNotice(device_of(site, hanne).id, "Laptop")
    link = not_me_link(site.settings, site.secrets, uuid4(), notice, site.clock())
    assert act(anybody, link.partition("#")[2]).json() == {"standing": "too-late"}
    assert device_of(site, hanne).status == "active"


def test_another_site_cannot_press_the_button(site: Site, hanne: Person, anybody: Screen) -> None:
    token = token_of(site)
    answer = anybody.client.post(
        "/not-me",
        json={"token": token},
        headers={"Origin": "https://evil.example", "X-CSRF-Token": anybody.csrf()},
    )
    assert answer.status_code == 403
    assert device_of(site, hanne).status == "active"


@given(garbage=st.text() | st.binary().map(lambda each: each.decode("latin-1")))
@hypothesis_settings(
    max_examples=50,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
def test_garbage_is_refused_and_never_a_crash(anybody: Screen, garbage: str) -> None:
    assert look(anybody, garbage).status_code in (400, 413)


@pytest.mark.parametrize("spelling", ["!", "=", "\n"])
def test_a_link_that_was_used_is_used_in_every_spelling(
    site: Site, hanne: Person, anybody: Screen, spelling: str
) -> None:
    """Base64 that is read leniently has more than one: each would be a link of its own."""
    token = token_of(site)
    act(anybody, token)
    with writing(site.database) as connection:
        (device,) = list_devices(connection, hanne.id)
        resume(job(site, connection), device, by="desk")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other_endings = [token[:-1] + letter for letter in letters if letter != token[-1]]
    for respelt in (token + spelling, *other_endings):
        assert act(anybody, respelt).status_code == 400, respelt
    assert device_of(site, hanne).status == "active"

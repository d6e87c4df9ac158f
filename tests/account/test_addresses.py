"""Where we can reach you: added and removed by a device in hand, confirmed by a link, told of.

WebAuthn Level 3 (https://www.w3.org/TR/webauthn-3/) for the assertions.
"""

import re
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.audit.log import audit_events
from authn.db.transaction import reading
from authn.notices.contact_addresses import confirmed_addresses, list_contact_addresses
from authn.people.tables import Person
from authn.settings import Settings
from authn.web.site import Site
from tests.citizen import KARIM, ORIGIN, Screen, enrolled
from tests.conftest import MovableClock
from tests.loss import door
from tests.mailbox import confirm_for, mails
from tests.together import at_once

pytestmark = [pytest.mark.usefixtures("register"), pytest.mark.thorough]
ADDRESS = "hanne.vandermeulen@example.org"


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """A service that can send mail, and leaves it in the outbox, where the tests look."""
    changes = {"mail_directory": tmp_path / "mails", "outbox_worker": False}
    return settings.model_copy(update=changes)


@pytest.fixture
def hanne(site: Site, client: TestClient) -> tuple[Person, Screen]:
    return enrolled(site, client)


def another_browser(app: Starlette) -> TestClient:
    """Without the application's start and end, which are those of `client`."""
    return TestClient(app, base_url=ORIGIN, follow_redirects=False)


def assertion(screen: Screen, path: str, content: dict[str, Any]) -> dict[str, Any]:
    options = screen.post_json(path, content)
    assert options.status_code == 200, options.text
    credential = screen.authenticator.get(options.json(), ORIGIN)
    return {"ceremony": options.json()["ceremony"], "credential": credential}


def add(screen: Screen, address: str = ADDRESS) -> Response:
    confirmation = assertion(screen, "/addresses/add/options", {"address": address})
    return screen.post_json("/addresses/add", {"address": address, **confirmation})


def remove(screen: Screen, address_id: object) -> Response:
    path = f"/addresses/{address_id}/remove"
    return screen.post_json(path, assertion(screen, f"{path}/options", {}))


def confirmed(site: Site, person: Person) -> list[str]:
    with reading(site.database) as connection:
        return confirmed_addresses(connection, site.secrets, person.id)


def ids(site: Site, person: Person) -> list[object]:
    """In the order of the addresses themselves."""
    with reading(site.database) as connection:
        found = list_contact_addresses(connection, site.secrets, person.id, site.clock())
    return [each.id for each in sorted(found, key=lambda each: each.address)]


def recorded(site: Site) -> list[tuple[str, str]]:
    with reading(site.database) as connection:
        statement = select(audit_events.c.event, audit_events.c.details)
        rows = connection.execute(statement.order_by(audit_events.c.id)).all()
    return [(row.event, row.details) for row in rows]


def test_the_way_of_an_address(site: Site, hanne: tuple[Person, Screen]) -> None:
    """Typed, confirmed by a device, mailed, confirmed by the link, shown masked."""
    person, screen = hanne
    answer = add(screen)
    assert answer.json() == {"location": "/addresses?done=added"}
    assert confirmed(site, person) == []
    (mail,) = mails(site)
    assert (mail.to, mail.notice) == (ADDRESS, "confirm-address")
    assert "Hanne" not in mail.text, "nobody knows yet who reads there"
    page = screen.client.get("/addresses").text
    assert "h•••@example.org" in page
    assert ADDRESS not in page

    secret = mail.link("/addresses/confirm")
    answer = screen.post_json("/addresses/confirm", {"secret": secret})
    assert answer.json() == {"address": "h•••@example.org"}
    assert confirmed(site, person) == [ADDRESS]
    events = [event for event, _ in recorded(site)]
    assert events[-2:] == ["address.added", "address.confirmed"]
    assert "example" not in str(recorded(site))


def test_opening_the_link_changes_nothing(site: Site, hanne: tuple[Person, Screen]) -> None:
    """Mail scanners follow links; only the page's button confirms."""
    person, screen = hanne
    add(screen)
    (mail,) = mails(site)
    secret = mail.link("/addresses/confirm")
    for path in ("/addresses/confirm", f"/addresses/confirm?secret={secret}"):
        assert screen.client.get(path).status_code == 200
    assert confirmed(site, person) == []
    assert screen.client.head("/addresses/confirm").status_code in (200, 405)


def test_a_link_works_once_and_needs_no_session(
    app: Starlette, site: Site, hanne: tuple[Person, Screen]
) -> None:
    person, screen = hanne
    add(screen)
    secret = mails(site)[0].link("/addresses/confirm")
    elsewhere = another_browser(app)
    other = Screen(elsewhere)
    assert other.post_json("/addresses/confirm", {"secret": secret}).status_code == 200
    again = other.post_json("/addresses/confirm", {"secret": secret})
    assert again.status_code == 410
    assert confirmed(site, person) == [ADDRESS]


def test_a_link_is_dead_after_a_day(
    site: Site, hanne: tuple[Person, Screen], clock: MovableClock
) -> None:
    person, screen = hanne
    add(screen)
    secret = mails(site)[0].link("/addresses/confirm")
    clock.advance(days=1)
    assert screen.post_json("/addresses/confirm", {"secret": secret}).status_code == 410
    assert confirmed(site, person) == []
    assert ids(site, person) == []


def test_what_waits_is_void_once_every_device_is_blocked(
    site: Site, hanne: tuple[Person, Screen], app: Starlette
) -> None:
    """Whoever holds a stolen device may have begun it, and would be told of everything."""
    person, screen = hanne
    kept = confirm_for(site, person)
    add(screen)
    secret = mails(site, ADDRESS)[0].link("/addresses/confirm")
    door(site, person, "mail")
    anybody = Screen(another_browser(app))
    assert anybody.post_json("/addresses/confirm", {"secret": secret}).status_code == 410
    assert confirmed(site, person) == [kept]
    assert [name for name, _ in recorded(site)].count("address.removed") == 1


@pytest.mark.parametrize("secret", ["", "x", "x" * 10_000, None, 7, ["x"]])
def test_what_is_no_secret_of_ours_confirms_nothing(
    hanne: tuple[Person, Screen], secret: object
) -> None:
    _, screen = hanne
    answer = screen.post_json("/addresses/confirm", {"secret": secret})
    assert answer.status_code in (400, 410)


def test_the_confirmation_is_bound_to_the_address(site: Site, hanne: tuple[Person, Screen]) -> None:
    """Decisions 2.9: a fresh assertion for this act on this target."""
    person, screen = hanne
    confirmation = assertion(screen, "/addresses/add/options", {"address": ADDRESS})
    content = {"address": "thief@example.org", **confirmation}
    assert screen.post_json("/addresses/add", content).status_code == 400
    assert ids(site, person) == []
    assert mails(site) == []


def test_a_confirmation_for_another_act_adds_nothing(
    site: Site, hanne: tuple[Person, Screen]
) -> None:
    person, screen = hanne
    for path in ("/devices/add/here/confirm-options", "/login/options"):
        options = screen.post_json(path, {"request": ""}).json()
        credential = screen.authenticator.get(options, ORIGIN)
        content = {
            "address": ADDRESS,
            "ceremony": options["ceremony"],
            "credential": credential,
        }
        assert screen.post_json("/addresses/add", content).status_code == 400
    assert ids(site, person) == []


def test_a_confirmation_serves_once(site: Site, hanne: tuple[Person, Screen]) -> None:
    person, screen = hanne
    confirmation = assertion(screen, "/addresses/add/options", {"address": ADDRESS})
    content = {"address": ADDRESS, **confirmation}
    assert screen.post_json("/addresses/add", content).status_code == 200
    assert screen.post_json("/addresses/add", content).status_code == 410
    assert len(ids(site, person)) == 1


def test_the_ceremony_token_does_not_tell_the_address(hanne: tuple[Person, Screen]) -> None:
    """It is signed, not secret."""
    _, screen = hanne
    options = screen.post_json("/addresses/add/options", {"address": ADDRESS}).json()
    payload = options["ceremony"].split(".")[0]
    assert "example" not in payload
    assert b"example" not in urlsafe_b64decode(payload[1:] + "==")


def test_every_other_address_is_told_of_a_new_one(site: Site, hanne: tuple[Person, Screen]) -> None:
    person, screen = hanne
    confirm_for(site, person, "old@example.org")
    add(screen, "new@example.org")
    told = {(mail.to, mail.notice) for mail in mails(site)}
    assert told == {("new@example.org", "confirm-address"), ("old@example.org", "address-added")}
    old = mails(site, "old@example.org")[0]
    assert "n•••@example.org" in old.text
    assert "new@example.org" not in old.text
    secret = mails(site, "new@example.org")[0].link("/addresses/confirm")
    screen.post_json("/addresses/confirm", {"secret": secret})
    assert sorted(mail.notice for mail in mails(site, "old@example.org")) == [
        "address-added",
        "address-confirmed",
    ]
    assert len(mails(site, "new@example.org")) == 1


def test_a_removed_address_and_the_others_are_told(
    site: Site, hanne: tuple[Person, Screen]
) -> None:
    person, screen = hanne
    confirm_for(site, person, "first@example.org")
    confirm_for(site, person, "second@example.org")
    answer = remove(screen, ids(site, person)[0])
    assert answer.json() == {"location": "/addresses?done=removed"}
    assert confirmed(site, person) == ["second@example.org"]
    told = {(mail.to, mail.notice) for mail in mails(site)}
    assert told == {
        ("first@example.org", "address-removed"),
        ("second@example.org", "address-removed"),
    }
    assert [event for event, _ in recorded(site)][-1] == "address.removed"


def test_a_removal_is_bound_to_its_address(site: Site, hanne: tuple[Person, Screen]) -> None:
    person, screen = hanne
    confirm_for(site, person, "first@example.org")
    confirm_for(site, person, "second@example.org")
    first, second = ids(site, person)
    confirmation = assertion(screen, f"/addresses/{first}/remove/options", {})
    answer = screen.post_json(f"/addresses/{second}/remove", confirmation)
    assert answer.status_code == 400
    assert len(confirmed(site, person)) == 2


def test_nobody_removes_anothers_address(
    app: Starlette, site: Site, hanne: tuple[Person, Screen]
) -> None:
    person, _ = hanne
    confirm_for(site, person)
    (theirs,) = ids(site, person)
    elsewhere = another_browser(app)
    _, karim = enrolled(site, elsewhere, KARIM)
    assert karim.client.get(f"/addresses/{theirs}/remove").status_code == 404
    assert remove(karim, theirs).status_code == 404
    assert len(confirmed(site, person)) == 1


def test_another_persons_device_adds_nothing(
    app: Starlette, site: Site, hanne: tuple[Person, Screen]
) -> None:
    person, screen = hanne
    elsewhere = another_browser(app)
    _, karim = enrolled(site, elsewhere, KARIM)
    options = screen.post_json("/addresses/add/options", {"address": ADDRESS}).json()
    options["publicKey"]["allowCredentials"] = []
    credential = karim.authenticator.get(options, ORIGIN)
    content = {"address": ADDRESS, "ceremony": options["ceremony"], "credential": credential}
    assert screen.post_json("/addresses/add", content).status_code == 403
    assert ids(site, person) == []


@pytest.mark.parametrize(
    "address",
    ["", "hanne", "a@b\r\nBcc: x@y.example", "a@example.org, b@example.org", None, 7, {"a": 1}],
)
def test_what_is_no_address_is_refused_before_a_device_is_asked(
    hanne: tuple[Person, Screen], address: object
) -> None:
    _, screen = hanne
    answer = screen.post_json("/addresses/add/options", {"address": address})
    assert answer.status_code == 400


def test_an_address_is_in_the_list_once_and_three_are_the_most(
    site: Site, hanne: tuple[Person, Screen]
) -> None:
    person, screen = hanne
    confirm_for(site, person, "a@example.org")
    again = screen.post_json("/addresses/add/options", {"address": "A@EXAMPLE.org"})
    assert again.json()["type"].endswith("address-known")
    confirm_for(site, person, "b@example.org")
    add(screen, "c@example.org")
    fourth = screen.post_json("/addresses/add/options", {"address": "d@example.org"})
    assert fourth.status_code == 403
    assert "/addresses/add" not in screen.client.get("/addresses").text


def test_additions_at_once_never_make_four(site: Site, hanne: tuple[Person, Screen]) -> None:
    person, screen = hanne
    confirm_for(site, person, "a@example.org")
    confirm_for(site, person, "b@example.org")
    ready = []
    for number in range(4):
        address = f"{number}@example.org"
        confirmation = assertion(screen, "/addresses/add/options", {"address": address})
        ready.append({"address": address, **confirmation})
    answers = at_once(lambda: screen.post_json("/addresses/add", ready.pop()), threads=4)
    assert sorted(each.status_code for each in answers if isinstance(each, Response)) == [
        *(200, 403, 403, 403)
    ]
    assert len(ids(site, person)) == 3


def test_nobody_signed_out_sees_or_changes_addresses(client: TestClient) -> None:
    screen = Screen(client)
    assert client.get("/addresses").status_code == 303
    assert client.get("/addresses/add").status_code == 303
    for path in ("/addresses/add/options", "/addresses/add"):
        assert screen.post_json(path, {"address": ADDRESS}).status_code == 403


def test_a_service_without_mail_says_so_and_takes_no_address(
    settings: Settings, site: Site, hanne: tuple[Person, Screen], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, screen = hanne
    object.__setattr__(site, "settings", settings.model_copy(update={"mail_directory": None}))
    assert "/addresses/add" not in screen.client.get("/addresses").text
    answer = screen.post_json("/addresses/add/options", {"address": ADDRESS})
    assert answer.status_code == 503


def test_my_devices_ask_for_an_address_until_there_is_one(
    site: Site, hanne: tuple[Person, Screen]
) -> None:
    person, screen = hanne
    nudge = re.compile(r'<p><a href="/addresses">')
    assert nudge.search(screen.client.get("/devices").text)
    add(screen)
    assert nudge.search(screen.client.get("/devices").text), "not confirmed yet"
    secret = mails(site)[0].link("/addresses/confirm")
    screen.post_json("/addresses/confirm", {"secret": secret})
    assert not nudge.search(screen.client.get("/devices").text)
    assert confirmed(site, person) == [ADDRESS]

"""Adding a device from this screen: the choice, who confirmed, and what is kept of it.

WebAuthn Level 3 §5.4.4 authenticatorAttachment, §5.8.7 hints
(https://www.w3.org/TR/webauthn-3/#enum-hints).
"""

from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.audit.log import audit_events
from authn.db.transaction import reading, writing
from authn.devices.life import resume, suspend, unlink
from authn.devices.tables import Device, devices
from authn.web.site import Site
from tests.authenticator import Authenticator
from tests.citizen import Screen, enrolled
from tests.occasion import job
from tests.screens import (
    add_here,
    another_screen,
    answered,
    ceremony,
    created,
    device_in,
    events,
    join,
    problem,
)

CHOICES: dict[str, tuple[str | None, list[str]]] = {
    "this-device": ("platform", ["client-device"]),
    "security-key": ("cross-platform", ["security-key"]),
    "nearby-phone": ("cross-platform", ["hybrid"]),
}


@pytest.fixture
def screen(site: Site, client: TestClient) -> Screen:
    """The screen on which the person is signed in, with their first device."""
    return enrolled(site, client)[1]


def stored(site: Site, device_id: UUID) -> Device:
    with reading(site.database) as connection:
        row = connection.execute(select(devices).where(devices.c.id == device_id)).one()
    return Device(*row)


def first(site: Site) -> Device:
    with reading(site.database) as connection:
        statement = select(devices).where(devices.c.added_how == "activation")
        return Device(*connection.execute(statement).one())


def confirmed(screen: Screen, **content: Any) -> Any:
    """Creation options, after the screen's authenticator has confirmed."""
    confirmation = answered(screen, ceremony(screen, "/devices/add/here/confirm-options"))
    return ceremony(screen, "/devices/add/here/options", {**confirmation, **content})


@pytest.mark.parametrize("on", CHOICES)
def test_attachment_and_hints_follow_the_choice(screen: Screen, on: str) -> None:
    public_key = confirmed(screen, on=on)["publicKey"]
    attachment, hints = CHOICES[on]
    selection = public_key["authenticatorSelection"]
    assert selection["authenticatorAttachment"] == attachment
    assert public_key["hints"] == hints
    assert selection["residentKey"] == "required"
    assert selection["userVerification"] == "required"
    assert public_key["extensions"]["credProps"] is True
    excluded = [each["id"] for each in public_key["excludeCredentials"]]
    assert excluded == [screen.authenticator.credentials[0].id_text]


@pytest.mark.parametrize("on", ["", "phone", "platform", 3, ["this-device"], {"on": 1}])
def test_no_other_choice_is_known(screen: Screen, on: Any) -> None:
    confirmation = answered(screen, ceremony(screen, "/devices/add/here/confirm-options"))
    answer = screen.post_json("/devices/add/here/options", {**confirmation, "on": on})
    assert (answer.status_code, problem(answer)) == (400, "invalid-request")


@pytest.mark.parametrize("on", ["", "elsewhere", "this-device'"])
def test_a_page_for_no_choice_asks_again(screen: Screen, on: str) -> None:
    answer = screen.client.get("/devices/add/here", params={"on": on})
    assert answer.headers["location"] == "/devices/add"


def test_every_choice_is_on_the_page_and_has_one(screen: Screen) -> None:
    page = screen.client.get("/devices/add").text
    for on in CHOICES:
        assert f"/devices/add/here?on={on}" in page
        assert screen.client.get(f"/devices/add/here?on={on}").status_code == 200
    assert 'action="/devices/add/invitation"' in page


def test_what_the_browser_says_of_the_key_names_it_and_refuses_nobody(
    site: Site, screen: Screen
) -> None:
    """A password manager answers for a security key: no signature covers the attachment."""
    options = confirmed(screen, on="security-key")
    manager = Authenticator(backup_eligible=True, backed_up=True, attachment="platform")
    answer = screen.post_json("/devices/add/here/registration", created(manager, options))
    assert stored(site, device_in(answer)).kind != "security-key"


def test_the_device_that_confirmed_is_on_record(site: Site, app: Starlette, screen: Screen) -> None:
    here = stored(site, device_in(add_here(screen, Authenticator())))
    assert here.added_by == first(site).id
    phone = another_screen(app)
    there = stored(site, device_in(join(screen, phone)))
    assert there.added_by == first(site).id
    assert first(site).added_by is None
    statement = select(audit_events.c.details).where(audit_events.c.event == "device.added")
    with reading(site.database) as connection:
        rows = connection.execute(statement.order_by(audit_events.c.id)).scalars()
        details = [orjson.loads(each) for each in rows]
    assert [each.get("added_by") for each in details] == [
        None,
        str(first(site).id),
        str(first(site).id),
    ]


def test_a_key_is_worth_what_the_key_is_that_confirmed_it(site: Site, screen: Screen) -> None:
    """Decisions 6: another device of the same person gives its own level, no higher."""
    with writing(site.database) as connection:
        connection.execute(devices.update().values(identity_level="high"))
    added = stored(site, device_in(add_here(screen, Authenticator())))
    assert added.identity_level == "substantial"  # what confirmed is bound, but not certified


@pytest.mark.parametrize("act", ["blocked", "blocked and allowed again", "removed"])
def test_a_device_that_confirmed_and_is_blocked_meanwhile_adds_nothing(
    site: Site, screen: Screen, act: str
) -> None:
    """The session is another device's, and goes on: the confirmation does not."""
    key = Authenticator(attachment="cross-platform", transports=("usb",))
    key_id = device_in(add_here(screen, key))
    options = ceremony(screen, "/devices/add/here/confirm-options")
    with_key = answered(Screen(screen.client, key), options)
    creation = ceremony(screen, "/devices/add/here/options", with_key)
    with writing(site.database) as connection:
        occasion = job(site, connection)
        if act == "removed":
            unlink(occasion, stored(site, key_id), "holder")
        else:
            assert suspend(occasion, stored(site, key_id), "holder", "holder")
    if act == "blocked and allowed again":
        with writing(site.database) as connection:
            resume(job(site, connection), stored(site, key_id), "holder", first(site))
        assert stored(site, key_id).status == "active"
    content = created(Authenticator(), creation)
    answer = screen.post_json("/devices/add/here/registration", content)
    assert (answer.status_code, problem(answer)) == (410, "confirmation-over")
    assert events(site)[-1] == ("device.refused", "confirmation_over")
    again = screen.post_json("/devices/add/here/registration", content)
    assert problem(again) == "replayed"
    with reading(site.database) as connection:
        assert len(connection.execute(select(devices)).all()) == 2


def test_the_page_after_it_says_so(screen: Screen) -> None:
    answer = add_here(screen, Authenticator())
    location = answer.json()["location"]
    assert location.endswith("/name?added=1")
    assert "toegevoegd" in screen.client.get(location).text

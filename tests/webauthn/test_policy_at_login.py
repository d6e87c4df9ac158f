"""The service's policy holds at every login and every confirmation, not only on the first day.

WebAuthn Level 3 §7.2 (https://www.w3.org/TR/webauthn-3/#sctn-verifying-assertion), decisions 2.3
and 2.4: evaluated from what is stored and from what the assertion says now.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select, update
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.audit.log import audit_events
from authn.db.transaction import reading, writing
from authn.devices.tables import devices
from authn.settings import Settings
from authn.web.site import Site
from authn.webauthn.tables import burnt_challenges
from tests.authenticator import ES256, Authenticator
from tests.citizen import Screen, enrolled
from tests.conftest import MovableClock
from tests.fido_metadata import with_test_root
from tests.policies import (
    MODEL,
    change_settings,
    enrolled_with,
    know_model,
    security_key,
    stored,
)
from tests.screens import (
    add_here,
    another_screen,
    device_in,
    events,
    everything,
    problem,
    remove,
    signed_in,
)

ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """The service believes the metadata of the tests."""
    return with_test_root(settings, tmp_path)


@pytest.fixture
def screen(site: Site, client: TestClient) -> Screen:
    """Hanne, signed in on the laptop with which she enrolled."""
    _, screen = enrolled(site, client)
    screen.client.headers.update(ENGLISH)
    return screen


def details(site: Site, name: str) -> list[Any]:
    """What is on record of each event of this name."""
    statement = select(audit_events.c.details).where(audit_events.c.event == name)
    with reading(site.database) as connection:
        found = connection.execute(statement.order_by(audit_events.c.id)).scalars()
        return [orjson.loads(text) for text in found]


def burnt(site: Site) -> int:
    with reading(site.database) as connection:
        return len(connection.execute(select(burnt_challenges)).all())


# A backup flag that changes


def test_a_changed_backup_flag_lowers_the_level_and_refuses_nobody(
    site: Site, screen: Screen
) -> None:
    assert screen.sign_in(backup_eligible=True).status_code == 200
    assert screen.sign_in(backup_eligible=True, backed_up=True).status_code == 200
    assert screen.sign_in().status_code == 200
    [device] = stored(site)
    assert (device.backup_eligible, device.backup_changed) == (True, True)
    # Once, however often the flag comes.
    assert details(site, "device.backup-flag-changed") == [{"backup_eligible": True}]
    levels = [each["level"] for each in details(site, "session.signed-in")]
    assert levels[-3:] == ["synced", "synced", "synced"]


def test_a_synced_key_that_denies_it_stays_synced(site: Site, client: TestClient) -> None:
    _, screen = enrolled(site, client, backup_eligible=True)
    assert screen.sign_in(backup_eligible=False).status_code == 200
    [device] = stored(site)
    assert (device.backup_eligible, device.backup_changed) == (True, True)
    assert details(site, "device.backup-flag-changed") == [{"backup_eligible": False}]


def test_a_backup_state_that_comes_and_goes_is_no_change(site: Site, client: TestClient) -> None:
    _, screen = enrolled(site, client, backup_eligible=True)
    for backed_up in (True, False, True):
        assert screen.sign_in(backup_eligible=True, backed_up=backed_up).status_code == 200
    assert not stored(site)[0].backup_changed
    assert details(site, "device.backup-flag-changed") == []


def test_a_changed_backup_flag_refuses_where_the_policy_says_so_and_for_good(
    app: Starlette, site: Site, screen: Screen
) -> None:
    change_settings(app, policies={"strict": {"changed_backup": "refuse"}}, policy="strict")
    for flag in (True, True, False):
        answer = screen.sign_in(backup_eligible=flag)
        assert (answer.status_code, problem(answer)) == (403, "device-not-good-enough")
        assert events(site)[-1] == ("session.refused", "backup flag changed")
    # It was recorded although nobody signed in: what was opened before is worth less as well.
    assert stored(site)[0].backup_eligible
    assert len(details(site, "device.backup-flag-changed")) == 1


def test_backed_up_without_being_eligible_is_refused_burnt_and_on_record(
    site: Site, screen: Screen
) -> None:  # §7.2 step 18
    had = burnt(site)
    answer = screen.sign_in(backed_up=True)
    assert (answer.status_code, problem(answer)) == (403, "refused-by-policy")
    assert "contradicts itself" in answer.json()["detail"]
    assert burnt(site) == had + 1
    assert events(site)[-1] == ("session.refused", "backed up without being eligible")


def test_without_a_signature_contradictory_flags_write_nothing(site: Site, screen: Screen) -> None:
    before = everything(site)
    answer = screen.sign_in(backed_up=True, bad_signature=True)
    assert problem(answer) == "unverified-response"
    assert everything(site) == before


# What the service's own policy refuses


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str, str]] = {
    "synced": (
        {"level": "device"},
        {"backup_eligible": True},
        "level synced",
        "a key that stays on one device",
    ),
    "not certified": ({"level": "certified"}, {}, "level device", "certified model"),
    "model denied": ({"deny": [str(MODEL)]}, {}, "model denied", "another model"),
    "only claimed": ({"allow": [str(MODEL)]}, {}, "model not allowed", "another model"),
    "algorithm": ({"algorithms": ["EdDSA"]}, {}, "algorithm", "no longer accepted"),
}


@pytest.mark.parametrize(("policy", "key", "reason", "words"), REFUSED.values(), ids=REFUSED)
def test_a_key_that_is_not_good_enough_today_reads_which_device_is_needed(
    app: Starlette,
    site: Site,
    client: TestClient,
    policy: dict[str, Any],
    key: dict[str, Any],
    reason: str,
    words: str,
) -> None:
    authenticator = Authenticator(aaguid=MODEL, algorithm=ES256, **key)
    screen = enrolled_with(site, Screen(client, authenticator))
    client.cookies.delete("authn-8000-session")
    client.headers.update(ENGLISH)
    change_settings(app, policies={"strict": policy}, policy="strict")
    had, before = burnt(site), stored(site)
    answer = screen.sign_in()
    assert (answer.status_code, problem(answer)) == (403, "device-not-good-enough")
    assert words in answer.json()["detail"]
    assert "activation code" in answer.json()["detail"]
    assert events(site)[-1] == ("session.refused", reason)
    assert burnt(site) == had + 1
    assert stored(site) == before
    assert not signed_in(screen)


def test_a_key_that_does_not_tell_its_model_is_refused_where_the_policy_says_so(
    app: Starlette, site: Site, screen: Screen
) -> None:
    change_settings(app, policies={"strict": {"unknown_model": "refuse"}}, policy="strict")
    assert problem(screen.sign_in()) == "device-not-good-enough"
    assert events(site)[-1] == ("session.refused", "no model")


@pytest.mark.parametrize("language", ["nl", "fr", "de"])
def test_its_holder_reads_it_in_their_language(
    app: Starlette, screen: Screen, language: str
) -> None:
    change_settings(app, policy="certified")
    screen.client.headers["Accept-Language"] = language
    detail = screen.sign_in().json()["detail"]
    assert detail.count(".") >= 3
    assert "device" not in detail


# A model that is revoked


def test_a_model_that_is_revoked_today_signs_in_yesterday_and_not_today(
    app: Starlette, site: Site, client: TestClient, clock: MovableClock
) -> None:
    tomorrow = (clock.now + timedelta(days=1)).date()
    know_model(app, "FIDO_CERTIFIED_L1", ("REVOKED", tomorrow))
    screen = enrolled_with(site, Screen(client, security_key()))
    assert screen.sign_in().status_code == 200
    clock.advance(days=1)
    assert problem(screen.sign_in()) == "device-not-good-enough"
    assert events(site)[-1] == ("session.refused", "model prohibited")


def test_a_newer_blob_that_revokes_is_in_force_at_the_next_login(
    app: Starlette, site: Site, client: TestClient
) -> None:
    know_model(app)
    screen = enrolled_with(site, Screen(client, security_key()))
    assert screen.sign_in().status_code == 200
    know_model(app, "FIDO_CERTIFIED_L1", "USER_KEY_REMOTE_COMPROMISE", number=100_001)
    assert problem(screen.sign_in()) == "device-not-good-enough"


def test_an_operator_may_take_a_status_out_of_the_prohibited_ones(
    app: Starlette, site: Site, client: TestClient
) -> None:
    know_model(app)
    screen = enrolled_with(site, Screen(client, security_key()))
    know_model(app, "FIDO_CERTIFIED_L1", "USER_KEY_PHYSICAL_COMPROMISE", number=100_001)
    assert problem(screen.sign_in()) == "device-not-good-enough"
    change_settings(app, policies={"lenient": {"prohibited": ["REVOKED"]}}, policy="lenient")
    assert screen.sign_in().status_code == 200


def test_a_key_that_is_not_good_enough_confirms_nothing(
    app: Starlette, site: Site, client: TestClient
) -> None:
    know_model(app)
    screen = enrolled_with(site, Screen(client, security_key()))
    phone = device_in(add_here(screen, Authenticator()))
    know_model(app, "REVOKED", number=100_001)
    key = screen.authenticator.credentials[0]
    assert problem(remove(screen, phone, credential=key)) == "device-not-good-enough"
    assert [device.status for device in stored(site)] == ["active", "active"]


# A device that is blocked, for a time or because nobody used it


def _suspend(site: Site, **values: Any) -> None:
    with writing(site.database) as connection:
        connection.execute(
            update(devices).values(suspended_at=site.clock(), status="suspended", **values)
        )


def test_a_suspension_that_is_over_is_over_at_the_next_login(
    site: Site, screen: Screen, clock: MovableClock
) -> None:
    until = clock.now + timedelta(hours=24)
    _suspend(site, suspended_why="emergency", suspended_until=until)
    assert problem(screen.sign_in()) == "refused-by-policy"
    clock.advance(days=1)
    assert screen.sign_in().status_code == 200
    assert stored(site)[0].status == "active"
    assert signed_in(screen)


def _dormant(site: Site) -> None:
    with writing(site.database) as connection:
        connection.execute(update(devices).values(status="dormant"))


@pytest.mark.parametrize(
    ("happened", "reason", "words"),
    [
        (lambda site: _suspend(site, suspended_why="holder"), "device suspended", "was blocked"),
        (lambda site: _suspend(site, suspended_why="counter"), "device suspended", "copied"),
        (lambda site: _suspend(site, suspended_why="emergency"), "device suspended", "All your"),
        (lambda site: _suspend(site, suspended_why="return"), "device suspended", "came back"),
        (lambda site: _suspend(site, suspended_why="notice"), "device suspended", "was blocked"),
        (lambda site: _suspend(site, suspended_why="desk"), "device suspended", "help desk"),
        (_dormant, "device dormant", "not used for a long time"),
    ],
    ids=["holder", "counter", "emergency", "return", "notice", "desk", "dormant"],
)
def test_whose_device_is_blocked_reads_why_and_what_to_do(
    site: Site, screen: Screen, happened: Callable[[Site], None], reason: str, words: str
) -> None:
    happened(site)
    answer = screen.sign_in()
    assert (answer.status_code, problem(answer)) == (403, "refused-by-policy")
    detail = answer.json()["detail"]
    assert words in detail
    assert any(way in detail for way in ("My device is lost", "My devices", "help desk"))
    assert events(site)[-1] == ("session.refused", reason)


# The counter (decisions 2.3)


def test_a_copied_key_is_suspended_and_its_holder_reads_so(
    app: Starlette, site: Site, screen: Screen, clock: MovableClock
) -> None:
    elsewhere = another_screen(app, screen.authenticator)
    assert elsewhere.sign_in(sign_count=9).status_code == 200
    clock.advance(seconds=10)
    answer = screen.sign_in(sign_count=3)
    assert problem(answer) == "device-suspended"
    assert "copied" in answer.json()["detail"]
    [device] = stored(site)
    assert (device.status, device.suspended_why) == ("suspended", "counter")
    assert not signed_in(screen)
    assert not signed_in(elsewhere)
    # And stays so, whichever copy comes next.
    assert problem(screen.sign_in(sign_count=100)) == "refused-by-policy"


def test_the_policies_of_the_settings_are_those_of_docs(site: Site) -> None:
    page = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")
    example = json.loads(page.partition("```json")[2].partition("```")[0])
    settings = type(site.settings)(**(site.settings.model_dump() | {"policies": example}))
    for policy in settings.policies.values():
        for member in type(policy).__dataclass_fields__:
            assert f"`{member}`" in page

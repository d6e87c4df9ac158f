"""Devices that nobody uses: told once, dormant later, never without the notice before."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from authn.db.transaction import reading, writing
from authn.devices import life
from authn.devices.dormancy import run_device_jobs
from authn.devices.tables import Device, devices
from authn.people.tables import Person, persons
from authn.web.site import Site
from tests.citizen import KARIM, activation_code
from tests.conftest import MovableClock
from tests.devices.test_devices import add
from tests.devices.test_life import as_it_is, ended, installed
from tests.occasion import job
from tests.screens import events
from tests.together import at_once


@pytest.fixture
def person(site: Site) -> Person:
    return activation_code(site)[0]


def look_after(site: Site) -> dict[str, int]:
    return dict(run_device_jobs(site.database, site.settings, site.secrets, site.clock()))


def counts(told: int = 0, dormant: int = 0, resumed: int = 0) -> dict[str, int]:
    return {
        "holders told that a device will be dormant": told,
        "devices made dormant": dormant,
        "suspensions ended": resumed,
    }


def use(site: Site, device: Device) -> None:
    with writing(site.database) as connection:
        values = {"last_used_at": site.clock()}
        connection.execute(update(devices).where(devices.c.id == device.id).values(values))


def test_after_eleven_months_its_holder_is_told_and_after_twelve_it_is_dormant(
    site: Site, person: Person, clock: MovableClock
) -> None:
    device = add(site, person, 1)
    installed(site, device)
    clock.advance(days=334)
    assert look_after(site) == counts()
    clock.advance(days=1)
    assert look_after(site) == counts(told=1)
    assert look_after(site) == counts()
    clock.advance(days=29)
    assert look_after(site) == counts()
    assert not ended(site, device)
    clock.advance(days=1)
    assert look_after(site) == counts(dormant=1)
    assert look_after(site) == counts()
    row = as_it_is(site, device)
    assert (row.status, row.suspended_at) == ("dormant", clock())
    assert ended(site, device)
    assert [event for event, _ in events(site)][-2:] == [
        "device.dormancy-announced",
        "device.dormant",
    ]


def test_nobody_is_surprised_by_a_job_that_did_not_run_for_years(
    site: Site, person: Person, clock: MovableClock
) -> None:
    device = add(site, person, 1)
    clock.advance(days=2000)
    assert look_after(site) == counts(told=1)
    clock.advance(days=29)
    assert look_after(site) == counts()
    clock.advance(days=1)
    assert look_after(site) == counts(dormant=1)
    assert as_it_is(site, device).status == "dormant"


def test_using_it_begins_anew_and_its_holder_is_told_anew(
    site: Site, person: Person, clock: MovableClock
) -> None:
    device = add(site, person, 1)
    clock.advance(days=340)
    assert look_after(site) == counts(told=1)
    clock.advance(days=20)
    use(site, device)
    clock.advance(days=334)
    assert look_after(site) == counts()
    clock.advance(days=1)
    assert look_after(site) == counts(told=1)
    clock.advance(days=30)
    assert look_after(site) == counts(dormant=1)


def test_resuming_it_begins_anew(site: Site, person: Person, clock: MovableClock) -> None:
    device = add(site, person, 1)
    clock.advance(days=335)
    look_after(site)
    clock.advance(days=30)
    assert look_after(site) == counts(dormant=1)
    other = add(site, person, 2)
    with writing(site.database) as connection:
        life.resume(job(site, connection), as_it_is(site, device), "holder", other)
    clock.advance(days=334)
    use(site, other)
    assert look_after(site) == counts()
    clock.advance(days=1)
    assert look_after(site) == counts(told=1)
    clock.advance(days=30)
    assert look_after(site) == counts(dormant=1)


def test_an_operator_sets_both_times(site: Site, person: Person, clock: MovableClock) -> None:
    add(site, person, 1)
    times = {"dormant_after": timedelta(days=10), "dormancy_notice": timedelta(days=3)}
    settings = site.settings.model_copy(update=times)

    def run() -> dict[str, int]:
        return dict(run_device_jobs(site.database, settings, site.secrets, clock()))

    clock.advance(days=7)
    assert run() == counts(told=1)
    clock.advance(days=3)
    assert run() == counts(dormant=1)


def test_who_has_died_is_not_told(site: Site, person: Person, clock: MovableClock) -> None:
    add(site, person, 1)
    with writing(site.database) as connection:
        connection.execute(update(persons).values(deceased=True))
    clock.advance(days=2000)
    assert look_after(site) == counts()


def test_many_devices_go_in_several_transactions(
    site: Site, person: Person, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("authn.devices.dormancy.BATCH", 2)
    for number in range(5):
        add(site, person, number)
    clock.advance(days=340)
    assert look_after(site) == counts(told=5)


def test_twice_at_once_is_once(site: Site, person: Person, clock: MovableClock) -> None:
    for number in range(6):
        add(site, person, number)
    clock.advance(days=340)
    found: list[Any] = at_once(lambda: look_after(site), threads=4)
    assert sum(each["holders told that a device will be dormant"] for each in found) == 6
    clock.advance(days=30)
    found = at_once(lambda: look_after(site), threads=4)
    assert sum(each["devices made dormant"] for each in found) == 6
    assert [event for event, _ in events(site)].count("device.dormant") == 6


def test_suspensions_with_an_end_are_ended_once(
    site: Site, person: Person, clock: MovableClock
) -> None:
    karim, _ = activation_code(site, KARIM)
    for holder, number in ((person, 1), (person, 2), (karim, 3)):
        device = add(site, holder, number)
        until = clock() + timedelta(hours=24) if number < 3 else None
        with writing(site.database) as connection:
            life.suspend(job(site, connection), device, "door", "emergency", until)
    clock.advance(minutes=60 * 24 - 1)
    assert look_after(site) == counts()
    clock.advance(minutes=1)
    found: list[Any] = at_once(lambda: look_after(site), threads=4)
    assert sum(each["suspensions ended"] for each in found) == 2
    assert [event for event, _ in events(site)].count("device.resumed") == 2
    with reading(site.database) as connection:
        left = connection.execute(select(devices.c.status).order_by(devices.c.name)).scalars().all()
    assert sorted(left) == ["active", "active", "suspended"]

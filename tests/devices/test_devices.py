"""The life of a device, and the RP ID that all of them depend on (decisions 2.12)."""

from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from starlette.testclient import TestClient

from authn.db.transaction import reading, writing
from authn.devices.devices import (
    MOST_DEVICES,
    add_device,
    find_device,
    find_held_device,
    list_devices,
)
from authn.devices.life import unlink
from authn.devices.tables import Device, devices
from authn.errors import CommandError, Forbidden, NotFound, Refusal
from authn.people.tables import Person
from authn.web.site import Site
from authn.webauthn.relying_party import check_rp_id
from tests.citizen import HANNE, KARIM, activation_code, enrolled
from tests.devices.test_names import credential
from tests.occasion import job
from tests.together import at_once


def add(site: Site, person: Person, number: int, name: str = "Laptop") -> Device:
    """A device with a key of its own, without its ceremony."""
    made = replace(credential(), credential_id=b"%d" % number)
    with writing(site.database) as connection:
        return add_device(
            connection,
            person.id,
            made,
            name=name,
            kind="laptop",
            identity_level="substantial",
            how="here",
            now=site.clock(),
        ).device


def active(site: Site) -> int:
    with reading(site.database) as connection:
        statement = select(func.count()).where(devices.c.status == "active")
        count: int = connection.execute(statement).scalar_one()
        return count


def remove(site: Site, person: Person, device_id: UUID) -> Device:
    with writing(site.database) as connection:
        device = find_device(connection, person.id, device_id)
        return unlink(job(site, connection), device, "holder")


def test_a_removed_device_keeps_name_and_history_but_not_its_key(site: Site) -> None:
    person, _ = activation_code(site)
    first, second = add(site, person, 1, "Old one"), add(site, person, 2)
    remove(site, person, first.id)
    with reading(site.database) as connection:
        row = connection.execute(select(devices).where(devices.c.id == first.id)).one()
        assert find_held_device(connection, b"1") is None
        assert list_devices(connection, person.id) == [second]
    removed = Device(*row)
    assert (removed.name, removed.status, removed.unlinked_at) == (
        "Old one",
        "unlinked",
        site.clock(),
    )
    assert (removed.credential_id, removed.public_key) == (None, None)
    with pytest.raises(NotFound):
        remove(site, person, first.id)


def test_the_last_active_device_is_not_removed(site: Site) -> None:
    person, _ = activation_code(site)
    first, second = add(site, person, 1), add(site, person, 2)
    with writing(site.database) as connection:
        connection.execute(
            update(devices).where(devices.c.id == second.id).values(status="suspended")
        )
    with pytest.raises(Forbidden):
        remove(site, person, first.id)
    remove(site, person, second.id)
    with pytest.raises(Forbidden):
        remove(site, person, first.id)


def test_nobody_removes_another_persons_device(site: Site) -> None:
    hanne, _ = activation_code(site, HANNE)
    karim, _ = activation_code(site, KARIM)
    add(site, karim, 1)
    his = add(site, karim, 2)
    with pytest.raises(NotFound):
        remove(site, hanne, his.id)


def test_two_removals_at_once_leave_one_device(site: Site) -> None:
    person, _ = activation_code(site)
    both = [add(site, person, 1).id, add(site, person, 2).id]
    results = at_once(lambda: remove(site, person, both.pop()), threads=2)
    assert sum(isinstance(each, Refusal) for each in results) == 1
    assert active(site) == 1


def test_twenty_devices_are_the_most_however_many_are_added_at_once(site: Site) -> None:
    person, _ = activation_code(site)
    for number in range(MOST_DEVICES - 1):
        add(site, person, number)
    numbers = list(range(100, 108))
    results = at_once(lambda: add(site, person, numbers.pop()))
    assert sum(isinstance(each, Device) for each in results) == 1
    assert active(site) == MOST_DEVICES


def test_names_of_one_persons_devices_differ(site: Site) -> None:
    person, _ = activation_code(site)
    assert [add(site, person, number).name for number in range(3)] == [
        "Laptop",
        "Laptop 2",
        "Laptop 3",
    ]


def test_start_up_refuses_an_rp_id_that_no_device_belongs_to(
    site: Site, client: TestClient
) -> None:
    moved = site.settings.model_copy(update={"rp_id": "elsewhere.example"})
    with reading(site.database) as connection:
        check_rp_id(connection, moved)  # nothing is enrolled yet
    enrolled(site, client)
    with reading(site.database) as connection:
        check_rp_id(connection, site.settings)
        with pytest.raises(CommandError, match=r"elsewhere\.example.*belong to localhost"):
            check_rp_id(connection, moved)

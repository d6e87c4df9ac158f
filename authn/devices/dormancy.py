"""Devices that nobody uses: their holders are told, and later they are dormant.

A key that lies in a drawer opens the account for whoever finds it. Only a device whose holder was
told long enough ago becomes dormant; using it, or resuming it, begins the count anew. Jobs of
`authn cleanup`: they may run at any time, several at once, and stop halfway.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, or_, select, update

from authn.audit.device_events import DeviceDormant, DormancyAnnounced
from authn.audit.log import record
from authn.db.engine import Database
from authn.db.occasion import Job, Occasion
from authn.db.transaction import reading, writing
from authn.devices.installations import end_installations
from authn.devices.life import end_elapsed_suspension
from authn.devices.tables import Device, devices
from authn.notices import kinds
from authn.notices.notices import tell
from authn.people.tables import persons
from authn.secrets import Secrets
from authn.settings import Settings

BATCH = 100  # devices in one transaction


def tell_dormant_soon(occasion: Occasion, device_ids: Sequence[UUID]) -> int:
    """How many holders were told, once for each time of disuse, that the device will be dormant."""
    settings, now = occasion.settings, occasion.now
    told = 0
    for device in _locked(occasion, device_ids, _to_be_told(settings, now)):
        occasion.connection.execute(
            update(devices).where(devices.c.id == device.id).values(dormancy_told_at=now)
        )
        on = max(_unused_since(device) + settings.dormant_after, now + settings.dormancy_notice)
        notice = kinds.DeviceDormantSoonNotice(device.id, device.name, on.date())
        tell(occasion, device.person_id, notice)
        event = DormancyAnnounced(person_id=device.person_id, device_id=device.id)
        record(occasion.connection, occasion.secrets, event, now, occasion.reference)
        told += 1
    return told


def make_dormant(occasion: Occasion, device_ids: Sequence[UUID]) -> int:
    """How many devices are dormant by this, with everything that was opened with them ended."""
    dormant = 0
    for device in _locked(occasion, device_ids, _to_be_dormant(occasion.settings, occasion.now)):
        occasion.connection.execute(
            update(devices)
            .where(devices.c.id == device.id, devices.c.status == "active")
            .values(status="dormant", suspended_at=occasion.now)
        )
        end_installations(occasion.connection, device.id, occasion.now)
        event = DeviceDormant(person_id=device.person_id, device_id=device.id)
        record(occasion.connection, occasion.secrets, event, occasion.now, occasion.reference)
        notice = kinds.DeviceSuspendedNotice(device.id, device.name, "dormant")
        tell(occasion, device.person_id, notice)
        dormant += 1
    return dormant


def resume_elapsed(occasion: Occasion, device_ids: Sequence[UUID]) -> int:
    """How many devices are active again because their suspension had an end, and it has come."""
    # By holder: each is locked in turn, and whoever does the same goes the same way.
    statement = select(devices).where(devices.c.id.in_(device_ids)).order_by(devices.c.person_id)
    found = [Device(*row) for row in occasion.connection.execute(statement)]
    return sum(end_elapsed_suspension(occasion, device) for device in found)


Find = Callable[[Settings, datetime], ColumnElement[bool]]
Act = Callable[[Occasion, Sequence[UUID]], int]


def look_after_devices(
    database: Database, settings: Settings, secrets: Secrets, now: datetime
) -> Iterator[tuple[str, int]]:
    """What was done to how many devices, each job in turn."""
    for what, (find, act) in JOBS.items():
        with reading(database) as connection:
            due = _devices_where(connection, find(settings, now))
        done = 0
        for start in range(0, len(due), BATCH):
            with writing(database) as connection:
                occasion = Job(connection, settings, secrets, now)
                done += act(occasion, due[start : start + BATCH])
        yield what, done


def _devices_where(connection: Connection, condition: ColumnElement[bool]) -> list[UUID]:
    return list(connection.execute(select(devices.c.id).where(condition)).scalars())


def _locked(
    occasion: Occasion, device_ids: Sequence[UUID], condition: ColumnElement[bool]
) -> list[Device]:
    """Those of the devices of which it is still so, locked; one in use just now is passed over.

    Who acts for a holder locks the person first: waiting here could go round in a circle.
    """
    statement = select(devices).where(devices.c.id.in_(device_ids), condition)
    locked = statement.with_for_update(key_share=True, skip_locked=True)
    return [Device(*row) for row in occasion.connection.execute(locked)]


def _unused_since(device: Device) -> datetime:
    return max(device.last_used_at, device.resumed_at or device.last_used_at)


def _unused_for(time: timedelta, now: datetime) -> ColumnElement[bool]:
    return and_(
        devices.c.status == "active",
        devices.c.last_used_at <= now - time,
        or_(devices.c.resumed_at.is_(None), devices.c.resumed_at <= now - time),
        # Nobody signs in as who has died, and nobody is there to be told.
        devices.c.person_id.in_(select(persons.c.id).where(persons.c.deceased.is_(False))),
    )


def _to_be_told(settings: Settings, now: datetime) -> ColumnElement[bool]:
    return and_(
        _unused_for(settings.dormant_after - settings.dormancy_notice, now),
        or_(
            devices.c.dormancy_told_at.is_(None),
            devices.c.dormancy_told_at < devices.c.last_used_at,
        ),
    )


def _to_be_dormant(settings: Settings, now: datetime) -> ColumnElement[bool]:
    return and_(
        _unused_for(settings.dormant_after, now),
        devices.c.dormancy_told_at >= devices.c.last_used_at,
        devices.c.dormancy_told_at <= now - settings.dormancy_notice,
    )


def _elapsed(settings: Settings, now: datetime) -> ColumnElement[bool]:
    return and_(devices.c.status == "suspended", devices.c.suspended_until <= now)


JOBS: dict[str, tuple[Find, Act]] = {
    "holders told that a device will be dormant": (_to_be_told, tell_dormant_soon),
    "devices made dormant": (_to_be_dormant, make_dormant),
    "suspensions ended": (_elapsed, resume_elapsed),
}

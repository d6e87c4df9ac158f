"""Dormancy: holders of unused devices get a notice, and later the devices become dormant.

A key that lies in a drawer opens the account for whoever finds it. Only a device whose holder
got the notice long enough ago becomes dormant; using or resuming it begins the count anew. These
are jobs of `authn cleanup`: they may run at any time, several at once, and stop halfway.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, or_, select, update

from authn.audit.events.devices import DeviceDormant, DormancyAnnounced
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


def announce_dormancy(occasion: Occasion, device_ids: Sequence[UUID]) -> int:
    """The number of notices sent that a device will be dormant, once for each time of disuse."""
    settings, now = occasion.settings, occasion.now
    announced = 0
    for device in _lock_devices_where(occasion, device_ids, _due_for_announcement(settings, now)):
        occasion.connection.execute(
            update(devices).where(devices.c.id == device.id).values(dormancy_told_at=now)
        )
        on = max(_unused_since(device) + settings.dormant_after, now + settings.dormancy_notice)
        notice = kinds.DeviceDormantSoonNotice(device.id, device.name, on.date())
        tell(occasion, device.person_id, notice)
        event = DormancyAnnounced(person_id=device.person_id, device_id=device.id)
        record(occasion.connection, occasion.secrets, event, now, occasion.reference)
        announced += 1
    return announced


def make_dormant(occasion: Occasion, device_ids: Sequence[UUID]) -> int:
    """The number of devices made dormant; everything that was opened with them has ended."""
    dormant = 0
    for device in _lock_devices_where(
        occasion, device_ids, _due_for_dormancy(occasion.settings, occasion.now)
    ):
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


def end_elapsed_suspensions(occasion: Occasion, device_ids: Sequence[UUID]) -> int:
    """The number of devices made active since their suspension had an end that has passed."""
    # By holder: each is locked in turn, and whoever does the same goes the same way.
    statement = select(devices).where(devices.c.id.in_(device_ids)).order_by(devices.c.person_id)
    found = [Device(*row) for row in occasion.connection.execute(statement)]
    return sum(end_elapsed_suspension(occasion, device) for device in found)


Find = Callable[[Settings, datetime], ColumnElement[bool]]
Act = Callable[[Occasion, Sequence[UUID]], int]


def run_device_jobs(
    database: Database, settings: Settings, secrets: Secrets, now: datetime
) -> Iterator[tuple[str, int]]:
    """Runs each job in turn; yields what the job did, and to how many devices."""
    for what, (find, act) in JOBS.items():
        with reading(database) as connection:
            due = _find_devices_where(connection, find(settings, now))
        done = 0
        for start in range(0, len(due), BATCH):
            with writing(database) as connection:
                occasion = Job(connection, settings, secrets, now)
                done += act(occasion, due[start : start + BATCH])
        yield what, done


def _find_devices_where(connection: Connection, condition: ColumnElement[bool]) -> list[UUID]:
    return list(connection.execute(select(devices.c.id).where(condition)).scalars())


def _lock_devices_where(
    occasion: Occasion, device_ids: Sequence[UUID], condition: ColumnElement[bool]
) -> list[Device]:
    """The devices that still meet the condition, locked; locked ones of others are skipped.

    Acts of a holder lock the person first: waiting here could be a deadlock.
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


def _due_for_announcement(settings: Settings, now: datetime) -> ColumnElement[bool]:
    return and_(
        _unused_for(settings.dormant_after - settings.dormancy_notice, now),
        or_(
            devices.c.dormancy_told_at.is_(None),
            devices.c.dormancy_told_at < devices.c.last_used_at,
        ),
    )


def _due_for_dormancy(settings: Settings, now: datetime) -> ColumnElement[bool]:
    return and_(
        _unused_for(settings.dormant_after, now),
        devices.c.dormancy_told_at >= devices.c.last_used_at,
        devices.c.dormancy_told_at <= now - settings.dormancy_notice,
    )


def _has_elapsed(settings: Settings, now: datetime) -> ColumnElement[bool]:
    return and_(devices.c.status == "suspended", devices.c.suspended_until <= now)


JOBS: dict[str, tuple[Find, Act]] = {
    "holders told that a device will be dormant": (_due_for_announcement, announce_dormancy),
    "devices made dormant": (_due_for_dormancy, make_dormant),
    "suspensions ended": (_has_elapsed, end_elapsed_suspensions),
}

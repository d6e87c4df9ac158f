"""The life of a device: added, named, used, suspended, removed."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import Connection, bindparam, func, select, update

from authn.db.once import insert_once
from authn.devices.names import free_name
from authn.devices.tables import Device, HeldDevice, HowAdded, Kind, NewCredential, devices
from authn.errors import N_, Forbidden, NotFound, Refusal
from authn.people.persons import lock_person
from authn.people.tables import Person, persons

MOST_DEVICES = 20

# Built once: putting a statement together costs more than executing it.
_HELD = (
    select(devices, persons)
    .join(persons, persons.c.id == devices.c.person_id)
    .where(devices.c.credential_id == bindparam("credential_id"))
)
_DEVICE_COLUMNS = len(devices.c)
_USED = (
    update(devices)
    .where(devices.c.id == bindparam("device_id"), devices.c.status == "active")
    .values({name: bindparam(name) for name in ("sign_count", "backup_eligible", "backed_up")})
    .values(last_used_at=bindparam("last_used_at"))
)


def find_held_device(connection: Connection, credential_id: bytes) -> HeldDevice | None:
    """The device with this credential, and its holder; None for a removed or unknown one."""
    row = connection.execute(_HELD, {"credential_id": credential_id}).first()
    if row is None:
        return None
    return HeldDevice(Device(*row[:_DEVICE_COLUMNS]), Person(*row[_DEVICE_COLUMNS:]))


def find_device(connection: Connection, person_id: UUID, device_id: UUID) -> Device:
    """This person's device, not removed; raises `NotFound` for anyone else's."""
    statement = select(devices).where(
        devices.c.id == device_id,
        devices.c.person_id == person_id,
        devices.c.status != "removed",
    )
    row = connection.execute(statement).first()
    if row is None:
        raise no_such_device()
    return Device(*row)


def no_such_device() -> NotFound:
    """The refusal of a device that is not, or no longer, this person's."""
    return NotFound("not_found", N_("You have no such device."))


def devices_of(connection: Connection, person_id: UUID) -> list[Device]:
    """The person's devices that were not removed, newest use first."""
    statement = (
        select(devices)
        .where(devices.c.person_id == person_id, devices.c.status != "removed")
        .order_by(devices.c.last_used_at.desc(), devices.c.added_at.desc(), devices.c.id)
    )
    return [Device(*row) for row in connection.execute(statement)]


def add_device(
    connection: Connection,
    person_id: UUID,
    credential: NewCredential,
    *,
    name: str,
    kind: Kind,
    identity_level: str,
    how: HowAdded,
    now: datetime,
) -> HeldDevice:
    """The person has one device more, active, with a name that none of the others has.

    Raises `Forbidden` for a deceased person and for the twenty-first device, and `Refusal` when the
    credential is somebody's already; nothing was written then.
    """
    person = lock_person(connection, person_id)  # protocol 2.12
    if person is None or person.deceased:
        raise Forbidden("person_not_active", N_("This account cannot be used."))
    others = devices_of(connection, person_id)
    check_room(others)
    device = Device(
        id=uuid4(),
        person_id=person_id,
        name=free_name(name, {other.name for other in others}),
        kind=kind,
        status="active",
        credential_id=credential.credential_id,
        public_key=credential.public_key,
        user_handle=credential.user_handle,
        aaguid=credential.aaguid,
        algorithm=credential.algorithm,
        transports=",".join(credential.transports),
        rp_id=credential.rp_id,
        origin=credential.origin,
        sign_count=credential.sign_count,
        backup_eligible=credential.backup_eligible,
        backed_up=credential.backed_up,
        identity_level=identity_level,
        added_how=how,
        added_at=now,
        last_used_at=now,
        removed_at=None,
    )
    if not insert_once(connection, devices, asdict(device)):
        # WebAuthn §7.1: a credential id belongs to one account
        raise Refusal("already_registered", N_("This key has already been added."))
    return HeldDevice(device, person)


def check_room(all_devices: list[Device]) -> None:
    """A person with these devices may have one more; raises `Forbidden` otherwise."""
    if len(all_devices) >= MOST_DEVICES:
        raise Forbidden(
            "too_many_devices",
            N_("You have 20 devices, which is the most. Remove one that you no longer use first."),
        )


def record_use(
    connection: Connection,
    device: Device,
    *,
    sign_count: int,
    backup_eligible: bool,
    backed_up: bool,
    now: datetime,
) -> bool:
    """Whether the device is still active; it then keeps what its last assertion said."""
    result = connection.execute(
        _USED,
        {
            "device_id": device.id,
            "sign_count": sign_count,
            "backup_eligible": backup_eligible,
            "backed_up": backed_up,
            "last_used_at": now,
        },
    )
    return result.rowcount == 1


def rename_device(connection: Connection, device: Device, name: str) -> None:
    """The device is called so (as `read_device_name` gave it)."""
    connection.execute(update(devices).where(devices.c.id == device.id).values(name=name))


def suspend_device(connection: Connection, device_id: UUID) -> None:
    """The device can't sign in, and nothing opened with it is valid, until it is active again."""
    connection.execute(
        update(devices)
        .where(devices.c.id == device_id, devices.c.status == "active")
        .values(status="suspended")
    )


def remove_device(
    connection: Connection, person_id: UUID, device_id: UUID, now: datetime
) -> Device:
    """The device, as it was, is removed: its key is gone, its name and history stay.

    Raises `NotFound` when the person has no such device any more, and `Forbidden` when no other
    active one would be left. Two removals at once can't take the last two (protocol 2.12).
    """
    lock_person(connection, person_id)
    device = find_device(connection, person_id, device_id)
    if not may_remove(device, devices_of(connection, person_id)):
        raise Forbidden(
            "last_device",
            N_("This is your only device. Add another one first, so that you can still sign in."),
        )
    connection.execute(
        update(devices)
        .where(devices.c.id == device.id)
        .values(status="removed", removed_at=now, credential_id=None, public_key=None)
    )
    return device


def may_remove(device: Device, all_devices: Iterable[Device]) -> bool:
    """Whether another active device is left without this one."""
    return any(other.status == "active" and other.id != device.id for other in all_devices)


def stored_rp_ids(connection: Connection) -> set[str]:
    """The RP IDs for which devices were enrolled that are still held."""
    statement = select(func.distinct(devices.c.rp_id)).where(devices.c.status != "removed")
    return set(connection.execute(statement).scalars())

"""Devices of a person: to find, add, rename and use; `life` suspends and removes them."""

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import Connection, and_, bindparam, func, or_, select, update

from authn.db.once import insert_once
from authn.devices.names import free_name
from authn.devices.tables import (
    Device,
    HeldDevice,
    HowAdded,
    IdentityLevel,
    Kind,
    NewCredential,
    devices,
)
from authn.errors import N_, Forbidden, NotFound, Refusal
from authn.people.persons import lock_person
from authn.people.tables import Person, persons

MOST_DEVICES = 20
# How a device was added on a new proof of its holder's identity, not by another device.
PROVEN_ANEW: frozenset[HowAdded] = frozenset({"activation", "upstream"})

# Built once: putting a statement together costs more than executing it.
_HELD = (
    select(devices, persons)
    .join(persons, persons.c.id == devices.c.person_id)
    .where(devices.c.credential_id == bindparam("credential_id"))
)
_AMONG = select(devices).where(
    devices.c.id.in_(bindparam("ids", expanding=True)), devices.c.status != "unlinked"
)
_DEVICE_COLUMNS = len(devices.c)
# Of the row as it is by now: another answer of the same key may have come in meanwhile.
_USED = (
    update(devices)
    .where(
        devices.c.id == bindparam("device_id"),
        devices.c.status == "active",
        or_(
            devices.c.sign_count < bindparam("asserted_count"),
            and_(devices.c.sign_count == 0, bindparam("asserted_count") == 0),
        ),
    )
    .values({name: bindparam(name) for name in ("sign_count", "backed_up", "last_used_at")})
    .values(backup_eligible=or_(devices.c.backup_eligible, bindparam("asserted_eligible")))
)


def find_held_device(connection: Connection, credential_id: bytes) -> HeldDevice | None:
    """The device with this credential, and its holder; None when unknown or removed."""
    row = connection.execute(_HELD, {"credential_id": credential_id}).first()
    if row is None:
        return None
    return HeldDevice(Device(*row[:_DEVICE_COLUMNS]), Person(*row[_DEVICE_COLUMNS:]))


def find_device(connection: Connection, person_id: UUID, device_id: UUID) -> Device:
    """A device of the person that is not removed; raises `NotFound` for any other."""
    statement = select(devices).where(
        devices.c.id == device_id,
        devices.c.person_id == person_id,
        devices.c.status != "unlinked",
    )
    row = connection.execute(statement).first()
    if row is None:
        raise no_such_device()
    return Device(*row)


def find_devices(connection: Connection, ids: Collection[UUID]) -> dict[UUID, Device]:
    """By id: the devices with these ids that are not removed, of any person."""
    found = connection.execute(_AMONG, {"ids": list(ids)})
    return {device.id: device for device in (Device(*row) for row in found)}


def no_such_device() -> NotFound:
    """The refusal of a device that the person doesn't have, or no longer."""
    return NotFound("not_found", N_("You have no such device."))


def list_devices(connection: Connection, person_id: UUID) -> list[Device]:
    """The person's devices that were not removed, newest use first."""
    return [
        each
        for each in list_devices_and_removed(connection, person_id)
        if each.status != "unlinked"
    ]


def list_devices_and_removed(connection: Connection, person_id: UUID) -> list[Device]:
    """The person's devices, removed ones included, newest use first."""
    statement = (
        select(devices)
        .where(devices.c.person_id == person_id)
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
    identity_level: IdentityLevel,
    how: HowAdded,
    added_by: UUID | None = None,
    identity_id: UUID | None = None,
    now: datetime,
) -> HeldDevice:
    """The person has a new active device, under a name that no other device of theirs has.

    `added_by` is the device that confirmed the addition, `identity_id` the foreign identity, if
    there is any. Raises `Forbidden` for a deceased person and for the twenty-first device, and
    `Refusal` when the credential is somebody's already; nothing was written then. A person who lost
    twenty devices and proved anew who they are may have a further one: the others are blocked.
    """
    person = lock_person(connection, person_id)  # decisions 2.12
    if person is None or person.deceased:
        raise Forbidden("person_not_active", N_("This account cannot be used."))
    others = list_devices(connection, person_id)
    if how not in PROVEN_ANEW:
        check_device_limit(others)
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
        unlinked_at=None,
        attestation_format=credential.attestation_format,
        attested=credential.attested,
        attestation_key_id=credential.attestation_key_id,
        added_by=added_by,
        identity_id=identity_id,
    )
    if not insert_once(connection, devices, asdict(device)):
        # WebAuthn §7.1: a credential id belongs to one account
        raise Refusal("already_registered", N_("This key has already been added."))
    return HeldDevice(device, person)


def check_device_limit(all_devices: list[Device]) -> None:
    """A person with these devices may add another; raises `Forbidden` at twenty."""
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
    """Whether the device is still active and its counter rises; asserted values are then stored.

    A backup-eligible flag once seen stays (decisions 2.4). A counter that is always 0 is legal.
    """
    result = connection.execute(
        _USED,
        {
            "device_id": device.id,
            "sign_count": sign_count,
            "asserted_count": sign_count,
            "asserted_eligible": backup_eligible,
            "backed_up": backed_up,
            "last_used_at": now,
        },
    )
    return result.rowcount == 1


def record_changed_backup(connection: Connection, device: Device) -> None:
    """The change of the backup-eligible flag of the device's key is stored for good."""
    connection.execute(
        update(devices)
        .where(devices.c.id == device.id)
        .values(backup_eligible=True, backup_changed=True)
    )


def rename_device(connection: Connection, device: Device, name: str) -> None:
    """The device has the name, which comes from `read_device_name`."""
    connection.execute(update(devices).where(devices.c.id == device.id).values(name=name))


def raise_identity_level(connection: Connection, device: Device) -> bool:
    """Whether the device, active, got identity level `high` now and did not have it before."""
    result = connection.execute(
        update(devices)
        .where(
            devices.c.id == device.id,
            devices.c.status == "active",
            devices.c.identity_level != "high",
        )
        .values(identity_level="high")
    )
    return result.rowcount == 1


def stored_rp_ids(connection: Connection) -> set[str]:
    """The RP IDs of all devices that are not removed."""
    statement = select(func.distinct(devices.c.rp_id)).where(devices.c.status != "unlinked")
    return set(connection.execute(statement).scalars())


def record_desk_reason(connection: Connection, person_id: UUID, reason: str) -> None:
    """All suspended devices of the person carry the desk's reason code too."""
    connection.execute(
        update(devices)
        .where(devices.c.person_id == person_id, devices.c.status == "suspended")
        .values(suspended_reason=reason)
    )

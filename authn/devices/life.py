"""The life of a device: `invited → active ⇄ suspended → unlinked`, and `dormant` for want of use.

Every step that is not in the table of `transitions` is refused and on record. A step is one
conditional UPDATE, and zero rows is the refusal. Leaving `active` ends the installations of the
device in the same transaction: with them its sessions, grants, codes and tokens, which hang on
them, have ended for good; they stay so when the device is resumed.
"""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, select, update

from authn.audit.events.devices import (
    AddressRemoved,
    DeviceActRefused,
    DeviceResumed,
    DeviceSuspended,
    DeviceUnlinked,
)
from authn.audit.events.event import Event
from authn.audit.log import record
from authn.db.occasion import Occasion
from authn.devices.devices import list_devices
from authn.devices.installations import end_installations
from authn.devices.tables import Device, SuspendedWhy, devices
from authn.devices.transitions import (
    Actor,
    State,
    current_status,
    has_other_active_device,
    is_allowed_transition,
    is_suspension_over,
    may_resume,
)
from authn.errors import N_, Forbidden
from authn.notices import kinds
from authn.notices.contact_addresses import withdraw_unconfirmed_addresses
from authn.notices.notices import tell
from authn.people.persons import lock_person

# After an emergency block or account recovery the person gets one notice, not one a device.
NOTIFIED_AS_A_WHOLE = frozenset({"emergency", "return"})


class _Suspension(NamedTuple):
    """Why and until when a device is suspended."""

    suspended_why: SuspendedWhy
    suspended_until: datetime | None
    suspended_reason: str | None


def suspend(
    occasion: Occasion,
    device: Device,
    by: Actor,
    why: SuspendedWhy,
    until: datetime | None = None,
    *,
    reason: str | None = None,
) -> bool:
    """Whether the device is suspended now, or for longer than before; False when nothing changed.

    Everything opened with the device has ended. Without `until` the suspension lasts until somebody
    resumes the device. `reason` is the desk's code. Raises `Forbidden` for a step that the table
    doesn't have, and for a holder's last device.
    """
    lock_person(occasion.connection, device.person_id)
    present, suspension = _read_again(occasion, device), _Suspension(why, until, reason)
    if current_status(present, occasion.now) == "suspended":
        may = is_allowed_transition("suspended", "suspended", by)
        return may and _prolong(occasion, present, by, suspension)
    _require_transition(occasion, present, "suspended", by)
    if by == "holder":
        _require_another(occasion, present, "suspended")
    if not _suspend(occasion, present, by, suspension):
        return False
    _notify_suspended(occasion, present, why)
    return True


def suspend_all(
    occasion: Occasion,
    person_id: UUID,
    by: Actor,
    why: SuspendedWhy,
    *,
    until: datetime | None = None,
    but: UUID | None = None,
    reason: str | None = None,
) -> list[Device]:
    """The person's devices that are suspended now, or for longer than before; all `but` one.

    A contact address that waits for its link is withdrawn with them. Raises `Forbidden` when a
    holder would have no active device left: `but` must be active.
    """
    lock_person(occasion.connection, person_id)
    all_devices = list_devices(occasion.connection, person_id)
    kept = next((device for device in all_devices if device.id == but), None)
    if by == "holder" and (kept is None or kept.status != "active"):
        event = DeviceActRefused(
            person_id=person_id, device_id=but, act="suspended", by=by, reason="last device"
        )
        _record(occasion, event)
        raise Forbidden("last_device", LAST_DEVICE)
    done = []
    steps = {"active": _suspend, "suspended": _prolong}
    suspension = _Suspension(why, until, reason)
    for device in all_devices:
        state = current_status(device, occasion.now)
        step = steps.get(state)
        if step is None or device.id == but or not is_allowed_transition(state, "suspended", by):
            continue
        if step(occasion, device, by, suspension):
            done.append(device)
    if done:
        # One of them may have added an address, to be told what its holder does from now on.
        for address_id in withdraw_unconfirmed_addresses(
            occasion.connection, person_id, occasion.now
        ):
            _record(occasion, AddressRemoved(person_id=person_id, address_id=str(address_id)))
    if done and kept and by == "holder":
        tell(occasion, person_id, kinds.OtherDevicesSuspendedNotice(kept.id, kept.name))
    elif by != "holder":
        for device in done:
            _notify_suspended(occasion, device, why)
    return done


def resume(
    occasion: Occasion, device: Device, by: Actor, confirmed_by: Device | None = None
) -> None:
    """The device is active again; what was opened with it before stays ended.

    `confirmed_by` is the device with which a holder confirmed, in this transaction. Raises
    `Forbidden` for a step that the table doesn't have, and when `may_resume` says no.
    """
    lock_person(occasion.connection, device.person_id)
    present = _read_again(occasion, device)
    _require_transition(occasion, present, "active", by)
    if by == "holder" and (confirmed_by is None or not may_resume(present, confirmed_by)):
        _record_refused(occasion, present, "active", by, "not by this device")
        raise Forbidden("not_by_this_device", NOT_BY_THIS_DEVICE)
    if by == "system" and not is_suspension_over(present, occasion.now):
        raise _record_and_refuse(occasion, present, "active", by, "not elapsed")
    if not _resume(occasion, present, by):
        raise _record_and_refuse(occasion, present, "active", by, "changed meanwhile")


def resume_if_elapsed(occasion: Occasion, device: Device) -> Device:
    """The device, made active if it is suspended until a moment that has passed."""
    if not is_suspension_over(device, occasion.now):
        return device
    end_elapsed_suspension(occasion, device)
    return _read_again(occasion, device)


def end_elapsed_suspension(occasion: Occasion, device: Device) -> bool:
    """Whether an elapsed suspension was ended now; False when it lasts, or was ended before."""
    lock_person(occasion.connection, device.person_id)
    present = _read_again(occasion, device)
    return is_suspension_over(present, occasion.now) and _resume(occasion, present, "system")


def unlink(occasion: Occasion, device: Device, by: Actor) -> Device:
    """The device as it was before; now its key is deleted, while its name and history stay.

    Raises `Forbidden` for a step that the table doesn't have (such as unlinked already), and for
    a holder's last active device. Two at once can't take the last two (decisions 2.12).
    """
    lock_person(occasion.connection, device.person_id)
    present = _read_again(occasion, device)
    _require_transition(occasion, present, "unlinked", by)
    if by == "holder":
        _require_another(occasion, present, "unlinked")
    values = {
        "status": "unlinked",
        "unlinked_at": occasion.now,
        "credential_id": None,
        "public_key": None,
    }
    if not _update_if_unchanged(occasion, present, values):
        raise _record_and_refuse(occasion, present, "unlinked", by, "changed meanwhile")
    end_installations(occasion.connection, present.id, occasion.now)
    _record(occasion, DeviceUnlinked(person_id=present.person_id, device_id=present.id, by=by))
    tell(occasion, present.person_id, kinds.DeviceUnlinkedNotice(present.id, present.name, by))
    return present


# Columns of a device that is active.
_ACTIVE: dict[str, Any] = {
    "status": "active",
    "suspended_at": None,
    "suspended_why": None,
    "suspended_until": None,
    "suspended_reason": None,
    "dormancy_told_at": None,
}


def _suspend(occasion: Occasion, device: Device, by: Actor, suspension: _Suspension) -> bool:
    values = {"status": "suspended", "suspended_at": occasion.now, **suspension._asdict()}
    if not _update_if_unchanged(occasion, device, values):
        return False
    end_installations(occasion.connection, device.id, occasion.now)
    _record_suspended(occasion, device, by, suspension.suspended_why)
    return True


def _notify_suspended(occasion: Occasion, device: Device, why: SuspendedWhy) -> None:
    if why == "counter":
        tell(occasion, device.person_id, kinds.DeviceCopiedNotice(device.id, device.name))
    elif why not in NOTIFIED_AS_A_WHOLE:
        tell(occasion, device.person_id, kinds.DeviceSuspendedNotice(device.id, device.name, why))


def _prolong(occasion: Occasion, device: Device, by: Actor, suspension: _Suspension) -> bool:
    """Whether a suspension with an end has a later end now, or none; an earlier end is ignored."""
    before, until = device.suspended_until, suspension.suspended_until
    if before is None or (until is not None and until <= before):
        return False
    if not _update_if_unchanged(
        occasion, device, suspension._asdict(), devices.c.suspended_until == before
    ):
        return False
    _record_suspended(occasion, device, by, suspension.suspended_why)
    return True


def _resume(occasion: Occasion, device: Device, by: Actor) -> bool:
    """Whether the device is active now; not if it was suspended for another reason meanwhile."""
    same = (
        devices.c.suspended_why.is_not_distinct_from(device.suspended_why),
        devices.c.suspended_until.is_not_distinct_from(device.suspended_until),
    )
    if not _update_if_unchanged(occasion, device, _ACTIVE | {"resumed_at": occasion.now}, *same):
        return False
    _record(occasion, DeviceResumed(person_id=device.person_id, device_id=device.id, by=by))
    tell(occasion, device.person_id, kinds.DeviceResumedNotice(device.id, device.name, by))
    return True


def _update_if_unchanged(
    occasion: Occasion, device: Device, values: dict[str, Any], *conditions: ColumnElement[bool]
) -> bool:
    """Whether the row still had the status of `device`, and has these values now."""
    result = occasion.connection.execute(
        update(devices)
        .where(devices.c.id == device.id, devices.c.status == device.status, *conditions)
        .values(values)
    )
    return result.rowcount == 1


def _read_again(occasion: Occasion, device: Device) -> Device:
    """The device, read once more after its holder was locked."""
    row = occasion.connection.execute(select(devices).where(devices.c.id == device.id)).one()
    return Device(*row)


NOT_POSSIBLE = N_("This cannot be done with this device now. Reload the page to see how it is.")
NOT_BY_THIS_DEVICE = N_("This device cannot be unblocked with the device that you used.")
LAST_DEVICE = N_(
    "This is your only device that works. Add another one first, so that you can still sign in."
)


def _require_transition(occasion: Occasion, device: Device, after: State, by: Actor) -> None:
    state = current_status(device, occasion.now)
    # An elapsed suspension counts as active for everybody but this service, which ends it.
    before = device.status if by == "system" and after == "active" else state
    if not is_allowed_transition(before, after, by):
        raise _record_and_refuse(occasion, device, after, by, f"is {state}")


def _require_another(occasion: Occasion, device: Device, after: State) -> None:
    all_devices = list_devices(occasion.connection, device.person_id)
    if not has_other_active_device(device, all_devices, occasion.now):
        _record_refused(occasion, device, after, "holder", "last device")
        raise Forbidden("last_device", LAST_DEVICE)


def _record_and_refuse(
    occasion: Occasion, device: Device, after: State, by: Actor, reason: str
) -> Forbidden:
    """The refusal of a step that is not possible now, put on record."""
    _record_refused(occasion, device, after, by, reason)
    return Forbidden("not_possible", NOT_POSSIBLE, detail=f"{after} by {by}: {reason}")


def _record_refused(
    occasion: Occasion, device: Device, after: State, by: Actor, reason: str
) -> None:
    event = DeviceActRefused(
        person_id=device.person_id, device_id=device.id, act=after, by=by, reason=reason
    )
    _record(occasion, event)


def _record_suspended(occasion: Occasion, device: Device, by: Actor, why: SuspendedWhy) -> None:
    event = DeviceSuspended(person_id=device.person_id, device_id=device.id, by=by, reason=why)
    _record(occasion, event)


def _record(occasion: Occasion, event: Event) -> None:
    record(occasion.connection, occasion.secrets, event, occasion.now, occasion.reference)

"""The table of transitions of a device: from which status to which, and by whom.

An invited device has no row yet: there is an activation code, an invitation, or a proof of
identity.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

from authn.devices.devices import PROVEN_ANEW
from authn.devices.tables import Device, Status

State = Literal["invited"] | Status
# Who asks: the holder with a device in hand; this service by itself; the emergency block ("door");
# the link "this was not me" in a notice; account recovery ("return"); a support agent.
Actor = Literal["holder", "system", "door", "notice", "return", "desk"]

TRANSITIONS: Mapping[tuple[State, State], frozenset[Actor]] = {
    ("invited", "active"): frozenset({"holder", "return"}),
    ("active", "suspended"): frozenset({"holder", "system", "door", "notice", "return", "desk"}),
    # Only for longer: the end of a suspension is put off, or taken away.
    ("suspended", "suspended"): frozenset({"door", "notice", "return", "desk"}),
    ("suspended", "active"): frozenset({"holder", "system", "desk"}),
    ("active", "dormant"): frozenset({"system"}),
    ("dormant", "active"): frozenset({"holder", "desk"}),
    ("active", "unlinked"): frozenset({"holder", "desk"}),
    ("suspended", "unlinked"): frozenset({"holder", "desk"}),
    ("dormant", "unlinked"): frozenset({"holder", "desk"}),
}


def is_allowed_transition(before: State, after: State, by: Actor) -> bool:
    """Whether the table of transitions has this step for this actor."""
    return by in TRANSITIONS.get((before, after), frozenset())


def may_resume(device: Device, confirmed_by: Device) -> bool:
    """Whether a holder may resume `device` by confirming with `confirmed_by`.

    A key that may have been copied is never resumed: it is removed and added anew. A device that
    was suspended for want of any device, or at the desk, is resumed with a device that was added
    afterwards on a new proof of identity (decisions 3).
    """
    if confirmed_by.status != "active" or confirmed_by.id == device.id:
        return False
    if confirmed_by.person_id != device.person_id:
        return False
    if device.status == "dormant" or device.suspended_why in ("holder", "notice"):
        return True
    if device.suspended_why == "counter" or device.suspended_at is None:
        return False
    return confirmed_by.added_how in PROVEN_ANEW and confirmed_by.added_at >= device.suspended_at


def has_other_active_device(device: Device, all_devices: Iterable[Device], now: datetime) -> bool:
    """Whether the person can sign in with a device other than `device`."""
    return any(
        current_status(other, now) == "active" and other.id != device.id for other in all_devices
    )


def current_status(device: Device, now: datetime) -> Status:
    """The status of a device; a suspension until a moment that has passed counts as active."""
    return "active" if is_suspension_over(device, now) else device.status


def is_suspension_over(device: Device, now: datetime) -> bool:
    """Whether the device is suspended until a moment that has passed."""
    return (
        device.status == "suspended"
        and device.suspended_until is not None
        and device.suspended_until <= now
    )

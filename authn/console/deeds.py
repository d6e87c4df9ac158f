"""What an act at the desk is made of, and those on one device."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final
from uuid import UUID

from authn.audit import desk_events as events
from authn.console.desk_sessions import Desk
from authn.console.weight import REMOVING, SUSPICIONS, weigh
from authn.db.occasion import Occasion
from authn.devices.devices import devices_of, find_device
from authn.devices.life import NOT_POSSIBLE, resume, suspend, unlink
from authn.devices.tables import Device
from authn.devices.transitions import State, legal, may_leave, state_of
from authn.errors import N_, Forbidden, NotFound
from authn.people.tables import Person
from authn.staff.roles import Act

GONE = N_("This device is not there any more: it was removed. Nothing was done now.")
BLOCKED_ALREADY = N_("This device is blocked already. Nothing was done now.")


@dataclass(frozen=True, slots=True)
class ActDetails:
    """What an act needs to know besides the person; and how well the caller answered."""

    device_id: UUID | None = None
    address: str = ""
    address_id: UUID | None = None
    merged_id: UUID | None = None
    checked: str = ""

    def payload(self) -> dict[str, str]:
        """As it is kept while the act waits for approval."""
        return {name: str(value) for name, value in asdict(self).items() if value}


def particulars_of(payload: Mapping[str, str]) -> ActDetails:
    """What `Particulars.payload` gave."""
    ids = {"device_id", "address_id", "merged_id"}
    known = {field.name for field in fields(ActDetails)} & payload.keys()
    return ActDetails(
        **{name: UUID(payload[name]) if name in ids else payload[name] for name in known}  # type: ignore[arg-type]
    )


@dataclass(frozen=True, slots=True)
class ActSetting:
    """Where an act takes place: who does it, why, to whom, with what; `second` approved it."""

    occasion: Occasion
    desk: Desk
    person: Person
    particulars: ActDetails
    second: UUID | None = None

    def on_record(self) -> dict[str, Any]:
        """What every `desk.*` event tells of it."""
        return {
            **self.desk.on_record(self.person.id),
            "device_id": self.particulars.device_id,
            "checked": self.particulars.checked,
            "approved_by": self.second,
        }


@dataclass(frozen=True, slots=True)
class ApprovalAct:
    """An act: `check` raises what makes it impossible now, `do` does it and gives its event.

    Everything that can refuse it is looked at before the first thing is written.
    """

    check: Callable[[ActSetting], object]
    do: Callable[[ActSetting], events.DeskAct]


def weigh_device_act(act: Act, setting: ActSetting) -> Act:
    """The act as heavy as it is now (`console.weight`)."""
    device = device_in(setting)
    last = act in REMOVING and _is_last(setting, device)
    return weigh(act, device, setting.occasion.settings, last=last)


def device_in(setting: ActSetting) -> Device:
    """The device that the act is on; raises `NotFound` when it is gone, or is not this person's."""
    device_id = setting.particulars.device_id
    assert device_id is not None, "an act on a device names it"
    try:
        return find_device(setting.occasion.connection, setting.person.id, device_id)
    except NotFound:
        raise NotFound("device_gone", GONE) from None


def _possible(after: State) -> Callable[[ActSetting], Device]:
    def check(setting: ActSetting) -> Device:
        device = device_in(setting)
        state = state_of(device, setting.occasion.now)
        if state == after == "suspended" and device.suspended_until is None:
            raise Forbidden("blocked_already", BLOCKED_ALREADY)
        if not legal(state, after, "desk"):
            raise Forbidden("not_possible", NOT_POSSIBLE, detail=f"{after} by desk: is {state}")
        return device

    return check


def _suspended(setting: ActSetting) -> events.DeskAct:
    device = device_in(setting)
    # What was blocked for a day on suspicion is so for good: no agent's own block, to be lifted.
    kept = device.suspended_why if state_of(device, setting.occasion.now) == "suspended" else None
    why = kept if kept in SUSPICIONS else None
    reason = setting.desk.why.reason
    if not suspend(setting.occasion, device, "desk", why or "desk", reason=reason):
        raise Forbidden("blocked_already", BLOCKED_ALREADY)
    return events.DeskSuspended(**setting.on_record())


def _unlinked(setting: ActSetting) -> events.DeskAct:
    device = device_in(setting)
    last = _is_last(setting, device)
    unlink(setting.occasion, device, "desk")
    return events.DeskUnlinked(**setting.on_record(), last=last)


def _resumed(setting: ActSetting) -> events.DeskAct:
    resume(setting.occasion, device_in(setting), "desk")
    return events.DeskResumed(**setting.on_record())


def _reinstated(setting: ActSetting) -> events.DeskAct:
    device = device_in(setting)
    resume(setting.occasion, device, "desk")
    by_desk = device.suspended_why == "desk"
    suspicion = device.suspended_reason if by_desk else device.suspended_why
    return events.DeskReinstated(**setting.on_record(), suspicion=suspicion or "")


def _is_last(setting: ActSetting, device: Device) -> bool:
    others = devices_of(setting.occasion.connection, setting.person.id)
    return not may_leave(device, others, setting.occasion.now)


ON_DEVICES: Final[Mapping[Act, ApprovalAct]] = {
    "suspend": ApprovalAct(_possible("suspended"), _suspended),
    "unlink": ApprovalAct(_possible("unlinked"), _unlinked),
    "unlink-last": ApprovalAct(_possible("unlinked"), _unlinked),
    "resume": ApprovalAct(_possible("active"), _resumed),
    "reinstate": ApprovalAct(_possible("active"), _reinstated),
}

"""The parts of an act at the desk, and the acts on one device: block, unblock, remove."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final
from uuid import UUID

from authn.audit.events import desk_acts as events
from authn.console.act_rules import REMOVING, SUSPICIONS, act_by_risk
from authn.console.desk_sessions import Desk
from authn.db.occasion import Occasion
from authn.devices.devices import find_device, list_devices
from authn.devices.life import NOT_POSSIBLE, resume, suspend, unlink
from authn.devices.tables import Device
from authn.devices.transitions import (
    State,
    current_status,
    has_other_active_device,
    is_allowed_transition,
)
from authn.errors import N_, Forbidden, NotFound
from authn.people.tables import Person
from authn.staff.roles import Act

GONE = N_("This device is not there any more: it was removed. Nothing was done now.")
BLOCKED_ALREADY = N_("This device is blocked already. Nothing was done now.")


@dataclass(frozen=True, slots=True)
class ActDetails:
    """What an act needs to know besides the person, and how the caller answered (`checked`)."""

    device_id: UUID | None = None
    address: str = ""
    address_id: UUID | None = None
    merged_id: UUID | None = None
    checked: str = ""

    def payload(self) -> dict[str, str]:
        """The details as JSON members, stored while the act waits for approval."""
        return {name: str(value) for name, value in asdict(self).items() if value}


def details_from_payload(payload: Mapping[str, str]) -> ActDetails:
    """The details that `ActDetails.payload` gave."""
    ids = {"device_id", "address_id", "merged_id"}
    known = {field.name for field in fields(ActDetails)} & payload.keys()
    return ActDetails(
        **{name: UUID(payload[name]) if name in ids else payload[name] for name in known}  # type: ignore[arg-type]
    )


@dataclass(frozen=True, slots=True)
class ActSetting:
    """An act that is being performed: who acts, why, on whom, with what; `second` approved it."""

    occasion: Occasion
    desk: Desk
    person: Person
    details: ActDetails
    second: UUID | None = None

    def event_fields(self) -> dict[str, Any]:
        """The fields that every `desk.*` event of an act has."""
        return {
            **self.desk.event_fields(self.person.id),
            "device_id": self.details.device_id,
            "checked": self.details.checked,
            "approved_by": self.second,
        }


@dataclass(frozen=True, slots=True)
class ActSteps:
    """The two steps of an act: `check` raises what makes the act impossible now, `do` performs it.

    `do` returns the event. Everything that can refuse is checked before the first write.
    """

    check: Callable[[ActSetting], object]
    do: Callable[[ActSetting], events.DeskAct]


def device_act_by_risk(act: Act, setting: ActSetting) -> Act:
    """The act by its risk on this device now: "unlink-last", "reinstate", or as asked."""
    device = find_act_device(setting)
    last = act in REMOVING and _is_last(setting, device)
    return act_by_risk(act, device, setting.occasion.settings, last=last)


def find_act_device(setting: ActSetting) -> Device:
    """The device of the act; raises `NotFound` when it is gone, or is not this person's."""
    device_id = setting.details.device_id
    assert device_id is not None, "an act on a device names it"
    try:
        return find_device(setting.occasion.connection, setting.person.id, device_id)
    except NotFound:
        raise NotFound("device_gone", GONE) from None


def _require_transition_to(after: State) -> Callable[[ActSetting], Device]:
    def check(setting: ActSetting) -> Device:
        device = find_act_device(setting)
        state = current_status(device, setting.occasion.now)
        if state == after == "suspended" and device.suspended_until is None:
            raise Forbidden("blocked_already", BLOCKED_ALREADY)
        if not is_allowed_transition(state, after, "desk"):
            raise Forbidden("not_possible", NOT_POSSIBLE, detail=f"{after} by desk: is {state}")
        return device

    return check


def _suspend(setting: ActSetting) -> events.DeskAct:
    device = find_act_device(setting)
    # What was blocked for a day on suspicion is so for good: no agent's own block, to be lifted.
    kept = (
        device.suspended_why
        if current_status(device, setting.occasion.now) == "suspended"
        else None
    )
    why = kept if kept in SUSPICIONS else None
    reason = setting.desk.why.reason
    if not suspend(setting.occasion, device, "desk", why or "desk", reason=reason):
        raise Forbidden("blocked_already", BLOCKED_ALREADY)
    return events.DeskSuspended(**setting.event_fields())


def _unlink(setting: ActSetting) -> events.DeskAct:
    device = find_act_device(setting)
    last = _is_last(setting, device)
    unlink(setting.occasion, device, "desk")
    return events.DeskUnlinked(**setting.event_fields(), last=last)


def _resume(setting: ActSetting) -> events.DeskAct:
    resume(setting.occasion, find_act_device(setting), "desk")
    return events.DeskResumed(**setting.event_fields())


def _reinstate(setting: ActSetting) -> events.DeskAct:
    device = find_act_device(setting)
    resume(setting.occasion, device, "desk")
    by_desk = device.suspended_why == "desk"
    suspicion = device.suspended_reason if by_desk else device.suspended_why
    return events.DeskReinstated(**setting.event_fields(), suspicion=suspicion or "")


def _is_last(setting: ActSetting, device: Device) -> bool:
    others = list_devices(setting.occasion.connection, setting.person.id)
    return not has_other_active_device(device, others, setting.occasion.now)


ON_DEVICES: Final[Mapping[Act, ActSteps]] = {
    "suspend": ActSteps(_require_transition_to("suspended"), _suspend),
    "unlink": ActSteps(_require_transition_to("unlinked"), _unlink),
    "unlink-last": ActSteps(_require_transition_to("unlinked"), _unlink),
    "resume": ActSteps(_require_transition_to("active"), _resume),
    "reinstate": ActSteps(_require_transition_to("active"), _reinstate),
}

"""The acts offered on the page of a person: those that this agent may do on them now.

An offer is a link. Whether the act is possible is decided when it is performed (`console.acts`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from authn.console.act_rules import StaffStatus, act_by_risk, needs_second
from authn.console.desk_sessions import Desk
from authn.devices.tables import Device
from authn.devices.transitions import (
    State,
    current_status,
    has_other_active_device,
    is_allowed_transition,
)
from authn.errors import N_
from authn.people.tables import Person
from authn.settings import Settings
from authn.staff.roles import Act


@dataclass(frozen=True, slots=True)
class ActOffer:
    """A link to an act, its words, and the letter that opens it.

    `waits`: a second member of staff has to approve it.
    """

    act: Act
    path: str
    words: str
    key: str
    waits: bool


@dataclass(frozen=True, slots=True)
class OfferTarget:
    """The person whom the agent looks at, with what decides about the acts to offer.

    `working` is whether there is a device to block, `reachable` whether a mail could warn them,
    `return_waits` whether an account recovery waits already.
    """

    desk: Desk
    person: Person
    settings: Settings
    status: StaffStatus
    devices: Sequence[Device]
    working: bool
    reachable: bool
    return_waits: bool

    @property
    def closed(self) -> bool:
        """Whether nothing can be done to the person any more."""
        return self.person.deceased or self.person.merged_into is not None


# The letters are those of the English words: one set for everybody, shown beside each link.
_ON_DEVICE: Final[tuple[tuple[Act, State, str, str], ...]] = (
    ("suspend", "suspended", N_("Block"), "b"),
    ("resume", "active", N_("Unblock"), "u"),
    ("unlink", "unlinked", N_("Remove"), "r"),
)


def device_offers(target: OfferTarget, device: Device, now: datetime) -> list[ActOffer]:
    """The acts offered on this device."""
    if target.closed:
        return []
    state = current_status(device, now)
    for_good = state == "suspended" and device.suspended_until is None
    base = f"/desk/people/{target.person.id}/devices/{device.id}"
    return [
        _offer(target, act, f"{base}/{path}", words, key)
        for path, after, words, key in _ON_DEVICE
        if is_allowed_transition(state, after, "desk")
        and not (path == "suspend" and for_good)
        and target.desk.staff.may(act := _act_by_risk_now(path, target, device, now))
    ]


def person_offers(target: OfferTarget) -> list[ActOffer]:
    """The acts offered on the person as a whole."""
    if target.closed:
        return []
    base = f"/desk/people/{target.person.id}"
    held = any(each.status != "unlinked" for each in target.devices)
    returning = held and target.reachable and not target.return_waits
    offered: tuple[tuple[Act, str, str, str, bool], ...] = (
        ("block-all", f"{base}/block-all", N_("Block all devices"), "a", target.working),
        ("begin-return", f"{base}/begin-return", N_("Begin a return"), "t", returning),
        ("change-address", f"{base}/addresses", N_("Change a mail address"), "m", True),
        (
            "issue-code",
            f"/desk/registration/{target.person.id}",
            N_("Issue an activation code"),
            "c",
            True,
        ),
        ("merge", f"{base}/merge", N_("Join two accounts"), "o", True),
    )
    return [
        _offer(target, act, path, words, key)
        for act, path, words, key, possible in offered
        if possible and target.desk.staff.may(act)
    ]


def _act_by_risk_now(act: Act, target: OfferTarget, device: Device, now: datetime) -> Act:
    """The act by its risk on this device now (`act_by_risk`)."""
    last = not has_other_active_device(device, target.devices, now)
    return act_by_risk(act, device, target.settings, last=last)


def _offer(target: OfferTarget, act: Act, path: str, words: str, key: str) -> ActOffer:
    waits = needs_second(target.desk, act, target.status)
    return ActOffer(act, path, words, key, waits)

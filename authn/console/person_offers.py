"""What an agent is offered on the page of a person: only what they may do, to this one, now.

An offer is a link. Whether the act is possible is decided when it is done (`console.acts`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from authn.console.desk_sessions import Desk
from authn.console.targets import DeviceStatus, needs_second
from authn.console.weight import weigh
from authn.devices.tables import Device
from authn.devices.transitions import State, legal, may_leave, state_of
from authn.errors import N_
from authn.people.tables import Person
from authn.settings import Settings
from authn.staff.roles import Act


@dataclass(frozen=True, slots=True)
class ActOffer:
    """A link to an act, in words, with the letter that opens it.

    `waits`: a second member of staff has to approve it.
    """

    act: Act
    path: str
    words: str
    key: str
    waits: bool


@dataclass(frozen=True, slots=True)
class OfferTarget:
    """Whom the agent looks at, with what decides about the acts.

    `working` is whether there is a device to block, `reachable` whether a mail could warn them,
    `return_waits` whether a return does already.
    """

    desk: Desk
    person: Person
    settings: Settings
    standing: DeviceStatus
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
    """The acts on this device."""
    if target.closed:
        return []
    state = state_of(device, now)
    for_good = state == "suspended" and device.suspended_until is None
    base = f"/desk/people/{target.person.id}/devices/{device.id}"
    return [
        _offer(target, act, f"{base}/{path}", words, key)
        for path, after, words, key in _ON_DEVICE
        if legal(state, after, "desk")
        and not (path == "suspend" and for_good)
        and target.desk.staff.may(act := _heavy(path, target, device, now))
    ]


def person_offers(target: OfferTarget) -> list[ActOffer]:
    """The acts on the person as a whole."""
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


def _heavy(act: Act, target: OfferTarget, device: Device, now: datetime) -> Act:
    """The act as heavy as it would be now."""
    last = not may_leave(device, target.devices, now)
    return weigh(act, device, target.settings, last=last)


def _offer(target: OfferTarget, act: Act, path: str, words: str, key: str) -> ActOffer:
    waits = needs_second(target.desk, act, target.standing)
    return ActOffer(act, path, words, key, waits)

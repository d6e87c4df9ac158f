"""Ends the match of a foreign identity to a person, and blocks the devices that it let in.

A match ends at the desk, by the person's own word, or when a match made today would need two
members of staff. An account recovery that was begun with the identity since the match ends too, and
these devices are blocked: those added with the identity, and those that they confirmed in turn.

One registrar alone may match an identity to a person without a device and without a role, as they
may issue a first code. Such a match ends when the person gets a role, is merged with another, or
gets a device in another way. Why its devices are blocked then: they rest on one registrar's word,
and would open the desk or another person's account. Why they are kept otherwise: the identity is
how this person enrols and recovers.
"""

from typing import Literal, NamedTuple
from uuid import UUID

from authn.audit.events.registration import ForeignMatchEnded
from authn.audit.log import record
from authn.db.occasion import Occasion
from authn.devices.devices import list_devices, list_devices_and_removed
from authn.devices.life import suspend
from authn.devices.tables import Device
from authn.devices.transitions import current_status, is_allowed_transition
from authn.enrolment.returning import cancel_recovery, find_waiting_recovery
from authn.federation.foreign_identities import (
    ForeignIdentity,
    find_identity,
    list_matches_made_alone,
    unmatch_identity,
)
from authn.notices import kinds
from authn.notices.notices import tell
from authn.people.persons import lock_person


class PartedMatch(NamedTuple):
    """The effects of ending a match: a recovery that ended, and how many devices were blocked."""

    ended_return: bool
    blocked: int


def end_match(
    occasion: Occasion, identity_id: UUID, person_id: UUID, by: Literal["desk", "notice"]
) -> PartedMatch | None:
    """Takes the match of an identity to a person away; None where there is no such match."""
    lock_person(occasion.connection, person_id)
    before = find_identity(occasion.connection, occasion.secrets, identity_id)
    if before is None or not unmatch_identity(occasion.connection, identity_id, person_id):
        return None
    blocked = [
        device
        for device in _devices_let_in(list_devices(occasion.connection, person_id), identity_id)
        if is_allowed_transition(current_status(device, occasion.now), "suspended", by)
        and suspend(occasion, device, by, by)
    ]
    return PartedMatch(_end_recovery(occasion, before, person_id), len(blocked))


def end_matches_made_alone(
    occasion: Occasion, person_id: UUID, why: Literal["role", "merger", "device"]
) -> int:
    """Ends matches that one registrar alone made to a person; how many devices were blocked.

    For a role in any case; else where the person has or had a device that the identity did not let
    in: a match made now would need two members of staff. To be called once the role, or the device,
    is the person's.
    """
    blocked = 0
    for identity_id in list_matches_made_alone(occasion.connection, person_id):
        if why != "role" and not _has_other_devices(occasion, person_id, identity_id):
            continue
        parted = end_match(occasion, identity_id, person_id, "desk")
        if parted is None:
            continue
        blocked += parted.blocked
        event = ForeignMatchEnded(
            person_id=person_id, identity=identity_id, why=why, **parted._asdict()
        )
        record(occasion.connection, occasion.secrets, event, occasion.now, occasion.reference)
        tell(occasion, person_id, kinds.IdentityPartedNotice(by="" if why == "device" else "desk"))
    return blocked


def _has_other_devices(occasion: Occasion, person_id: UUID, identity_id: UUID) -> bool:
    every_device = list_devices_and_removed(occasion.connection, person_id)
    return len(_devices_let_in(every_device, identity_id)) < len(every_device)


def _devices_let_in(all_devices: list[Device], identity_id: UUID) -> list[Device]:
    """The devices that were added with the identity, and those that they confirmed in turn."""
    let_in = {device.id for device in all_devices if device.identity_id == identity_id}
    before = 0
    while len(let_in) > before:
        before = len(let_in)
        let_in |= {device.id for device in all_devices if device.added_by in let_in}
    return [device for device in all_devices if device.id in let_in]


def _end_recovery(occasion: Occasion, before: ForeignIdentity, person_id: UUID) -> bool:
    assert before.matched_at is not None, "it led to somebody"
    begun = find_waiting_recovery(occasion, person_id)
    if begun is None or begun.proof != before.upstream or begun.began_at < before.matched_at:
        return False
    return cancel_recovery(occasion, begun.id)

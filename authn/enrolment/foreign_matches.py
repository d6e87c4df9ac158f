"""A foreign identity leads to its person no more: at the desk, by the person's own word, or since
two would have to agree to it by now.

A return that was begun with it since it was matched ends with it, and what it let in is blocked: a
device that was added with it, and what that device let in in its turn.

One registrar alone may match for somebody who has no device and no role, as they may issue a first
code. Such a match ends as such a code does: with a role, with a merger and with a device that came
another way. Why its devices are blocked then: they stand on the same word, and would open the desk
or another's account. Why they stay otherwise: by that identity this person comes, and comes back.
"""

from typing import Literal, NamedTuple
from uuid import UUID

from authn.audit.log import record
from authn.audit.registration_events import ForeignMatchEnded
from authn.db.occasion import Occasion
from authn.devices.devices import devices_of, every_device_of
from authn.devices.life import suspend
from authn.devices.tables import Device
from authn.devices.transitions import legal, state_of
from authn.enrolment.returning import cancel_return, waiting_return
from authn.federation.foreign_identities import (
    ForeignIdentity,
    find_identity,
    matches_made_alone,
    part_identity,
)
from authn.notices import kinds
from authn.notices.notices import tell
from authn.people.persons import lock_person


class PartedMatch(NamedTuple):
    """What ended with a match: whether a return did, and how many devices were blocked."""

    ended_return: bool
    blocked: int


def take_match_away(
    occasion: Occasion, identity_id: UUID, person_id: UUID, by: Literal["desk", "notice"]
) -> PartedMatch | None:
    """What ended by this; None where the identity does not lead to this person (any more)."""
    lock_person(occasion.connection, person_id)
    before = find_identity(occasion.connection, occasion.secrets, identity_id)
    if before is None or not part_identity(occasion.connection, identity_id, person_id):
        return None
    blocked = [
        device
        for device in _let_in(devices_of(occasion.connection, person_id), identity_id)
        if legal(state_of(device, occasion.now), "suspended", by)
        and suspend(occasion, device, by, by)
    ]
    return PartedMatch(_end_return(occasion, before, person_id), len(blocked))


def end_matches_made_alone(
    occasion: Occasion, person_id: UUID, why: Literal["role", "merger", "device"]
) -> int:
    """How many devices were blocked: what one registrar alone matched to the person has ended.

    For a role in any case; else where the person has or had a device that the identity did not let
    in: a match made now would need two. Call it once the role, or the device, is theirs.
    """
    blocked = 0
    for identity_id in matches_made_alone(occasion.connection, person_id):
        if why != "role" and not _came_otherwise(occasion, person_id, identity_id):
            continue
        parted = take_match_away(occasion, identity_id, person_id, "desk")
        if parted is None:
            continue
        blocked += parted.blocked
        event = ForeignMatchEnded(
            person_id=person_id, identity=identity_id, why=why, **parted._asdict()
        )
        record(occasion.connection, occasion.secrets, event, occasion.now, occasion.reference)
        tell(occasion, person_id, kinds.IdentityPartedNotice(by="" if why == "device" else "desk"))
    return blocked


def _came_otherwise(occasion: Occasion, person_id: UUID, identity_id: UUID) -> bool:
    every_device = every_device_of(occasion.connection, person_id)
    return len(_let_in(every_device, identity_id)) < len(every_device)


def _let_in(all_devices: list[Device], identity_id: UUID) -> list[Device]:
    """What came by the identity, and by what came by it: whoever confirms one lets it in."""
    let_in = {device.id for device in all_devices if device.identity_id == identity_id}
    before = 0
    while len(let_in) > before:
        before = len(let_in)
        let_in |= {device.id for device in all_devices if device.added_by in let_in}
    return [device for device in all_devices if device.id in let_in]


def _end_return(occasion: Occasion, before: ForeignIdentity, person_id: UUID) -> bool:
    assert before.matched_at is not None, "it led to somebody"
    begun = waiting_return(occasion, person_id)
    if begun is None or begun.proof != before.upstream or begun.began_at < before.matched_at:
        return False
    return cancel_return(occasion, begun.id)

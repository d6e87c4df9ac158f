"""A foreign identity leads to its person no more: at the desk, or by the person's own word.

A return that was begun with it since it was matched ends with it, and what it let in is blocked: a
device that was added with it, and what that device let in in its turn.
"""

from typing import Literal, NamedTuple
from uuid import UUID

from authn.db.occasion import Occasion
from authn.devices.devices import devices_of
from authn.devices.life import suspend
from authn.devices.tables import Device
from authn.devices.transitions import legal, state_of
from authn.enrolment.returning import cancel_return, waiting_return
from authn.federation.foreign_identities import ForeignIdentity, find_identity, part_identity
from authn.people.persons import lock_person


class Parted(NamedTuple):
    """What ended with a match: whether a return did, and how many devices were blocked."""

    ended_return: bool
    blocked: int


def take_match_away(
    occasion: Occasion, identity_id: UUID, person_id: UUID, by: Literal["desk", "notice"]
) -> Parted | None:
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
    return Parted(_end_return(occasion, before, person_id), len(blocked))


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

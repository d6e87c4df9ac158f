"""A foreign identity leads to its person no more: at the desk, or by the person's own word.

A return that was begun with it since it was matched ends with it. A device that it let in stays:
nobody can tell it from one that its holder has.
"""

from typing import NamedTuple
from uuid import UUID

from authn.db.occasion import Occasion
from authn.enrolment.returning import cancel_return, waiting_return
from authn.federation.foreign_identities import find_identity, part_identity
from authn.people.persons import lock_person


class Parted(NamedTuple):
    """What ended with a match."""

    ended_return: bool


def take_match_away(occasion: Occasion, identity_id: UUID, person_id: UUID) -> Parted | None:
    """What ended by this; None where the identity does not lead to this person (any more)."""
    lock_person(occasion.connection, person_id)
    before = find_identity(occasion.connection, occasion.secrets, identity_id)
    if before is None or not part_identity(occasion.connection, identity_id, person_id):
        return None
    assert before.matched_at is not None, "it led to somebody"
    begun = waiting_return(occasion, person_id)
    if begun is None or begun.proof != before.upstream or begun.began_at < before.matched_at:
        return Parted(ended_return=False)
    return Parted(cancel_return(occasion, begun.id))

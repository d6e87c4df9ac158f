"""Taking a consent back: what was given by it ends at once, and whom that concerns is told.

Why in one transaction: either all of it has ended and everybody will hear of it, or nothing has.
"""

from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, delete

from authn.consents.tables import consents
from authn.db.occasion import Occasion
from authn.grants.ended_grants import tell_of_ended_grants
from authn.grants.grants import live_grants_of, revoke_grants_of

_OF_BOTH = (
    consents.c.person_id == bindparam("person_id"),
    consents.c.client_id == bindparam("client_id"),
)
_WITHDRAW = delete(consents).where(*_OF_BOTH)
_WITHDRAW_IN_PROFILE = delete(consents).where(
    *_OF_BOTH, consents.c.profile_id == bindparam("profile_id")
)
# For `profile_id`: whatever capacity it was in.
EVERY_PROFILE: Final = None


def withdraw_consents(
    occasion: Occasion, person_id: UUID, client_id: str, profile_id: UUID | None = EVERY_PROFILE
) -> int:
    """How many grants ended: the person allows the client nothing any more, and all that it holds
    of the person, offline too, is worth nothing (decisions 7); or so in one profile
    (`Profile.consent_id`).

    The session goes on. In this order: what is given at the same moment waits for the first
    statement, or the first statement for it.
    """
    connection, now = occasion.connection, occasion.now
    of = {"person_id": person_id, "client_id": client_id}
    if profile_id is None:
        connection.execute(_WITHDRAW, of)
    else:
        connection.execute(_WITHDRAW_IN_PROFILE, {**of, "profile_id": profile_id})
    settings = occasion.settings
    ending = live_grants_of(connection, settings, person_id, client_id, now, profile_id)
    ended = revoke_grants_of(connection, person_id, client_id, now, profile_id)
    tell_of_ended_grants(occasion, ending)
    return ended

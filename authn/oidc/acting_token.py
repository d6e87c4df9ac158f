"""Whether the capacity in which a token acts still holds: asked at every use of it.

Not only when the person chose it: a mandate is withdrawn, a recognition ends, a child comes of age.
What its source said last counts, within its limits; when it is due the source is asked anew. And
the client must still be for that kind of capacity, by the operator's word of today. Who
acts as a citizen costs nothing here. A source that is away decides nothing: no token is made, and
what was presented for one is as it was (decisions 4.20).
"""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from authn.audit.log import record
from authn.audit.token_events import EndedProfilePresented
from authn.consents.switched import still_allowed
from authn.db.transaction import must_write
from authn.errors import Unavailable
from authn.grants.grants import Grant, InvalidGrant, revoke_grant
from authn.people.tables import Person
from authn.profiles.profile import CITIZEN, Profile
from authn.profiles.profiles import find_profile, profile_question, standing
from authn.profiles.refreshing import bring_up_to_date
from authn.profiles.representing import EndedRepresentation, represented
from authn.web.request import Request
from authn.web.routing import NeededFromOutside, with_nothing_done

RETRY_AFTER: Final = 30  # seconds: a source that did not answer is not asked again before

ENDED: Final = (
    "The capacity in which the person acted has ended, and the grant with it: the mandate, the "
    "recognition, the membership, the parental authority or the role at the help desk is no more. "
    "Send the person to /authorize again."
)
NOT_FOR_THIS_KIND: Final = (
    "This client may not be used any more in the capacity in which the person acted. Send the "
    "person to /authorize again."
)
UNCHECKED: Final = (
    "The authentic source of the capacity in which the person acts cannot be asked now. Nothing "
    "was spent: try again later."
)


class CapacityEnded(Exception):
    """The profile holds no more, or never was this person's."""


class CapacityUnchecked(Exception):
    """Its source said so too long ago, and can't be asked now."""


def capacity(request: Request, person_id: UUID, profile_id: UUID | None) -> Profile:
    """The profile, that holds at this instant as far as its source tells; a citizen for None.

    Raises `CapacityEnded`, `CapacityUnchecked`, and `NeededFromOutside` for the source's answer.
    """
    if profile_id is None:
        return CITIZEN
    connection, secrets, settings = request.connection, request.secrets, request.settings
    profile = find_profile(connection, secrets, profile_id)
    state = standing(settings, profile, request.now) if profile else "ended"
    question = profile_question(profile) if profile else None
    if question and state in ("due", "unchecked"):
        bring_up_to_date(request, person_id, [question])
        profile = find_profile(connection, secrets, profile_id)
        state = standing(settings, profile, request.now) if profile else "ended"
    if profile is None or state == "ended" or profile.person_id != person_id:
        raise CapacityEnded
    if state == "unchecked":
        raise CapacityUnchecked
    return profile


def capacity_of_token(
    request: Request,
    person_id: UUID,
    profile_id: UUID | None,
    kinds: Collection[str],
    switched_by: str,
) -> Profile:
    """The profile in which a token acts that was given before; raises as `capacity` does.

    The client still may: the one that was granted it, people may use in `kinds`; and one that
    switched to it (`switched_by`) has the person's consent for it.
    """
    profile = capacity(request, person_id, profile_id)
    if switched_by:
        now = request.now
        allowed = still_allowed(request.connection, person_id, switched_by, profile, now)
    else:
        allowed = profile.kind in kinds
    if not allowed:
        raise CapacityEnded
    return profile


def granted_capacity(request: Request, grant: Grant, kinds: Collection[str]) -> Profile:
    """The profile of a grant from which a token is to be made; for whom one acts is alive too.

    `kinds` are those in which people may use the client of the grant now. Raises `InvalidGrant`
    when it is none of them, and when it has ended, which revokes the grant; and what answers 503
    with nothing done when that can't be known.
    """
    try:
        profile = capacity(request, grant.person_id, grant.profile_id)
        whom_it_is_for(request, profile)
    except CapacityEnded:
        _revoke(request, grant)
        raise InvalidGrant(ENDED, detail="the profile has ended") from None
    except CapacityUnchecked:
        raise unchecked() from None
    if profile.kind not in kinds:
        # The grant stays as it is: what the operator takes away by mistake can be given back.
        raise InvalidGrant(NOT_FOR_THIS_KIND, detail="the client is not for this kind of profile")
    return profile


def whom_it_is_for(request: Request, profile: Profile) -> Person | None:
    """The person for whom one acts in this profile; None where that is nobody, or no person.

    Raises `CapacityEnded` when they are dead, and what answers 503 with nothing done when that
    can't be known.
    """
    try:
        return represented(request, profile)
    except EndedRepresentation:
        raise CapacityEnded from None
    except Unavailable:
        raise unchecked() from None


def unchecked() -> NeededFromOutside:
    """What to raise where nobody can say whether a profile holds: 503, and nothing is done."""
    return with_nothing_done(
        Unavailable(
            UNCHECKED, detail="the source of a profile can't be asked", retry_after=RETRY_AFTER
        )
    )


def _revoke(request: Request, grant: Grant) -> None:
    """The grant is worth nothing any more, on record."""
    must_write(request.connection)
    if revoke_grant(request.connection, grant.id, request.now):
        event = EndedProfilePresented(
            person_id=grant.person_id, device_id=grant.device_id, client_id=grant.client_id
        )
        record(request.connection, request.secrets, event, request.now, request.reference)

"""Whether the capacity in which a person acts still holds, checked at every use of a token.

A mandate is withdrawn, a recognition ends, a child comes of age after the person chose the
capacity. The last answer of the authentic source counts within its limits; when an answer is due
the source is asked again. The client must also still be registered for the kind of capacity. A
citizen's own capacity costs no query. While a source is away no token is issued, and what was
presented for one stays as it was (decisions 4.20).
"""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from authn.audit.events.capacities import EndedProfilePresented
from authn.audit.log import record
from authn.consents.consents import has_consent_in_profile
from authn.db.transaction import must_write
from authn.errors import Unavailable
from authn.grants.grants import Grant, InvalidGrant, revoke_grant
from authn.people.tables import Person
from authn.profiles.profile import CITIZEN, Profile
from authn.profiles.profiles import find_profile, profile_question, profile_status
from authn.profiles.refreshing import refresh_from_sources
from authn.profiles.representing import EndedRepresentation, resolve_represented_person
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
    """The capacity does not hold any more, or never was the person's."""


class CapacityUnchecked(Exception):
    """The capacity's source answered too long ago, and cannot be asked now."""


def require_capacity(request: Request, person_id: UUID, profile_id: UUID | None) -> Profile:
    """The person's profile, which holds now as far as its source tells; a citizen's for None.

    Raises `CapacityEnded`, `CapacityUnchecked`, and `NeededFromOutside` for the source's answer.
    """
    if profile_id is None:
        return CITIZEN
    connection, secrets, settings = request.connection, request.secrets, request.settings
    profile = find_profile(connection, secrets, profile_id)
    state = profile_status(settings, profile, request.now) if profile else "ended"
    question = profile_question(profile) if profile else None
    if question and state in ("due", "unchecked"):
        refresh_from_sources(request, person_id, [question])
        profile = find_profile(connection, secrets, profile_id)
        state = profile_status(settings, profile, request.now) if profile else "ended"
    if profile is None or state == "ended" or profile.person_id != person_id:
        raise CapacityEnded
    if state == "unchecked":
        raise CapacityUnchecked
    return profile


def require_capacity_of_token(
    request: Request,
    person_id: UUID,
    profile_id: UUID | None,
    kinds: Collection[str],
    switched_by: str,
) -> Profile:
    """The profile of an access token, which holds now; raises as `require_capacity` does.

    `kinds` are those in which people may use the client. A client that switched to the profile
    (`switched_by`) has the person's consent for the profile instead.
    """
    profile = require_capacity(request, person_id, profile_id)
    if switched_by:
        now = request.now
        allowed = has_consent_in_profile(request.connection, person_id, switched_by, profile, now)
    else:
        allowed = profile.kind in kinds
    if not allowed:
        raise CapacityEnded
    return profile


def require_granted_capacity(request: Request, grant: Grant, kinds: Collection[str]) -> Profile:
    """The profile of a grant from which a token is to be issued; the represented person is alive.

    `kinds` are those in which people may use the client of the grant now. Raises `InvalidGrant`
    for another kind, and where the profile has ended, which revokes the grant; and what answers 503
    with nothing done where nobody knows.
    """
    try:
        profile = require_capacity(request, grant.person_id, grant.profile_id)
        represented_person(request, profile)
    except CapacityEnded:
        _revoke(request, grant)
        raise InvalidGrant(ENDED, detail="the profile has ended") from None
    except CapacityUnchecked:
        raise capacity_unchecked_error() from None
    if profile.kind not in kinds:
        # The grant stays as it is: what the operator takes away by mistake can be given back.
        raise InvalidGrant(NOT_FOR_THIS_KIND, detail="the client is not for this kind of profile")
    return profile


def represented_person(request: Request, profile: Profile) -> Person | None:
    """The person who is represented in a profile; None for nobody, or an organisation.

    Raises `CapacityEnded` when that person is dead, and what answers 503 with nothing done when
    nobody knows.
    """
    try:
        return resolve_represented_person(request, profile)
    except EndedRepresentation:
        raise CapacityEnded from None
    except Unavailable:
        raise capacity_unchecked_error() from None


def capacity_unchecked_error() -> NeededFromOutside:
    """The error where nobody knows whether a profile holds: 503, and nothing is done."""
    return with_nothing_done(
        Unavailable(
            UNCHECKED, detail="the source of a profile can't be asked", retry_after=RETRY_AFTER
        )
    )


def _revoke(request: Request, grant: Grant) -> None:
    """Revokes the grant, on record."""
    must_write(request.connection)
    if revoke_grant(request.connection, grant.id, request.now):
        event = EndedProfilePresented(
            person_id=grant.person_id, device_id=grant.device_id, client_id=grant.client_id
        )
        record(request.connection, request.secrets, event, request.now, request.reference)

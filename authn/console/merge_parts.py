"""Making one person of two: every room's part in it, for the desk and the command line alike."""

from collections.abc import Mapping
from typing import Final, Literal

from authn.consents.merging import unite_consents
from authn.console.merging import forget_looks, move_identities, withdraw_approvals, withdraw_roles
from authn.enrolment.merging import end_enrolments, move_blocks
from authn.grants.merging import end_grants
from authn.login.merging import forget_confirmations, move_choices
from authn.notices.merging import move_addresses
from authn.people.citizen import Citizen
from authn.people.merge import Part
from authn.profiles.merging import move_profiles
from authn.sessions.merging import move_devices
from authn.sources.merging import ask_again
from authn.staff.merging import refuse_staff

# What each room has of a person, in the order of locks: the devices before what hangs on them, the
# profiles before the consents in them. A test holds it against the tables that name a person.
PARTS: Final[Mapping[str, Part]] = {
    "staff, staff_beginning": refuse_staff,
    "devices": move_devices,
    "grants": end_grants,
    "activation_codes, desk_codes, invitations, returns": end_enrolments,
    "emergency_blocks, emergency_links": move_blocks,
    "source_answers": ask_again,
    "profiles": move_profiles,
    "profile_choices": move_choices,
    "confirmed_desk_acts": forget_confirmations,
    "consents": unite_consents,
    "contact_addresses": move_addresses,
    "desk_sessions": forget_looks,
    "approvals": withdraw_approvals,
    "operator_requests": withdraw_roles,
    "unmatched_identities": move_identities,
}

# What the national register says of two of our persons.
Verdict = Literal["unknown", "one", "cancelled", "two"]


def register_verdict(
    merged: Citizen | None, kept: Citizen | None
) -> tuple[Verdict, Citizen | None]:
    """Whether they are one citizen there, and whom the one who stays is then."""
    if merged is None or kept is None:
        return "unknown", kept
    if merged.ssin == kept.ssin:
        return "one", kept
    if merged.cancelled or kept.cancelled:
        return "cancelled", merged if kept.cancelled else kept
    return "two", kept

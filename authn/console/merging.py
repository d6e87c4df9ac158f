"""Merging two persons who are one: the steps of every room in order, and those of the desk itself.

The desk and the command line pass `MERGE_STEPS` to `people.merge.merge_persons`.
"""

from collections.abc import Mapping
from typing import Final, Literal

from sqlalchemy import Uuid, and_, bindparam, or_, update

from authn.consents.merging import unite_consents
from authn.console.act_rules import RECOVERY_ACTS
from authn.console.tables import approvals, desk_sessions, operator_requests
from authn.enrolment.foreign_matches import end_matches_made_alone
from authn.enrolment.merging import end_enrolments, move_blocks
from authn.federation.foreign_identities import unmatched_identities
from authn.grants.endings.ended_grants import end_grants_of_merged
from authn.login.checks.desk_act import forget_confirmations
from authn.login.profile_choices import move_choices
from authn.notices.notices import move_addresses
from authn.people.merge import MergeStep, PersonMerge
from authn.people.persons import Citizen
from authn.profiles.merging import move_profiles
from authn.sessions.merging import move_devices
from authn.sources.answers import ask_sources_again
from authn.staff.members import refuse_merge_of_staff

_CLEAR_REASONS = (
    update(desk_sessions)
    .where(desk_sessions.c.about_id == bindparam("merged"), desk_sessions.c.ended_at.is_(None))
    .values(about_id=None, about_since=None)
)
# Also what was approved, and who asked has not carried out yet.
_WITHDRAW = (
    update(approvals)
    .where(
        approvals.c.person_id.in_([bindparam(each, type_=Uuid) for each in ("merged", "kept")]),
        or_(
            approvals.c.state == "waiting",
            and_(
                approvals.c.state == "approved",
                approvals.c.act.in_(sorted(RECOVERY_ACTS)),
            ),
        ),
    )
    .values(state="withdrawn", decided_at=bindparam("now"))
)
_WITHDRAW_ROLES = (
    update(operator_requests)
    .where(
        operator_requests.c.person_id.in_(
            [bindparam(each, type_=Uuid) for each in ("merged", "kept")]
        ),
        operator_requests.c.state == "waiting",
    )
    .values(state="withdrawn", decided_at=bindparam("now"))
)
_MOVE_IDENTITIES = (
    update(unmatched_identities)
    .where(unmatched_identities.c.person_id == bindparam("merged"))
    .values(person_id=bindparam("kept"))
)


def clear_reasons(merger: PersonMerge) -> list[str]:
    """End every agent's reason to look at the merged person: they give one for who stays."""
    merger.connection.execute(_CLEAR_REASONS, {"merged": merger.merged.id})
    return []


def withdraw_approvals(merger: PersonMerge) -> list[str]:
    """Withdraw approvals about either person: they were asked for about one account alone."""
    both = {"merged": merger.merged.id, "kept": merger.kept.id}
    parameters = {**both, "now": merger.occasion.now}
    withdrawn = merger.connection.execute(_WITHDRAW, parameters).rowcount
    return [f"Acts at the desk that waited for approval and are withdrawn: {withdrawn}."]


def withdraw_roles(merger: PersonMerge) -> list[str]:
    """Withdraw requests that give either person a role: they were about one account's devices.

    What the two asked for themselves stays, since it is done only while they are staff.
    """
    both = {"merged": merger.merged.id, "kept": merger.kept.id}
    parameters = {**both, "now": merger.occasion.now}
    merger.connection.execute(_WITHDRAW_ROLES, parameters)
    return []


def move_identities(merger: PersonMerge) -> list[str]:
    """Move the foreign identities of the merged person to the one who stays.

    A match that one registrar made alone ends where the person has other devices now than those
    that came by the match. Run after the devices have moved.
    """
    both = {"merged": merger.merged.id, "kept": merger.kept.id}
    merger.connection.execute(_MOVE_IDENTITIES, both)
    blocked = end_matches_made_alone(merger.occasion, merger.kept.id, "merger")
    if not blocked:
        return []
    return [f"Devices that are blocked, let in on the word of one registrar: {blocked}."]


# The steps by the tables they change, in the order of locks: devices before what hangs on them,
# profiles before the consents in them. A test compares the keys to the tables that name a person.
MERGE_STEPS: Final[Mapping[str, MergeStep]] = {
    "staff, staff_beginning": refuse_merge_of_staff,
    "devices": move_devices,
    "grants": end_grants_of_merged,
    "activation_codes, desk_codes, invitations, returns": end_enrolments,
    "emergency_blocks, emergency_links": move_blocks,
    "source_answers": ask_sources_again,
    "profiles": move_profiles,
    "profile_choices": move_choices,
    "confirmed_desk_acts": forget_confirmations,
    "consents": unite_consents,
    "contact_addresses": move_addresses,
    "desk_sessions": clear_reasons,
    "approvals": withdraw_approvals,
    "operator_requests": withdraw_roles,
    "unmatched_identities": move_identities,
}

# What the national register says of two of our persons.
Verdict = Literal["unknown", "one", "cancelled", "two"]


def register_verdict(
    merged: Citizen | None, kept: Citizen | None
) -> tuple[Verdict, Citizen | None]:
    """Whether the national register holds the two for one citizen, and who the kept person is."""
    if merged is None or kept is None:
        return "unknown", kept
    if merged.ssin == kept.ssin:
        return "one", kept
    if merged.cancelled or kept.cancelled:
        return "cancelled", merged if kept.cancelled else kept
    return "two", kept

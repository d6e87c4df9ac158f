"""What becomes of the desk's own rows about somebody who turns out to be another."""

from sqlalchemy import Uuid, and_, bindparam, or_, update

from authn.console.tables import approvals, desk_sessions, operator_requests
from authn.console.targets import BY_WHICH_ONE_RETURNS
from authn.enrolment.foreign_matches import end_matches_made_alone
from authn.federation.tables import unmatched_identities
from authn.people.merge import PersonMerge

_FORGET = (
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
                approvals.c.act.in_(sorted(BY_WHICH_ONE_RETURNS)),
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
_MATCHED = (
    update(unmatched_identities)
    .where(unmatched_identities.c.person_id == bindparam("merged"))
    .values(person_id=bindparam("kept"))
)


def forget_looks(merger: PersonMerge) -> list[str]:
    """Whoever of the staff looks at the merged person gives a reason for the one who stays."""
    merger.connection.execute(_FORGET, {"merged": merger.merged.id})
    return []


def withdraw_approvals(merger: PersonMerge) -> list[str]:
    """What a second member of staff was to agree to, or did, was about one account and no other."""
    both = {"merged": merger.merged.id, "kept": merger.kept.id}
    parameters = {**both, "now": merger.occasion.now}
    withdrawn = merger.connection.execute(_WITHDRAW, parameters).rowcount
    return [f"Acts at the desk that waited for approval and are withdrawn: {withdrawn}."]


def withdraw_roles(merger: PersonMerge) -> list[str]:
    """A role was to be of who had one account, with its devices alone. What they asked others keep
    as it is, since it is done only while they are staff."""
    both = {"merged": merger.merged.id, "kept": merger.kept.id}
    parameters = {**both, "now": merger.occasion.now}
    merger.connection.execute(_WITHDRAW_ROLES, parameters)
    return []


def move_identities(merger: PersonMerge) -> list[str]:
    """Foreign identities that were matched to the one lead to the other.

    But for what one registrar alone matched, where there are other devices now than it let in. Call
    it once these are theirs.
    """
    both = {"merged": merger.merged.id, "kept": merger.kept.id}
    merger.connection.execute(_MATCHED, both)
    blocked = end_matches_made_alone(merger.occasion, merger.kept.id, "merger")
    if not blocked:
        return []
    return [f"Devices that are blocked, let in on the word of one registrar: {blocked}."]

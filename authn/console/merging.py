"""What becomes of the desk's own rows about somebody who turns out to be another."""

from sqlalchemy import bindparam, update

from authn.console.tables import approvals, desk_sessions
from authn.federation.tables import unmatched_identities
from authn.people.merge import Merger

_FORGET = (
    update(desk_sessions)
    .where(desk_sessions.c.about_id == bindparam("merged"), desk_sessions.c.ended_at.is_(None))
    .values(about_id=None, about_since=None)
)
_WITHDRAW = (
    update(approvals)
    .where(approvals.c.person_id == bindparam("merged"), approvals.c.state == "waiting")
    .values(state="withdrawn", decided_at=bindparam("now"))
)
_MATCHED = (
    update(unmatched_identities)
    .where(unmatched_identities.c.person_id == bindparam("merged"))
    .values(person_id=bindparam("kept"))
)


def forget_looks(merger: Merger) -> list[str]:
    """Whoever of the staff looks at the merged person gives a reason for the one who stays."""
    merger.connection.execute(_FORGET, {"merged": merger.merged.id})
    return []


def withdraw_approvals(merger: Merger) -> list[str]:
    """What waited for a second member of staff was about somebody who is nobody any more."""
    parameters = {"merged": merger.merged.id, "now": merger.occasion.now}
    withdrawn = merger.connection.execute(_WITHDRAW, parameters).rowcount
    return [f"Acts at the desk that waited for approval and are withdrawn: {withdrawn}."]


def move_identities(merger: Merger) -> list[str]:
    """Foreign identities that were matched to the one lead to the other."""
    both = {"merged": merger.merged.id, "kept": merger.kept.id}
    merger.connection.execute(_MATCHED, both)
    return []

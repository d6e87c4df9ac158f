"""What becomes of codes, invitations, blocks and returns of who turns out to be another."""

from sqlalchemy import ColumnElement, and_, false, or_, select, update

from authn.enrolment.desk_codes import has_history
from authn.enrolment.desk_tables import desk_codes
from authn.enrolment.invitation_tables import PENDING, invitations
from authn.enrolment.recovery_tables import emergency_blocks, emergency_links, returns
from authn.enrolment.tables import activation_codes
from authn.people.merge import PersonMerge

# Printed after a wait, or with a second member of staff, as for somebody who has devices.
_GUARDED = select(desk_codes.c.code_id).where(
    desk_codes.c.code_id.is_not(None), desk_codes.c.guarded, desk_codes.c.state == "printed"
)


def end_enrolments(merger: PersonMerge) -> list[str]:
    """Nothing that was begun for the merged person can be completed; the rows stay theirs.

    Nor what one alone issued to who stays, when they had no device: there are devices now that
    nobody agreed to open. Called once these are theirs.
    """
    connection, merged, now = merger.connection, merger.merged.id, merger.occasion.now
    codes = connection.execute(
        update(activation_codes)
        .where(
            or_(activation_codes.c.person_id == merged, _issued_alone(merger)),
            activation_codes.c.used_at.is_(None),
            activation_codes.c.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=now)
    ).rowcount
    invited = connection.execute(
        update(invitations)
        .where(invitations.c.person_id == merged, invitations.c.state.in_(PENDING))
        .values(state="dead")
    ).rowcount
    coming_back = connection.execute(
        update(returns)
        .where(returns.c.person_id == merged, returns.c.state == "waiting")
        .values(state="cancelled")
    ).rowcount
    # And of who stays what is not printed yet: it was to open one account, and has none to cancel
    # it among the other one's addresses.
    unprinted = and_(
        desk_codes.c.person_id == merger.kept.id,
        desk_codes.c.state.in_(("checked", "asked", "waiting", "open")),
    )
    of_merged = and_(desk_codes.c.person_id == merged, desk_codes.c.state != "cancelled")
    connection.execute(
        update(desk_codes).where(or_(of_merged, unprinted)).values(state="cancelled")
    )
    return [
        f"Activation codes that are withdrawn: {codes}.",
        f"Invitations of devices that end: {invited}.",
        f"Returns that waited and are cancelled: {coming_back}.",
    ]


def _issued_alone(merger: PersonMerge) -> ColumnElement[bool]:
    if not has_history(merger.connection, merger.kept.id):
        return false()
    of_kept = activation_codes.c.person_id == merger.kept.id
    return and_(of_kept, activation_codes.c.id.not_in(_GUARDED))


def move_blocks(merger: PersonMerge) -> list[str]:
    """A block by the emergency door runs on, and counts for how often mail alone may do it."""
    moved = 0
    for table in (emergency_blocks, emergency_links):
        statement = (
            update(table)
            .where(table.c.person_id == merger.merged.id)
            .values(person_id=merger.kept.id)
        )
        rows = merger.connection.execute(statement).rowcount
        moved += rows if table is emergency_blocks else 0
    return [f"Uses of the emergency door that go on counting: {moved}."] if moved else []

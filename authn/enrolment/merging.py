"""Codes, invitations, blocks and recoveries where two persons of this service are one."""

from sqlalchemy import ColumnElement, and_, false, or_, select, update

from authn.enrolment.activation.codes import activation_codes
from authn.enrolment.desk_codes.lifecycle import has_device_history
from authn.enrolment.desk_tables import desk_codes
from authn.enrolment.invitation_tables import PENDING, invitations
from authn.enrolment.recovery_tables import account_recoveries, emergency_blocks, emergency_links
from authn.people.merge import PersonMerge

# Printed after a wait, or with a second member of staff, as for somebody who has devices.
_GUARDED = select(desk_codes.c.code_id).where(
    desk_codes.c.code_id.is_not(None), desk_codes.c.guarded, desk_codes.c.state == "printed"
)


def end_enrolments(merger: PersonMerge) -> list[str]:
    """Codes, invitations and recoveries of the merged person end; the rows stay theirs.

    So do codes that one registrar alone issued to the kept person, who had no device then: there
    are devices now. To be called once the devices are the kept person's.
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
    recoveries = connection.execute(
        update(account_recoveries)
        .where(account_recoveries.c.person_id == merged, account_recoveries.c.state == "waiting")
        .values(state="cancelled")
    ).rowcount
    # Codes of the kept person that are not printed yet end too: the addresses of the merged person
    # had no notice of them.
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
        f"Returns that waited and are cancelled: {recoveries}.",
    ]


def _issued_alone(merger: PersonMerge) -> ColumnElement[bool]:
    if not has_device_history(merger.connection, merger.kept.id):
        return false()
    of_kept = activation_codes.c.person_id == merger.kept.id
    return and_(of_kept, activation_codes.c.id.not_in(_GUARDED))


def move_blocks(merger: PersonMerge) -> list[str]:
    """Emergency blocks run on, and count for the limit of blocks by mail."""
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

"""A second member of staff approves an act: it is done in the transaction that decides so.

Everything is looked at again at that moment: who asked may have lost their role, the device may be
gone. What can't be done any more is on record as failed, and nothing of it happens later.
"""

from typing import Final
from uuid import UUID

from authn.audit.desk_events import ApprovalGiven
from authn.console.acts import DEEDS, ActOutcome, perform
from authn.console.approval_rows import Approval
from authn.console.approvals import decide, fail
from authn.console.deeds import particulars_of
from authn.console.desk_sessions import Desk
from authn.console.machine import NOBODY, OperatorRequestByCommand
from authn.console.on_record import record_at_desk
from authn.console.targets import seen_person
from authn.db.occasion import Occasion
from authn.errors import N_, Forbidden, Refusal
from authn.staff.staff import Staff, staff_at

NO_STAFF: Final = N_("Who asked for this may not do it any more. Nothing was done.")


def approve(occasion: Occasion, desk: Desk, approval_id: UUID) -> ActOutcome:
    """What was asked is done, by who asked it, with this member of staff as the second one.

    An act that is none of `acts.DEEDS` (an activation code, which is printed where the registrar
    is) is only approved: who asked carries it out (`approvals.use_approval`). Raises as
    `approvals.decide`, and what the act raises when it is not possible any more.
    """
    approval = decide(occasion, desk, approval_id, "approved")
    event = ApprovalGiven(**approval.on_record(desk), asked_by=approval.asked_by)
    record_at_desk(occasion, desk, event)
    try:
        return _carried_out(occasion, desk, approval)
    except Refusal as refusal:
        fail(occasion, desk, approval, refusal.error)
        raise


def _carried_out(occasion: Occasion, desk: Desk, approval: Approval) -> ActOutcome:
    person = seen_person(occasion.connection, approval.person_id)
    asker = _asker(occasion, approval)
    if person is None or asker is None or not asker.may(approval.act):
        raise Forbidden("asker_may_not", NO_STAFF)
    if approval.act not in DEEDS:
        return ActOutcome(approval.act, person.id, approval_id=approval.id)
    by_asker = (
        Desk(asker, approval.why)
        if approval.asked_by
        else OperatorRequestByCommand(asker, approval.why)
    )
    particulars = particulars_of(approval.payload)
    return perform(occasion, by_asker, approval.act, person, particulars, desk.person_id)


def _asker(occasion: Occasion, approval: Approval) -> Staff | None:
    """What who asked is now at the desk where they asked: a role at another one is no stand-in."""
    if approval.asked_by is None:
        return NOBODY
    return staff_at(occasion.connection, approval.asked_by, approval.desk or "")

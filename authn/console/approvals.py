"""Four eyes: how an act that waits for a second member of staff is asked for, decided and used.

Each step out of `waiting` is one conditional UPDATE: of two decisions at once, or a decision
against a withdrawal or the end of its time, exactly one happens. `acts.approve` performs what was
approved, in the same transaction.
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import bindparam, update

from authn.audit.events import desk_acts as events
from authn.console.act_rules import (
    BEGAN_RECOVERY,
    began_recovery_that_ends,
    find_person_at_desk,
    not_found_error,
    record_desk_refusal,
    refuse_who_began_recovery,
)
from authn.console.approval_rows import (
    OF_ID,
    WAITS,
    Approval,
    State,
    approval_from_row,
    asker_columns,
    find_approval,
    find_granted_approvals,
    find_waiting_approvals,
    list_visible_approvals,
    store_approval,
)
from authn.console.desk_sessions import Desk
from authn.console.recording import record_at_desk
from authn.console.tables import approvals
from authn.db.metadata import UtcDateTime
from authn.db.occasion import Occasion
from authn.db.transaction import must_write
from authn.errors import N_, Expired, Forbidden
from authn.people.persons import lock_person
from authn.staff.members import lock_role_for
from authn.staff.roles import Act

LONGEST_REMARK: Final = 200
COUNTS_NO_MORE: Final = N_("Who agreed to this may not agree any more. Ask for it anew.")

_DECIDE = (
    update(approvals)
    .where(OF_ID, WAITS)
    .values(
        state=bindparam("after"),
        decided_by=bindparam("by"),
        decided_at=bindparam("now", type_=UtcDateTime),
        remark=bindparam("with_remark"),
    )
    .returning(approvals)
)
_FAIL = update(approvals).where(OF_ID).values(state="failed", remark=bindparam("with_remark"))
_USE = (
    update(approvals)
    .where(OF_ID, approvals.c.state == "approved")
    .values(state="used")
    .returning(approvals.c.id)
)


def request_approval(
    occasion: Occasion, desk: Desk, act: Act, person_id: UUID, payload: Mapping[str, str]
) -> Approval:
    """The approval that waits now for a second member of staff, for the reason that the desk has.

    An act asked for twice by somebody at one desk waits once.
    """
    lock_person(occasion.connection, person_id)
    for waiting in find_waiting_approvals(occasion, desk, act, person_id):
        if waiting.payload == payload:
            return waiting
    now = occasion.now
    asked = Approval(
        id=uuid4(),
        act=act,
        person_id=person_id,
        payload=payload,
        why=desk.why,
        **asker_columns(desk),
        asked_at=now,
        expires_at=now + occasion.settings.desk_approval_lifetime,
        state="waiting",
        decided_by=None,
        decided_at=None,
        remark="",
    )
    store_approval(occasion, asked)
    event = events.ApprovalAsked(**asked.event_fields(desk), **asked.why.event_fields())
    record_at_desk(occasion, desk, event)
    return asked


def may_decide(desk: Desk, approval: Approval) -> bool:
    """Whether this member of staff may decide, in a role of the desk at which they are now.

    Not who asked, and not about themselves. Asked at any desk: a small desk may have a single
    supervisor, who may be who asks, and a local operator asks at no desk.
    """
    return desk.staff.may("approve") and not _is_involved(desk.person_id, approval)


def count_waiting_approvals(occasion: Occasion, desk: Desk) -> int:
    """How many approvals this member of staff may decide about now."""
    shown = list_visible_approvals(occasion, desk)
    return sum(
        each.state_at(occasion.now) == "waiting" and may_decide(desk, each) for each in shown
    )


def record_decision(
    occasion: Occasion, desk: Desk, approval_id: UUID, after: State, remark: str = ""
) -> Approval:
    """The approval, moved out of `waiting` by this decision and by no other.

    Raises `NotFound` where this member of staff may not decide, `Forbidden` where they began the
    account recovery that the act would end, and `Expired` when it doesn't wait any more.
    """
    known = find_approval(occasion, approval_id)
    if known is None or not may_decide(desk, known):
        record_desk_refusal(
            occasion, desk, "approve", "not by this one", known.person_id if known else None
        )
        raise not_found_error()
    if after == "approved":  # to say no opens nothing
        refuse_who_began_recovery(occasion, desk, "approve", known.person_id, known.act)
    return _leave_waiting(occasion, desk, approval_id, after, remark)


def record_refusal(occasion: Occasion, desk: Desk, approval_id: UUID, remark: str) -> Approval:
    """The approval is refused, with a remark for who asked. Raises as `record_decision`."""
    remark = " ".join(remark.split())[:LONGEST_REMARK]  # one line, wherever it is shown
    refused = record_decision(occasion, desk, approval_id, "refused", remark)
    event = events.ApprovalRefused(
        **refused.event_fields(desk), asked_by=refused.asked_by, remark=refused.remark
    )
    record_at_desk(occasion, desk, event)
    return refused


def record_withdrawal(occasion: Occasion, desk: Desk, approval_id: UUID) -> Approval:
    """The approval is withdrawn by who asked.

    Raises `NotFound` for anybody else, and `Expired` when it doesn't wait any more.
    """
    known = find_approval(occasion, approval_id)
    if known is None or known.asked_by != desk.person_id:
        record_desk_refusal(
            occasion, desk, "withdraw", "asked by another", known.person_id if known else None
        )
        raise not_found_error()
    withdrawn = _leave_waiting(occasion, desk, approval_id, "withdrawn", "")
    record_at_desk(occasion, desk, events.ApprovalWithdrawn(**withdrawn.event_fields(desk)))
    return withdrawn


def record_failure(occasion: Occasion, desk: Desk, approval: Approval, failure: str) -> None:
    """The approval was given, but its act was not possible any more: nothing of it was done."""
    parameters = {"approval_id": approval.id, "with_remark": failure}
    occasion.connection.execute(_FAIL, parameters)
    event = events.ApprovalFailed(
        **approval.event_fields(desk), asked_by=approval.asked_by, failure=failure
    )
    record_at_desk(occasion, desk, event)


def use_approval(
    occasion: Occasion, desk: Desk, act: Act, person_id: UUID, payload: Mapping[str, str]
) -> Approval | None:
    """Spend the approval that this member of staff was given for this act; None without one.

    For an act that who asked carries out themselves, as a code that is printed where they are: once
    for each approval, within as much time as it could wait, and with exactly this `payload`. Raises
    `Forbidden`, on record, where who approved may not approve any more.
    """
    must_write(occasion.connection)
    found = find_granted_approvals(occasion, desk, act, person_id)
    approval = next((each for each in found if each.payload == payload), None)
    if approval is None:
        return None
    if occasion.connection.execute(_USE, {"approval_id": approval.id}).first() is None:
        return None
    if failure := _why_lapsed(occasion, approval):
        occasion.connection.execute(_FAIL, {"approval_id": approval.id, "with_remark": failure})
        event = events.ApprovalLapsed(
            **approval.event_fields(desk), approved_by=approval.decided_by, failure=failure
        )
        record_at_desk(occasion, desk, event)
        raise Forbidden("approver_may_not", COUNTS_NO_MORE, detail=failure)
    return approval


def _is_involved(person_id: UUID, approval: Approval) -> bool:
    """Whether they asked for it, or it acts on them: then they are no second person."""
    return person_id in {approval.asked_by, *approval.persons_acted_on}


def _why_lapsed(occasion: Occasion, approval: Approval) -> str:
    """Why who approved may not approve any more, in words for operators; "" where they may.

    Locks their roles, of any desk, until the transaction ends.
    """
    decider = approval.decided_by
    assert decider is not None, "it was approved"
    if not lock_role_for(occasion.connection, decider, "approve"):
        return "no supervisor"
    person = find_person_at_desk(occasion.connection, decider)
    if person is None or person.deceased or person.merged_into is not None:
        return "nobody any more"
    if _is_involved(decider, approval):
        return "not by this one"
    began = began_recovery_that_ends(occasion, decider, approval.act, approval.person_id)
    return BEGAN_RECOVERY if began else ""


def approval_over_error() -> Expired:
    """The error of a decision about what was decided, withdrawn, or waited too long."""
    return Expired(
        "approval_over",
        N_("This was decided already, was taken back, or waited too long. Nothing was done now."),
    )


def _leave_waiting(
    occasion: Occasion, desk: Desk, approval_id: UUID, after: State, remark: str
) -> Approval:
    must_write(occasion.connection)
    parameters = {
        "approval_id": approval_id,
        "now": occasion.now,
        "after": after,
        "by": desk.person_id,
        "with_remark": remark,
    }
    row = occasion.connection.execute(_DECIDE, parameters).first()
    if row is None:
        raise approval_over_error()
    return approval_from_row(occasion.secrets, row)

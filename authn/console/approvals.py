"""Four eyes: acts that wait for a second member of staff, and how that ends.

Each step out of `waiting` is one conditional UPDATE: of two approvals at once, an approval against
a withdrawal or against the end of its time, exactly one happens. What an approval carries out is in
`console.approving`, in the same transaction.
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import bindparam, update

from authn.audit import desk_events as events
from authn.console.approval_rows import (
    OF_ID,
    WAITS,
    Approval,
    State,
    approval_from_row,
    approved_of,
    asker,
    find_approval,
    shown_approvals,
    store_approval,
    waiting_of,
)
from authn.console.desk_sessions import Desk
from authn.console.on_record import record_at_desk
from authn.console.returns_begun import WHY_NOT, began_what_ends, refuse_who_began
from authn.console.tables import approvals
from authn.console.targets import note_refused, nothing_here, seen_person
from authn.db.metadata import UtcDateTime
from authn.db.occasion import Occasion
from authn.db.transaction import must_write
from authn.errors import N_, Expired, Forbidden
from authn.people.persons import lock_person
from authn.staff.roles import Act
from authn.staff.staff import hold_roles_for

LONGEST_REMARK: Final = 200
COUNTS_NO_MORE: Final = N_("Who agreed to this may not agree any more. Ask for it anew.")

_DECIDE = (
    update(approvals)
    .where(OF_ID, WAITS)
    .values(
        state=bindparam("after"),
        decided_by=bindparam("by"),
        decided_at=bindparam("now", type_=UtcDateTime),
        remark=bindparam("said"),
    )
    .returning(approvals)
)
_FAIL = update(approvals).where(OF_ID).values(state="failed", remark=bindparam("said"))
_USE = (
    update(approvals)
    .where(OF_ID, approvals.c.state == "approved")
    .values(state="used")
    .returning(approvals.c.id)
)


def ask(
    occasion: Occasion, desk: Desk, act: Act, person_id: UUID, payload: Mapping[str, str]
) -> Approval:
    """What waits now for a second member of staff, for the reason that the desk has.

    The same, asked twice by the same one at the same desk, waits once.
    """
    lock_person(occasion.connection, person_id)
    for waiting in waiting_of(occasion, desk, act, person_id):
        if waiting.payload == payload:
            return waiting
    now = occasion.now
    asked = Approval(
        id=uuid4(),
        act=act,
        person_id=person_id,
        payload=payload,
        why=desk.why,
        **asker(desk),
        asked_at=now,
        expires_at=now + occasion.settings.desk_approval_lifetime,
        state="waiting",
        decided_by=None,
        decided_at=None,
        remark="",
    )
    store_approval(occasion, asked)
    event = events.ApprovalAsked(**asked.on_record(desk), **asked.why.on_record())
    record_at_desk(occasion, desk, event)
    return asked


def may_decide(desk: Desk, approval: Approval) -> bool:
    """Whether this member of staff may decide, in a role of the desk at which they are now.

    Another one than who asked, and not about themselves; asked at any desk: a small one may have
    one supervisor alone, who may be who asks, and what is asked at the machine is of none.
    """
    return desk.staff.may("approve") and not _concerns(desk.person_id, approval)


def count_waiting(occasion: Occasion, desk: Desk) -> int:
    """How many this member of staff may decide about now."""
    shown = shown_approvals(occasion, desk)
    return sum(
        each.state_at(occasion.now) == "waiting" and may_decide(desk, each) for each in shown
    )


def decide(
    occasion: Occasion, desk: Desk, approval_id: UUID, after: State, remark: str = ""
) -> Approval:
    """The approval, approved or refused by this, and by nobody else.

    Raises `NotFound` where this member of staff may not decide, `Forbidden` where they began the
    return that would end by it, and `Expired` when it doesn't wait any more.
    """
    known = find_approval(occasion, approval_id)
    if known is None or not may_decide(desk, known):
        note_refused(
            occasion, desk, "approve", "not by this one", known.person_id if known else None
        )
        raise nothing_here()
    if after == "approved":  # to say no opens nothing
        refuse_who_began(occasion, desk, "approve", known.person_id, known.act)
    return _step(occasion, desk, approval_id, after, remark)


def refuse(occasion: Occasion, desk: Desk, approval_id: UUID, remark: str) -> Approval:
    """What was asked is refused, and is never done by it. Raises as `decide`."""
    said = " ".join(remark.split())[:LONGEST_REMARK]  # one line, wherever it is shown
    refused = decide(occasion, desk, approval_id, "refused", said)
    event = events.ApprovalRefused(
        **refused.on_record(desk), asked_by=refused.asked_by, remark=refused.remark
    )
    record_at_desk(occasion, desk, event)
    return refused


def withdraw(occasion: Occasion, desk: Desk, approval_id: UUID) -> Approval:
    """Who asked takes it back. Raises `NotFound` for anybody else, and `Expired` as `decide`."""
    known = find_approval(occasion, approval_id)
    if known is None or known.asked_by != desk.person_id:
        note_refused(
            occasion, desk, "withdraw", "asked by another", known.person_id if known else None
        )
        raise nothing_here()
    withdrawn = _step(occasion, desk, approval_id, "withdrawn", "")
    record_at_desk(occasion, desk, events.ApprovalWithdrawn(**withdrawn.on_record(desk)))
    return withdrawn


def fail(occasion: Occasion, desk: Desk, approval: Approval, failure: str) -> None:
    """It was approved, and could not be done any more: nothing of it happens by it."""
    parameters = {"approval_id": approval.id, "said": failure}
    occasion.connection.execute(_FAIL, parameters)
    event = events.ApprovalFailed(
        **approval.on_record(desk), asked_by=approval.asked_by, failure=failure
    )
    record_at_desk(occasion, desk, event)


def use_approval(
    occasion: Occasion, desk: Desk, act: Act, person_id: UUID, payload: Mapping[str, str]
) -> Approval | None:
    """What was approved and this member of staff had asked, spent by this; None without one.

    For an act that who asked carries out themselves, as a code that is printed where they are: once
    for each approval, within as much time as it could wait, and of exactly this `payload`: what was
    approved for anything else is neither used nor spent. Raises `Forbidden` where who approved it
    may not any more: it counts for nothing then, and is on record.
    """
    must_write(occasion.connection)
    found = approved_of(occasion, desk, act, person_id)
    approval = next((each for each in found if each.payload == payload), None)
    if approval is None:
        return None
    if occasion.connection.execute(_USE, {"approval_id": approval.id}).first() is None:
        return None
    if failure := _lapsed(occasion, approval):
        occasion.connection.execute(_FAIL, {"approval_id": approval.id, "said": failure})
        event = events.ApprovalLapsed(
            **approval.on_record(desk), approved_by=approval.decided_by, failure=failure
        )
        record_at_desk(occasion, desk, event)
        raise Forbidden("approver_may_not", COUNTS_NO_MORE, detail=failure)
    return approval


def _concerns(person_id: UUID, approval: Approval) -> bool:
    """Whether they asked it, or it is about them: then they are no second person."""
    return person_id in {approval.asked_by, *approval.concerned}


def _lapsed(occasion: Occasion, approval: Approval) -> str:
    """Why who approved it would not be let approve it now, for operators; "" where they would.

    From here on nobody takes their role away before this is done. At whatever desk it is theirs: at
    whatever desk they approved it.
    """
    decider = approval.decided_by
    assert decider is not None, "it was approved"
    if not hold_roles_for(occasion.connection, decider, "approve"):
        return "no supervisor"
    person = seen_person(occasion.connection, decider)
    if person is None or person.deceased or person.merged_into is not None:
        return "nobody any more"
    if _concerns(decider, approval):
        return "not by this one"
    began = began_what_ends(occasion, decider, approval.act, approval.person_id)
    return WHY_NOT if began else ""


def not_waiting() -> Expired:
    """The refusal of a decision about what was decided, taken back, or too old."""
    return Expired(
        "approval_over",
        N_("This was decided already, was taken back, or waited too long. Nothing was done now."),
    )


def _step(occasion: Occasion, desk: Desk, approval_id: UUID, after: State, said: str) -> Approval:
    must_write(occasion.connection)
    parameters = {
        "approval_id": approval_id,
        "now": occasion.now,
        "after": after,
        "by": desk.person_id,
        "said": said,
    }
    row = occasion.connection.execute(_DECIDE, parameters).first()
    if row is None:
        raise not_waiting()
    return approval_from_row(occasion.secrets, row)

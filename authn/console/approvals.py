"""Four eyes: acts that wait for a second member of staff, and how that ends.

Each step out of `waiting` is one conditional UPDATE: of two approvals at once, an approval against
a withdrawal or against the end of its time, exactly one happens. What an approval carries out is in
`console.approving`, in the same transaction.
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import bindparam, select, update

from authn.audit import desk_events as events
from authn.audit.events import Event
from authn.audit.log import record
from authn.console.approval_rows import (
    OF_ID,
    WAITS,
    Approval,
    State,
    any_over,
    approval_from_row,
    find_approval,
    shown_approvals,
    store_approval,
    waiting_of,
)
from authn.console.desk_sessions import Desk
from authn.console.tables import approvals
from authn.console.targets import note_refused, nothing_here
from authn.db.metadata import Instant
from authn.db.occasion import Occasion
from authn.db.transaction import must_write
from authn.errors import N_, Expired
from authn.people.persons import lock_person
from authn.staff.roles import Act

LONGEST_REMARK: Final = 200

_DECIDE = (
    update(approvals)
    .where(OF_ID, WAITS)
    .values(
        state=bindparam("after"),
        decided_by=bindparam("by"),
        decided_at=bindparam("now", type_=Instant),
        remark=bindparam("said"),
    )
    .returning(approvals)
)
_EXPIRE = (
    update(approvals)
    .where(
        approvals.c.state == "waiting", approvals.c.expires_at <= bindparam("now", type_=Instant)
    )
    .values(state="expired")
    .returning(approvals)
)
_FAIL = update(approvals).where(OF_ID).values(state="failed", remark=bindparam("said"))
_USE = (
    update(approvals)
    .where(
        approvals.c.id
        == select(approvals.c.id)
        .where(
            approvals.c.person_id == bindparam("of_person"),
            approvals.c.act == bindparam("of_act"),
            approvals.c.asked_by == bindparam("asker"),
            approvals.c.state == "approved",
            approvals.c.decided_at > bindparam("since", type_=Instant),
        )
        .order_by(approvals.c.decided_at.desc(), approvals.c.id)
        .limit(1)
        .scalar_subquery(),
        approvals.c.state == "approved",
    )
    .values(state="used")
    .returning(approvals)
)


def ask(
    occasion: Occasion, desk: Desk, act: Act, person_id: UUID, payload: Mapping[str, str]
) -> Approval:
    """What waits now for a second member of staff, for the reason that the desk has.

    The same, asked twice by the same one, waits once.
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
        asked_by=desk.person_id,
        asked_at=now,
        expires_at=now + occasion.settings.desk_approval_lifetime,
        state="waiting",
        decided_by=None,
        decided_at=None,
        remark="",
    )
    store_approval(occasion, asked)
    event = events.ApprovalAsked(
        person_id=person_id,
        actor_id=desk.person_id,
        approval=asked.id,
        act=act,
        reason=desk.why.reason,
        explanation=desk.why.explanation,
        ticket=desk.why.ticket,
    )
    _record(occasion, event)
    return asked


def may_decide(desk: Desk, approval: Approval) -> bool:
    """Whether this member of staff may decide: another one than who asked, and not about
    themselves. Of any desk: a small one may have one supervisor alone."""
    others = (approval.asked_by, approval.person_id)
    return desk.staff.may("approve") and desk.person_id not in others


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

    Raises `NotFound` where this member of staff may not decide, and `Expired` when it doesn't wait
    any more.
    """
    known = find_approval(occasion, approval_id)
    if known is None or not may_decide(desk, known):
        note_refused(
            occasion, desk, "approve", "not by this one", known.person_id if known else None
        )
        raise nothing_here()
    return _step(occasion, desk, approval_id, after, remark)


def refuse(occasion: Occasion, desk: Desk, approval_id: UUID, remark: str) -> Approval:
    """What was asked is refused, and is never done by it. Raises as `decide`."""
    refused = decide(occasion, desk, approval_id, "refused", remark[:LONGEST_REMARK])
    event = events.ApprovalRefused(
        person_id=refused.person_id,
        actor_id=desk.person_id,
        approval=refused.id,
        act=refused.act,
        asked_by=refused.asked_by,
        remark=refused.remark,
    )
    _record(occasion, event)
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
    event = events.ApprovalWithdrawn(
        person_id=withdrawn.person_id,
        actor_id=desk.person_id,
        approval=withdrawn.id,
        act=withdrawn.act,
    )
    _record(occasion, event)
    return withdrawn


def expire(occasion: Occasion) -> int:
    """How many have come to their end by this, without a decision: each on record."""
    if not any_over(occasion.connection, occasion.now):
        return 0
    must_write(occasion.connection)
    rows = occasion.connection.execute(_EXPIRE, {"now": occasion.now}).all()
    for row in rows:
        event = events.ApprovalExpired(
            person_id=row.person_id, approval=row.id, act=row.act, asked_by=row.asked_by
        )
        _record(occasion, event)
    return len(rows)


def fail(occasion: Occasion, desk: Desk, approval: Approval, failure: str) -> None:
    """It was approved, and could not be done any more: nothing of it happens by it."""
    parameters = {"approval_id": approval.id, "said": failure}
    occasion.connection.execute(_FAIL, parameters)
    event = events.ApprovalFailed(
        person_id=approval.person_id,
        actor_id=desk.person_id,
        approval=approval.id,
        act=approval.act,
        asked_by=approval.asked_by,
        failure=failure,
    )
    _record(occasion, event)


def use_approval(occasion: Occasion, desk: Desk, act: Act, person_id: UUID) -> Approval | None:
    """What was approved and this member of staff had asked, spent by this; None without one.

    For an act that who asked carries out themselves, as a code that is printed where they are: once
    for each approval, and within as much time as it could wait.
    """
    must_write(occasion.connection)
    parameters = {
        "of_person": person_id,
        "of_act": act,
        "asker": desk.person_id,
        "since": occasion.now - occasion.settings.desk_approval_lifetime,
    }
    row = occasion.connection.execute(_USE, parameters).first()
    return approval_from_row(occasion.secrets, row) if row else None


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


def _record(occasion: Occasion, event: Event) -> None:
    record(occasion.connection, occasion.secrets, event, occasion.now, occasion.reference)

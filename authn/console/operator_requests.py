"""What gives much waits for a second one: asked, taken back, refused, approved, and over.

Each step out of `waiting` is one conditional UPDATE, which also says by whom it may be: of two at
once, exactly one happens. What is approved is done in the same transaction.
"""

from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import Uuid, bindparam, or_, update

from authn.audit import operator_events as events
from authn.audit.events import Event
from authn.audit.log import record
from authn.console.approvals import LONGEST_REMARK, not_waiting
from authn.console.desk_sessions import Desk
from authn.console.on_record import record_at_desk
from authn.console.operator_request_deeds import do
from authn.console.operator_request_rows import (
    OF_ID,
    WAITS,
    OperatorRequest,
    OperatorRequestInput,
    State,
    content_of,
    find_request,
    is_as_asked,
    request_from_row,
    shown_requests,
    store_request,
)
from authn.console.operator_second import tell_of_agreed, tell_of_role
from authn.console.tables import operator_requests
from authn.console.targets import note_refused, nothing_here
from authn.db.metadata import UtcDateTime
from authn.db.occasion import Occasion
from authn.db.transaction import must_write
from authn.errors import N_, Forbidden, Refusal
from authn.staff.staff import hold_roles_for

NO_STAFF: Final = N_("Who asked for this may not do it any more. Nothing was done.")
NOT_AS_ASKED: Final = N_("This is not what was asked: it was changed since. Nothing was done.")

_DECIDED = {
    "state": bindparam("after"),
    "decided_by": bindparam("by", type_=Uuid),
    "decided_at": bindparam("now", type_=UtcDateTime),
    "remark": bindparam("said"),
}
# By another one than who asked, and than who would have the role.
_DECIDE = (
    update(operator_requests)
    .where(
        OF_ID,
        WAITS,
        or_(
            operator_requests.c.asked_by.is_(None),
            operator_requests.c.asked_by != bindparam("by", type_=Uuid),
        ),
        or_(
            operator_requests.c.person_id.is_(None),
            operator_requests.c.person_id != bindparam("by", type_=Uuid),
        ),
    )
    .values(**_DECIDED)
    .returning(operator_requests)
)
_WITHDRAW = (
    update(operator_requests)
    .where(
        OF_ID,
        WAITS,
        operator_requests.c.asked_by.is_not_distinct_from(bindparam("by", type_=Uuid)),
    )
    .values(**_DECIDED)
    .returning(operator_requests)
)
# The same, asked anew: what waits is what was asked last.
_SUPERSEDE = (
    update(operator_requests)
    .where(
        WAITS,
        operator_requests.c.kind == bindparam("of_kind"),
        operator_requests.c.target == bindparam("of_target"),
        operator_requests.c.person_id.is_not_distinct_from(bindparam("of_person", type_=Uuid)),
        operator_requests.c.asked_by.is_not_distinct_from(bindparam("by", type_=Uuid)),
        # An application may have several exchanges: another one is not the same.
        or_(
            operator_requests.c.kind != "exchange",
            operator_requests.c.content == bindparam("of_content"),
        ),
    )
    .values(**_DECIDED)
    .returning(operator_requests)
)
_FAIL = update(operator_requests).where(OF_ID).values(state="failed", remark=bindparam("said"))


def ask(
    occasion: Occasion, who: Desk | None, wanted: OperatorRequestInput, reason: str, ticket: str
) -> OperatorRequest:
    """What waits now for a second one; `who` asks is None at the machine.

    The same of the same one that waited before is taken back by it.
    """
    must_write(occasion.connection)
    asked_by = who.person_id if who else None
    _supersede(occasion, who, wanted)
    asked = OperatorRequest(
        id=uuid4(),
        wanted=wanted,
        seal="",
        reason=reason,
        ticket=ticket,
        asked_by=asked_by,
        asked_at=occasion.now,
        expires_at=occasion.now + occasion.settings.desk_request_lifetime,
        state="waiting",
        decided_by=None,
        decided_at=None,
        remark="",
    )
    store_request(occasion, asked)
    event = events.OperatorRequestAsked(
        **asked.on_record(asked_by), gives=wanted.gives, reason=reason, ticket=ticket
    )
    _note(occasion, who, event)
    return asked


def may_decide(desk: Desk, request: OperatorRequest) -> bool:
    """Whether this member of staff may: in the role that it is for, and as another one than who
    asked and than whom it is about."""
    if request.wanted.decider not in desk.staff.roles:
        return False
    return desk.person_id not in {request.asked_by, request.wanted.person_id}


def count_waiting(occasion: Occasion, desk: Desk) -> int:
    """How many this member of staff may decide about now."""
    shown = shown_requests(occasion, desk)
    return sum(
        each.state_at(occasion.now) == "waiting" and may_decide(desk, each) for each in shown
    )


def approve(occasion: Occasion, desk: Desk, request_id: UUID) -> OperatorRequest:
    """It is done, by who asked it, with this member of staff as the second one.

    Raises `NotFound` where they may not decide, `Expired` when it doesn't wait any more, and what
    the act raises when it is not possible any more: then it is on record as failed.
    """
    _guard(occasion, desk, request_id)
    approved = _step(occasion, desk, request_id, "approved")
    event = events.OperatorRequestApproved(
        **approved.on_record(desk.person_id), asked_by=approved.asked_by
    )
    record_at_desk(occasion, desk, event)
    try:
        with occasion.connection.begin_nested():  # all of it or nothing
            _carry_out(occasion, approved)
    except Refusal as refusal:
        _fail(occasion, desk, approved, refusal.error)
        raise
    return approved


def refuse(occasion: Occasion, desk: Desk, request_id: UUID, remark: str) -> OperatorRequest:
    """What was asked is never done by this. Raises as `approve`."""
    _guard(occasion, desk, request_id)
    said = " ".join(remark.split())[:LONGEST_REMARK]  # one line, wherever it is shown
    refused = _step(occasion, desk, request_id, "refused", said)
    event = events.OperatorRequestRefused(
        **refused.on_record(desk.person_id), asked_by=refused.asked_by, remark=said
    )
    record_at_desk(occasion, desk, event)
    return refused


def withdraw(occasion: Occasion, who: Desk | None, request_id: UUID) -> OperatorRequest:
    """Who asked takes it back; None at the machine.

    Raises `NotFound` for anybody else, and `Expired` when it doesn't wait any more.
    """
    must_write(occasion.connection)
    by = who.person_id if who else None
    known = find_request(occasion, request_id)
    if known is None or known.asked_by != by:
        raise nothing_here()
    parameters = {"request_id": request_id, **_values(occasion, by, "withdrawn")}
    row = occasion.connection.execute(_WITHDRAW, parameters).first()
    if row is None:
        raise not_waiting()
    withdrawn = request_from_row(row)
    _note_withdrawn(occasion, withdrawn, who)
    return withdrawn


def _guard(occasion: Occasion, desk: Desk, request_id: UUID) -> None:
    known = find_request(occasion, request_id)
    if known is None or not may_decide(desk, known):
        note_refused(occasion, desk, "decide-requests", "not by this one")
        raise nothing_here()


def _step(
    occasion: Occasion, desk: Desk, request_id: UUID, after: State, said: str = ""
) -> OperatorRequest:
    must_write(occasion.connection)
    parameters = {"request_id": request_id, **_values(occasion, desk.person_id, after, said)}
    row = occasion.connection.execute(_DECIDE, parameters).first()
    if row is None:
        raise not_waiting()
    return request_from_row(row)


def _values(occasion: Occasion, by: UUID | None, after: State, said: str = "") -> dict[str, object]:
    return {"now": occasion.now, "by": by, "after": after, "said": said}


def _supersede(occasion: Occasion, who: Desk | None, wanted: OperatorRequestInput) -> None:
    asked_by = who.person_id if who else None
    parameters = {
        "of_kind": wanted.kind,
        "of_target": wanted.target,
        "of_person": wanted.person_id,
        "of_content": content_of(wanted),
        **_values(occasion, asked_by, "withdrawn"),
    }
    for row in occasion.connection.execute(_SUPERSEDE, parameters).all():
        _note_withdrawn(occasion, request_from_row(row), who)


def _note_withdrawn(occasion: Occasion, request: OperatorRequest, who: Desk | None) -> None:
    by = who.person_id if who else None
    _note(occasion, who, events.OperatorRequestWithdrawn(**request.on_record(by)))


def _note(occasion: Occasion, who: Desk | None, event: Event) -> None:
    """On record, with the role of who did it; nobody of the staff sits at the machine."""
    if who is not None:
        record_at_desk(occasion, who, event)
    else:
        record(occasion.connection, occasion.secrets, event, occasion.now, occasion.reference)


def _carry_out(occasion: Occasion, request: OperatorRequest) -> None:
    if not is_as_asked(occasion.secrets, request):
        raise Forbidden("not_as_asked", NOT_AS_ASKED)
    asker_id = request.asked_by
    if asker_id and not hold_roles_for(occasion.connection, asker_id, "change-clients"):
        raise Forbidden("asker_may_not", NO_STAFF)
    do(occasion, request)
    if request.wanted.person_id is not None:
        values = request.wanted.values
        person_id = request.wanted.person_id
        tell_of_role(occasion, person_id, values["role"], values["desk"], begun=True)
    elif asker_id is None:
        tell_of_agreed(occasion, request)


def _fail(occasion: Occasion, desk: Desk, request: OperatorRequest, failure: str) -> None:
    """It was approved, and could not be done any more: nothing of it happens by it."""
    occasion.connection.execute(_FAIL, {"request_id": request.id, "said": failure})
    event = events.OperatorRequestFailed(
        **request.on_record(desk.person_id), asked_by=request.asked_by, failure=failure
    )
    record_at_desk(occasion, desk, event)

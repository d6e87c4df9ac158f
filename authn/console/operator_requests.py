"""Requests for what two operators must agree to: asking, withdrawing, refusing, approving.

Each step out of `waiting` is one conditional UPDATE, which also checks by whom: of two concurrent
steps exactly one happens. An approved act is done in the same transaction.
"""

from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import Uuid, bindparam, or_, update

from authn.audit.events import operators as events
from authn.audit.events.event import Event
from authn.audit.log import record
from authn.console.act_rules import not_found_error, record_desk_refusal
from authn.console.approvals import LONGEST_REMARK, approval_over_error
from authn.console.desk_sessions import Desk
from authn.console.operator_request_acts import carry_out_request
from authn.console.operator_request_rows import (
    OF_ID,
    WAITS,
    OperatorRequest,
    OperatorRequestInput,
    State,
    find_request,
    has_valid_seal,
    list_requests_for,
    request_content,
    request_from_row,
    store_request,
)
from authn.console.operator_second import notify_of_local_approval, notify_of_role_change
from authn.console.reason import NO_NUMBER, TOO_LONG
from authn.console.recording import record_at_desk
from authn.console.tables import LONGEST_REASON, LONGEST_TICKET, operator_requests
from authn.db.metadata import UtcDateTime
from authn.db.occasion import Occasion
from authn.db.transaction import must_write
from authn.errors import N_, Forbidden, InvalidRequest, Refusal
from authn.people.ssin import contains_ssin, today_in_brussels
from authn.staff.members import lock_role_for

REQUESTS: Final = "/desk/requests"
NO_WHY: Final = N_("Say why this is needed: who decides about it reads that.")
NO_STAFF: Final = N_("Who asked for this may not do it any more. Nothing was done.")
NOT_AS_ASKED: Final = N_("This is not what was asked: it was changed since. Nothing was done.")

_DECIDED = {
    "state": bindparam("after"),
    "decided_by": bindparam("by", type_=Uuid),
    "decided_at": bindparam("now", type_=UtcDateTime),
    "remark": bindparam("new_remark"),
}
# By somebody else than who asked, and than who would get the role.
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
# An equal request of the same operator replaces the one that waits.
_SUPERSEDE = (
    update(operator_requests)
    .where(
        WAITS,
        operator_requests.c.kind == bindparam("of_kind"),
        operator_requests.c.target == bindparam("of_target"),
        operator_requests.c.person_id.is_not_distinct_from(bindparam("of_person", type_=Uuid)),
        operator_requests.c.asked_by.is_not_distinct_from(bindparam("by", type_=Uuid)),
        # A client may have several exchanges, so the content counts too.
        or_(
            operator_requests.c.kind != "exchange",
            operator_requests.c.content == bindparam("of_content"),
        ),
    )
    .values(**_DECIDED)
    .returning(operator_requests)
)
_FAIL = (
    update(operator_requests).where(OF_ID).values(state="failed", remark=bindparam("new_remark"))
)


def create_request(
    occasion: Occasion, who: Desk | None, wanted: OperatorRequestInput, reason: str, ticket: str
) -> OperatorRequest:
    """A request that waits for a second operator; `who` asks is None for a local operator.

    An equal request of the same operator that waited is withdrawn.
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
        **asked.event_fields(asked_by), gives=wanted.gives, reason=reason, ticket=ticket
    )
    _record_event(occasion, who, event)
    return asked


def request_path(asked: OperatorRequest) -> str:
    """The address of the page of a request."""
    return f"{REQUESTS}/{asked.id}"


def read_request_reason(occasion: Occasion, why: str, ticket: str) -> tuple[str, str]:
    """The reason and the ticket without outer spaces; raises `InvalidRequest`."""
    why, ticket = why.strip(), ticket.strip()
    if not why:
        raise InvalidRequest("invalid_reason", NO_WHY)
    for text, longest in ((why, LONGEST_REASON), (ticket, LONGEST_TICKET)):
        if len(text) > longest or not text.isprintable():
            raise InvalidRequest("invalid_reason", TOO_LONG)
        if contains_ssin(text, today_in_brussels(occasion.now)):
            raise InvalidRequest("invalid_reason", NO_NUMBER)
    return why, ticket


def may_decide(desk: Desk, request: OperatorRequest) -> bool:
    """Whether this member of staff may decide about the request: has the role for it, did not ask,
    and is not the person it is about."""
    if request.wanted.decider not in desk.staff.roles:
        return False
    return desk.person_id not in {request.asked_by, request.wanted.person_id}


def count_requests_to_decide(occasion: Occasion, desk: Desk) -> int:
    """How many requests this member of staff may decide about now."""
    shown = list_requests_for(occasion, desk)
    return sum(
        each.state_at(occasion.now) == "waiting" and may_decide(desk, each) for each in shown
    )


def approve_request(occasion: Occasion, desk: Desk, request_id: UUID) -> OperatorRequest:
    """The request is approved by this member of staff, and its act is done.

    Raises `NotFound` where they may not decide, `Expired` when the request does not wait any more,
    and what the act raises: the request is then recorded as failed.
    """
    _require_may_decide(occasion, desk, request_id)
    approved = _decide(occasion, desk, request_id, "approved")
    event = events.OperatorRequestApproved(
        **approved.event_fields(desk.person_id), asked_by=approved.asked_by
    )
    record_at_desk(occasion, desk, event)
    try:
        with occasion.connection.begin_nested():  # all of it or nothing
            _carry_out(occasion, approved)
    except Refusal as refusal:
        _fail(occasion, desk, approved, refusal.error)
        raise
    return approved


def refuse_request(
    occasion: Occasion, desk: Desk, request_id: UUID, remark: str
) -> OperatorRequest:
    """The request is refused with a remark. Raises as `approve_request`, before the act."""
    _require_may_decide(occasion, desk, request_id)
    new_remark = " ".join(remark.split())[:LONGEST_REMARK]  # one line, wherever it is shown
    refused = _decide(occasion, desk, request_id, "refused", new_remark)
    event = events.OperatorRequestRefused(
        **refused.event_fields(desk.person_id), asked_by=refused.asked_by, remark=new_remark
    )
    record_at_desk(occasion, desk, event)
    return refused


def withdraw_request(occasion: Occasion, who: Desk | None, request_id: UUID) -> OperatorRequest:
    """The request is withdrawn by who asked, None for a local operator.

    Raises `NotFound` for anybody else, and `Expired` when the request does not wait any more.
    """
    must_write(occasion.connection)
    by = who.person_id if who else None
    known = find_request(occasion, request_id)
    if known is None or known.asked_by != by:
        raise not_found_error()
    parameters = {"request_id": request_id, **_values(occasion, by, "withdrawn")}
    row = occasion.connection.execute(_WITHDRAW, parameters).first()
    if row is None:
        raise approval_over_error()
    withdrawn = request_from_row(row)
    _record_withdrawn(occasion, withdrawn, who)
    return withdrawn


def _require_may_decide(occasion: Occasion, desk: Desk, request_id: UUID) -> None:
    known = find_request(occasion, request_id)
    if known is None or not may_decide(desk, known):
        record_desk_refusal(occasion, desk, "decide-requests", "not by this one")
        raise not_found_error()


def _decide(
    occasion: Occasion, desk: Desk, request_id: UUID, after: State, new_remark: str = ""
) -> OperatorRequest:
    must_write(occasion.connection)
    parameters = {"request_id": request_id, **_values(occasion, desk.person_id, after, new_remark)}
    row = occasion.connection.execute(_DECIDE, parameters).first()
    if row is None:
        raise approval_over_error()
    return request_from_row(row)


def _values(
    occasion: Occasion, by: UUID | None, after: State, new_remark: str = ""
) -> dict[str, object]:
    return {"now": occasion.now, "by": by, "after": after, "new_remark": new_remark}


def _supersede(occasion: Occasion, who: Desk | None, wanted: OperatorRequestInput) -> None:
    asked_by = who.person_id if who else None
    parameters = {
        "of_kind": wanted.kind,
        "of_target": wanted.target,
        "of_person": wanted.person_id,
        "of_content": request_content(wanted),
        **_values(occasion, asked_by, "withdrawn"),
    }
    for row in occasion.connection.execute(_SUPERSEDE, parameters).all():
        _record_withdrawn(occasion, request_from_row(row), who)


def _record_withdrawn(occasion: Occasion, request: OperatorRequest, who: Desk | None) -> None:
    by = who.person_id if who else None
    _record_event(occasion, who, events.OperatorRequestWithdrawn(**request.event_fields(by)))


def _record_event(occasion: Occasion, who: Desk | None, event: Event) -> None:
    """Records an event with the role of `who`; None is a local operator."""
    if who is not None:
        record_at_desk(occasion, who, event)
    else:
        record(occasion.connection, occasion.secrets, event, occasion.now, occasion.reference)


def _carry_out(occasion: Occasion, request: OperatorRequest) -> None:
    if not has_valid_seal(occasion.secrets, request):
        raise Forbidden("not_as_asked", NOT_AS_ASKED)
    asker_id = request.asked_by
    if asker_id and not lock_role_for(occasion.connection, asker_id, "change-clients"):
        raise Forbidden("asker_may_not", NO_STAFF)
    carry_out_request(occasion, request)
    if request.wanted.person_id is not None:
        values = request.wanted.values
        person_id = request.wanted.person_id
        notify_of_role_change(occasion, person_id, values["role"], values["desk"], begun=True)
    elif asker_id is None:
        notify_of_local_approval(occasion, request)


def _fail(occasion: Occasion, desk: Desk, request: OperatorRequest, failure: str) -> None:
    """Marks an approved request as failed: its act was not possible any more."""
    occasion.connection.execute(_FAIL, {"request_id": request.id, "new_remark": failure})
    event = events.OperatorRequestFailed(
        **request.event_fields(desk.person_id), asked_by=request.asked_by, failure=failure
    )
    record_at_desk(occasion, desk, event)

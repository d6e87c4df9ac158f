"""Calls about what waits for a second member of staff.

As at the pages: another one's is shown to who may decide about it, which is a look and on record;
deciding asks no reason anew, since who asked has given theirs.
"""

from collections.abc import Mapping
from typing import Any, Final

from authn.clients.desk_api import DESK_ACT
from authn.console.approval_rows import Approval, find_approval, shown_approvals
from authn.console.approval_views import ApprovalView, approval_view, approval_views
from authn.console.approvals import LONGEST_REMARK, may_decide, refuse, withdraw
from authn.console.approving import approve
from authn.console.targets import nothing_here
from authn.desk_api.members import ApiMember
from authn.desk_api.operations import Operation, OperationCall, on_path

REMARK: Final = ApiMember(
    "remark", "Why not, for who asked.", longest=LONGEST_REMARK, required=True, free=True
)


def list_approvals(call: OperationCall) -> Mapping[str, Any]:
    """What waits that this member of staff may decide about, and what they asked lately."""
    found = shown_approvals(call.request, call.desk)
    views = approval_views(call.request, call.desk, found)
    return {"approvals": [_shown(*each) for each in zip(views, found, strict=True)]}


def see_approval(call: OperationCall) -> Mapping[str, Any]:
    """One of them, for who asked and for who may decide about it."""
    found = find_approval(call.request, call.request.path_params["id"])
    desk = call.desk
    if found is None or not (found.asked_by == desk.person_id or may_decide(desk, found)):
        raise nothing_here()
    return _shown(approval_view(call.request, desk, found), found)


def approve_it(call: OperationCall) -> Mapping[str, Any]:
    """It is done now, with everything looked at again; or the answer says why it can't be."""
    approve(call.request, call.desk, call.request.path_params["id"])
    return _decided(call)


def refuse_it(call: OperationCall) -> Mapping[str, Any]:
    """It is not done, and who asked reads why."""
    refuse(call.request, call.desk, call.request.path_params["id"], call.members[REMARK.name])
    return _decided(call)


def withdraw_it(call: OperationCall) -> Mapping[str, Any]:
    """Who asked takes it back."""
    withdraw(call.request, call.desk, call.request.path_params["id"])
    return _decided(call)


def _decided(call: OperationCall) -> Mapping[str, Any]:
    found = find_approval(call.request, call.request.path_params["id"])
    assert found is not None, "it was decided about just now"
    return {
        "id": found.id,
        "act": found.act,
        "state": found.state_at(call.request.now),
        "person_id": found.person_id,
    }


def _shown(view: ApprovalView, found: Approval) -> Mapping[str, Any]:
    return {
        "id": view.id,
        "act": view.act,
        "state": view.state,
        "person_id": view.person.id,
        "person": view.person.full_name,
        "device": view.device,
        "address": view.address,
        "other_id": view.other.id if view.other else None,
        "checked": found.payload.get("checked", ""),
        "reason": found.why.reason,
        "explanation": view.explanation,
        "ticket": view.ticket,
        "asked_by": view.asked_by,
        "asked_at": view.asked_at,
        "expires_at": view.expires_at,
        "decided_by": view.decided_by,
        "remark": view.remark,
        "own": view.own,
        "decides": view.decides,
    }


_ONE: Final = "/approvals/{id}"

OPERATIONS: Final = (
    Operation(
        "approvals",
        "See what waits for approval",
        "/approvals",
        None,
        list_approvals,
        "Approvals",
        method="GET",
        with_why=False,
    ),
    Operation(
        "approval",
        "See one of them",
        _ONE,
        None,
        see_approval,
        "Approval",
        method="GET",
        with_why=False,
    ),
    Operation(
        "approve",
        "Approve",
        f"{_ONE}/approve",
        "approve",
        approve_it,
        "Decided",
        scope=DESK_ACT,
        confirms=on_path("approve"),
        with_why=False,
    ),
    Operation(
        "refuse",
        "Refuse",
        f"{_ONE}/refuse",
        "approve",
        refuse_it,
        "Decided",
        scope=DESK_ACT,
        with_why=False,
        takes=(REMARK,),
    ),
    Operation(
        "withdraw",
        "Take back what one asked",
        f"{_ONE}/withdraw",
        None,
        withdraw_it,
        "Decided",
        scope=DESK_ACT,
        with_why=False,
    ),
)

"""Calls about approvals: acts that wait for a second member of staff.

As at the pages, who may decide sees the approvals of others, which is recorded as a look; a
decision needs no reason of its own, since who asked gave theirs.
"""

from collections.abc import Mapping
from typing import Any, Final

from authn.clients.resource_servers.desk_api import DESK_ACT
from authn.console.act_rules import not_found_error
from authn.console.acts import approve
from authn.console.approval_rows import Approval, find_approval, list_visible_approvals
from authn.console.approval_views import ApprovalView, approval_view, approval_views
from authn.console.approvals import LONGEST_REMARK, may_decide, record_refusal, record_withdrawal
from authn.desk_api.members import ApiMember
from authn.desk_api.operations import Operation, OperationCall, confirmation_from_path

REMARK: Final = ApiMember(
    "remark", "Why not, for who asked.", longest=LONGEST_REMARK, required=True, free=True
)


def list_approvals(call: OperationCall) -> Mapping[str, Any]:
    """The approvals that this member of staff may decide about, or asked for lately."""
    found = list_visible_approvals(call.request, call.desk)
    views = approval_views(call.request, call.desk, found)
    return {"approvals": [_approval_json(*each) for each in zip(views, found, strict=True)]}


def see_approval(call: OperationCall) -> Mapping[str, Any]:
    """An approval, for who asked and for who may decide about it."""
    found = find_approval(call.request, call.request.path_params["id"])
    desk = call.desk
    if found is None or not (found.asked_by == desk.person_id or may_decide(desk, found)):
        raise not_found_error()
    return _approval_json(approval_view(call.request, desk, found), found)


def approve_act(call: OperationCall) -> Mapping[str, Any]:
    """Approve and perform an act, checked anew; the answer says why where that is not possible."""
    approve(call.request, call.desk, call.request.path_params["id"])
    return _decision_json(call)


def refuse_act(call: OperationCall) -> Mapping[str, Any]:
    """Refuse an act with a remark, which who asked reads."""
    record_refusal(
        call.request, call.desk, call.request.path_params["id"], call.members[REMARK.name]
    )
    return _decision_json(call)


def withdraw_act(call: OperationCall) -> Mapping[str, Any]:
    """Withdraw an approval; only who asked may."""
    record_withdrawal(call.request, call.desk, call.request.path_params["id"])
    return _decision_json(call)


def _decision_json(call: OperationCall) -> Mapping[str, Any]:
    found = find_approval(call.request, call.request.path_params["id"])
    assert found is not None, "it was decided about just now"
    return {
        "id": found.id,
        "act": found.act,
        "state": found.state_at(call.request.now),
        "person_id": found.person_id,
    }


def _approval_json(view: ApprovalView, found: Approval) -> Mapping[str, Any]:
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
        approve_act,
        "Decided",
        scope=DESK_ACT,
        confirms=confirmation_from_path("approve"),
        with_why=False,
    ),
    Operation(
        "refuse",
        "Refuse",
        f"{_ONE}/refuse",
        "approve",
        refuse_act,
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
        withdraw_act,
        "Decided",
        scope=DESK_ACT,
        with_why=False,
    ),
)

"""Pages of approvals: the list of acts that wait for a second member of staff, and the decision.

Who asked sees their own, and may withdraw them; a supervisor sees all that wait, which is recorded
as a look at each of these people. The list refreshes by itself.
"""

from hashlib import sha256
from typing import Final

from starlette.responses import Response

from authn.console.act_rules import not_found_error
from authn.console.act_texts import ACT_TEXTS, SAME_AS
from authn.console.acts import approve
from authn.console.approval_expiry import expire_approvals
from authn.console.approval_rows import (
    Approval,
    find_approval,
    list_visible_approvals,
    visible_approval_states,
)
from authn.console.approval_views import approval_view, approval_views
from authn.console.approvals import may_decide, record_refusal, record_withdrawal
from authn.console.confirmations import confirm_at_desk, desk_confirmation_options
from authn.console.desk_pages import render_desk_page
from authn.console.device_acts import details_from_payload
from authn.console.outcome_endpoints import outcome_location
from authn.console.reason import NO_NUMBER
from authn.console.staff_endpoints import (
    DeskSession,
    desk_endpoint,
    desk_form,
    desk_page,
    desk_poll,
    desk_poll_endpoint,
    desk_script,
    desk_script_endpoint,
)
from authn.errors import N_, InvalidRequest
from authn.people.ssin import contains_ssin, today_in_brussels
from authn.web.request import Request, json_answer, redirect

UNSEEN: Final = N_("Use letters, digits and signs that can be seen.")


@desk_endpoint("find")
def list_approvals(request: Request, desk: DeskSession) -> Response:
    """The page of approvals that wait, and of those that this member of staff asked for lately."""
    expire_approvals(request)
    views = approval_views(request, desk, list_visible_approvals(request, desk))
    return render_desk_page(
        request,
        desk,
        "console/approvals.html",
        waiting=[each for each in views if each.state == "waiting"],
        ended=[each for each in views if each.own and each.state != "waiting"],
        state=_state(request, desk),
    )


@desk_poll_endpoint("find")
def approvals_state(request: Request, desk: DeskSession) -> Response:
    """A hash that changes when the list of approvals does; asking does not keep the desk open."""
    return json_answer({"state": _state(request, desk)})


@desk_endpoint("find")
def show_approval(request: Request, desk: DeskSession) -> Response:
    """The page of an approval; for who asked, with what to tell the citizen once it was done."""
    found = _require_approval(request, desk)
    view = approval_view(request, desk, found)
    has_texts = (
        view.own and view.state == "approved" and SAME_AS.get(found.act, found.act) in ACT_TEXTS
    )
    device_id = details_from_payload(found.payload).device_id
    say = (
        outcome_location(request, desk, found.act, found.person_id, device_id)
        if has_texts
        else None
    )
    return render_desk_page(
        request,
        desk,
        "console/approval.html",
        approval=view,
        say_at=say,
        state=_state(request, desk),
    )


@desk_script_endpoint("approve")
def approve_options(request: Request, desk: DeskSession) -> Response:
    """WebAuthn options to confirm that exactly this act is approved."""
    return json_answer(desk_confirmation_options(request, desk, "approve", _target(request)))


@desk_script_endpoint("approve")
def confirm_approval(request: Request, desk: DeskSession) -> Response:
    """Approve and perform the act, checked anew; or say why it is not possible any more."""
    waiting = find_approval(request, request.path_params["id"])
    others = waiting.persons_to_lock if waiting else ()
    present = confirm_at_desk(request, desk, "approve", _target(request), *others)
    approve(request, present, request.path_params["id"])
    return json_answer({"location": f"/desk/approvals/{_target(request)}"})


@desk_endpoint("approve")
def refuse_approval(request: Request, desk: DeskSession) -> Response:
    """Refuse an act with a remark, which who asked reads."""
    remark = request.form.get("remark", "").strip()
    if not remark.isprintable():
        raise InvalidRequest("invalid_request", UNSEEN)
    if contains_ssin(remark, today_in_brussels(request.now)):
        raise InvalidRequest("invalid_request", NO_NUMBER)
    record_refusal(request, desk, request.path_params["id"], remark)
    return redirect("/desk/approvals")


@desk_endpoint("find")
def withdraw_approval(request: Request, desk: DeskSession) -> Response:
    """Withdraw an approval; only who asked may."""
    record_withdrawal(request, desk, request.path_params["id"])
    return redirect("/desk/approvals")


def _require_approval(request: Request, desk: DeskSession) -> Approval:
    """The approval in the path; raises `NotFound` unless they asked for it or may decide."""
    found = find_approval(request, request.path_params["id"])
    if found is None or not (found.asked_by == desk.person_id or may_decide(desk, found)):
        raise not_found_error()
    return found


def _target(request: Request) -> str:
    return str(request.path_params["id"])


def _state(request: Request, desk: DeskSession) -> str:
    states = visible_approval_states(request.connection, desk, request.now)
    return sha256("\n".join(states).encode()).hexdigest()[:16]


routes = [
    desk_page("/desk/approvals", list_approvals),
    desk_poll("/desk/approvals/state", approvals_state),
    desk_page("/desk/approvals/{id:uuid}", show_approval),
    desk_script("/desk/approvals/{id:uuid}/approve/options", approve_options, writes=False),
    desk_script("/desk/approvals/{id:uuid}/approve", confirm_approval),
    desk_form("/desk/approvals/{id:uuid}/refuse", refuse_approval),
    desk_form("/desk/approvals/{id:uuid}/withdraw", withdraw_approval),
]

"""What waits for a second member of staff: the list that follows by itself, and deciding.

Who asked sees their own, and may take them back; a supervisor sees all that wait, which is a look
at each of these people and on record as one.
"""

from hashlib import sha256
from typing import Final

from starlette.responses import Response

from authn.console.approval_rows import Approval, find_approval, shown_approvals, states_shown
from authn.console.approval_views import approval_view, approval_views
from authn.console.approvals import may_decide, refuse, withdraw
from authn.console.approving import approve
from authn.console.confirming import confirm_at_desk, desk_confirmation_options
from authn.console.deeds import particulars_of
from authn.console.desk import DeskSession, at_desk, at_desk_poll, at_desk_script
from authn.console.done_endpoints import said_at
from authn.console.expiry import expire
from authn.console.reason import NO_NUMBER
from authn.console.routes import desk_form, desk_page, desk_poll, desk_script
from authn.console.said import SAID, SAME_AS
from authn.console.shown import desk_answer
from authn.console.targets import nothing_here
from authn.errors import N_, InvalidRequest
from authn.people.ssin import contains_ssin, today_in_brussels
from authn.web.request import Request, json_answer, redirect

UNSEEN: Final = N_("Use letters, digits and signs that can be seen.")


@at_desk("find")
def approvals(request: Request, desk: DeskSession) -> Response:
    """What waits, and what this member of staff asked lately."""
    expire(request)
    views = approval_views(request, desk, shown_approvals(request, desk))
    return desk_answer(
        request,
        desk,
        "console/approvals.html",
        waiting=[each for each in views if each.state == "waiting"],
        ended=[each for each in views if each.own and each.state != "waiting"],
        state=_state(request, desk),
    )


@at_desk_poll("find")
def approvals_state(request: Request, desk: DeskSession) -> Response:
    """What changes when the list does: one statement, and no use of the desk."""
    return json_answer({"state": _state(request, desk)})


@at_desk("find")
def approval(request: Request, desk: DeskSession) -> Response:
    """One of them; for who asked, what to say once it was done."""
    found = _found(request, desk)
    view = approval_view(request, desk, found)
    told = view.own and view.state == "approved" and SAME_AS.get(found.act, found.act) in SAID
    device_id = particulars_of(found.payload).device_id
    say = said_at(request, desk, found.act, found.person_id, device_id) if told else None
    return desk_answer(
        request,
        desk,
        "console/approval.html",
        approval=view,
        say_at=say,
        state=_state(request, desk),
    )


@at_desk_script("approve")
def approve_options(request: Request, desk: DeskSession) -> Response:
    """Options to confirm that exactly this is approved."""
    return json_answer(desk_confirmation_options(request, desk, "approve", _target(request)))


@at_desk_script("approve")
def approved(request: Request, desk: DeskSession) -> Response:
    """It is done now, with everything looked at again; or says why it can't be any more."""
    waiting = find_approval(request, request.path_params["id"])
    involved = waiting.involved if waiting else ()
    present = confirm_at_desk(request, desk, "approve", _target(request), *involved)
    approve(request, present, request.path_params["id"])
    return json_answer({"location": f"/desk/approvals/{_target(request)}"})


@at_desk("approve")
def refused(request: Request, desk: DeskSession) -> Response:
    """It is not done, and who asked reads why."""
    remark = request.form.get("remark", "").strip()
    if not remark.isprintable():
        raise InvalidRequest("invalid_request", UNSEEN)
    if contains_ssin(remark, today_in_brussels(request.now)):
        raise InvalidRequest("invalid_request", NO_NUMBER)
    refuse(request, desk, request.path_params["id"], remark)
    return redirect("/desk/approvals")


@at_desk("find")
def withdrawn(request: Request, desk: DeskSession) -> Response:
    """Who asked takes it back."""
    withdraw(request, desk, request.path_params["id"])
    return redirect("/desk/approvals")


def _found(request: Request, desk: DeskSession) -> Approval:
    """The approval in the path, for who asked and for who may decide about it."""
    found = find_approval(request, request.path_params["id"])
    if found is None or not (found.asked_by == desk.person_id or may_decide(desk, found)):
        raise nothing_here()
    return found


def _target(request: Request) -> str:
    return str(request.path_params["id"])


def _state(request: Request, desk: DeskSession) -> str:
    states = states_shown(request.connection, desk, request.now)
    return sha256("\n".join(states).encode()).hexdigest()[:16]


routes = [
    desk_page("/desk/approvals", approvals),
    desk_poll("/desk/approvals/state", approvals_state),
    desk_page("/desk/approvals/{id:uuid}", approval),
    desk_script("/desk/approvals/{id:uuid}/approve/options", approve_options, writes=False),
    desk_script("/desk/approvals/{id:uuid}/approve", approved),
    desk_form("/desk/approvals/{id:uuid}/refuse", refused),
    desk_form("/desk/approvals/{id:uuid}/withdraw", withdrawn),
]

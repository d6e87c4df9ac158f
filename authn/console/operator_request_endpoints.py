"""/desk/requests: what gives much and waits for a second one; a list that follows by itself."""

from hashlib import sha256
from typing import Final

from starlette.responses import Response

from authn.console.approval_endpoints import UNSEEN
from authn.console.confirming import confirm_at_desk, desk_confirmation_options
from authn.console.desk import DeskSession, at_desk, at_desk_poll, at_desk_script, nothing_here
from authn.console.operator_asking import REQUESTS
from authn.console.operator_request_expiry import expire_requests
from authn.console.operator_request_rows import (
    OperatorRequest,
    find_request,
    shown_requests,
    states_shown,
)
from authn.console.operator_request_views import LATELY, done_at_the_machine, request_view
from authn.console.operator_requests import approve, refuse, withdraw
from authn.console.operator_second import is_there_a_second
from authn.console.reason import NO_NUMBER
from authn.console.routes import desk_form, desk_page, desk_poll, desk_script
from authn.console.shown import desk_answer
from authn.errors import InvalidRequest
from authn.people.ssin import contains_ssin, today_in_brussels
from authn.web.request import Request, json_answer, redirect

ONE: Final = f"{REQUESTS}/{{id:uuid}}"


@at_desk("see-requests")
def operator_requests(request: Request, desk: DeskSession) -> Response:
    """What waits, how what was asked lately ended, and what one alone did at the machine."""
    expire_requests(request)
    views = [request_view(request, desk, each) for each in shown_requests(request, desk)]
    operator = "operator" in desk.staff.roles
    return desk_answer(
        request,
        desk,
        "console/operator_requests.html",
        waiting=[each for each in views if each.state == "waiting"],
        ended=[each for each in views if each.state != "waiting"],
        lately=done_at_the_machine(request.connection, request.now - LATELY),
        alone=operator and not is_there_a_second(request.connection, desk.person_id, "operator"),
        state=_state(request, desk),
    )


@at_desk_poll("see-requests")
def operator_requests_state(request: Request, desk: DeskSession) -> Response:
    """What changes when the list does: one statement, and no use of the desk."""
    return json_answer({"state": _state(request, desk)})


@at_desk("see-requests")
def operator_request(request: Request, desk: DeskSession) -> Response:
    """One of them, with all that would be done."""
    view = request_view(request, desk, _found(request, desk))
    return desk_answer(
        request, desk, "console/operator_request.html", shown=view, state=_state(request, desk)
    )


@at_desk_script("decide-requests")
def operator_request_options(request: Request, desk: DeskSession) -> Response:
    """Options to confirm that exactly this is approved."""
    target = _target(_found(request, desk))
    return json_answer(desk_confirmation_options(request, desk, "decide-requests", target))


@at_desk_script("decide-requests")
def operator_request_approved(request: Request, desk: DeskSession) -> Response:
    """It is done now, exactly as it was shown; or says why it can't be any more."""
    found = find_request(request, request.path_params["id"])
    target = _target(found) if found else ""
    involved = found.involved if found else ()
    present = confirm_at_desk(request, desk, "decide-requests", target, *involved)
    approved = approve(request, present, request.path_params["id"])
    return json_answer({"location": f"{REQUESTS}/{approved.id}"})


@at_desk("decide-requests")
def operator_request_refused(request: Request, desk: DeskSession) -> Response:
    """It is not done, and who asked reads why."""
    remark = request.form.get("remark", "").strip()
    if not remark.isprintable():
        raise InvalidRequest("invalid_request", UNSEEN)
    if contains_ssin(remark, today_in_brussels(request.now)):
        raise InvalidRequest("invalid_request", NO_NUMBER)
    refuse(request, desk, request.path_params["id"], remark)
    return redirect(REQUESTS)


@at_desk("see-requests")
def operator_request_withdrawn(request: Request, desk: DeskSession) -> Response:
    """Who asked takes it back."""
    withdraw(request, desk, request.path_params["id"])
    return redirect(REQUESTS)


def _found(request: Request, desk: DeskSession) -> OperatorRequest:
    """The request in the path, for those who have the role that decides about it."""
    found = find_request(request, request.path_params["id"])
    if found is None or found.wanted.decider not in desk.staff.roles:
        raise nothing_here()
    return found


def _target(found: OperatorRequest) -> str:
    """What is confirmed: this request, and all that it says."""
    return f"{found.id} {found.seal}"


def _state(request: Request, desk: DeskSession) -> str:
    states = states_shown(request.connection, desk, request.now)
    return sha256("\n".join(states).encode()).hexdigest()[:16]


routes = [
    desk_page(REQUESTS, operator_requests),
    desk_poll(f"{REQUESTS}/state", operator_requests_state),
    desk_page(ONE, operator_request),
    desk_script(f"{ONE}/approve/options", operator_request_options, writes=False),
    desk_script(f"{ONE}/approve", operator_request_approved),
    desk_form(f"{ONE}/refuse", operator_request_refused),
    desk_form(f"{ONE}/withdraw", operator_request_withdrawn),
]

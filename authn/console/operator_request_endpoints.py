"""/desk/requests: changes of high risk and roles that wait for a second operator."""

from hashlib import sha256
from typing import Final

from starlette.responses import Response

from authn.console.approval_endpoints import UNSEEN
from authn.console.confirmations import confirm_at_desk, desk_confirmation_options
from authn.console.desk_pages import render_desk_page
from authn.console.operator_request_rows import (
    OperatorRequest,
    expire_requests,
    find_request,
    list_requests_for,
    request_states,
)
from authn.console.operator_request_views import (
    LATELY,
    list_local_operator_acts,
    operator_request_view,
)
from authn.console.operator_requests import (
    REQUESTS,
    approve_request,
    refuse_request,
    withdraw_request,
)
from authn.console.operator_second import has_second_decider
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
    not_found_error,
)
from authn.errors import InvalidRequest
from authn.people.ssin import contains_ssin, today_in_brussels
from authn.web.request import Request, json_answer, redirect

ONE: Final = f"{REQUESTS}/{{id:uuid}}"


@desk_endpoint("see-requests")
def list_operator_requests(request: Request, desk: DeskSession) -> Response:
    """The list of requests, and the acts that a local operator did alone lately."""
    expire_requests(request)
    views = [
        operator_request_view(request, desk, each) for each in list_requests_for(request, desk)
    ]
    operator = "operator" in desk.staff.roles
    return render_desk_page(
        request,
        desk,
        "console/operator_requests.html",
        waiting=[each for each in views if each.state == "waiting"],
        ended=[each for each in views if each.state != "waiting"],
        lately=list_local_operator_acts(request.connection, request.now - LATELY),
        alone=operator and not has_second_decider(request.connection, desk.person_id, "operator"),
        state=_state(request, desk),
    )


@desk_poll_endpoint("see-requests")
def poll_operator_requests(request: Request, desk: DeskSession) -> Response:
    """A hash that changes when the list does; not counted as a use of the session."""
    return json_answer({"state": _state(request, desk)})


@desk_endpoint("see-requests")
def show_operator_request(request: Request, desk: DeskSession) -> Response:
    """The page of a request, with all changes."""
    view = operator_request_view(request, desk, _require_request(request, desk))
    return render_desk_page(
        request, desk, "console/operator_request.html", shown=view, state=_state(request, desk)
    )


@desk_script_endpoint("decide-requests")
def approval_options(request: Request, desk: DeskSession) -> Response:
    """Options to confirm the approval of exactly this request."""
    target = _target(_require_request(request, desk))
    return json_answer(desk_confirmation_options(request, desk, "decide-requests", target))


@desk_script_endpoint("decide-requests")
def confirm_approval(request: Request, desk: DeskSession) -> Response:
    """The request is approved and done; or the answer says why that is not possible any more."""
    found = find_request(request, request.path_params["id"])
    target = _target(found) if found else ""
    involved = found.involved if found else ()
    present = confirm_at_desk(request, desk, "decide-requests", target, *involved)
    approved = approve_request(request, present, request.path_params["id"])
    return json_answer({"location": f"{REQUESTS}/{approved.id}"})


@desk_endpoint("decide-requests")
def refuse_operator_request(request: Request, desk: DeskSession) -> Response:
    """The request is refused; who asked reads the remark."""
    remark = request.form.get("remark", "").strip()
    if not remark.isprintable():
        raise InvalidRequest("invalid_request", UNSEEN)
    if contains_ssin(remark, today_in_brussels(request.now)):
        raise InvalidRequest("invalid_request", NO_NUMBER)
    refuse_request(request, desk, request.path_params["id"], remark)
    return redirect(REQUESTS)


@desk_endpoint("see-requests")
def withdraw_operator_request(request: Request, desk: DeskSession) -> Response:
    """The request is withdrawn by who asked."""
    withdraw_request(request, desk, request.path_params["id"])
    return redirect(REQUESTS)


def _require_request(request: Request, desk: DeskSession) -> OperatorRequest:
    """The request in the path, for members of staff with the role that decides about it."""
    found = find_request(request, request.path_params["id"])
    if found is None or found.wanted.decider not in desk.staff.roles:
        raise not_found_error()
    return found


def _target(found: OperatorRequest) -> str:
    """The target of the confirmation: the request with all its content."""
    return f"{found.id} {found.seal}"


def _state(request: Request, desk: DeskSession) -> str:
    states = request_states(request.connection, desk, request.now)
    return sha256("\n".join(states).encode()).hexdigest()[:16]


routes = [
    desk_page(REQUESTS, list_operator_requests),
    desk_poll(f"{REQUESTS}/state", poll_operator_requests),
    desk_page(ONE, show_operator_request),
    desk_script(f"{ONE}/approve/options", approval_options, writes=False),
    desk_script(f"{ONE}/approve", confirm_approval),
    desk_form(f"{ONE}/refuse", refuse_operator_request),
    desk_form(f"{ONE}/withdraw", withdraw_operator_request),
]

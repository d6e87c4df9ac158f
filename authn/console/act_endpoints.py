"""Routes of the acts on a person's devices: the page that explains an act, and its confirmation.

The page says what ends and what stays. The agent confirms with their own device at that moment,
bound to this act on this target (decisions 2.9). The page that follows is in `outcome_endpoints`.
"""

from collections.abc import Callable, Mapping
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from authn.console import acts
from authn.console.act_rules import act_by_risk, needs_second, staff_status
from authn.console.act_views import (
    caller_questions,
    find_effects,
    read_caller_answers,
    reason_sentence,
)
from authn.console.acts import ActOutcome
from authn.console.confirmations import confirm_at_desk, desk_confirmation_options
from authn.console.desk_pages import render_desk_page
from authn.console.outcome_endpoints import answer_next_page
from authn.console.staff_endpoints import (
    DeskSession,
    desk_page,
    desk_script,
    person_endpoint,
    person_script_endpoint,
)
from authn.enrolment.returning import find_waiting_recovery
from authn.errors import NotFound
from authn.people.tables import Person
from authn.staff.roles import Act
from authn.web.request import Request, json_answer, redirect

DoAct = Callable[..., ActOutcome]
ON_DEVICE: Final[Mapping[Act, DoAct]] = {
    "suspend": acts.do_suspend,
    "unlink": acts.do_unlink,
    "resume": acts.do_resume,
}
ON_ALL: Final[Mapping[Act, DoAct]] = {
    "block-all": acts.do_block_all,
    "begin-return": acts.do_begin_return,
}


def _page(request: Request, desk: DeskSession, person: Person, act: Act) -> Response:
    """The page that says what the act ends and what stays, and asks for confirmation."""
    try:
        effects = find_effects(request, person.id, request.path_params.get("device"))
    except NotFound:
        return redirect(f"/desk/people/{person.id}")
    device = effects.device
    act_now = act_by_risk(act, device, request.settings, last=device.last) if device else act
    status = staff_status(request.connection, desk, person.id)
    return render_desk_page(
        request,
        desk,
        f"console/act_{act.replace('-', '_')}.html",
        citizen=person,
        effects=effects,
        device=device,
        reason=reason_sentence(request, desk.why.reason),
        questions=caller_questions(request),
        act=act_now,
        may=desk.staff.may(act_now),
        waits=needs_second(desk, act_now, status),
        return_waits=find_waiting_recovery(request, person.id),
        undo_minutes=round(request.settings.desk_undo.total_seconds() / 60),
        wait_hours=round(request.settings.return_wait.total_seconds() / 3600),
    )


def _routes(path: str, act: Act, do: DoAct) -> list[Route]:
    """Three routes of an act: its page, the options to confirm the act on this target, the act."""

    def asked(request: Request, desk: DeskSession, person: Person) -> Response:
        return _page(request, desk, person, act)

    def options(request: Request, desk: DeskSession, person: Person) -> Response:
        return json_answer(desk_confirmation_options(request, desk, act, _target(request)))

    def confirmed(request: Request, desk: DeskSession, person: Person) -> Response:
        present = confirm_at_desk(request, desk, act, _target(request))
        device_id = request.path_params.get("device")
        on = (device_id,) if device_id else ()
        outcome = do(request, present, person, *on, checked=read_caller_answers(request))
        return answer_next_page(request, present, outcome)

    for function in (asked, options, confirmed):
        function.__name__ = f"{act.replace('-', '_')}_{function.__name__}"
    return [
        desk_page(path, person_endpoint(act)(asked)),
        desk_script(f"{path}/options", person_script_endpoint(act)(options), writes=False),
        desk_script(path, person_script_endpoint(act)(confirmed)),
    ]


def _target(request: Request) -> str:
    """The id of the device or the person to which the confirmation is bound."""
    return str(request.path_params.get("device") or request.path_params["id"])


routes = [
    *(
        route
        for act, do in ON_DEVICE.items()
        for route in _routes(f"/desk/people/{{id:uuid}}/devices/{{device:uuid}}/{act}", act, do)
    ),
    *(
        route
        for act, do in ON_ALL.items()
        for route in _routes(f"/desk/people/{{id:uuid}}/{act}", act, do)
    ),
]

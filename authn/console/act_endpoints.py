"""The acts of the desk on a person's devices, each with the page before it.

The page says what ends and what stays; the act is confirmed with the agent's own device at that
moment, bound to this act on this target (decisions 2.9). What comes after is in `done_endpoints`.
"""

from collections.abc import Callable, Mapping
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from authn.console import acts
from authn.console.act_views import checked_in, effects_on, questions, reason_shown
from authn.console.acts import ActOutcome
from authn.console.confirming import confirm_at_desk, desk_confirmation_options
from authn.console.desk import DeskSession, about_person, about_person_script
from authn.console.done_endpoints import go_on
from authn.console.routes import desk_page, desk_script
from authn.console.shown import desk_answer
from authn.console.targets import needs_second, standing_of
from authn.console.weight import weigh
from authn.enrolment.returning import waiting_return
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
    """What the act ends and what stays, before it asks."""
    try:
        effects = effects_on(request, person.id, request.path_params.get("device"))
    except NotFound:
        return redirect(f"/desk/people/{person.id}")
    device = effects.device
    heavy = weigh(act, device, request.settings, last=device.last) if device else act
    standing = standing_of(request.connection, desk, person.id)
    return desk_answer(
        request,
        desk,
        f"console/act_{act.replace('-', '_')}.html",
        citizen=person,
        effects=effects,
        device=device,
        reason=reason_shown(request, desk.why.reason),
        questions=questions(request),
        act=heavy,
        may=desk.staff.may(heavy),
        waits=needs_second(desk, heavy, standing),
        return_waits=waiting_return(request, person.id),
        undo_minutes=round(request.settings.desk_undo.total_seconds() / 60),
        wait_hours=round(request.settings.return_wait.total_seconds() / 3600),
    )


def _routes(path: str, act: Act, do: DoAct) -> list[Route]:
    """The page of the act, the options to confirm it on exactly this target, and the act."""

    def asked(request: Request, desk: DeskSession, person: Person) -> Response:
        return _page(request, desk, person, act)

    def options(request: Request, desk: DeskSession, person: Person) -> Response:
        return json_answer(desk_confirmation_options(request, desk, act, _target(request)))

    def confirmed(request: Request, desk: DeskSession, person: Person) -> Response:
        present = confirm_at_desk(request, desk, act, _target(request))
        device_id = request.path_params.get("device")
        on = (device_id,) if device_id else ()
        outcome = do(request, present, person, *on, checked=checked_in(request))
        return go_on(request, present, outcome)

    for function in (asked, options, confirmed):
        function.__name__ = f"{act.replace('-', '_')}_{function.__name__}"
    return [
        desk_page(path, about_person(act)(asked)),
        desk_script(f"{path}/options", about_person_script(act)(options), writes=False),
        desk_script(path, about_person_script(act)(confirmed)),
    ]


def _target(request: Request) -> str:
    """What the confirmation is bound to: the device, or the person."""
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

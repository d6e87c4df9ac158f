"""Decorators and routes for endpoints that only staff at the desk may use, each for one act.

An endpoint names its act, so that the matrix of roles and routes follows from `staff.roles` alone
(tests/console/test_matrix.py). Each route may come to write, if only that the desk was used.
"""

from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from authn.console.act_rules import (
    find_person_at_desk,
    guard_target,
    not_found_error,
    record_desk_refusal,
    refuse_own_account,
)
from authn.console.desk_sessions import (
    Desk,
    DeskSession,
    LookReason,
    find_desk_session,
    record_use,
)
from authn.errors import N_, Forbidden
from authn.people.tables import Person
from authn.staff.roles import RULES, Act
from authn.web.cookies import DESK, cookie_name
from authn.web.endpoints import local_path
from authn.web.request import Request, redirect
from authn.web.routing import WHEN_NEEDED, form_route, json_route, page_route

__all__ = ["Desk", "DeskSession", "LookReason", "not_found_error"]

HOME: Final = "/desk"
DeskEndpoint = Callable[[Request, DeskSession], Response]
PersonEndpoint = Callable[[Request, DeskSession, Person], Response]


class StaffEndpoint:
    """An endpoint of the desk, for the act that it needs; None for every member of staff.

    `about` is whether it shows or changes the person in its path, which needs a reason. A page
    that refreshes by itself (`used` is False) doesn't keep the desk open.
    """

    def __init__(
        self,
        function: DeskEndpoint,
        name: str,
        act: Act | None,
        *,
        script: bool,
        about: bool = False,
        used: bool = True,
    ) -> None:
        self.function = function
        self.act = act
        self.script = script
        self.about = about
        self.used = used
        self.__name__ = name

    def __call__(self, request: Request) -> Response:
        """Answer staff at the desk who may do the act; raise or redirect for anybody else."""
        desk = current_desk(request)
        if desk is None:
            if self.script:
                raise desk_closed_error()
            return redirect("/desk/login?" + urlencode({"next": _path_to_come_back_to(request)}))
        if self.act is not None and not desk.staff.may(self.act):
            record_desk_refusal(request, desk, self.act, "role")
            raise not_found_error()
        response = self.function(request, desk)
        # Last of all: whoever takes the session's row before the person's may wait in a circle.
        if self.used:
            record_use(request.connection, desk, request.now)
        return response


def desk_endpoint(act: Act | None = None) -> Callable[[DeskEndpoint], StaffEndpoint]:
    """Decorate a page, or the target of a form: without an open desk, redirect to open it."""
    return lambda function: StaffEndpoint(function, function.__name__, act, script=False)


def desk_script_endpoint(act: Act | None = None) -> Callable[[DeskEndpoint], StaffEndpoint]:
    """Decorate a script's call: without an open desk, refuse."""
    return lambda function: StaffEndpoint(function, function.__name__, act, script=True)


def desk_poll_endpoint(act: Act | None = None) -> Callable[[DeskEndpoint], StaffEndpoint]:
    """Decorate a script's call that a page makes by itself: it does not keep the desk open."""
    return lambda function: StaffEndpoint(function, function.__name__, act, script=True, used=False)


def person_endpoint(act: Act) -> Callable[[PersonEndpoint], StaffEndpoint]:
    """Decorate a page about the person in the path: it needs a reason for exactly that person."""

    def entry(function: PersonEndpoint) -> StaffEndpoint:
        def endpoint(request: Request, desk: DeskSession) -> Response:
            person = person_in_path(request, desk, act)
            ask_reason = require_reason(request, desk, person.id)
            if ask_reason is not None:
                return ask_reason
            guard_target(request, desk, act, person)
            return function(request, desk, person)

        return StaffEndpoint(endpoint, function.__name__, act, script=False, about=True)

    return entry


def person_script_endpoint(act: Act) -> Callable[[PersonEndpoint], StaffEndpoint]:
    """Decorate a script's call about the person in the path: it needs a reason for that person."""

    def entry(function: PersonEndpoint) -> StaffEndpoint:
        def endpoint(request: Request, desk: DeskSession) -> Response:
            person = person_in_path(request, desk, act)
            if desk.about_id != person.id:
                record_desk_refusal(request, desk, act, "no reason", person.id)
                raise reason_required_error()
            guard_target(request, desk, act, person)
            return function(request, desk, person)

        return StaffEndpoint(endpoint, function.__name__, act, script=True, about=True)

    return entry


def current_desk(request: Request) -> DeskSession | None:
    """The desk session of this browser: one SELECT when there is a cookie, none otherwise."""
    token = request.cookies.get(cookie_name(request.settings, DESK), "")
    return find_desk_session(request.connection, request.site, token, request.now)


def require_reason(request: Request, desk: DeskSession, person_id: UUID) -> Response | None:
    """A redirect to the page that asks for a reason; None once given for exactly this person."""
    if desk.about_id == person_id:
        return None
    on = request.path_and_query if request.method == "GET" else f"/desk/people/{person_id}"
    return redirect("/desk/reason?" + urlencode({"person": str(person_id), "next": on}))


def desk_path(location: str) -> str:
    """The location when it is a page of the desk, else the desk's first page: no open redirect."""
    path = local_path(location)
    return path if path == HOME or path.startswith(("/desk/", "/desk?")) else HOME


def desk_closed_error() -> Forbidden:
    """The error of a script's call where the desk is not open any more."""
    return Forbidden(
        "not_at_desk", N_("The desk is not open any more. Reload the page to open it again.")
    )


def reason_required_error() -> Forbidden:
    """The error of a script's call about somebody, where no reason was given lately."""
    return Forbidden(
        "reason_required", N_("Say first why you look at this person: reload the page.")
    )


def _path_to_come_back_to(request: Request) -> str:
    """The path to show after the desk was opened; for a form the first page: its input is lost."""
    return request.path_and_query if request.method == "GET" else HOME


def person_in_path(request: Request, desk: Desk, act: Act) -> Person:
    """The person in the path; raises `NotFound` for nobody, `Forbidden` for oneself."""
    assert RULES[act].about_person
    person = find_person_at_desk(request.connection, request.path_params["id"])
    if person is None:
        record_desk_refusal(request, desk, act, "no such person")
        raise not_found_error()
    refuse_own_account(request, desk, act, person.id)
    return person


def desk_page(path: str, entry: StaffEndpoint) -> Route:
    """The GET route of a page."""
    return page_route(path, entry, writes=WHEN_NEEDED)


def desk_form(path: str, entry: StaffEndpoint) -> Route:
    """The POST route of a form."""
    return form_route(path, entry)


def desk_poll(path: str, entry: StaffEndpoint) -> Route:
    """The GET route of a call that a page makes by itself, again and again."""
    return json_route(path, entry, method="GET", writes=WHEN_NEEDED)


def desk_script(path: str, entry: StaffEndpoint, *, writes: bool = True) -> Route:
    """The POST route of a script's call; with `writes` False, one that only asks for options."""
    return json_route(path, entry, writes=writes or WHEN_NEEDED)

"""Endpoints that only somebody at the desk may use, each by the act that it is for.

An entry says its act, so that the matrix of roles and routes follows from `staff.roles` alone
(tests/console/test_matrix.py).
"""

from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response

from authn.console.desk_sessions import (
    Desk,
    DeskClosedReason,
    DeskSession,
    find_desk_session,
    touch,
)
from authn.console.targets import (
    guard_oneself,
    guard_target,
    note_refused,
    nothing_here,
    seen_person,
)
from authn.errors import N_, Forbidden
from authn.people.tables import Person
from authn.staff.roles import RULES, Act
from authn.web.cookies import DESK, cookie_name
from authn.web.endpoints import local_path
from authn.web.request import Request, redirect

__all__ = ["Desk", "DeskClosedReason", "DeskSession", "nothing_here"]

HOME: Final = "/desk"
DeskEndpoint = Callable[[Request, DeskSession], Response]
PersonEndpoint = Callable[[Request, DeskSession, Person], Response]


class DeskActivityEntry:
    """An endpoint of the desk. `act` is what it is for, None for every member of staff.

    `about` is whether it shows or does something to the person in its path, for a reason. A page
    that looks by itself (`used` is False) doesn't keep the desk open.
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
        """Answers whoever is at the desk and may do the act."""
        desk = current_desk(request)
        if desk is None:
            if self.script:
                raise not_at_desk()
            return redirect("/desk/login?" + urlencode({"next": _here(request)}))
        if self.act is not None and not desk.staff.may(self.act):
            note_refused(request, desk, self.act, "role")
            raise nothing_here()
        response = self.function(request, desk)
        # Last of all: whoever takes the session's row before the person's may wait in a circle.
        if self.used:
            touch(request.connection, desk, request.now)
        return response


def at_desk(act: Act | None = None) -> Callable[[DeskEndpoint], DeskActivityEntry]:
    """A page, or what a form is sent to: whoever is not at the desk opens it first."""
    return lambda function: DeskActivityEntry(function, function.__name__, act, script=False)


def at_desk_script(act: Act | None = None) -> Callable[[DeskEndpoint], DeskActivityEntry]:
    """A call of a script: whoever is not at the desk any more is refused."""
    return lambda function: DeskActivityEntry(function, function.__name__, act, script=True)


def at_desk_poll(act: Act | None = None) -> Callable[[DeskEndpoint], DeskActivityEntry]:
    """As `at_desk_script`, for a page that looks by itself: nobody uses the desk by that."""
    return lambda function: DeskActivityEntry(
        function, function.__name__, act, script=True, used=False
    )


def about_person(act: Act) -> Callable[[PersonEndpoint], DeskActivityEntry]:
    """As `at_desk`, about the person in the path: with a reason for exactly this one."""

    def entry(function: PersonEndpoint) -> DeskActivityEntry:
        def endpoint(request: Request, desk: DeskSession) -> Response:
            person = person_in_path(request, desk, act)
            unsaid = require_reason(request, desk, person.id)
            if unsaid is not None:
                return unsaid
            guard_target(request, desk, act, person)
            return function(request, desk, person)

        return DeskActivityEntry(endpoint, function.__name__, act, script=False, about=True)

    return entry


def about_person_script(act: Act) -> Callable[[PersonEndpoint], DeskActivityEntry]:
    """As `at_desk_script`, about the person in the path: with a reason for exactly this one."""

    def entry(function: PersonEndpoint) -> DeskActivityEntry:
        def endpoint(request: Request, desk: DeskSession) -> Response:
            person = person_in_path(request, desk, act)
            if desk.about_id != person.id:
                note_refused(request, desk, act, "no reason", person.id)
                raise reason_required()
            guard_target(request, desk, act, person)
            return function(request, desk, person)

        return DeskActivityEntry(endpoint, function.__name__, act, script=True, about=True)

    return entry


def current_desk(request: Request) -> DeskSession | None:
    """Who is at the desk in this browser: one SELECT when there is a cookie, none otherwise."""
    token = request.cookies.get(cookie_name(request.settings, DESK), "")
    return find_desk_session(request.connection, request.site, token, request.now)


def require_reason(request: Request, desk: DeskSession, person_id: UUID) -> Response | None:
    """The way to the page that asks why; None once it was said of exactly this person."""
    if desk.about_id == person_id:
        return None
    on = request.path_and_query if request.method == "GET" else f"/desk/people/{person_id}"
    return redirect("/desk/reason?" + urlencode({"person": str(person_id), "next": on}))


def desk_path(location: str) -> str:
    """The location when it is a page of the desk, else its first page: never an open redirect."""
    path = local_path(location)
    return path if path == HOME or path.startswith(("/desk/", "/desk?")) else HOME


def not_at_desk() -> Forbidden:
    """The refusal of a script's call where the desk is not open any more."""
    return Forbidden(
        "not_at_desk", N_("The desk is not open any more. Reload the page to open it again.")
    )


def reason_required() -> Forbidden:
    """The refusal of a script's call about somebody, where no reason was given lately."""
    return Forbidden(
        "reason_required", N_("Say first why you look at this person: reload the page.")
    )


def _here(request: Request) -> str:
    """Where to come back to; what a form sent is lost, and read again before it is sent again."""
    return request.path_and_query if request.method == "GET" else HOME


def person_in_path(request: Request, desk: Desk, act: Act) -> Person:
    """The person in the path; nobody looks at themselves."""
    assert RULES[act].about_person
    person = seen_person(request.connection, request.path_params["id"])
    if person is None:
        note_refused(request, desk, act, "no such person")
        raise nothing_here()
    guard_oneself(request, desk, act, person.id)
    return person

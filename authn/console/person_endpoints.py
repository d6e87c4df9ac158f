"""The page of a person, shown for a reason; each view is recorded."""

from typing import Any

from starlette.responses import Response

from authn.audit.events.staff import DeskLookedAt, DeskNumberShown
from authn.console.desk_pages import render_desk_page
from authn.console.looks import record_look
from authn.console.person_view import person_view
from authn.console.staff_endpoints import DeskSession, desk_form, desk_page, person_endpoint
from authn.people.tables import Person
from authn.staff.reasons import reason_text
from authn.web.request import Request


@person_endpoint("see-person")
def show_person(request: Request, desk: DeskSession, person: Person) -> Response:
    """The page of the person, with the national number masked."""
    record_look(request, desk, DeskLookedAt(**_look(desk, person)))
    return _page(request, desk, person)


@person_endpoint("show-number")
def show_number(request: Request, desk: DeskSession, person: Person) -> Response:
    """The page of the person with the whole national number; by POST, so that no URL shows it."""
    record_look(request, desk, DeskNumberShown(**_look(desk, person)))
    return _page(request, desk, person, with_number=True)


def _look(desk: DeskSession, person: Person) -> dict[str, Any]:
    return {
        "actor_id": desk.person_id,
        "person_id": person.id,
        "reason": desk.why.reason,
        "explanation": desk.why.explanation,
        "ticket": desk.why.ticket,
    }


def _page(
    request: Request, desk: DeskSession, person: Person, *, with_number: bool = False
) -> Response:
    if person.merged_into is not None:
        return render_desk_page(request, desk, "console/person_merged.html", merged=person)
    settings, language = request.settings, request.language
    return render_desk_page(
        request,
        desk,
        "console/person.html",
        shown=person_view(request, desk, person, with_number=with_number),
        with_number=with_number,
        reason=reason_text(settings, desk.why.reason, language, request.translate),
    )


routes = [
    desk_page("/desk/people/{id:uuid}", show_person),
    desk_form("/desk/people/{id:uuid}/number", show_number),
]

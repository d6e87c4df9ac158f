"""The page of a person: shown for a reason, and each time on record."""

from typing import Any

from starlette.responses import Response

from authn.audit.staff_events import DeskLookedAt, DeskNumberShown
from authn.console.desk import DeskSession, about_person
from authn.console.looks import record_look
from authn.console.person_view import person_view
from authn.console.routes import desk_form, desk_page
from authn.console.shown import desk_answer
from authn.people.tables import Person
from authn.staff.reasons import reason_in_words
from authn.web.request import Request


@about_person("see-person")
def person(request: Request, desk: DeskSession, person: Person) -> Response:
    """The person, without their number."""
    record_look(request, desk, DeskLookedAt(**_look(desk, person)))
    return _page(request, desk, person)


@about_person("show-number")
def number(request: Request, desk: DeskSession, person: Person) -> Response:
    """The same, with the number; the page itself, and no address that would show it again."""
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
        return desk_answer(request, desk, "console/person_merged.html", merged=person)
    settings, language = request.settings, request.language
    return desk_answer(
        request,
        desk,
        "console/person.html",
        shown=person_view(request, desk, person, with_number=with_number),
        with_number=with_number,
        reason=reason_in_words(settings, desk.why.reason, language, request.translate),
    )


routes = [
    desk_page("/desk/people/{id:uuid}", person),
    desk_form("/desk/people/{id:uuid}/number", number),
]

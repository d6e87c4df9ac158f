"""Find a person: what the caller can tell, and why, on one page; nobody is shown without a reason.

By POST alone: nothing that finds a person stands in an address, a log or a history.
"""

from collections.abc import Mapping
from uuid import UUID

from starlette.responses import Response

from authn.audit.staff_events import DeskSearched
from authn.console.desk import Desk, DeskClosedReason, DeskSession, at_desk
from authn.console.find import CLUE, FoundPerson, NotSearchable, PersonSearch, find, read_search
from authn.console.looks import record_looks
from authn.console.reason import WrongReason, give_reason, read_why, reasons
from authn.console.routes import desk_form, desk_page
from authn.console.shown import desk_answer
from authn.people.numbers import current_ssin
from authn.people.ssin import mask, today_in_brussels
from authn.web.request import Request, redirect


@at_desk("find")
def find_person(request: Request, desk: DeskSession) -> Response:
    """The form."""
    return _page(request, desk, {})


@at_desk("find")
def person_found(request: Request, desk: DeskSession) -> Response:
    """On to the person when there is one; else those to choose from, or that there is nobody."""
    errors: list[dict[str, str]] = []
    search, why = None, DeskClosedReason()
    try:
        search = read_search(request.form, today_in_brussels(request.now))
    except NotSearchable as wrong:
        errors.append({"field": wrong.field, "text": request.translate(wrong.description)})
    try:
        why = read_why(request, request.form)
    except WrongReason as wrong:
        errors.append({"field": wrong.field, "text": request.translate(wrong.description)})
    if search is None or errors:
        return _page(request, desk, request.form, errors=errors)
    found = find(request, desk, search)
    one = found.persons[0].id if len(found.persons) == 1 else None
    record_search(request, desk, search, found, why)
    if one:
        give_reason(request, desk, one, why)
        return redirect(f"/desk/people/{one}")
    # A number that is one goes back to nobody's screen.
    sent = {**request.form, CLUE: ""} if search.kind == "number" else request.form
    return _page(request, desk, sent, found)


def record_search(
    request: Request, desk: Desk, search: PersonSearch, found: FoundPerson, why: DeskClosedReason
) -> None:
    """The search is on record, and counted, before anybody is shown for it: once for each whom it
    shows, or for nobody."""
    shown: list[UUID | None] = [each.id for each in found.persons]
    events = [
        DeskSearched(
            actor_id=desk.person_id,
            person_id=each,
            kind=search.kind,
            found=len(found.persons),
            citizen=found.citizen,
            reason=why.reason,
            explanation=why.explanation,
            ticket=why.ticket,
        )
        for each in shown or [found.hidden]
    ]
    record_looks(request, desk, events)


def _page(
    request: Request,
    desk: DeskSession,
    sent: Mapping[str, str],
    found: FoundPerson | None = None,
    errors: list[dict[str, str]] | None = None,
) -> Response:
    return desk_answer(
        request,
        desk,
        "console/find.html",
        status=422 if errors else 200,
        sent=sent,
        errors=errors or [],
        reasons=reasons(request),
        found=found,
        numbers=masked_numbers(request, found) if found else {},
    )


def masked_numbers(request: Request, found: FoundPerson) -> dict[UUID, str]:
    """The masked number of each, by which two of one name are told apart."""
    return {
        each.id: mask(current_ssin(request.connection, request.secrets, each.id))
        for each in found.persons
    }


routes = [desk_page("/desk/find", find_person), desk_form("/desk/find", person_found)]

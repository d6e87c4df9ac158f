"""The page /desk/find: search for a person, with the reason to look at who is found.

By POST alone: nothing that finds a person stands in a URL, a log or a history.
"""

from collections.abc import Mapping
from uuid import UUID

from starlette.responses import Response

from authn.audit.events.staff import DeskSearched
from authn.console.desk_pages import render_desk_page
from authn.console.find import (
    CLUE,
    FoundPerson,
    NotSearchable,
    PersonSearch,
    find_persons,
    read_search,
)
from authn.console.looks import record_looks
from authn.console.reason import WrongReason, give_reason, list_reasons, read_reason
from authn.console.staff_endpoints import (
    Desk,
    DeskSession,
    LookReason,
    desk_endpoint,
    desk_form,
    desk_page,
)
from authn.people.numbers import current_ssin
from authn.people.ssin import mask_ssin, today_in_brussels
from authn.web.request import Request, redirect


@desk_endpoint("find")
def show_search(request: Request, desk: DeskSession) -> Response:
    """The empty search form."""
    return _page(request, desk, {})


@desk_endpoint("find")
def search_persons(request: Request, desk: DeskSession) -> Response:
    """Lead to the person when one is found; else show whom to choose from, or that nobody is."""
    errors: list[dict[str, str]] = []
    search, why = None, LookReason()
    try:
        search = read_search(request.form, today_in_brussels(request.now))
    except NotSearchable as wrong:
        errors.append({"field": wrong.field, "text": request.translate(wrong.description)})
    try:
        why = read_reason(request, request.form)
    except WrongReason as wrong:
        errors.append({"field": wrong.field, "text": request.translate(wrong.description)})
    if search is None or errors:
        return _page(request, desk, request.form, errors=errors)
    found = find_persons(request, desk, search)
    one = found.persons[0].id if len(found.persons) == 1 else None
    record_search(request, desk, search, found, why)
    if one:
        give_reason(request, desk, one, why)
        return redirect(f"/desk/people/{one}")
    # A valid national number is not shown again.
    sent = {**request.form, CLUE: ""} if search.kind == "number" else request.form
    return _page(request, desk, sent, found)


def record_search(
    request: Request, desk: Desk, search: PersonSearch, found: FoundPerson, why: LookReason
) -> None:
    """Record and count the search before anybody is shown: once for each person it shows, or once
    for nobody."""
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
    return render_desk_page(
        request,
        desk,
        "console/find.html",
        status=422 if errors else 200,
        sent=sent,
        errors=errors or [],
        reasons=list_reasons(request),
        found=found,
        numbers=masked_numbers(request, found) if found else {},
    )


def masked_numbers(request: Request, found: FoundPerson) -> dict[UUID, str]:
    """The masked national number of each person found, to tell two of one name apart."""
    return {
        each.id: mask_ssin(current_ssin(request.connection, request.secrets, each.id))
        for each in found.persons
    }


routes = [desk_page("/desk/find", show_search), desk_form("/desk/find", search_persons)]

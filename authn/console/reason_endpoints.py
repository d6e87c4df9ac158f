"""The page that asks why somebody is looked at, before anything of them is shown."""

from collections.abc import Mapping
from uuid import UUID

from starlette.responses import Response

from authn.console.desk import DeskSession, at_desk, desk_path
from authn.console.reason import WrongReason, give_reason, read_why, reasons
from authn.console.routes import desk_form, desk_page
from authn.console.shown import desk_answer
from authn.console.targets import note_refused, nothing_here, own_account, seen_person
from authn.web.request import Request, redirect


@at_desk("see-person")
def reason(request: Request, desk: DeskSession) -> Response:
    """The reasons to choose from; it tells nothing of the person, nor whether there is one."""
    return _reason_page(request, desk, request.query, [])


@at_desk("see-person")
def reason_given(request: Request, desk: DeskSession) -> Response:
    """On to the page that was asked for; or this one again, with what to correct."""
    try:
        why = read_why(request, request.form)
    except WrongReason as wrong:
        errors = [{"field": wrong.field, "text": request.translate(wrong.description)}]
        return _reason_page(request, desk, request.form, errors)
    person_id = _person_id(request.form)
    person = seen_person(request.connection, person_id) if person_id else None
    if person is None:
        note_refused(request, desk, "see-person", "no such person")
        raise nothing_here()
    if person.id == desk.person_id:
        note_refused(request, desk, "see-person", "own_account", person.id)
        raise own_account()
    give_reason(request, desk, person.id, why)
    return redirect(desk_path(request.form.get("next", "") or f"/desk/people/{person.id}"))


def _reason_page(
    request: Request, desk: DeskSession, sent: Mapping[str, str], errors: list[dict[str, str]]
) -> Response:
    person_id = _person_id(sent)
    if person_id is None:
        raise nothing_here()
    return desk_answer(
        request,
        desk,
        "console/reason.html",
        status=422 if errors else 200,
        about_id=person_id,
        on=desk_path(sent.get("next", "") or f"/desk/people/{person_id}"),
        reasons=reasons(request),
        sent=sent,
        errors=errors,
    )


def _person_id(sent: Mapping[str, str]) -> UUID | None:
    try:
        return UUID(sent.get("person", ""))
    except ValueError:
        return None


routes = [desk_page("/desk/reason", reason), desk_form("/desk/reason", reason_given)]

"""/desk/reason: before staff see a person, they choose a reason, which is recorded and kept.

The reason is read from a form or an API call, counted as a look, and kept in the session.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple
from uuid import UUID

from starlette.responses import Response

from authn.audit.events.staff import DeskReasonGiven
from authn.console.act_rules import (
    find_person_at_desk,
    not_found_error,
    own_account_error,
    record_desk_refusal,
)
from authn.console.desk_pages import render_desk_page
from authn.console.desk_sessions import DeskSession, LookReason, keep_reason
from authn.console.looks import record_look
from authn.console.staff_endpoints import (
    desk_endpoint,
    desk_form,
    desk_page,
    desk_path,
)
from authn.console.tables import LONGEST_REASON, LONGEST_TICKET
from authn.db.occasion import Occasion
from authn.errors import N_, InvalidRequest
from authn.people.ssin import contains_ssin, today_in_brussels
from authn.staff.reasons import reason_codes, reason_text
from authn.web.request import Request, redirect

REASON: Final = "reason"
EXPLANATION: Final = "explanation"
TICKET: Final = "ticket"

CHOOSE = N_("Choose why you look at this person.")
TOO_LONG = N_("Write it shorter.")
NO_NUMBER = N_("Write no national number here: it would be kept where it does not belong.")


class Reason(NamedTuple):
    """A reason that may be chosen, in the language of the page."""

    code: str
    words: str


class WrongReason(InvalidRequest):
    """The form holds no valid reason; `field` is the field with the error."""

    def __init__(self, field: str, description: str) -> None:
        super().__init__("invalid_reason", description)
        self.field = field


def list_reasons(request: Request) -> list[Reason]:
    """The reasons that an agent chooses from."""
    settings, language = request.settings, request.language
    return [
        Reason(code, reason_text(settings, code, language, request.translate))
        for code in reason_codes(settings)
    ]


def read_reason(occasion: Occasion, sent: Mapping[str, str]) -> LookReason:
    """The reason in a form; raises `WrongReason`."""
    why = LookReason(*(sent.get(name, "").strip() for name in (REASON, EXPLANATION, TICKET)))
    if why.reason not in reason_codes(occasion.settings):
        raise WrongReason(REASON, CHOOSE)
    for name, text, longest in (
        (EXPLANATION, why.explanation, LONGEST_REASON),
        (TICKET, why.ticket, LONGEST_TICKET),
    ):
        if len(text) > longest or not all(each.isprintable() or each in "\r\n" for each in text):
            raise WrongReason(name, TOO_LONG)
        if contains_ssin(text, today_in_brussels(occasion.now)):
            raise WrongReason(name, NO_NUMBER)
    return why


def give_reason(request: Request, desk: DeskSession, person_id: UUID, why: LookReason) -> None:
    """The session at the desk is about this person from now on; the reason is recorded.

    Raises `Forbidden` for an agent who has looked at too many people within an hour.
    """
    event = DeskReasonGiven(actor_id=desk.person_id, person_id=person_id, **why.event_fields())
    record_look(request, desk, event)
    keep_reason(request.connection, desk, person_id, why, request.now)


@desk_endpoint("see-person")
def show_reason_form(request: Request, desk: DeskSession) -> Response:
    """The page with the reasons, which does not tell whether the person exists."""
    return _reason_page(request, desk, request.query, [])


@desk_endpoint("see-person")
def submit_reason(request: Request, desk: DeskSession) -> Response:
    """A redirect to the page that was asked for; or the reasons again with the error."""
    try:
        why = read_reason(request, request.form)
    except WrongReason as wrong:
        errors = [{"field": wrong.field, "text": request.translate(wrong.description)}]
        return _reason_page(request, desk, request.form, errors)
    person_id = _person_id(request.form)
    person = find_person_at_desk(request.connection, person_id) if person_id else None
    if person is None:
        record_desk_refusal(request, desk, "see-person", "no such person")
        raise not_found_error()
    if person.id == desk.person_id:
        record_desk_refusal(request, desk, "see-person", "own_account", person.id)
        raise own_account_error()
    give_reason(request, desk, person.id, why)
    return redirect(desk_path(request.form.get("next", "") or f"/desk/people/{person.id}"))


def _reason_page(
    request: Request, desk: DeskSession, sent: Mapping[str, str], errors: list[dict[str, str]]
) -> Response:
    person_id = _person_id(sent)
    if person_id is None:
        raise not_found_error()
    return render_desk_page(
        request,
        desk,
        "console/reason.html",
        status=422 if errors else 200,
        about_id=person_id,
        on=desk_path(sent.get("next", "") or f"/desk/people/{person_id}"),
        reasons=list_reasons(request),
        sent=sent,
        errors=errors,
    )


def _person_id(sent: Mapping[str, str]) -> UUID | None:
    try:
        return UUID(sent.get("person", ""))
    except ValueError:
        return None


routes = [desk_page("/desk/reason", show_reason_form), desk_form("/desk/reason", submit_reason)]

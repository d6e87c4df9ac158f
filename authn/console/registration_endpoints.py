"""/desk/registration: a citizen comes with an identity document and leaves with a letter.

Find the citizen, check the document, ask for the code, print the letter. The registrar's own device
confirms the asking and, where time has passed since, the printing; each letter is printed once.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response

from authn.consents.desk_acts import BY_LETTER
from authn.console.act_rules import not_found_error
from authn.console.confirmations import (
    confirm_at_desk,
    desk_confirmation_options,
    lock_desk_session,
)
from authn.console.desk_pages import render_desk_page
from authn.console.document_checks import DOCUMENTS, answer_document_form, list_document_checks
from authn.console.letters import letter_response
from authn.console.registration import (
    DeskCodeInput,
    cancel_code_at_desk,
    print_code_at_desk,
    request_code_at_desk,
)
from authn.console.registration_find import find_citizen
from authn.console.registration_views import addresses_to_choose, code_view, running_codes
from authn.console.staff_endpoints import (
    DeskSession,
    desk_endpoint,
    desk_form,
    desk_page,
    desk_script,
    person_endpoint,
    person_script_endpoint,
)
from authn.db.once import spend
from authn.enrolment.desk_code_rows import find_desk_code
from authn.enrolment.visitor import page_token, read_page_token
from authn.errors import N_, Expired, InvalidRequest, NotFound
from authn.people.tables import Person
from authn.secrets import new_token
from authn.web.request import Request, json_answer, redirect, sent_text

HOME: Final = "/desk/registration"
LETTER: Final = "letter"  # the purpose of the signed ticket for one letter
LETTER_LIFETIME: Final = timedelta(minutes=5)
_UNREADABLE = N_("What your browser sent could not be read.")


@desk_endpoint("check-identity")
def show_registration(request: Request, desk: DeskSession) -> Response:
    """The first page of a registrar: the question for a number, and the codes under way."""
    return _home(request, desk, [])


@desk_endpoint("check-identity")
def submit_number(request: Request, desk: DeskSession) -> Response:
    """A redirect to the citizen with this number; or the page again with its error."""
    try:
        person = find_citizen(request, desk, request.form.get("ssin", ""))
    except NotFound as refusal:
        return _home(
            request, desk, [{"field": "ssin", "text": request.translate(refusal.description)}]
        )
    return redirect(_path(person))


@person_endpoint("check-identity")
def show_citizen(request: Request, desk: DeskSession, person: Person) -> Response:
    """The page of a citizen: the document check, the way of the second half, the letter."""
    return _citizen_page(request, desk, person, {}, [])


@person_endpoint("check-identity")
def check_identity(request: Request, desk: DeskSession, person: Person) -> Response:
    """The document check is recorded; or the page again with its errors."""
    again = partial(_citizen_page, request, desk, person)
    return answer_document_form(request, desk, person, _path(person), again)


@person_script_endpoint("issue-code")
def code_options(request: Request, desk: DeskSession, person: Person) -> Response:
    """Options to confirm the request for this code."""
    target = _read_code_request(request).act_to_confirm(person).target
    return json_answer(desk_confirmation_options(request, desk, "issue-code", target))


@person_script_endpoint("issue-code")
def request_code(request: Request, desk: DeskSession, person: Person) -> Response:
    """The code is asked for: it may be printed at once, or waits."""
    wanted = _read_code_request(request)
    desk = confirm_at_desk(request, desk, "issue-code", wanted.act_to_confirm(person).target)
    asked = request_code_at_desk(request, desk, person, wanted).desk_code
    if asked.state == "open":
        return json_answer({"location": _letter_path(request, desk, asked.id, person)})
    return json_answer({"location": _path(person)})


@person_script_endpoint("issue-code")
def print_options(request: Request, desk: DeskSession, person: Person) -> Response:
    """Options to confirm that the letter of this code is printed."""
    target = _printing_to_confirm(request, person)
    return json_answer(desk_confirmation_options(request, desk, "issue-code", target))


@person_script_endpoint("issue-code")
def confirm_printing(request: Request, desk: DeskSession, person: Person) -> Response:
    """The printing is confirmed: the answer leads to the page of the letter."""
    desk = confirm_at_desk(request, desk, "issue-code", _printing_to_confirm(request, person))
    desk_code = find_desk_code(request.connection, _read_id(sent_text(request, "desk_code")))
    if desk_code.person_id != person.id:  # what was confirmed is for this one citizen
        raise not_found_error()
    return json_answer({"location": _letter_path(request, desk, desk_code.id, person)})


@person_endpoint("issue-code")
def show_letter(request: Request, desk: DeskSession, person: Person) -> Response:
    """The page whose button prints the letter; opening the page makes no code."""
    token = request.query.get("ticket", "")
    _read_ticket(request, desk, token)
    return render_desk_page(
        request, desk, "console/registration_letter.html", citizen=person, ticket=token
    )


@person_endpoint("issue-code")
def print_letter(request: Request, desk: DeskSession, person: Person) -> Response:
    """The letter as a PDF, once; nothing keeps the code."""
    desk = lock_desk_session(request, desk, "issue-code")
    token = request.form.get("ticket", "")
    desk_code_id = _read_ticket(request, desk, token)
    if not spend(request.connection, token, request.now + LETTER_LIFETIME):
        raise Expired(
            "letter_printed",
            N_("This letter was opened already. To print it anew, go back to the citizen."),
        )
    printed = print_code_at_desk(request, desk, person, desk_code_id)
    return letter_response(request, person, printed)


@person_endpoint("issue-code")
def cancel_code(request: Request, desk: DeskSession, person: Person) -> Response:
    """The code is cancelled."""
    cancel_code_at_desk(request, desk, person, _read_id(request.form.get("desk_code", "")))
    return redirect(_path(person))


def _home(request: Request, desk: DeskSession, errors: list[dict[str, str]]) -> Response:
    return render_desk_page(
        request,
        desk,
        "console/registration.html",
        status=422 if errors else 200,
        errors=errors,
        running=running_codes(request, desk),
    )


def _citizen_page(
    request: Request,
    desk: DeskSession,
    person: Person,
    sent: Mapping[str, str],
    errors: list[dict[str, str]],
) -> Response:
    return render_desk_page(
        request,
        desk,
        "console/registration_citizen.html",
        status=422 if errors else 200,
        citizen=person,
        code=code_view(request, desk, person),
        addresses=addresses_to_choose(request, person),
        documents=DOCUMENTS,
        checks=list_document_checks(request),
        sent=sent,
        errors=errors,
    )


def _letter_path(request: Request, desk: DeskSession, desk_code_id: UUID, person: Person) -> str:
    content = {"desk_code": str(desk_code_id), "desk": str(desk.id), "once": new_token(16)}
    token = page_token(request, LETTER, content, LETTER_LIFETIME)
    return f"{_path(person)}/letter?" + urlencode({"ticket": token})


def _read_ticket(request: Request, desk: DeskSession, token: str) -> UUID:
    """The id of the code that the ticket is for, in this session; raises a `Refusal`."""
    content = read_page_token(request, LETTER, token)
    if content["desk"] != str(desk.id):
        raise Expired("expired", N_("This page was open for too long. Please start again."))
    return UUID(content["desk_code"])


def _read_code_request(request: Request) -> DeskCodeInput:
    half = sent_text(request, "second_half")
    return DeskCodeInput(
        desk_code_id=_read_id(sent_text(request, "desk_code")),
        address_id=None if half == BY_LETTER else _read_id(half),
        way="wait" if request.json.get("way") == "wait" else "second",
    )


def _printing_to_confirm(request: Request, person: Person) -> str:
    return f"print {person.id} {_read_id(sent_text(request, 'desk_code'))}"


def _path(person: Person) -> str:
    return f"{HOME}/{person.id}"


def _read_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidRequest("invalid_request", _UNREADABLE) from None


_CITIZEN = HOME + "/{id:uuid}"
routes = [
    desk_page(HOME, show_registration),
    desk_form(f"{HOME}/find", submit_number),
    desk_page(_CITIZEN, show_citizen),
    desk_form(f"{_CITIZEN}/check", check_identity),
    desk_script(f"{_CITIZEN}/code/options", code_options, writes=False),
    desk_script(f"{_CITIZEN}/code", request_code),
    desk_script(f"{_CITIZEN}/print/options", print_options, writes=False),
    desk_script(f"{_CITIZEN}/print", confirm_printing),
    desk_page(f"{_CITIZEN}/letter", show_letter),
    desk_form(f"{_CITIZEN}/letter", print_letter),
    desk_form(f"{_CITIZEN}/cancel", cancel_code),
]

"""The registration desk: a citizen with a document in hand, who leaves with a letter.

Find, check the document, ask for the code, print. The registrar's own device confirms the asking
and, where time has passed since, the printing; what it confirmed is good for one letter.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response

from authn.consents.desk_acts import BY_LETTER
from authn.console.confirming import confirm_at_desk, desk_confirmation_options, hold_desk
from authn.console.desk import DeskSession, about_person, about_person_script, at_desk
from authn.console.document_checks import DOCUMENTS, check_document, checks
from authn.console.printing import printed_letter
from authn.console.registration import DeskCodeInput, do_ask_for_code, do_cancel_code, do_print_code
from authn.console.registration_find import find_citizen
from authn.console.registration_views import addresses_to_choose, running_codes, view_of
from authn.console.routes import desk_form, desk_page, desk_script
from authn.console.shown import desk_answer
from authn.console.targets import nothing_here
from authn.db.spent import spend
from authn.enrolment.desk_code_rows import find_desk_code
from authn.enrolment.this_browser import page_token, read_page_token
from authn.errors import N_, Expired, InvalidRequest, NotFound
from authn.people.tables import Person
from authn.secrets import new_token
from authn.web.request import Request, json_answer, redirect, sent_text

HOME: Final = "/desk/registration"
LETTER: Final = "letter"  # what a ticket for one letter is signed for
LETTER_LIFETIME: Final = timedelta(minutes=5)
_UNREADABLE = N_("What your browser sent could not be read.")


@at_desk("check-identity")
def registration(request: Request, desk: DeskSession) -> Response:
    """Where a registrar begins: the number, and what still runs."""
    return _home(request, desk, [])


@at_desk("check-identity")
def citizen_found(request: Request, desk: DeskSession) -> Response:
    """On to the citizen, whose reason is asked first; or the page again."""
    try:
        person = find_citizen(request, desk, request.form.get("ssin", ""))
    except NotFound as refusal:
        return _home(
            request, desk, [{"field": "ssin", "text": request.translate(refusal.description)}]
        )
    return redirect(_path(person))


@about_person("check-identity")
def citizen(request: Request, desk: DeskSession, person: Person) -> Response:
    """How far the citizen's code is: the document, the way of the second half, the letter."""
    return _citizen_page(request, desk, person, {}, [])


@about_person("check-identity")
def identity_checked(request: Request, desk: DeskSession, person: Person) -> Response:
    """The check is on record; or the page again, with what to correct."""
    again = partial(_citizen_page, request, desk, person)
    return check_document(request, desk, person, _path(person), again)


@about_person_script("issue-code")
def code_options(request: Request, desk: DeskSession, person: Person) -> Response:
    """Options to confirm what the form says: this code, for this citizen, by this way."""
    target = _wanted(request).confirmed(person).target
    return json_answer(desk_confirmation_options(request, desk, "issue-code", target))


@about_person_script("issue-code")
def code_asked(request: Request, desk: DeskSession, person: Person) -> Response:
    """The code may be printed at once, or waits for somebody or for a day."""
    wanted = _wanted(request)
    desk = confirm_at_desk(request, desk, "issue-code", wanted.confirmed(person).target)
    asked = do_ask_for_code(request, desk, person, wanted).desk_code
    if asked.state == "open":
        return json_answer({"location": _letter_path(request, desk, asked.id, person)})
    return json_answer({"location": _path(person)})


@about_person_script("issue-code")
def print_options(request: Request, desk: DeskSession, person: Person) -> Response:
    """Options to confirm that the letter of this one code is printed, for this citizen."""
    target = _printed(request, person)
    return json_answer(desk_confirmation_options(request, desk, "issue-code", target))


@about_person_script("issue-code")
def print_confirmed(request: Request, desk: DeskSession, person: Person) -> Response:
    """The registrar is who they were: on to the letter, for the first time or anew."""
    desk = confirm_at_desk(request, desk, "issue-code", _printed(request, person))
    desk_code = find_desk_code(request.connection, _id(sent_text(request, "desk_code")))
    if desk_code.person_id != person.id:  # what was confirmed is for this one citizen
        raise nothing_here()
    return json_answer({"location": _letter_path(request, desk, desk_code.id, person)})


@about_person("issue-code")
def letter(request: Request, desk: DeskSession, person: Person) -> Response:
    """The page whose button opens the letter; opening the page makes no code."""
    token = request.query.get("ticket", "")
    _ticket(request, desk, token)
    return desk_answer(
        request, desk, "console/registration_letter.html", citizen=person, ticket=token
    )


@about_person("issue-code")
def letter_printed(request: Request, desk: DeskSession, person: Person) -> Response:
    """The letter, and nothing keeps it: a second one is another code, confirmed anew."""
    desk = hold_desk(request, desk, "issue-code")
    token = request.form.get("ticket", "")
    desk_code_id = _ticket(request, desk, token)
    if not spend(request.connection, token, request.now + LETTER_LIFETIME):
        raise Expired(
            "letter_printed",
            N_("This letter was opened already. To print it anew, go back to the citizen."),
        )
    printed = do_print_code(request, desk, person, desk_code_id)
    return printed_letter(request, person, printed)


@about_person("issue-code")
def code_cancelled(request: Request, desk: DeskSession, person: Person) -> Response:
    """The code that waited, or was printed, leads nowhere any more."""
    do_cancel_code(request, desk, person, _id(request.form.get("desk_code", "")))
    return redirect(_path(person))


def _home(request: Request, desk: DeskSession, errors: list[dict[str, str]]) -> Response:
    return desk_answer(
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
    return desk_answer(
        request,
        desk,
        "console/registration_citizen.html",
        status=422 if errors else 200,
        citizen=person,
        code=view_of(request, desk, person),
        addresses=addresses_to_choose(request, person),
        documents=DOCUMENTS,
        checks=checks(request),
        sent=sent,
        errors=errors,
    )


def _letter_path(request: Request, desk: DeskSession, desk_code_id: UUID, person: Person) -> str:
    content = {"desk_code": str(desk_code_id), "desk": str(desk.id), "once": new_token(16)}
    token = page_token(request, LETTER, content, LETTER_LIFETIME)
    return f"{_path(person)}/letter?" + urlencode({"ticket": token})


def _ticket(request: Request, desk: DeskSession, token: str) -> UUID:
    """For which code the ticket is good, in this session at the desk; raises a `Refusal`."""
    content = read_page_token(request, LETTER, token)
    if content["desk"] != str(desk.id):
        raise Expired("expired", N_("This page was open for too long. Please start again."))
    return UUID(content["desk_code"])


def _wanted(request: Request) -> DeskCodeInput:
    half = sent_text(request, "second_half")
    return DeskCodeInput(
        desk_code_id=_id(sent_text(request, "desk_code")),
        address_id=None if half == BY_LETTER else _id(half),
        way="wait" if request.json.get("way") == "wait" else "second",
    )


def _printed(request: Request, person: Person) -> str:
    return f"print {person.id} {_id(sent_text(request, 'desk_code'))}"


def _path(person: Person) -> str:
    return f"{HOME}/{person.id}"


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidRequest("invalid_request", _UNREADABLE) from None


_CITIZEN = HOME + "/{id:uuid}"
routes = [
    desk_page(HOME, registration),
    desk_form(f"{HOME}/find", citizen_found),
    desk_page(_CITIZEN, citizen),
    desk_form(f"{_CITIZEN}/check", identity_checked),
    desk_script(f"{_CITIZEN}/code/options", code_options, writes=False),
    desk_script(f"{_CITIZEN}/code", code_asked),
    desk_script(f"{_CITIZEN}/print/options", print_options, writes=False),
    desk_script(f"{_CITIZEN}/print", print_confirmed),
    desk_page(f"{_CITIZEN}/letter", letter),
    desk_form(f"{_CITIZEN}/letter", letter_printed),
    desk_form(f"{_CITIZEN}/cancel", code_cancelled),
]

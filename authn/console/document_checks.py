"""The form of an identity document's check: which document, and what the registrar checked.

The checks are the operator's list (`desk_document_checks`) or the built-in one. The audit log has
which checks were done, never what was seen.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Final, NamedTuple, get_args

from starlette.responses import Response

from authn.console.desk_sessions import Desk
from authn.console.registration import CheckedIdentity, check_identity_at_desk
from authn.enrolment.desk_tables import Document
from authn.errors import N_, InvalidRequest
from authn.people.ssin import today_in_brussels
from authn.people.tables import Person
from authn.staff.reasons import text_of_code
from authn.web.request import Request, redirect

DOCUMENTS: Final[Mapping[Document, str]] = {
    "identity-card": N_("Identity card"),
    "residence-card": N_("Residence card of a foreigner"),
    "passport": N_("Passport"),
}
CHECKS: Final[Mapping[str, str]] = {
    "photograph": N_("The photograph shows the person in front of you"),
    "data": N_("Name and birth date are those on this page"),
    "genuine": N_("It looks genuine, and is not reported as lost or stolen"),
}
LAST_DIGITS: Final = 4
NO_DOCUMENT = N_("Choose the kind of document.")
NO_DIGITS = N_("Type the last 4 characters of the document's number.")
NO_DATE = N_("Type the last day on which the document is valid.")
NOT_VALID = N_("This document is not valid any more. No code can be issued with it.")
NOT_ALL = N_("A code is issued only when everything was checked.")


Errors = list[dict[str, str]]
PageAgain = Callable[[Mapping[str, str], Errors], Response]
"""Makes the page with the form again, from what was sent and the errors in it."""


class DocumentCheck(NamedTuple):
    """A check of a document, in the language of the page."""

    code: str
    words: str

    @property
    def field(self) -> str:
        """The name of the checkbox in the form."""
        return f"check-{self.code}"


class WrongDocument(InvalidRequest):
    """The form of a document has errors; `faults` are the sentences by field, in order."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__("invalid_document", next(iter(faults.values())))
        self.faults = faults


def list_document_checks(request: Request) -> list[DocumentCheck]:
    """The checks that a registrar must do."""
    own = request.settings.desk_document_checks
    return [
        DocumentCheck(code, text_of_code(own, CHECKS, code, request.language, request.translate))
        for code in own or CHECKS
    ]


def answer_document_form(
    request: Request, desk: Desk, person: Person, on: str, again: PageAgain
) -> Response:
    """A redirect to the path `on` after the check was recorded; or the page `again`."""
    try:
        checked = read_document_form(request, request.form)
    except WrongDocument as wrong:
        errors = [
            {"field": field, "text": request.translate(fault)}
            for field, fault in wrong.faults.items()
        ]
        return again(request.form, errors)
    check_identity_at_desk(request, desk, person, checked)
    return redirect(on)


def read_document_form(request: Request, sent: Mapping[str, str]) -> CheckedIdentity:
    """The checked document of a form; raises `WrongDocument` where anything is missing."""
    faults = {}
    document = next((each for each in get_args(Document) if each == sent.get("document")), None)
    if document is None:
        faults["document"] = NO_DOCUMENT
    digits = sent.get("last_digits", "").strip().upper()
    if len(digits) != LAST_DIGITS or not (digits.isascii() and digits.isalnum()):
        faults["last_digits"] = NO_DIGITS
    valid_until = _day(sent.get("valid_until", "").strip())
    if valid_until is None:
        faults["valid_until"] = NO_DATE
    elif valid_until < today_in_brussels(request.now):
        faults["valid_until"] = NOT_VALID
    needed = list_document_checks(request)
    missing = next((each for each in needed if not sent.get(each.field)), None)
    if missing is not None:
        faults[missing.field] = NOT_ALL
    if document is None or valid_until is None or faults:
        raise WrongDocument(faults)
    return CheckedIdentity(document, digits, valid_until, tuple(each.code for each in needed))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None

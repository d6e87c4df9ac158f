"""What a registrar looks at in a document: the operator's list, or the one built in.

Which ones were done is on record, never what was seen.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final, NamedTuple, get_args

from authn.console.registration import Checked
from authn.enrolment.desk_tables import Document
from authn.errors import N_, InvalidRequest
from authn.people.ssin import today_in_brussels
from authn.staff.reasons import own_words
from authn.web.request import Request

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


class Check(NamedTuple):
    """A check, in the language of the page."""

    code: str
    words: str


class WrongDocument(InvalidRequest):
    """What was said of a document does not do; `field` is the one to correct."""

    def __init__(self, field: str, description: str) -> None:
        super().__init__("invalid_document", description)
        self.field = field


def checks(request: Request) -> list[Check]:
    """Every check that has to be done."""
    own = request.settings.desk_document_checks
    return [
        Check(code, own_words(own, CHECKS, code, request.language, request.translate))
        for code in own or CHECKS
    ]


def read_checked(request: Request, sent: Mapping[str, str]) -> Checked:
    """What a form said of a document; raises `WrongDocument` unless it is good enough."""
    document = next((each for each in get_args(Document) if each == sent.get("document")), None)
    if document is None:
        raise WrongDocument("document", NO_DOCUMENT)
    digits = sent.get("last_digits", "").strip().upper()
    if len(digits) != LAST_DIGITS or not (digits.isascii() and digits.isalnum()):
        raise WrongDocument("last_digits", NO_DIGITS)
    try:
        valid_until = date.fromisoformat(sent.get("valid_until", "").strip())
    except ValueError:
        raise WrongDocument("valid_until", NO_DATE) from None
    if valid_until < today_in_brussels(request.now):
        raise WrongDocument("valid_until", NOT_VALID)
    needed = tuple(each.code for each in checks(request))
    if not all(sent.get(f"check-{code}") for code in needed):
        raise WrongDocument(f"check-{needed[0]}", NOT_ALL)
    return Checked(document, digits, valid_until, needed)

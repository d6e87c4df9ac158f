"""The letters of an activation code as a PDF: the code, and its second half where no mail goes.

Printed once: only hashes of the codes are kept. The QR code holds the address of the activation
page and nothing else; no letter holds a national number.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import segno
from babel.dates import format_date
from starlette.responses import Response

from authn.console.tagged_pdf import COLUMN, MARGIN, TaggedPdf
from authn.enrolment.desk_codes.lifecycle import PrintedCode
from authn.enrolment.desk_tables import SecondHalf
from authn.errors import N_
from authn.people.tables import Person
from authn.web.languages import choose_language
from authn.web.pages import BRUSSELS, LOCALE, Pages
from authn.web.request import Request

QR_SIDE: Final = 96  # points: 34 mm, for a phone held over the paper
_GAP: Final = 28
_TITLE = N_("Your activation code")
_SECOND_TITLE = N_("Your second code")
_STEPS: Final[dict[SecondHalf, tuple[str, ...]]] = {
    "mail": (
        N_("We sent you a mail. Open its link on the phone or computer that you want to use."),
        N_("Type the code of this letter and your national register number."),
        N_("Confirm with your fingerprint, face or PIN. This device is then your key."),
    ),
    "letter": (
        N_("Wait for our second letter. Go to the page that it names, and type its code."),
        N_("Then type the code of this letter and your national register number."),
        N_("Confirm with your fingerprint, face or PIN. This device is then your key."),
    ),
}
_SECOND_STEPS: Final = (
    N_("Take the letter with your activation code as well. You need both."),
    N_("Go to %(address)s on the phone or computer that you want to use."),
    N_("Type the code of this letter there. Then the page asks for the other one."),
)


@dataclass(frozen=True, slots=True)
class CodeLetter:
    """The content of the letters of an activation code."""

    service_name: str
    name: str
    language: str
    code: str = field(repr=False)
    second_half: SecondHalf
    second_code: str = field(repr=False)
    activation_address: str
    second_address: str
    issued_at: datetime
    expires_at: datetime
    reference: str


def write_letters(letter: CodeLetter, pages: Pages, default_language: str) -> bytes:
    """A tagged PDF in the citizen's language: one page, or two to be sent apart."""
    language = choose_language([letter.language], default_language)
    writing = _LetterWriting(letter, pages, language)
    document = TaggedPdf(writing.words(_TITLE), language)
    document.new_page()
    _write_page(
        document,
        writing,
        title=_TITLE,
        code=letter.code,
        steps=_STEPS[letter.second_half],
        address=letter.activation_address,
    )
    if letter.second_half == "letter":
        document.new_page()
        _write_page(
            document,
            writing,
            title=_SECOND_TITLE,
            code=letter.second_code,
            steps=_SECOND_STEPS,
            address=letter.second_address,
        )
    return document.to_bytes()


@dataclass(frozen=True, slots=True)
class _LetterWriting:
    letter: CodeLetter
    pages: Pages
    language: str

    def words(self, message: str, **values: str) -> str:
        """The message translated into the language of the letter."""
        return self.pages.translate(message, self.language) % values

    def day(self, moment: datetime) -> str:
        return format_date(moment.astimezone(BRUSSELS).date(), "long", LOCALE[self.language])


def _write_page(
    document: TaggedPdf,
    writing: _LetterWriting,
    *,
    title: str,
    code: str,
    steps: tuple[str, ...],
    address: str,
) -> None:
    letter, words = writing.letter, writing.words
    document.text(letter.service_name, 13, weight="Bold", after=22)
    document.text(letter.name, 12, after=2)
    document.text(writing.day(letter.issued_at), after=_GAP)
    document.text(words(title), 22, tag="H1", weight="Bold", after=14)
    _write_code(document, code)
    until = words(
        N_("Valid until %(day)s, once. There is no letter O or I in it: those are digits."),
        day=writing.day(letter.expires_at),
    )
    document.text(until, after=_GAP)
    document.text(words(N_("What to do")), 14, tag="H2", weight="Bold", after=8)
    top = document.below
    with document.part("L"):
        for number, step in enumerate(steps, 1):
            width = COLUMN - QR_SIDE - _GAP
            document.item(f"{number}.", words(step, address=address), width=width)
    below_steps = document.below
    _write_address(document, writing, address, top)
    document.below = max(below_steps, document.below) + 4
    document.text(address, weight="Bold", after=_GAP)
    document.text(words(N_("Keep it to yourself")), 14, tag="H2", weight="Bold", after=8)
    document.text(
        words(N_("Nobody of ours asks for this code by telephone, mail or message. Ever.")), after=4
    )
    document.text(
        words(N_("Lost it, or too late? Ask for a new code at the desk. This one then ends.")),
        after=_GAP,
    )
    document.text(words(N_("Reference: %(reference)s"), reference=letter.reference), 9)


def _write_code(document: TaggedPdf, code: str) -> None:
    top = document.below
    document.below += 4
    document.text(code, 28, weight="Bold", align="center", after=22)
    document.frame(top, document.below)
    document.below += 12


def _write_address(document: TaggedPdf, writing: _LetterWriting, address: str, top: float) -> None:
    """The address as a QR code beside the steps."""
    matrix = [list(row) for row in segno.make(address, error="m", micro=False).matrix]
    left = MARGIN + COLUMN - QR_SIDE
    spoken = writing.words(N_("QR code that opens %(address)s"), address=address)
    document.picture(matrix, QR_SIDE, left, top, spoken)
    document.below = top + QR_SIDE


def letter_response(request: Request, person: Person, printed: PrintedCode) -> Response:
    """The letters of a printed code as a PDF that nothing keeps."""
    settings, desk_code = request.settings, printed.desk_code
    assert desk_code.second_half is not None, "decided when the code was asked for"
    activation = f"{settings.issuer}/activate"
    letter = CodeLetter(
        service_name=settings.service_name,
        name=person.full_name,
        language=person.language,
        code=printed.code,
        second_half=desk_code.second_half,
        second_code=printed.second_code,
        activation_address=activation,
        second_address=f"{activation}/second",
        issued_at=request.now,
        expires_at=printed.expires_at,
        reference=desk_code.reference,
    )
    return Response(
        write_letters(letter, request.site.pages, settings.default_language),
        media_type="application/pdf",
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": f'inline; filename="{desk_code.reference}.pdf"',
        },
    )

"""The letter of a code as it is answered: a PDF, once, and kept by nobody."""

from starlette.responses import Response

from authn.console.letters import CodeLetter, write_letters
from authn.enrolment.desk_codes import PrintedCode
from authn.people.tables import Person
from authn.web.request import Request


def printed_letter(request: Request, person: Person, printed: PrintedCode) -> Response:
    """The letter of this code, in the citizen's language."""
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

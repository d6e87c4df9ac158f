"""The endpoints of a code's second half, from the link in a mail, or typed from a second letter.

Following the link changes nothing, since mail scanners follow links: its secret is in the fragment,
and the button of its page sends it (decisions 2.10). The result is a token for the browser, to
which the first half and the national number are typed; nothing is burnt yet.
"""

from datetime import timedelta
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response

from authn.enrolment.activation.lifecycle import find_code_by_second_half
from authn.enrolment.visitor import page_token, read_page_token
from authn.errors import Forbidden
from authn.web.request import Request, page, redirect
from authn.web.routing import form_route, page_route

SECOND_HALF: Final = "second-half"
SECOND_HALF_LIFETIME: Final = timedelta(hours=1)  # time to find the letter


def second_half_page(request: Request) -> Response:
    """Shows the page behind the link in a mail, on which a second letter's code is typed too."""
    return _render_second_half_page(request, "", [])


def submit_second_half(request: Request) -> Response:
    """Redirects to the form for the first half; or shows the page again with the error."""
    typed = request.form.get("second", "")
    try:
        code = find_code_by_second_half(request.connection, typed, request.now)
    except Forbidden as refusal:
        errors = [{"field": "second", "text": request.translate(refusal.description)}]
        return _render_second_half_page(request, typed, errors)
    token = page_token(request, SECOND_HALF, {"code": str(code.id)}, SECOND_HALF_LIFETIME)
    return redirect("/activate?" + urlencode({"second": token}))


def read_second_half_token(request: Request, token: str) -> UUID | None:
    """The id of the code whose second half the browser has proven; None without a token.

    Raises as `read_page_token`.
    """
    return UUID(read_page_token(request, SECOND_HALF, token)["code"]) if token else None


def _render_second_half_page(
    request: Request, typed: str, errors: list[dict[str, str]]
) -> Response:
    return page(
        request,
        "enrolment/second_half.html",
        status=422 if errors else 200,
        value=typed[:40],
        errors=errors,
    )


routes = [
    page_route("/activate/second", second_half_page),
    form_route("/activate/second", submit_second_half, writes=False),
]

"""The second half of a code of the desk: a mail's link brings it, or it is typed from a letter.

The link does nothing by being followed, since mail scanners follow links: its secret is in the
fragment, and the button of its page sends it (decisions 2.10). What comes of it is a token for this
browser alone, that the first half and the national number are typed beside; nothing is burnt yet.
"""

from datetime import timedelta
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response

from authn.enrolment.activation import find_by_second_half
from authn.enrolment.this_browser import page_token, read_page_token
from authn.errors import Forbidden
from authn.web.request import Request, page, redirect
from authn.web.routing import form_route, page_route

SECOND_HALF: Final = "second-half"
SECOND_HALF_LIFETIME: Final = timedelta(hours=1)  # time to find the letter


def second_half(request: Request) -> Response:
    """The page that a mail's link opens, and on which a second letter's code is typed."""
    return _second_half_page(request, "", [])


def second_half_sent(request: Request) -> Response:
    """On to the first half, with the second one proven; or the page again, that says why not."""
    typed = request.form.get("second", "")
    try:
        code = find_by_second_half(request.connection, typed, request.now)
    except Forbidden as refusal:
        errors = [{"field": "second", "text": request.translate(refusal.description)}]
        return _second_half_page(request, typed, errors)
    token = page_token(request, SECOND_HALF, {"code": str(code.id)}, SECOND_HALF_LIFETIME)
    return redirect("/activate?" + urlencode({"second": token}))


def code_of_second_half(request: Request, token: str) -> UUID | None:
    """Of which code this browser has proven the second half; None without a token.

    Raises as `read_page_token`.
    """
    return UUID(read_page_token(request, SECOND_HALF, token)["code"]) if token else None


def _second_half_page(request: Request, typed: str, errors: list[dict[str, str]]) -> Response:
    return page(
        request,
        "enrolment/second_half.html",
        status=422 if errors else 200,
        value=typed[:40],
        errors=errors,
    )


routes = [
    page_route("/activate/second", second_half),
    form_route("/activate/second", second_half_sent, writes=False),
]

"""Every failure as an answer: a page, problem+json (RFC 9457), or an OAuth error (RFC 6749 §5.2).

The one table from exceptions to answers; `str(exception)` never reaches a response.
"""

from typing import Any

import orjson
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, Response

from authn.errors import N_, Expired, Forbidden, InvalidRequest, NotFound, Refusal, Unavailable
from authn.secrets import csrf_token, new_token
from authn.web.body import TooLarge
from authn.web.cookies import BROWSER, DESK, cookie_name, set_cookie
from authn.web.csrf import is_from_another_site
from authn.web.languages import request_language
from authn.web.logs import logger, route_path
from authn.web.protocol import ProtocolError
from authn.web.site import Site

STATUS: dict[type[Refusal], int] = {
    Unavailable: 503,
    TooLarge: 413,
    NotFound: 404,
    Forbidden: 403,
    Expired: 410,
    InvalidRequest: 400,
    Refusal: 400,
}

TITLES = {
    400: N_("This did not work"),
    403: N_("This is not allowed"),
    404: N_("There is nothing here"),
    405: N_("This did not work"),
    410: N_("This is no longer valid"),
    413: N_("This did not work"),
    500: N_("Something went wrong on our side"),
    503: N_("The service is busy"),
}
BACK_TO_DESK = N_("Back to the help desk")
START_PAGE = N_("Go to the start page")
STILL_SAFE = N_("Your account and your devices are safe. Nothing was changed.")
WHAT_NOW = {
    400: N_("Go back and try again. Start from your application if you came from one."),
    403: N_("Go back to the page you came from and reload it."),
    404: N_("Check the address, or go to the start page."),
    410: N_("Start again from the beginning."),
    413: N_("Go back and try again with less."),
    500: N_("Try again in a few minutes. Tell the help desk the number below if it goes on."),
    503: N_("Wait a moment, then try again."),
}


def http_status(refusal: Refusal) -> int:
    """The HTTP status of a refusal: what its protocol prescribes, else by its shape."""
    if isinstance(refusal, ProtocolError):
        return refusal.status
    return next(STATUS[kind] for kind in type(refusal).__mro__ if kind in STATUS)


def refusal_for_exception(error: Exception) -> Refusal | None:
    """The refusal that a foreign exception means; None for a crash.

    A database that is locked or gone is `Unavailable`, never a wrong code or an unknown person.
    """
    if isinstance(error, Refusal):
        return error
    if isinstance(error, PoolTimeout):
        return Unavailable(detail="no database connection was free")
    if isinstance(error, OperationalError) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    ):
        return Unavailable(detail=f"database: {type(error.orig).__name__}")
    if isinstance(error, ClientDisconnect):
        return InvalidRequest(
            "invalid_request",
            N_("What your browser sent could not be read."),
            detail="it went away before its body had come",
        )
    if isinstance(error, HTTPException):
        if error.status_code == 404:
            return NotFound("not_found", N_("The page you asked for does not exist."))
        return InvalidRequest("invalid_request", N_("This address cannot be used that way."))
    return None


async def answer_failure(http: HttpRequest, error: Exception) -> Response:
    """The answer to any exception that leaves an endpoint, in the form that its route answers."""
    refusal = refusal_for_exception(error)
    reference: str = getattr(http.state, "reference", "-")
    if refusal is None:
        logger.error("crash", reference=reference, path=route_path(http.scope), exc_info=error)
        refusal = Refusal("server_error", N_("Something went wrong on our side."))
        status = 500
    else:
        status = http_status(refusal)
        if isinstance(error, HTTPException) and error.status_code == 405:
            status = 405
        logger.info(
            "refused",
            reference=reference,
            error=refusal.error,
            detail=refusal.detail,
            path=route_path(http.scope),
        )
    answers = getattr(http.state, "answers", "page")
    response = FORMS[answers](http, refusal, status, reference)
    response.headers["Cache-Control"] = "no-store"
    if isinstance(refusal, Unavailable):
        response.headers["Retry-After"] = str(refusal.retry_after)
    if isinstance(error, HTTPException | ProtocolError):
        response.headers.update(error.headers or {})
    return response


def _as_page(http: HttpRequest, refusal: Refusal, status: int, reference: str) -> Response:
    site: Site = http.app.state.site
    language = request_language(http, site.settings)
    browser = http.cookies.get(cookie_name(site.settings, BROWSER), "")
    new_browser = new_token()
    context: dict[str, Any] = {
        "csrf_token": csrf_token(site.secrets, browser or new_browser),
        "current_path": http.scope["path"] if http.method == "GET" else "/",
        "now": site.clock(),
        "person": None,
        "client": None,
        "reference": reference,
        "status": status,
        "title": site.pages.translate(TITLES.get(status, TITLES[400]), language),
        "what_happened": site.pages.translate(refusal.description, language),
        "still_safe": site.pages.translate(STILL_SAFE, language),
        "what_now": site.pages.translate(WHAT_NOW.get(status, WHAT_NOW[400]), language),
        "actions": _ways_on(http, language, site),
    }
    response = HTMLResponse(site.pages.render("web/error.html", language, context), status)
    if not browser and (
        http.method != "POST" or not is_from_another_site(http.headers, site.settings)
    ):
        set_cookie(response, site.settings, BROWSER, new_browser)
    return response


def _ways_on(http: HttpRequest, language: str, site: Site) -> list[tuple[str, str]]:
    """Where the page leads on to: whoever was at the help desk goes back there.

    For a browser without a desk's cookie every address below it is as any that does not exist.
    """
    was_there = cookie_name(site.settings, DESK) in http.cookies
    if not was_there or not http.scope["path"].startswith("/desk/"):
        return []
    ways = (("/desk", BACK_TO_DESK), ("/", START_PAGE))
    return [(way, site.pages.translate(words, language)) for way, words in ways]


def _as_problem(http: HttpRequest, refusal: Refusal, status: int, reference: str) -> Response:
    site: Site = http.app.state.site
    language = request_language(http, site.settings)
    problem = {
        "type": f"urn:problem-type:authn:{refusal.error.replace('_', '-')}",
        "title": site.pages.translate(TITLES.get(status, TITLES[400]), language),
        "detail": site.pages.translate(refusal.description, language),
        "status": status,
        "instance": f"urn:authn:reference:{reference}",
    }
    if isinstance(refusal, ProtocolError):
        problem = {**refusal.members, **problem}
    return Response(orjson.dumps(problem), status, media_type="application/problem+json")


def _as_oauth(http: HttpRequest, refusal: Refusal, status: int, reference: str) -> Response:
    # RFC 6749 §5.2: error_description is ASCII; the English message id is.
    answer = {"error": refusal.error, "error_description": refusal.description}
    return Response(orjson.dumps(answer), status, media_type="application/json")


FORMS = {"page": _as_page, "problem": _as_problem, "oauth": _as_oauth}

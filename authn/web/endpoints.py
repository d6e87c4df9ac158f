"""The start page, the language switch, and whether the service is up."""

from datetime import timedelta

import orjson
from sqlalchemy import text
from starlette.responses import Response

from authn.errors import N_, InvalidRequest
from authn.web.cookies import LANGUAGE, set_cookie
from authn.web.languages import LANGUAGES
from authn.web.request import Request, page, redirect
from authn.web.routing import form_route, page_route, protocol_route


def home(request: Request) -> Response:
    """The start page."""
    return page(request, "web/home.html")


def set_language(request: Request) -> Response:
    """Store the chosen language in a cookie and lead back to the page."""
    language = request.form.get("language", "")
    if language not in LANGUAGES:
        raise InvalidRequest("invalid_request", N_("This language is not available."))
    response = redirect(local_path(request.form.get("return_to", "/")))
    set_cookie(response, request.settings, LANGUAGE, language, timedelta(days=365))
    return response


def local_path(location: str) -> str:
    """The location when it is a path of ours, else the start page: never an open redirect."""
    ok = location.startswith("/") and not location.startswith(("//", "/\\"))
    return location if ok and location.isprintable() and "\\" not in location else "/"


def health(request: Request) -> Response:
    """UP when the database answers; a database that is gone is a 503."""
    request.connection.execute(text("SELECT 1"))
    return Response(orjson.dumps({"status": "UP"}), media_type="application/json")


routes = [
    page_route("/", home),
    form_route("/language", set_language, writes=False),
    protocol_route("/health", health, methods=["GET"]),
]

"""The shim between Starlette and our endpoints: reads, limits, parses, opens the transaction.

An endpoint is a plain function `Request -> Response`. A route says whether it writes, what body
it takes and how it answers a refusal; everything else follows from that.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from authn.db.engine import Busy
from authn.db.transaction import reading, writing
from authn.errors import N_, Unavailable
from authn.secrets import new_token
from authn.settings import Settings
from authn.web import csrf
from authn.web.body import TooLarge, parse_form, parse_json, parse_parameters, read_body
from authn.web.cookies import BROWSER, cookie_name, set_cookie
from authn.web.languages import language_of
from authn.web.request import Request
from authn.web.site import Site

LONGEST_QUERY = 16 * 1024
MOST_TIMES_OUTSIDE = 4

Endpoint = Callable[[Request], Response]
Answers = Literal["page", "problem", "oauth"]
# Whether a route writes; or what tells it from the request and its form, before the transaction.
Writes = bool | Callable[[HttpRequest, Mapping[str, str]], bool]
NO_DATABASE: Final = "no database"
CALLS_OUT: Final = "calls out"


class NeededFromOutside(Exception):
    """An endpoint can't go on without a document of another service that is not at hand.

    Raised inside the endpoint's transaction, which is rolled back. `fetch` then asks for it in a
    thread, with no transaction open, and remembers what came; and the endpoint begins again
    (protocol 4.18).
    """

    def __init__(self, fetch: Callable[[], None]) -> None:
        super().__init__()
        self.fetch = fetch


@dataclass(frozen=True, slots=True)
class Shape:
    """What a route takes and gives.

    `same_site` asks for our own origin and a CSRF token on every POST; protocol endpoints that
    clients call have neither.
    """

    function: Endpoint
    writes: Writes | Literal["no database", "calls out"]
    body: Literal["none", "form", "json"]
    answers: Answers
    same_site: bool


def page_route(path: str, function: Endpoint, *, writes: bool = False) -> Route:
    """A page: GET, answers in HTML."""
    return _route(path, Shape(function, writes, "none", "page", False), ["GET"])


def form_route(
    path: str, function: Endpoint, *, writes: bool | Literal["no database"] = True
) -> Route:
    """What one of our forms is sent to: POST, answers with a page or a redirect."""
    return _route(path, Shape(function, writes, "form", "page", True), ["POST"])


def calling_out_route(path: str, function: Endpoint) -> Route:
    """A page whose endpoint asks another service something: in a thread, with no transaction open.

    It opens its own afterwards: `with writing(…) as connection: … inside(request, connection)`.
    """
    return _route(path, Shape(function, CALLS_OUT, "none", "page", False), ["GET"])


def json_route(
    path: str,
    function: Endpoint,
    *,
    method: str = "POST",
    writes: bool | Literal["no database"] = False,
) -> Route:
    """What one of our scripts calls: JSON in and out, problem+json (RFC 9457) for a refusal."""
    body: Literal["none", "json"] = "json" if method == "POST" else "none"
    return _route(path, Shape(function, writes, body, "problem", method == "POST"), [method])


def protocol_route(
    path: str,
    function: Endpoint,
    *,
    methods: list[str],
    writes: Writes = False,
    answers: Answers = "oauth",
) -> Route:
    """A protocol endpoint: called by clients, or from other sites, so without CSRF token."""
    return _route(path, Shape(function, writes, "form", answers, False), methods)


def _route(path: str, shape: Shape, methods: list[str]) -> Route:
    return Route(path, _Endpoint(shape), methods=methods, name=shape.function.__name__)


class _Endpoint:
    """One of our functions as an ASGI application.

    Not as a function that Starlette wraps: that would handle exceptions once more for each request.
    """

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        http = HttpRequest(scope, receive)
        http.state.answers = self.shape.answers
        site: Site = http.app.state.site
        body = await read_body(http) if http.method == "POST" else b""
        response = await self._after_fetching(http, site, body)
        await response(scope, receive, send)

    async def _after_fetching(self, http: HttpRequest, site: Site, body: bytes) -> Response:
        """The response, once what the endpoint needed from outside is at hand."""
        for _ in range(MOST_TIMES_OUTSIDE):
            try:
                return await self._response(http, site, body)
            except NeededFromOutside as needed:
                fetch = needed.fetch
            await run_in_threadpool(fetch)
        raise Unavailable(detail="needed from outside again and again")

    async def _response(self, http: HttpRequest, site: Site, body: bytes) -> Response:
        """Made on the event loop where nothing is waited for, in a thread otherwise.

        SQLite answers in the time that handing a request to a thread and back would cost, and has
        one writer at a time anyway: measured, threads halve what it does. Its write lock is the
        one thing that may take long. PostgreSQL is waited for in a thread.
        """
        at_once = self.shape.writes == NO_DATABASE or site.database.write_lock
        if at_once and self.shape.writes != CALLS_OUT:
            try:
                return _answer(http, site, self.shape, body, wait=False)
            except Busy:
                pass  # nothing was done yet
        return await run_in_threadpool(_answer, http, site, self.shape, body)


def _answer(
    http: HttpRequest, site: Site, shape: Shape, body: bytes, *, wait: bool = True
) -> Response:
    settings = site.settings
    browser = http.cookies.get(cookie_name(settings, BROWSER), "")
    form: Mapping[str, str] = {}
    document: Mapping[str, Any] = {}
    if shape.same_site:
        csrf.check_same_origin(http.headers, settings)
    if http.method == "POST" and shape.body == "form":
        form = parse_form(body, http.headers.get("content-type", ""))
    elif http.method == "POST" and shape.body == "json":
        document = parse_json(body, http.headers.get("content-type", ""))
    if shape.same_site:
        presented = form.get(csrf.FIELD) or http.headers.get(csrf.HEADER, "")
        csrf.check_token(presented, browser, site.secrets)
    query = _query(http)
    new_browser = not browser and shape.answers == "page" and _may_be_new(http, settings)
    with _connection(http, site, shape, form, wait=wait) as connection:
        request = Request(
            method=http.method,
            path=http.scope["path"],
            path_params=http.path_params,
            query=query,
            form=form,
            json=document,
            headers=http.headers,
            cookies=http.cookies,
            browser=browser or (new_token() if new_browser else ""),
            address=http.client.host if http.client else "",
            language=language_of(http, settings),
            reference=http.state.reference,
            now=site.clock(),
            site=site,
            open_connection=connection,
        )
        response = shape.function(request)
    if new_browser:
        set_cookie(response, settings, BROWSER, request.browser)
    return response


def _connection(
    http: HttpRequest, site: Site, shape: Shape, form: Mapping[str, str], *, wait: bool
) -> AbstractContextManager[Connection | None]:
    if shape.writes in (NO_DATABASE, CALLS_OUT):
        return nullcontext()
    writes = shape.writes(http, form) if callable(shape.writes) else shape.writes
    return writing(site.database, wait=wait) if writes else reading(site.database)


def _may_be_new(http: HttpRequest, settings: Settings) -> bool:
    """Whether a browser without our cookie is one that was never here."""
    return http.method != "POST" or not csrf.from_another_site(http.headers, settings)


def _query(http: HttpRequest) -> Mapping[str, str]:
    encoded: bytes = http.scope["query_string"]
    if len(encoded) > LONGEST_QUERY:
        raise TooLarge("request_too_large", N_("What your browser sent is too large."))
    return parse_parameters(encoded) if encoded else {}

"""The shim between Starlette and our endpoints: reads, limits, parses, opens the transaction.

An endpoint is a plain function `Request -> Response`. A route says whether it writes, what body
it takes and how it answers a refusal; everything else follows from that.

HEAD is answered where GET only reads, which is what HEAD is for; where GET may give a code, spend
a proof or note a look, it is refused (RFC 9110 §9.3.2, §15.5.6). Why not as GET without the effect:
each endpoint would have to be written twice.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from authn.db.engine import DatabaseBusy
from authn.db.transaction import NeedsToWrite, reading, writing
from authn.errors import N_, Refusal, Unavailable
from authn.secrets import new_token
from authn.settings import Settings
from authn.web import csrf
from authn.web.body import TooLarge, parse_form, parse_json, parse_parameters, read_body
from authn.web.cookies import BROWSER, cookie_name, set_cookie
from authn.web.languages import request_language
from authn.web.paths import PathRoute
from authn.web.proxies import CLIENT_CERTIFICATE
from authn.web.request import Request
from authn.web.site import Site

LONGEST_QUERY = 16 * 1024
MOST_TIMES_OUTSIDE = 4
MOST_WAITING = 64
_LIMITER: Final[RunVar[CapacityLimiter]] = RunVar("threads that ask other services")
WITH_A_BODY = ("POST", "PUT")

Endpoint = Callable[[Request], Response]
Answers = Literal["page", "problem", "oauth"]
# Whether a route writes; or what tells it beforehand, from the request and its form.
Writes = bool | Callable[[HttpRequest, Mapping[str, str]], bool] | Literal["when needed"]
# It begins by reading; if it comes to a write, it begins again in a transaction that may write: so
# nothing that is not verified yet makes a request take SQLite's write lock. So does a route whose
# function says no.
WHEN_NEEDED: Final = "when needed"
NO_DATABASE: Final = "no database"
CALLS_OUT: Final = "calls out"


class NeededFromOutside(Exception):
    """An endpoint can't go on without a document of another service that is not at hand.

    Raised inside the endpoint's transaction, which is rolled back. `fetch` then asks for it in a
    thread, with no transaction open, and remembers what came; and the endpoint begins again
    (decisions 4.18).
    """

    def __init__(self, fetch: Callable[[], None]) -> None:
        super().__init__()
        self.fetch = fetch


def with_nothing_done(refusal: Refusal) -> NeededFromOutside:
    """What to raise, so that this request is refused and leaves all as it was before.

    For what can't be decided now: the code or proof that was spent on the way is not spent. Any
    other refusal commits.
    """

    def refuse() -> None:
        raise refusal

    return NeededFromOutside(refuse)


@dataclass(frozen=True, slots=True)
class RouteShape:
    """What a route takes and gives.

    `same_site` asks for our own origin and a CSRF token on every POST; protocol endpoints that
    clients call have neither.
    """

    function: Endpoint
    writes: Writes | Literal["no database", "calls out"]
    body: Literal["none", "form", "json"]
    answers: Answers
    same_site: bool


def page_route(path: str, function: Endpoint, *, writes: Writes = False) -> Route:
    """A page: GET, answers in HTML."""
    return _route(path, RouteShape(function, writes, "none", "page", False), ["GET"])


def form_route(
    path: str, function: Endpoint, *, writes: bool | Literal["no database"] = True
) -> Route:
    """What one of our forms is sent to: POST, answers with a page or a redirect."""
    return _route(path, RouteShape(function, writes, "form", "page", True), ["POST"])


def calling_out_route(path: str, function: Endpoint) -> Route:
    """A page whose endpoint asks another service something: in a thread, with no transaction open.

    It opens its own afterwards: `with writing(…) as connection: … inside(request, connection)`.
    """
    return _route(path, RouteShape(function, CALLS_OUT, "none", "page", False), ["GET"])


def json_route(
    path: str,
    function: Endpoint,
    *,
    method: str = "POST",
    writes: Writes | Literal["no database"] = False,
) -> Route:
    """What one of our scripts calls: JSON in and out, problem+json (RFC 9457) for a refusal."""
    body: Literal["none", "json"] = "json" if method == "POST" else "none"
    return _route(path, RouteShape(function, writes, body, "problem", method == "POST"), [method])


def protocol_route(
    path: str,
    function: Endpoint,
    *,
    methods: list[str],
    writes: Writes = False,
    body: Literal["form", "json"] = "form",
    answers: Answers = "oauth",
) -> Route:
    """A protocol endpoint: called by clients, or from other sites, so without CSRF token."""
    return _route(path, RouteShape(function, writes, body, answers, False), methods)


def _route(path: str, shape: RouteShape, methods: list[str]) -> Route:
    route = PathRoute(path, _Endpoint(shape), methods=methods, name=shape.function.__name__)
    if shape.writes not in (False, NO_DATABASE) and route.methods:
        route.methods.discard("HEAD")  # Starlette adds it wherever there is GET
    return route


class _Endpoint:
    """One of our functions as an ASGI application.

    Not as a function that Starlette wraps: that would handle exceptions once more for each request.
    """

    def __init__(self, shape: RouteShape) -> None:
        self.shape = shape

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        http = HttpRequest(scope, receive)
        http.state.answers = self.shape.answers
        site: Site = http.app.state.site
        body = await read_body(http) if http.method in WITH_A_BODY else b""
        response = await self._after_fetching(http, site, body)
        await response(scope, receive, send)

    async def _after_fetching(self, http: HttpRequest, site: Site, body: bytes) -> Response:
        """The response, once what the endpoint needed from outside is at hand."""
        for _ in range(MOST_TIMES_OUTSIDE):
            try:
                return await self._response(http, site, body)
            except NeededFromOutside as needed:
                fetch = needed.fetch
            await to_thread.run_sync(fetch, limiter=_threads_that_ask())
        raise Unavailable(detail="needed from outside again and again")

    async def _response(self, http: HttpRequest, site: Site, body: bytes) -> Response:
        """Made on the event loop where nothing is waited for, in a thread otherwise.

        SQLite answers in the time that handing a request to a thread and back would cost, and has
        one writer at a time anyway: measured, threads halve what it does. Its write lock is the
        one thing that may take long. PostgreSQL is waited for in a thread.
        """
        if self.shape.writes == CALLS_OUT:
            asked = partial(_answer, http, site, self.shape, body)
            return await to_thread.run_sync(asked, limiter=_threads_that_ask())
        if self.shape.writes == NO_DATABASE or site.database.write_lock:
            try:
                return _answer(http, site, self.shape, body, wait=False)
            except DatabaseBusy:
                pass  # nothing was done yet
        return await run_in_threadpool(_answer, http, site, self.shape, body)


def _threads_that_ask() -> CapacityLimiter:
    """How many threads wait for other services at once: never those that logins need.

    One for the event loop, and so for the process. It is many, since they only wait.
    """
    try:
        return _LIMITER.get()
    except LookupError:
        limiter = CapacityLimiter(MOST_WAITING)
        _LIMITER.set(limiter)
        return limiter


def _answer(
    http: HttpRequest, site: Site, shape: RouteShape, body: bytes, *, wait: bool = True
) -> Response:
    settings = site.settings
    browser = http.cookies.get(cookie_name(settings, BROWSER), "")
    form, document = _parsed(http, site, shape, body, browser)
    query = _query(http)
    new_browser = not browser and shape.answers == "page" and _may_be_new(http, settings)
    if new_browser:
        browser = new_token()
    on_connection = partial(
        Request,
        method=http.method,
        path=http.scope["path"],
        path_params=http.path_params,
        query=query,
        form=form,
        json=document,
        headers=http.headers,
        cookies=http.cookies,
        browser=browser,
        address=http.client.host if http.client else "",
        language=request_language(http, settings),
        reference=http.state.reference,
        now=site.clock(),
        site=site,
        client_certificate=http.scope.get(CLIENT_CERTIFICATE, ""),
    )
    writes = shape.writes
    if callable(writes):
        writes = writes(http, form) or WHEN_NEEDED
    response = _in_transaction(
        site,
        writes,
        lambda connection: shape.function(on_connection(open_connection=connection)),
        wait=wait,
    )
    if new_browser:
        set_cookie(response, settings, BROWSER, browser)
    return response


def _parsed(
    http: HttpRequest, site: Site, shape: RouteShape, body: bytes, browser: str
) -> tuple[Mapping[str, str], Mapping[str, Any]]:
    """The form and the JSON document in the body: one of them, and only from our own pages where
    the route says so."""
    form: Mapping[str, str] = {}
    document: Mapping[str, Any] = {}
    if shape.same_site:
        csrf.check_same_origin(http.headers, site.settings)
    if http.method in WITH_A_BODY and shape.body == "form":
        form = parse_form(body, http.headers.get("content-type", ""))
    elif http.method in WITH_A_BODY and shape.body == "json":
        document = parse_json(body, http.headers.get("content-type", ""))
    if shape.same_site:
        presented = form.get(csrf.FIELD) or http.headers.get(csrf.HEADER, "")
        csrf.check_token(presented, browser, site.secrets)
    return form, document


def _in_transaction(
    site: Site,
    writes: bool | str,
    answered: Callable[[Connection | None], Response],
    *,
    wait: bool,
) -> Response:
    """What is answered on a connection that may write if the route says so, or comes to it."""
    if writes in (NO_DATABASE, CALLS_OUT):
        return answered(None)
    if writes is not True:
        try:
            with reading(site.database) as connection:
                return answered(connection)
        except NeedsToWrite:
            if writes is False:  # a fault of ours: the route said that it only reads
                raise
    with writing(site.database, wait=wait) as connection:
        return answered(connection)


def _may_be_new(http: HttpRequest, settings: Settings) -> bool:
    """Whether a browser without our cookie is one that was never here."""
    return http.method != "POST" or not csrf.is_from_another_site(http.headers, settings)


def _query(http: HttpRequest) -> Mapping[str, str]:
    encoded: bytes = http.scope["query_string"]
    if len(encoded) > LONGEST_QUERY:
        raise TooLarge("request_too_large", N_("What your browser sent is too large."))
    return parse_parameters(encoded) if encoded else {}

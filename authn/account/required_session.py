"""Decorators for endpoints that need a session."""

from collections.abc import Callable
from functools import wraps
from urllib.parse import urlencode

from starlette.responses import Response

from authn.errors import N_, Forbidden
from authn.sessions.browser import current_session
from authn.sessions.sessions import Session
from authn.web.request import Request, redirect
from authn.web.routing import Endpoint

SessionEndpoint = Callable[[Request, Session], Response]


def require_session(function: SessionEndpoint) -> Endpoint:
    """An endpoint of a page: without a session a redirect to sign in, then back."""

    @wraps(function)
    def endpoint(request: Request) -> Response:
        session = current_session(request)
        if session is None:
            # What a form sent is lost: after signing in it is read again before it is sent again.
            return_to = request.path_and_query if request.method == "GET" else "/devices"
            return redirect("/login?" + urlencode({"return_to": return_to}))
        return function(request, session)

    return endpoint


def require_session_for_script(function: SessionEndpoint) -> Endpoint:
    """An endpoint that a script calls: without a session raises `Forbidden`."""

    @wraps(function)
    def endpoint(request: Request) -> Response:
        session = current_session(request)
        if session is None:
            raise not_signed_in_refusal()
        return function(request, session)

    return endpoint


def not_signed_in_refusal() -> Forbidden:
    """The refusal of a script's call where nobody is signed in any more."""
    return Forbidden(
        "not_signed_in", N_("You are no longer signed in. Reload the page to sign in.")
    )

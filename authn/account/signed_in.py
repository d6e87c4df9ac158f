"""Endpoints that only somebody who is signed in may use."""

from collections.abc import Callable
from functools import wraps
from urllib.parse import urlencode

from starlette.responses import Response

from authn.errors import N_, Forbidden
from authn.sessions.cookie import current_session
from authn.sessions.sessions import Session
from authn.web.request import Request, redirect
from authn.web.routing import Endpoint

HeldEndpoint = Callable[[Request, Session], Response]


def signed_in(function: HeldEndpoint) -> Endpoint:
    """A page: whoever isn't signed in signs in first, and comes back to it."""

    @wraps(function)
    def endpoint(request: Request) -> Response:
        session = current_session(request)
        if session is None:
            # What a form sent is lost: after signing in it is read again before it is sent again.
            return_to = request.path_and_query if request.method == "GET" else "/devices"
            return redirect("/login?" + urlencode({"return_to": return_to}))
        return function(request, session)

    return endpoint


def signed_in_script(function: HeldEndpoint) -> Endpoint:
    """A call of a script: whoever isn't signed in any more is refused."""

    @wraps(function)
    def endpoint(request: Request) -> Response:
        session = current_session(request)
        if session is None:
            raise not_signed_in()
        return function(request, session)

    return endpoint


def not_signed_in() -> Forbidden:
    """The refusal of a script's call where nobody is signed in any more."""
    return Forbidden(
        "not_signed_in", N_("You are no longer signed in. Reload the page to sign in.")
    )

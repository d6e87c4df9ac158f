"""The session of a request, by its cookie."""

from authn.sessions.sessions import Session, find_session
from authn.web.cookies import SESSION, cookie_name
from authn.web.request import Request


def session_token(request: Request) -> str:
    """The session cookie's value; "" when there is none."""
    return request.cookies.get(cookie_name(request.settings, SESSION), "")


def current_session(request: Request) -> Session | None:
    """The valid session of this browser: one SELECT when there is a cookie, none otherwise."""
    token = session_token(request)
    return find_session(request.connection, request.site, token, request.now) if token else None

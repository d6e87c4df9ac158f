"""The session of a browser: found by its cookie, opened or renewed by a verified device."""

from collections.abc import Callable
from uuid import UUID

from starlette.responses import Response

from authn.devices.installations import COOKIE_LIFETIME, recognise_installation
from authn.devices.tables import HeldDevice
from authn.sessions.opening import end_surplus_sessions, open_session, renew_session
from authn.sessions.sessions import Session, end_session_of_token, find_session
from authn.web.cookies import INSTALLATION, SESSION, cookie_name, delete_cookie, set_cookie
from authn.web.request import Request
from authn.web.user_agent import read_user_agent

Remember = Callable[[Response], Response]


def session_token(request: Request) -> str:
    """The session cookie's value; "" when there is none."""
    return request.cookies.get(cookie_name(request.settings, SESSION), "")


def current_session(request: Request) -> Session | None:
    """The valid session of the browser that sent a request: one SELECT, none without a cookie."""
    token = session_token(request)
    return find_session(request.connection, request.site, token, request.now) if token else None


def sign_in_browser(
    request: Request, held: HeldDevice, request_id: str | None
) -> tuple[Session, Remember]:
    """The session of a verified device in this browser, and a function that sets its cookies.

    The identifier of the session is new at each login. A session of the same device goes on, even
    if the browser forgot its cookie, so that grants of applications stay valid; a session of
    another device or person in this browser has ended. `request_id` is the authorization request
    that the assertion's challenge named.
    """
    installation = recognise_installation(
        request.connection,
        held.device.id,
        request.cookies.get(cookie_name(request.settings, INSTALLATION), ""),
        read_user_agent(request.headers.get("user-agent", "")),
        request.now,
        request.site.places.find(request.address) or None,
    )
    sign_in = _open_in_new_installation if installation.new else _renew_or_open
    session, token = sign_in(request, held, installation.installation_id, request_id)

    def remember(response: Response) -> Response:
        set_cookie(response, request.settings, SESSION, token)
        set_cookie(response, request.settings, INSTALLATION, installation.cookie, COOKIE_LIFETIME)
        return response

    return session, remember


def _open_in_new_installation(
    request: Request, held: HeldDevice, installation_id: UUID, request_id: str | None
) -> tuple[Session, str]:
    """The first session of an installation; the session that the cookie named has ended."""
    earlier = session_token(request)
    if earlier:
        end_session_of_token(request.connection, earlier, request.now)
    return _open(request, held, installation_id, request_id)


def _renew_or_open(
    request: Request, held: HeldDevice, installation_id: UUID, request_id: str | None
) -> tuple[Session, str]:
    """The session of a known installation, renewed, or a new session where that has ended."""
    return renew_session(
        request.connection,
        request.site,
        session_token(request),
        held,
        installation_id,
        request_id,
        request.now,
    ) or _open(request, held, installation_id, request_id)


def _open(
    request: Request, held: HeldDevice, installation_id: UUID, request_id: str | None
) -> tuple[Session, str]:
    """A new session of an installation without any: only then can a device have one too many.

    An installation has one at a time, so the usual login, which renews, counts nothing.
    """
    end_surplus_sessions(request.connection, request.settings, held.device.id, request.now)
    return open_session(
        request.connection, request.site, held, installation_id, request_id, request.now
    )


def forget_session_cookie(response: Response, request: Request) -> Response:
    """The response deletes the session cookie; the installation's cookie stays."""
    delete_cookie(response, request.settings, SESSION)
    return response

"""From a verified device to a signed-in browser."""

from collections.abc import Callable
from uuid import UUID

from starlette.responses import Response

from authn.devices.installations import COOKIE_LIFETIME, recognise_installation
from authn.devices.tables import HeldDevice
from authn.sessions.cookie import session_token
from authn.sessions.opening import make_room, open_session, renew_session
from authn.sessions.sessions import Session, end_session_of_token
from authn.web.cookies import INSTALLATION, SESSION, cookie_name, delete_cookie, set_cookie
from authn.web.request import Request
from authn.web.user_agent import read_user_agent

Remember = Callable[[Response], Response]


def sign_in_with(
    request: Request, held: HeldDevice, request_id: str | None
) -> tuple[Session, Remember]:
    """A session of this device in this browser, and what makes the browser keep it.

    Its identifier is new at each login. It goes on where it was the same device's, even if the
    browser forgot its cookie, so that what applications were given in it lives on; another
    device's or person's session here has ended.
    `request_id` is the authorization request that the assertion's challenge named.
    """
    here = recognise_installation(
        request.connection,
        held.device.id,
        request.cookies.get(cookie_name(request.settings, INSTALLATION), ""),
        read_user_agent(request.headers.get("user-agent", "")),
        request.now,
        request.site.places.find(request.address) or None,
    )
    sign_in = _in_new if here.new else _go_on
    session, token = sign_in(request, held, here.installation_id, request_id)

    def remember(response: Response) -> Response:
        set_cookie(response, request.settings, SESSION, token)
        set_cookie(response, request.settings, INSTALLATION, here.cookie, COOKIE_LIFETIME)
        return response

    return session, remember


def _in_new(
    request: Request, held: HeldDevice, installation_id: UUID, request_id: str | None
) -> tuple[Session, str]:
    """The first session of an installation; another device's that was open here has ended."""
    earlier = session_token(request)
    if earlier:
        end_session_of_token(request.connection, earlier, request.now)
    return _open(request, held, installation_id, request_id)


def _go_on(
    request: Request, held: HeldDevice, installation_id: UUID, request_id: str | None
) -> tuple[Session, str]:
    """The session of an installation that was here before, or a new one where it has ended."""
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
    """A session of an installation that has none: only then can the device have one too many.

    An installation has one at a time, so the usual login, which goes on, counts nothing.
    """
    make_room(request.connection, request.settings, held.device.id, request.now)
    return open_session(
        request.connection, request.site, held, installation_id, request_id, request.now
    )


def forget(response: Response, request: Request) -> Response:
    """The browser is told to forget its session; it stays the installation that it is."""
    delete_cookie(response, request.settings, SESSION)
    return response

"""From a verified device to a signed-in browser."""

from collections.abc import Callable
from uuid import UUID

from starlette.responses import Response

from authn.devices.installations import COOKIE_LIFETIME, recognise_installation
from authn.devices.tables import HeldDevice
from authn.devices.user_agent import read_user_agent
from authn.sessions.cookie import session_token
from authn.sessions.sessions import (
    Session,
    end_session_of_token,
    open_session,
    renew_session,
)
from authn.web.cookies import INSTALLATION, SESSION, cookie_name, delete_cookie, set_cookie
from authn.web.request import Request

Remember = Callable[[Response], Response]


def sign_in_with(
    request: Request, held: HeldDevice, request_id: str | None
) -> tuple[Session, Remember]:
    """A session of this device in this browser, and what makes the browser keep it.

    Its identifier is new at each login. It goes on where it was the same device's, so that what
    applications were given in it lives on; another device's or person's session here has ended.
    `request_id` is the authorization request that the assertion's challenge named.
    """
    installation_id, installation_token = recognise_installation(
        request.connection,
        held.device.id,
        request.cookies.get(cookie_name(request.settings, INSTALLATION), ""),
        read_user_agent(request.headers.get("user-agent", "")),
        request.now,
    )
    session, token = _renewed(request, held, installation_id, request_id) or open_session(
        request.connection, held, installation_id, request_id, request.now
    )

    def remember(response: Response) -> Response:
        set_cookie(response, request.settings, SESSION, token)
        set_cookie(response, request.settings, INSTALLATION, installation_token, COOKIE_LIFETIME)
        return response

    return session, remember


def _renewed(
    request: Request, held: HeldDevice, installation_id: UUID, request_id: str | None
) -> tuple[Session, str] | None:
    """The browser's session under a new identifier; None, and it has ended, if it is another's."""
    earlier = session_token(request)
    if not earlier:
        return None
    renewed = renew_session(
        request.connection,
        request.settings,
        earlier,
        held,
        installation_id,
        request_id,
        request.now,
    )
    if renewed is None:
        end_session_of_token(request.connection, earlier, request.now)
    return renewed


def forget(response: Response, request: Request) -> Response:
    """The browser is told to forget its session; it stays the installation that it is."""
    delete_cookie(response, request.settings, SESSION)
    return response

"""The page after a sign-out: notifies applications in frames, then leads back to the client.

OpenID Connect Front-Channel Logout 1.0 §3
(https://openid.net/specs/openid-connect-frontchannel-1_0.html#OPLogout).
"""

from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response

from authn.clients.clients import Client
from authn.errors import Expired
from authn.grants.endings.frontchannel_logout import frame_origin, list_frontchannel_addresses
from authn.secrets import read_token, sign_token
from authn.web.envelope import content_security_policy
from authn.web.request import Request, page

PURPOSE = "signed-out"
LIFETIME = timedelta(minutes=10)


def build_signed_out_page(
    request: Request,
    ended_session: UUID | None,
    client: Client | None = None,
    location: str = "",
) -> Response:
    """The signed-out page; `location` is the client's address to go on to ("" for none).

    Its policy allows frames of the applications of the session that has ended, and no others.
    """
    frames = []
    if ended_session:
        frames = list_frontchannel_addresses(
            request.connection, request.settings, ended_session, request.now
        )
    response = page(
        request,
        "login/signed_out.html",
        client=client if location else None,
        location=location,
        frames=frames,
        current_path="/signed-out",
    )
    if frames:
        policy = content_security_policy(frames={frame_origin(address) for address in frames})
        response.headers["Content-Security-Policy"] = policy
    return response


def signed_out_location(request: Request, ended_session: UUID | None) -> str:
    """The address of the signed-out page, with the ended session if there are frames to load."""
    if ended_session is None or not list_frontchannel_addresses(
        request.connection, request.settings, ended_session, request.now
    ):
        return "/signed-out"
    content = {"session": ended_session.hex}
    token = sign_token(request.secrets, PURPOSE, content, request.now, LIFETIME)
    return "/signed-out?" + urlencode({"ended": token})


def read_ended_session(request: Request) -> UUID | None:
    """The session in an address of `signed_out_location`; raises `InvalidRequest`."""
    token = request.query.get("ended", "")
    if not token:
        return None
    try:
        content = read_token(request.secrets, PURPOSE, token, request.now)
    except Expired:
        return None  # a page of long ago, opened again
    return UUID(content["session"])

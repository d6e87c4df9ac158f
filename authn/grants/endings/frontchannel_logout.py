"""OpenID Connect Front-Channel Logout 1.0: addresses that a signed-out browser loads in frames.

(https://openid.net/specs/openid-connect-frontchannel-1_0.html). For applications that can't be told
server to server. Most browsers give a frame of another site none of its cookies, so that this
reaches few of them any more: whoever can should use the back channel.
"""

import re
from datetime import datetime
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from sqlalchemy import Connection

from authn.clients.clients import find_client
from authn.grants.endings.ended_sessions import list_logout_audience
from authn.settings import Settings

# What discovery says (§3).
FRONTCHANNEL_LOGOUT_SUPPORTED = True
FRONTCHANNEL_LOGOUT_SESSION_SUPPORTED = True

MOST_FRAMES = 20
# What may stand in a policy's list of sources.
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+")


def list_frontchannel_addresses(
    connection: Connection, settings: Settings, session_id: UUID, now: datetime
) -> list[str]:
    """The logout addresses of the session's applications, with `iss` and `sid` (§2), in order.

    Each is an address that a client registered, with an origin that `frame_origin` accepts.
    """
    addresses = []
    for each in list_logout_audience(connection, [session_id], now):
        client = find_client(connection, each.client_id)
        uri = client.metadata.frontchannel_logout_uri if client else ""
        if uri and frame_origin(uri):
            parameters = urlencode({"iss": settings.issuer, "sid": each.sid})
            addresses.append(f"{uri}{'&' if '?' in uri else '?'}{parameters}")
    return sorted(addresses)[:MOST_FRAMES]


def frame_origin(address: str) -> str:
    """The origin of an address as a Content-Security-Policy names it; "" if it can't."""
    parts = urlsplit(address)
    origin = f"{parts.scheme}://{parts.netloc}"
    return origin if _ORIGIN.fullmatch(origin) else ""

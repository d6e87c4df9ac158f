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
from authn.grants.ended_sessions import audience
from authn.settings import Settings

# What discovery says (§3).
FRONTCHANNEL_LOGOUT_SUPPORTED = True
FRONTCHANNEL_LOGOUT_SESSION_SUPPORTED = True

MOST_FRAMES = 20
# What may stand in a policy's list of sources.
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+")


def frontchannel_addresses(
    connection: Connection, settings: Settings, session_id: UUID, now: datetime
) -> list[str]:
    """Where the browser tells applications that this session has ended, with `iss` and `sid` (§2).

    Each is an address that a client registered, and of an origin that `origin_of` knows.
    """
    addresses = []
    for each in audience(connection, [session_id], now):
        client = find_client(connection, each.client_id)
        uri = client.metadata.frontchannel_logout_uri if client else ""
        if uri and origin_of(uri):
            parameters = urlencode({"iss": settings.issuer, "sid": each.sid})
            addresses.append(f"{uri}{'&' if '?' in uri else '?'}{parameters}")
    return sorted(addresses)[:MOST_FRAMES]


def origin_of(address: str) -> str:
    """Its scheme, host and port; "" where that is nothing that a policy could name."""
    parts = urlsplit(address)
    origin = f"{parts.scheme}://{parts.netloc}"
    return origin if _ORIGIN.fullmatch(origin) else ""

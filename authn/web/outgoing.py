"""Every request that this service sends to another one: guarded, bounded, few at a time.

https only (http where the caller may speak to this machine itself, for development), no redirect
is followed, nothing of the environment (proxies, passwords) is used, nothing compressed is taken,
and an answer has a time and a size that it must not exceed.

Why four at a time, and no queue: sixteen slow answers of others must not hold the sixteen threads
that logins need (protocol 4.18). Never inside a transaction: a route that calls out has none
(`web.routing.calling_out_route`).
"""

import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpx2

from authn.errors import Unavailable

MOST_AT_ONCE = 4
LARGEST_ANSWER = 256 * 1024
AGENT = "authn"
TOO_LONG = "an answer that took too long"


class NoAnswer(Exception):
    """The other side did not answer in the way, the time and the size that it must.

    Its text is for the log: what went wrong, never an address or what was sent.
    """


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: to connect, between two pieces of an answer, and for the whole of it."""

    connect: float = 3.0
    read: float = 5.0
    whole: float = 10.0


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What this process may send at the same time, and how long it waits."""

    patience: Patience = Patience()
    slots: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(MOST_AT_ONCE)
    )

    @contextmanager
    def calls(self, *, this_machine: bool = False) -> Iterator["GuardedTransport"]:
        """A transport for one conversation; raises `Unavailable` when four others go on.

        `this_machine` allows `http://localhost` as well.
        """
        if not self.slots.acquire(blocking=False):
            raise Unavailable(detail="too many outgoing conversations")
        try:
            transport = GuardedTransport(self.patience, this_machine=this_machine)
            try:
                yield transport
            finally:
                transport.inner.close()
        finally:
            self.slots.release()


class GuardedTransport(httpx2.BaseTransport):
    """The one way out: an `httpx2` client on it keeps to all of the rules above.

    Raises `NoAnswer` for whatever breaks one of them, and where the network does not carry.
    """

    def __init__(self, patience: Patience, *, this_machine: bool) -> None:
        self.patience = patience
        self.this_machine = this_machine
        self.inner = httpx2.HTTPTransport(verify=_trusted(), trust_env=False)
        self._stream: Any = None
        self._overdue = False

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """The whole answer, read."""
        if not may_call(str(request.url), this_machine=self.this_machine):
            raise NoAnswer("an address that may not be called")
        request.headers["Accept-Encoding"] = "identity"
        request.headers["User-Agent"] = AGENT
        request.extensions["trace"] = self._follow
        patience = self.patience
        request.extensions["timeout"] = {
            "connect": patience.connect,
            "read": patience.read,
            "write": patience.read,
            "pool": patience.connect,
        }
        # Each wait has its end, but whoever sends drops can make any number of them necessary.
        alarm = threading.Timer(patience.whole, self._cut)
        alarm.daemon = True
        alarm.start()
        try:
            response = self.inner.handle_request(request)
            try:
                return self._whole(response)
            finally:
                response.close()
        except httpx2.HTTPError as error:
            raise NoAnswer(TOO_LONG if self._overdue else type(error).__name__) from None
        except UnicodeError:  # of a host that can't be looked up
            raise NoAnswer("no address") from None
        finally:
            alarm.cancel()

    def _follow(self, event: str, info: Mapping[str, Any]) -> None:
        """Keeps the connection that was made; called at each step of the conversation."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._stream = info["return_value"]
        if self._overdue:
            raise NoAnswer(TOO_LONG)

    def _cut(self) -> None:
        """Whatever is waited for ends now; the conversation is over."""
        self._overdue = True
        if self._stream:
            with suppress(OSError):
                self._stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    def _whole(self, response: httpx2.Response) -> httpx2.Response:
        if 300 <= response.status_code < 400:
            raise NoAnswer("a redirect")
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise NoAnswer("a compressed answer")
        body = bytearray()
        for chunk in response.iter_raw():
            body += chunk
            if len(body) > LARGEST_ANSWER:
                raise NoAnswer("an answer that is too large")
        kept = {"content-type": response.headers.get("content-type", "")}
        return httpx2.Response(response.status_code, headers=kept, content=bytes(body))


@cache
def _trusted() -> ssl.SSLContext:
    """Which authorities are believed: reading them takes a tenth of a second, so once."""
    return httpx2.create_ssl_context(trust_env=False)


def may_call(address: str, *, this_machine: bool = False) -> bool:
    """Whether a request may go there: https, or this machine where that is allowed."""
    try:
        parts = urlsplit(address)
        _ = parts.port, httpx2.URL(address)
    except (ValueError, httpx2.InvalidURL):
        return False
    if parts.username or parts.password or parts.fragment or not parts.hostname:
        return False
    return parts.scheme == "https" or (this_machine and is_this_machine(address))


def is_this_machine(address: str) -> bool:
    """Whether the address is `http://localhost`, with any port and path."""
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme == "http" and parts.hostname == "localhost" and not parts.username

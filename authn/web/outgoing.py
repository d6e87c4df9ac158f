"""Every request that this service sends to another one: guarded, bounded, few at a time.

https only (http where the caller may speak to this machine itself, for development), no redirect
is followed, nothing of the environment (proxies, passwords) is used, nothing compressed is taken,
and an answer has a time and a size that it must not exceed.

Why four at a time, and no queue: sixteen slow answers of others must not hold the sixteen threads
that logins need (decisions 4.18). Never inside a transaction: a route that calls out has none
(`web.routing.calling_out_route`). Addresses that a client's registration names have slots of their
own, so that slow ones don't keep people from signing in with an upstream; and only public machines
are asked there, at the very address that was looked up and checked.
"""

import socket
import ssl
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpx2

from authn.errors import Unavailable
from authn.web.public_addresses import is_public, resolve_addresses

MOST_AT_ONCE = 4
MOST_LOOKUPS = 16  # of names, among them those that nobody waits for any more
MOST_ADDRESSES = 3  # of one host, that are tried one after the other
LARGEST_ANSWER = 256 * 1024
AGENT = "authn"
KEPT_HEADERS = ("content-type", "cache-control", "retry-after")
TOO_LONG = "an answer that took too long"


class NoAnswer(Exception):
    """The other side did not answer in the way, the time and the size that it must.

    Its text is for the log: what went wrong, never an address or what was sent.
    """


class NotReached(NoAnswer):
    """No connection came about."""


class AnswerBroken(NoAnswer):
    """The connection ended in the middle: the other side closed it, or the network did."""


@dataclass(frozen=True, slots=True)
class OutgoingTimeouts:
    """Seconds: to connect, between two pieces of an answer, and for the whole of it."""

    connect: float = 3.0
    read: float = 5.0
    whole: float = 10.0


@dataclass(frozen=True, slots=True)
class OutgoingClient:
    """What this process may send at the same time, and how long it waits."""

    patience: OutgoingTimeouts = OutgoingTimeouts()
    document_patience: OutgoingTimeouts = OutgoingTimeouts(connect=1.5, read=3.0, whole=3.0)
    slots: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(MOST_AT_ONCE)
    )
    document_slots: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(MOST_AT_ONCE)
    )

    lookups: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(MOST_LOOKUPS)
    )

    @contextmanager
    def calls(self, *, this_machine: bool = False) -> Iterator["GuardedTransport"]:
        """A transport for one conversation; raises `Unavailable` when four others go on.

        `this_machine` allows `http://localhost` as well.
        """
        with _slot(self.slots):
            transport = GuardedTransport(self.patience, this_machine=this_machine)
            try:
                yield transport
            finally:
                transport.inner.close()

    @contextmanager
    def documents(
        self, *, private_hosts: Collection[str], largest: int
    ) -> Iterator["PublicTransport"]:
        """A transport for one document, of at most `largest` bytes, at an address of others.

        `private_hosts` need not be public, and may be http. Raises `Unavailable` when four other
        documents are being fetched.
        """
        with _slot(self.document_slots):
            transport = PublicTransport(
                self.document_patience, self.lookups, private_hosts=private_hosts, largest=largest
            )
            try:
                yield transport
            finally:
                transport.inner.close()


@contextmanager
def _slot(slots: threading.BoundedSemaphore) -> Iterator[None]:
    if not slots.acquire(blocking=False):
        raise Unavailable(detail="too many outgoing conversations")
    try:
        yield
    finally:
        slots.release()


class GuardedTransport(httpx2.BaseTransport):
    """The one way out: an `httpx2` client on it keeps to all of the rules above.

    Raises `NoAnswer` for whatever breaks one of them, and where the network does not carry.
    """

    def __init__(
        self,
        patience: OutgoingTimeouts,
        *,
        this_machine: bool = False,
        largest: int = LARGEST_ANSWER,
    ) -> None:
        self.patience = patience
        self.this_machine = this_machine
        self.largest = largest
        self.inner = httpx2.HTTPTransport(verify=_trusted(), trust_env=False)
        self._stream: Any = None
        self._overdue = False

    @property
    def is_reusable(self) -> bool:
        """Whether another conversation may follow on its connection: the last one was not cut."""
        return not self._overdue

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """The whole answer, read."""
        if not may_call(str(request.url), this_machine=self.this_machine):
            raise NoAnswer("an address that may not be called")
        return self._conversation(request, self.patience)

    def _conversation(self, request: httpx2.Request, patience: OutgoingTimeouts) -> httpx2.Response:
        request.headers["Accept-Encoding"] = "identity"
        request.headers["User-Agent"] = AGENT
        request.extensions["trace"] = self._follow
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
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise NotReached(TOO_LONG if self._overdue else type(error).__name__) from None
        except (httpx2.NetworkError, httpx2.RemoteProtocolError) as error:
            if self._overdue:
                raise NoAnswer(TOO_LONG) from None
            raise AnswerBroken(type(error).__name__) from None
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
            if len(body) > self.largest:
                raise NoAnswer("an answer that is too large")
        kept = {name: response.headers.get(name, "") for name in KEPT_HEADERS}
        return httpx2.Response(response.status_code, headers=kept, content=bytes(body))


class PublicTransport(GuardedTransport):
    """The way to an address that somebody else wrote down: https, and public machines alone.

    The name is looked up once, what comes is checked, and the connection goes to just that: a name
    server that says something else a moment later changes nothing. TLS still proves the name.
    """

    def __init__(
        self,
        patience: OutgoingTimeouts,
        lookups: threading.BoundedSemaphore,
        *,
        private_hosts: Collection[str],
        largest: int,
    ) -> None:
        super().__init__(patience, largest=largest)
        self.lookups = lookups
        self.private_hosts = private_hosts

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """The whole answer, read."""
        deadline = time.monotonic() + self.patience.whole
        url = request.url
        host = url.raw_host.decode("ascii")
        private = host in self.private_hosts
        secure = str(url.copy_with(scheme="https")) if private else str(url)
        if url.scheme not in ("https", "http") or not may_call(secure):
            raise NoAnswer("an address that may not be called")
        addresses = resolve_addresses(host, url.port or 443, self.patience.whole, self.lookups)
        if not addresses:
            raise NotReached("no address")
        # One that isn't public among others is no accident.
        if not private and not all(map(is_public, addresses)):
            raise NoAnswer("an address that is not public")
        # httpx2 wrote the Host header from the URL that it was given, and keeps it.
        request.extensions["sni_hostname"] = host
        for address in addresses[:MOST_ADDRESSES]:
            left = deadline - time.monotonic()
            if left <= 0:
                break
            request.url = url.copy_with(host=address)
            try:
                return self._conversation(request, replace(self.patience, whole=left))
            except NotReached:
                continue
        raise NotReached("none of its addresses answers in time")


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

"""Documents that others name: clients' key sets, request objects, lists of redirect URIs.

Whoever registers a client writes their address down, so it may lead anywhere: only public ones are
asked (SSRF), with limits of their own, and never in a transaction (decisions 4.18). A document is
remembered; where it is not at hand, the endpoint stops, and begins again once it is.
"""

from datetime import datetime
from urllib.parse import urldefrag

import httpx2

from authn.errors import Unavailable
from authn.web.outgoing import NoAnswer
from authn.web.routing import NeededFromOutside
from authn.web.site import Site

LARGEST_DOCUMENT = 64 * 1024


def remembered_document(
    site: Site,
    uri: str,
    now: datetime,
    *,
    largest: int = LARGEST_DOCUMENT,
    refetch: bool = False,
) -> bytes:
    """The document at this address, from memory.

    `refetch` asks for a newer one than that of the last 30 seconds: when what it holds does not
    fit. Raises `NeededFromOutside` when it must be asked for, and `NoAnswer` when that failed less
    than 30 seconds ago. A fragment tells versions apart, as in a `request_uri` (Core §6.2).
    """
    known = site.documents.recall(uri)
    if known and known.is_hardly_stale(now) and site.documents.is_asked(_host(uri)):
        # Somebody else is fetching it. Not to refuse, each time, all who come in that second.
        return _within(known.body, largest)
    if known is None or not known.is_fresh(now) or (refetch and not known.is_recent(now)):
        raise NeededFromOutside(lambda: _fetch(site, uri, largest, refetch=refetch))
    if known.failure:
        raise NoAnswer(known.failure)
    return _within(known.body, largest)


def _within(body: bytes, largest: int) -> bytes:
    if len(body) > largest:
        raise NoAnswer("an answer that is too large")
    return body


def _fetch(site: Site, uri: str, largest: int, *, refetch: bool) -> None:
    """The document, or why there is none, is remembered from now on.

    Raises `Unavailable` when the host, or too many others, are being asked already.
    """
    cache = site.documents
    address = urldefrag(uri).url
    host = _host(address)
    if not cache.begin(host):
        raise Unavailable(detail="the host is being asked already")
    try:
        now = site.clock()
        known = cache.recall(uri)
        if known and known.is_fresh(now) and (not refetch or known.is_recent(now)):
            return  # somebody else asked for it in the meantime
        try:
            body, cache_control = _ask(site, address, largest)
        except NoAnswer as failure:
            cache.keep_failure(uri, str(failure), site.clock())
        else:
            cache.keep(uri, body, cache_control, site.clock())
    finally:
        cache.end(host)


def _ask(site: Site, address: str, largest: int) -> tuple[bytes, str]:
    """What the address gives, and its Cache-Control; raises `NoAnswer` or `Unavailable`."""
    private_hosts = site.settings.private_hosts
    with site.outgoing.documents(private_hosts=private_hosts, largest=largest) as transport:
        try:
            request = httpx2.Request("GET", address)
        except (httpx2.InvalidURL, ValueError):
            raise NoAnswer("an address that may not be called") from None
        response = transport.handle_request(request)
    if response.status_code != 200:
        raise NoAnswer(f"status {response.status_code}")
    return response.content, response.headers.get("cache-control", "")


def _host(address: str) -> str:
    try:
        return httpx2.URL(address).host.rstrip(".")
    except (httpx2.InvalidURL, ValueError):
        return ""

"""Documents at addresses that others wrote down: where we go, how long, and what is remembered.

Decisions 4.18; RFC 9111 §5.2.2 (https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2) for the time.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from authn.errors import Unavailable
from authn.settings import Settings
from authn.web.document_cache import (
    LONGEST_LIFETIME,
    MOST_DOCUMENTS,
    SHORTEST_LIFETIME,
    USUAL_LIFETIME,
    DocumentCache,
    document_lifetime,
)
from authn.web.documents import LARGEST_DOCUMENT, remembered_document
from authn.web.outgoing import MOST_AT_ONCE, NoAnswer, OutgoingClient, OutgoingTimeouts
from authn.web.public_addresses import is_public, resolve_addresses
from authn.web.routing import NeededFromOutside
from authn.web.site import Site
from tests.conftest import MovableClock
from tests.patience import SECONDS
from tests.published import Answer, Published, publishing

pytestmark = [pytest.mark.one_engine, pytest.mark.thorough]
unhurried = examples(deadline=None)  # a busy machine is no failure

# What somebody may write down to reach what only we can reach.
NOT_PUBLIC = [
    "0.0.0.0",  # noqa: S104
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.8.9.10",
    "169.254.169.254",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.5",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::a00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700::1%eth0",
    "fec0::1",
    "ff02::1",
    "",
    "localhost",
    "0x7f.1",
    "1.2.3",
]
SPELLED = [
    "https://127.0.0.1/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://localhost/",
    "https://LOCALHOST./",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://\uff11\uff12\uff17.0.0.1/",
    "https://\u2460\u2461\u2466.0.0.1/",
]


@pytest.fixture
def published() -> Iterator[Published]:
    with publishing() as published:
        yield published


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """This machine may be asked, by its name alone, as on a test bed."""
    return settings.model_copy(update={"private_hosts": frozenset({"localhost", "keys.example"})})


def got(site: Site, uri: str, **options: Any) -> bytes:
    """What an endpoint gets after it began again; raises what it would."""
    for _ in range(3):
        try:
            return remembered_document(site, uri, site.clock(), **options)
        except NeededFromOutside as needed:
            needed.fetch()
    raise AssertionError("needed again and again")


# Where


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_that_not_everybody_reaches_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "193.191.245.1", "2606:4700::1", "2a00:1450::1"])
def test_other_addresses_are_public(address: str) -> None:
    assert is_public(address)


@unhurried
@given(st.ip_addresses())
def test_nothing_is_public_that_python_calls_private(address: Any) -> None:
    if is_public(str(address)):
        assert not (address.is_private or address.is_multicast or address.is_reserved)
        assert not (address.is_loopback or address.is_link_local or address.is_unspecified)


@unhurried
@given(st.text())
def test_whatever_an_address_is_it_is_judged(text: str) -> None:
    assert is_public(text) in (True, False)


@pytest.mark.parametrize("uri", SPELLED)
def test_this_machine_is_not_asked_however_its_address_is_spelled(
    site: Site, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    object.__setattr__(site, "settings", site.settings.model_copy(update={"private_hosts": ()}))
    monkeypatch.setattr(socket, "create_connection", never)
    with pytest.raises(NoAnswer):
        got(site, uri)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "keys",
        "http://1.1.1.1/",
        "http://localhost.example/",
        "ftp://localhost/",
        "file:///etc/passwd",
        "gopher://localhost/",
        "https://somebody@localhost/",
        "http://localhost@1.1.1.1/",
        "https://localhost:99999/",
        "https://[::1",
        "https://\x00/",
        "https://",
        "https://" + "a" * 64 + ".example/",
    ],
)
def test_what_is_no_address_of_ours_to_ask_is_not_asked(
    site: Site, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "create_connection", never)
    with pytest.raises(NoAnswer):
        got(site, uri)


def never(*arguments: Any, **options: Any) -> None:
    raise AssertionError("a connection")


@unhurried
@given(st.text())
def test_garbage_is_an_address_that_gives_no_answer(text: str) -> None:
    with (
        pytest.MonkeyPatch.context() as patch,
        OutgoingClient().documents(private_hosts=(), largest=10) as transport,
        pytest.raises((NoAnswer, httpx2.InvalidURL)),
    ):
        patch.setattr(socket, "getaddrinfo", resolving("127.0.0.1"))
        transport.handle_request(httpx2.Request("GET", "https://" + text))


def resolving(*answers: str) -> Callable[..., Any]:
    """A `getaddrinfo` that finds these addresses for each name."""

    def getaddrinfo(host: str, port: int, *rest: Any, **options: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in answers]

    return getaddrinfo


@pytest.mark.parametrize("answers", [("10.0.0.1",), ("1.1.1.1", "10.0.0.1"), ("::ffff:10.0.0.1",)])
def test_a_name_that_leads_to_a_private_address_is_not_asked(
    site: Site, answers: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolving(*answers))
    monkeypatch.setattr(socket, "create_connection", never)
    with pytest.raises(NoAnswer, match="not public"):
        got(site, "https://rp.example/jwks")


def test_the_address_that_was_checked_is_the_one_that_is_called(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that says 1.1.1.1 first and 127.0.0.1 then (DNS rebinding) gains nothing."""
    said = [["1.1.1.1", "1.0.0.1"]]
    called: list[Any] = []

    def getaddrinfo(host: str, port: int, *rest: Any, **options: Any) -> list[Any]:
        assert host == "rp.example"
        found: list[Any] = resolving(*(said.pop() if said else ["127.0.0.1"]))(host, port)
        return found

    def create_connection(address: Any, *rest: Any, **options: Any) -> None:
        called.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket, "create_connection", create_connection)
    with pytest.raises(NoAnswer):
        got(site, "https://rp.example:8443/jwks")
    assert called == [("1.1.1.1", 8443), ("1.0.0.1", 8443)]


def test_a_host_that_may_be_private_is_asked_by_its_own_name(
    site: Site, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    published.put("/jwks", b"here")
    port = published.address.rpartition(":")[2]
    monkeypatch.setattr(socket, "getaddrinfo", resolving("127.0.0.1"))
    assert got(site, f"http://keys.example:{port}/jwks") == b"here"
    assert published.hosts == [f"keys.example:{port}"]


def test_what_does_not_connect_is_tried_at_the_next_address(
    site: Site, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    published.put("/jwks", b"here")
    port = published.address.rpartition(":")[2]
    monkeypatch.setattr(socket, "getaddrinfo", resolving("127.0.0.2", "127.0.0.1"))
    assert got(site, f"http://keys.example:{port}/jwks") == b"here"


# How much, and how long


@pytest.mark.parametrize("status", [201, 204, 301, 302, 307, 401, 404, 500])
def test_what_is_not_200_is_no_document(site: Site, published: Published, status: int) -> None:
    elsewhere = published.put("/elsewhere", b"here")
    uri = published.put("/jwks", b"" if status == 204 else b"here", status, Location=elsewhere)
    with pytest.raises(NoAnswer):
        got(site, uri)
    assert published.asked == ["/jwks"]


def test_64_kilobytes_are_taken_and_no_more(site: Site, published: Published) -> None:
    assert got(site, published.put("/a", b"a" * LARGEST_DOCUMENT)) == b"a" * LARGEST_DOCUMENT
    with pytest.raises(NoAnswer, match="too large"):
        got(site, published.put("/b", b"a" * (LARGEST_DOCUMENT + 1)))


def test_who_asks_for_less_gets_no_more(site: Site, published: Published) -> None:
    uri = published.put("/a", b"a" * 100)
    got(site, uri)
    with pytest.raises(NoAnswer, match="too large"):
        got(site, uri, largest=99)


def test_a_compressed_document_is_not_taken(site: Site, published: Published) -> None:
    with pytest.raises(NoAnswer, match="compressed"):
        got(site, published.put("/a", b"a", Content_Encoding="gzip"))


def test_who_is_slow_is_not_waited_for(site: Site, published: Published) -> None:
    object.__setattr__(
        site, "outgoing", OutgoingClient(document_patience=OutgoingTimeouts(1, 1, 0.3))
    )
    asleep = threading.Event()
    published.answers["/a"] = Answer(b"a", before=lambda: asleep.wait(SECONDS))
    try:
        with pytest.raises(NoAnswer):
            got(site, published.address + "/a")
    finally:
        asleep.set()


def test_a_slow_name_server_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asleep = threading.Event()

    def getaddrinfo(*question: Any, **options: Any) -> list[Any]:
        asleep.wait(SECONDS)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    one = threading.BoundedSemaphore(1)
    assert resolve_addresses("rp.example", 443, 0.05, one) == ()
    with pytest.raises(Unavailable):
        resolve_addresses("rp.example", 443, 0.05, one)
    asleep.set()


def test_usual_limits_are_three_seconds_in_all() -> None:
    assert OutgoingClient().document_patience.whole == 3


# Remembering


def test_a_document_is_asked_for_once(site: Site, published: Published) -> None:
    uri = published.put("/a", b"a")
    assert [got(site, uri) for _ in range(3)] == [b"a"] * 3
    assert published.asked == ["/a"]


def test_it_is_good_for_as_long_as_it_says(
    site: Site, published: Published, clock: MovableClock
) -> None:
    uri = published.put("/a", b"old", Cache_Control="public, max-age=120")
    got(site, uri)
    published.put("/a", b"new")
    clock.advance(seconds=119)
    assert got(site, uri) == b"old"
    clock.advance(seconds=1)
    assert got(site, uri) == b"new"


@pytest.mark.parametrize(
    ("cache_control", "expected"),
    [
        ("", USUAL_LIFETIME),
        ("public", USUAL_LIFETIME),
        ("max-age=3600", timedelta(hours=1)),
        ("MAX-AGE=3600", timedelta(hours=1)),
        ('max-age="3600"', timedelta(hours=1)),
        ("max-age=0", SHORTEST_LIFETIME),
        ("max-age=1", SHORTEST_LIFETIME),
        ("no-store, max-age=3600", SHORTEST_LIFETIME),
        ("no-cache", SHORTEST_LIFETIME),
        ("max-age=9999999999", LONGEST_LIFETIME),
        ("max-age=-1", USUAL_LIFETIME),
        ("max-age=abc", USUAL_LIFETIME),
    ],
)
def test_cache_control_counts_within_limits(cache_control: str, expected: timedelta) -> None:
    assert document_lifetime(cache_control) == expected


@unhurried
@given(st.text())
def test_whatever_cache_control_says_there_are_limits(text: str) -> None:
    assert SHORTEST_LIFETIME <= document_lifetime(text) <= LONGEST_LIFETIME
    assert SHORTEST_LIFETIME <= document_lifetime("max-age=" + text) <= LONGEST_LIFETIME


def test_a_newer_one_is_asked_for_at_most_every_30_seconds(
    site: Site, published: Published, clock: MovableClock
) -> None:
    uri = published.put("/a", b"old", Cache_Control="max-age=3600")
    assert got(site, uri) == b"old"
    published.put("/a", b"new")
    assert got(site, uri, refetch=True) == b"old"
    clock.advance(seconds=30)
    assert got(site, uri) == b"old"
    assert got(site, uri, refetch=True) == b"new"
    assert got(site, uri, refetch=True) == b"new"
    assert published.asked == ["/a", "/a"]


def test_a_failure_is_remembered_for_30_seconds(
    site: Site, published: Published, clock: MovableClock
) -> None:
    uri = published.put("/a", b"", 500)
    for _ in range(3):
        with pytest.raises(NoAnswer):
            got(site, uri, refetch=True)
    assert published.asked == ["/a"]
    published.put("/a", b"a")
    clock.advance(seconds=30)
    assert got(site, uri) == b"a"


def test_a_good_document_survives_a_failure_to_get_a_newer_one(
    site: Site, published: Published, clock: MovableClock
) -> None:
    uri = published.put("/a", b"a", Cache_Control="max-age=60")
    got(site, uri)
    published.put("/a", b"", 500)
    clock.advance(seconds=40)
    assert got(site, uri, refetch=True) == b"a"
    assert published.asked == ["/a", "/a"]
    clock.advance(seconds=20)  # no longer than it said
    with pytest.raises(NoAnswer):
        got(site, uri)


def test_a_fragment_names_a_version_and_is_not_sent(site: Site, published: Published) -> None:
    uri = published.put("/a", b"one")
    assert got(site, uri + "#1") == b"one"
    published.put("/a", b"two")
    assert got(site, uri + "#1") == b"one"
    assert got(site, uri + "#2") == b"two"
    assert published.asked == ["/a", "/a"]


def test_what_was_unused_for_longest_makes_room(clock: MovableClock) -> None:
    cache = DocumentCache()
    for number in range(MOST_DOCUMENTS + 1):
        cache.keep(str(number), b"", "", clock())
        assert cache.recall("0")
    assert len(cache.documents) == MOST_DOCUMENTS
    assert cache.recall("1") is None


# At the same time


def patient(site: Site) -> None:
    """It waits for a document for as long as it takes."""
    patience = OutgoingTimeouts(SECONDS, SECONDS, SECONDS)
    object.__setattr__(site, "outgoing", OutgoingClient(document_patience=patience))


def test_one_host_has_one_conversation(site: Site, published: Published) -> None:
    patient(site)
    first, second = published.put("/a", b"a"), published.put("/b", b"b")
    asked, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        asked.set()
        go_on.wait(SECONDS)

    published.answers["/a"].before = slow
    results: list[bytes] = []
    thread = threading.Thread(target=lambda: results.append(got(site, first)))
    thread.start()
    assert asked.wait(SECONDS)
    try:
        with pytest.raises(Unavailable):
            got(site, second)
        with pytest.raises(Unavailable):
            got(site, first)
    finally:
        go_on.set()
        thread.join()
    assert results == [b"a"]
    assert got(site, second) == b"b"


def test_a_document_that_is_being_renewed_is_good_until_then(
    site: Site, published: Published, clock: MovableClock
) -> None:
    """Else all requests of a busy client would fail, for a second, each time it has expired."""
    uri = published.put("/a", b"old", Cache_Control="max-age=60")
    got(site, uri)
    patient(site)
    published.put("/a", b"new")
    asked, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        asked.set()
        go_on.wait(SECONDS)

    published.answers["/a"].before = slow
    clock.advance(seconds=60)
    thread = threading.Thread(target=lambda: got(site, uri))
    thread.start()
    try:
        assert asked.wait(SECONDS)
        assert got(site, uri) == b"old"
        clock.advance(seconds=30)
        with pytest.raises(Unavailable):
            got(site, uri)
    finally:
        go_on.set()
        thread.join()
    assert got(site, uri) == b"new"


def test_slow_documents_keep_nobody_from_signing_in_upstream() -> None:
    outgoing = OutgoingClient()
    with ExitStack() as busy:
        for _ in range(MOST_AT_ONCE):
            busy.enter_context(outgoing.documents(private_hosts=(), largest=1))
        with pytest.raises(Unavailable), outgoing.documents(private_hosts=(), largest=1):
            pass
        with outgoing.calls():
            pass

"""Where requests may go; what answers may be is in `federation/test_code_flow.py`."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx2
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from authn.errors import Unavailable
from authn.web.outgoing import (
    MOST_AT_ONCE,
    NoAnswer,
    OutgoingClient,
    OutgoingTimeouts,
    is_this_machine,
    may_call,
)
from tests.patience import SECONDS, seconds_of

unhurried = examples(deadline=None)  # a busy machine is no failure


@pytest.mark.parametrize(
    "address", ["https://idp.example", "https://idp.example:8443/a?b=c", "https://localhost/"]
)
def test_https_may_be_called(address: str) -> None:
    assert may_call(address)


@pytest.mark.parametrize("address", ["http://localhost", "http://localhost:8002/a"])
def test_this_machine_may_be_called_where_that_is_said(address: str) -> None:
    assert may_call(address, this_machine=True)
    assert not may_call(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "idp.example",
        "http://idp.example",
        "http://127.0.0.1",
        "http://localhost.example",
        "http://localhost@idp.example",
        "https://somebody@idp.example",
        "https://a:b@idp.example",
        "https://idp.example/#fragment",
        "https://idp.example:port",
        "https://idp.example:99999",
        "https://",
        "https:///path",
        "https://[::1",
        "file:///etc/passwd",
        "ftp://localhost",
        "//idp.example",
        "https://idp.example/\x00",
        "https://\u2028.example/",
    ],
)
def test_nothing_else_may(address: str) -> None:
    assert not may_call(address, this_machine=True)
    with OutgoingClient().calls(this_machine=True) as transport, pytest.raises(NoAnswer):
        _ = transport.handle_request(_request(address))


def _request(address: str) -> httpx2.Request:
    try:
        return httpx2.Request("GET", address)
    except httpx2.InvalidURL:
        raise NoAnswer("it is no address to httpx2 either") from None


@unhurried
@given(st.text())
def test_whatever_an_address_is_it_is_judged(text: str) -> None:
    may_call(text)
    may_call("http://" + text, this_machine=True)
    is_this_machine("http://localhost" + text)


def test_a_conversation_ends_whatever_happens_in_it() -> None:
    outgoing = OutgoingClient()
    for _ in range(MOST_AT_ONCE + 1):
        with pytest.raises(ZeroDivisionError), outgoing.calls():
            raise ZeroDivisionError
    with (
        outgoing.calls(),
        outgoing.calls(),
        outgoing.calls(),
        outgoing.calls(),
        pytest.raises(Unavailable),
        outgoing.calls(),
    ):
        pass
    with outgoing.calls():
        pass


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..example"])
def test_a_name_that_can_t_be_looked_up_is_no_answer(host: str) -> None:
    with OutgoingClient().calls() as transport, pytest.raises(NoAnswer):
        transport.handle_request(httpx2.Request("GET", f"https://{host}/"))


@contextmanager
def dripping(beginning: bytes, drop: bytes) -> Iterator[str]:
    """The address of somebody who answers in drops, for as long as they are let."""
    with socket.create_server(("localhost", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.recv(10_000)
                connection.sendall(beginning)
                for _ in range(100):
                    connection.sendall(drop)
                    time.sleep(0.1)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://localhost:{listener.getsockname()[1]}/"
        thread.join()


@pytest.mark.parametrize(
    ("beginning", "drop"),
    [
        (b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b" "),
    ],
    ids=["before the answer", "in its header", "in its body"],
)
def test_who_answers_in_drops_is_not_waited_for_any_longer(beginning: bytes, drop: bytes) -> None:
    """Else four of them would take every conversation away, for as long as they like."""
    outgoing = OutgoingClient(OutgoingTimeouts(connect=SECONDS, read=SECONDS, whole=0.5))
    with dripping(beginning, drop) as address, outgoing.calls(this_machine=True) as transport:

        def ask() -> None:
            with pytest.raises(NoAnswer, match="too long"):
                transport.handle_request(httpx2.Request("GET", address))

        assert seconds_of(ask) < 5

"""A source that is slow, down or talks nonsense: it costs little, and nothing is made up.

RFC 9110 section 15.6 and RFC 6585 section 4 say what may be tried again; decisions 4.18 and 4.20.
"""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from authn.settings import Settings
from authn.sources.questions import SOURCES
from authn.sources.real_sources import SourceDown, Sources, open_sources
from authn.sources.wire.circuit_breaker import MOST_FAILURES, State
from authn.sources.wire.client import MOST_TRIES
from authn.sources.wire.connections import LARGEST_ANSWER, MOST_AT_ONCE
from tests.conftest import MovableClock
from tests.patience import SECONDS, seconds_of, until
from tests.sources_server import MANDATOR, MOTHER, NUMBERS, Running, Said, Seen

pytestmark = pytest.mark.one_engine

Dictated = Callable[[Seen], Said | None]


def always(said: Said, path: str = "/qualities") -> Dictated:
    """This answer to every question at this path."""
    return lambda seen: said if seen.path == path else None


def after(times: int, said: Said) -> Dictated:
    """This answer so many times, and from then on the true one."""
    left = iter(range(times))
    return lambda seen: said if seen.path != "/token" and next(left, None) is not None else None


def fails(sources: Sources, ssin: str = MOTHER) -> str:
    """Why the question about qualities gets no answer."""
    with pytest.raises(SourceDown) as failed:
        sources.qualities(ssin)
    assert not any(number in f"{failed.value!r}" for number in NUMBERS)
    return str(failed.value)


def state(sources: Sources) -> State:
    """Of the breaker of the same source."""
    return sources.clients["professions"].breaker.state


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_may_pass_is_tried_again(sources: Sources, real: Running, status: int) -> None:
    real.server.dictated = after(MOST_TRIES - 1, Said(status))
    assert len(sources.qualities(MOTHER)) == 1
    assert len(real.server.asked("/qualities")) == MOST_TRIES
    real.server.dictated = always(Said(status))
    assert f"{status}" in fails(sources)
    assert len(real.server.asked("/qualities")) == 2 * MOST_TRIES


@pytest.mark.parametrize("status", [204, 301, 400, 403, 404, 500, 501])
def test_nothing_else_is_tried_again(sources: Sources, real: Running, status: int) -> None:
    real.server.dictated = always(Said(status, headers={"location": "/mandates"}))
    fails(sources)
    assert len(real.server.asked("/qualities")) == 1


def test_a_token_endpoint_that_is_overrun_is_tried_again(sources: Sources, real: Running) -> None:
    left = iter(range(2))
    real.server.dictated = lambda seen: (
        Said(503) if seen.path == "/token" and next(left, None) is not None else None
    )
    assert len(sources.qualities(MOTHER)) == 1
    assert real.server.tokens == 3


def test_between_two_tries_is_a_pause_and_they_differ(sources: Sources, real: Running) -> None:
    """Twelve questions, each answered at its second try: pauses of up to a tenth of a second.

    A fixed pause would differ by what the machine is late alone.
    """
    moments: list[float] = []

    def every_second_time(seen: Seen) -> Said | None:
        if seen.path == "/token":
            return None
        moments.append(time.monotonic())
        return Said(503) if len(moments) % 2 else None

    real.server.dictated = every_second_time
    for _ in range(12):
        assert len(sources.qualities(MOTHER)) == 1
    pauses = [again - first for first, again in zip(moments[::2], moments[1::2], strict=True)]
    assert len(pauses) == 12
    assert max(pauses) - min(pauses) > 0.01


def test_who_asks_to_be_left_alone_for_long_is_not_tried_again(
    sources: Sources, real: Running
) -> None:
    real.server.dictated = always(Said(429, headers={"retry-after": "60"}))
    assert seconds_of(lambda: fails(sources)) < 2
    assert len(real.server.asked("/qualities")) == 1


def test_who_asks_to_be_left_alone_for_a_moment_is(sources: Sources, real: Running) -> None:
    began = time.monotonic()
    real.server.dictated = after(1, Said(503, headers={"retry-after": "1"}))
    assert len(sources.qualities(MOTHER)) == 1
    assert time.monotonic() - began >= 1


@pytest.mark.parametrize("retry_after", ["-1", "soon", "9" * 5000, "٣", "Wed, 21 Oct 2037"])
def test_a_retry_after_that_says_nothing_is_nothing(
    sources: Sources, real: Running, retry_after: str
) -> None:
    header = {"retry-after": retry_after if retry_after.isascii() else "x"}
    real.server.dictated = after(1, Said(503, headers=header))
    assert len(sources.qualities(MOTHER)) == 1


def test_a_slow_source_costs_no_more_than_its_seconds(real: Running, clock: MovableClock) -> None:
    gate = real.server.gates["/qualities"] = threading.Event()
    settings = real.settings(Settings(), sources_seconds=0.4)
    try:
        with closing(open_sources(settings, clock)) as sources:
            assert seconds_of(lambda: fails(sources)) < 1.2
    finally:
        gate.set()


def test_an_answer_that_comes_drop_by_drop_costs_no_more_either(
    real: Running, clock: MovableClock
) -> None:
    with dripping() as url:
        settings = real.settings(Settings(), professions_url=url, sources_seconds=0.5)
        with closing(open_sources(settings, clock)) as sources:
            said: list[str] = []
            assert seconds_of(lambda: said.append(fails(sources))) < 1.5
            assert "too long" in said[0]


def test_a_connection_that_breaks_is_tried_again(real: Running, clock: MovableClock) -> None:
    with hanging_up() as (url, accepted):
        settings = real.settings(Settings(), professions_url=url)
        with closing(open_sources(settings, clock)) as sources:
            fails(sources)
        assert accepted[0] == MOST_TRIES


def test_a_source_that_is_not_there_is_no_answer(real: Running, clock: MovableClock) -> None:
    settings = real.settings(Settings(), professions_url="http://localhost:9")
    with closing(open_sources(settings, clock)) as sources:
        fails(sources)
        assert len(sources.mandates(MOTHER)) == 1


def test_connections_are_kept(sources: Sources, real: Running) -> None:
    for _ in range(10):
        sources.qualities(MOTHER)
    assert len({each.port for each in real.server.asked("/qualities")}) == 1


GARBAGE = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b'{"qualities": null}',
    b'{"qualities": {}}',
    b'{"qualities": [null]}',
    b'{"qualities": [{}]}',
    b'{"qualities": [], "more": 1}',
    b'{"mandates": []}',
    b'{"qualities": [{"discipline": "wizard", "nihii11": "10000000000", "since": "2020-01-01"}]}',
    b'{"qualities": [{"discipline": "nurse", "nihii11": "1", "since": "2020-01-01"}]}',
    b'{"qualities": [{"discipline": "nurse", "nihii11": "10000000000", "since": "2020-02-30"}]}',
    b'{"qualities": [{"discipline": "nurse", "nihii11": "10000000000", "since": "2020", "x": 1}]}',
    b'{"qualities": [' + b"[" * 20_000,
    b'{"qualities": ["03410100128"]}',
    '{"qualities": []}'.encode("utf-16"),
    b"\xff\xfe\x00",
    b"<html>Sign in</html>",
    b'{"qualities": [' + b"{}," * 2001 + b"{}]}",
    b" " * (LARGEST_ANSWER + 1),
]


@pytest.mark.parametrize("body", GARBAGE, ids=range(len(GARBAGE)))
def test_what_cannot_be_read_is_no_answer(sources: Sources, real: Running, body: bytes) -> None:
    """And not "none": capacities that it does not name would end."""
    real.server.dictated = always(Said(200, body))
    fails(sources)
    assert len(real.server.asked("/qualities")) == 1


@pytest.mark.parametrize("media_type", ["text/html", "", "application/jose", "text/json"])
def test_what_is_not_said_to_be_json_is_no_answer(
    sources: Sources, real: Running, media_type: str
) -> None:
    real.server.dictated = always(Said(200, b'{"qualities": []}', media_type))
    fails(sources)


def test_a_compressed_answer_is_no_answer(sources: Sources, real: Running) -> None:
    real.server.dictated = always(
        Said(200, b'{"qualities": []}', headers={"content-encoding": "gzip"})
    )
    fails(sources)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["ssin", "issues", "type", "citizen", "qualities", "firstName"]), inner
        )
    ),
    max_leaves=10,
)


@hypothesis_settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    status=st.sampled_from([200, 400, 404]),
    media_type=st.sampled_from(["application/json", "application/problem+json"]),
    document=JSON,
)
def test_no_json_makes_more_than_a_source_that_is_down(
    sources: Sources, real: Running, status: int, media_type: str, document: object
) -> None:
    body = json.dumps(document).encode()
    real.server.dictated = lambda seen: (
        None if seen.path == "/token" else Said(status, body, media_type)
    )
    for client in sources.clients.values():
        client.breaker.failures = 0
    with pytest.raises(SourceDown):
        sources.citizen(MOTHER)


def test_after_failures_in_a_row_nobody_asks_for_a_while(
    sources: Sources, real: Running, clock: MovableClock
) -> None:
    real.server.dictated = always(Said(500))
    for _ in range(MOST_FAILURES):
        assert state(sources) == "closed"
        fails(sources)
    assert state(sources) == "open"
    for _ in range(20):
        assert "left in peace" in fails(sources)
    assert len(real.server.asked("/qualities")) == MOST_FAILURES
    assert len(sources.mandates(MOTHER)) == 1, "each source has a breaker of its own"

    clock.advance(seconds=31)
    assert state(sources) == "half-open"
    fails(sources)
    assert state(sources) == "open"
    assert len(real.server.asked("/qualities")) == MOST_FAILURES + 1

    clock.advance(seconds=31)
    real.server.dictated = lambda _: None
    assert len(sources.qualities(MOTHER)) == 1
    assert state(sources) == "closed"


def test_one_probe_is_enough(sources: Sources, real: Running, clock: MovableClock) -> None:
    real.server.dictated = always(Said(500))
    for _ in range(MOST_FAILURES):
        fails(sources)
    clock.advance(seconds=31)
    gate = real.server.gates["/qualities"] = threading.Event()
    real.server.dictated = lambda _: None

    def ask() -> bool:
        try:
            sources.qualities(MOTHER)
        except SourceDown:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        asking = [pool.submit(ask) for _ in range(8)]
        try:
            until(lambda: sum(each.done() for each in asking) == 7, "the refusal of all but one")
        finally:
            gate.set()
        answered = [each.result(timeout=SECONDS) for each in asking]
    assert answered.count(True) == 1
    assert len(real.server.asked("/qualities")) == MOST_FAILURES + 1


def test_a_success_between_failures_keeps_the_breaker_closed(
    sources: Sources, real: Running
) -> None:
    for _ in range(MOST_FAILURES):
        real.server.dictated = always(Said(500))
        fails(sources)
        real.server.dictated = lambda _: None
        sources.qualities(MOTHER)
    assert state(sources) == "closed"


def test_what_is_wrong_about_one_person_leaves_the_others_alone(
    sources: Sources, real: Running
) -> None:
    real.server.dictated = lambda seen: (
        Said(200, b'{"qualities": [{}]}') if MOTHER.encode() in seen.body else None
    )
    for _ in range(2 * MOST_FAILURES):
        fails(sources, MOTHER)
    assert sources.qualities(MANDATOR) == ()


def test_retries_do_not_hammer(sources: Sources, real: Running) -> None:
    real.server.dictated = always(Said(503))
    with ThreadPoolExecutor(8) as pool:
        for each in [pool.submit(fails, sources) for _ in range(60)]:
            each.result(timeout=SECONDS)
    assert len(real.server.asked("/qualities")) <= (MOST_FAILURES + 8) * MOST_TRIES


def test_many_who_ask_at_once_all_get_their_answer(sources: Sources, real: Running) -> None:
    gate = real.server.gates["/qualities"] = threading.Event()
    with ThreadPoolExecutor(60) as pool:
        asked = [pool.submit(sources.qualities, MOTHER) for _ in range(60)]
        try:
            until(lambda: real.server.at_once == MOST_AT_ONCE, "a crowd at the source")
        finally:
            gate.set()
        assert all(len(each.result(timeout=SECONDS)) == 1 for each in asked)
    assert real.server.most_at_once == MOST_AT_ONCE
    assert real.server.tokens == 1


@contextmanager
def dripping() -> Iterator[str]:
    """A machine that sends one byte of its answer at a time."""

    def drip(connection: socket.socket) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n"
        connection.sendall(head)
        for _ in range(100):
            time.sleep(0.05)
            connection.sendall(b" ")

    with _accepting(drip) as (url, _):
        yield url


@contextmanager
def hanging_up() -> Iterator[tuple[str, list[int]]]:
    """A machine that hears a question and hangs up; and how often it did."""
    with _accepting(lambda connection: None) as (url, accepted):
        yield url, accepted


@contextmanager
def _accepting(answer: Callable[[socket.socket], None]) -> Iterator[tuple[str, list[int]]]:
    listener = socket.create_server(("127.0.0.1", 0))
    accepted = [0]

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            accepted[0] += 1
            with connection:
                try:
                    connection.recv(65536)
                    answer(connection)
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{listener.getsockname()[1]}", accepted
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=SECONDS)


def test_every_source_is_configured_by_itself(real: Running, clock: MovableClock) -> None:
    """One that is not has no client at all: nothing could ask it by mistake."""
    for source in SOURCES:
        others = {f"{each}_url": "" for each in SOURCES if each != source}
        with closing(open_sources(real.settings(Settings(), **others), clock)) as sources:
            assert set(sources.clients) == {source}

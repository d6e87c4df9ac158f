"""A client of one source: asks, tries again after a temporary failure, and reads the answer.

A question has `sources_seconds` in whole, retries included. A connection that cannot be made or
breaks, and a temporary status, are tried again after a random pause (tenacity's
`wait_random_exponential`); no other failure is. Every question only reads, so asking twice is
harmless.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import httpx2
import orjson
from tenacity import RetryCallState, Retrying
from tenacity.retry import retry_if_exception_type
from tenacity.stop import stop_after_attempt, stop_any, stop_before_delay
from tenacity.wait import wait_random_exponential

from authn.sources.wire.access_token import SourceAccessToken, SourceAccessTokens
from authn.sources.wire.circuit_breaker import CircuitBreaker
from authn.sources.wire.connections import SourceConnectionPool, seconds_left
from authn.sources.wire.failures import (
    SourceDown,
    SourceTryAgain,
    SourceUnreadable,
    is_temporary,
    retry_after_seconds,
)
from authn.sources.wire.problem import MEDIA_TYPE, SourceProblem, read_problem
from authn.web.outgoing import AnswerBroken, NoAnswer, NotReached

MOST_TRIES: Final = 3
JSON: Final = "application/json"
ACCEPTED: Final = f"{JSON}, {MEDIA_TYPE}"
_RANDOM: Final = wait_random_exponential(multiplier=0.1, max=1)

T = TypeVar("T")
Read = Callable[[dict[str, Any]], T]
"""Reads the value in a JSON object; raises `SourceUnreadable`."""


@dataclass(frozen=True, slots=True)
class SourceClient:
    """The client of one source, at one address, shared by all threads of a process."""

    url: str
    seconds: float
    tokens: SourceAccessTokens
    breaker: CircuitBreaker
    connections: SourceConnectionPool = field(default_factory=SourceConnectionPool)

    def deadline(self) -> float:
        """The moment of `time.monotonic` at which a question that begins now must be answered."""
        return time.monotonic() + self.seconds

    def post(
        self, path: str, document: dict[str, str], deadline: float, read: Read[T]
    ) -> T | SourceProblem:
        """The answer to a question with the national number in the body; raises `SourceDown`."""
        return self._ask("POST", path, orjson.dumps(document), deadline, read)

    def get(self, path: str, deadline: float, read: Read[T]) -> T | SourceProblem:
        """The answer to a question that is wholly in the address; raises `SourceDown`."""
        return self._ask("GET", path, None, deadline, read)

    def _ask(
        self, method: str, path: str, body: bytes | None, deadline: float, read: Read[T]
    ) -> T | SourceProblem:
        with self.breaker.watch():
            left = stop_before_delay(seconds_left(deadline))
            tries = Retrying(
                retry=retry_if_exception_type(SourceTryAgain),
                stop=stop_any(stop_after_attempt(MOST_TRIES), left),
                wait=_pause,
                reraise=True,
            )
            response = tries(self._try_once, method, path, body, deadline)
            problem = read_problem(response)
            if problem:
                return problem
            return read(_json_object(response))

    def _try_once(
        self, method: str, path: str, body: bytes | None, deadline: float
    ) -> httpx2.Response:
        """The answer to a single try, with a newer access token if the first was refused."""
        token = self.tokens.current(deadline)
        response = self._send(method, path, body, token, deadline)
        if response.status_code == 401:
            self.tokens.forget(token)
            token = self.tokens.current(deadline)
            response = self._send(method, path, body, token, deadline)
        if is_temporary(response.status_code):
            raise SourceTryAgain(f"status {response.status_code}", retry_after_seconds(response))
        return response

    def _send(
        self, method: str, path: str, body: bytes | None, token: SourceAccessToken, deadline: float
    ) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {token.text}", "Accept": ACCEPTED}
        if body is not None:
            headers["Content-Type"] = JSON
        request = httpx2.Request(method, self.url + path, headers=headers, content=body)
        try:
            with self.connections.transport(deadline) as transport:
                return transport.handle_request(request)
        except (NotReached, AnswerBroken) as error:
            raise SourceTryAgain(str(error)) from None
        except NoAnswer as error:
            raise SourceDown(str(error)) from None


def _pause(state: RetryCallState) -> float:
    """Seconds until the next try: random, and at least as long as the source asked for."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.after if isinstance(error, SourceTryAgain) else 0.0
    return max(asked, float(_RANDOM(state)))


def _json_object(response: httpx2.Response) -> dict[str, Any]:
    if response.status_code != 200:
        raise SourceDown(f"status {response.status_code}")
    if response.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise SourceDown("an answer that is not JSON")
    try:
        document = orjson.loads(response.content)
    except ValueError:
        raise SourceDown("an answer that is not JSON") from None
    if not isinstance(document, dict):
        raise SourceUnreadable("not a JSON object")
    return document

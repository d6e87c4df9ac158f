"""A client of one source: asks, tries again where that is right, and reads what is said.

One question has `sources_seconds` in whole, whatever happens on the way. A connection that does not
come about or breaks, and the statuses that say so, are tried again after a random pause (tenacity's
`wait_random_exponential`); nothing else is. Every question only reads, so asking twice is harmless.
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
from authn.sources.wire.breaker import CircuitBreaker
from authn.sources.wire.down import SourceDown, SourceTryAgain, SourceUnreadable
from authn.sources.wire.line import SourceConnection, seconds_left
from authn.sources.wire.problem import MEDIA_TYPE, SourceProblem, read_problem
from authn.sources.wire.status import may_pass, retry_after
from authn.web.outgoing import AnswerBroken, NoAnswer, NotReached

MOST_TRIES: Final = 3
JSON: Final = "application/json"
ACCEPTED: Final = f"{JSON}, {MEDIA_TYPE}"
_RANDOM: Final = wait_random_exponential(multiplier=0.1, max=1)

T = TypeVar("T")
Read = Callable[[dict[str, Any]], T]
"""Makes of a JSON object what it says; raises `SourceUnreadable`."""


@dataclass(frozen=True, slots=True)
class SourceClient:
    """Asks one source, at one address; used by all threads of a process at once."""

    url: str
    seconds: float
    tokens: SourceAccessTokens
    breaker: CircuitBreaker
    line: SourceConnection = field(default_factory=SourceConnection)

    def deadline(self) -> float:
        """Until when a question that begins now must be answered (`time.monotonic`)."""
        return time.monotonic() + self.seconds

    def post(
        self, path: str, document: dict[str, str], deadline: float, read: Read[T]
    ) -> T | SourceProblem:
        """The answer to a question whose number is in the body; raises `SourceDown`."""
        return self._ask("POST", path, orjson.dumps(document), deadline, read)

    def get(self, path: str, deadline: float, read: Read[T]) -> T | SourceProblem:
        """The answer to a question whose address says it all; raises `SourceDown`."""
        return self._ask("GET", path, None, deadline, read)

    def _ask(
        self, method: str, path: str, body: bytes | None, deadline: float, read: Read[T]
    ) -> T | SourceProblem:
        with self.breaker.watching():
            left = stop_before_delay(seconds_left(deadline))
            tries = Retrying(
                retry=retry_if_exception_type(SourceTryAgain),
                stop=stop_any(stop_after_attempt(MOST_TRIES), left),
                wait=_pause,
                reraise=True,
            )
            response = tries(self._response, method, path, body, deadline)
            problem = read_problem(response)
            if problem:
                return problem
            return read(_json_object(response))

    def _response(
        self, method: str, path: str, body: bytes | None, deadline: float
    ) -> httpx2.Response:
        """The answer to one try, with a newer access token if the first was refused."""
        token = self.tokens.current(deadline)
        response = self._sent(method, path, body, token, deadline)
        if response.status_code == 401:
            self.tokens.forget(token)
            token = self.tokens.current(deadline)
            response = self._sent(method, path, body, token, deadline)
        if may_pass(response.status_code):
            raise SourceTryAgain(f"status {response.status_code}", retry_after(response))
        return response

    def _sent(
        self, method: str, path: str, body: bytes | None, token: SourceAccessToken, deadline: float
    ) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {token.text}", "Accept": ACCEPTED}
        if body is not None:
            headers["Content-Type"] = JSON
        request = httpx2.Request(method, self.url + path, headers=headers, content=body)
        try:
            with self.line.transport(deadline) as transport:
                return transport.handle_request(request)
        except (NotReached, AnswerBroken) as error:
            raise SourceTryAgain(str(error)) from None
        except NoAnswer as error:
            raise SourceDown(str(error)) from None


def _pause(state: RetryCallState) -> float:
    """Seconds until the next try: random, and not before the source asked for it."""
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

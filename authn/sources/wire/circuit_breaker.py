"""A circuit breaker: a source that fails again and again is not asked for a while.

While closed, every call is made. After `MOST_FAILURES` failures in a row the breaker opens, and
for `PAUSE` no call is made. Then one call is made as a probe: the breaker closes if the probe
succeeds, and opens again if not. Each process has its own.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from authn.clock import Clock
from authn.sources.wire.failures import SourceBusy, SourceDown, SourcePaused, SourceUnreadable

MOST_FAILURES: Final = 5
PAUSE: Final = timedelta(seconds=30)

State = Literal["closed", "open", "half-open"]


@dataclass(slots=True)
class CircuitBreaker:
    """Failures and state of one source, shared by all threads of a process."""

    clock: Clock
    failures: int = 0
    opened_at: datetime | None = None
    probing: bool = False
    answered_at: datetime | None = None
    failed_at: datetime | None = None
    failure: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def state(self) -> State:
        """Closed, open, or half-open: the next call is the probe, or a probe is under way."""
        if self.opened_at is None:
            return "closed"
        # Also a clock that was put back ends the pause.
        return "open" if timedelta(0) <= self.clock() - self.opened_at < PAUSE else "half-open"

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Success or failure of the block counts; raises `SourceDown` when no call may be made."""
        probe = self._admit()
        try:
            yield
        except SourceBusy:
            raise  # it says nothing of the source
        except SourceUnreadable as error:
            self._count_success(str(error))
            raise
        except BaseException as error:
            reason = str(error) if isinstance(error, SourceDown) else type(error).__name__
            self._count_failure(reason, probe=probe)
            raise
        else:
            self._count_success()
        finally:
            if probe:
                self.probing = False

    def _admit(self) -> bool:
        """Whether a call is the probe; raises `SourceDown` when no call may be made."""
        with self.lock:
            state = self.state
            if state == "open" or (state == "half-open" and self.probing):
                raise SourcePaused("left in peace after failures in a row")
            self.probing = state == "half-open"
            return self.probing

    def _count_success(self, failure: str = "") -> None:
        with self.lock:
            self.failures, self.opened_at = 0, None
            if failure:
                self.failed_at, self.failure = self.clock(), failure
            else:
                self.answered_at = self.clock()

    def _count_failure(self, failure: str, *, probe: bool) -> None:
        with self.lock:
            self.failures += 1
            self.failed_at, self.failure = self.clock(), failure
            if probe or self.failures >= MOST_FAILURES:
                self.opened_at = self.failed_at

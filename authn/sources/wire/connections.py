"""The connections to one service: few calls at once, on connections that are kept for reuse.

A call beyond `MOST_AT_ONCE` waits for a turn until its deadline: a source that answers in 50 ms
serves everybody.
"""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from authn.sources.wire.failures import SourceBusy
from authn.web.outgoing import GuardedTransport, OutgoingTimeouts

MOST_AT_ONCE: Final = 24
MOST_KEPT: Final = 8  # idle connections
CONNECT_SECONDS: Final = 1.0
LARGEST_ANSWER: Final = 1024 * 1024


def seconds_left(deadline: float) -> float:
    """The seconds until a moment of `time.monotonic`; raises `SourceBusy` when it has passed."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise SourceBusy("no turn in time")
    return left


@dataclass(frozen=True, slots=True)
class SourceConnectionPool:
    """The connections to the machine of one address."""

    slots: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(MOST_AT_ONCE)
    )
    kept: deque[GuardedTransport] = field(default_factory=deque)

    @contextmanager
    def transport(self, deadline: float) -> Iterator[GuardedTransport]:
        """A transport for one call that ends by `deadline`; raises `SourceBusy`."""
        if not self.slots.acquire(timeout=seconds_left(deadline)):
            raise SourceBusy("no turn in time")
        try:
            transport = self._take()
            left = seconds_left(deadline)
            transport.patience = OutgoingTimeouts(min(CONNECT_SECONDS, left), left, left)
            try:
                yield transport
            finally:
                self._put_back(transport)
        finally:
            self.slots.release()

    def close(self) -> None:
        """The idle connections are closed; a later call opens a new connection."""
        while self.kept:
            self.kept.pop().inner.close()

    def _take(self) -> GuardedTransport:
        try:
            return self.kept.pop()
        except IndexError:
            # http is for this machine alone, and which addresses are ours to call, settings say.
            return GuardedTransport(OutgoingTimeouts(), this_machine=True, largest=LARGEST_ANSWER)

    def _put_back(self, transport: GuardedTransport) -> None:
        if transport.is_reusable and len(self.kept) < MOST_KEPT:
            self.kept.append(transport)
        else:
            transport.inner.close()

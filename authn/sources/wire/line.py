"""The way to one service: few calls at once, on connections that are kept for the next one.

Whoever finds no turn waits for one, as long as the call may take at all: a source that answers in
50 ms has a turn for everybody, and turns nobody away.
"""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from authn.sources.wire.down import SourceBusy
from authn.web.outgoing import GuardedTransport, OutgoingTimeouts

MOST_AT_ONCE: Final = 24
MOST_KEPT: Final = 8  # idle connections
CONNECT_SECONDS: Final = 1.0
LARGEST_ANSWER: Final = 1024 * 1024


def seconds_left(deadline: float) -> float:
    """Until this moment of `time.monotonic`; raises `Busy` when it has passed."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise SourceBusy("no turn in time")
    return left


@dataclass(frozen=True, slots=True)
class SourceConnection:
    """The way to the machine of one address."""

    slots: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(MOST_AT_ONCE)
    )
    kept: deque[GuardedTransport] = field(default_factory=deque)

    @contextmanager
    def transport(self, deadline: float) -> Iterator[GuardedTransport]:
        """A transport for one call that is over by `deadline`; raises `Busy`."""
        if not self.slots.acquire(timeout=seconds_left(deadline)):
            raise SourceBusy("no turn in time")
        try:
            transport = self._taken()
            left = seconds_left(deadline)
            transport.patience = OutgoingTimeouts(min(CONNECT_SECONDS, left), left, left)
            try:
                yield transport
            finally:
                self._put_back(transport)
        finally:
            self.slots.release()

    def close(self) -> None:
        """No connection is kept any more; a call that is still made opens one anew."""
        while self.kept:
            self.kept.pop().inner.close()

    def _taken(self) -> GuardedTransport:
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

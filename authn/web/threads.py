"""Threads beside the server's own, for as long as the service runs."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

STOP_SECONDS: Final = 5.0
JITTER: Final = 0.2


@contextmanager
def background_thread(
    name: str, run: Callable[[threading.Event], None]
) -> Iterator[threading.Thread]:
    """A thread that runs `run` for as long as the block; `run` returns when its event is set.

    A daemon: what hangs at the end is left behind, and ends with the process.
    """
    stop = threading.Event()
    thread = threading.Thread(target=run, args=(stop,), name=name, daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join(STOP_SECONDS)


def randomise_pause(seconds: float) -> float:
    """About so many seconds, ± a fifth, so that processes do not all act at the same moment."""
    return seconds * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  no secret

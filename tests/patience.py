"""Waiting for what happens elsewhere: in another thread, in a browser, in another program.

What can be seen is waited for until it is there, however busy the machine is. A limit here only
says that it will not happen any more.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

SECONDS: Final = 60
BETWEEN_LOOKS: Final = 0.01


def until(condition: Callable[[], object], what: str = "it") -> float:
    """The seconds until the condition holds; `what` is said of what does not happen.

    Counted are the pauses between two looks. On a machine that does nothing else these are the
    seconds of the clock; on a busy one a look comes late, and what it is late by does not count.
    """
    deadline = time.monotonic() + SECONDS
    looks = 0
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(BETWEEN_LOOKS)
        looks += 1
    return looks * BETWEEN_LOOKS


def meanwhile(seconds: float = 0.4) -> None:
    """Another thread goes as far as it can without us, which nothing shows.

    Where it comes less far, a test proves less; it must hold all the same.
    """
    time.sleep(seconds)


def processor_seconds(act: Callable[[], object]) -> float:
    """What an act costs this process, whatever else the machine does meanwhile."""
    began = time.process_time()
    act()
    return time.process_time() - began


def seconds_of(act: Callable[[], object]) -> float:
    """The seconds that an act takes, in which it mostly waits; counted as `until` counts them."""
    with ThreadPoolExecutor(1) as pool:
        acting = pool.submit(act)
        took = until(acting.done, "the end of it")
        acting.result()
    return took

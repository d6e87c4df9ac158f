"""The same act at the same moment, in several threads: what must happen once happens once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from authn.errors import Refusal
from tests.patience import SECONDS

Result = TypeVar("Result")


def at_once(act: Callable[[], Result], threads: int = 8) -> list[Result | Refusal]:
    """What each thread got: the act's result, or its refusal; anything else is raised here."""
    start = Barrier(threads)

    def run() -> Result | Refusal:
        start.wait(timeout=SECONDS)
        try:
            return act()
        except Refusal as refusal:
            return refusal

    with ThreadPoolExecutor(threads) as pool:
        running = [pool.submit(run) for _ in range(threads)]
        return [each.result(timeout=SECONDS) for each in running]

"""What takes seconds, or asks other services, for a page: done between two tries of its endpoint.

So no transaction is open meanwhile (decisions 4.18), and nobody else waits for it.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, cast

from authn.errors import Unavailable
from authn.web.request import Request
from authn.web.routing import NeededFromOutside

T = TypeVar("T")
MOST_KEPT = 16


@dataclass(slots=True)
class FinishedOutside:
    """What was found for requests of this process that wait for it, by what it is and reference.

    Of each sort one thing is done at a time.
    """

    found: dict[tuple[str, str], object] = field(default_factory=dict)
    under_way: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)


def done_outside(request: Request, what: str, work: Callable[[], T]) -> T:
    """What the work gave, for this request; raises `NeededFromOutside` to have it done first.

    And `Unavailable` where the same sort of work is under way for somebody else.
    """
    finished = request.site.memory.once(FinishedOutside, FinishedOutside)
    mine = (what, request.reference)
    if mine in finished.found:  # it stays there: the endpoint may begin once more, to write
        return cast("T", finished.found[mine])

    def do() -> None:
        with finished.lock:
            if what in finished.under_way:
                raise Unavailable
            finished.under_way.add(what)
            # Of others, who may not have fetched theirs, only what is old.
            for left in list(finished.found)[: -(MOST_KEPT - 1)]:
                del finished.found[left]
        try:
            finished.found[mine] = work()
        finally:
            finished.under_way.discard(what)

    raise NeededFromOutside(do)

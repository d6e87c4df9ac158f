"""Slow work for a page, or a question to another service, done between two tries of the endpoint.

No transaction is open meanwhile (decisions 4.18), and nobody else waits for the work.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar, cast

from authn.errors import Unavailable
from authn.people.persons import Citizen
from authn.sources.embedded.register import EmbeddedRegister
from authn.sources.questions import is_embedded
from authn.sources.real_sources import SourceDown, ask_citizen
from authn.web.request import Request
from authn.web.routing import NeededFromOutside
from authn.web.site import Site

T = TypeVar("T")
MOST_KEPT = 16
MOST_ANSWERS_KEPT: Final = 1000  # for requests that never fetched them


@dataclass(slots=True)
class FinishedWork:
    """Results of work for requests of this process, by the sort of work and the reference.

    Of each sort one piece of work is under way at a time.
    """

    found: dict[tuple[str, str], object] = field(default_factory=dict)
    under_way: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)


def outside_result(request: Request, what: str, work: Callable[[], T]) -> T:
    """The result of the work for this request; raises `NeededFromOutside` to have it done first.

    Raises `Unavailable` where work of the same sort is under way for another request.
    """
    finished = request.site.memory.once(FinishedWork, FinishedWork)
    mine = (what, request.reference)
    if mine in finished.found:  # kept: the endpoint may begin once more, to write
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


@dataclass(frozen=True, slots=True)
class RegisterAnswer:
    """What the national register answered: a citizen, nobody, or why it was `down`, for the log."""

    citizen: Citizen | None = field(default=None, repr=False)
    down: str = ""


@dataclass(frozen=True, slots=True)
class _RegisterAnswers:
    answers: dict[str, RegisterAnswer] = field(default_factory=dict, repr=False)


def ask_register(request: Request, ssin: str) -> RegisterAnswer:
    """The national register's answer about this number (canonical form); cancelled is nobody's.

    Raises `NeededFromOutside` to ask a real register first.
    """
    if is_embedded(request.settings, "national_register"):
        return RegisterAnswer(EmbeddedRegister(request.connection, request.secrets).citizen(ssin))
    answers = request.site.memory.once(_RegisterAnswers, _RegisterAnswers).answers
    if request.reference not in answers:
        raise NeededFromOutside(partial(_ask_real_register, request.site, request.reference, ssin))
    return answers.pop(request.reference)


def _ask_real_register(site: Site, reference: str, ssin: str) -> None:
    """Keep the answer for the request; that the register was down is kept too."""
    try:
        answer = RegisterAnswer(ask_citizen(site, ssin))
    except SourceDown as down:
        answer = RegisterAnswer(down=str(down) or "no answer")
    answers = site.memory.once(_RegisterAnswers, _RegisterAnswers).answers
    if len(answers) > MOST_ANSWERS_KEPT:
        answers.clear()
    answers[reference] = answer

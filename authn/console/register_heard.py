"""What the national register says of a number that is typed at the desk.

A real register is asked in no transaction, between two tries of the endpoint; what it said waits
for the second one in this process's memory, by the request's reference.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Final

from authn.people.citizen import Citizen
from authn.sources.asking import SourceDown, ask_citizen
from authn.sources.configured import is_embedded
from authn.sources.embedded import EmbeddedRegister
from authn.web.request import Request
from authn.web.routing import NeededFromOutside
from authn.web.site import Site

_MOST_KEPT: Final = 1000  # of requests that never came back for them


@dataclass(frozen=True, slots=True)
class RegisterAnswer:
    """The citizen, or nobody; `down` is why nothing was heard, for the log, "" where it was."""

    citizen: Citizen | None = field(default=None, repr=False)
    down: str = ""


@dataclass(frozen=True, slots=True)
class _RegisterQuestion:
    answers: dict[str, RegisterAnswer] = field(default_factory=dict, repr=False)


def register_heard(request: Request, ssin: str) -> RegisterAnswer:
    """What it says of this number (canonical form); a cancelled one is nobody's.

    Raises `NeededFromOutside` to ask a real register first.
    """
    if is_embedded(request.settings, "national_register"):
        return RegisterAnswer(EmbeddedRegister(request.connection, request.secrets).citizen(ssin))
    answers = request.site.memory.once(_RegisterQuestion, _RegisterQuestion).answers
    if request.reference not in answers:
        raise NeededFromOutside(partial(_ask, request.site, request.reference, ssin))
    return answers.pop(request.reference)


def _ask(site: Site, reference: str, ssin: str) -> None:
    """That it was down is remembered too: what follows from it is the caller's."""
    try:
        heard = RegisterAnswer(ask_citizen(site, ssin))
    except SourceDown as down:
        heard = RegisterAnswer(down=str(down) or "no answer")
    answers = site.memory.once(_RegisterQuestion, _RegisterQuestion).answers
    if len(answers) > _MOST_KEPT:
        answers.clear()
    answers[reference] = heard

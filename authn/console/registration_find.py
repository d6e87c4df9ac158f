"""A registrar finds a citizen by national number: also one who was never here before.

The number comes in a form's body and goes nowhere else. The real register is asked in no
transaction; then the search begins again, with what it said.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Final

from authn.audit.registration_events import CitizenSearched
from authn.console.desk_sessions import Desk
from authn.console.looks import record_look, require_room
from authn.errors import N_, NotFound, Unavailable
from authn.people.citizen import Citizen
from authn.people.persons import person_of
from authn.people.ssin import InvalidSsin, parse_ssin, today_in_brussels
from authn.people.tables import Person
from authn.sources.asking import SourceDown, ask_citizen
from authn.sources.configured import is_embedded
from authn.sources.embedded import EmbeddedRegister
from authn.web.request import Request
from authn.web.routing import NeededFromOutside
from authn.web.site import Site

LONGEST_TYPED: Final = 40
NOBODY: Final = N_("The national register knows nobody by this number.")
_MOST_HEARD: Final = 1000


@dataclass(frozen=True, slots=True)
class _Heard:
    """What a real register said within a request, by the request's reference."""

    answers: dict[str, Citizen | None] = field(default_factory=dict, repr=False)


def find_citizen(request: Request, desk: Desk, typed: str) -> Person:
    """The person with this number, made if the register knows them and we did not.

    The search is on record, and counted, before anything is told. Raises `NotFound` with one
    sentence for a number that is none and one that is nobody's.
    """
    try:
        ssin = parse_ssin(typed.strip()[:LONGEST_TYPED], today_in_brussels(request.now))
    except InvalidSsin:
        raise NotFound("nobody", NOBODY) from None
    require_room(request, desk, CitizenSearched.name)  # before the register hears of anybody
    citizen = _citizen(request, ssin)
    if citizen is None:
        record_look(request, desk, CitizenSearched(actor_id=desk.person_id))
        raise NotFound("nobody", NOBODY)
    person = person_of(request.connection, request.secrets, citizen, request.now)
    event = CitizenSearched(actor_id=desk.person_id, person_id=person.id)
    record_look(request, desk, event)
    return person


def _citizen(request: Request, ssin: str) -> Citizen | None:
    """What the national register says; raises `NeededFromOutside` to ask a real one."""
    if is_embedded(request.settings, "national_register"):
        return EmbeddedRegister(request.connection, request.secrets).citizen(ssin)
    answers = request.site.memory.once(_Heard, _Heard).answers
    if request.reference not in answers:
        raise NeededFromOutside(partial(_ask, request.site, request.reference, ssin))
    return answers.pop(request.reference)


def _ask(site: Site, reference: str, ssin: str) -> None:
    try:
        citizen = ask_citizen(site, ssin)
    except SourceDown as down:
        words = N_("The national register could not be asked right now.")
        raise Unavailable(words, detail=f"national register: {down}", retry_after=30) from None
    answers = site.memory.once(_Heard, _Heard).answers
    if len(answers) > _MOST_HEARD:  # of requests that never came back for them
        answers.clear()
    answers[reference] = citizen

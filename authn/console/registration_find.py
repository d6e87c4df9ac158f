"""A registrar finds a citizen by national number, also one without an account here.

The number comes in a form's body and goes nowhere else. A real register is asked outside any
transaction; then the endpoint begins again with its answer.
"""

from typing import Final

from authn.audit.events.registration import CitizenSearched
from authn.console.desk_sessions import Desk
from authn.console.looks import record_look, require_looks_left
from authn.console.outside_results import ask_register
from authn.errors import N_, NotFound, Unavailable
from authn.people.persons import Citizen, find_or_create_person, find_person_by_ssin, lock_persons
from authn.people.ssin import InvalidSsin, parse_ssin, today_in_brussels
from authn.people.tables import Person
from authn.web.request import Request

LONGEST_TYPED: Final = 40
NOBODY: Final = N_("The national register knows nobody by this number.")


def find_citizen(request: Request, desk: Desk, typed: str) -> Person:
    """The person with this number, created if only the national register knows them.

    The search is recorded and counted before anything is shown. Raises `NotFound` with the same
    sentence for an invalid number and for an unknown one.
    """
    try:
        ssin = parse_ssin(typed.strip()[:LONGEST_TYPED], today_in_brussels(request.now))
    except InvalidSsin:
        raise NotFound("nobody", NOBODY) from None
    _lock_both(request, desk, ssin)
    require_looks_left(request, desk, CitizenSearched.name)  # before the register is asked
    citizen = _ask_register(request, ssin)
    if citizen is None:
        record_look(request, desk, CitizenSearched(actor_id=desk.person_id))
        raise NotFound("nobody", NOBODY)
    person = find_or_create_person(request.connection, request.secrets, citizen, request.now)
    event = CitizenSearched(actor_id=desk.person_id, person_id=person.id)
    record_look(request, desk, event)
    return person


def _lock_both(request: Request, desk: Desk, ssin: str) -> None:
    """The registrar and the person found are locked together, since two registrars may look each
    other up; the answer of the register is written into the person's row."""
    found = find_person_by_ssin(request.connection, request.secrets, ssin)
    lock_persons(request.connection, {desk.person_id, *([found.id] if found else [])})


def _ask_register(request: Request, ssin: str) -> Citizen | None:
    """The citizen in the national register; raises `Unavailable` where that does not answer."""
    answer = ask_register(request, ssin)
    if answer.down:
        words = N_("The national register could not be asked right now.")
        detail = f"national register: {answer.down}"
        raise Unavailable(words, detail=detail, retry_after=30)
    return answer.citizen

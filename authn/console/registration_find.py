"""A registrar finds a citizen by national number: also one who was never here before.

The number comes in a form's body and goes nowhere else. The real register is asked in no
transaction; then the search begins again, with what it said.
"""

from typing import Final

from authn.audit.registration_events import CitizenSearched
from authn.console.desk_sessions import Desk
from authn.console.looks import record_look, require_room
from authn.console.register_heard import register_heard
from authn.errors import N_, NotFound, Unavailable
from authn.people.citizen import Citizen
from authn.people.persons import find_person_by_ssin, lock_persons, person_of
from authn.people.ssin import InvalidSsin, parse_ssin, today_in_brussels
from authn.people.tables import Person
from authn.web.request import Request

LONGEST_TYPED: Final = 40
NOBODY: Final = N_("The national register knows nobody by this number.")


def find_citizen(request: Request, desk: Desk, typed: str) -> Person:
    """The person with this number, made if the register knows them and we did not.

    The search is on record, and counted, before anything is told. Raises `NotFound` with one
    sentence for a number that is none and one that is nobody's.
    """
    try:
        ssin = parse_ssin(typed.strip()[:LONGEST_TYPED], today_in_brussels(request.now))
    except InvalidSsin:
        raise NotFound("nobody", NOBODY) from None
    _lock(request, desk, ssin)
    require_room(request, desk, CitizenSearched.name)  # before the register hears of anybody
    citizen = _citizen(request, ssin)
    if citizen is None:
        record_look(request, desk, CitizenSearched(actor_id=desk.person_id))
        raise NotFound("nobody", NOBODY)
    person = person_of(request.connection, request.secrets, citizen, request.now)
    event = CitizenSearched(actor_id=desk.person_id, person_id=person.id)
    record_look(request, desk, event)
    return person


def _lock(request: Request, desk: Desk, ssin: str) -> None:
    """Who looks and who is found, together: two registrars may look each other up, and what the
    register says of somebody is written into their row."""
    found = find_person_by_ssin(request.connection, request.secrets, ssin)
    lock_persons(request.connection, {desk.person_id, *([found.id] if found else [])})


def _citizen(request: Request, ssin: str) -> Citizen | None:
    """What the national register says; raises `Unavailable` where it says nothing."""
    heard = register_heard(request, ssin)
    if heard.down:
        words = N_("The national register could not be asked right now.")
        detail = f"national register: {heard.down}"
        raise Unavailable(words, detail=detail, retry_after=30)
    return heard.citizen

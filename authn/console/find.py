"""Search for a person by what a caller can tell: a number, reference, address, or name and birth.

A search that finds nobody and one that finds only whom the agent may not see answer alike.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, select

from authn.audit.events.staff import DeskSearched
from authn.audit.log import audit_events
from authn.console.desk_sessions import Desk
from authn.console.looks import require_looks_left
from authn.console.outside_results import ask_register
from authn.db.metadata import UtcDateTime
from authn.errors import N_, InvalidRequest
from authn.notices.contact_addresses import find_persons_by_address, hash_addresses
from authn.notices.mail_address import read_address
from authn.people.persons import find_person_by_ssin, fold_name, name_key, name_pattern
from authn.people.ssin import InvalidSsin, parse_ssin
from authn.people.tables import Person, persons
from authn.web.envelope import REFERENCE_ALPHABET, REFERENCE_LENGTH
from authn.web.request import Request

Kind = Literal["number", "reference", "address", "name"]

CLUE: Final = "clue"
NAME: Final = "name"
BIRTHDATE: Final = "birthdate"

MOST_FOUND: Final = 20
SHORTEST_NAME: Final = 2
LONGEST_TYPED: Final = 254
REFERENCES_FOR: Final = timedelta(days=183)
"""How old a reference may be; older rows are no longer in the audit log."""
HASHED_AT_ONCE: Final = 500
_MOST_READ: Final = 2000

NO_CLUE: Final = N_("Type a national number, a reference, a mail address, or a name.")
NOT_A_CLUE: Final = N_(
    "This is no national number, reference or mail address. Check each digit: a national number "
    "has 11, a reference 10 letters and digits."
)
ONE_OF_THEM: Final = N_("Search by one of the two: leave this empty, or the name.")
NAME_NEEDED: Final = N_("Type at least two letters of the name.")
DATE_NEEDED: Final = N_(
    "Type the date of birth, such as 27.04.1961. The year alone finds whoever has no full one."
)

_REFERENCE = re.compile(f"[{REFERENCE_ALPHABET}]{{{REFERENCE_LENGTH}}}")
_DAY_FIRST = re.compile(r"([0-9]{1,2})[./ -]([0-9]{1,2})[./ -]([0-9]{4})")
_DIGITS = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{4})")
_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_YEAR = re.compile(r"[0-9]{4}")


class NotSearchable(InvalidRequest):
    """The input is nothing to search by; `field` is the field of the form to correct."""

    def __init__(self, field: str, description: str) -> None:
        super().__init__("not_searchable", description)
        self.field = field


@dataclass(frozen=True, slots=True)
class PersonSearch:
    """What to search for, in the form in which the database has it; not in `repr`."""

    kind: Kind
    value: str = field(repr=False)
    birthdate: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class FoundPerson:
    """The persons that a search shows; nobody where there are `too_many` to choose from.

    `hidden` is who was found and is not shown, for the audit log alone. `citizen`: nobody has an
    account, but the national register knows the number, and the agent may know that. `unsure`:
    the register could not be asked.
    """

    persons: list[Person]
    too_many: bool = False
    hidden: UUID | None = None
    citizen: bool = False
    unsure: bool = False


def read_search(typed: Mapping[str, str], today: date) -> PersonSearch:
    """The search of a filled-in form; raises `NotSearchable`, which never repeats the input."""
    clue, name, birthdate = (typed.get(each, "").strip() for each in (CLUE, NAME, BIRTHDATE))
    if clue and (name or birthdate):
        raise NotSearchable(CLUE, ONE_OF_THEM)
    if clue:
        return _read_clue(clue, today)
    if not name and not birthdate:
        raise NotSearchable(CLUE, NO_CLUE)
    if len(fold_name(name)) < SHORTEST_NAME or len(name) > LONGEST_TYPED:
        raise NotSearchable(NAME, NAME_NEEDED)
    return PersonSearch("name", name, _read_birthdate(birthdate))


def _read_clue(clue: str, today: date) -> PersonSearch:
    if len(clue) > LONGEST_TYPED:
        raise NotSearchable(CLUE, NOT_A_CLUE)
    if "@" in clue:
        try:
            return PersonSearch("address", read_address(clue))
        except InvalidRequest as invalid:
            raise NotSearchable(CLUE, invalid.description) from None
    reference = clue.replace(" ", "").replace("-", "").upper()
    if _REFERENCE.fullmatch(reference):
        return PersonSearch("reference", reference)
    try:
        return PersonSearch("number", parse_ssin(clue, today))
    except InvalidSsin:
        pass
    # Outside `except`: no chain that leads back to the text.
    raise NotSearchable(CLUE, NOT_A_CLUE)


def _read_birthdate(text: str) -> str:
    """The birth date as `YYYY-MM-DD`, or `YYYY` alone."""
    if _YEAR.fullmatch(text):
        return text
    found = _DAY_FIRST.fullmatch(text) or _DIGITS.fullmatch(text)
    parts = found.groups()[::-1] if found else ()
    if iso := _ISO.fullmatch(text):
        parts = iso.groups()
    try:
        return date(*map(int, parts)).isoformat()
    except (TypeError, ValueError):
        raise NotSearchable(BIRTHDATE, DATE_NEEDED) from None


# Built once: putting a statement together costs more than executing it.
_PERSONS = (
    select(persons)
    .where(persons.c.id.in_(bindparam("ids", expanding=True)), persons.c.merged_into.is_(None))
    .limit(MOST_FOUND + 2)
)
_OF_REFERENCE = (
    select(func.coalesce(persons.c.merged_into, persons.c.id))
    .distinct()
    .select_from(audit_events)
    .join(persons, persons.c.id == audit_events.c.person_id)
    .where(
        audit_events.c.reference == bindparam("reference"),
        audit_events.c.occurred_at > bindparam("since", type_=UtcDateTime),
    )
    .limit(MOST_FOUND + 2)
)
_BORN_THEN = select(persons).where(
    persons.c.birthdate.in_(bindparam("birthdates", expanding=True)),
    persons.c.merged_into.is_(None),
)
_OF_NAME = _BORN_THEN.where(persons.c.name_key.like(bindparam("pattern"))).limit(MOST_FOUND + 2)
# Persons stored before the key existed, whom the register was not asked about since.
_WITHOUT_KEY = _BORN_THEN.where(persons.c.name_key.is_(None)).limit(_MOST_READ)


def find_persons(request: Request, desk: Desk, search: PersonSearch) -> FoundPerson:
    """The persons that this search shows to this member of staff.

    Raises `NeededFromOutside` where a real national register is to be asked, for those alone who
    may know what it says, and `Forbidden` as `looks.require_room` before it is.
    """
    hit = _SEARCHES[search.kind](request, search)
    shown = [each for each in hit if each.id != desk.person_id]
    hidden = desk.person_id if len(shown) < len(hit) else None
    if shown:
        shown.sort(
            key=lambda each: (fold_name(each.family_name), fold_name(each.given_name), each.id)
        )
        too_many = len(shown) > MOST_FOUND
        return FoundPerson([] if too_many else shown, too_many, hidden)
    citizen = (
        not hit
        and search.kind == "number"
        and desk.staff.may("issue-code")
        and _is_citizen(request, desk, search.value)
    )
    return FoundPerson([], hidden=hidden, citizen=citizen is True, unsure=citizen is None)


def _find_by_number(request: Request, search: PersonSearch) -> list[Person]:
    """The person who has, or ever had, this national number."""
    person = find_person_by_ssin(request.connection, request.secrets, search.value)
    return [person] if person else []


def _find_by_reference(request: Request, search: PersonSearch) -> list[Person]:
    """The persons of the request with this reference, as shown on a page."""
    parameters = {"reference": search.value, "since": request.now - REFERENCES_FOR}
    return _find_by_ids(request.connection, request.connection.scalars(_OF_REFERENCE, parameters))


def _find_by_address(request: Request, search: PersonSearch) -> list[Person]:
    """The persons who have confirmed this address."""
    hash_addresses(request.connection, request.secrets, HASHED_AT_ONCE)
    ids = find_persons_by_address(request.connection, request.secrets, search.value)
    return _find_by_ids(request.connection, ids)


def _find_by_name(request: Request, search: PersonSearch) -> list[Person]:
    """The persons whose name begins so, in any order, with the birth date as far as known."""
    pattern = name_pattern(search.value)
    # A register may know the year or the month of birth alone.
    known = {search.birthdate, search.birthdate[:7], search.birthdate[:4]}
    parameters = {"birthdates": sorted(known), "pattern": pattern}
    rows = request.connection.execute(_OF_NAME, parameters)
    found = [Person(*row) for row in rows]
    rest = request.connection.execute(_WITHOUT_KEY, {"birthdates": sorted(known)})
    beginning = pattern.strip("%")
    return found + [
        person
        for person in (Person(*row) for row in rest)
        if beginning in name_key(person.given_name, person.family_name)
    ]


def _find_by_ids(connection: Connection, ids: Iterable[UUID]) -> list[Person]:
    wanted = list(ids)
    rows = connection.execute(_PERSONS, {"ids": wanted}) if wanted else ()
    return [Person(*row) for row in rows]


_SEARCHES: Final[Mapping[Kind, Callable[[Request, PersonSearch], list[Person]]]] = {
    "number": _find_by_number,
    "reference": _find_by_reference,
    "address": _find_by_address,
    "name": _find_by_name,
}


def _is_citizen(request: Request, desk: Desk, ssin: str) -> bool | None:
    """Whether the national register has a living citizen with this number; None if it is down.

    The register is not asked for an agent who looked at too many people: raises as
    `require_looks_left`.
    """
    require_looks_left(request, desk, DeskSearched.name)
    answer = ask_register(request, ssin)
    if answer.down:
        return None
    return answer.citizen is not None and not answer.citizen.deceased

"""Persons: found by any number they ever had, created once, kept as the national register says."""

import secrets as random
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import Connection, select, update

from authn.people.numbers import claim_number, record_number_history
from authn.people.tables import LONGEST_KEY_PART, USER_HANDLE_BYTES, Person, person_ssins, persons
from authn.secrets import Secrets, national_number_hash

_BAR: Final = "|"
# Letters of their own in Unicode, and variants of another one to whoever types a name.
_LETTERS: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"}
)


@dataclass(frozen=True, slots=True)
class Citizen:
    """An entry of the national register about a human being; `repr` leaves the numbers out.

    `birthdate` is `YYYY-MM-DD`, `YYYY-MM`, `YYYY` or None, as much as is known. `language` is a
    two-letter code. `previous_ssins` are the numbers that the present number replaced. A
    `cancelled` number was given out in error, and leads to nobody.
    """

    ssin: str = field(repr=False)
    given_name: str
    family_name: str
    birthdate: str | None
    language: str
    deceased: bool = False
    cancelled: bool = False
    previous_ssins: tuple[str, ...] = field(default=(), repr=False)


def find_person(connection: Connection, person_id: UUID) -> Person | None:
    """The person with this id; None when unknown, or merged into another person (`merge`)."""
    statement = select(persons).where(persons.c.id == person_id, persons.c.merged_into.is_(None))
    row = connection.execute(statement).first()
    return Person(*row) if row else None


def lock_person(connection: Connection, person_id: UUID) -> Person | None:
    """The person, locked: no other transaction may lock or change them until this one ends.

    For rules that count what a person has (decisions 2.12). SQLite needs no lock of its own: its
    writing transactions come one after another.
    """
    # FOR NO KEY UPDATE: rows that only refer to the person (a code, a session) need not wait.
    statement = (
        select(persons)
        .where(persons.c.id == person_id, persons.c.merged_into.is_(None))
        .with_for_update(key_share=True)
    )
    row = connection.execute(statement).first()
    return Person(*row) if row else None


def lock_persons(connection: Connection, ids: Iterable[UUID]) -> None:
    """Locks several persons as `lock_person` does, in one order everywhere, against deadlocks."""
    for each in sorted(set(ids)):
        lock_person(connection, each)


def find_person_by_ssin(connection: Connection, secrets: Secrets, ssin: str) -> Person | None:
    """The person who has or once had a national number (canonical form); None when unknown."""
    hashes = [national_number_hash(secrets, ssin)]
    return next(iter(find_persons_by_ssin_hash(connection, hashes).values()), None)


def find_persons_by_ssin_hash(connection: Connection, hashes: Collection[str]) -> dict[str, Person]:
    """By keyed hash of a number: the person who has or had it; unknown hashes are absent."""
    statement = (
        select(person_ssins.c.ssin_hash, persons)
        .join(persons, persons.c.id == person_ssins.c.person_id)
        .where(person_ssins.c.ssin_hash.in_(hashes))
    )
    return {row[0]: Person(*row[1:]) for row in connection.execute(statement)}


def find_or_create_person(
    connection: Connection, secrets: Secrets, citizen: Citizen, now: datetime
) -> Person:
    """The person of a citizen, created when unknown, and refreshed as the register describes them.

    Created exactly once, however many transactions ask at the same time, and whichever of the
    citizen's numbers they ask with.
    """
    person = _find_person_by_any_number(connection, secrets, citizen)
    if person is None:
        person = _create_person(connection, secrets, citizen, now)
    return refresh_person(connection, secrets, person, citizen, now)


def refresh_person(
    connection: Connection, secrets: Secrets, person: Person, citizen: Citizen, now: datetime
) -> Person:
    """The person, stored with names, birth date, language, status and numbers of the register.

    Nobody has a cancelled number: everything opened in its name ends, as after a death.
    """
    ended = citizen.deceased or citizen.cancelled
    refreshed = replace(
        person,
        given_name=citizen.given_name,
        family_name=citizen.family_name,
        birthdate=citizen.birthdate,
        language=citizen.language,
        deceased=ended,
        checked_at=now,
        end_told_at=person.end_told_at if ended else None,
        name_key=name_key(citizen.given_name, citizen.family_name),
    )
    connection.execute(update(persons).where(persons.c.id == person.id).values(asdict(refreshed)))
    record_number_history(connection, secrets, person.id, citizen.ssin, citizen.previous_ssins, now)
    return refreshed


def record_cancelled_number(connection: Connection, person_id: UUID, now: datetime) -> None:
    """The person is stored as deceased: the register cancelled their number and says no more."""
    connection.execute(
        update(persons).where(persons.c.id == person_id).values(deceased=True, checked_at=now)
    )


def _find_person_by_any_number(
    connection: Connection, secrets: Secrets, citizen: Citizen
) -> Person | None:
    """The person with the present number, else the person with a number that it replaced."""
    hashes = [national_number_hash(secrets, ssin) for ssin in _numbers(citizen)]
    found = find_persons_by_ssin_hash(connection, hashes)
    return next((found[each] for each in hashes if each in found), None)


def _create_person(
    connection: Connection, secrets: Secrets, citizen: Citizen, now: datetime
) -> Person:
    person = Person(
        id=uuid4(),
        user_handle=random.token_bytes(USER_HANDLE_BYTES),
        given_name=citizen.given_name,
        family_name=citizen.family_name,
        birthdate=citizen.birthdate,
        language=citizen.language,
        deceased=citizen.deceased,
        created_at=now,
        checked_at=now,
        name_key=name_key(citizen.given_name, citizen.family_name),
    )
    # The transaction that claims the numbers first has created the person; others roll back.
    savepoint = connection.begin_nested()
    connection.execute(persons.insert().values(asdict(person)))
    if _claim_all(connection, secrets, person.id, _numbers(citizen), now):
        savepoint.commit()
        return person
    savepoint.rollback()
    winner = _find_person_by_any_number(connection, secrets, citizen)
    assert winner is not None, "a number that could not be claimed has an owner"
    return winner


def _claim_all(
    connection: Connection,
    secrets: Secrets,
    person_id: UUID,
    ssins: Iterable[str],
    now: datetime,
) -> bool:
    """Whether all numbers were free; claimed in one order everywhere, against deadlocks."""
    return all(claim_number(connection, secrets, person_id, ssin, now) for ssin in sorted(ssins))


def _numbers(citizen: Citizen) -> tuple[str, ...]:
    return (citizen.ssin, *citizen.previous_ssins)


def fold_name(text: str) -> str:
    """The letters and digits of a name, without case, accents, spaces, hyphens or apostrophes."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return "".join(letter for letter in plain.casefold() if letter.isalnum())[:LONGEST_KEY_PART]


def name_key(given_name: str, family_name: str) -> str:
    """The search key of a name: each order in which the parts may be said, behind a bar."""
    family, given = fold_name(family_name), fold_name(given_name)
    first = fold_name(given_name.partition(" ")[0])
    orders = dict.fromkeys((family + given, given + family, first + family))
    return "".join(_BAR + order for order in orders)


def name_pattern(text: str) -> str:
    """The LIKE pattern for keys (`name_key`) of which an order begins with the text."""
    return f"%{_BAR}{fold_name(text)}%"  # letters and digits alone: the text brings no wildcard

"""The rules of persons: found by any number they ever had, made once, kept as the register says."""

import secrets as random
from collections.abc import Collection, Iterable
from dataclasses import asdict, replace
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import Connection, select, update

from authn.people.citizen import Citizen
from authn.people.names import name_key
from authn.people.numbers import claim_number, keep_history
from authn.people.tables import USER_HANDLE_BYTES, Person, person_ssins, persons
from authn.secrets import Secrets, national_number_hash


def find_person(connection: Connection, person_id: UUID) -> Person | None:
    """The person with this id; None also for one who turned out to be another (`merge`)."""
    statement = select(persons).where(persons.c.id == person_id, persons.c.merged_into.is_(None))
    row = connection.execute(statement).first()
    return Person(*row) if row else None


def lock_person(connection: Connection, person_id: UUID) -> Person | None:
    """The person, and nobody else may lock or change them until this transaction ends.

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
    """As `lock_person`, of several: in one order for everybody, so that no two wait in a circle."""
    for each in sorted(set(ids)):
        lock_person(connection, each)


def find_person_by_ssin(connection: Connection, secrets: Secrets, ssin: str) -> Person | None:
    """The person who has, or once had, this number (canonical form)."""
    hashes = [national_number_hash(secrets, ssin)]
    return next(iter(persons_with_hashes(connection, hashes).values()), None)


def persons_with_hashes(connection: Connection, hashes: Collection[str]) -> dict[str, Person]:
    """By the keyed hash of a number: the person who has or had it; unknown hashes are left out."""
    statement = (
        select(person_ssins.c.ssin_hash, persons)
        .join(persons, persons.c.id == person_ssins.c.person_id)
        .where(person_ssins.c.ssin_hash.in_(hashes))
    )
    return {row[0]: Person(*row[1:]) for row in connection.execute(statement)}


def person_of(connection: Connection, secrets: Secrets, citizen: Citizen, now: datetime) -> Person:
    """The one person that this citizen is, as the register describes them now.

    Made when not known yet: exactly once, however many ask at the same time, and whichever of the
    citizen's numbers they ask with.
    """
    person = _find_by_any_number(connection, secrets, citizen)
    if person is None:
        person = _create(connection, secrets, citizen, now)
    return refresh(connection, secrets, person, citizen, now)


def refresh(
    connection: Connection, secrets: Secrets, person: Person, citizen: Citizen, now: datetime
) -> Person:
    """The person has the names, birth date, language, status and numbers that the register has.

    Nobody goes by a cancelled number: what was opened in its name ends, as after a death.
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
    keep_history(connection, secrets, person.id, citizen, now)
    return refreshed


def note_end(connection: Connection, person_id: UUID, now: datetime) -> None:
    """The register says that nobody goes by the person's number any more, and nothing else."""
    connection.execute(
        update(persons).where(persons.c.id == person_id).values(deceased=True, checked_at=now)
    )


def _find_by_any_number(
    connection: Connection, secrets: Secrets, citizen: Citizen
) -> Person | None:
    """Whoever has the present number goes before whoever has one that it replaced."""
    hashes = [national_number_hash(secrets, ssin) for ssin in _numbers(citizen)]
    found = persons_with_hashes(connection, hashes)
    return next((found[each] for each in hashes if each in found), None)


def _create(connection: Connection, secrets: Secrets, citizen: Citizen, now: datetime) -> Person:
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
    # Whoever claims the numbers first has made the person; the others take their row back.
    savepoint = connection.begin_nested()
    connection.execute(persons.insert().values(asdict(person)))
    if _claim_all(connection, secrets, person.id, _numbers(citizen), now):
        savepoint.commit()
        return person
    savepoint.rollback()
    winner = _find_by_any_number(connection, secrets, citizen)
    assert winner is not None, "a number that could not be claimed has an owner"
    return winner


def _claim_all(
    connection: Connection,
    secrets: Secrets,
    person_id: UUID,
    ssins: Iterable[str],
    now: datetime,
) -> bool:
    """Whether all were free. In one order for everybody, so that no two wait for each other."""
    return all(claim_number(connection, secrets, person_id, ssin, now) for ssin in sorted(ssins))


def _numbers(citizen: Citizen) -> tuple[str, ...]:
    return (citizen.ssin, *citizen.previous_ssins)

"""The embedded twins of authentic sources: facts in our own table, from `authn sources import`.

A fact is found by the keyed hash of the number of the person or organisation concerned, and is
encrypted as the JSON of `fact_json`. A fact under a national number that was replaced is found by
the present number too (decisions 9.5).
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast
from uuid import UUID

import orjson
from sqlalchemy import Connection, bindparam, select

from authn.db.reencryption import EncryptedColumn
from authn.people.persons import Citizen
from authn.people.tables import person_ssins
from authn.secrets import Secrets, decrypt, encrypt, national_number_hash
from authn.sources.embedded.register import EmbeddedRegister
from authn.sources.fact_json import (
    fact_from_json,
    fact_to_json,
    organisation_from_json,
    organisation_to_json,
)
from authn.sources.facts import Child, DeskRoles, Fact, Mandate, Membership, Organisation, Quality
from authn.sources.protocols import AccessManager
from authn.sources.questions import QuestionName
from authn.sources.tables import source_facts, source_staged_facts
from authn.staff.members import staff_by_desk

# What is kept beside the answers to `QUESTIONS`: an organisation by each of its numbers, and its
# access managers by the same.
ORGANISATION: Final = "organisation"
ACCESS_MANAGERS: Final = "access managers"

_Row = Any
"""A row of `source_facts`: its columns are attributes."""

_FACT = (
    source_facts.c.question,
    source_facts.c.subject_hash,
    source_facts.c.key_hash,
    source_facts.c.fact_encrypted,
)
_OF_SUBJECTS: Final = (
    select(*_FACT)
    .where(
        source_facts.c.question == bindparam("asked"),
        source_facts.c.subject_hash.in_(bindparam("subjects", expanding=True)),
    )
    .order_by(source_facts.c.key_hash)
)
_OF_PERSON: Final = (
    select(*_FACT, person_ssins.c.valid_to.is_not(None).label("replaced"))
    .join(person_ssins, person_ssins.c.ssin_hash == source_facts.c.subject_hash)
    .where(
        source_facts.c.question == bindparam("asked"),
        person_ssins.c.person_id == bindparam("of_person"),
    )
    .order_by("replaced", source_facts.c.key_hash)
)
_EVERY_ORGANISATION: Final = select(*_FACT).where(source_facts.c.question == ORGANISATION)


def find_facts(
    connection: Connection, secrets: Secrets, question: QuestionName, ssins: Sequence[str]
) -> tuple[Fact, ...]:
    """The facts about the person with these numbers: the present one first, then those replaced.

    A fact under two of the numbers counts once, as under the first. Facts whose period is over are
    included.
    """
    hashes = [national_number_hash(secrets, ssin) for ssin in ssins]
    rows = connection.execute(_OF_SUBJECTS, {"asked": question, "subjects": hashes})
    return _facts(secrets, question, sorted(rows, key=lambda row: hashes.index(row.subject_hash)))


def find_facts_of_person(
    connection: Connection, secrets: Secrets, question: QuestionName, person_id: UUID
) -> tuple[Fact, ...]:
    """The facts about an enrolled person, by all national numbers that they have or had.

    The roles at the help desk are read from our own table of staff.
    """
    if question == "staff":
        return find_desk_roles(connection, person_id)
    values = {"asked": question, "of_person": person_id}
    return _facts(secrets, question, connection.execute(_OF_PERSON, values).all())


def find_organisation(connection: Connection, secrets: Secrets, number: str) -> Organisation | None:
    """The organisation with a CBE number (ten digits) or NIHDI number (eight)."""
    if not (number.isascii() and number.isdigit()):
        return None
    rows = _find_rows(connection, secrets, ORGANISATION, number)
    return next((organisation_from_json(_decrypt_document(secrets, row)) for row in rows), None)


def organisations_by_number(connection: Connection, secrets: Secrets) -> dict[str, Organisation]:
    """All organisations in the table, by each of their numbers."""
    known: dict[str, Organisation] = {}
    for row in connection.execute(_EVERY_ORGANISATION):
        organisation = organisation_from_json(_decrypt_document(secrets, row))
        known |= dict.fromkeys(organisation_numbers(organisation), organisation)
    return known


def find_access_managers(
    connection: Connection, secrets: Secrets, number: str
) -> tuple[AccessManager, ...]:
    """The responsible access managers of the organisation with a number, past ones included."""
    if not (number.isascii() and number.isdigit()):
        return ()
    found: list[AccessManager] = []
    for row in _find_rows(connection, secrets, ACCESS_MANAGERS, number):
        ssin = _decrypt_document(secrets, row)["ssin"]
        found += [
            AccessManager(ssin, fact)
            for fact in find_facts(connection, secrets, "memberships", [ssin])
            if isinstance(fact, Membership) and _manages(fact, number)
        ]
    return tuple(found)


def organisation_numbers(organisation: Organisation) -> tuple[str, ...]:
    """The numbers by which an organisation is found."""
    return tuple(number for number in (organisation.cbe, organisation.nihii) if number)


@dataclass(frozen=True, slots=True)
class Twins:
    """All four sources in our own database, read in the transaction of `connection`.

    A `NationalRegister`, `Professions`, `Organisations` and `Mandates`.
    """

    connection: Connection
    secrets: Secrets

    def citizen(self, ssin: str) -> Citizen | None:
        """See `NationalRegister`."""
        return EmbeddedRegister(self.connection, self.secrets).citizen(ssin)

    def children(self, ssin: str) -> tuple[Child, ...]:
        """See `NationalRegister`."""
        return cast(tuple[Child, ...], self._facts("children", ssin))

    def qualities(self, ssin: str) -> tuple[Quality, ...]:
        """See `Professions`."""
        return cast(tuple[Quality, ...], self._facts("qualities", ssin))

    def memberships(self, ssin: str) -> tuple[Membership, ...]:
        """See `Organisations`."""
        return cast(tuple[Membership, ...], self._facts("memberships", ssin))

    def organisation(self, number: str) -> Organisation | None:
        """See `Organisations`."""
        return find_organisation(self.connection, self.secrets, number)

    def access_managers(self, number: str) -> tuple[AccessManager, ...]:
        """See `Organisations`."""
        return find_access_managers(self.connection, self.secrets, number)

    def mandates(self, ssin: str) -> tuple[Mandate, ...]:
        """See `Mandates`."""
        return cast(tuple[Mandate, ...], self._facts("mandates", ssin))

    def _facts(self, question: QuestionName, ssin: str) -> tuple[Fact, ...]:
        """By all numbers of the citizen; by `ssin` alone where the register does not know it."""
        citizen = self.citizen(ssin)
        ssins = (citizen.ssin, *citizen.previous_ssins) if citizen else (ssin,)
        return find_facts(self.connection, self.secrets, question, ssins)


def fact_rows(
    secrets: Secrets, question: QuestionName, ssin: str, fact: Fact
) -> list[dict[str, Any]]:
    """The rows of `source_facts` that keep a fact about the person with a national number."""
    rows = [_row(secrets, question, ssin, _key(fact), fact_to_json(fact))]
    if isinstance(fact, Membership) and fact.responsible_access_manager:
        # Only where to look: the membership says whether the role still holds.
        rows += [
            _row(secrets, ACCESS_MANAGERS, number, (ssin,), {"ssin": ssin})
            for number in organisation_numbers(fact.organisation)
        ]
    return rows


def organisation_rows(secrets: Secrets, organisation: Organisation) -> list[dict[str, Any]]:
    """The rows of `source_facts` that keep an organisation: one for each of its numbers."""
    document = organisation_to_json(organisation)
    return [
        _row(secrets, ORGANISATION, number, (), document)
        for number in organisation_numbers(organisation)
    ]


def _key(fact: Fact) -> tuple[str, ...]:
    """What identifies a fact among those of one person; the rest of the fact may change."""
    match fact:
        case Quality():
            return (fact.discipline, fact.nihii11, fact.period.since.isoformat())
        case Membership():
            since = fact.period.since.isoformat()
            return (fact.organisation.cbe, fact.organisation.nihii, fact.role, since)
        case Mandate():
            return (fact.mandate_id,)
        case Child():
            return (fact.child.ssin,)
        case DeskRoles():
            return (fact.desk,)


def _row(
    secrets: Secrets, question: str, subject: str, key: Iterable[str], document: dict[str, Any]
) -> dict[str, Any]:
    hashes = {
        "question": question,
        "subject_hash": national_number_hash(secrets, subject),
        "key_hash": national_number_hash(secrets, json.dumps([question, *key])),
    }
    sealed = encrypt(secrets, orjson.dumps(document), _context(**hashes))
    return hashes | {"fact_encrypted": sealed}


def _find_rows(
    connection: Connection, secrets: Secrets, question: str, number: str
) -> Sequence[_Row]:
    values = {"asked": question, "subjects": [national_number_hash(secrets, number)]}
    return connection.execute(_OF_SUBJECTS, values).all()


def _facts(secrets: Secrets, question: QuestionName, rows: Iterable[_Row]) -> tuple[Fact, ...]:
    """The facts of the rows; of two rows with one key, the first."""
    first: dict[str, _Row] = {}
    for row in rows:
        first.setdefault(row.key_hash, row)
    return tuple(
        fact_from_json(question, _decrypt_document(secrets, row)) for row in first.values()
    )


def _manages(membership: Membership, number: str) -> bool:
    return membership.responsible_access_manager and number in organisation_numbers(
        membership.organisation
    )


def _decrypt_document(secrets: Secrets, row: _Row) -> dict[str, Any]:
    context = _context(row.question, row.subject_hash, row.key_hash)
    document: dict[str, Any] = orjson.loads(decrypt(secrets, row.fact_encrypted, context))
    return document


def _context(question: str, subject_hash: str, key_hash: str) -> str:
    """The row to which a ciphertext is bound: moved to another row, a fact can't be read."""
    return f"source_facts:{question}:{subject_hash}:{key_hash}"


def _context_of(row: Any) -> str:
    return _context(row.question, row.subject_hash, row.key_hash)


# The staged ones first: an import moves them, as they are, into the others.
ENCRYPTED = (
    EncryptedColumn(source_staged_facts.c.fact_encrypted, _context_of),
    EncryptedColumn(source_facts.c.fact_encrypted, _context_of),
)


def find_desk_roles(connection: Connection, person_id: UUID) -> tuple[DeskRoles, ...]:
    """The roles of a person at each desk today; empty for a person who is no staff."""
    by_desk = staff_by_desk(connection, person_id)
    return tuple(DeskRoles(desk, member.in_order) for desk, member in by_desk.items())

"""The national numbers of a person: encrypted, found by a keyed hash, never forgotten.

A replaced number goes on leading to the same person (domain 4.5).
"""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import Connection, select, update

from authn.db.once import insert_once
from authn.db.reencryption import EncryptedColumn
from authn.people.citizen import Citizen
from authn.people.tables import person_ssins
from authn.secrets import Secrets, decrypt, encrypt, national_number_hash


def claim_number(
    connection: Connection, secrets: Secrets, person_id: UUID, ssin: str, now: datetime
) -> bool:
    """Whether the number belongs to this person from now on; False when somebody has it already."""
    row_id = uuid4()
    values = {
        "id": row_id,
        "person_id": person_id,
        "ssin_hash": national_number_hash(secrets, ssin),
        "ssin_encrypted": encrypt(secrets, ssin.encode("ascii"), _context(row_id)),
        "valid_from": now,
    }
    return insert_once(connection, person_ssins, values)


def keep_history(
    connection: Connection, secrets: Secrets, person_id: UUID, citizen: Citizen, now: datetime
) -> None:
    """The person has all of the citizen's numbers; all but the present one have ended.

    A number that another person holds is left where it is: two persons who turn out to be one
    are merged by an operator, not by an import.
    """
    rows = select(person_ssins.c.ssin_hash).where(person_ssins.c.person_id == person_id)
    known = set(connection.execute(rows).scalars())
    for ssin in sorted((citizen.ssin, *citizen.previous_ssins)):
        if national_number_hash(secrets, ssin) not in known:
            claim_number(connection, secrets, person_id, ssin, now)
    present = connection.execute(
        update(person_ssins)
        .where(person_ssins.c.ssin_hash == national_number_hash(secrets, citizen.ssin))
        .where(person_ssins.c.person_id == person_id)
        .values(valid_to=None, replaced_by=None)
        .returning(person_ssins.c.id)
    ).scalar()
    if present is None:
        return
    connection.execute(
        update(person_ssins)
        .where(person_ssins.c.person_id == person_id, person_ssins.c.id != present)
        .where(person_ssins.c.valid_to.is_(None))
        .values(valid_to=now, replaced_by=present)
    )


def current_ssin(connection: Connection, secrets: Secrets, person_id: UUID) -> str:
    """The person's present number, in the clear: for a release that is on record, or its holder."""
    row = connection.execute(
        select(person_ssins.c.id, person_ssins.c.ssin_encrypted)
        .where(person_ssins.c.person_id == person_id, person_ssins.c.valid_to.is_(None))
        .order_by(person_ssins.c.valid_from.desc())
    ).first()
    assert row is not None, "every person has a present number"
    return decrypt(secrets, row.ssin_encrypted, _context(row.id)).decode("ascii")


def _context(row_id: UUID) -> str:
    """What the ciphertext is bound to: a number moved to another row can't be read there."""
    return f"person_ssins:{row_id}"


ENCRYPTED = (EncryptedColumn(person_ssins.c.ssin_encrypted, lambda row: _context(row.id)),)

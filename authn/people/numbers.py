"""National numbers of a person: encrypted, found by a keyed hash, never deleted.

A replaced number goes on leading to the same person (decisions 9.5).
"""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import Connection, select, update

from authn.db.once import insert_once
from authn.db.reencryption import EncryptedColumn
from authn.people.tables import person_ssins
from authn.secrets import Secrets, decrypt, encrypt, national_number_hash


def claim_number(
    connection: Connection, secrets: Secrets, person_id: UUID, ssin: str, now: datetime
) -> bool:
    """Whether the number was given to the person; False when anybody has the number already."""
    row_id = uuid4()
    values = {
        "id": row_id,
        "person_id": person_id,
        "ssin_hash": national_number_hash(secrets, ssin),
        "ssin_encrypted": encrypt(secrets, ssin.encode("ascii"), _encryption_context(row_id)),
        "valid_from": now,
    }
    return insert_once(connection, person_ssins, values)


def record_number_history(
    connection: Connection,
    secrets: Secrets,
    person_id: UUID,
    present_ssin: str,
    previous_ssins: tuple[str, ...],
    now: datetime,
) -> None:
    """The person has all these numbers; all but the present number have ended.

    A number of another person is left where it is: two persons who turn out to be one are merged
    by an operator, not by an import.
    """
    rows = select(person_ssins.c.ssin_hash).where(person_ssins.c.person_id == person_id)
    known = set(connection.execute(rows).scalars())
    for ssin in sorted((present_ssin, *previous_ssins)):
        if national_number_hash(secrets, ssin) not in known:
            claim_number(connection, secrets, person_id, ssin, now)
    present = connection.execute(
        update(person_ssins)
        .where(person_ssins.c.ssin_hash == national_number_hash(secrets, present_ssin))
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
    """The present number of the person in the clear: for a release on record, or the person."""
    row = connection.execute(
        select(person_ssins.c.id, person_ssins.c.ssin_encrypted)
        .where(person_ssins.c.person_id == person_id, person_ssins.c.valid_to.is_(None))
        .order_by(person_ssins.c.valid_from.desc())
    ).first()
    assert row is not None, "every person has a present number"
    return decrypt(secrets, row.ssin_encrypted, _encryption_context(row.id)).decode("ascii")


def _encryption_context(row_id: UUID) -> str:
    """The context of a ciphertext: a number moved to another row can't be decrypted there."""
    return f"person_ssins:{row_id}"


ENCRYPTED = (
    EncryptedColumn(person_ssins.c.ssin_encrypted, lambda row: _encryption_context(row.id)),
)

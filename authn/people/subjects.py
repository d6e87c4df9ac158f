"""The pairwise `sub` by which the applications of one sector know a person (OpenID Core §8.1).

Why: it is random and stored, not derived from a key, so that replacing a key, or merging two
persons, never changes what an application knows somebody by (decisions 1.3).
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, bindparam, select

from authn.db.once import insert_once
from authn.people.tables import subjects
from authn.secrets import new_token

# Built once: putting a statement together costs more than executing it.
_KNOWN = select(subjects.c.sub).where(
    subjects.c.person_id == bindparam("person_id"), subjects.c.sector == bindparam("sector")
)


_KNOWN_IN = select(subjects.c.sector, subjects.c.sub).where(
    subjects.c.person_id == bindparam("person_id"),
    subjects.c.sector.in_(bindparam("sectors", expanding=True)),
)


def known_subjects(
    connection: Connection, person_id: UUID, sectors: Collection[str]
) -> dict[str, str]:
    """By sector: the `sub` of the person; sectors without any are absent."""
    parameters = {"person_id": person_id, "sectors": list(sectors)}
    rows = connection.execute(_KNOWN_IN, parameters)
    return {row.sector: row.sub for row in rows}


def find_or_create_subject(
    connection: Connection, person_id: UUID, sector: str, now: datetime
) -> str:
    """The `sub` of the person in a sector, created when there is none; stable ever after."""
    parameters = {"person_id": person_id, "sector": sector}
    # Nearly always it is known, and asking costs no write.
    sub = connection.execute(_KNOWN, parameters).scalar()
    if sub is None:
        values = {"person_id": person_id, "sector": sector, "sub": new_token(), "created_at": now}
        insert_once(connection, subjects, values)
        # Ours, or that of a faster transaction.
        sub = connection.execute(_KNOWN, parameters).scalar_one()
    return str(sub)

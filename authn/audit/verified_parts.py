"""A row, and a day, of the log held against what was written: what can be done at once.

The whole log is gone through by `authn audit verify` (`audit.verification`), whose rules these are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, select

from authn.audit.chain import BEGINNING, audit_chain
from authn.audit.days import SignedDay, signed_days
from authn.audit.findings import ChainFinding
from authn.audit.verification import VerifiedChain, check_head, check_row, rows_after, seal_of
from authn.secrets import Secrets, audit_link

_CHAINED = select(audit_chain).where(audit_chain.c.event_id == bindparam("event_id"))
_LINK = select(audit_chain.c.link).where(audit_chain.c.sequence == bindparam("sequence"))


@dataclass(frozen=True, slots=True)
class VerifiedPlace:
    """A row's place in the chain, and whether its link follows from the one before."""

    sequence: int
    day: str
    link: str
    follows: bool
    signed: SignedDay | None


@dataclass(frozen=True, slots=True)
class VerifiedSoundness:
    """What was found of one row now; without a place the worker has not come to it yet."""

    sealed: bool
    place: VerifiedPlace | None


def soundness_of(connection: Connection, secrets: Secrets, row: Any) -> VerifiedSoundness:
    """Whether the row, as `searching.find_row` read it, is as it was written."""
    sealed = row.seal == seal_of(secrets, row._mapping)
    chained = connection.execute(_CHAINED, {"event_id": row.id}).first()
    if chained is None:
        return VerifiedSoundness(sealed, None)
    days = signed_days(connection)
    before = _link_before(connection, chained.sequence, days)
    link = audit_link(secrets, before, chained.sequence, chained.day, row.id, row.seal)
    signed = next((each for each in days if each.day.day == chained.day), None)
    place = VerifiedPlace(chained.sequence, chained.day, chained.link, link == chained.link, signed)
    return VerifiedSoundness(sealed, place)


def verify_day(
    connection: Connection, secrets: Secrets, signed: SignedDay, checked: VerifiedChain
) -> Iterator[ChainFinding]:
    """Everything that is wrong with the rows of a signed day; `checked` counts them."""
    day = signed.day
    checked.sequence = day.first_sequence - 1
    checked.link = _link_before(connection, day.first_sequence, signed_days(connection))
    while rows := rows_after(connection, checked.sequence):
        for row in rows:
            if row.sequence > day.last_sequence:
                break
            yield from check_row(secrets, checked, row)
            if row.sequence == day.last_sequence:
                yield from check_head(signed, row)
            checked.link, checked.rows = row.link, checked.rows + 1
        if checked.sequence >= day.last_sequence or row.sequence > day.last_sequence:
            break
    if checked.sequence < day.last_sequence:
        yield ChainFinding(f"the rows of {day.day} that were signed are not all there")


def _link_before(connection: Connection, sequence: int, days: list[SignedDay]) -> str:
    """The link that the row of this number is linked to; of an archived day its signed head."""
    found = connection.execute(_LINK, {"sequence": sequence - 1}).scalar()
    archived = (each.day.head for each in days if each.day.last_sequence == sequence - 1)
    return found or next(archived, BEGINNING)

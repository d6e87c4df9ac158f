"""Running heads: how far the present day's chain has come, signed and exported every few minutes.

A day's own head is signed when it is over (`audit.days`). Until then its last rows could be cut off
without a trace; a running head that has left this machine says that they were there.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import BigInteger, Connection, bindparam, func, or_, select, update

from authn.audit.chain import THE_ONE, ChainFinding, audit_chain, audit_progress
from authn.audit.days import AuditDay
from authn.db.metadata import UtcDateTime

_PROGRESS = select(
    audit_progress.c.sequence,
    audit_progress.c.link,
    audit_progress.c.chained_at,
    audit_progress.c.headed,
    audit_progress.c.headed_at,
).where(audit_progress.c.id == THE_ONE)
_FIRST = select(func.min(audit_chain.c.sequence)).where(audit_chain.c.day == bindparam("of_day"))
# Whoever is first signs it; another worker finds no row.
_TAKE = (
    update(audit_progress)
    .where(
        audit_progress.c.id == THE_ONE,
        or_(
            audit_progress.c.headed.is_(None),
            audit_progress.c.headed < bindparam("up_to", type_=BigInteger),
        ),
    )
    .values(
        headed=bindparam("up_to", type_=BigInteger), headed_at=bindparam("now", type_=UtcDateTime)
    )
)
_GIVE_BACK = (
    update(audit_progress)
    .where(audit_progress.c.id == THE_ONE, audit_progress.c.headed == bindparam("up_to"))
    .values(headed=None, headed_at=None)
)


@dataclass(slots=True)
class ChainHeads:
    """What signed heads say that is in the chain: by number, links and the days they are of.

    More than one at a number only where the log was written anew after one was signed.
    """

    at: dict[int, set[tuple[str, str]]] = field(default_factory=dict)

    def add(self, day: AuditDay) -> None:
        """Expect this signed head in the chain."""
        self.at.setdefault(day.last_sequence, set()).add((day.head, day.day))

    def check(self, sequence: int, link: str) -> Iterator[ChainFinding]:
        """What is wrong with the row of this number, which has this link."""
        for head, day in sorted(self.at.pop(sequence, ())):
            if head != link:
                yield ChainFinding(
                    f"a signed head of {day} says that another row was here", sequence
                )

    def cut_off(self, sequence: int) -> Iterator[ChainFinding]:
        """Whether signed heads say that there were rows after the last one, of this number."""
        last = max(self.at, default=0)
        if last > sequence:
            day = max(day for _, day in self.at[last])
            yield ChainFinding(
                f"rows were cut off at the end: a signed head of {day} says that there were "
                f"numbers {sequence + 1} to {last}"
            )


def day_to_head(connection: Connection, every: float, now: datetime) -> AuditDay | None:
    """The day so far, when rows came to it since its last running head, `every` seconds ago."""
    found = connection.execute(_PROGRESS).first()
    if found is None or found.sequence <= (found.headed or 0):
        return None
    if found.headed_at is not None and 0 <= (now - found.headed_at).total_seconds() < every:
        return None
    day = found.chained_at.astimezone(UTC).date().isoformat()
    first = connection.execute(_FIRST, {"of_day": day}).scalar()
    # Archived meanwhile: its own head says it all.
    return AuditDay(day, first, found.sequence, found.link) if first else None


def claim_head(connection: Connection, day: AuditDay, now: datetime) -> bool:
    """Claim the signing of a running head for this worker; False when another one was faster."""
    parameters = {"up_to": day.last_sequence, "now": now}
    return connection.execute(_TAKE, parameters).rowcount == 1


def release_head(connection: Connection, day: AuditDay) -> None:
    """Give up a claim on a running head that could not be exported: signing is due again."""
    connection.execute(_GIVE_BACK, {"up_to": day.last_sequence})


def last_head(connection: Connection) -> tuple[int, datetime] | None:
    """Number and moment of the last running head."""
    found = connection.execute(_PROGRESS).first()
    if found is None or found.headed is None or found.headed_at is None:
        return None
    return found.headed, found.headed_at

"""The chain of the log as an auditor sees it, and the check of its last signed day."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from authn.audit.chain import BEGINNING, ChainProgress, WaitingRows, progress_of, waiting
from authn.audit.days import SignedDay, signed_days
from authn.audit.searching import AuditFilters, search
from authn.audit.verification import CHAINED_WITHIN, VerifiedChain
from authn.audit.verified_parts import verify_day
from authn.audit.watching_events import AuditVerified
from authn.db.transaction import reading
from authn.keys.audit_days import check_head
from authn.keys.signing_keys import load_audit_keys
from authn.web.site import Site

DAYS_SHOWN: Final = 31
MOST_AT_ONCE: Final = 200_000
"""Of a larger day the command line does the check: nobody waits that long for a page."""


@dataclass(frozen=True, slots=True)
class Verification:
    """When rows were last held against what was written, of which day ("" for all), and how many
    findings there were."""

    at: datetime
    day: str
    rows: int
    findings: int
    first: str


@dataclass(frozen=True, slots=True)
class ChainView:
    """How far the chain has come, what waits, the last signed days, the last checks."""

    progress: ChainProgress
    waiting: WaitingRows
    late: bool
    days: list[SignedDay]
    how_many_days: int
    last: Verification | None

    @property
    def can_verify(self) -> bool:
        """Whether the last signed day is short enough to be checked while somebody waits."""
        return bool(self.days) and self.days[0].day.rows <= MOST_AT_ONCE


def chain_view(connection: Connection, now: datetime) -> ChainView:
    """The chain as it is now: some statements over its index."""
    left = waiting(connection)
    days = signed_days(connection)
    late = left.since is not None and now - left.since > CHAINED_WITHIN
    return ChainView(
        progress=progress_of(connection),
        waiting=left,
        late=late,
        days=days[: -DAYS_SHOWN - 1 : -1],
        how_many_days=len(days),
        last=last_verification(connection),
    )


def last_verification(connection: Connection) -> Verification | None:
    """The latest check that is on record, of a day or of the whole log."""
    found = search(connection, AuditFilters(event=AuditVerified.name), None, 1).rows
    return Verification(found[0].occurred_at, **found[0].details) if found else None


def check_of_day(site: Site, signed: SignedDay) -> AuditVerified:
    """Every seal and link of the day, its head, the head's signature and the exported file."""
    checked = VerifiedChain(0, BEGINNING)
    with reading(site.database) as connection:
        keys = load_audit_keys(connection, site.secrets)
        findings = list(verify_day(connection, site.secrets, signed, checked))
    findings += check_head(keys, site.settings, signed)
    first = str(findings[0]) if findings else ""
    return AuditVerified(day=signed.day.day, rows=checked.rows, findings=len(findings), first=first)

"""/desk/audit/chain: how far the audit log is chained, its signed days, a check of the last day."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection
from starlette.responses import Response

from authn.audit.chain import (
    BEGINNING,
    ChainProgress,
    WaitingRows,
    chain_progress,
    find_waiting_rows,
)
from authn.audit.days import SignedDay, signed_days
from authn.audit.events.audit_log import AuditVerified
from authn.audit.log import record
from authn.audit.searching import AuditFilters, search_rows
from authn.audit.verification import CHAINED_WITHIN, VerifiedChain, verify_day
from authn.console.desk_pages import render_desk_page
from authn.console.outside_results import outside_result
from authn.console.staff_endpoints import (
    DeskSession,
    desk_endpoint,
    desk_form,
    desk_page,
    not_found_error,
)
from authn.db.transaction import reading
from authn.keys.audit_days import check_head
from authn.keys.signing_keys import load_audit_keys
from authn.web.request import Request, redirect
from authn.web.site import Site

DAYS_SHOWN: Final = 31
MOST_AT_ONCE: Final = 200_000
"""Rows of a day that a page checks; a larger day is checked on the command line."""


@dataclass(frozen=True, slots=True)
class Verification:
    """The latest check of the chain: of which day ("" for all), and with how many findings."""

    at: datetime
    day: str
    rows: int
    findings: int
    first: str


@dataclass(frozen=True, slots=True)
class ChainView:
    """How far the chain has come, what waits, the latest signed days, the latest check."""

    progress: ChainProgress
    waiting: WaitingRows
    late: bool
    days: list[SignedDay]
    how_many_days: int
    last: Verification | None

    @property
    def can_verify(self) -> bool:
        """Whether the latest signed day is small enough to be checked while a page waits."""
        return bool(self.days) and self.days[0].day.rows <= MOST_AT_ONCE


def chain_view(connection: Connection, now: datetime) -> ChainView:
    """The chain as it is now."""
    left = find_waiting_rows(connection)
    days = signed_days(connection)
    late = left.since is not None and now - left.since > CHAINED_WITHIN
    return ChainView(
        progress=chain_progress(connection),
        waiting=left,
        late=late,
        days=days[: -DAYS_SHOWN - 1 : -1],
        how_many_days=len(days),
        last=last_verification(connection),
    )


def last_verification(connection: Connection) -> Verification | None:
    """The latest check in the audit log, of a day or of the whole log."""
    found = search_rows(connection, AuditFilters(event=AuditVerified.name), None, 1).rows
    return Verification(found[0].occurred_at, **found[0].details) if found else None


def verify_signed_day(site: Site, signed: SignedDay) -> AuditVerified:
    """The result of checking every seal and link of a day, its head, signature and export."""
    checked = VerifiedChain(0, BEGINNING)
    with reading(site.database) as connection:
        keys = load_audit_keys(connection, site.secrets)
        findings = list(verify_day(connection, site.secrets, signed, checked))
    findings += check_head(keys, site.settings, signed)
    first = str(findings[0]) if findings else ""
    return AuditVerified(day=signed.day.day, rows=checked.rows, findings=len(findings), first=first)


@desk_endpoint("see-audit")
def show_audit_chain(request: Request, desk: DeskSession) -> Response:
    """The page of the audit chain."""
    chain = chain_view(request.connection, request.now)
    return render_desk_page(
        request, desk, "console/audit_chain.html", chain=chain, most_at_once=MOST_AT_ONCE
    )


@desk_endpoint("see-audit")
def verify_last_day(request: Request, desk: DeskSession) -> Response:
    """The latest signed day is checked, and the result is in the audit log."""
    days = signed_days(request.connection)
    if not days or days[-1].day.rows > MOST_AT_ONCE:
        raise not_found_error()
    found = outside_result(request, "verify", lambda: verify_signed_day(request.site, days[-1]))
    event = replace(found, actor_id=desk.person_id)
    record(request.connection, request.secrets, event, request.now, request.reference)
    return redirect("/desk/audit/chain")


routes = [
    desk_page("/desk/audit/chain", show_audit_chain),
    desk_form("/desk/audit/chain/verify", verify_last_day),
]

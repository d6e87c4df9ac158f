"""/desk/audit: auditors search the audit log; persons appear by internal id alone.

Each look is itself recorded, after the page is made: so no search finds itself.
"""

from typing import Final

from starlette.responses import Response, StreamingResponse

from authn.audit.events.audit_log import AuditRowSeen, AuditSearched
from authn.audit.searching import find_row, search_rows
from authn.audit.verification import verify_row
from authn.console.audit_csv import MOST_IN_FILE, generate_audit_csv
from authn.console.audit_filters import (
    AuditSearch,
    format_row_mark,
    parse_row_mark,
    read_audit_search,
)
from authn.console.audit_views import audit_line, audit_row_view, event_meanings
from authn.console.desk_pages import render_desk_page
from authn.console.recording import record_at_desk
from authn.console.staff_endpoints import (
    DeskSession,
    desk_endpoint,
    desk_form,
    desk_page,
    not_found_error,
)
from authn.people.ssin import today_in_brussels
from authn.web.csv_lines import MEDIA_TYPE
from authn.web.request import Request, redirect

ROWS_ON_PAGE: Final = 50
HIGHEST_ROW: Final = 2**63 - 1  # of a big integer


@desk_endpoint("see-audit")
def show_audit_search(request: Request, desk: DeskSession) -> Response:
    """The search form with the newest rows that match."""
    sought = read_audit_search(request, request.query)
    if sought.errors:
        return _form(request, desk, sought, 422)
    before = parse_row_mark(request.query.get("before", ""))
    found = search_rows(request.connection, sought.filters, before, ROWS_ON_PAGE)
    _record_search(request, desk, sought, "page")
    return _form(
        request,
        desk,
        sought,
        rows=[audit_line(each) for each in found.rows],
        further=format_row_mark(found.further) if found.further else "",
        given_up=found.given_up,
        newest=before is None,
    )


@desk_endpoint("see-audit")
def submit_audit_search(request: Request, desk: DeskSession) -> Response:
    """A redirect from the form to the address of its search; or the form with its errors."""
    sought = read_audit_search(request, request.form)
    if sought.errors:
        return _form(request, desk, sought, 422)
    return redirect(f"/desk/audit?{sought.address}" if sought.address else "/desk/audit")


@desk_endpoint("see-audit")
def download_audit_csv(request: Request, desk: DeskSession) -> Response:
    """The rows that match as a CSV file."""
    sought = read_audit_search(request, request.query)
    if sought.errors:
        raise not_found_error()
    _record_search(request, desk, sought, "file")
    name = f"audit-{today_in_brussels(request.now)}.csv"
    return StreamingResponse(
        generate_audit_csv(request, sought.filters),
        media_type=MEDIA_TYPE,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


@desk_endpoint("see-audit")
def show_audit_row(request: Request, desk: DeskSession) -> Response:
    """A row of the log with all its fields, and whether it is still as it was written."""
    number: int = request.path_params["row"]
    row = find_row(request.connection, number) if number <= HIGHEST_ROW else None
    if row is None:
        raise not_found_error()
    soundness = verify_row(request.connection, request.secrets, row)
    event = AuditRowSeen(
        actor_id=desk.person_id, person_id=row.person_id, row=row.id, seen=row.event
    )
    record_at_desk(request, desk, event)
    view = audit_row_view(row)
    return render_desk_page(request, desk, "console/audit_row.html", row=view, soundness=soundness)


def _record_search(request: Request, desk: DeskSession, sought: AuditSearch, into: str) -> None:
    event = AuditSearched(
        actor_id=desk.person_id,
        person_id=sought.filters.person_id,
        filters=sought.summary,
        into=into,
    )
    record_at_desk(request, desk, event)


def _form(
    request: Request, desk: DeskSession, sought: AuditSearch, status: int = 200, **found: object
) -> Response:
    context = {"rows": None, "further": "", "given_up": False, "newest": True, **found}
    return render_desk_page(
        request,
        desk,
        "console/audit.html",
        status,
        sent=sought.sent,
        errors=sought.errors,
        address=sought.address,
        events=event_meanings(),
        most_in_file=MOST_IN_FILE,
        **context,
    )


routes = [
    desk_page("/desk/audit", show_audit_search),
    desk_form("/desk/audit", submit_audit_search),
    desk_page("/desk/audit/found.csv", download_audit_csv),
    desk_page("/desk/audit/{row:int}", show_audit_row),
]

"""/desk/audit: what is on record, for whoever may read all of it; persons by internal id alone.

Looking is itself on record, after what it shows: so no search finds itself.
"""

from typing import Final

from starlette.responses import Response, StreamingResponse

from authn.audit.searching import find_row, search
from authn.audit.verified_parts import soundness_of
from authn.audit.watching_events import AuditRowSeen, AuditSearched
from authn.console.audit_csv import MOST_IN_FILE, file_of
from authn.console.audit_filters import AuditSearch, mark_of, read_sought, written_mark
from authn.console.audit_views import line_of, meanings, row_view
from authn.console.desk import DeskSession, at_desk, nothing_here
from authn.console.on_record import record_at_desk
from authn.console.routes import desk_form, desk_page
from authn.console.shown import desk_answer
from authn.people.ssin import today_in_brussels
from authn.web.csv_lines import MEDIA_TYPE
from authn.web.request import Request, redirect

ROWS_ON_PAGE: Final = 50
HIGHEST_ROW: Final = 2**63 - 1  # of a big integer


@at_desk("see-audit")
def audit(request: Request, desk: DeskSession) -> Response:
    """The newest rows of what is looked for."""
    sought = read_sought(request, request.query)
    if sought.errors:
        return _form(request, desk, sought, 422)
    before = mark_of(request.query.get("before", ""))
    found = search(request.connection, sought.filters, before, ROWS_ON_PAGE)
    _note(request, desk, sought, "page")
    return _form(
        request,
        desk,
        sought,
        rows=[line_of(each) for each in found.rows],
        further=written_mark(found.further) if found.further else "",
        given_up=found.given_up,
        newest=before is None,
    )


@at_desk("see-audit")
def audit_search(request: Request, desk: DeskSession) -> Response:
    """From the form to the address of what it looks for; what is wrong is asked again."""
    sought = read_sought(request, request.form)
    if sought.errors:
        return _form(request, desk, sought, 422)
    return redirect(f"/desk/audit?{sought.address}" if sought.address else "/desk/audit")


@at_desk("see-audit")
def audit_file(request: Request, desk: DeskSession) -> Response:
    """What is looked for as a CSV file (RFC 4180), up to a bound."""
    sought = read_sought(request, request.query)
    if sought.errors:
        raise nothing_here()
    _note(request, desk, sought, "file")
    name = f"audit-{today_in_brussels(request.now)}.csv"
    return StreamingResponse(
        file_of(request, sought.filters),
        media_type=MEDIA_TYPE,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


@at_desk("see-audit")
def audit_row(request: Request, desk: DeskSession) -> Response:
    """One row: all of it, its place in the chain, and whether it is as it was written, now."""
    number: int = request.path_params["row"]
    row = find_row(request.connection, number) if number <= HIGHEST_ROW else None
    if row is None:
        raise nothing_here()
    soundness = soundness_of(request.connection, request.secrets, row)
    event = AuditRowSeen(
        actor_id=desk.person_id, person_id=row.person_id, row=row.id, seen=row.event
    )
    record_at_desk(request, desk, event)
    view = row_view(row)
    return desk_answer(request, desk, "console/audit_row.html", row=view, soundness=soundness)


def _note(request: Request, desk: DeskSession, sought: AuditSearch, into: str) -> None:
    event = AuditSearched(
        actor_id=desk.person_id,
        person_id=sought.filters.person_id,
        filters=sought.in_words,
        into=into,
    )
    record_at_desk(request, desk, event)


def _form(
    request: Request, desk: DeskSession, sought: AuditSearch, status: int = 200, **found: object
) -> Response:
    context = {"rows": None, "further": "", "given_up": False, "newest": True, **found}
    return desk_answer(
        request,
        desk,
        "console/audit.html",
        status,
        sent=sought.sent,
        errors=sought.errors,
        address=sought.address,
        events=meanings(),
        most_in_file=MOST_IN_FILE,
        **context,
    )


routes = [
    desk_page("/desk/audit", audit),
    desk_form("/desk/audit", audit_search),
    desk_page("/desk/audit/found.csv", audit_file),
    desk_page("/desk/audit/{row:int}", audit_row),
]

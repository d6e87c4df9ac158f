"""The CSV file of an audit search (RFC 4180), read and sent in parts, up to 50,000 rows."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import orjson

from authn.audit.searching import AuditFilters, AuditRow, AuditRowMark, search_rows
from authn.db.transaction import reading
from authn.errors import N_
from authn.people.ssin import BRUSSELS
from authn.web.csv_lines import BEGINNING, csv_line
from authn.web.request import Request

MOST_IN_FILE: Final = 50_000
ROWS_AT_ONCE: Final = 500
"""Rows in memory at a time."""
COLUMNS: Final = (
    N_("Number"),
    N_("When"),
    N_("Event"),
    N_("Person"),
    N_("Member of staff"),
    N_("Device"),
    N_("Application"),
    N_("Details"),
    N_("Reference"),
)
MORE: Final = N_("There are more rows. Search up to this day for the earlier ones.")


def generate_audit_csv(request: Request, filters: AuditFilters) -> Iterator[bytes]:
    """The parts of the file; its last line says so where there are more rows."""
    yield BEGINNING + csv_line(map(request.translate, COLUMNS))
    before: AuditRowMark | None = None
    for _ in range(MOST_IN_FILE // ROWS_AT_ONCE):
        with reading(request.site.database) as connection:
            found = search_rows(connection, filters, before, ROWS_AT_ONCE)
        yield b"".join(map(_line, found.rows))
        if found.further is None:
            return
        before = found.further
    assert before is not None
    yield csv_line(["", _timestamp(before.at), request.translate(MORE)])


def _line(row: AuditRow) -> bytes:
    return csv_line(
        [
            str(row.id),
            _timestamp(row.occurred_at),
            row.event,
            str(row.person_id or ""),
            str(row.actor_id or ""),
            str(row.device_id or ""),
            row.client_id or "",
            orjson.dumps(dict(row.details)).decode(),
            row.reference,
        ]
    )


def _timestamp(at: datetime) -> str:
    return at.astimezone(BRUSSELS).isoformat(timespec="milliseconds")

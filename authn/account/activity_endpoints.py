"""My activity: events about a person, six months on a page, and all of them as a CSV file."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from starlette.responses import Response, StreamingResponse

from authn.account.required_session import require_session
from authn.audit.reading import RowPlace, list_recorded_events
from authn.db.transaction import reading
from authn.errors import N_
from authn.people.merge import list_merged_ids
from authn.people.ssin import BRUSSELS, today_in_brussels
from authn.sessions.sessions import Session
from authn.views.activity import (
    EVER,
    SHOWN_FOR,
    ActivityEntry,
    activity_entries,
    events_of_kind,
    list_activity,
)
from authn.views.activity_words import KINDS, LINES
from authn.web.csv_lines import BEGINNING, MEDIA_TYPE, csv_line
from authn.web.request import Request, inside, page
from authn.web.routing import page_route

# Microseconds since 1970, and how many rows of that moment were read: as `_written` writes it.
_PLACE = re.compile(r"([0-9]{1,16})\.([0-9]{1,4})")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
ROWS_AT_ONCE: Final = 500
"""What of the file is in memory at a time."""


@require_session
def activity_page(request: Request, session: Session) -> Response:
    """The page with the person's recent events by day; of one kind if they choose one."""
    kind = request.query.get("kind")
    shown = list_activity(
        request, session.person_id, kind if kind in KINDS else None, _place(request)
    )
    return page(
        request,
        "account/activity.html",
        person=session,
        days=shown.days,
        earlier=_written(shown.earlier) if shown.earlier else None,
        kinds=activity_kinds(),
        kind=kind if kind in KINDS else None,
        newest="before" not in request.query,
        since=request.now - SHOWN_FOR,
    )


def activity_kinds() -> dict[str, str]:
    """The kinds of events that are in use, with their message ids."""
    used = {line.kind for line in LINES.values()}
    return {kind: words for kind, words in KINDS.items() if kind in used}


@require_session
def activity_file(request: Request, session: Session) -> Response:
    """All events about the person, as a CSV file (RFC 4180)."""
    name = f"activity-{today_in_brussels(request.now)}.csv"
    return StreamingResponse(
        _file(request, session),
        media_type=MEDIA_TYPE,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


def _file(request: Request, session: Session) -> Iterator[bytes]:
    """The lines of the file; every few hundred rows are read in a transaction of their own."""
    yield BEGINNING + header_line(request.translate)
    place = RowPlace(request.now)
    while True:
        with reading(request.site.database) as connection:
            own = inside(request, connection)
            ids = list_merged_ids(connection, session.person_id)
            rows = list_recorded_events(
                connection, ids, events_of_kind(None), EVER, place, ROWS_AT_ONCE
            )
            entries = activity_entries(own, session.person_id, rows)
        yield b"".join(activity_line(each, request.translate) for each in entries)
        if len(rows) < ROWS_AT_ONCE:
            return
        place = place.after(rows)


def _place(request: Request) -> RowPlace:
    """The place where the page begins: that in the address, or now."""
    found = _PLACE.fullmatch(request.query.get("before", ""))
    if found is None:
        return RowPlace(request.now)
    at = _EPOCH + timedelta(microseconds=int(found[1]))
    return RowPlace(min(at, request.now), int(found[2]))


def _written(place: RowPlace) -> str:
    microseconds = (place.at - _EPOCH) // timedelta(microseconds=1)
    return f"{microseconds}.{place.skip}"


routes = [
    page_route("/activity", activity_page),
    page_route("/activity/all.csv", activity_file),
]


COLUMNS: Final = (
    N_("When"),
    N_("Kind"),
    N_("What happened"),
    N_("Application"),
    N_("Device"),
    N_("In which capacity"),
    N_("Service"),
    N_("What was asked"),
    N_("By whom"),
    N_("Why"),
    N_("Reference"),
)


def header_line(translate: Callable[[str], str]) -> bytes:
    """The first line of the file, with the names of the columns."""
    return csv_line(translate(each) for each in COLUMNS)


def activity_line(entry: ActivityEntry, translate: Callable[[str], str]) -> bytes:
    """The line of one event. The person for whom somebody acted is left out: a file goes further
    than a page, and that is another person's name."""
    return csv_line(
        [
            entry.at.astimezone(BRUSSELS).isoformat(timespec="seconds"),
            translate(KINDS[entry.kind]),
            entry.what,
            entry.application,
            entry.device,
            entry.capacity_kind,
            entry.resource,
            entry.data,
            entry.by,
            entry.why,
            "" if entry.reference == "-" else entry.reference,
        ]
    )

"""My activity: what happened to a person, six months on a page, and all of it as a file."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from starlette.responses import Response, StreamingResponse

from authn.account.activity_csv import header_line, line_of
from authn.account.signed_in import signed_in
from authn.audit.reading import RowPlace, recorded
from authn.db.transaction import reading
from authn.people.merge import same_person
from authn.people.ssin import today_in_brussels
from authn.sessions.sessions import Session
from authn.views.activity import EVER, SHOWN_FOR, activity_of, entries_of, events_of_kind
from authn.views.activity_words import KINDS, LINES
from authn.web.csv_lines import BEGINNING, MEDIA_TYPE
from authn.web.request import Request, inside, page
from authn.web.routing import page_route

# Microseconds since 1970, and how many rows of that moment were read: as `_written` writes it.
_PLACE = re.compile(r"([0-9]{1,16})\.([0-9]{1,4})")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
ROWS_AT_ONCE: Final = 500
"""What of the file is in memory at a time."""


@signed_in
def activity(request: Request, session: Session) -> Response:
    """What happened to the person lately, by day; of one kind if they choose one."""
    kind = request.query.get("kind")
    shown = activity_of(
        request, session.person_id, kind if kind in KINDS else None, _place(request)
    )
    return page(
        request,
        "account/activity.html",
        person=session,
        days=shown.days,
        earlier=_written(shown.earlier) if shown.earlier else None,
        kinds=offered_kinds(),
        kind=kind if kind in KINDS else None,
        newest="before" not in request.query,
        since=request.now - SHOWN_FOR,
    )


def offered_kinds() -> dict[str, str]:
    """The kinds that something can be of, with their message ids."""
    used = {line.kind for line in LINES.values()}
    return {kind: words for kind, words in KINDS.items() if kind in used}


@signed_in
def activity_file(request: Request, session: Session) -> Response:
    """Everything that is on record about the person, as a CSV file (RFC 4180)."""
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
    """The file, some hundred rows at a time: each of them read by itself, in no transaction."""
    yield BEGINNING + header_line(request.translate)
    place = RowPlace(request.now)
    while True:
        with reading(request.site.database) as connection:
            own = inside(request, connection)
            ids = same_person(connection, session.person_id)
            rows = recorded(connection, ids, events_of_kind(None), EVER, place, ROWS_AT_ONCE)
            entries = entries_of(own, session.person_id, rows)
        yield b"".join(line_of(each, request.translate) for each in entries)
        if len(rows) < ROWS_AT_ONCE:
            return
        place = place.after(rows)


def _place(request: Request) -> RowPlace:
    """Where the page begins: now, unless it goes on from another; what can't be read is now."""
    found = _PLACE.fullmatch(request.query.get("before", ""))
    if found is None:
        return RowPlace(request.now)
    at = _EPOCH + timedelta(microseconds=int(found[1]))
    return RowPlace(min(at, request.now), int(found[2]))


def _written(place: RowPlace) -> str:
    microseconds = (place.at - _EPOCH) // timedelta(microseconds=1)
    return f"{microseconds}.{place.skip}"


routes = [
    page_route("/activity", activity),
    page_route("/activity/all.csv", activity_file),
]

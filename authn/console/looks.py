"""How often an agent looks at people: counted, told to supervisors, and stopped.

Counted is what is on record, so that it can't be forgotten: an hour of one agent is a short run of
an index. A person looked at ten times is one look; a search that finds nobody is one as well.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, bindparam, case, func, select

from authn.audit.events import Event
from authn.audit.log import audit_events
from authn.audit.registration_events import CitizenSearched, ForeignIdentitySeen
from authn.audit.staff_events import (
    DeskColleagueSeen,
    DeskLookedAt,
    DeskLooksUnusual,
    DeskNumberShown,
    DeskReasonGiven,
    DeskSearched,
)
from authn.console.desk_sessions import Desk
from authn.console.on_record import record_at_desk
from authn.console.targets import colleagues_among, note_refused
from authn.db.metadata import UtcDateTime
from authn.db.occasion import Occasion
from authn.errors import N_, Forbidden
from authn.people.persons import lock_person

WITHIN: Final = timedelta(hours=1)
# What counts: one line an event.
LOOKS: tuple[type[Event], ...] = (
    DeskReasonGiven,
    DeskSearched,
    DeskLookedAt,
    DeskNumberShown,
    CitizenSearched,
    ForeignIdentitySeen,
)
TOO_MANY = N_(
    "You have looked at very many people in the last hour, so you can look at no more for now. "
    "Your supervisor knows. Ask them, or try again later."
)


class LookCount(NamedTuple):
    """How many looks there were, and how often it was told: at the warning, and at the stop."""

    looks: int
    warned: int
    stopped: int


def _told(stopped: str) -> ColumnElement[int]:
    named = audit_events.c.event == DeskLooksUnusual.name
    return func.count(case((named & audit_events.c.details.contains(stopped), 1)))


_IS_LOOK = audit_events.c.event.in_(bindparam("looks", expanding=True))
_COUNT = select(
    func.count(case((_IS_LOOK, audit_events.c.person_id)).distinct())
    + func.count(case((_IS_LOOK & audit_events.c.person_id.is_(None), 1))),
    _told('"stopped":false'),
    _told('"stopped":true'),
).where(
    audit_events.c.actor_id == bindparam("actor_id"),
    audit_events.c.occurred_at > bindparam("since", type_=UtcDateTime),
)


def count_looks(connection: Connection, actor_id: UUID, since: datetime) -> int:
    """At how many persons this member of staff has looked since then."""
    return _count(connection, actor_id, since).looks


def record_look(occasion: Occasion, desk: Desk, event: Event) -> None:
    """As `record_looks`, of one."""
    record_looks(occasion, desk, [event])


def record_looks(occasion: Occasion, desk: Desk, events: Sequence[Event]) -> None:
    """The looks are on record, and counted; called before anything is shown.

    Two at once are heard one after the other: the agent's own row is locked. Raises `Forbidden`
    for an agent who has looked at too many people within an hour.
    """
    count = require_room(occasion, desk, events[0].name)
    settings = occasion.settings
    for event in events:
        record_at_desk(occasion, desk, event)
    _tell_of_colleagues(occasion, desk, events)
    if count.warned or count.looks + len(events) < settings.desk_looks_warning:
        return
    looks = count_looks(occasion.connection, desk.person_id, occasion.now - WITHIN)
    if looks >= settings.desk_looks_warning:  # not so where that person was among them before
        _tell(occasion, desk, looks, stopped=False)


def require_room(occasion: Occasion, desk: Desk, look: str) -> LookCount:
    """How many looks there were, fewer than are too many; raises as `record_look`.

    Called by itself before others are asked about somebody for whoever looks.
    """
    lock_person(occasion.connection, desk.person_id)
    count = _count(occasion.connection, desk.person_id, occasion.now - WITHIN)
    if count.looks >= occasion.settings.desk_looks_most:
        note_refused(occasion, desk, look, "too many looks")
        if not count.stopped:
            _tell(occasion, desk, count.looks, stopped=True)
        raise Forbidden("too_many_looks", TOO_MANY)
    return count


def _tell_of_colleagues(occasion: Occasion, desk: Desk, events: Sequence[Event]) -> None:
    """Whoever opens the account of a colleague says why first: told once for each time they do."""
    said = [each for each in events if isinstance(each, DeskReasonGiven) and each.person_id]
    if not said:
        return
    ids = {each.person_id for each in said if each.person_id}
    colleagues = colleagues_among(occasion.connection, desk, ids)
    for each in said:
        if each.person_id in colleagues:
            event = DeskColleagueSeen(
                actor_id=desk.person_id, person_id=each.person_id, reason=each.reason
            )
            record_at_desk(occasion, desk, event)


def _tell(occasion: Occasion, desk: Desk, looks: int, *, stopped: bool) -> None:
    event = DeskLooksUnusual(actor_id=desk.person_id, looks=looks, stopped=stopped)
    record_at_desk(occasion, desk, event)


def _count(connection: Connection, actor_id: UUID, since: datetime) -> LookCount:
    parameters = {
        "actor_id": actor_id,
        "since": since,
        "looks": [each.name for each in LOOKS],
    }
    return LookCount(*connection.execute(_COUNT, parameters).one())

"""Looks of an agent at people: recorded, counted, shown to supervisors when many, and limited.

The count is read from the audit log, so that no look is left out: an hour of an agent is a short
run of an index. Ten looks at a person count once; a search that finds nobody counts once.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, bindparam, case, func, select

from authn.audit.events.event import Event
from authn.audit.events.registration import CitizenSearched, ForeignIdentitySeen
from authn.audit.events.staff import (
    DeskColleagueSeen,
    DeskLookedAt,
    DeskLooksUnusual,
    DeskNumberShown,
    DeskReasonGiven,
    DeskSearched,
)
from authn.audit.log import audit_events
from authn.console.act_rules import find_colleagues, record_desk_refusal
from authn.console.desk_sessions import Desk
from authn.console.recording import record_at_desk
from authn.db.metadata import UtcDateTime
from authn.db.occasion import Occasion
from authn.errors import N_, Forbidden
from authn.people.persons import lock_person

WITHIN: Final = timedelta(hours=1)
# The events that count as a look.
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
    """How many looks there were, and how often unusual looks were recorded: warned, stopped."""

    looks: int
    warned: int
    stopped: int


def _count_recorded(stopped: str) -> ColumnElement[int]:
    named = audit_events.c.event == DeskLooksUnusual.name
    return func.count(case((named & audit_events.c.details.contains(stopped), 1)))


_IS_LOOK = audit_events.c.event.in_(bindparam("looks", expanding=True))
_COUNT = select(
    func.count(case((_IS_LOOK, audit_events.c.person_id)).distinct())
    + func.count(case((_IS_LOOK & audit_events.c.person_id.is_(None), 1))),
    _count_recorded('"stopped":false'),
    _count_recorded('"stopped":true'),
).where(
    audit_events.c.actor_id == bindparam("actor_id"),
    audit_events.c.occurred_at > bindparam("since", type_=UtcDateTime),
)


def count_looks(connection: Connection, actor_id: UUID, since: datetime) -> int:
    """How many looks at people this member of staff took since then."""
    return _count(connection, actor_id, since).looks


def record_look(occasion: Occasion, desk: Desk, event: Event) -> None:
    """Record a single look; as `record_looks`."""
    record_looks(occasion, desk, [event])


def record_looks(occasion: Occasion, desk: Desk, events: Sequence[Event]) -> None:
    """Record and count the looks, before anything is shown.

    The agent's own row is locked, so that two calls at once count one after the other. Raises
    `Forbidden` for an agent who has looked at too many people within an hour.
    """
    count = require_looks_left(occasion, desk, events[0].name)
    settings = occasion.settings
    for event in events:
        record_at_desk(occasion, desk, event)
    _record_colleague_looks(occasion, desk, events)
    if count.warned or count.looks + len(events) < settings.desk_looks_warning:
        return
    looks = count_looks(occasion.connection, desk.person_id, occasion.now - WITHIN)
    if looks >= settings.desk_looks_warning:  # not so where that person was among them before
        _record_unusual_looks(occasion, desk, looks, stopped=False)


def require_looks_left(occasion: Occasion, desk: Desk, look: str) -> LookCount:
    """The looks of the last hour, if fewer than the limit; raises `Forbidden` otherwise.

    Called by itself before a source is asked about a person for the agent.
    """
    lock_person(occasion.connection, desk.person_id)
    count = _count(occasion.connection, desk.person_id, occasion.now - WITHIN)
    if count.looks >= occasion.settings.desk_looks_most:
        record_desk_refusal(occasion, desk, look, "too many looks")
        if not count.stopped:
            _record_unusual_looks(occasion, desk, count.looks, stopped=True)
        raise Forbidden("too_many_looks", TOO_MANY)
    return count


def _record_colleague_looks(occasion: Occasion, desk: Desk, events: Sequence[Event]) -> None:
    """Record each reason given for a colleague's account, for supervisors to see."""
    reasons = [each for each in events if isinstance(each, DeskReasonGiven) and each.person_id]
    if not reasons:
        return
    ids = {each.person_id for each in reasons if each.person_id}
    colleagues = find_colleagues(occasion.connection, desk, ids)
    for each in reasons:
        if each.person_id in colleagues:
            event = DeskColleagueSeen(
                actor_id=desk.person_id, person_id=each.person_id, reason=each.reason
            )
            record_at_desk(occasion, desk, event)


def _record_unusual_looks(occasion: Occasion, desk: Desk, looks: int, *, stopped: bool) -> None:
    event = DeskLooksUnusual(actor_id=desk.person_id, looks=looks, stopped=stopped)
    record_at_desk(occasion, desk, event)


def _count(connection: Connection, actor_id: UUID, since: datetime) -> LookCount:
    parameters = {
        "actor_id": actor_id,
        "since": since,
        "looks": [each.name for each in LOOKS],
    }
    return LookCount(*connection.execute(_COUNT, parameters).one())

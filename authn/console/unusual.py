"""What supervisors are told: many people looked at and a colleague's account, of their own desk;
and what one alone gave at the machine, of the whole service."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection, bindparam, select

from authn.audit.events import Event
from authn.audit.log import audit_events
from authn.audit.staff_events import DeskColleagueSeen, DeskLooksUnusual
from authn.console.operator_request_views import done_at_the_machine
from authn.db.metadata import UtcDateTime
from authn.people.tables import persons
from authn.staff.reasons import reason_in_words
from authn.staff.staff import WHOM_THEY_SUPERVISE, Staff
from authn.web.request import Request


@dataclass(frozen=True, slots=True)
class UnusualActivity:
    """One such event: who, when, how many persons within an hour, and whether they were stopped."""

    person_id: UUID
    name: str
    at: datetime
    looks: int
    stopped: bool


@dataclass(frozen=True, slots=True)
class ColleagueSeen:
    """Somebody at the desk opened a colleague's account: who, whose, when, and why as a code."""

    name: str
    colleague: str
    at: datetime
    reason: str


_COLLEAGUE = persons.alias("colleague")
# Of whoever works, or worked, at one of these desks; down the index of the event.
_TOLD = (
    select(
        audit_events.c.actor_id,
        persons.c.given_name,
        persons.c.family_name,
        audit_events.c.occurred_at,
        audit_events.c.details,
        _COLLEAGUE.c.given_name.label("their_given_name"),
        _COLLEAGUE.c.family_name.label("their_family_name"),
    )
    .select_from(audit_events)
    .join(persons, persons.c.id == audit_events.c.actor_id)
    .outerjoin(_COLLEAGUE, _COLLEAGUE.c.id == audit_events.c.person_id)
    .where(
        audit_events.c.event == bindparam("event"),
        audit_events.c.occurred_at > bindparam("since", type_=UtcDateTime),
        audit_events.c.actor_id.in_(WHOM_THEY_SUPERVISE),
    )
    .order_by(audit_events.c.occurred_at.desc(), audit_events.c.id.desc())
)


def told_of_desk(request: Request, supervisor: Staff, since: datetime) -> dict[str, Any]:
    """All of it, as the templates have it (`console/told.html`)."""
    connection, translate = request.connection, request.translate
    return {
        "lately": done_at_the_machine(connection, since),
        "unusual": unusual_looks(connection, supervisor, since),
        "colleagues": [
            (each, reason_in_words(request.settings, each.reason, request.language, translate))
            for each in colleagues_seen(connection, supervisor, since)
        ],
    }


def unusual_looks(
    connection: Connection, supervisor: Staff, since: datetime
) -> list[UnusualActivity]:
    """Who at the supervisor's desks looked at too many people since then, the latest first."""
    found = []
    for row in _told(connection, supervisor, since, DeskLooksUnusual):
        details = orjson.loads(row.details)
        name = _full(row.given_name, row.family_name)
        found.append(
            UnusualActivity(
                row.actor_id, name, row.occurred_at, details["looks"], details["stopped"]
            )
        )
    return found


def colleagues_seen(
    connection: Connection, supervisor: Staff, since: datetime
) -> list[ColleagueSeen]:
    """Who at the supervisor's desks opened the account of a colleague since then, the latest
    first."""
    return [
        ColleagueSeen(
            name=_full(row.given_name, row.family_name),
            colleague=_full(row.their_given_name, row.their_family_name),
            at=row.occurred_at,
            reason=orjson.loads(row.details)["reason"],
        )
        for row in _told(connection, supervisor, since, DeskColleagueSeen)
    ]


def _told(
    connection: Connection, supervisor: Staff, since: datetime, event: type[Event]
) -> Iterable[Any]:
    told = {"since": since, "supervisor_id": supervisor.person_id, "event": event.name}
    return connection.execute(_TOLD, told)


def _full(given_name: str, family_name: str) -> str:
    return f"{given_name} {family_name}".strip()

"""Unusual activity, for supervisors: too many looks, looks at colleagues, acts of one operator.

Looks are those of their own desks; acts that a local operator did alone are of the whole service.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import Connection, bindparam, select

from authn.audit.events.event import Event
from authn.audit.events.staff import DeskColleagueSeen, DeskLooksUnusual
from authn.audit.log import audit_events
from authn.console.operator_request_views import list_local_operator_acts
from authn.db.metadata import UtcDateTime
from authn.people.tables import persons
from authn.staff.members import SUPERVISED_STAFF_IDS, Staff
from authn.staff.reasons import reason_text
from authn.web.request import Request

UNUSUAL_FOR: Final = timedelta(hours=24)
"""How long unusual activity stays on a supervisor's pages."""


@dataclass(frozen=True, slots=True)
class UnusualActivity:
    """A member of staff looked at too many persons in an hour; `stopped`: at the limit."""

    person_id: UUID
    name: str
    at: datetime
    looks: int
    stopped: bool


@dataclass(frozen=True, slots=True)
class ColleagueSeen:
    """A member of staff opened the account of a colleague; `reason` is a code."""

    name: str
    colleague: str
    at: datetime
    reason: str


_COLLEAGUE = persons.alias("colleague")
# Events whose actor works, or worked, at a desk of the supervisor; by the index of the event.
_SUPERVISED = (
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
        audit_events.c.actor_id.in_(SUPERVISED_STAFF_IDS),
    )
    .order_by(audit_events.c.occurred_at.desc(), audit_events.c.id.desc())
)


def unusual_activity(request: Request, supervisor: Staff, since: datetime) -> dict[str, Any]:
    """All unusual activity since then, as the template `console/told.html` takes it."""
    connection, translate = request.connection, request.translate
    return {
        "lately": list_local_operator_acts(connection, since),
        "unusual": list_unusual_looks(connection, supervisor, since),
        "colleagues": [
            (each, reason_text(request.settings, each.reason, request.language, translate))
            for each in list_colleagues_seen(connection, supervisor, since)
        ],
    }


def list_unusual_looks(
    connection: Connection, supervisor: Staff, since: datetime
) -> list[UnusualActivity]:
    """Looks at too many people by staff of the supervisor's desks, the latest first."""
    found = []
    for row in _supervised_events(connection, supervisor, since, DeskLooksUnusual):
        details = orjson.loads(row.details)
        name = _full_name(row.given_name, row.family_name)
        found.append(
            UnusualActivity(
                row.actor_id, name, row.occurred_at, details["looks"], details["stopped"]
            )
        )
    return found


def list_colleagues_seen(
    connection: Connection, supervisor: Staff, since: datetime
) -> list[ColleagueSeen]:
    """Looks at colleagues by staff of the supervisor's desks, the latest first."""
    return [
        ColleagueSeen(
            name=_full_name(row.given_name, row.family_name),
            colleague=_full_name(row.their_given_name, row.their_family_name),
            at=row.occurred_at,
            reason=orjson.loads(row.details)["reason"],
        )
        for row in _supervised_events(connection, supervisor, since, DeskColleagueSeen)
    ]


def _supervised_events(
    connection: Connection, supervisor: Staff, since: datetime, event: type[Event]
) -> Iterable[Any]:
    parameters = {"since": since, "supervisor_id": supervisor.person_id, "event": event.name}
    return connection.execute(_SUPERVISED, parameters)


def _full_name(given_name: str, family_name: str) -> str:
    return f"{given_name} {family_name}".strip()

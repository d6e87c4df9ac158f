"""Who of the staff looked at unusually many people: what the supervisors of their desk see."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson
from sqlalchemy import Connection, bindparam, select

from authn.audit.log import audit_events
from authn.audit.staff_events import DeskLooksUnusual
from authn.db.metadata import Instant
from authn.people.tables import persons
from authn.staff.staff import Staff
from authn.staff.tables import staff


@dataclass(frozen=True, slots=True)
class Unusual:
    """One such event: who, when, how many persons within an hour, and whether they were stopped."""

    person_id: UUID
    name: str
    at: datetime
    looks: int
    stopped: bool


# Of whoever works, or worked, at one of these desks; down the index of the event.
_UNUSUAL = (
    select(
        audit_events.c.actor_id,
        persons.c.given_name,
        persons.c.family_name,
        audit_events.c.occurred_at,
        audit_events.c.details,
    )
    .join(persons, persons.c.id == audit_events.c.actor_id)
    .where(
        audit_events.c.event == DeskLooksUnusual.name,
        audit_events.c.occurred_at > bindparam("since", type_=Instant),
        audit_events.c.actor_id.in_(
            select(staff.c.person_id).where(staff.c.desk.in_(bindparam("desks", expanding=True)))
        ),
    )
    .order_by(audit_events.c.occurred_at.desc(), audit_events.c.id.desc())
)


def unusual_looks(connection: Connection, supervisor: Staff, since: datetime) -> list[Unusual]:
    """Who at the supervisor's desks looked at too many people since then, the latest first."""
    parameters = {"since": since, "desks": sorted(supervisor.desks)}
    found = []
    for row in connection.execute(_UNUSUAL, parameters):
        details = orjson.loads(row.details)
        name = f"{row.given_name} {row.family_name}".strip()
        found.append(
            Unusual(row.actor_id, name, row.occurred_at, details["looks"], details["stopped"])
        )
    return found

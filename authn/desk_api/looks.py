"""Looks at people by the API: recorded with their reason, and counted as those at the pages."""

from uuid import UUID

import orjson
from sqlalchemy import bindparam, select

from authn.audit.events.staff import DeskLookedAt, DeskReasonGiven
from authn.audit.log import audit_events
from authn.console.desk_sessions import Desk
from authn.console.looks import record_look
from authn.db.metadata import UtcDateTime
from authn.db.occasion import Occasion

# Down the index of who did it, from a moment on.
_REASONS = select(audit_events.c.details).where(
    audit_events.c.actor_id == bindparam("actor_id"),
    audit_events.c.occurred_at > bindparam("since", type_=UtcDateTime),
    audit_events.c.person_id == bindparam("person_id"),
    audit_events.c.event == DeskReasonGiven.name,
)


def record_reason(occasion: Occasion, desk: Desk, person_id: UUID) -> None:
    """Record why this member of staff looks at the person, where the person can read it too.

    Once for each reason, for as long as a reason holds at the pages: a tool sends a reason with
    each call. Raises `Forbidden` for who has looked at too many people within an hour.
    """
    why = desk.why.event_fields()
    said = _find_reasons(occasion, desk, person_id)
    if any(why.items() <= orjson.loads(each).items() for each in said):
        return
    record_look(occasion, desk, DeskReasonGiven(**desk.event_fields(person_id)))


def has_reason(occasion: Occasion, desk: Desk, person_id: UUID) -> bool:
    """Whether this member of staff gave a reason for this person that still holds."""
    return bool(_find_reasons(occasion, desk, person_id))


def record_look_at_person(occasion: Occasion, desk: Desk, person_id: UUID) -> None:
    """Record that the person is about to be shown; raises as `record_reason`."""
    record_look(occasion, desk, DeskLookedAt(**desk.event_fields(person_id)))


def _find_reasons(occasion: Occasion, desk: Desk, person_id: UUID) -> list[str]:
    """The details of the reasons that this member of staff gave lately for this person."""
    parameters = {
        "actor_id": desk.person_id,
        "since": occasion.now - occasion.settings.desk_reason_lifetime,
        "person_id": person_id,
    }
    return list(occasion.connection.execute(_REASONS, parameters).scalars())

"""Looks by way of the API: on record with their reason, counted as those at the pages are."""

from uuid import UUID

import orjson
from sqlalchemy import bindparam, select

from authn.audit.log import audit_events
from authn.audit.staff_events import DeskLookedAt, DeskReasonGiven
from authn.console.desk_sessions import Desk
from authn.console.looks import record_look
from authn.db.metadata import UtcDateTime
from authn.db.occasion import Occasion

# Down the index of who did it, from a moment on.
_SAID = select(audit_events.c.details).where(
    audit_events.c.actor_id == bindparam("actor_id"),
    audit_events.c.occurred_at > bindparam("since", type_=UtcDateTime),
    audit_events.c.person_id == bindparam("person_id"),
    audit_events.c.event == DeskReasonGiven.name,
)


def say_why(occasion: Occasion, desk: Desk, person_id: UUID) -> None:
    """It is on record, and the citizen can read, why this member of staff opened their account.

    Once for each reason, for as long as one holds at the pages: a tool says it with each call.
    Raises `Forbidden` for who has looked at too many people within an hour.
    """
    why = desk.why.on_record()
    said = _said(occasion, desk, person_id)
    if any(why.items() <= orjson.loads(each).items() for each in said):
        return
    record_look(occasion, desk, DeskReasonGiven(**desk.on_record(person_id)))


def has_said_why(occasion: Occasion, desk: Desk, person_id: UUID) -> bool:
    """Whether this member of staff has given a reason for this person that holds still."""
    return bool(_said(occasion, desk, person_id))


def record_looked_at(occasion: Occasion, desk: Desk, person_id: UUID) -> None:
    """The person is about to be shown; raises as `say_why`."""
    record_look(occasion, desk, DeskLookedAt(**desk.on_record(person_id)))


def _said(occasion: Occasion, desk: Desk, person_id: UUID) -> list[str]:
    """The details of the reasons that this member of staff gave lately for this person."""
    parameters = {
        "actor_id": desk.person_id,
        "since": occasion.now - occasion.settings.desk_reason_lifetime,
        "person_id": person_id,
    }
    return list(occasion.connection.execute(_SAID, parameters).scalars())

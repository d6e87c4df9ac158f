"""Where somebody is signed in now: for people to recognise, on whichever device."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, Integer, bindparam, select

from authn.devices.tables import devices, installations
from authn.sessions.sessions import alive, chain, limits, within_limits
from authn.sessions.tables import sessions
from authn.settings import Settings


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session that is valid now: on which device, in which browser on which system ("" where
    unknown), since when, last used when."""

    device_id: UUID
    browser: str
    system: str
    auth_time: datetime
    last_seen_at: datetime


# Built once: putting a statement together costs more than executing it.
_OPEN = (
    select(
        devices.c.id,
        installations.c.browser,
        installations.c.system,
        sessions.c.auth_time,
        sessions.c.last_seen_at,
    )
    .select_from(chain())
    .where(devices.c.person_id == bindparam("of_person"), alive(), within_limits())
    .order_by(sessions.c.last_seen_at.desc(), sessions.c.id)
    .limit(bindparam("most", type_=Integer))
)


def open_sessions(
    connection: Connection, settings: Settings, person_id: UUID, now: datetime, most: int
) -> list[OpenSession]:
    """The person's sessions, the last used first; at most so many."""
    parameters = {"of_person": person_id, "most": most, **limits(settings, now)}
    return [OpenSession(*row) for row in connection.execute(_OPEN, parameters)]

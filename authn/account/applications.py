"""The applications that a device opened: for its holder to recognise, and to know what ends."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select

from authn.clients.tables import clients
from authn.grants.grants import live, live_chain
from authn.grants.tables import grants
from authn.sessions.sessions import limits
from authn.settings import Settings


def live_applications(
    connection: Connection, settings: Settings, device_id: UUID, now: datetime
) -> list[str]:
    """The names of the applications that the device is signed in to now."""
    statement = (
        select(clients.c.client_name)
        .distinct()
        .select_from(live_chain().join(clients, clients.c.client_id == grants.c.client_id))
        .where(grants.c.device_id == device_id, live())
        .order_by(clients.c.client_name)
    )
    return list(connection.execute(statement, limits(settings, now)).scalars())


def last_applications(connection: Connection, person_id: UUID) -> dict[UUID, str]:
    """By device of this person: the application that it was last used for."""
    statement = (
        select(grants.c.device_id, clients.c.client_name)
        .join(clients, clients.c.client_id == grants.c.client_id)
        .where(grants.c.person_id == person_id)
        .order_by(grants.c.granted_at)
    )
    return {row.device_id: row.client_name for row in connection.execute(statement)}

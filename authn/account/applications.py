"""The applications that a device opened: for its holder to recognise, and to know what ends."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select

from authn.clients.tables import clients
from authn.devices.tables import devices
from authn.enrolment.returning import waits
from authn.grants.grants import live, live_chain
from authn.grants.tables import grants
from authn.notices.addresses import is_reachable
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


@dataclass(frozen=True, slots=True)
class LastApplications:
    """By device: the application that it was last used for.

    And what the same page asks of the person, in the same statement: whether they have a confirmed
    mail address, and whether somebody's return waits.
    """

    by_device: dict[UUID, str]
    reachable: bool
    return_waits: bool


def last_applications(connection: Connection, person_id: UUID, now: datetime) -> LastApplications:
    """What this person's devices were last used for."""
    # One step down an index for each device, however much it was used.
    last = (
        select(grants.c.client_id)
        .where(grants.c.device_id == devices.c.id)
        .order_by(grants.c.granted_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    statement = (
        select(
            devices.c.id,
            clients.c.client_name,
            is_reachable(person_id).label("reachable"),
            waits(person_id, now).label("return_waits"),
        )
        .select_from(devices)
        .outerjoin(clients, clients.c.client_id == last)
        .where(devices.c.person_id == person_id)
    )
    rows = connection.execute(statement).all()
    return LastApplications(
        by_device={row.id: row.client_name for row in rows if row.client_name is not None},
        reachable=any(row.reachable for row in rows),
        return_waits=any(row.return_waits for row in rows),
    )

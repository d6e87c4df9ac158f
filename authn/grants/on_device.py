"""What a device has open now: to say, before it ends, what ends with it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, bindparam, select

from authn.clients.tables import clients
from authn.devices.tables import devices
from authn.grants.grants import limits, live, live_chain
from authn.grants.tables import grants
from authn.settings import Settings

# Built once: putting a statement together costs more than executing it.
_LIVE = (
    select(grants.c.device_id, clients.c.client_name)
    .distinct()
    .select_from(live_chain().join(clients, clients.c.client_id == grants.c.client_id))
    .where(live())
    .order_by(clients.c.client_name)
)
_OF_DEVICE = _LIVE.where(grants.c.device_id == bindparam("of_device"))
_BY_DEVICE = _LIVE.where(
    grants.c.device_id.in_(
        select(devices.c.id).where(devices.c.person_id == bindparam("of_person"))
    )
)


def live_applications(
    connection: Connection, settings: Settings, device_id: UUID, now: datetime
) -> list[str]:
    """The names of the applications that the device is signed in to now."""
    parameters = {"of_device": device_id, **limits(settings, now)}
    return [name for _, name in connection.execute(_OF_DEVICE, parameters)]


def applications_by_device(
    connection: Connection, settings: Settings, person_id: UUID, now: datetime
) -> dict[UUID, list[str]]:
    """As `live_applications`, by device, for each of the person's devices that has any."""
    parameters = {"of_person": person_id, **limits(settings, now)}
    found: dict[UUID, list[str]] = {}
    for device_id, name in connection.execute(_BY_DEVICE, parameters):
        found.setdefault(device_id, []).append(name)
    return found

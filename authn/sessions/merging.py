"""Merging of two persons: devices move to the kept person, and their sessions end."""

from uuid import UUID

from sqlalchemy import bindparam, select, update

from authn.devices.devices import list_devices
from authn.devices.names import free_name
from authn.devices.tables import devices, installations
from authn.people.merge import PersonMerge
from authn.sessions.tables import sessions

_MOVE = (
    update(devices)
    .where(devices.c.person_id == bindparam("merged"))
    .values(person_id=bindparam("kept"))
    .returning(devices.c.id)
)
_END = (
    update(sessions)
    .where(
        sessions.c.installation_id.in_(
            select(installations.c.id).where(
                installations.c.device_id.in_(bindparam("ids", expanding=True)),
                installations.c.ended_at.is_(None),
            )
        ),
        sessions.c.ended_at.is_(None),
    )
    .values(ended_at=bindparam("now"))
)


def move_devices(merger: PersonMerge) -> list[str]:
    """The devices of the merged person are the kept person's; sessions on them have ended.

    A key answers with the `user.id` that it was made with, which is kept with the device
    (decisions 1.6). Applications learn of the end as of any other, by
    `grants.endings.ended_sessions`. No device is refused for their number: a person may have more
    than twenty then, and adds none.
    """
    connection = merger.connection
    taken = {each.name for each in list_devices(connection, merger.kept.id)}
    coming = list_devices(connection, merger.merged.id)
    # The devices first, then what hangs on them, as whoever signs in does.
    both = {"merged": merger.merged.id, "kept": merger.kept.id}
    moved = list(connection.execute(_MOVE, both).scalars())
    names = []
    for device in coming:
        name = free_name(device.name, taken)
        taken.add(name)
        names.append(name)
        if name != device.name:
            _rename(merger, device.id, name)
    ended = 0
    if moved:
        ended = connection.execute(_END, {"ids": moved, "now": merger.occasion.now}).rowcount
    sentences = [f"Device that goes on working: {name}." for name in names]
    return [*sentences, f"Sessions that end: {ended}."]


def _rename(merger: PersonMerge, device_id: UUID, name: str) -> None:
    statement = update(devices).where(devices.c.id == device_id).values(name=name)
    merger.connection.execute(statement)

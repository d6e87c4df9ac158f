"""The browsers and apps in which a device is used: each knows itself by a random cookie."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from authn.devices.tables import Installation, devices, installations
from authn.devices.user_agent import UserAgent
from authn.secrets import new_token, token_hash

COOKIE_LIFETIME = timedelta(days=400)  # the longest that browsers keep one; renewed at each login
LONGEST_COOKIE = 64


def recognise_installation(
    connection: Connection, device_id: UUID, cookie: str, agent: UserAgent, now: datetime
) -> tuple[UUID, str]:
    """The installation of this device that the cookie names, seen now; and the cookie to keep.

    Made when there is none. One that was ended stays ended, so that nothing of it comes back to
    life: its browser gets a new cookie and is a new installation.
    """
    if not 0 < len(cookie) <= LONGEST_COOKIE:
        cookie = new_token()
    installation_id = _see(connection, device_id, cookie, agent, now)
    if installation_id is None:
        cookie = new_token()
        installation_id = _see(connection, device_id, cookie, agent, now)
        assert installation_id is not None, "a cookie that was random just now is nobody's"
    return installation_id, cookie


def latest_installations(connection: Connection, person_id: UUID) -> dict[UUID, Installation]:
    """By device of this person: the installation where it was last used, unless it has ended."""
    statement = (
        select(installations)
        .join(devices, devices.c.id == installations.c.device_id)
        .where(devices.c.person_id == person_id, installations.c.ended_at.is_(None))
        .order_by(installations.c.last_seen)
    )
    found = [Installation(*row) for row in connection.execute(statement)]
    return {installation.device_id: installation for installation in found}


def _see(
    connection: Connection, device_id: UUID, cookie: str, agent: UserAgent, now: datetime
) -> UUID | None:
    row = {
        "id": uuid4(),
        "device_id": device_id,
        "cookie_hash": token_hash(cookie),
        "browser": agent.browser,
        "system": agent.system,
        "first_seen": now,
        "last_seen": now,
    }
    found: UUID | None = connection.execute(_SEE[connection.dialect.name], row).scalar()
    return found


def _insert_or_see_again(insert: Any) -> Any:
    """One statement for the first time and every later one; no row when it was ended."""
    columns = ("id", "device_id", "cookie_hash", "browser", "system", "first_seen", "last_seen")
    statement = insert(installations).values({name: bindparam(name) for name in columns})
    return statement.on_conflict_do_update(
        index_elements=[installations.c.device_id, installations.c.cookie_hash],
        set_={name: statement.excluded[name] for name in ("browser", "system", "last_seen")},
        where=installations.c.ended_at.is_(None),
    ).returning(installations.c.id)


# Built once: putting a statement together costs more than executing it.
_SEE = {
    "sqlite": _insert_or_see_again(sqlite.insert),
    "postgresql": _insert_or_see_again(postgresql.insert),
}

"""Installations: the browsers and apps in which a device is used, each with a random cookie."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, and_, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from authn.devices.tables import Device, Installation, devices, installations
from authn.secrets import new_token, token_hash
from authn.web.user_agent import UserAgent

COOKIE_LIFETIME = timedelta(days=400)  # the longest that browsers keep one; renewed at each login
_COOKIE = re.compile(r"[A-Za-z0-9_-]{1,64}")  # what `new_token` gives; another is none of ours
MOST_SHOWN = 100  # whoever deletes cookies at each visit makes an installation each time


@dataclass(frozen=True, slots=True)
class RecognisedInstallation:
    """An installation that was recognised or made, with the cookie for the browser to keep."""

    installation_id: UUID
    new: bool
    cookie: str


def recognise_installation(
    connection: Connection,
    device_id: UUID,
    cookie: str,
    agent: UserAgent,
    now: datetime,
    place: dict[str, str] | None = None,
) -> RecognisedInstallation:
    """The installation of the device with this cookie, seen now from `place`; made when new.

    An installation that was ended stays ended, and everything opened in it: its browser gets a new
    cookie and is a new installation.
    """
    if not _COOKIE.fullmatch(cookie):
        cookie = new_token()
    new_id = uuid4()
    installation_id = _record_seen(connection, new_id, device_id, cookie, agent, now, place)
    if installation_id is None:
        cookie = new_token()
        installation_id = _record_seen(connection, new_id, device_id, cookie, agent, now, place)
        assert installation_id is not None, "a cookie that was random just now is nobody's"
    return RecognisedInstallation(installation_id, installation_id == new_id, cookie)


def devices_and_latest_installations(
    connection: Connection, person_id: UUID
) -> list[tuple[Device, Installation | None]]:
    """Every device the person has or had, newest use first, with its latest installation.

    One statement, whatever their number. An installation that has ended doesn't count.
    """
    newest = (
        func.row_number()
        .over(
            partition_by=installations.c.device_id,
            order_by=(installations.c.last_seen.desc(), installations.c.id),
        )
        .label("newest")
    )
    held = select(devices.c.id).where(devices.c.person_id == person_id)
    seen = (
        select(installations, newest)
        .where(installations.c.device_id.in_(held), installations.c.ended_at.is_(None))
        .subquery()
    )
    statement = (
        select(devices, *(seen.c[column.name] for column in installations.c))
        .select_from(
            devices.outerjoin(seen, and_(seen.c.device_id == devices.c.id, seen.c.newest == 1))
        )
        .where(devices.c.person_id == person_id)
        .order_by(devices.c.last_used_at.desc(), devices.c.added_at.desc(), devices.c.id)
    )
    size = len(devices.c)
    return [
        (Device(*row[:size]), Installation(*row[size:]) if row[size] else None)
        for row in connection.execute(statement)
    ]


def list_installations(connection: Connection, device_id: UUID) -> list[Installation]:
    """The browsers and apps of the device that have not ended, newest use first."""
    statement = (
        select(installations)
        .where(installations.c.device_id == device_id, installations.c.ended_at.is_(None))
        .order_by(installations.c.last_seen.desc(), installations.c.id)
        .limit(MOST_SHOWN)
    )
    return [Installation(*row) for row in connection.execute(statement)]


def end_installation(
    connection: Connection, device_id: UUID, installation_id: UUID, now: datetime
) -> bool:
    """Whether the installation ended now, with everything opened in it; False if it had before."""
    result = connection.execute(
        update(installations)
        .where(
            installations.c.id == installation_id,
            installations.c.device_id == device_id,
            installations.c.ended_at.is_(None),
        )
        .values(ended_at=now)
    )
    return result.rowcount == 1


def end_installations(connection: Connection, device_id: UUID, now: datetime) -> None:
    """Every installation of the device has ended, with everything opened in them."""
    connection.execute(_END_ALL, {"ended_device": device_id, "now": now})


def _record_seen(
    connection: Connection,
    new_id: UUID,
    device_id: UUID,
    cookie: str,
    agent: UserAgent,
    now: datetime,
    place: dict[str, str] | None,
) -> UUID | None:
    row = {
        "id": new_id,
        "device_id": device_id,
        "cookie_hash": token_hash(cookie),
        "browser": agent.browser,
        "system": agent.system,
        "first_seen": now,
        "last_seen": now,
        "place": place,
    }
    found: UUID | None = connection.execute(_SEE[connection.dialect.name], row).scalar()
    return found


def _build_upsert(insert: Any) -> Any:
    """An INSERT that updates an installation seen before; gives no row when that has ended."""
    anew = ("browser", "system", "last_seen", "place")
    columns = ("id", "device_id", "cookie_hash", "first_seen", *anew)
    types = {name: installations.c[name].type for name in columns}
    statement = insert(installations).values(
        {name: bindparam(name, type_=types[name]) for name in columns}
    )
    return statement.on_conflict_do_update(
        index_elements=[installations.c.device_id, installations.c.cookie_hash],
        set_={name: statement.excluded[name] for name in anew},
        where=installations.c.ended_at.is_(None),
    ).returning(installations.c.id)


_END_ALL = (
    update(installations)
    .where(
        installations.c.device_id == bindparam("ended_device"),
        installations.c.ended_at.is_(None),
    )
    .values(ended_at=bindparam("now"))
)
# Built once: putting a statement together costs more than executing it.
_SEE = {
    "sqlite": _build_upsert(sqlite.insert),
    "postgresql": _build_upsert(postgresql.insert),
}

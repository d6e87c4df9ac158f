"""The life of a session: found while its whole chain is alive, touched, ended.

`sessions.opening` opens it, or goes on with the one that an installation has.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Join,
    and_,
    bindparam,
    func,
    select,
    update,
)

from authn.devices.tables import IdentityLevel, KeyLevel, Kind, devices, installations
from authn.people.tables import persons
from authn.secrets import token_hash
from authn.sessions.tables import sessions
from authn.settings import Settings
from authn.web.site import Site
from authn.webauthn.policy import level_today, lower

TOUCH_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SessionDevice:
    """The device of a session, as it is stored now: what policy looks at, and its name."""

    name: str
    kind: Kind
    aaguid: UUID
    algorithm: int
    backup_eligible: bool
    attested: bool
    attestation_key_id: str | None
    backup_changed: bool
    identity_level: IdentityLevel


@dataclass(frozen=True, slots=True)
class Session:
    """A session whose person, device and installation were all alive when it was looked up.

    `auth_time` is when the device was used. `level` is the lower of the login's and of what the
    device is worth today: a key that turned out to be synced, or whose model was revoked, lowers
    what was opened with it before. `heard_at` is when the national register last told of them.
    """

    id: UUID
    person_id: UUID
    device_id: UUID
    installation_id: UUID
    level: KeyLevel
    auth_time: datetime
    last_seen_at: datetime
    answered_request: str | None
    selected_request: str | None
    given_name: str
    family_name: str
    language: str
    heard_at: datetime
    device: SessionDevice

    @property
    def name(self) -> str:
        """Given and family name; some people have only the latter."""
        return f"{self.given_name} {self.family_name}".strip()


def chain() -> Join:
    """Session, installation, device and person, joined: select from it what you need of them."""
    return (
        sessions.join(installations, installations.c.id == sessions.c.installation_id)
        .join(devices, devices.c.id == installations.c.device_id)
        .join(persons, persons.c.id == devices.c.person_id)
    )


def alive() -> ColumnElement[bool]:
    """What must hold along `chain` for a session to be valid, but for its time limits."""
    return and_(
        sessions.c.ended_at.is_(None),
        installations.c.ended_at.is_(None),
        devices.c.status == "active",
        persons.c.deceased.is_(False),
    )


def within_limits() -> ColumnElement[bool]:
    """What must hold of a session's age and idleness; the parameters are those of `limits`."""
    return and_(
        sessions.c.auth_time > bindparam("opened_after"),
        sessions.c.last_seen_at > bindparam("seen_after"),
    )


_DEVICE = -len(SessionDevice.__dataclass_fields__)

# Built once: putting a statement together costs more than executing it.
_FIND = (
    select(
        sessions.c.id,
        persons.c.id,
        devices.c.id,
        installations.c.id,
        sessions.c.level,
        sessions.c.auth_time,
        sessions.c.last_seen_at,
        sessions.c.answered_request,
        sessions.c.selected_request,
        persons.c.given_name,
        persons.c.family_name,
        persons.c.language,
        persons.c.checked_at,
        *(devices.c[name] for name in SessionDevice.__dataclass_fields__),
    )
    .select_from(chain())
    .where(sessions.c.token_hash == bindparam("token_hash"), alive(), within_limits())
)
_END = (
    update(sessions)
    .where(sessions.c.token_hash == bindparam("ended_token_hash"), sessions.c.ended_at.is_(None))
    .values(ended_at=bindparam("ended_at"))
)
_END_ALL = (
    update(sessions)
    .where(
        sessions.c.installation_id.in_(
            select(installations.c.id)
            .join(devices, devices.c.id == installations.c.device_id)
            .where(
                devices.c.person_id == bindparam("of_person"), installations.c.ended_at.is_(None)
            )
        ),
        sessions.c.ended_at.is_(None),
        within_limits(),
    )
    .values(ended_at=bindparam("ended_at"))
)


def find_session(connection: Connection, site: Site, token: str, now: datetime) -> Session | None:
    """The session of this cookie while everything above it is alive and its limits are kept."""
    if not token:
        return None
    parameters = {"token_hash": token_hash(token), **limits(site.settings, now)}
    row = connection.execute(_FIND, parameters).first()
    if row is None:
        return None
    values = [*row[:_DEVICE], SessionDevice(*row[_DEVICE:])]
    session = Session(*values)
    level = lower(session.level, level_today(site, session.device))
    return session if level == session.level else replace(session, level=level)


def is_alive(connection: Connection, settings: Settings, session_id: UUID, now: datetime) -> bool:
    """Whether the session is still valid, asked for by somebody else than its browser."""
    statement = (
        select(sessions.c.id)
        .select_from(chain())
        .where(sessions.c.id == session_id, alive(), within_limits())
    )
    return connection.execute(statement, limits(settings, now)).first() is not None


def count_sessions(
    connection: Connection, settings: Settings, device_id: UUID, now: datetime
) -> int:
    """How many sessions of the device are valid now."""
    statement = (
        select(func.count())
        .select_from(chain())
        .where(devices.c.id == device_id, alive(), within_limits())
    )
    count: int = connection.execute(statement, limits(settings, now)).scalar_one()
    return count


def touch(connection: Connection, session: Session, now: datetime) -> None:
    """The session was used now; written at most once a minute.

    For endpoints that write anyway: a page that only reads takes no lock for it. Last of all, after
    person and device: whoever takes the session's row first may wait in a circle.
    """
    if now - session.last_seen_at >= TOUCH_EVERY:
        connection.execute(
            update(sessions).where(sessions.c.id == session.id).values(last_seen_at=now)
        )


def select_for_request(connection: Connection, session_id: UUID, request_id: str) -> None:
    """The person has chosen this session's account for the authorization request."""
    connection.execute(
        update(sessions).where(sessions.c.id == session_id).values(selected_request=request_id)
    )


def end_session(connection: Connection, session_id: UUID, now: datetime) -> bool:
    """Whether the session ended now; False when it had ended before."""
    result = connection.execute(
        update(sessions)
        .where(sessions.c.id == session_id, sessions.c.ended_at.is_(None))
        .values(ended_at=now)
    )
    return result.rowcount == 1


def end_session_of_token(connection: Connection, token: str, now: datetime) -> None:
    """The session of this cookie, if there is one, has ended."""
    connection.execute(_END, {"ended_token_hash": token_hash(token), "ended_at": now})


def end_sessions_of(
    connection: Connection, settings: Settings, person_id: UUID, now: datetime
) -> int:
    """How many sessions of the person ended now, on whatever device: all that there were."""
    parameters = {"of_person": person_id, "ended_at": now, **limits(settings, now)}
    return connection.execute(_END_ALL, parameters).rowcount


def limits(settings: Settings, now: datetime) -> dict[str, Any]:
    """The parameters of `within_limits` at this moment."""
    return {
        "opened_after": now - settings.session_lifetime,
        "seen_after": now - settings.session_idle,
    }

"""Sessions: found while their whole chain is alive, listed, and ended.

`sessions.opening` opens and renews them.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
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
from authn.webauthn.policy import current_level, lower_level

TOUCH_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SessionDevice:
    """The device of a session as stored now: the facts that policy needs, name and kind."""

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
    """A valid session, with facts of its person and device.

    `auth_time` is when the device was used. `level` is the lower of the login's and of what the
    device is worth today: a key that turned out to be synced, or whose model was revoked, lowers
    what was opened with it before. `checked_at` is when the national register last answered about
    the person.
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
    checked_at: datetime
    device: SessionDevice

    @property
    def name(self) -> str:
        """Given and family name; some people have only the latter."""
        return f"{self.given_name} {self.family_name}".strip()


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A valid session as people see it; browser and system are "" where unknown."""

    device_id: UUID
    browser: str
    system: str
    auth_time: datetime
    last_seen_at: datetime


def session_chain() -> Join:
    """The join of session, installation, device and person, to select from."""
    return (
        sessions.join(installations, installations.c.id == sessions.c.installation_id)
        .join(devices, devices.c.id == installations.c.device_id)
        .join(persons, persons.c.id == devices.c.person_id)
    )


def chain_is_alive() -> ColumnElement[bool]:
    """The condition on `session_chain` that a session is valid, but for its time limits."""
    return and_(
        sessions.c.ended_at.is_(None),
        installations.c.ended_at.is_(None),
        devices.c.status == "active",
        persons.c.deceased.is_(False),
    )


def within_limits() -> ColumnElement[bool]:
    """The condition on a session's age and idleness; its parameters are `limit_parameters`."""
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
    .select_from(session_chain())
    .where(sessions.c.token_hash == bindparam("token_hash"), chain_is_alive(), within_limits())
)
_OPEN = (
    select(
        devices.c.id,
        installations.c.browser,
        installations.c.system,
        sessions.c.auth_time,
        sessions.c.last_seen_at,
    )
    .select_from(session_chain())
    .where(devices.c.person_id == bindparam("of_person"), chain_is_alive(), within_limits())
    .order_by(sessions.c.last_seen_at.desc(), sessions.c.id)
    .limit(bindparam("most", type_=Integer))
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
    """The session of a cookie while its chain is alive and its limits are kept; else None."""
    if not token:
        return None
    parameters = {"token_hash": token_hash(token), **limit_parameters(site.settings, now)}
    row = connection.execute(_FIND, parameters).first()
    if row is None:
        return None
    values = [*row[:_DEVICE], SessionDevice(*row[_DEVICE:])]
    session = Session(*values)
    level = lower_level(session.level, current_level(site, session.device))
    return session if level == session.level else replace(session, level=level)


def is_session_valid(
    connection: Connection, settings: Settings, session_id: UUID, now: datetime
) -> bool:
    """Whether a session is still valid, for callers other than its browser."""
    statement = (
        select(sessions.c.id)
        .select_from(session_chain())
        .where(sessions.c.id == session_id, chain_is_alive(), within_limits())
    )
    return connection.execute(statement, limit_parameters(settings, now)).first() is not None


def count_sessions(
    connection: Connection, settings: Settings, device_id: UUID, now: datetime
) -> int:
    """The number of valid sessions of the device."""
    statement = (
        select(func.count())
        .select_from(session_chain())
        .where(devices.c.id == device_id, chain_is_alive(), within_limits())
    )
    count: int = connection.execute(statement, limit_parameters(settings, now)).scalar_one()
    return count


def list_open_sessions(
    connection: Connection, settings: Settings, person_id: UUID, now: datetime, most: int
) -> list[OpenSession]:
    """The person's valid sessions, last used first; at most `most`."""
    parameters = {"of_person": person_id, "most": most, **limit_parameters(settings, now)}
    return [OpenSession(*row) for row in connection.execute(_OPEN, parameters)]


def record_session_use(connection: Connection, session: Session, now: datetime) -> None:
    """The session is recorded as used now; written at most once a minute.

    For endpoints that write anyway: a page that only reads takes no lock. Call it last, after
    person and device are locked: the session's row first may be a deadlock.
    """
    if now - session.last_seen_at >= TOUCH_EVERY:
        connection.execute(
            update(sessions).where(sessions.c.id == session.id).values(last_seen_at=now)
        )


def select_session_for_request(connection: Connection, session_id: UUID, request_id: str) -> None:
    """The session is recorded as the account that the person chose for an authorization request."""
    connection.execute(
        update(sessions).where(sessions.c.id == session_id).values(selected_request=request_id)
    )


def end_session(connection: Connection, session_id: UUID, now: datetime) -> bool:
    """Whether the session ended now; False when it had before."""
    result = connection.execute(
        update(sessions)
        .where(sessions.c.id == session_id, sessions.c.ended_at.is_(None))
        .values(ended_at=now)
    )
    return result.rowcount == 1


def end_session_of_token(connection: Connection, token: str, now: datetime) -> None:
    """The session of a cookie, if there is any, has ended."""
    connection.execute(_END, {"ended_token_hash": token_hash(token), "ended_at": now})


def end_sessions_of_person(
    connection: Connection, settings: Settings, person_id: UUID, now: datetime
) -> int:
    """The number of sessions of the person that ended now: all, on every device."""
    parameters = {"of_person": person_id, "ended_at": now, **limit_parameters(settings, now)}
    return connection.execute(_END_ALL, parameters).rowcount


def limit_parameters(settings: Settings, now: datetime) -> dict[str, Any]:
    """The parameters of `within_limits` at `now`."""
    return {
        "opened_after": now - settings.session_lifetime,
        "seen_after": now - settings.session_idle,
    }

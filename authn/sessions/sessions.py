"""The life of a session: opened, found while its whole chain is alive, touched, ended."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, Join, and_, bindparam, func, select, update

from authn.devices.tables import HeldDevice, KeyLevel, devices, installations, key_level
from authn.people.tables import persons
from authn.secrets import new_token, token_hash
from authn.sessions.tables import sessions
from authn.settings import Settings

TOUCH_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Session:
    """A session whose person, device and installation were all alive when it was looked up.

    `auth_time` is when the device was used. `level` is that of the login, `key_kind` where the key
    is now: they differ when a key turned out to be synced later, and then `level` is the lower one.
    """

    id: UUID
    person_id: UUID
    device_id: UUID
    installation_id: UUID
    level: KeyLevel
    key_kind: KeyLevel
    auth_time: datetime
    last_seen_at: datetime
    answered_request: str | None
    selected_request: str | None
    given_name: str
    family_name: str
    language: str

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


# Built once: putting a statement together costs more than executing it.
_FIND = (
    select(
        sessions.c.id,
        persons.c.id,
        devices.c.id,
        installations.c.id,
        sessions.c.level,
        devices.c.backup_eligible,
        sessions.c.auth_time,
        sessions.c.last_seen_at,
        sessions.c.answered_request,
        sessions.c.selected_request,
        persons.c.given_name,
        persons.c.family_name,
        persons.c.language,
    )
    .select_from(chain())
    .where(sessions.c.token_hash == bindparam("token_hash"), alive(), within_limits())
)
_OPEN = sessions.insert()
_RENEW = (
    update(sessions)
    .where(
        sessions.c.token_hash == bindparam("earlier_token_hash"),
        sessions.c.installation_id == bindparam("same_installation_id"),
        sessions.c.ended_at.is_(None),
        within_limits(),
    )
    .values(
        {name: bindparam(name) for name in ("token_hash", "level", "auth_time", "last_seen_at")}
    )
    .values(answered_request=bindparam("answered_request"), selected_request=None)
    .returning(sessions.c.id)
)
_END = (
    update(sessions)
    .where(sessions.c.token_hash == bindparam("ended_token_hash"), sessions.c.ended_at.is_(None))
    .values(ended_at=bindparam("ended_at"))
)


def open_session(
    connection: Connection,
    held: HeldDevice,
    installation_id: UUID,
    answered_request: str | None,
    now: datetime,
) -> tuple[Session, str]:
    """A new session of this device and installation, and its identifier: the cookie's value."""
    token = new_token()
    session = _session(uuid4(), held, installation_id, answered_request, now)
    row = {"id": session.id, "installation_id": installation_id, **_login(session, token)}
    connection.execute(_OPEN, row)
    return session, token


def renew_session(
    connection: Connection,
    settings: Settings,
    earlier_token: str,
    held: HeldDevice,
    installation_id: UUID,
    answered_request: str | None,
    now: datetime,
) -> tuple[Session, str] | None:
    """The same session, signed in anew under a new identifier; the earlier one is worth nothing.

    What applications were given in it lives on. None when the earlier session was another
    installation's, or had ended.
    """
    token = new_token()
    session = _session(uuid4(), held, installation_id, answered_request, now)
    parameters = {
        "earlier_token_hash": token_hash(earlier_token),
        "same_installation_id": installation_id,
        **_login(session, token),
        **limits(settings, now),
    }
    session_id = connection.execute(_RENEW, parameters).scalar()
    return (replace(session, id=session_id), token) if session_id else None


def _session(
    session_id: UUID,
    held: HeldDevice,
    installation_id: UUID,
    answered_request: str | None,
    now: datetime,
) -> Session:
    """A session as it is right after a login with this device."""
    level = key_level(held.device.backup_eligible)
    return Session(
        id=session_id,
        person_id=held.person.id,
        device_id=held.device.id,
        installation_id=installation_id,
        level=level,
        key_kind=level,
        auth_time=now,
        last_seen_at=now,
        answered_request=answered_request,
        selected_request=None,
        given_name=held.person.given_name,
        family_name=held.person.family_name,
        language=held.person.language,
    )


def _login(session: Session, token: str) -> dict[str, Any]:
    """What a login writes of a session."""
    return {
        "token_hash": token_hash(token),
        "level": session.level,
        "auth_time": session.auth_time,
        "last_seen_at": session.last_seen_at,
        "answered_request": session.answered_request,
    }


def find_session(
    connection: Connection, settings: Settings, token: str, now: datetime
) -> Session | None:
    """The session of this cookie while everything above it is alive and its limits are kept."""
    if not token:
        return None
    row = connection.execute(
        _FIND, {"token_hash": token_hash(token), **limits(settings, now)}
    ).first()
    if row is None:
        return None
    # Protocol 2.4: a key that turned out to be synced lowers what was opened with it before
    values = list(row)
    values[5] = key_level(row[5])
    values[4] = row[4] if values[5] != "synced" else "synced"
    return Session(*values)


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

    For endpoints that write anyway: a page that only reads takes no lock for it.
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


def limits(settings: Settings, now: datetime) -> dict[str, Any]:
    """The parameters of `within_limits` at this moment."""
    return {
        "opened_after": now - settings.session_lifetime,
        "seen_after": now - settings.session_idle,
    }

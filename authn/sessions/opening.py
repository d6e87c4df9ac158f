"""Opening and renewing sessions: an installation has one at a time."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, bindparam, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from authn.devices.tables import HeldDevice, installations
from authn.secrets import new_token, token_hash
from authn.sessions.sessions import (
    Session,
    SessionDevice,
    end_session_of_token,
    limit_parameters,
    within_limits,
)
from authn.sessions.tables import sessions
from authn.settings import Settings
from authn.web.site import Site
from authn.webauthn.policy import current_level

# Built once: putting a statement together costs more than executing it.
_OPEN = sessions.insert()


def _renew(*which: ColumnElement[bool]) -> ReturningUpdate[Any]:
    return (
        update(sessions)
        .where(*which)
        .values(
            {name: bindparam(name) for name in ("token_hash", "level", "auth_time", "last_seen_at")}
        )
        .values(answered_request=bindparam("answered_request"), selected_request=None)
        .returning(sessions.c.id)
    )


_RENEW = _renew(
    sessions.c.token_hash == bindparam("earlier_token_hash"),
    sessions.c.installation_id == bindparam("same_installation_id"),
    sessions.c.ended_at.is_(None),
    within_limits(),
)
_NEWEST = (
    select(sessions.c.id)
    .where(
        sessions.c.installation_id == bindparam("same_installation_id"),
        sessions.c.ended_at.is_(None),
        within_limits(),
    )
    .order_by(sessions.c.auth_time.desc())
    .limit(1)
)
_GO_ON = _renew(sessions.c.id == _NEWEST.scalar_subquery())
# All but so many of a device, those unused for longest.
_TOO_MANY = (
    select(sessions.c.id)
    .select_from(sessions.join(installations))
    .where(
        installations.c.device_id == bindparam("capped_device"),
        installations.c.ended_at.is_(None),
        sessions.c.ended_at.is_(None),
        within_limits(),
    )
    .order_by(sessions.c.last_seen_at.desc(), sessions.c.id)
    .offset(bindparam("kept"))
)
_CAP = update(sessions).where(sessions.c.id.in_(_TOO_MANY)).values(ended_at=bindparam("ended_at"))


def open_session(
    connection: Connection,
    site: Site,
    held: HeldDevice,
    installation_id: UUID,
    answered_request: str | None,
    now: datetime,
) -> tuple[Session, str]:
    """A new session of a device and installation, and its identifier: the cookie's value."""
    token = new_token()
    session = _build_session(site, held, installation_id, answered_request, now)
    row = {"id": session.id, "installation_id": installation_id, **_login_values(session, token)}
    connection.execute(_OPEN, row)
    return session, token


def renew_session(
    connection: Connection,
    site: Site,
    earlier_token: str,
    held: HeldDevice,
    installation_id: UUID,
    answered_request: str | None,
    now: datetime,
) -> tuple[Session, str] | None:
    """The session of an installation after a new login, and its new identifier; or None.

    The session of the earlier token or, when that is missing or another installation's, the session
    that the browser forgot. Grants of applications in it stay valid; the earlier identifier does
    not. None when the installation has no valid session.
    """
    token = new_token()
    session = _build_session(site, held, installation_id, answered_request, now)
    parameters = {
        "same_installation_id": installation_id,
        **_login_values(session, token),
        **limit_parameters(site.settings, now),
    }
    if earlier_token:
        earlier = {"earlier_token_hash": token_hash(earlier_token)}
        session_id = connection.execute(_RENEW, parameters | earlier).scalar()
        if session_id is None:
            end_session_of_token(connection, earlier_token, now)
            session_id = connection.execute(_GO_ON, parameters).scalar()
    else:
        session_id = connection.execute(_GO_ON, parameters).scalar()
    return (replace(session, id=session_id), token) if session_id else None


def end_surplus_sessions(
    connection: Connection, settings: Settings, device_id: UUID, now: datetime
) -> None:
    """The device may open one more session: those unused for longest have ended, if need be."""
    parameters = {
        "capped_device": device_id,
        "kept": settings.sessions_per_device - 1,
        "ended_at": now,
        **limit_parameters(settings, now),
    }
    connection.execute(_CAP, parameters)


def _build_session(
    site: Site,
    held: HeldDevice,
    installation_id: UUID,
    answered_request: str | None,
    now: datetime,
) -> Session:
    """The session right after a login with the device."""
    device = held.device
    return Session(
        id=uuid4(),
        person_id=held.person.id,
        device_id=device.id,
        installation_id=installation_id,
        level=current_level(site, device),
        auth_time=now,
        last_seen_at=now,
        answered_request=answered_request,
        selected_request=None,
        given_name=held.person.given_name,
        family_name=held.person.family_name,
        language=held.person.language,
        checked_at=held.person.checked_at,
        device=SessionDevice(
            **{name: getattr(device, name) for name in SessionDevice.__dataclass_fields__}
        ),
    )


def _login_values(session: Session, token: str) -> dict[str, Any]:
    """The columns of a session that a login writes."""
    return {
        "token_hash": token_hash(token),
        "level": session.level,
        "auth_time": session.auth_time,
        "last_seen_at": session.last_seen_at,
        "answered_request": session.answered_request,
    }

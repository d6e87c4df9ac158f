"""Notifying the applications that were given something in a session that has ended.

OpenID Connect Back-Channel Logout 1.0 (https://openid.net/specs/openid-connect-backchannel-1_0.html).

Why found, not called: a session ends in a dozen ways (signed out, its installation or device ended,
another person signed in, its holder died), in rooms that know no application. Each leaves a row
with an end that nobody was notified of yet; the worker looks for such rows, in an index that holds
nothing else. So no act can forget to notify, and none waits for that.

A session that expires by itself is no such row: nobody ended it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Table,
    and_,
    bindparam,
    exists,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from authn.clients.clients import find_client
from authn.db.occasion import Occasion
from authn.devices.tables import devices, installations
from authn.grants.grants import sid
from authn.grants.tables import grants
from authn.outbox.outbox import enqueue
from authn.people.tables import persons
from authn.profiles.representing import end_profiles_representing
from authn.sessions.tables import sessions

OUTBOX_KIND = "backchannel-logout"
AT_ONCE = 100  # ends, in one transaction
# What an application was given longer ago is no session of its own any more.
REMEMBERED = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class LogoutAudience:
    """An application that was given something in a session, with its `sub` of the person."""

    session_id: UUID
    client_id: str
    subject: str
    person_id: UUID
    profile_id: UUID | None

    @property
    def sid(self) -> str:
        """The claim `sid` of the session for the client and profile."""
        return sid(self.session_id, self.client_id, self.profile_id)


_ENDED = {
    sessions: and_(sessions.c.ended_at.is_not(None), sessions.c.end_told_at.is_(None)),
    installations: and_(
        installations.c.ended_at.is_not(None), installations.c.end_told_at.is_(None)
    ),
    persons: and_(persons.c.deceased.is_(True), persons.c.end_told_at.is_(None)),
}
_ANY = select(or_(*(exists().where(condition) for condition in _ENDED.values())))


def _mark(table: Table, condition: ColumnElement[bool]) -> ReturningUpdate[Any]:
    """A statement that marks some ended rows as notified, for one worker alone.

    By a CTE: PostgreSQL evaluates it once, where it may run a subquery, with its limit, many times.
    """
    some = (
        select(table.c.id)
        .where(condition)
        .limit(bindparam("most", type_=Integer))
        .with_for_update(skip_locked=True)
        .cte("some")
    )
    return (
        update(table)
        .where(table.c.id.in_(select(some.c.id)), table.c.end_told_at.is_(None))
        .values(end_told_at=bindparam("now"))
        .returning(table.c.id)
    )


_MARK = {table: _mark(table, condition) for table, condition in _ENDED.items()}


def _end_sessions(of: ColumnElement[bool]) -> ReturningUpdate[Any]:
    """A statement that ends the sessions of ended installations or people for good."""
    return (
        update(sessions)
        .where(
            of,
            sessions.c.ended_at.is_(None),
            sessions.c.auth_time > bindparam("since"),
        )
        .values(ended_at=bindparam("now"), end_told_at=bindparam("now"))
        .returning(sessions.c.id)
    )


_OF_INSTALLATIONS = _end_sessions(sessions.c.installation_id.in_(bindparam("ids", expanding=True)))
_OF_PERSONS = _end_sessions(
    sessions.c.installation_id.in_(
        select(installations.c.id)
        .join(devices, devices.c.id == installations.c.device_id)
        .where(devices.c.person_id.in_(bindparam("ids", expanding=True)))
    )
)
# By the device, which has an index by time: a session alone has none.
_AUDIENCE = (
    select(
        grants.c.session_id,
        grants.c.client_id,
        grants.c.subject,
        grants.c.person_id,
        grants.c.profile_id,
    )
    .distinct()
    .select_from(
        sessions.join(installations, installations.c.id == sessions.c.installation_id).join(
            grants,
            and_(
                grants.c.device_id == installations.c.device_id,
                grants.c.session_id == sessions.c.id,
            ),
        )
    )
    .where(
        sessions.c.id.in_(bindparam("ids", expanding=True)),
        grants.c.granted_at > bindparam("since"),
    )
)


def list_logout_audience(
    connection: Connection, session_ids: Collection[UUID], now: datetime
) -> list[LogoutAudience]:
    """The applications that were given something in the sessions, once for each session."""
    parameters = {"ids": list(session_ids), "since": now - REMEMBERED}
    return [LogoutAudience(*row) for row in connection.execute(_AUDIENCE, parameters)]


def has_ended_sessions(connection: Connection) -> bool:
    """Whether an end waits to be notified: three looks into nearly empty indexes."""
    return bool(connection.execute(_ANY).scalar())


def notify_of_ended_sessions(occasion: Occasion) -> int:
    """Puts logout tokens for ended sessions into the outbox; how many.

    One for each session and application that wants to hear of it; each session once, whoever else
    does the same at this moment.
    """
    connection, now = occasion.connection, occasion.now
    some = {"now": now, "most": AT_ONCE}
    ended: list[UUID] = []
    ended += connection.execute(_MARK[sessions], some).scalars()
    for table, statement in ((installations, _OF_INSTALLATIONS), (persons, _OF_PERSONS)):
        above = list(connection.execute(_MARK[table], some).scalars())
        if above:
            parameters = {"ids": above, "now": now, "since": now - REMEMBERED}
            ended += connection.execute(statement, parameters).scalars()
        if table is persons and above:
            # Nobody acts for the dead; `ended_profiles` tells of it.
            end_profiles_representing(connection, above, now)
    return _enqueue_logout_tokens(occasion, ended) if ended else 0


def _enqueue_logout_tokens(occasion: Occasion, session_ids: list[UUID]) -> int:
    count = 0
    found = list_logout_audience(occasion.connection, session_ids, occasion.now)
    clients = {
        each: find_client(occasion.connection, each) for each in {a.client_id for a in found}
    }
    for each in found:
        client = clients[each.client_id]
        if client and client.metadata.backchannel_logout_uri:
            payload = {"client_id": each.client_id, "sub": each.subject, "sid": each.sid}
            enqueue(occasion, OUTBOX_KIND, payload, each.person_id, each.client_id)
            count += 1
    return count

"""A grant: what one person allowed one client, in one session; whether it lives; its end."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Join, and_, bindparam, or_, select, update

from authn.devices.tables import KeyLevel, devices
from authn.grants.particulars import Particulars, unpack_particulars
from authn.grants.tables import grants
from authn.people.tables import persons
from authn.sessions.sessions import alive, chain, limits, within_limits
from authn.sessions.tables import sessions
from authn.settings import Settings

# Core §11: a scope by which what was obtained goes on after the person has signed out.
OFFLINE_ACCESS = "offline_access"


@dataclass(frozen=True, slots=True)
class Grant:
    """A row of `grants` without the request that it answered and its end.

    `subject` is the pairwise `sub` of the person for the client's sector.
    """

    id: UUID
    person_id: UUID
    device_id: UUID
    session_id: UUID
    client_id: str
    subject: str
    scope: str
    level: KeyLevel
    auth_time: datetime
    granted_at: datetime
    offline: bool
    particulars: str

    @property
    def allowed(self) -> Particulars:
        """What was allowed besides the scope."""
        return unpack_particulars(self.particulars)

    @property
    def sid(self) -> str:
        """The session's name for this client."""
        return sid(self.session_id, self.client_id)


COLUMNS = tuple(grants.c[name] for name in Grant.__dataclass_fields__)
_REVOKE = (
    update(grants)
    .where(grants.c.id == bindparam("grant_id"), grants.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("now"))
)


def sid(session_id: UUID, client_id: str) -> str:
    """Differs for each (session, client), so that no two clients can compare (protocol 1.3).

    A hash of the session's random id: always the same, and nobody can guess another client's.
    """
    digest = hashlib.sha256(session_id.bytes + client_id.encode()).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


def live_chain() -> Join:
    """Grant, session, installation, device and person, joined."""
    return chain().join(grants, grants.c.session_id == sessions.c.id)


def live() -> ColumnElement[bool]:
    """What must hold along `live_chain` for a grant to be valid; its parameters are `limits`.

    An offline grant goes on without its session, not without its device and its person; and one of
    before a suspension does not come back with the device (protocol 1.2).
    """
    online = and_(alive(), within_limits())
    offline = and_(
        grants.c.offline.is_(True),
        devices.c.status == "active",
        or_(devices.c.resumed_at.is_(None), grants.c.granted_at > devices.c.resumed_at),
        persons.c.deceased.is_(False),
    )
    return and_(grants.c.revoked_at.is_(None), or_(online, offline))


# Built once: putting a statement together costs more than executing it.
_FIND_LIVE = (
    select(*COLUMNS).select_from(live_chain()).where(grants.c.id == bindparam("grant_id"), live())
)


def find_live_grant(
    connection: Connection, settings: Settings, grant_id: UUID, now: datetime
) -> Grant | None:
    """The grant while it and everything above it is alive."""
    parameters = {"grant_id": grant_id, **limits(settings, now)}
    row = connection.execute(_FIND_LIVE, parameters).first()
    return Grant(*row) if row else None


def revoke_grant(connection: Connection, grant_id: UUID, now: datetime) -> bool:
    """Whether the grant was revoked now, with all its tokens; False when it was before."""
    result = connection.execute(_REVOKE, {"grant_id": grant_id, "now": now})
    return result.rowcount == 1

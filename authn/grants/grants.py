"""A grant: what one person allowed one client, in one session; whether it lives; its end."""

import base64
import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Join,
    Uuid,
    and_,
    bindparam,
    func,
    literal,
    or_,
    select,
    update,
)

from authn.clients.tables import clients
from authn.devices.tables import KeyLevel, devices
from authn.errors import InvalidRequest
from authn.grants.particulars import GrantDetails, unpack_particulars
from authn.grants.tables import grants
from authn.people.tables import persons, subjects
from authn.profiles.profile import NO_PROFILE
from authn.sessions import sessions as session_rules
from authn.sessions.sessions import alive, chain, within_limits
from authn.sessions.tables import sessions
from authn.settings import Settings

# Core §11: a scope by which what was obtained goes on after the person has signed out.
OFFLINE_ACCESS = "offline_access"

# Under a name of its own: who selects along the chain may join `clients` once more.
client_of_grant = clients.alias("client_of_grant")


class InvalidGrant(InvalidRequest):
    """What was presented as a grant is worth nothing, or no more (RFC 6749 §5.2)."""

    def __init__(self, description: str, *, detail: str = "") -> None:
        super().__init__("invalid_grant", description, detail=detail)


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
    profile_id: UUID | None
    ends_at: datetime | None

    @property
    def allowed(self) -> GrantDetails:
        """What was allowed besides the scope."""
        return unpack_particulars(self.particulars)

    @property
    def sid(self) -> str:
        """The session's name for this client."""
        return sid(self.session_id, self.client_id, self.profile_id)


COLUMNS = tuple(grants.c[name] for name in Grant.__dataclass_fields__)
_REVOKE = (
    update(grants)
    .where(grants.c.id == bindparam("grant_id"), grants.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("now"))
)
_REVOKE_OFFLINE = (
    update(grants)
    .where(
        grants.c.device_id.in_(
            select(devices.c.id).where(devices.c.person_id == bindparam("of_person"))
        ),
        grants.c.person_id == bindparam("of_person"),
        grants.c.offline.is_(True),
        grants.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("now"))
)


# By way of the devices: by them there is an index.
_OF_PERSON_AND_CLIENT = (
    grants.c.device_id.in_(
        select(devices.c.id).where(devices.c.person_id == bindparam("of_person"))
    ),
    grants.c.person_id == bindparam("of_person"),
    grants.c.client_id == bindparam("of_client"),
)
# A citizen's has no profile; `NO_PROFILE` stands for that here as it does for consents.
_IN_PROFILE = func.coalesce(grants.c.profile_id, literal(NO_PROFILE, Uuid)) == bindparam(
    "in_profile", type_=Uuid
)
_REVOKE_OF = (
    update(grants)
    .where(*_OF_PERSON_AND_CLIENT, grants.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("now"))
)
_REVOKE_IN_PROFILE = _REVOKE_OF.where(_IN_PROFILE)


def sid(session_id: UUID, client_id: str, profile_id: UUID | None = None) -> str:
    """Differs for each (session, client), so that no two clients can compare (decisions 1.3).

    And for each profile: who changes the capacity has another session at the client. A hash of the
    session's random id: always the same, and nobody can guess another client's.
    """
    profile = profile_id.bytes if profile_id else b""
    digest = hashlib.sha256(session_id.bytes + profile + client_id.encode()).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


def live_chain() -> Join:
    """Grant, client, session, installation, device and person, joined."""
    return (
        chain()
        .join(grants, grants.c.session_id == sessions.c.id)
        .join(client_of_grant, client_of_grant.c.client_id == grants.c.client_id)
    )


def live() -> ColumnElement[bool]:
    """What must hold along `live_chain` for a grant to be valid; its parameters are `limits`.

    An offline grant goes on without its session, not without its device and its person; and one of
    before a suspension does not come back with the device (decisions 1.2).
    """
    online = and_(alive(), within_limits())
    offline = and_(
        grants.c.offline.is_(True),
        devices.c.status == "active",
        or_(devices.c.resumed_at.is_(None), grants.c.granted_at > devices.c.resumed_at),
        persons.c.deceased.is_(False),
    )
    return and_(
        grants.c.revoked_at.is_(None),
        # A login at the moment in which its device became another person's (`people.merge`).
        grants.c.person_id == devices.c.person_id,
        or_(grants.c.ends_at.is_(None), grants.c.ends_at > bindparam("now")),
        client_of_grant.c.ended_at.is_(None),
        or_(online, offline),
    )


def limits(settings: Settings, now: datetime) -> dict[str, Any]:
    """The parameters of `live` at this moment."""
    return {**session_rules.limits(settings, now), "now": now}


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


# By the person's devices, for which grants have an index; `sub` is unique, whatever its sector.
_NEWEST = (
    select(*COLUMNS, client_of_grant.c.scope.label("client_scope"))
    .select_from(live_chain())
    .where(
        grants.c.device_id.in_(
            select(devices.c.id)
            .join(subjects, subjects.c.person_id == devices.c.person_id)
            .where(subjects.c.sub == bindparam("subject"))
        ),
        grants.c.client_id == bindparam("client_id"),
        grants.c.subject == bindparam("subject"),
        live(),
    )
    .order_by(grants.c.granted_at.desc())
    .limit(1)
)


def newest_live_grant(
    connection: Connection, settings: Settings, client_id: str, subject: str, now: datetime
) -> Grant | None:
    """What the person whom the client knows as this subject allowed it last, while it is alive:
    with what of its scope the client may ask to this day."""
    parameters = {"client_id": client_id, "subject": subject, **limits(settings, now)}
    row = connection.execute(_NEWEST, parameters).first()
    if row is None:
        return None
    *values, client_scope = row
    grant, askable = Grant(*values), client_scope.split()
    return replace(grant, scope=" ".join(each for each in grant.scope.split() if each in askable))


def revoke_grant(connection: Connection, grant_id: UUID, now: datetime) -> bool:
    """Whether the grant was revoked now, with all its tokens; False when it was before."""
    result = connection.execute(_REVOKE, {"grant_id": grant_id, "now": now})
    return result.rowcount == 1


_LIVE_OF = select(*COLUMNS).select_from(live_chain()).where(*_OF_PERSON_AND_CLIENT, live())
_LIVE_IN_PROFILE = _LIVE_OF.where(_IN_PROFILE)


def live_grants_of(
    connection: Connection,
    settings: Settings,
    person_id: UUID,
    client_id: str,
    now: datetime,
    profile_id: UUID | None = None,
) -> list[Grant]:
    """What the person gave this client and is alive; of one profile (`Profile.consent_id`), if one
    is given."""
    parameters = {"of_person": person_id, "of_client": client_id, **limits(settings, now)}
    statement = _LIVE_OF
    if profile_id is not None:
        statement, parameters = _LIVE_IN_PROFILE, {**parameters, "in_profile": profile_id}
    return [Grant(*row) for row in connection.execute(statement, parameters)]


def revoke_grants_of(
    connection: Connection,
    person_id: UUID,
    client_id: str,
    now: datetime,
    profile_id: UUID | None = None,
) -> int:
    """How many grants that the person gave this client were revoked now, with all their tokens; of
    one profile (`Profile.consent_id`), if one is given."""
    parameters = {"of_person": person_id, "of_client": client_id, "now": now}
    if profile_id is None:
        return connection.execute(_REVOKE_OF, parameters).rowcount
    parameters["in_profile"] = profile_id
    return connection.execute(_REVOKE_IN_PROFILE, parameters).rowcount


def revoke_offline_grants(connection: Connection, person_id: UUID, now: datetime) -> int:
    """How many grants that outlive a session were revoked now, of whatever application."""
    parameters = {"of_person": person_id, "now": now}
    return connection.execute(_REVOKE_OFFLINE, parameters).rowcount

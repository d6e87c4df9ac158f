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
from authn.grants.authorization_request import GrantDetails, unpack_grant_details
from authn.grants.tables import grants
from authn.people.tables import persons, subjects
from authn.profiles.profile import NO_PROFILE
from authn.sessions import sessions as session_rules
from authn.sessions.sessions import chain_is_alive, session_chain, within_limits
from authn.sessions.tables import sessions
from authn.settings import Settings

# Core §11: a scope by which what was obtained goes on after the person has signed out.
OFFLINE_ACCESS = "offline_access"

# Under a name of its own: who selects along the chain may join `clients` once more.
client_of_grant = clients.alias("client_of_grant")


class InvalidGrant(InvalidRequest):
    """The code or token that a client presented is not valid (RFC 6749 §5.2 `invalid_grant`)."""

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
        """What was allowed besides the scope, unpacked."""
        return unpack_grant_details(self.particulars)

    @property
    def sid(self) -> str:
        """The claim `sid` of the session for the client and profile."""
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
    """The claim `sid`: different for each session and client, so that clients can't compare it
    (decisions 1.3).

    And for each profile: who changes the capacity has another session at the client. A hash of the
    session's random id: always the same, and nobody can guess another client's.
    """
    profile = profile_id.bytes if profile_id else b""
    digest = hashlib.sha256(session_id.bytes + profile + client_id.encode()).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


def live_chain() -> Join:
    """Grant, client, session, installation, device and person, joined."""
    return (
        session_chain()
        .join(grants, grants.c.session_id == sessions.c.id)
        .join(client_of_grant, client_of_grant.c.client_id == grants.c.client_id)
    )


def live_condition() -> ColumnElement[bool]:
    """What must hold along `live_chain` for a grant to be valid (`sessions.limit_parameters`).

    An offline grant goes on without its session, not without its device and its person; and one of
    before a suspension does not come back with the device (decisions 1.2).
    """
    online = and_(chain_is_alive(), within_limits())
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


def live_parameters(settings: Settings, now: datetime) -> dict[str, Any]:
    """The parameters of `live_condition` at this moment."""
    return {**session_rules.limit_parameters(settings, now), "now": now}


# Built once: putting a statement together costs more than executing it.
_FIND_LIVE = (
    select(*COLUMNS)
    .select_from(live_chain())
    .where(grants.c.id == bindparam("grant_id"), live_condition())
)


def find_live_grant(
    connection: Connection, settings: Settings, grant_id: UUID, now: datetime
) -> Grant | None:
    """The grant, if the grant and everything in `live_chain` is alive; None if not."""
    parameters = {"grant_id": grant_id, **live_parameters(settings, now)}
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
        live_condition(),
    )
    .order_by(grants.c.granted_at.desc())
    .limit(1)
)


def find_newest_live_grant(
    connection: Connection, settings: Settings, client_id: str, subject: str, now: datetime
) -> Grant | None:
    """The newest live grant of a client for a `sub`, without scopes that the client may not ask
    any more; None if there is none."""
    parameters = {"client_id": client_id, "subject": subject, **live_parameters(settings, now)}
    row = connection.execute(_NEWEST, parameters).first()
    if row is None:
        return None
    *values, client_scope = row
    grant, askable = Grant(*values), client_scope.split()
    return replace(grant, scope=" ".join(each for each in grant.scope.split() if each in askable))


def revoke_grant(connection: Connection, grant_id: UUID, now: datetime) -> bool:
    """Revokes a grant with all its tokens; False if it was revoked before."""
    result = connection.execute(_REVOKE, {"grant_id": grant_id, "now": now})
    return result.rowcount == 1


_LIVE_OF = (
    select(*COLUMNS).select_from(live_chain()).where(*_OF_PERSON_AND_CLIENT, live_condition())
)
_LIVE_IN_PROFILE = _LIVE_OF.where(_IN_PROFILE)


def list_live_grants(
    connection: Connection,
    settings: Settings,
    person_id: UUID,
    client_id: str,
    now: datetime,
    profile_id: UUID | None = None,
) -> list[Grant]:
    """The live grants of a person to a client; of one profile (`Profile.consent_id`), if one is
    given."""
    parameters = {"of_person": person_id, "of_client": client_id, **live_parameters(settings, now)}
    statement = _LIVE_OF
    if profile_id is not None:
        statement, parameters = _LIVE_IN_PROFILE, {**parameters, "in_profile": profile_id}
    return [Grant(*row) for row in connection.execute(statement, parameters)]


def revoke_grants_at_client(
    connection: Connection,
    person_id: UUID,
    client_id: str,
    now: datetime,
    profile_id: UUID | None = None,
) -> int:
    """Revokes the grants of a person to a client with all their tokens; how many.

    Only those of one profile (`Profile.consent_id`), if one is given."""
    parameters = {"of_person": person_id, "of_client": client_id, "now": now}
    if profile_id is None:
        return connection.execute(_REVOKE_OF, parameters).rowcount
    parameters["in_profile"] = profile_id
    return connection.execute(_REVOKE_IN_PROFILE, parameters).rowcount


def revoke_offline_grants(connection: Connection, person_id: UUID, now: datetime) -> int:
    """Revokes the offline grants of a person at every application; how many."""
    parameters = {"of_person": person_id, "now": now}
    return connection.execute(_REVOKE_OFFLINE, parameters).rowcount


# Built once: putting a statement together costs more than executing it.
_LIVE_APPLICATIONS = (
    select(grants.c.device_id, clients.c.client_name)
    .distinct()
    .select_from(live_chain().join(clients, clients.c.client_id == grants.c.client_id))
    .where(live_condition())
    .order_by(clients.c.client_name)
)
_OF_DEVICE = _LIVE_APPLICATIONS.where(grants.c.device_id == bindparam("of_device"))
_BY_DEVICE = _LIVE_APPLICATIONS.where(
    grants.c.device_id.in_(
        select(devices.c.id).where(devices.c.person_id == bindparam("of_person"))
    )
)


def applications_of_device(
    connection: Connection, settings: Settings, device_id: UUID, now: datetime
) -> list[str]:
    """The names of the applications in which a device has a live grant."""
    parameters = {"of_device": device_id, **live_parameters(settings, now)}
    return [name for _, name in connection.execute(_OF_DEVICE, parameters)]


def applications_by_device(
    connection: Connection, settings: Settings, person_id: UUID, now: datetime
) -> dict[UUID, list[str]]:
    """The names of the applications with a live grant, for each device of a person with any."""
    parameters = {"of_person": person_id, **live_parameters(settings, now)}
    found: dict[UUID, list[str]] = {}
    for device_id, name in connection.execute(_BY_DEVICE, parameters):
        found.setdefault(device_id, []).append(name)
    return found

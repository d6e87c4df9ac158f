"""The applications of a person, and those that a device opened: to recognise, and to end."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, select

from authn.clients.clients import Client, find_client
from authn.clients.tables import clients
from authn.consents.scopes import SCOPES
from authn.consents.tables import consents
from authn.devices.tables import devices
from authn.enrolment.returning import waits
from authn.grants.grants import limits, live, live_chain
from authn.grants.tables import grants, refresh_tokens
from authn.login.scopes import InWords, in_words
from authn.notices.addresses import is_reachable
from authn.settings import Settings
from authn.web.request import Request

# An application that was not used for longer, and was allowed nothing, is no application any more.
SHOWN_FOR = timedelta(days=400)


def live_applications(
    connection: Connection, settings: Settings, device_id: UUID, now: datetime
) -> list[str]:
    """The names of the applications that the device is signed in to now."""
    statement = (
        select(clients.c.client_name)
        .distinct()
        .select_from(live_chain().join(clients, clients.c.client_id == grants.c.client_id))
        .where(grants.c.device_id == device_id, live())
        .order_by(clients.c.client_name)
    )
    return list(connection.execute(statement, limits(settings, now)).scalars())


@dataclass(frozen=True, slots=True)
class LastApplications:
    """By device: the application that it was last used for.

    And what the same page asks of the person, in the same statement: whether they have a confirmed
    mail address, and whether somebody's return waits.
    """

    by_device: dict[UUID, str]
    reachable: bool
    return_waits: bool


def last_applications(connection: Connection, person_id: UUID, now: datetime) -> LastApplications:
    """What this person's devices were last used for."""
    # One step down an index for each device, however much it was used.
    last = (
        select(grants.c.client_id)
        .where(grants.c.device_id == devices.c.id)
        .order_by(grants.c.granted_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    statement = (
        select(
            devices.c.id,
            clients.c.client_name,
            is_reachable(person_id).label("reachable"),
            waits(person_id, now).label("return_waits"),
        )
        .select_from(devices)
        .outerjoin(clients, clients.c.client_id == last)
        .where(devices.c.person_id == person_id)
    )
    rows = connection.execute(statement).all()
    return LastApplications(
        by_device={row.id: row.client_name for row in rows if row.client_name is not None},
        reachable=any(row.reachable for row in rows),
        return_waits=any(row.return_waits for row in rows),
    )


@dataclass(frozen=True, slots=True)
class Application:
    """One that the person allowed something, or signs in to; `name` is in the page's language.

    `asks`: it may do nothing before the person has said yes. `may` is what they allowed it, or of
    one that asks nobody what the operator did. `since` is when that began, `last_used_at` the last
    sign-in or, of one that goes on without its person (`offline`), its last use.
    """

    client_id: str
    name: str
    domain: str
    asks: bool
    may: InWords
    since: datetime
    last_used_at: datetime | None
    offline: bool


_DEVICES = select(devices.c.id).where(devices.c.person_id == bindparam("person_id"))
_CONSENTS = select(consents.c.client_id, consents.c.scope, consents.c.given_at).where(
    consents.c.person_id == bindparam("person_id")
)
# One step down an index for each device, to what is not too long ago.
_GRANTS = (
    select(grants.c.client_id, func.min(grants.c.granted_at), func.max(grants.c.granted_at))
    .where(
        grants.c.device_id.in_(_DEVICES),
        grants.c.granted_at > bindparam("shown_since"),
        grants.c.revoked_at.is_(None),
    )
    .group_by(grants.c.client_id)
)
_OFFLINE = (
    select(
        grants.c.client_id, func.min(grants.c.granted_at), func.max(refresh_tokens.c.last_used_at)
    )
    .select_from(live_chain().join(refresh_tokens, refresh_tokens.c.grant_id == grants.c.id))
    .where(
        grants.c.device_id.in_(_DEVICES),
        grants.c.offline.is_(True),
        refresh_tokens.c.rotated_at.is_(None),
        refresh_tokens.c.expires_at > bindparam("now"),
        live(),
    )
    .group_by(grants.c.client_id)
)


def applications_of(request: Request, person_id: UUID) -> list[Application]:
    """The applications of a person, the last used first; one that has ended is none."""
    now = request.now
    parameters = {"person_id": person_id, "now": now, "shown_since": now - SHOWN_FOR}
    parameters |= limits(request.settings, now)
    began: dict[str, list[datetime]] = {}
    used: dict[str, list[datetime]] = {}
    allowed: dict[str, list[str]] = {}
    offline = set()
    for client_id, name, given_at in request.connection.execute(_CONSENTS, parameters):
        began.setdefault(client_id, []).append(given_at)
        allowed.setdefault(client_id, []).append(name)
    for client_id, first, last in request.connection.execute(_GRANTS, parameters):
        began.setdefault(client_id, []).append(first)
        used.setdefault(client_id, []).append(last)
    for client_id, first, last in request.connection.execute(_OFFLINE, parameters):
        began.setdefault(client_id, []).append(first)
        used.setdefault(client_id, []).append(last)
        offline.add(client_id)
    found = [
        Application(
            client_id=client.client_id,
            name=client.shown_name(request.language),
            domain=client.domain,
            asks=not client.first_party,
            may=in_words(request, None, allowed.get(client_id, ()) or _may_unasked(client)),
            since=min(moments),
            last_used_at=max(used.get(client_id, []), default=None),
            offline=client_id in offline,
        )
        for client_id, moments in began.items()
        if (client := find_client(request.connection, client_id))
    ]
    return sorted(
        found, key=lambda each: (each.last_used_at or each.since, each.name), reverse=True
    )


def _may_unasked(client: Client) -> list[str]:
    """The scopes of ours that a client has of everybody who uses it."""
    return [scope for scope in SCOPES if client.first_party and client.may_ask(scope)]

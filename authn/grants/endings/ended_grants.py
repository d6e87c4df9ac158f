"""Ending all grants of a client or of a merged person; notifying who is concerned by ended grants.

OpenID Connect Back-Channel Logout 1.0 (https://openid.net/specs/openid-connect-backchannel-1_0.html)
for the application: one logout token for each of its sessions that the grants were of. A resource
with a revocation hook is notified that the tokens that it got in the person's name are revoked
 (`oidc.security_events.revocation_hook`).

Why called, and not found afterwards as ended sessions are: there are few acts that end a grant, and
each of them knows which.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import Connection, bindparam, select, update

from authn.clients.client_registration.registration import end_registration
from authn.clients.clients import find_client
from authn.clients.resource_servers.revocation_hooks import find_concerned_hooks
from authn.db.occasion import NO_REFERENCE, Occasion
from authn.devices.tables import devices
from authn.grants.endings.ended_sessions import OUTBOX_KIND as BACKCHANNEL_LOGOUT
from authn.grants.grants import Grant
from authn.grants.tables import grants
from authn.jose import numeric_date
from authn.outbox.outbox import LONGEST_DESTINATION, enqueue
from authn.people.merge import PersonMerge
from authn.people.subjects import known_subjects
from authn.secrets import Secrets

REVOCATION_HOOK: Final = "revocation-hook"


def notify_of_ended_grants(
    occasion: Occasion, ended: Sequence[Grant], *, client_too: bool = True
) -> None:
    """Puts into the outbox what clients and resources must be sent about ended grants.

    The client is left out where the client itself ended them (`client_too`).
    """
    for person_id, client_id in dict.fromkeys((each.person_id, each.client_id) for each in ended):
        own = [each for each in ended if (each.person_id, each.client_id) == (person_id, client_id)]
        if client_too:
            _notify_client(occasion, client_id, own)
        _notify_resources(occasion, person_id, client_id, own)


def _notify_client(occasion: Occasion, client_id: str, ended: Iterable[Grant]) -> None:
    client = find_client(occasion.connection, client_id)
    if client is None or not client.metadata.backchannel_logout_uri:
        return
    sessions = {each.sid: each for each in ended}
    for sid, grant in sessions.items():
        payload = {"client_id": client_id, "sub": grant.subject, "sid": sid}
        enqueue(occasion, BACKCHANNEL_LOGOUT, payload, grant.person_id, client_id)


def _notify_resources(
    occasion: Occasion, person_id: UUID, client_id: str, ended: Iterable[Grant]
) -> None:
    """One row for each resource that knows the person; no other resource ever got a token."""
    granted = {resource for each in ended for resource in each.allowed.resources}
    hooks = find_concerned_hooks(occasion.connection, client_id, granted)
    if not hooks:
        return
    sectors = {hook.sector_identifier for hook in hooks}
    subjects = known_subjects(occasion.connection, person_id, sectors)
    for hook in hooks:
        if sub := subjects.get(hook.sector_identifier):
            payload = {
                "resource": hook.resource,
                "sub": sub,
                "client_id": client_id,
                "toe": numeric_date(occasion.now),
            }
            host = (urlsplit(hook.address).hostname or "")[:LONGEST_DESTINATION]
            enqueue(occasion, REVOCATION_HOOK, payload, person_id, host)


_REVOKE_OF_CLIENT = (
    update(grants)
    .where(grants.c.client_id == bindparam("the_client_id"), grants.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("now"))
)


def end_client(
    connection: Connection,
    secrets: Secrets,
    client_id: str,
    now: datetime,
    reference: str = NO_REFERENCE,
    actor_id: UUID | None = None,
) -> int | None:
    """Ends a client and revokes its grants; their number, None if the client had ended before.

    The client is ended first, so that nobody redeems or refreshes in between.
    """
    if not end_registration(connection, secrets, client_id, now, reference, actor_id):
        return None
    return connection.execute(_REVOKE_OF_CLIENT, {"the_client_id": client_id, "now": now}).rowcount


# By way of the devices, which have moved before: by them there is an index.
_REVOKE_OF_MERGED = (
    update(grants)
    .where(
        grants.c.device_id.in_(select(devices.c.id).where(devices.c.person_id == bindparam("to"))),
        grants.c.person_id == bindparam("merged"),
        grants.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("now"))
)


def end_grants_of_merged(merger: PersonMerge) -> list[str]:
    """Revokes every grant of a merged person, offline ones too; what was done, in words.

    The rows keep their `sub`, by which the application may not know the person any more.
    """
    parameters = {
        "merged": merger.merged.id,
        "to": merger.kept.id,
        "now": merger.occasion.now,
    }
    revoked = merger.connection.execute(_REVOKE_OF_MERGED, parameters).rowcount
    return [f"Grants of applications that end: {revoked}."]

"""Who hears that grants have ended before their session did: the application, and the resources.

OpenID Connect Back-Channel Logout 1.0 (https://openid.net/specs/openid-connect-backchannel-1_0.html)
for the application: for each of its sessions that these grants were of, as when the session itself
has ended. A resource with a revocation hook is told that what it was sent in this person's name is
worth nothing any more (`oidc.revocation_hook`).

Why called, and not found afterwards as ended sessions are: there are few acts that end a grant, and
each of them knows which.
"""

from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from authn.clients.clients import find_client
from authn.clients.revocation_hooks import hooks_concerned
from authn.db.occasion import Occasion
from authn.grants.ended_sessions import OUTBOX_KIND as BACKCHANNEL_LOGOUT
from authn.grants.grants import Grant
from authn.jose import seconds
from authn.outbox.outbox import enqueue
from authn.outbox.tables import LONGEST_DESTINATION
from authn.people.subjects import known_subjects

REVOCATION_HOOK: Final = "revocation-hook"


def tell_of_ended_grants(
    occasion: Occasion, ended: Sequence[Grant], *, client_too: bool = True
) -> None:
    """Once this commits, all who are concerned will be told that these grants have ended.

    The client is not told of what it ended itself (`client_too`).
    """
    for person_id, client_id in dict.fromkeys((each.person_id, each.client_id) for each in ended):
        own = [each for each in ended if (each.person_id, each.client_id) == (person_id, client_id)]
        if client_too:
            _tell_client(occasion, client_id, own)
        _tell_resources(occasion, person_id, client_id, own)


def _tell_client(occasion: Occasion, client_id: str, ended: Iterable[Grant]) -> None:
    client = find_client(occasion.connection, client_id)
    if client is None or not client.metadata.backchannel_logout_uri:
        return
    sessions = {each.sid: each for each in ended}
    for sid, grant in sessions.items():
        payload = {"client_id": client_id, "sub": grant.subject, "sid": sid}
        enqueue(occasion, BACKCHANNEL_LOGOUT, payload, grant.person_id, client_id)


def _tell_resources(
    occasion: Occasion, person_id: UUID, client_id: str, ended: Iterable[Grant]
) -> None:
    """One row for each resource that knows the person: to any other no token ever came."""
    granted = {resource for each in ended for resource in each.allowed.resources}
    hooks = hooks_concerned(occasion.connection, client_id, granted)
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
                "toe": seconds(occasion.now),
            }
            host = (urlsplit(hook.address).hostname or "")[:LONGEST_DESTINATION]
            enqueue(occasion, REVOCATION_HOOK, payload, person_id, host)

"""Revocation hooks: a resource gets a Security Event Token when access to it was withdrawn.

RFC 8417 for the token (https://www.rfc-editor.org/rfc/rfc8417), RFC 8935 for its delivery
(https://www.rfc-editor.org/rfc/rfc8935). `grants.endings.ended_grants` decides which resources get
which event; here the event is delivered. The event names no access token: any token of the client
from before `toe`, with the event's `sub` as its `sub` or `act.sub`, may have ended before its
`exp`. Introspection says which tokens are still active.

Why the same `jti` at each attempt, when the token itself is made anew: by the `jti` a resource
knows an event that it has received before.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from authn.clients.resource_servers.revocation_hooks import find_revocation_hook
from authn.db.transaction import reading
from authn.grants.endings.ended_grants import REVOCATION_HOOK
from authn.jose import ES256, numeric_date, sign
from authn.keys.signing_keys import current_keys
from authn.outbox.destinations import DestinationWork, run_in_background
from authn.outbox.http_post import post
from authn.outbox.outbox import ClaimedEntry
from authn.web.logs import logger
from authn.web.outgoing import OutgoingClient
from authn.web.site import Site

TYP: Final = "secevent+jwt"
MEDIA_TYPE: Final = f"application/{TYP}"
EVENT: Final = "urn:authn:event:access-withdrawn"
TAKEN: Final = (200, 202, 204)  # RFC 8935 §2.2 has 202; the others say the same


def revocation_work(site: Site) -> DestinationWork:
    """The outbox's work of sending events, with HTTP connections apart from the login's."""
    outgoing = OutgoingClient()

    def deliver(claimed: ClaimedEntry, payload: dict[str, Any]) -> None:
        _deliver(site, outgoing, claimed, payload)

    return DestinationWork(
        site.database, site.secrets, site.clock, REVOCATION_HOOK, deliver, _nothing_to_find
    )


def _nothing_to_find() -> None:
    """Nothing: whoever ends a grant writes the rows."""


@contextmanager
def revocation_worker(site: Site) -> Iterator[None]:
    """Sends events to resources in a thread of the process, unless the settings turn that off."""
    if not site.settings.outbox_worker:
        yield
        return
    with run_in_background(revocation_work(site)):
        yield


def _deliver(
    site: Site, outgoing: OutgoingClient, claimed: ClaimedEntry, payload: dict[str, Any]
) -> None:
    """Delivers an event, or nothing where the resource wants none any more; raises as `post`."""
    now = site.clock()
    with reading(site.database) as connection:
        hook = find_revocation_hook(connection, payload["resource"])
        keys = current_keys(site, connection, now)
    if hook is None:
        logger.info("no event wanted any more", resource=payload["resource"])
        return
    claims = {
        "iss": site.settings.issuer,
        "aud": hook.resource,
        "iat": numeric_date(now),
        "jti": str(claimed.id),
        "toe": payload["toe"],
        "sub": payload["sub"],
        "events": {EVENT: {"client_id": payload["client_id"]}},
    }
    post(
        outgoing,
        hook.address,
        {"Content-Type": MEDIA_TYPE, "Accept": "application/json"},
        sign(keys.active[ES256], claims, TYP).encode("ascii"),
        accepted=TAKEN,
        private_hosts=site.settings.private_hosts,
    )

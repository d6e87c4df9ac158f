"""Resources are told that access in somebody's name was taken back: a Security Event Token, pushed.

RFC 8417 (https://www.rfc-editor.org/rfc/rfc8417) for its shape, RFC 8935
(https://www.rfc-editor.org/rfc/rfc8935) for how it travels. Which resources hear of what is found
by `grants.ended_grants`; here it is delivered. It names no access token: whatever came of what this
client was granted before `toe`, for this `sub` or with it as `act.sub`, may be worth nothing any
more, whatever it says of its own end. Which of it lives, introspection tells.

Why the same `jti` at each attempt, when the token itself is made anew: by it a resource knows an
event that it has taken before.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from authn.clients.revocation_hooks import find_revocation_hook
from authn.db.transaction import reading
from authn.grants.ended_grants import REVOCATION_HOOK
from authn.jose import ES256, seconds, sign
from authn.keys.signing_keys import current_keys
from authn.outbox.destinations import DestinationWork, running
from authn.outbox.outbox import ClaimedEntry
from authn.outbox.posting import post
from authn.web.logs import logger
from authn.web.outgoing import OutgoingClient
from authn.web.site import Site

TYP: Final = "secevent+jwt"
MEDIA_TYPE: Final = f"application/{TYP}"
EVENT: Final = "urn:authn:event:access-withdrawn"
TAKEN: Final = (200, 202, 204)  # RFC 8935 §2.2 has 202; the others say the same


def revocation_work(site: Site) -> DestinationWork:
    """The work of telling resources. Its conversations wait for none of a login's."""
    outgoing = OutgoingClient()

    def deliver(claimed: ClaimedEntry, payload: dict[str, Any]) -> None:
        _deliver(site, outgoing, claimed, payload)

    return DestinationWork(
        site.database, site.secrets, site.clock, REVOCATION_HOOK, deliver, _nothing_to_find
    )


def _nothing_to_find() -> None:
    """Who ends a grant has written the rows."""


@contextmanager
def telling_resources(site: Site) -> Iterator[None]:
    """A thread of this process tells resources what ended, unless the settings say otherwise."""
    if not site.settings.outbox_worker:
        yield
        return
    with running(revocation_work(site)):
        yield


def _deliver(
    site: Site, outgoing: OutgoingClient, claimed: ClaimedEntry, payload: dict[str, Any]
) -> None:
    """The resource has taken the event, or does not want to hear of any now; raises as `post`."""
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
        "iat": seconds(now),
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
        taken=TAKEN,
        private_hosts=site.settings.private_hosts,
    )

"""The end of a client, and of everything that people had allowed it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, bindparam, update

from authn.clients.registration import end_registration
from authn.db.occasion import NO_REFERENCE
from authn.grants.tables import grants
from authn.secrets import Secrets

_REVOKE = (
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
    """How many grants were revoked, with all their tokens; None when it was no client any more.

    The client comes first: who redeems or refreshes a moment later is nobody.
    """
    if not end_registration(connection, secrets, client_id, now, reference, actor_id):
        return None
    return connection.execute(_REVOKE, {"the_client_id": client_id, "now": now}).rowcount

"""Whether a client may still have what it changed to another capacity (RFC 8693, decisions 4.10).

A token that was switched hangs on the grant of another capacity, which goes on when the consent to
its own one is taken back, or when the operator closes the client to that kind.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, bindparam, exists, or_, select

from authn.clients.clients import allowed_kinds
from authn.clients.tables import clients
from authn.consents.tables import consents
from authn.profiles.profile import Profile

_CONSENT = exists().where(
    consents.c.person_id == bindparam("person_id"),
    consents.c.client_id == clients.c.client_id,
    consents.c.profile_id == bindparam("profile_id"),
    consents.c.declined.is_(False),
    or_(consents.c.expires_at.is_(None), consents.c.expires_at > bindparam("now")),
)
_CLIENT = select(
    clients.c.profile_kinds,
    clients.c.required_profile_kinds,
    or_(clients.c.first_party, _CONSENT),
).where(clients.c.client_id == bindparam("client_id"), clients.c.ended_at.is_(None))


def still_allowed(
    connection: Connection, person_id: UUID, client_id: str, profile: Profile, now: datetime
) -> bool:
    """The client lives and is for this kind of capacity, and the person allows it something there.

    One statement. One of the operator's own asks nobody.
    """
    of = {"person_id": person_id, "profile_id": profile.consent_id, "client_id": client_id}
    row = connection.execute(_CLIENT, {**of, "now": now}).first()
    if row is None:
        return False
    kinds, required, allowed = row
    return bool(allowed) and profile.kind in allowed_kinds(kinds, required)

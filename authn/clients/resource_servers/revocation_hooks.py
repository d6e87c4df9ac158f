"""The revocation hooks of resource servers, and which of them a revoked grant concerns.

A resource server may have got a token of the client itself, or one that was exchanged for a token
of the client, perhaps several times (RFC 8693).
"""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from authn.clients.tables import exchange_pairs, resources

_HOOKS = select(
    resources.c.resource, resources.c.sector_identifier, resources.c.revocation_hook
).where(resources.c.revocation_hook != "")
_HOOK = _HOOKS.where(resources.c.resource == bindparam("resource"))
_PAIRS = select(
    exchange_pairs.c.client_id, exchange_pairs.c.subject_client_id, exchange_pairs.c.resource
)


@dataclass(frozen=True, slots=True)
class RevocationHook:
    """The address where a resource server is told of revocations, and its sector identifier."""

    resource: str
    sector_identifier: str
    address: str


def find_revocation_hook(connection: Connection, resource: str) -> RevocationHook | None:
    """The revocation hook of a resource server, if any."""
    row = connection.execute(_HOOK, {"resource": resource}).first()
    return RevocationHook(*row) if row else None


def find_concerned_hooks(
    connection: Connection, client_id: str, granted: Collection[str]
) -> list[RevocationHook]:
    """The hooks of resource servers that may have got tokens of a grant of the client.

    `granted` are the resource servers that the grant names.

    One query where no resource has a hook, two where one has.
    """
    hooks = [RevocationHook(*row) for row in connection.execute(_HOOKS)]
    if not hooks:
        return []
    pairs = connection.execute(_PAIRS).all()
    holders = {client_id}
    while new := {pair.client_id for pair in pairs if pair.subject_client_id in holders} - holders:
        holders |= new
    exchanged = {pair.resource for pair in pairs if pair.subject_client_id in holders}
    return [hook for hook in hooks if hook.resource in exchanged.union(granted)]

"""Which resources want to hear that access to them was taken back, of what a client was given.

A resource may have been asked by the client itself, or with a token that was exchanged for one that
it had, by whoever the operator lets do so (RFC 8693): again and again, from hand to hand.
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
    """A resource, the sector within which it knows people, and the address where it hears."""

    resource: str
    sector_identifier: str
    address: str


def find_revocation_hook(connection: Connection, resource: str) -> RevocationHook | None:
    """The hook of this resource, if it has one."""
    row = connection.execute(_HOOK, {"resource": resource}).first()
    return RevocationHook(*row) if row else None


def hooks_concerned(
    connection: Connection, client_id: str, granted: Collection[str]
) -> list[RevocationHook]:
    """Those to whom tokens may have come of a grant of the client for these resources.

    One query where no resource has a hook, two where one has.
    """
    hooks = [RevocationHook(*row) for row in connection.execute(_HOOKS)]
    if not hooks:
        return []
    pairs = connection.execute(_PAIRS).all()
    hands = {client_id}
    while new := {pair.client_id for pair in pairs if pair.subject_client_id in hands} - hands:
        hands |= new
    exchanged = {pair.resource for pair in pairs if pair.subject_client_id in hands}
    return [hook for hook in hooks if hook.resource in exchanged.union(granted)]

"""Registering, changing and ending a resource server.

RFC 8707 §2 (https://www.rfc-editor.org/rfc/rfc8707#section-2). Only an operator does this. What
must hold is in `rules`.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, select, update

from authn.audit.events.clients import ResourceChanged, ResourceEnded, ResourceRegistered
from authn.audit.log import record
from authn.clients.clients import Client, find_client
from authn.clients.redirect_uris import hosts_without_tls, is_document_uri
from authn.clients.resource_servers.document import InvalidResource, fill_profile_kinds
from authn.clients.resource_servers.resources import (
    Resource,
    ResourceScope,
    resource_of_row,
    row_of_resource,
)
from authn.clients.resource_servers.rules import find_resource_faults
from authn.clients.tables import exchange_pairs, resources
from authn.db.occasion import NO_REFERENCE
from authn.db.once import insert_once
from authn.errors import N_
from authn.foreign_jwt import KEY_ENCRYPTIONS_TO_OTHERS, read_key_set
from authn.secrets import Secrets
from authn.settings import Settings

__all__ = ["InvalidResource", "change_resource", "end_resource", "register_resource"]

_END_PAIRS = delete(exchange_pairs).where(exchange_pairs.c.resource == bindparam("ended"))
_END = delete(resources).where(resources.c.resource == bindparam("ended"))
# A change at the same moment waits, so that neither is lost.
_LOCK = select(resources).where(resources.c.resource == bindparam("resource")).with_for_update()


def register_resource(
    connection: Connection,
    secrets: Secrets,
    settings: Settings,
    now: datetime,
    *,
    reference: str = NO_REFERENCE,
    actor_id: UUID | None = None,
    **values: Any,
) -> Resource:
    """Make and store a resource server; `values` are those of `new_resource`.

    `actor_id` is the acting member of staff, here and in the functions below. Raises
    `InvalidResource`.
    """
    registered = new_resource(connection, settings, now, **values)
    if not insert_once(connection, resources, row_of_resource(registered)):
        raise InvalidResource(N_("There is a resource with this address already."))
    event = ResourceRegistered(
        client_id=registered.client_id, actor_id=actor_id, resource=registered.resource
    )
    record(connection, secrets, event, now, reference)
    return registered


def new_resource(
    connection: Connection,
    settings: Settings,
    now: datetime,
    *,
    resource: str,
    resource_name: str,
    scopes: Mapping[str, str | ResourceScope],
    client_id: str | None = None,
    sector_identifier: str = "",
    may_read_ssin: bool = False,
    reads_may_act: bool = False,
    **more: Any,
) -> Resource:
    """A resource server that keeps every rule, without writing anything.

    `client_id` is the confidential client as which it authenticates at the introspection endpoint.
    Without a `sector_identifier` persons are the same `sub` to all resources of its host. A scope
    that is a text is its English sentence. `more` are the other fields of `Resource`. Raises
    `InvalidResource`.
    """
    registered = Resource(
        resource=resource,
        resource_name=resource_name.strip(),
        client_id=client_id or None,
        scopes=_scopes(scopes),
        sector_identifier=sector_identifier or _host(resource),
        may_read_ssin=may_read_ssin,
        reads_may_act=reads_may_act,
        created_at=now,
        **more,
    )
    _check(connection, settings, registered)
    return registered


def lock_resource(connection: Connection, resource: str) -> Resource | None:
    """The resource server, its row locked until the transaction ends; None if unknown."""
    row = connection.execute(_LOCK, {"resource": resource}).first()
    return resource_of_row(row) if row else None


def change_resource(
    connection: Connection,
    secrets: Secrets,
    settings: Settings,
    resource: Resource,
    now: datetime,
    *,
    reference: str = NO_REFERENCE,
    actor_id: UUID | None = None,
    **changes: Any,
) -> Resource:
    """Store and record changes of a resource server that `lock_resource` gave.

    They hold for the next token that is issued for it. Raises `InvalidResource`.
    """
    changed = changed_resource(connection, settings, resource, **changes)
    before, after = row_of_resource(resource), row_of_resource(changed)
    values = {name: value for name, value in after.items() if value != before[name]}
    if values:
        statement = update(resources).where(resources.c.resource == resource.resource)
        connection.execute(statement.values(values))
        event = ResourceChanged(
            client_id=changed.client_id,
            actor_id=actor_id,
            resource=resource.resource,
            members=" ".join(sorted(values)),
        )
        record(connection, secrets, event, now, reference)
    return changed


def changed_resource(
    connection: Connection, settings: Settings, resource: Resource, **changes: Any
) -> Resource:
    """The resource server with changes, without writing anything; raises `InvalidResource`."""
    changed = replace(resource, **changes)
    changed = replace(
        changed,
        scopes=_scopes(changed.scopes),
        sector_identifier=changed.sector_identifier or _host(changed.resource),
    )
    _check(connection, settings, changed)
    return changed


def end_resource(
    connection: Connection,
    secrets: Secrets,
    resource: str,
    now: datetime,
    reference: str = NO_REFERENCE,
    actor_id: UUID | None = None,
) -> bool:
    """End a resource server, for which no token is issued any more; False if unknown.

    Issued tokens live five minutes, and are inactive at the introspection endpoint at once.
    """
    connection.execute(_END_PAIRS, {"ended": resource})
    if connection.execute(_END, {"ended": resource}).rowcount != 1:
        return False
    event = ResourceEnded(resource=resource, actor_id=actor_id)
    record(connection, secrets, event, now, reference)
    return True


def _scopes(scopes: Mapping[str, str | ResourceScope]) -> dict[str, ResourceScope]:
    return {
        name: ResourceScope({"en": each}) if isinstance(each, str) else fill_profile_kinds(each)
        for name, each in scopes.items()
    }


def _check(connection: Connection, settings: Settings, resource: Resource) -> None:
    for sentence in find_resource_faults(resource):
        raise InvalidResource(sentence)
    # Tokens for userinfo and assertions of clients must be taken for nothing else.
    if f"{resource.resource}/".startswith(f"{settings.issuer}/"):
        raise InvalidResource(N_("This address is the service's own."))
    hook = resource.revocation_hook
    if hook and not is_document_uri(hook, hosts_without_tls(settings)):
        raise InvalidResource(
            N_("A revocation hook is an https address without a fragment and a user name.")
        )
    client = find_client(connection, resource.client_id) if resource.client_id else None
    if resource.client_id and (client is None or client.public):
        raise InvalidResource(N_("A resource asks as a confidential client that is registered."))
    if resource.encrypt_tokens and not has_encryption_key(client):
        raise InvalidResource(
            N_("Tokens are encrypted to a key of its client: register one with use enc.")
        )


def has_encryption_key(client: Client | None) -> bool:
    """Whether the client has a public key for encryption, or publishes keys, which are not read."""
    if client is None:
        return False
    metadata = client.metadata
    keys = read_key_set(dict(metadata.jwks)) if metadata.jwks is not None else ()
    return metadata.jwks_uri != "" or any(
        key.may("enc", alg) for key in keys for alg in KEY_ENCRYPTIONS_TO_OTHERS
    )


def _host(resource: str) -> str:
    """The host, as the default sector identifier (decisions 1.3); "" when there is none."""
    try:
        return urlsplit(resource).hostname or ""
    except ValueError:
        return ""

"""Registering a resource server: every rule of it, and its end.

RFC 8707 §2 (https://www.rfc-editor.org/rfc/rfc8707#section-2). An operator's act alone: a client
never registers one.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import Connection, bindparam, delete

from authn.audit.events import ResourceEnded, ResourceRegistered
from authn.audit.log import record
from authn.clients.clients import find_client
from authn.clients.redirect_uris import LOOPBACK_HOSTS, is_document_uri
from authn.clients.resources import Resource, ResourceScope, row_of_resource
from authn.clients.tables import LONGEST_RESOURCE, exchange_pairs, resources
from authn.db.once import insert_once
from authn.errors import N_, InvalidRequest
from authn.secrets import Secrets
from authn.settings import Settings

HTTP_HOSTS = ("localhost", *LOOPBACK_HOSTS)  # on a developer's machine
LONGEST_NAME = 200
LONGEST_SENTENCE = 200
LONGEST_SECTOR = 255

_SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,100}")  # RFC 6749 §3.3
_END_PAIRS = delete(exchange_pairs).where(exchange_pairs.c.resource == bindparam("ended"))
_END = delete(resources).where(resources.c.resource == bindparam("ended"))


class InvalidResource(InvalidRequest):
    """What is said about a resource server is not accepted."""

    def __init__(self, description: str) -> None:
        super().__init__("invalid_target", description)


def has_an_identifier(resource: Resource) -> bool:
    """An absolute URI without fragment; without query too, which RFC 8707 §2 advises against."""
    identifier = resource.resource
    return (
        len(identifier) <= LONGEST_RESOURCE
        and is_document_uri(identifier, HTTP_HOSTS)
        and "?" not in identifier
    )


def has_a_name(resource: Resource) -> bool:
    return _is_shown(resource.resource_name, LONGEST_NAME)


def has_scopes_with_sentences(resource: Resource) -> bool:
    return all(
        _SCOPE_TOKEN.fullmatch(scope) and _is_shown(each.sentence("en"), LONGEST_SENTENCE)
        for scope, each in resource.scopes.items()
    )


def has_a_sector(resource: Resource) -> bool:
    return 0 < len(resource.sector_identifier) <= LONGEST_SECTOR


def _is_shown(text: str, longest: int) -> bool:
    return 0 < len(text) <= longest and text.isprintable()


# Each rule, with what is said when it does not hold.
RULES: tuple[tuple[Callable[[Resource], bool], str], ...] = (
    (
        has_an_identifier,
        N_("A resource is named by an https address of at most 500 characters, without ? and #."),
    ),
    (has_a_name, N_("A resource has a name of at most 200 characters.")),
    (
        has_scopes_with_sentences,
        N_("Each scope has a sentence of at most 200 characters, which people read."),
    ),
    (has_a_sector, N_("A sector identifier is a host name.")),
)


def register_resource(
    connection: Connection,
    secrets: Secrets,
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
    reference: str = "-",
) -> Resource:
    """Access tokens can be for this resource server from now on.

    `client_id` is the confidential client as which it authenticates at the introspection endpoint.
    Without a `sector_identifier` persons are the same `sub` to all resources of its host. Raises
    `InvalidResource`.
    """
    registered = Resource(
        resource=resource,
        resource_name=resource_name.strip(),
        client_id=client_id or None,
        scopes={
            name: ResourceScope({"en": each}) if isinstance(each, str) else each
            for name, each in scopes.items()
        },
        sector_identifier=sector_identifier or _host(resource),
        may_read_ssin=may_read_ssin,
        reads_may_act=reads_may_act,
        created_at=now,
    )
    _check(connection, settings, registered)
    if not insert_once(connection, resources, row_of_resource(registered)):
        raise InvalidResource(N_("There is a resource with this address already."))
    event = ResourceRegistered(client_id=registered.client_id, resource=resource)
    record(connection, secrets, event, now, reference)
    return registered


def end_resource(
    connection: Connection, secrets: Secrets, resource: str, now: datetime, reference: str = "-"
) -> bool:
    """Whether it was a resource server until now; no token is issued for it any more.

    Tokens that are out live five minutes, and are inactive at the introspection endpoint at once.
    """
    connection.execute(_END_PAIRS, {"ended": resource})
    if connection.execute(_END, {"ended": resource}).rowcount != 1:
        return False
    record(connection, secrets, ResourceEnded(resource=resource), now, reference)
    return True


def _check(connection: Connection, settings: Settings, resource: Resource) -> None:
    for holds, description in RULES:
        if not holds(resource):
            raise InvalidResource(description)
    # What is meant for us must be taken for nothing else: userinfo, and clients' own assertions.
    if f"{resource.resource}/".startswith(f"{settings.issuer}/"):
        raise InvalidResource(N_("This address is the service's own."))
    if resource.client_id is None:
        return
    client = find_client(connection, resource.client_id)
    if client is None or client.public:
        raise InvalidResource(N_("A resource asks as a confidential client that is registered."))


def _host(resource: str) -> str:
    """Its host, within which persons are the same `sub` (protocol 1.3); "" when it has none."""
    try:
        return urlsplit(resource).hostname or ""
    except ValueError:
        return ""

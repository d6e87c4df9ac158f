"""Registering, changing and ending a relying application."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import Connection, bindparam, update

from authn.audit.events.clients import ClientChanged, ClientEnded, ClientRegistered
from authn.audit.log import record
from authn.clients.client_metadata import ClientMetadata, InvalidClientMetadata
from authn.clients.client_registration.rules import find_client_faults
from authn.clients.clients import (
    AUTH_METHODS,
    BASIC,
    REFRESH_IDLE,
    REFRESH_LIFETIME,
    SECRET_METHODS,
    Client,
    Profile,
    new_client_id,
    row_of_client,
)
from authn.clients.redirect_uris import check_redirect_uri
from authn.clients.tables import clients
from authn.db.occasion import NO_REFERENCE
from authn.db.once import insert_once
from authn.errors import N_
from authn.jose import ES256, Algorithm
from authn.secrets import Secrets, new_token, token_hash

__all__ = ["AUTH_METHODS", "InvalidClientMetadata", "register_client"]

SHORTEST_SECRET = 32

_END = (
    update(clients)
    .where(clients.c.client_id == bindparam("the_client_id"), clients.c.ended_at.is_(None))
    .values(ended_at=bindparam("now"))
)


@dataclass(frozen=True, slots=True)
class RegisteredClient:
    """A client, and the secret that was just made, which nobody can read again."""

    client: Client
    client_secret: str | None


def new_client(
    now: datetime,
    *,
    client_name: str,
    redirect_uris: Iterable[str],
    client_id: str = "",
    client_secret: str = "",
    post_logout_redirect_uris: Iterable[str] = (),
    token_endpoint_auth_method: str = BASIC,
    application_type: str = "web",
    scope: str = "openid profile",
    id_token_signed_response_alg: Algorithm = ES256,
    sector_identifier: str = "",
    require_pkce: bool = True,
    may_read_ssin: bool = False,
    first_party: bool = False,
    policy: str | None = None,
    may_read_device_id: bool = False,
    metadata: ClientMetadata | None = None,
    profile: Profile = "",
    organisation: str = "",
    resources: Iterable[str] = (),
    refresh_idle: int = REFRESH_IDLE,
    refresh_lifetime: int = REFRESH_LIFETIME,
    registration_access_token_hash: str | None = None,
    profile_kinds: Iterable[str] = (),
    required_profile_kinds: Iterable[str] = (),
    default_profile_kind: str = "",
    scope_reasons: Mapping[str, Mapping[str, str]] | None = None,
) -> RegisteredClient:
    """A client that keeps every rule, for `add_client`; a missing id or secret is made.

    Raises `InvalidClientMetadata` or `InvalidRedirectUri` (RFC 7591 §3.2.2).
    """
    client_id = client_id or new_client_id()
    has_secret = token_endpoint_auth_method in SECRET_METHODS
    _check_secret(client_secret, has_secret=has_secret)
    secret = client_secret or new_token() if has_secret else None
    redirects = tuple(redirect_uris)
    client = Client(
        client_id=client_id,
        client_name=client_name.strip(),
        client_secret_hash=token_hash(secret) if secret else None,
        token_endpoint_auth_method=token_endpoint_auth_method,
        application_type=application_type,
        redirect_uris=redirects,
        post_logout_redirect_uris=tuple(post_logout_redirect_uris),
        scope=" ".join(dict.fromkeys(scope.split())),
        id_token_signed_response_alg=id_token_signed_response_alg,
        sector_identifier=sector_identifier or _sector(client_id, application_type, redirects),
        metadata=metadata or ClientMetadata(),
        require_pkce=require_pkce,
        may_read_ssin=may_read_ssin,
        first_party=first_party,
        created_at=now,
        policy=policy,
        may_read_device_id=may_read_device_id,
        profile=profile,
        organisation=organisation,
        resources=tuple(resources),
        refresh_idle=refresh_idle,
        refresh_lifetime=refresh_lifetime,
        registration_access_token_hash=registration_access_token_hash,
        profile_kinds=tuple(profile_kinds),
        required_profile_kinds=tuple(required_profile_kinds),
        default_profile_kind=default_profile_kind,
        scope_reasons=scope_reasons or {},
    )
    _check(client)
    return RegisteredClient(client, secret)


def add_client(
    connection: Connection,
    secrets: Secrets,
    registered: RegisteredClient,
    now: datetime,
    reference: str = NO_REFERENCE,
    actor_id: UUID | None = None,
) -> None:
    """Store the client and record that; raises `InvalidClientMetadata` when the id is taken.

    `actor_id` is the acting member of staff, here and in the functions below.
    """
    client = registered.client
    if not insert_once(connection, clients, row_of_client(client)):
        raise InvalidClientMetadata(N_("There is a client with this id already."))
    event = ClientRegistered(client_id=client.client_id, actor_id=actor_id)
    record(connection, secrets, event, now, reference)


def register_client(
    connection: Connection,
    secrets: Secrets,
    now: datetime,
    *,
    reference: str = NO_REFERENCE,
    actor_id: UUID | None = None,
    **values: Any,
) -> RegisteredClient:
    """Make and store a client; `values` are those of `new_client`, and raises as that does."""
    registered = new_client(now, **values)
    add_client(connection, secrets, registered, now, reference, actor_id)
    return registered


def change_client(
    connection: Connection,
    secrets: Secrets,
    client: Client,
    now: datetime,
    *,
    reference: str = NO_REFERENCE,
    actor_id: UUID | None = None,
    **changes: Any,
) -> RegisteredClient:
    """Store and record changes of a client, by the names of `Client`.

    Only the named values are written: what somebody else changed meanwhile stays. Raises as
    `changed_client`.
    """
    registered = changed_client(client, **changes)
    before, after = row_of_client(client), row_of_client(registered.client)
    values = {name: value for name, value in after.items() if value != before[name]}
    if values:
        statement = update(clients).where(
            clients.c.client_id == client.client_id, clients.c.ended_at.is_(None)
        )
        connection.execute(statement.values(values))
        members = " ".join(sorted(values))
        event = ClientChanged(client_id=client.client_id, actor_id=actor_id, members=members)
        record(connection, secrets, event, now, reference)
    return registered


def changed_client(client: Client, **changes: Any) -> RegisteredClient:
    """The client with changes, without writing anything.

    A secret is made where its authentication method needs one and it had none, and dropped where
    the method needs none. Raises `InvalidClientMetadata` or `InvalidRedirectUri`.
    """
    changed = replace(client, **changes)
    secret = None
    if changed.token_endpoint_auth_method not in SECRET_METHODS:
        changed = replace(changed, client_secret_hash=None)
    elif changed.client_secret_hash is None:
        secret = new_token()
        changed = replace(changed, client_secret_hash=token_hash(secret))
    if "scope_reasons" not in changes:
        # A reason goes with its scope.
        left = changed.scope.split()
        reasons = {each: why for each, why in client.scope_reasons.items() if each in left}
        changed = replace(changed, scope_reasons=reasons)
    if not changed.sector_identifier:
        changed = replace(changed, sector_identifier=_sector_after(client, changed))
    _check(changed)
    return RegisteredClient(changed, secret)


def end_registration(
    connection: Connection,
    secrets: Secrets,
    client_id: str,
    now: datetime,
    reference: str = NO_REFERENCE,
    actor_id: UUID | None = None,
) -> bool:
    """End the client; False where there is none. `grants.endings.ended_grants` revokes its
    grants."""
    ended = connection.execute(_END, {"the_client_id": client_id, "now": now}).rowcount == 1
    if ended:
        event = ClientEnded(client_id=client_id, actor_id=actor_id)
        record(connection, secrets, event, now, reference)
    return ended


def _check(client: Client) -> None:
    for uri in (*client.redirect_uris, *client.post_logout_redirect_uris):
        check_redirect_uri(uri, client.application_type)
    for sentence in find_client_faults(client):
        raise InvalidClientMetadata(sentence)
    # Last, when the hosts of the redirect URIs are known to be valid.
    if not client.sector_identifier:
        raise InvalidClientMetadata(
            N_("Redirect URIs on several hosts need a sector_identifier_uri.")
        )


def _check_secret(client_secret: str, *, has_secret: bool) -> None:
    # A SHA-256 hash protects a secret of high entropy only.
    if client_secret and (not has_secret or len(client_secret) < SHORTEST_SECRET):
        raise InvalidClientMetadata(
            N_("A secret has at least 32 characters, and only who authenticates with it has one.")
        )


def _sector_after(before: Client, changed: Client) -> str:
    """The sector identifier of a changed client without one; what the operator named stays."""
    own = _sector(before.client_id, before.application_type, before.redirect_uris)
    if before.sector_identifier != own and not before.metadata.sector_identifier_uri:
        return before.sector_identifier
    return _sector(changed.client_id, changed.application_type, changed.redirect_uris)


def _sector(client_id: str, application_type: str, redirect_uris: tuple[str, ...]) -> str:
    """The sector identifier, within which a person has one `sub`; "" when the hosts differ.

    OpenID Core §8.1: the one host of the redirect URIs. A native application is a sector of its
    own (decisions 1.3), with a prefix so that none can be named like a host.
    """
    if application_type == "native" or not redirect_uris:
        return f"client_id:{client_id}"
    try:
        hosts = {urlsplit(uri).hostname or "" for uri in redirect_uris}
    except ValueError:
        return ""
    return hosts.pop() if len(hosts) == 1 else ""

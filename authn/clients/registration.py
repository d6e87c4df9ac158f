"""Registering a relying application: every rule of its metadata, in one place."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import Connection

from authn.audit.events import ClientRegistered
from authn.audit.log import record
from authn.clients.client_metadata import ClientMetadata
from authn.clients.clients import (
    BASIC,
    CLIENT_ID,
    POST,
    PUBLIC,
    REFRESH_IDLE,
    REFRESH_LIFETIME,
    Client,
    Profile,
    row_of_client,
)
from authn.clients.redirect_uris import check_redirect_uri
from authn.clients.tables import clients
from authn.db.once import insert_once
from authn.errors import N_, InvalidRequest
from authn.jose import ALGORITHMS, ES256, Algorithm
from authn.secrets import Secrets, new_token, token_hash

AUTH_METHODS = (BASIC, POST, PUBLIC)
APPLICATION_TYPES = ("web", "native")
AUTHORIZATION_CODE = "authorization_code"
SHORTEST_SECRET = 32
LONGEST_NAME = 200
LONGEST_SECTOR = 255

_SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 §3.3

# What must hold of a client, with what is said when it does not.
RULES: tuple[tuple[Callable[[Client], bool], str], ...] = (
    (
        lambda client: CLIENT_ID.fullmatch(client.client_id) is not None,
        N_("A client id has at most 100 letters, digits, dots, dashes and underscores."),
    ),
    (
        lambda client: (
            0 < len(client.client_name) <= LONGEST_NAME and client.client_name.isprintable()
        ),
        N_("A client has a name of at most 200 characters."),
    ),
    (
        lambda client: client.token_endpoint_auth_method in AUTH_METHODS,
        N_("This way to authenticate is not supported."),
    ),
    (
        lambda client: client.id_token_signed_response_alg in ALGORITHMS,
        N_("This algorithm is not supported."),
    ),
    (
        lambda client: client.application_type in APPLICATION_TYPES,
        N_("An application is web or native."),
    ),
    (
        lambda client: (
            client.scope != "" and all(map(_SCOPE_TOKEN.fullmatch, client.scope.split()))
        ),
        N_("A client has at least one scope, of ASCII characters."),
    ),
    (
        lambda client: (
            client.redirect_uris != () or not client.check_grant_type(AUTHORIZATION_CODE)
        ),
        N_("A client has at least one redirect URI."),
    ),
    (
        lambda client: len(client.sector_identifier) <= LONGEST_SECTOR,
        N_("A sector identifier is a host name."),
    ),
)


class InvalidClientMetadata(InvalidRequest):
    """What is said about a client is not accepted (RFC 7591 §3.2.2)."""

    def __init__(self, description: str) -> None:
        super().__init__("invalid_client_metadata", description)


@dataclass(frozen=True, slots=True)
class Registered:
    """A client that was registered now, and its secret, which nobody can read again."""

    client: Client
    client_secret: str | None


def register_client(
    connection: Connection,
    secrets: Secrets,
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
    reference: str = "-",
) -> Registered:
    """The application is a client from now on; id and secret are made when not given.

    Raises `InvalidClientMetadata` or `InvalidRedirectUri` (RFC 7591 §3.2.2).
    """
    client_id = client_id or new_token(12)
    public = token_endpoint_auth_method == PUBLIC
    _check_secret(client_secret, public)
    secret = None if public else client_secret or new_token()
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
    )
    _check(client)
    if not insert_once(connection, clients, row_of_client(client)):
        raise InvalidClientMetadata(N_("There is a client with this id already."))
    record(connection, secrets, ClientRegistered(client_id=client_id), now, reference)
    return Registered(client, secret)


def _check(client: Client) -> None:
    for holds, description in RULES:
        if not holds(client):
            raise InvalidClientMetadata(description)
    for uri in (*client.redirect_uris, *client.post_logout_redirect_uris):
        check_redirect_uri(uri, client.application_type)
    # Last: where the hosts of the redirect URIs are known to be sound.
    if not client.sector_identifier:
        raise InvalidClientMetadata(
            N_("Redirect URIs on several hosts need a sector identifier (OpenID Core §8.1).")
        )


def _check_secret(client_secret: str, public: bool) -> None:
    # SHA-256 protects a secret of high entropy only.
    if client_secret and (public or len(client_secret) < SHORTEST_SECRET):
        raise InvalidClientMetadata(
            N_("A secret has at least 32 characters, and a public client has none.")
        )


def _sector(client_id: str, application_type: str, redirect_uris: tuple[str, ...]) -> str:
    """Within which the same person has the same `sub`; "" when it can't be told.

    OpenID Core §8.1: the one host of the redirect URIs. A native application is a sector of its
    own (protocol 1.3), with a prefix so that none can be named like a host.
    """
    if application_type == "native" or not redirect_uris:
        return f"client_id:{client_id}"
    try:
        hosts = {urlsplit(uri).hostname or "" for uri in redirect_uris}
    except ValueError:
        return ""
    return hosts.pop() if len(hosts) == 1 else ""

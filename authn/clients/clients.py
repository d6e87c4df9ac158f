"""A relying application as other rooms see it, how it is found, and the words of its protocol."""

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import orjson
from sqlalchemy import JSON, Connection, Text, bindparam, cast, func, select

from authn.clients.client_metadata import ClientMetadata, unpack_client_metadata, value_in_language
from authn.clients.redirect_uris import match_redirect_uri
from authn.clients.tables import LONGEST_CLIENT_ID, clients
from authn.jose import Algorithm
from authn.secrets import new_token, token_hash

SSIN_SCOPE = "ssin"
# Grant Management for OAuth 2.0 §6.1: what a client may do with what it was granted.
GRANT_MANAGEMENT_QUERY: Final = "grant_management_query"
GRANT_MANAGEMENT_REVOKE: Final = "grant_management_revoke"
GRANT_MANAGEMENT_SCOPES: Final = (GRANT_MANAGEMENT_QUERY, GRANT_MANAGEMENT_REVOKE)

# How a client authenticates at the token endpoint (RFC 7591 §2, Core §9, RFC 8705 §2.1.1 and
# §2.2.1); a public one does not.
BASIC = "client_secret_basic"
POST = "client_secret_post"
PRIVATE_KEY_JWT = "private_key_jwt"
TLS_CLIENT_AUTH = "tls_client_auth"
SELF_SIGNED_TLS_CLIENT_AUTH = "self_signed_tls_client_auth"
PUBLIC = "none"
SECRET_METHODS = (BASIC, POST)
AUTH_METHODS = (BASIC, POST, PRIVATE_KEY_JWT, TLS_CLIENT_AUTH, SELF_SIGNED_TLS_CLIENT_AUTH, PUBLIC)

AUTHORIZATION_CODE = "authorization_code"
REFRESH_TOKEN = "refresh_token"  # noqa: S105 (a name)
CLIENT_CREDENTIALS = "client_credentials"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 (a name)
JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
GRANT_TYPES: Final = (
    AUTHORIZATION_CODE,
    REFRESH_TOKEN,
    CLIENT_CREDENTIALS,
    DEVICE_CODE,
    TOKEN_EXCHANGE,
    JWT_BEARER,
)
RESPONSE_MODES: Final = ("query", "form_post", "jwt", "query.jwt", "form_post.jwt")
# How a client signs what it authenticates with (RFC 7523 §3); FAPI 2.0 §5.4.1 leaves one out.
ASSERTION_ALGORITHMS: Final = ("ES256", "PS256", "EdDSA", "RS256")
FAPI_ASSERTION_ALGORITHMS: Final = ("ES256", "PS256", "EdDSA")

Profile = Literal["", "fapi2"]
FAPI2: Final = "fapi2"

# How long refresh tokens live, in seconds: without use, and at all.
REFRESH_IDLE = 30 * 24 * 3600
REFRESH_LIFETIME = 365 * 24 * 3600

# The client ids that `register_client` accepts; any other is unknown without a query.
CLIENT_ID = re.compile(rf"[A-Za-z0-9._-]{{1,{LONGEST_CLIENT_ID}}}")

# JSON as the text that is stored, so that a client can be remembered by its row.
_AS_STORED = [cast(each, Text) if isinstance(each.type, JSON) else each for each in clients.c]
_JSON = [index for index, each in enumerate(clients.c) if isinstance(each.type, JSON)]
# Built once: putting a statement together costs more than executing it.
_FIND = select(*_AS_STORED).where(
    clients.c.client_id == bindparam("client_id"), clients.c.ended_at.is_(None)
)
_LOCK = _FIND.with_for_update()
_LISTS = [
    list(clients.c).index(column)
    for column in (
        clients.c.redirect_uris,
        clients.c.post_logout_redirect_uris,
        clients.c.resources,
        clients.c.profile_kinds,
        clients.c.required_profile_kinds,
    )
]
_METADATA = list(clients.c).index(clients.c.client_metadata)


@dataclass(frozen=True, slots=True)
class Client:
    """A registered relying application: a row of `clients`.

    The last methods, without docstrings, are those of Authlib's `ClientMixin`.
    """

    client_id: str
    client_name: str
    client_secret_hash: str | None
    token_endpoint_auth_method: str
    application_type: str
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    scope: str
    id_token_signed_response_alg: Algorithm
    sector_identifier: str
    metadata: ClientMetadata
    require_pkce: bool
    may_read_ssin: bool
    first_party: bool
    created_at: datetime
    policy: str | None
    may_read_device_id: bool
    profile: Profile = ""
    organisation: str = ""
    resources: tuple[str, ...] = ()
    refresh_idle: int = REFRESH_IDLE
    refresh_lifetime: int = REFRESH_LIFETIME
    registration_access_token_hash: str | None = None
    ended_at: datetime | None = None
    profile_kinds: tuple[str, ...] = ()
    required_profile_kinds: tuple[str, ...] = ()
    default_profile_kind: str = ""
    scope_reasons: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def fapi(self) -> bool:
        """Whether the client keeps the FAPI 2.0 Security Profile (decisions 4.5)."""
        return self.profile == FAPI2

    @property
    def public(self) -> bool:
        """Whether the client is public, so that no secret is safe with it (RFC 6749 §2.1)."""
        return self.token_endpoint_auth_method == PUBLIC

    @property
    def pkce_required(self) -> bool:
        """Whether an authorization request without `code_challenge` is refused (decisions 4.1)."""
        return self.public or self.require_pkce or self.fapi

    @property
    def must_push(self) -> bool:
        """Whether the client may send authorization requests to /par alone (RFC 9126 §6)."""
        return self.fapi or self.metadata.require_pushed_authorization_requests

    @property
    def manages_grants(self) -> bool:
        """Whether the client gets a `grant_id`, by which it queries and revokes its grants."""
        return not self.public and any(map(self.may_ask, GRANT_MANAGEMENT_SCOPES))

    @property
    def sender_constrained(self) -> bool:
        """Whether access tokens of the client are bound to a key or a certificate of its own."""
        return self.metadata.binds_tokens

    @property
    def allowed_profile_kinds(self) -> frozenset[str]:
        """The capacities in which people may use the client."""
        return allowed_kinds(self.profile_kinds, self.required_profile_kinds)

    @property
    def domain(self) -> str:
        """The host of the first redirect URI, which people may recognise; else the client id."""
        first = self.redirect_uris[0] if self.redirect_uris else ""
        return urlsplit(first).hostname or self.client_id

    def display_name(self, language: str) -> str:
        """The name of the client for a reader of this language."""
        return value_in_language(self.metadata.client_names, language) or self.client_name

    def logo(self, language: str) -> str:
        """The path of this service where the logo of the client is served; "" for none."""
        if not value_in_language(self.metadata.logo_uris, language):
            return ""
        return f"/clients/{self.client_id}/logo?language={language}"

    def policy_uri(self, language: str) -> str:
        """The address of the privacy policy of the client; "" for none."""
        return value_in_language(self.metadata.policy_uris, language)

    def tos_uri(self, language: str) -> str:
        """The address of the terms of service of the client; "" for none."""
        return value_in_language(self.metadata.tos_uris, language)

    def may_ask(self, scope: str) -> bool:
        """Whether the scope is registered for the client and, for `ssin`, permitted."""
        return scope in self.scope.split() and (scope != SSIN_SCOPE or self.may_read_ssin)

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> None:
        return None  # always sent, always compared

    def get_allowed_scope(self, scope: str) -> str:
        return " ".join(each for each in scope.split() if self.may_ask(each))

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return match_redirect_uri(self.redirect_uris, redirect_uri, self.application_type)

    def check_client_secret(self, client_secret: str) -> bool:
        expected = self.client_secret_hash or ""
        return hmac.compare_digest(token_hash(client_secret), expected)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == self.token_endpoint_auth_method

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.metadata.grant_types


def allowed_kinds(kinds: Sequence[str], required: Sequence[str]) -> frozenset[str]:
    """The capacities in which people may use a client with these allowed and required kinds.

    They are the required kinds, else `citizen` and the allowed kinds.
    """
    return frozenset(required or ("citizen", *kinds))


def new_client_id() -> str:
    """A random client id without a dash, which the command line would take for an option."""
    return new_token(12).replace("-", ".")


def find_client(connection: Connection, client_id: str) -> Client | None:
    """The client with this id; None for an unknown or an ended client."""
    if not CLIENT_ID.fullmatch(client_id):
        return None
    row = connection.execute(_FIND, {"client_id": client_id}).first()
    return _client_as_stored(tuple(row)) if row else None


def lock_client(connection: Connection, client_id: str) -> Client | None:
    """The client with this id, its row locked until the transaction ends; None if unknown."""
    if not CLIENT_ID.fullmatch(client_id):
        return None
    row = connection.execute(_LOCK, {"client_id": client_id}).first()
    return _client_as_stored(tuple(row)) if row else None


def list_clients(connection: Connection) -> list[Client]:
    """The clients that have not ended, by name."""
    statement = (
        select(clients)
        .where(clients.c.ended_at.is_(None))
        .order_by(clients.c.client_name, clients.c.client_id)
    )
    return [client_of_row(row) for row in connection.execute(statement)]


def count_self_registered(connection: Connection, since: datetime) -> int:
    """How many applications have registered by themselves since a moment."""
    statement = select(func.count()).where(
        clients.c.created_at > since, clients.c.registration_access_token_hash.is_not(None)
    )
    return connection.execute(statement).scalar_one()


def policies_of_clients(connection: Connection) -> frozenset[str]:
    """The names of the policies that clients are registered with."""
    statement = select(clients.c.policy).where(clients.c.policy.is_not(None)).distinct()
    return frozenset(connection.execute(statement).scalars())


def public_client_origins(connection: Connection) -> frozenset[str]:
    """The web origins whose scripts of public clients may call the service (decisions 4.17)."""
    statement = select(clients.c.redirect_uris).where(
        clients.c.token_endpoint_auth_method == PUBLIC,
        clients.c.application_type == "web",
        clients.c.ended_at.is_(None),
    )
    uris = [urlsplit(uri) for uris in connection.execute(statement).scalars() for uri in uris]
    return frozenset(f"{uri.scheme}://{uri.netloc}" for uri in uris)


def client_of_row(row: Sequence[Any]) -> Client:
    """The client in a row of `clients`, whose columns are in the order of the table."""
    values = list(row)
    for index in _LISTS:
        values[index] = tuple(values[index])
    values[_METADATA] = unpack_client_metadata(values[_METADATA])
    return Client(*values)


@lru_cache(maxsize=1024)
def _client_as_stored(row: tuple[Any, ...]) -> Client:
    """The client in a row of `_AS_STORED`, remembered because reading costs as much as finding.

    The key of the cache is the row itself, so that no answer can be out of date.
    """
    values = list(row)
    for index in _JSON:
        values[index] = orjson.loads(values[index])
    return client_of_row(values)


def row_of_client(client: Client) -> dict[str, Any]:
    """The row of `clients` for a client: the inverse of `client_of_row`."""
    values = {name: getattr(client, name) for name in Client.__dataclass_fields__}
    metadata: ClientMetadata = values.pop("metadata")
    return {**values, "client_metadata": metadata.pack()}

"""A resource server and its scopes, and how resource servers are found.

RFC 8707, Resource Indicators (https://www.rfc-editor.org/rfc/rfc8707). Access tokens
are for a resource server, or for the userinfo endpoint of this service.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

import orjson
from sqlalchemy import Connection, Text, bindparam, cast, select

from authn.clients.tables import resources
from authn.settings import Settings

Level = Literal["", "synced", "device", "certified"]
TokenFormat = Literal["jwt", "opaque"]


@dataclass(frozen=True, slots=True)
class ResourceScope:
    """A scope of a resource server: its texts for people, and who may obtain the scope.

    `name` and `explanation` are by language; English is always there. Empty `profile_kinds`,
    `disciplines` and `service_names` are any; `level` "" is any.
    """

    name: Mapping[str, str]
    explanation: Mapping[str, str] = field(default_factory=dict)
    profile_kinds: tuple[str, ...] = ()
    disciplines: tuple[str, ...] = ()
    service_names: tuple[str, ...] = ()
    level: Level = ""

    def sentence(self, language: str) -> str:
        """The name of the scope for a reader of this language."""
        return self.name.get(language) or self.name["en"]


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource server, by the columns of `resources`."""

    resource: str
    resource_name: str
    client_id: str | None
    scopes: Mapping[str, ResourceScope]
    sector_identifier: str
    may_read_ssin: bool
    reads_may_act: bool
    created_at: datetime
    level: Level = ""
    token_format: TokenFormat = "jwt"  # noqa: S105 (a name)
    encrypt_tokens: bool = False
    reads_profile: bool = False
    may_read_device_id: bool = False
    revocation_hook: str = ""


@dataclass(frozen=True, slots=True)
class ResourceRules:
    """The fields of `Resource` that decide who may obtain its scopes."""

    scopes: Mapping[str, ResourceScope]
    level: Level = ""


_SCOPES = list(resources.c).index(resources.c.scopes)
# The scopes as the JSON text that is stored, so that a resource can be remembered by its row.
_FIND = select(
    *(cast(each, Text) if each is resources.c.scopes else each for each in resources.c)
).where(resources.c.resource == bindparam("resource"))
_FIND_THESE = (
    select(resources)
    .where(resources.c.resource.in_(bindparam("identifiers", expanding=True)))
    .order_by(resources.c.resource)
)
_OF_CLIENT = (
    select(resources)
    .where(resources.c.client_id == bindparam("client_id"))
    .order_by(resources.c.resource)
)


def userinfo_audience(settings: Settings) -> str:
    """The audience of access tokens without another resource (decisions 4.4).

    The userinfo endpoint of this service is not registered as a resource server.
    """
    return f"{settings.issuer}/userinfo"


def find_resource(connection: Connection, resource: str) -> Resource | None:
    """The resource server with exactly this identifier, if any."""
    row = connection.execute(_FIND, {"resource": resource}).first()
    return _resource_as_stored(tuple(row)) if row else None


def find_resources(connection: Connection, identifiers: Iterable[str]) -> dict[str, Resource]:
    """The resource servers with these identifiers, by identifier; unknown ones are left out."""
    rows = connection.execute(_FIND_THESE, {"identifiers": list(identifiers)})
    return {row.resource: resource_of_row(row) for row in rows}


def list_resources_of_client(connection: Connection, client_id: str) -> list[Resource]:
    """The resource servers that authenticate at the introspection endpoint as this client."""
    return [
        resource_of_row(row) for row in connection.execute(_OF_CLIENT, {"client_id": client_id})
    ]


def list_resources(connection: Connection) -> list[Resource]:
    """All resource servers, by identifier."""
    statement = select(resources).order_by(resources.c.resource)
    return [resource_of_row(row) for row in connection.execute(statement)]


def resource_of_row(row: Sequence[Any]) -> Resource:
    """The resource server in a row of `resources`, whose columns are in the order of the table."""
    values = list(row)
    values[_SCOPES] = {scope: _scope(stored) for scope, stored in values[_SCOPES].items()}
    return Resource(*values)


def row_of_resource(resource: Resource) -> dict[str, Any]:
    """The row of `resources` for a resource server: the inverse of `resource_of_row`."""
    values = {name: getattr(resource, name) for name in Resource.__dataclass_fields__}
    return values | {"scopes": {name: asdict(each) for name, each in resource.scopes.items()}}


@lru_cache(maxsize=1024)
def _resource_as_stored(row: tuple[Any, ...]) -> Resource:
    """The resource server in a row of `_FIND`; remembered by the row, so never out of date."""
    values = list(row)
    values[_SCOPES] = unpack_scopes(values[_SCOPES])
    return Resource(*values)


@lru_cache(maxsize=1024)
def unpack_scopes(text: str) -> dict[str, ResourceScope]:
    """The scopes in the JSON text of a row; remembered by the text, so never out of date."""
    return {scope: _scope(stored) for scope, stored in orjson.loads(text).items()}


def _scope(stored: Mapping[str, Any]) -> ResourceScope:
    lists = ("profile_kinds", "disciplines", "service_names")
    return ResourceScope(**{**stored, **{name: tuple(stored.get(name, ())) for name in lists}})

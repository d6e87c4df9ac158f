"""Resource servers: whom access tokens can be for, beside our own userinfo.

RFC 8707, Resource Indicators (https://www.rfc-editor.org/rfc/rfc8707). The operator registers them.
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
    """A scope of a resource: what people read of it, and which identity may obtain it.

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
        """What people who read this language know it by."""
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
    """What of a resource decides who may obtain what of it, as `Resource` has it."""

    scopes: Mapping[str, ResourceScope]
    level: Level = ""


_SCOPES = list(resources.c).index(resources.c.scopes)
# Its scopes as the JSON that is stored, so that a resource can be remembered by its row.
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
    """The resource that access tokens are for unless another was granted (decisions 4.4): our own,
    which is not registered."""
    return f"{settings.issuer}/userinfo"


def find_resource(connection: Connection, resource: str) -> Resource | None:
    """The resource server with exactly this identifier."""
    row = connection.execute(_FIND, {"resource": resource}).first()
    return _resource_as_stored(tuple(row)) if row else None


def find_resources(connection: Connection, identifiers: Iterable[str]) -> dict[str, Resource]:
    """Those of these identifiers that are resource servers, by identifier."""
    rows = connection.execute(_FIND_THESE, {"identifiers": list(identifiers)})
    return {row.resource: resource_of_row(row) for row in rows}


def resources_of(connection: Connection, client_id: str) -> list[Resource]:
    """Those that authenticate at the introspection endpoint as this client."""
    return [
        resource_of_row(row) for row in connection.execute(_OF_CLIENT, {"client_id": client_id})
    ]


def list_resources(connection: Connection) -> list[Resource]:
    """Every resource server, by identifier."""
    statement = select(resources).order_by(resources.c.resource)
    return [resource_of_row(row) for row in connection.execute(statement)]


def resource_of_row(row: Sequence[Any]) -> Resource:
    """The resource server that a row of `resources`, in the table's order of columns, is."""
    values = list(row)
    values[_SCOPES] = {scope: _scope(said) for scope, said in values[_SCOPES].items()}
    return Resource(*values)


def row_of_resource(resource: Resource) -> dict[str, Any]:
    """The row that `resource_of_row` would read."""
    values = {name: getattr(resource, name) for name in Resource.__dataclass_fields__}
    return values | {"scopes": {name: asdict(each) for name, each in resource.scopes.items()}}


@lru_cache(maxsize=1024)
def _resource_as_stored(row: tuple[Any, ...]) -> Resource:
    """The resource server of a row of `_FIND`; remembered by the row itself, so that it can never
    be out of date."""
    values = list(row)
    values[_SCOPES] = unpack_scopes(values[_SCOPES])
    return Resource(*values)


@lru_cache(maxsize=1024)
def unpack_scopes(text: str) -> dict[str, ResourceScope]:
    """The scopes in the JSON of a row. Remembered by the text itself, so that it can never be out
    of date."""
    return {scope: _scope(said) for scope, said in orjson.loads(text).items()}


def _scope(said: Mapping[str, Any]) -> ResourceScope:
    lists = ("profile_kinds", "disciplines", "service_names")
    return ResourceScope(**{**said, **{name: tuple(said.get(name, ())) for name in lists}})

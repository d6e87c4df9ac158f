"""Resource servers: whom access tokens can be for, beside our own userinfo.

RFC 8707, Resource Indicators (https://www.rfc-editor.org/rfc/rfc8707). The operator registers them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from authn.clients.tables import resources


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource server, by the columns of `resources`; `scopes` have people's sentences."""

    resource: str
    resource_name: str
    client_id: str | None
    scopes: Mapping[str, str]
    sector_identifier: str
    may_read_ssin: bool
    reads_may_act: bool
    created_at: datetime


_FIND = select(resources).where(resources.c.resource == bindparam("resource"))
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


def find_resource(connection: Connection, resource: str) -> Resource | None:
    """The resource server with exactly this identifier."""
    row = connection.execute(_FIND, {"resource": resource}).first()
    return _resource(row) if row else None


def find_resources(connection: Connection, identifiers: Iterable[str]) -> dict[str, Resource]:
    """Those of these identifiers that are resource servers, by identifier."""
    rows = connection.execute(_FIND_THESE, {"identifiers": list(identifiers)})
    return {row.resource: _resource(row) for row in rows}


def resources_of(connection: Connection, client_id: str) -> list[Resource]:
    """Those that authenticate at the introspection endpoint as this client."""
    return [_resource(row) for row in connection.execute(_OF_CLIENT, {"client_id": client_id})]


def list_resources(connection: Connection) -> list[Resource]:
    """Every resource server, by identifier."""
    statement = select(resources).order_by(resources.c.resource)
    return [_resource(row) for row in connection.execute(statement)]


def _resource(row: Row[Any]) -> Resource:
    values = list(row)
    return Resource(*values)

"""Token exchanges that the operator allows: which client, whose tokens, for which resource.

RFC 8693, Token Exchange (https://www.rfc-editor.org/rfc/rfc8693).
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, and_, bindparam, delete, select

from authn.audit.events.clients import ExchangeAllowed, ExchangeForbidden
from authn.audit.log import record
from authn.clients.clients import find_client
from authn.clients.resource_servers.resources import Resource, find_resource, resource_of_row
from authn.clients.tables import exchange_pairs, resources
from authn.db.occasion import NO_REFERENCE
from authn.db.once import insert_once
from authn.errors import N_, InvalidRequest
from authn.people.tables import subjects
from authn.secrets import Secrets


@dataclass(frozen=True, slots=True)
class ExchangePair:
    """A client may exchange tokens issued to the subject client for tokens for the resource."""

    client_id: str
    subject_client_id: str
    resource: str


@dataclass(frozen=True, slots=True)
class ExchangeTarget:
    """The resource server of an exchange, and whether a pair allows the exchange.

    `subject` is the `sub` of the person at the resource server; "" where there is none yet.
    """

    resource: Resource
    allowed: bool
    subject: str


# One statement, since each costs as much as all other checks of an exchange.
_FIND_TARGET = (
    select(*resources.c, exchange_pairs.c.client_id.is_not(None), subjects.c.sub)
    .select_from(
        resources.outerjoin(
            exchange_pairs,
            and_(
                exchange_pairs.c.resource == resources.c.resource,
                exchange_pairs.c.client_id == bindparam("client_id"),
                exchange_pairs.c.subject_client_id == bindparam("subject_client_id"),
            ),
        ).outerjoin(
            subjects,
            and_(
                subjects.c.person_id == bindparam("person_id"),
                subjects.c.sector == resources.c.sector_identifier,
            ),
        )
    )
    .where(resources.c.resource == bindparam("resource"))
)

_ANY = select(exchange_pairs.c.client_id).where(
    exchange_pairs.c.client_id == bindparam("client_id"),
    exchange_pairs.c.resource == bindparam("resource"),
)


class InvalidPair(InvalidRequest):
    """A client or resource server of a pair is not registered."""

    def __init__(self, description: str) -> None:
        super().__init__("invalid_pair", description)


def find_exchange_target(
    connection: Connection, pair: ExchangePair, person_id: UUID | None
) -> ExchangeTarget | None:
    """The resource server of the pair, and whether the pair is allowed; None if unknown.

    `person_id` is the subject of the token, None for a token of a system.
    """
    parameters = {**_row(pair), "person_id": person_id}
    row = connection.execute(_FIND_TARGET, parameters).first()
    if row is None:
        return None
    *resource, allowed, subject = row
    return ExchangeTarget(resource_of_row(resource), allowed, subject or "")


def may_exchange_for(connection: Connection, client_id: str, resource: str) -> bool:
    """Whether the client may exchange tokens of any client for this resource server."""
    parameters = {"client_id": client_id, "resource": resource}
    return connection.execute(_ANY, parameters).first() is not None


def allow_exchange(
    connection: Connection,
    secrets: Secrets,
    pair: ExchangePair,
    now: datetime,
    reference: str = NO_REFERENCE,
) -> bool:
    """Allow the exchange; False when it was allowed before. Raises `InvalidPair`."""
    for client_id in (pair.client_id, pair.subject_client_id):
        if find_client(connection, client_id) is None:
            raise InvalidPair(N_("There is no client with this id."))
    if find_resource(connection, pair.resource) is None:
        raise InvalidPair(N_("There is no resource with this identifier."))
    if not insert_once(connection, exchange_pairs, _row(pair)):
        return False
    record(connection, secrets, _event(ExchangeAllowed, pair), now, reference)
    return True


def forbid_exchange(
    connection: Connection,
    secrets: Secrets,
    pair: ExchangePair,
    now: datetime,
    reference: str = NO_REFERENCE,
) -> bool:
    """Forbid the exchange; False when it was not allowed."""
    columns = exchange_pairs.c
    done = connection.execute(
        delete(exchange_pairs).where(
            columns.client_id == pair.client_id,
            columns.subject_client_id == pair.subject_client_id,
            columns.resource == pair.resource,
        )
    )
    if done.rowcount == 0:
        return False
    record(connection, secrets, _event(ExchangeForbidden, pair), now, reference)
    return True


def list_exchanges(connection: Connection) -> list[ExchangePair]:
    """All pairs, by client."""
    columns = exchange_pairs.c
    statement = select(exchange_pairs).order_by(
        columns.client_id, columns.subject_client_id, columns.resource
    )
    return [
        ExchangePair(row.client_id, row.subject_client_id, row.resource)
        for row in connection.execute(statement)
    ]


def _event(
    kind: type[ExchangeAllowed] | type[ExchangeForbidden], pair: ExchangePair
) -> ExchangeAllowed | ExchangeForbidden:
    return kind(
        client_id=pair.client_id,
        subject_client_id=pair.subject_client_id,
        resource=pair.resource,
    )


def _row(pair: ExchangePair) -> dict[str, str]:
    return {
        "client_id": pair.client_id,
        "subject_client_id": pair.subject_client_id,
        "resource": pair.resource,
    }

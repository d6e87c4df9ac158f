"""Issuers whose assertions are taken as grants (RFC 7523 §2.1); none until the operator adds one.

https://www.rfc-editor.org/rfc/rfc7523#section-2.1. An issuer names people by the `sub` that one
client knows, and one client may present its assertions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select

from authn.audit.events.clients import AssertionIssuerEnded, AssertionIssuerRegistered
from authn.audit.log import record
from authn.clients.clients import find_client
from authn.clients.tables import LONGEST_RESOURCE, assertion_issuers
from authn.db.occasion import NO_REFERENCE
from authn.db.once import insert_once
from authn.errors import N_, InvalidRequest
from authn.foreign_jwt import read_key_set
from authn.secrets import Secrets
from authn.web.outgoing import may_call


@dataclass(frozen=True, slots=True)
class AssertionIssuer:
    """An issuer of assertions, with its keys by value or by address, never both."""

    issuer: str
    jwks: Mapping[str, Any] | None
    jwks_uri: str | None
    client_id: str
    subject_client_id: str
    created_at: datetime


_FIND = select(assertion_issuers).where(assertion_issuers.c.issuer == bindparam("issuer"))


class InvalidIssuer(InvalidRequest):
    """The description of an assertion issuer is not accepted."""

    def __init__(self, description: str) -> None:
        super().__init__("invalid_issuer", description)


def find_assertion_issuer(connection: Connection, issuer: str) -> AssertionIssuer | None:
    """The issuer with exactly this name; None for an unknown one, and for a name with a NUL."""
    if "\x00" in issuer:
        return None
    row = connection.execute(_FIND, {"issuer": issuer}).first()
    return AssertionIssuer(*list(row)) if row else None


def list_assertion_issuers(connection: Connection) -> list[AssertionIssuer]:
    """All assertion issuers, by name."""
    statement = select(assertion_issuers).order_by(assertion_issuers.c.issuer)
    return [AssertionIssuer(*list(row)) for row in connection.execute(statement)]


def register_assertion_issuer(
    connection: Connection,
    secrets: Secrets,
    issuer: AssertionIssuer,
    reference: str = NO_REFERENCE,
) -> None:
    """Add an issuer, whose assertions are taken from now on; raises `InvalidIssuer`."""
    if not 0 < len(issuer.issuer) <= LONGEST_RESOURCE:
        raise InvalidIssuer(N_("An issuer has a name of at most 500 characters."))
    if (issuer.jwks is None) == (not issuer.jwks_uri):
        raise InvalidIssuer(N_("An issuer has jwks or jwks_uri, and not both."))
    if issuer.jwks is not None and not read_key_set(issuer.jwks):
        raise InvalidIssuer(N_("The key set has no key that we can use."))
    if issuer.jwks_uri and not may_call(issuer.jwks_uri, this_machine=True):
        raise InvalidIssuer(N_("The jwks_uri is an https address."))
    for client_id in (issuer.client_id, issuer.subject_client_id):
        if find_client(connection, client_id) is None:
            raise InvalidIssuer(N_("There is no client with this id."))
    row = {name: getattr(issuer, name) for name in AssertionIssuer.__dataclass_fields__}
    if not insert_once(connection, assertion_issuers, row):
        raise InvalidIssuer(N_("There is an issuer with this name already."))
    event = AssertionIssuerRegistered(client_id=issuer.client_id, issuer=issuer.issuer)
    record(connection, secrets, event, issuer.created_at, reference)


def end_assertion_issuer(
    connection: Connection,
    secrets: Secrets,
    name: str,
    now: datetime,
    reference: str = NO_REFERENCE,
) -> bool:
    """Remove an assertion issuer; False where there is none of this name."""
    statement = delete(assertion_issuers).where(assertion_issuers.c.issuer == name)
    if connection.execute(statement).rowcount == 0:
        return False
    record(connection, secrets, AssertionIssuerEnded(issuer=name), now, reference)
    return True

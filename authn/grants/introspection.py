"""Whether an access token is active, for the resource server that it is for: one statement.

RFC 7662 §2.2 (https://www.rfc-editor.org/rfc/rfc7662#section-2.2). Why one: resource servers may
ask at every request that they get, and this is all that such an answer costs beside knowing them.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Text, bindparam, cast, exists, select, true

from authn.clients.client_metadata import unpack_client_metadata
from authn.clients.clients import allowed_kinds
from authn.clients.resource_servers.resources import ResourceRules, unpack_scopes
from authn.clients.tables import clients, exchange_pairs, resources
from authn.devices.tables import KeyLevel
from authn.grants.access_tokens import is_system_token, open_jti
from authn.grants.grants import client_of_grant, live_chain, live_condition, live_parameters
from authn.grants.tables import grants, revoked_tokens
from authn.secrets import Secrets
from authn.settings import Settings


@dataclass(frozen=True, slots=True)
class IntrospectedToken:
    """An access token with verified signature and times, and the client that introspects it.

    `client_id` is the client that it was issued to; `subject` its `sub`, which for a system is the
    client that obtained it first; `bound` is whether it is of use to nobody without a key or a
    certificate.
    """

    jti: str
    client_id: str
    audience: str
    asking_client_id: str
    subject: str
    bound: bool


@dataclass(frozen=True, slots=True)
class TokenAtResource:
    """An active token: what its resource may read, and whose it is; a system's has no person.

    `kinds` are those of the capacities in which people may use the client that has the token,
    `granted_kinds` those of the client that was granted it. `switched_by` is as in `SealedToken`.
    `askable` are the scopes that the client which was granted them may ask to this day, `rules`
    what the resource asks of whoever obtains one, `level` the one of the login.
    """

    profile_id: UUID | None
    kinds: tuple[str, ...]
    askable: frozenset[str]
    rules: ResourceRules
    may_read_ssin: bool
    reads_profile: bool = False
    reads_may_act: bool = False
    may_read_device_id: bool = False
    sector: str = ""
    person_id: UUID | None = None
    device_id: UUID | None = None
    switched_by: str = ""
    granted_kinds: frozenset[str] = frozenset()
    level: KeyLevel | None = None


# By exchange (RFC 8693) a token is another client's than its grant.
_issued_to = clients.alias("issued_to")
_FOR_WHO_ASKS = (
    resources.c.resource == bindparam("audience"),
    resources.c.client_id == bindparam("asking_client_id"),
    _issued_to.c.client_id == bindparam("token_client_id"),
    _issued_to.c.ended_at.is_(None),
    ~exists().where(revoked_tokens.c.jti == bindparam("jti")),
)
# By which it may have a token for this resource at all: one of the two; and how.
_MAY_HAVE = (
    _issued_to.c.client_metadata,
    _issued_to.c.resources,
    exists()
    .where(
        exchange_pairs.c.client_id == bindparam("token_client_id"),
        exchange_pairs.c.resource == bindparam("audience"),
    )
    .label("may_exchange"),
)
_RULES = (cast(resources.c.scopes, Text).label("scopes"), resources.c.level.label("needed_level"))
# A system's token that was exchanged is of the client that obtained it first.
_of_system = clients.alias("of_system")
_OF_A_PERSON = (
    select(
        *_MAY_HAVE,
        *_RULES,
        client_of_grant.c.scope.label("client_scope"),
        grants.c.level,
        _issued_to.c.profile_kinds,
        _issued_to.c.required_profile_kinds,
        resources.c.may_read_ssin,
        resources.c.reads_profile,
        resources.c.reads_may_act,
        resources.c.may_read_device_id,
        resources.c.sector_identifier,
        grants.c.person_id,
        grants.c.device_id,
        client_of_grant.c.profile_kinds.label("granted_kinds"),
        client_of_grant.c.required_profile_kinds.label("granted_required"),
    )
    .select_from(live_chain().join(resources, true()).join(_issued_to, true()))
    .where(grants.c.id == bindparam("grant_id"), *_FOR_WHO_ASKS, live_condition())
)
_OF_A_SYSTEM = (
    select(
        *_MAY_HAVE,
        *_RULES,
        _of_system.c.scope.label("client_scope"),
        resources.c.may_read_ssin,
    )
    .select_from(resources.join(_issued_to, true()).join(_of_system, true()))
    .where(
        *_FOR_WHO_ASKS,
        _of_system.c.client_id == bindparam("subject"),
        _of_system.c.ended_at.is_(None),
    )
)


def find_token_at_resource(
    connection: Connection,
    secrets: Secrets,
    settings: Settings,
    token: IntrospectedToken,
    now: datetime,
) -> TokenAtResource | None:
    """The active token, if it is for a resource of the client that asks; None if not.

    Its own client must still be allowed a token for this resource, and bound if that is required.
    """
    sealed = open_jti(secrets, token.jti)
    parameters: dict[str, Any] = {
        "jti": token.jti,
        "audience": token.audience,
        "asking_client_id": token.asking_client_id,
        "token_client_id": token.client_id,
    }
    if is_system_token(token.jti):
        parameters["subject"] = token.subject
        row = connection.execute(_OF_A_SYSTEM, parameters).first()
    elif sealed is None:
        return None
    else:
        parameters |= {"grant_id": sealed.grant_id, **live_parameters(settings, now)}
        row = connection.execute(_OF_A_PERSON, parameters).first()
    if row is None:
        return None
    metadata, its_resources, may_exchange, scopes, needed_level, client_scope, *rest = row
    if token.audience not in its_resources and not may_exchange:
        return None
    if not token.bound and unpack_client_metadata(metadata).binds_tokens:
        return None
    rules = ResourceRules(unpack_scopes(scopes), needed_level)
    today = (frozenset(client_scope.split()), rules)
    if sealed is None:
        return TokenAtResource(None, (), *today, *rest)
    level, kinds, required, *members, granted_kinds, granted_required = rest
    members += [sealed.switched_by, allowed_kinds(granted_kinds, granted_required), level]
    return TokenAtResource(sealed.profile_id, tuple(required or kinds), *today, *members)

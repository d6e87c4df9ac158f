"""Access tokens without rows: the `jti` of each holds its grant, sealed.

Why: a row for each would be half of what /token writes, and each lives five minutes. The grant's id
is sealed (AES-SIV, RFC 5297), so that a `jti` tells its bearer nothing, and two of one grant have
nothing in common. A token of a system has no grant: it is alive while its client is.
"""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha512
from hmac import digest
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from sqlalchemy import Connection, bindparam, delete, exists, select

from authn.clients.client_metadata import ClientMetadata, unpack_client_metadata
from authn.clients.clients import FAPI2, allowed_kinds
from authn.db.once import insert_once
from authn.grants.grants import (
    COLUMNS,
    Grant,
    client_of_grant,
    live_chain,
    live_condition,
    live_parameters,
)
from authn.grants.tables import grants, revoked_tokens
from authn.people.tables import Person, persons
from authn.profiles.profile import NO_PROFILE
from authn.secrets import Secrets, new_token
from authn.settings import Settings

LIFETIME = timedelta(minutes=5)
WITHOUT_GRANT = "s."  # of a system
NONCE_BYTES = 8
UUID_BYTES = 16

_NOT_REVOKED = ~exists().where(revoked_tokens.c.jti == bindparam("jti"))
_FIND = (
    select(
        client_of_grant.c.profile,
        client_of_grant.c.may_read_ssin,
        client_of_grant.c.scope.label("client_scope"),
        client_of_grant.c.client_metadata,
        client_of_grant.c.profile_kinds,
        client_of_grant.c.required_profile_kinds,
        client_of_grant.c.resources,
        *COLUMNS,
        *persons.c,
    )
    .select_from(live_chain())
    .where(grants.c.id == bindparam("grant_id"), _NOT_REVOKED, live_condition())
)
_REVOKED = select(revoked_tokens.c.jti).where(revoked_tokens.c.jti == bindparam("jti"))


@dataclass(frozen=True, slots=True)
class LiveGrant:
    """A valid grant with its person, and the members of its client that matter for a token.

    Not the whole client: reading that takes half as long again. `kinds` are those of the capacities
    in which people may use it now; `client_scope` and `resources` are what it may ask now, which
    may be less than what was granted.
    """

    fapi: bool
    may_read_ssin: bool
    client_scope: str
    metadata: ClientMetadata
    grant: Grant
    person: Person
    profile_id: UUID | None
    switched_by: str = ""
    kinds: frozenset[str] = frozenset()
    resources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SealedToken:
    """The content of a `jti`: the grant, and the profile in which the token acts (None: citizen).

    By exchange (RFC 8693) a token may act in another profile than its grant: `switched_by` is the
    client that did that, to which the person has allowed it; "" for none.
    """

    grant_id: UUID
    profile_id: UUID | None
    switched_by: str = ""


def new_jti(
    secrets: Secrets, grant_id: UUID | None, profile_id: UUID | None = None, switched_by: str = ""
) -> str:
    """A new `jti` for an access token; `grant_id` is None for a token of a system."""
    if grant_id is None:
        return WITHOUT_GRANT + new_token(16)
    held = grant_id.bytes
    if profile_id or switched_by:
        held += (profile_id or NO_PROFILE).bytes + switched_by.encode("ascii")
    sealed = _cipher(secrets.token_key).encrypt(os.urandom(NONCE_BYTES) + held, None)
    return urlsafe_b64encode(sealed).rstrip(b"=").decode()


def open_jti(secrets: Secrets, jti: str) -> SealedToken | None:
    """The content of a `jti`; None for a token of a system and for a `jti` of another issuer."""
    try:
        opened = _cipher(secrets.token_key).decrypt(urlsafe_b64decode(jti + "=="), None)
    except (InvalidTag, ValueError):
        return None
    held = opened[NONCE_BYTES:]
    grant, profile = held[:UUID_BYTES], held[UUID_BYTES : 2 * UUID_BYTES]
    profile_id = UUID(bytes=profile) if profile and profile != NO_PROFILE.bytes else None
    return SealedToken(UUID(bytes=grant), profile_id, held[2 * UUID_BYTES :].decode("ascii"))


def is_system_token(jti: str) -> bool:
    """Whether the token has no grant; one whose grant can't be opened is not of a system."""
    return jti.startswith(WITHOUT_GRANT)


def find_grant_of_access_token(
    connection: Connection, secrets: Secrets, settings: Settings, jti: str, now: datetime
) -> LiveGrant | None:
    """The grant of a token whose signature and times were verified, while both are alive."""
    sealed = open_jti(secrets, jti)
    if sealed is None:
        return None
    parameters = {"grant_id": sealed.grant_id, "jti": jti, **live_parameters(settings, now)}
    row = connection.execute(_FIND, parameters).first()
    if row is None:
        return None
    profile, may_read_ssin, client_scope, metadata, kinds, required, its_resources, *rest = row
    return LiveGrant(
        profile == FAPI2,
        may_read_ssin,
        client_scope,
        unpack_client_metadata(metadata),
        Grant(*rest[: len(COLUMNS)]),
        Person(*rest[len(COLUMNS) :]),
        sealed.profile_id,
        sealed.switched_by,
        allowed_kinds(kinds, required),
        tuple(its_resources),
    )


def revoke_access_token(connection: Connection, jti: str, expires_at: datetime) -> None:
    """Revokes one access token; its grant and the other tokens stay."""
    insert_once(connection, revoked_tokens, {"jti": jti, "expires_at": expires_at})


def is_revoked(connection: Connection, jti: str) -> bool:
    """Whether the access token was revoked by `revoke_access_token`."""
    return connection.execute(_REVOKED, {"jti": jti}).first() is not None


def forget_revoked_tokens(connection: Connection, now: datetime) -> int:
    """How many revoked tokens were deleted because they have expired."""
    return connection.execute(
        delete(revoked_tokens).where(revoked_tokens.c.expires_at < now)
    ).rowcount


@lru_cache
def _cipher(token_key: bytes) -> AESSIV:
    return AESSIV(digest(token_key, b"access-token-jti", sha512))

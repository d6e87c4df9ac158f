"""Refresh tokens: issued, used, replaced by a successor, and recognised when replayed.

RFC 6749 §6 (https://www.rfc-editor.org/rfc/rfc6749#section-6), RFC 9700 §4.14
(https://www.rfc-editor.org/rfc/rfc9700#section-4.14), decisions 4.9.

Why: a thief must need more than the token. A confidential client authenticates; that of a public
one is bound to its key or certificate; where neither is so, each use replaces it by a successor,
and a token that comes back after that ends all that hangs on its grant. What a token asked for at
first it asks for always, whatever its client becomes. A client that did not get the answer may ask
once more, within 10 seconds, before it has used the successor. That is stored sealed (AES-SIV, RFC
5297) with a key made of the token and ours: a dump of the database alone does not give it.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha512
from hmac import digest
from typing import Any, Final, NoReturn
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from sqlalchemy import Connection, bindparam, delete, exists, null, select, update

from authn.audit.events.applications import RefreshTokenReplayed
from authn.audit.log import record
from authn.clients.clients import Client
from authn.db.transaction import must_write
from authn.devices.tables import devices
from authn.grants.confirmation import UNBOUND, Confirmation
from authn.grants.grants import (
    COLUMNS,
    Grant,
    InvalidGrant,
    live_chain,
    live_condition,
    revoke_grant,
)
from authn.grants.grants import live_parameters as limits_of_grants
from authn.grants.tables import RefreshToken, grants, refresh_tokens
from authn.people.tables import persons
from authn.secrets import Secrets, new_token, token_hash
from authn.sessions.sessions import SessionDevice
from authn.web.site import Site
from authn.webauthn.policy import current_level, lower_level

GRACE = timedelta(seconds=10)
# In the place of a key: whoever uses it has authenticated as its client.
AUTHENTICATED: Final = "client"
# Its last use is written when it is older than this part of the idle life, which is so much longer.
TOUCHES = 30


@dataclass(frozen=True, slots=True)
class UsableRefreshToken:
    """A refresh token that its client may use now, and its live grant.

    `grant.level` is what the device is worth today, if that is less than at the login; `checked_at`
    when the national register last confirmed the person. The methods are those that Authlib calls.
    """

    token: str = field(repr=False)
    stored: RefreshToken
    grant: Grant
    client: Client
    checked_at: datetime

    def check_client(self, client: Client) -> bool:
        return client.client_id == self.stored.client_id

    def get_scope(self) -> str:
        return self.grant.scope


_ROW = tuple(refresh_tokens.c[name] for name in RefreshToken.__dataclass_fields__)
_DEVICE = tuple(devices.c[name] for name in SessionDevice.__dataclass_fields__)
_PRESENTED = refresh_tokens.c.token_hash == bindparam("presented_hash")

# Built once: putting a statement together costs more than executing it.
_INSERT = refresh_tokens.insert()
_FIND = (
    select(*_ROW, *COLUMNS, *_DEVICE, persons.c.checked_at, live_condition())
    .select_from(live_chain().join(refresh_tokens, refresh_tokens.c.grant_id == grants.c.id))
    .where(_PRESENTED)
)
_SEALED = select(refresh_tokens.c.successor_sealed).where(_PRESENTED)
_TOUCH = (
    update(refresh_tokens)
    .where(_PRESENTED)
    .values(last_used_at=bindparam("now"), expires_at=bindparam("until"))
)
_ROTATE = (
    update(refresh_tokens)
    .where(_PRESENTED, refresh_tokens.c.rotated_at.is_(None))
    .values(
        rotated_at=bindparam("now"),
        expires_at=bindparam("until"),
        successor_sealed=bindparam("sealed"),
        successor_hash=bindparam("hash_of_successor"),
    )
)
_successor = refresh_tokens.alias("successor")
_GIVE_AGAIN = (
    update(refresh_tokens)
    .where(
        _PRESENTED,
        refresh_tokens.c.rotated_at > bindparam("rotated_after"),
        refresh_tokens.c.successor_sealed.is_not(None),
        exists()
        .where(
            _successor.c.token_hash == refresh_tokens.c.successor_hash,
            _successor.c.rotated_at.is_(None),
            _successor.c.confirmation == bindparam("presented_confirmation"),
        )
        .correlate(refresh_tokens),
    )
    .values(successor_sealed=null())
)
_GRANT_OF = (
    select(*COLUMNS)
    .join(refresh_tokens, refresh_tokens.c.grant_id == grants.c.id)
    .where(_PRESENTED)
)


def issue_refresh_token(
    connection: Connection,
    client: Client,
    grant: Grant,
    now: datetime,
    confirmation: Confirmation = UNBOUND,
) -> str:
    """Issues the first refresh token of a grant.

    That of a public client is bound to what the request proved (RFC 9449 §5, RFC 8705 §4).
    """
    token = new_token()
    connection.execute(_INSERT, _row(token, client, grant.id, confirmation, now, now))
    return token


def find_refresh_token(
    connection: Connection,
    site: Site,
    client: Client,
    token: str,
    confirmation: Confirmation,
    now: datetime,
    reference: str,
) -> UsableRefreshToken:
    """Checks that the client may use the token now with the key that it proved; does not spend it.

    Raises `InvalidGrant`. Of a token that was replaced too long ago, the whole grant is revoked by
    that, and it is on record; another client's, or one with another key, changes nothing.
    """
    parameters = {"presented_hash": token_hash(token), **limits_of_grants(site.settings, now)}
    row = connection.execute(_FIND, parameters).first()
    if row is None:
        raise _invalid("unknown")
    stored = RefreshToken(*row[: len(_ROW)])
    if stored.client_id != client.client_id:
        raise _invalid("another client's")
    if not row[-1]:
        raise _invalid("the grant has ended")
    if min(stored.expires_at, _expires_at(client, stored.issued_at, stored.last_used_at)) <= now:
        raise _invalid("expired")
    if stored.confirmation == AUTHENTICATED:
        if client.public:  # since then: whoever says to be it, it is
            raise _invalid("its client authenticates no more")
    # RFC 9449 §5, RFC 8705 §7.1
    elif stored.confirmation and stored.confirmation != confirmation.pack():
        raise InvalidGrant("The refresh token is bound to another key.", detail="another key")
    grant = Grant(*row[len(_ROW) :][: len(COLUMNS)])
    if stored.rotated_at is not None and stored.rotated_at <= now - GRACE:
        _revoke_family(connection, site.secrets, grant, now, reference)
    *held, checked_at, _ = row[-2 - len(_DEVICE) :]
    level = lower_level(grant.level, current_level(site, SessionDevice(*held)))
    return UsableRefreshToken(token, stored, replace(grant, level=level), client, checked_at)


def use_refresh_token(
    connection: Connection,
    secrets: Secrets,
    usable: UsableRefreshToken,
    confirmation: Confirmation,
    now: datetime,
    reference: str,
) -> str:
    """Uses the token; the token that the client goes on with: the same, or its only successor.

    Raises `InvalidGrant` when another use was first; that revokes the grant, unless the first one's
    answer may be given again. Raises `NeedsToWrite` in a transaction that only reads, unless the
    token stays and its last use is on record already.
    """
    stored, client = usable.stored, usable.client
    if stored.rotated_at is None and (stored.confirmation or not client.public):
        _touch(connection, usable, now)
        return usable.token
    must_write(connection)
    if stored.rotated_at is None:
        successor = new_token()
        parameters = {
            "presented_hash": stored.token_hash,
            "now": now,
            "until": min(stored.expires_at, now + timedelta(seconds=client.refresh_idle)),
            "sealed": seal_successor(secrets, usable.token, successor),
            "hash_of_successor": token_hash(successor),
        }
        if connection.execute(_ROTATE, parameters).rowcount == 1:
            family = (usable.grant.id, confirmation, stored.issued_at, now)
            connection.execute(_INSERT, _row(successor, client, *family))
            return successor
    return _give_successor_again(connection, secrets, usable, confirmation, now, reference)


def _give_successor_again(
    connection: Connection,
    secrets: Secrets,
    usable: UsableRefreshToken,
    confirmation: Confirmation,
    now: datetime,
    reference: str,
) -> str:
    """The same successor again, for a client that did not get the answer (decisions 4.9).

    Only with the key that it was bound to, if any: whoever has another one asked for it themselves.
    """
    parameters = {
        "presented_hash": usable.stored.token_hash,
        "rotated_after": now - GRACE,
        "presented_confirmation": confirmation.pack() if usable.client.public else "",
    }
    sealed = connection.execute(_SEALED, parameters).scalar_one()
    if sealed is None or connection.execute(_GIVE_AGAIN, parameters).rowcount != 1:
        _revoke_family(connection, secrets, usable.grant, now, reference)
    successor = open_successor(secrets, usable.token, sealed)
    if successor is None:
        raise _invalid("the successor cannot be read")
    return successor


def _touch(connection: Connection, usable: UsableRefreshToken, now: datetime) -> None:
    """Writes the last use of the token, unless the stored moment is nearly as late."""
    stored, client = usable.stored, usable.client
    if now - stored.last_used_at >= timedelta(seconds=client.refresh_idle / TOUCHES):
        until = _expires_at(client, stored.issued_at, now)
        must_write(connection)
        touched = {"presented_hash": stored.token_hash, "now": now, "until": until}
        connection.execute(_TOUCH, touched)


def find_grant_of_refresh_token(connection: Connection, token: str) -> Grant | None:
    """The grant of a refresh token, live or not; None for an unknown token."""
    row = connection.execute(_GRANT_OF, {"presented_hash": token_hash(token)}).first()
    return Grant(*row) if row else None


def forget_old_refresh_tokens(connection: Connection, now: datetime) -> int:
    """How many refresh tokens were deleted that can neither be used nor replayed any more."""
    old = refresh_tokens.c.expires_at < now
    return connection.execute(delete(refresh_tokens).where(old)).rowcount


def _row(
    token: str,
    client: Client,
    grant_id: UUID,
    confirmation: Confirmation,
    issued_at: datetime,
    now: datetime,
) -> dict[str, Any]:
    return {
        "token_hash": token_hash(token),
        "grant_id": grant_id,
        "client_id": client.client_id,
        "issued_at": issued_at,
        "expires_at": _expires_at(client, issued_at, now),
        "last_used_at": now,
        "confirmation": _binding(client, confirmation),
    }


def _binding(client: Client, confirmation: Confirmation) -> str:
    """What a refresh token is bound to: the authentication of its client, or else its key."""
    return confirmation.pack() if client.public else AUTHENTICATED


def _expires_at(client: Client, issued_at: datetime, last_used_at: datetime) -> datetime:
    """The end of the absolute life or of the idle one, whichever is first."""
    idle = timedelta(seconds=client.refresh_idle * (1 + 1 / TOUCHES))
    return min(issued_at + timedelta(seconds=client.refresh_lifetime), last_used_at + idle)


def _revoke_family(
    connection: Connection, secrets: Secrets, grant: Grant, now: datetime, reference: str
) -> NoReturn:
    """Revokes the grant with all its tokens (RFC 9700 §4.14.2) and records that; raises."""
    must_write(connection)
    if revoke_grant(connection, grant.id, now):
        event = RefreshTokenReplayed(
            person_id=grant.person_id, device_id=grant.device_id, client_id=grant.client_id
        )
        record(connection, secrets, event, now, reference)
    raise _invalid("replayed")


def _invalid(reason: str) -> InvalidGrant:
    """One answer for every reason; the log alone has which."""
    return InvalidGrant("The refresh token is unknown, expired or has ended.", detail=reason)


def seal_successor(secrets: Secrets, token: str, successor: str) -> bytes:
    """The successor of a token, encrypted with that token."""
    return _cipher(secrets, token).encrypt(successor.encode(), None)


def open_successor(secrets: Secrets, token: str, sealed: bytes) -> str | None:
    """The successor that was sealed for a token; None if our key was replaced since."""
    try:
        return _cipher(secrets, token).decrypt(sealed, None).decode()
    except InvalidTag:
        return None


def _cipher(secrets: Secrets, token: str) -> AESSIV:
    return AESSIV(digest(_key(secrets.token_key), token.encode(), sha512))


@lru_cache
def _key(token_key: bytes) -> bytes:
    return digest(token_key, b"refresh-token-successor", sha512)

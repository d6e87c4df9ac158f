"""Pushed authorization requests: checked on arrival, then waiting for the browser.

RFC 9126 (https://www.rfc-editor.org/rfc/rfc9126). Of the `request_uri` only the hash is stored; it
is the `request_id` as well, so that the statement that issues the code spends it (decisions 4.6).

Why that of a public client is not stored at all: anybody can push in its name, as much as they
like. Its `request_uri` holds the request itself, sealed, so that who has proven nothing writes
nothing (decisions 8.3); whoever carries it can neither read nor change it.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import orjson
from sqlalchemy import Connection, bindparam, delete, exists, select

from authn.db.transaction import must_write
from authn.errors import CommandError
from authn.grants.authorization_request import AuthorizationRequest
from authn.grants.tables import grants, pushed_requests
from authn.secrets import Secrets, decrypt, encrypt, new_token, token_hash

LIFETIME: Final = timedelta(seconds=90)
PREFIX: Final = "urn:ietf:params:oauth:request_uri:"  # RFC 9126 §2.2
SEALED: Final = PREFIX + "sealed."
CONTEXT: Final = "pushed-request"

_INSERT = pushed_requests.insert()
_FIND = select(pushed_requests.c.parameters).where(
    pushed_requests.c.request_uri_hash == bindparam("presented_hash"),
    pushed_requests.c.client_id == bindparam("presenting_client"),
    pushed_requests.c.expires_at > bindparam("now"),
    ~exists().where(grants.c.request_id == pushed_requests.c.request_uri_hash),
)
_ANSWERED = select(grants.c.id).where(grants.c.request_id == bindparam("answered_request"))
_FORGET = delete(pushed_requests).where(pushed_requests.c.expires_at < bindparam("now"))


def push_request(connection: Connection, pending: AuthorizationRequest, now: datetime) -> str:
    """Stores a pushed request; its `request_uri`, valid for 90 seconds."""
    must_write(connection)
    request_uri = PREFIX + new_token()
    request_uri_hash = token_hash(request_uri)
    row = {
        "request_uri_hash": request_uri_hash,
        "client_id": pending.client_id,
        "parameters": orjson.dumps(replace(pending, request_id=request_uri_hash).pack()).decode(),
        "expires_at": now + LIFETIME,
    }
    connection.execute(_INSERT, row)
    return request_uri


def seal_request(secrets: Secrets, pending: AuthorizationRequest, now: datetime) -> str:
    """A `request_uri` that contains the sealed request, valid for 90 seconds; stores nothing."""
    content = {"request": pending.pack(), "expires_at": (now + LIFETIME).timestamp()}
    sealed = encrypt(secrets, orjson.dumps(content), CONTEXT)
    return SEALED + urlsafe_b64encode(sealed).rstrip(b"=").decode()


def open_sealed_request(
    connection: Connection, secrets: Secrets, request_uri: str, client_id: str, now: datetime
) -> AuthorizationRequest | None:
    """The request in a sealed `request_uri` of this client; None as in `find_pushed_request`."""
    try:
        sealed = urlsafe_b64decode(request_uri.removeprefix(SEALED) + "==")
        content = orjson.loads(decrypt(secrets, sealed, CONTEXT))
    except (ValueError, CommandError):
        return None
    pending = AuthorizationRequest.unpack(content["request"])
    if pending.client_id != client_id or content["expires_at"] <= now.timestamp():
        return None
    if connection.execute(_ANSWERED, {"answered_request": pending.request_id}).first():
        return None
    return replace(pending, arrived_at=now)


def find_pushed_request(
    connection: Connection, request_uri: str, client_id: str, now: datetime
) -> AuthorizationRequest | None:
    """The request that the client pushed, with `arrived_at` set to now.

    May be read again until answered. None once answered or expired, and for another client's.
    """
    presented = {
        "presented_hash": token_hash(request_uri),
        "presenting_client": client_id,
        "now": now,
    }
    parameters = connection.execute(_FIND, presented).scalar()
    if parameters is None:
        return None
    return replace(AuthorizationRequest.unpack(orjson.loads(parameters)), arrived_at=now)


def forget_pushed_requests(connection: Connection, now: datetime) -> int:
    """How many expired pushed requests were deleted."""
    return connection.execute(_FORGET, {"now": now}).rowcount

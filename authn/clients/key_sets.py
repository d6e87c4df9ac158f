"""The keys of clients, and of others whom they bring: a JWK Set by value, or where it is published.

RFC 7591 §2 (https://www.rfc-editor.org/rfc/rfc7591#section-2), `jwks` and `jwks_uri`; RFC 7517 §5.
What can't be read as a key is left out, so that a set may hold keys of kinds that we don't use.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol

import orjson

from authn.clients.clients import Client
from authn.foreign_jwt import ExchangeKey, UnknownForeignKey, read_key_set, verify_jws
from authn.web.documents import remembered_document
from authn.web.outgoing import NoAnswer
from authn.web.site import Site


class HasKeys(Protocol):
    """Whoever said `jwks` or `jwks_uri`: the metadata of a client, the issuer of assertions."""

    @property
    def jwks(self) -> Mapping[str, Any] | None:
        """The JWK Set by value."""

    @property
    def jwks_uri(self) -> str | None:
        """Where it is published."""


def keys_of(
    site: Site, holder: HasKeys, now: datetime, *, newer: bool = False
) -> tuple[ExchangeKey, ...]:
    """The public keys; none where neither `jwks` nor `jwks_uri` was said.

    `newer` has a set at a `jwks_uri` fetched again, at most every 30 seconds. Raises
    `NeededFromOutside` when it must be fetched, and `NoAnswer` when it can't be had or is no JWK
    Set.
    """
    if holder.jwks is not None:
        return _read(orjson.dumps(holder.jwks))
    if not holder.jwks_uri:
        return ()
    document = remembered_document(site, holder.jwks_uri, now, refetch=newer)
    try:
        return _read(document)
    except ValueError:
        raise NoAnswer("a key set that is not JSON") from None


def keys_of_client(
    site: Site, client: Client, now: datetime, *, newer: bool = False
) -> tuple[ExchangeKey, ...]:
    """The client's public keys; raises as `keys_of` does."""
    return keys_of(site, client.metadata, now, newer=newer)


def verified_claims(
    site: Site,
    holder: HasKeys,
    token: str,
    now: datetime,
    *,
    algorithms: Collection[str],
    types: Collection[str],
) -> dict[str, Any]:
    """The claims of a JWT that the holder signed, with a key that may be newer than we know.

    Raises `InvalidToken` as `verify_jws` does, `NeededFromOutside` and `NoAnswer` as `keys_of`.
    """
    try:
        return verify_jws(token, keys_of(site, holder, now), algorithms, types)
    except UnknownForeignKey:
        if holder.jwks is not None or not holder.jwks_uri:
            raise
        return verify_jws(token, keys_of(site, holder, now, newer=True), algorithms, types)


# Reading a key costs as much as verifying with it. By the text itself, so never out of date.
@lru_cache(maxsize=2048)
def _read(document: bytes) -> tuple[ExchangeKey, ...]:
    return read_key_set(orjson.loads(document))

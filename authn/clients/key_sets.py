"""The public keys of clients and assertion issuers: a JWK Set by value, or its address.

RFC 7591 §2 (https://www.rfc-editor.org/rfc/rfc7591#section-2), `jwks` and `jwks_uri`; RFC 7517 §5.
What can't be read as a key is left out, so that a set may hold keys of kinds that are not used.
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


class KeyHolder(Protocol):
    """A holder of `jwks` or `jwks_uri`: the metadata of a client, or an issuer of assertions."""

    @property
    def jwks(self) -> Mapping[str, Any] | None:
        """The JWK Set by value, if any."""

    @property
    def jwks_uri(self) -> str | None:
        """The address of the JWK Set, if any."""


def find_public_keys(
    site: Site, holder: KeyHolder, now: datetime, *, newer: bool = False
) -> tuple[ExchangeKey, ...]:
    """The public keys of a holder; none where neither `jwks` nor `jwks_uri` is set.

    `newer` has the set at a `jwks_uri` fetched again, at most every 30 seconds. Raises
    `NeededFromOutside` when the set must be fetched, and `NoAnswer` when fetching fails or gives no
    JWK Set.
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


def find_client_keys(
    site: Site, client: Client, now: datetime, *, newer: bool = False
) -> tuple[ExchangeKey, ...]:
    """The public keys of a client; raises as `find_public_keys`."""
    return find_public_keys(site, client.metadata, now, newer=newer)


def verified_claims(
    site: Site,
    holder: KeyHolder,
    token: str,
    now: datetime,
    *,
    algorithms: Collection[str],
    types: Collection[str],
) -> dict[str, Any]:
    """The claims of a JWT that the holder signed, perhaps with a key newer than the known ones.

    Raises `InvalidToken` as `verify_jws`, `NeededFromOutside` and `NoAnswer` as `find_public_keys`.
    """
    try:
        return verify_jws(token, find_public_keys(site, holder, now), algorithms, types)
    except UnknownForeignKey:
        if holder.jwks is not None or not holder.jwks_uri:
            raise
        return verify_jws(token, find_public_keys(site, holder, now, newer=True), algorithms, types)


# Reading a key costs as much as verifying with it. Remembered by the text, so never out of date.
@lru_cache(maxsize=2048)
def _read(document: bytes) -> tuple[ExchangeKey, ...]:
    return read_key_set(orjson.loads(document))

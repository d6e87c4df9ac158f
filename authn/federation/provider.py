"""An upstream's discovery document and keys, fetched and remembered for an hour.

OpenID Connect Discovery 1.0 §4 (https://openid.net/specs/openid-connect-discovery-1_0.html). Keys
are fetched again when a token names an unknown key, no more than once in 30 seconds; a document
that could not be fetched is not asked for again for 5 seconds.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx2
import orjson

from authn.federation.upstreams import Upstream
from authn.foreign_jwt import ExchangeKey, read_key_set
from authn.web.outgoing import NoAnswer, may_call
from authn.web.site import Site

KEPT = timedelta(hours=1)
NOT_AGAIN_BEFORE = timedelta(seconds=30)
AFTER_A_FAILURE = timedelta(seconds=5)

Get = Callable[[str], httpx2.Response]


@dataclass(frozen=True, slots=True)
class UpstreamProvider:
    """The endpoints of an upstream; `names_issuer` where its answers have `iss` (RFC 9207)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str
    jwks_uri: str
    names_issuer: bool


@dataclass(slots=True)
class _KnownProvider:
    """The document and keys of one upstream that a process remembers."""

    provider: UpstreamProvider | None = None
    provider_at: datetime | None = None
    failed_at: datetime | None = None
    keys: tuple[ExchangeKey, ...] = ()
    keys_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _KnownProviders:
    by_upstream: dict[tuple[str, str], _KnownProvider] = field(default_factory=dict)


def remembered_provider(site: Site, upstream: Upstream) -> UpstreamProvider | None:
    """The upstream's endpoints as remembered; None when the document must be fetched."""
    known = _known(site, upstream)
    return known.provider if _is_younger(known.provider_at, KEPT, site.clock()) else None


def find_provider(site: Site, upstream: Upstream, get: Get) -> UpstreamProvider:
    """The upstream's endpoints, by a document at most an hour old; raises `NoAnswer`."""
    known, now = _known(site, upstream), site.clock()
    remembered = remembered_provider(site, upstream)
    if remembered:
        return remembered
    if _is_younger(known.failed_at, AFTER_A_FAILURE, now):
        raise NoAnswer("its discovery document failed a moment ago")
    try:
        # Discovery §4.1: a path of the issuer comes first.
        address = f"{upstream.issuer.rstrip('/')}/.well-known/openid-configuration"
        known.provider = _read_metadata(upstream, read_object(get(address)))
    except NoAnswer:
        known.failed_at = now
        raise
    known.provider_at = now
    return known.provider


def find_keys(
    site: Site, upstream: Upstream, provider: UpstreamProvider, get: Get, *, newer: bool = False
) -> tuple[ExchangeKey, ...]:
    """The upstream's keys; `newer` fetches them again, at most once in 30 seconds."""
    known, now = _known(site, upstream), site.clock()
    kept = NOT_AGAIN_BEFORE if newer else KEPT
    if not _is_younger(known.keys_at, kept, now):
        # Before the answer: a key set that fails is not asked for again at once either.
        known.keys_at = now if newer else None
        known.keys = read_key_set(read_object(get(provider.jwks_uri)))
        known.keys_at = now
    return known.keys


def read_object(response: httpx2.Response) -> dict[str, Any]:
    """The JSON object of a successful answer; raises `NoAnswer`."""
    if response.status_code != 200:
        raise NoAnswer(f"status {response.status_code}")
    try:
        document = orjson.loads(response.content)
    except ValueError:
        raise NoAnswer("not JSON") from None
    if not isinstance(document, dict):
        raise NoAnswer("not a JSON object")
    return document


def _read_metadata(upstream: Upstream, document: dict[str, Any]) -> UpstreamProvider:
    if document.get("issuer") != upstream.issuer:  # Discovery §4.3: exactly the same
        raise NoAnswer("its discovery document is another issuer's")
    names = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
    addresses = {name: document.get(name) for name in names}
    for name, address in addresses.items():
        if not isinstance(address, str) or not may_call(
            address, this_machine=upstream.on_this_machine
        ):
            raise NoAnswer(f"its {name} may not be called")
    names_issuer = document.get("authorization_response_iss_parameter_supported") is True
    return UpstreamProvider(upstream.issuer, names_issuer=names_issuer, **addresses)  # type: ignore[arg-type]


def _known(site: Site, upstream: Upstream) -> _KnownProvider:
    now = site.clock()
    every = site.memory.recall(_KnownProviders, now, timedelta.max) or site.memory.keep(
        _KnownProviders(), now
    )
    return every.by_upstream.setdefault((upstream.id, upstream.issuer), _KnownProvider())


def _is_younger(moment: datetime | None, than: timedelta, now: datetime) -> bool:
    return moment is not None and timedelta(0) <= now - moment < than

"""A client's own keys: `jwks` and `jwks_uri` of RFC 7591 §2, read as RFC 7517 §5 says.

https://www.rfc-editor.org/rfc/rfc7591#section-2, https://www.rfc-editor.org/rfc/rfc7517#section-5.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from authn.clients.client_metadata import ClientMetadata
from authn.clients.client_registration.registration import register_client
from authn.clients.clients import Client
from authn.clients.key_sets import find_client_keys, verified_claims
from authn.db.transaction import writing
from authn.foreign_jwt import ExchangeKey
from authn.jose import InvalidToken
from authn.settings import Settings
from authn.web.outgoing import NoAnswer
from authn.web.routing import NeededFromOutside
from authn.web.site import Site
from tests.conftest import MovableClock
from tests.oidc.client_keys import ClientKey
from tests.published import Published, publishing

pytestmark = pytest.mark.one_engine
Result = TypeVar("Result")
garbage = examples(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("keys"), inner),
    max_leaves=10,
)


@pytest.fixture
def published() -> Iterator[Published]:
    with publishing() as published:
        yield published


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"private_hosts": frozenset({"localhost"})})


def client_with(site: Site, **metadata: Any) -> Client:
    """A client that says this about its keys."""
    with writing(site.database) as connection:
        return register_client(
            connection,
            site.secrets,
            site.clock(),
            client_name="Hospital",
            redirect_uris=["https://hospital.example/callback"],
            metadata=ClientMetadata(**metadata),
        ).client


def kids(site: Site, client: Client, *, newer: bool = False) -> list[str]:
    """The names of its keys, once what was needed has been fetched."""
    return [key.kid for key in keys(site, client, newer=newer)]


def keys(site: Site, client: Client, *, newer: bool = False) -> tuple[ExchangeKey, ...]:
    return once_fetched(lambda: find_client_keys(site, client, site.clock(), newer=newer))


def verifies(site: Site, client: Client, token: str) -> bool:
    """Whether the client signed this, once what was needed has been fetched."""
    try:
        once_fetched(
            lambda: verified_claims(
                site,
                client.metadata,
                token,
                site.clock(),
                algorithms=("ES256",),
                types=("jwt",),
            )
        )
    except InvalidToken:
        return False
    return True


def once_fetched(act: Callable[[], Result]) -> Result:
    for _ in range(3):
        try:
            return act()
        except NeededFromOutside as needed:
            needed.fetch()
    raise AssertionError("needed again and again")


def test_who_says_nothing_has_no_keys(site: Site) -> None:
    assert kids(site, client_with(site)) == []


def test_keys_by_value_are_read_and_nothing_is_fetched(site: Site) -> None:
    key = ClientKey("ES256")
    client = client_with(site, jwks=key.jwks)
    assert kids(site, client) == [key.kid]
    assert kids(site, client, newer=True) == [key.kid]
    assert not verifies(site, client, ClientKey("ES256").sign({}))


def test_keys_of_a_uri_are_fetched_once(site: Site, published: Published) -> None:
    key = ClientKey("ES256")
    client = client_with(site, jwks_uri=published.put("/jwks", key.jwks))
    assert [kids(site, client) for _ in range(3)] == [[key.kid]] * 3
    assert published.asked == ["/jwks"]


def test_an_unknown_kid_has_them_fetched_again_at_most_every_30_seconds(
    site: Site, published: Published, clock: MovableClock
) -> None:
    old, new = ClientKey("ES256"), ClientKey("ES256")
    client = client_with(site, jwks_uri=published.put("/jwks", old.jwks))
    assert verifies(site, client, old.sign({}))
    published.put("/jwks", new.jwks)
    assert not verifies(site, client, new.sign({}))
    clock.advance(seconds=30)
    assert verifies(site, client, old.sign({}))
    assert verifies(site, client, new.sign({}))
    assert not verifies(site, client, new.sign({}, kid="no such key"))
    assert published.asked == ["/jwks", "/jwks"]


def test_a_token_without_kid_has_them_fetched_again_too(
    site: Site, published: Published, clock: MovableClock
) -> None:
    old, new = ClientKey("ES256"), ClientKey("ES256")
    client = client_with(site, jwks_uri=published.put("/jwks", old.jwks))
    assert verifies(site, client, old.sign({}, kid=None))
    published.put("/jwks", new.jwks)
    clock.advance(seconds=30)
    assert kids(site, client) == [old.kid]
    assert verifies(site, client, new.sign({}, kid=None))
    assert kids(site, client) == [new.kid]


def test_a_wrong_signature_of_a_known_key_fetches_nothing(
    site: Site, published: Published, clock: MovableClock
) -> None:
    key = ClientKey("ES256")
    client = client_with(site, jwks_uri=published.put("/jwks", key.jwks))
    assert kids(site, client) == [key.kid]
    clock.advance(seconds=30)
    assert not verifies(site, client, ClientKey("ES256").sign({}, kid=key.kid))
    assert not verifies(site, client, key.sign({}, typ="at+jwt"))
    assert published.asked == ["/jwks"]


@pytest.mark.parametrize("document", [b"", b"{", b"\xff", b"<html>", b"[" * 5000])
def test_what_is_not_json_is_no_answer(site: Site, published: Published, document: bytes) -> None:
    client = client_with(site, jwks_uri=published.put("/jwks", document))
    with pytest.raises(NoAnswer):
        keys(site, client)


def test_a_set_that_cannot_be_had_is_no_answer(site: Site, published: Published) -> None:
    client = client_with(site, jwks_uri=published.address + "/nothing")
    with pytest.raises(NoAnswer):
        keys(site, client)


def test_a_private_half_that_was_published_is_not_kept(site: Site) -> None:
    key = ClientKey("ES256")
    private = {**key.key.as_dict(private=True), "kid": key.kid}
    (kept,) = keys(site, client_with(site, jwks={"keys": [private]}))
    assert not kept.key.is_private


def test_shared_secrets_and_unknown_kinds_are_left_out(site: Site) -> None:
    key = ClientKey("ES256")
    others = [
        {"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75", "kid": "a"},
        {"kty": "new", "kid": "b"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "c"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "d"},
    ]
    client = client_with(site, jwks={"keys": [*others, key.jwk_public]})
    assert kids(site, client) == [key.kid]


@garbage
@given(document=JSON)
def test_whatever_json_is_published_it_is_read(site: Site, document: Any) -> None:
    uri = "https://rp.example/jwks"
    site.documents.keep(uri, json.dumps(document).encode(), "", site.clock())
    client = client_with(site, jwks_uri=uri)
    assert isinstance(keys(site, client), tuple)

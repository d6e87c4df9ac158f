"""What gives an application much: what it would have, and what would give that to another one."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from authn.clients.assertion_issuers import AssertionIssuer, register_assertion_issuer
from authn.clients.change_risks import find_client_risks, find_exchange_risks, find_resource_risks
from authn.clients.client_registration.registration import new_client, register_client
from authn.clients.clients import Client, row_of_client
from authn.clients.resource_servers.desk_api import desk_api_audience
from authn.clients.resource_servers.exchange_pairs import ExchangePair, allow_exchange
from authn.clients.resource_servers.registration import new_resource, register_resource
from authn.clients.resource_servers.resources import Resource
from authn.clients.tables import resources
from authn.db.transaction import reading, writing
from authn.web.site import Site

URI = "https://hospital.example/callback"


def client(site: Site, **values: Any) -> Client:
    said = {"client_name": "Hospital", "redirect_uris": [URI], "client_id": "hospital", **values}
    return new_client(site.clock(), **said).client


def gives(site: Site, before: Client | None, after: Client) -> tuple[str, ...]:
    with reading(site.database) as connection:
        return find_client_risks(connection, site.settings, before, after)


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({}, ()),
        ({"may_read_device_id": True, "profile_kinds": ("quality",)}, ()),
        ({"may_read_ssin": True}, ("ssin",)),
        ({"first_party": True}, ("no-consent",)),
        ({"profile_kinds": ("staff",)}, ("staff",)),
        ({"required_profile_kinds": ("staff",), "profile_kinds": ("staff",)}, ("staff",)),
        ({"first_party": True, "may_read_ssin": True}, ("no-consent", "ssin")),
    ],
)
def test_what_a_new_application_would_have(
    site: Site, values: dict[str, Any], what: tuple[str, ...]
) -> None:
    assert gives(site, None, client(site, **values)) == what
    assert gives(site, client(site), client(site, **values)) == what


def test_the_desks_api_is_much(site: Site) -> None:
    tool = client(site, resources=(desk_api_audience(site.settings),))
    assert gives(site, client(site), tool) == ("desk-api",)


HELD = {"may_read_ssin": True, "first_party": True, "scope": "openid profile ssin"}


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uris": (URI, "https://other.example/callback")},
        {"token_endpoint_auth_method": "client_secret_post"},
        {"client_secret_hash": "0" * 64},
        {"scope": "openid profile ssin address"},
        {"sector_identifier": "other.example"},
        {"require_pkce": False},
        {"resources": ("https://letters.example",)},
        {"policy": "synced"},
        {"profile": "fapi2"},
        {"profile_kinds": ("quality",)},
    ],
    ids=str,
)
def test_who_holds_much_is_changed_by_two(site: Site, changes: dict[str, Any]) -> None:
    before = client(site, **HELD)
    assert gives(site, before, replace(before, **changes)) == ("no-consent", "ssin")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("jwks_uri", "https://other.example/keys"),
        ("jwks", {"keys": []}),
        ("request_uris", ("https://other.example/r",)),
        ("grant_types", ("authorization_code", "refresh_token")),
        ("tls_client_auth_san_dns", "other.example"),
    ],
)
def test_its_keys_and_ways_are_changed_by_two(site: Site, name: str, value: Any) -> None:
    before = client(site, **HELD)
    after = replace(before, metadata=replace(before.metadata, **{name: value}))
    assert gives(site, before, after) == ("no-consent", "ssin")


@pytest.mark.parametrize(
    "changes",
    [
        {"client_name": "Clinic"},
        {"may_read_ssin": False, "scope": "openid profile"},
        {"first_party": False},
        {"scope": "openid"},
        {"redirect_uris": ()},
        {"post_logout_redirect_uris": ("https://hospital.example/bye",)},
        {"scope_reasons": {"profile": {"en": "Why"}}},
    ],
    ids=str,
)
def test_words_and_what_takes_away_need_nobody_else(site: Site, changes: dict[str, Any]) -> None:
    before = client(site, **HELD, profile_kinds=("quality",))
    assert gives(site, before, replace(before, **changes)) == ()
    named = replace(before, metadata=replace(before.metadata, contacts=("a@hospital.example",)))
    assert gives(site, before, named) == ()


def test_of_who_holds_nothing_anything_may_be_changed(site: Site) -> None:
    before = client(site)
    after = replace(before, redirect_uris=("https://other.example/x",), scope="openid address")
    assert gives(site, before, after) == ()


@pytest.mark.one_engine
def test_every_column_of_an_application_weighs_unless_it_is_named(site: Site) -> None:
    """One that is new weighs: whoever adds it decides."""
    light = {
        *("client_id", "client_name", "post_logout_redirect_uris", "default_profile_kind"),
        *("scope_reasons", "created_at", "client_metadata"),
        # Together, as in which capacities people use it.
        *("profile_kinds", "required_profile_kinds"),
    }
    lists = ("redirect_uris", "resources")
    flags = ("may_read_ssin", "first_party", "may_read_device_id", "require_pkce")
    before = client(site, **HELD)
    for name in row_of_client(before).keys() - light:
        value: Any = ("x",) if name in lists else "x y"
        odd = replace(before, **{name: value})
        assert gives(site, before, odd) or name in flags, name


def resource(site: Site, **values: Any) -> Resource:
    said = {"resource": "https://letters.example", "resource_name": "Letters", "scopes": {}}
    with reading(site.database) as connection:
        return new_resource(connection, site.settings, site.clock(), **{**said, **values})


def test_a_resource_that_reads_numbers_is_much(site: Site) -> None:
    plain, reads = resource(site), resource(site, may_read_ssin=True)
    assert find_resource_risks(None, plain) == ()
    assert find_resource_risks(None, reads) == ("reads-ssin",)
    assert find_resource_risks(plain, reads) == ("reads-ssin",)
    assert find_resource_risks(reads, plain) == ()
    heavier: list[dict[str, Any]] = [
        {"client_id": "other"},
        {"token_format": "opaque"},
        {"reads_may_act": True},
    ]
    for heavy in heavier:
        assert find_resource_risks(reads, replace(reads, **heavy)) == ("reads-ssin",), heavy
    assert find_resource_risks(replace(reads, encrypt_tokens=True), reads) == ("reads-ssin",)
    assert find_resource_risks(reads, replace(reads, encrypt_tokens=True)) == ()
    assert find_resource_risks(reads, replace(reads, resource_name="Post")) == ()


def test_as_whom_such_a_resource_asks_and_who_gets_its_tokens_is_much_too(site: Site) -> None:
    with writing(site.database) as connection:
        now, keys = site.clock(), site.secrets
        said: dict[str, Any] = {"client_name": "Hospital", "redirect_uris": [URI]}
        asks = register_client(connection, keys, now, client_id="asks", **said).client
        of_resource: dict[str, Any] = {
            "resource_name": "Letters",
            "scopes": {},
            "may_read_ssin": True,
        }
        register_resource(
            connection,
            keys,
            site.settings,
            now,
            resource="https://letters.example",
            client_id="asks",
            **of_resource,
        )
        assert find_exchange_risks(connection, site.settings, "https://letters.example") == (
            "exchange",
        )
        api = desk_api_audience(site.settings)
        assert find_exchange_risks(connection, site.settings, api) == ("exchange",)
        assert find_exchange_risks(connection, site.settings, "https://none.example") == ()
    other = replace(asks, token_endpoint_auth_method="client_secret_post")
    assert gives(site, asks, other) == ("reads-ssin",)
    assert gives(site, asks, replace(asks, client_name="X")) == ()


def test_who_exchanges_for_such_tokens_or_presents_assertions_holds_much(site: Site) -> None:
    letters, now, keys = "https://letters.example", site.clock(), site.secrets
    said: dict[str, Any] = {"client_name": "Hospital", "redirect_uris": [URI]}
    with writing(site.database) as connection:
        back_end, teller, asks = (
            register_client(connection, keys, now, client_id=each, **said).client
            for each in ("back-end", "teller", "asks")
        )
        of_resource: dict[str, Any] = {
            "resource": letters,
            "resource_name": "Letters",
            "scopes": {},
        }
        register_resource(connection, keys, site.settings, now, client_id="asks", **of_resource)
        allow_exchange(connection, keys, ExchangePair("back-end", "asks", letters), now)

    def moved(before: Client) -> tuple[str, ...]:
        elsewhere = "https://hospital.example/other"
        return gives(site, before, replace(before, redirect_uris=(URI, elsewhere)))

    assert (moved(back_end), moved(teller)) == ((), ())
    with writing(site.database) as connection:
        connection.execute(update(resources).values(may_read_ssin=True))
        issuer = AssertionIssuer(
            issuer="https://elsewhere.example",
            jwks=None,
            jwks_uri="https://elsewhere.example/jwks",
            client_id="teller",
            subject_client_id="asks",
            created_at=now,
        )
        register_assertion_issuer(connection, keys, issuer)
    assert (moved(back_end), moved(teller)) == (("exchange",), ("assertions",))
    assert moved(asks) == ("reads-ssin",)

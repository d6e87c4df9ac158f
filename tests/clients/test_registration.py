"""Registering a client: RFC 7591 §2 (https://www.rfc-editor.org/rfc/rfc7591), OpenID Core §8.1."""

from typing import Any

import pytest
from sqlalchemy import func, select

from authn.audit.log import audit_events
from authn.clients.client_metadata import ClientMetadata, InvalidClientMetadata
from authn.clients.client_registration.registration import (
    RegisteredClient,
    new_client,
    register_client,
)
from authn.clients.client_registration.rules import RULES
from authn.clients.clients import CLIENT_ID, Client, find_client, new_client_id
from authn.clients.redirect_uris import InvalidRedirectUri
from authn.clients.tables import clients
from authn.db.transaction import reading, writing
from authn.errors import Refusal
from authn.web.site import Site
from tests.conftest import MovableClock
from tests.oidc.client_keys import ClientKey
from tests.together import at_once

pytestmark = pytest.mark.thorough

URI = "https://client.example/cb"


def registered(site: Site, **metadata: Any) -> RegisteredClient:
    metadata = {"client_name": "Client", "redirect_uris": [URI]} | metadata
    with writing(site.database) as connection:
        return register_client(connection, site.secrets, site.clock(), **metadata)


def found(site: Site, client_id: str) -> Client | None:
    with reading(site.database) as connection:
        return find_client(connection, client_id)


def test_a_client_is_found_as_it_was_registered(site: Site) -> None:
    made = registered(site, post_logout_redirect_uris=["https://client.example/bye"])
    assert found(site, made.client.client_id) == made.client


def test_the_command_line_s_defaults_are_es256_and_pkce(site: Site) -> None:
    client = registered(site).client
    assert client.id_token_signed_response_alg == "ES256"
    assert client.pkce_required


def test_the_secret_is_given_once_and_only_its_hash_is_stored(site: Site) -> None:
    made = registered(site)
    assert made.client_secret
    assert len(made.client_secret) == 43
    with reading(site.database) as connection:
        row = connection.execute(select(clients)).one()
    assert made.client_secret not in str(row)
    assert made.client.check_client_secret(made.client_secret)
    assert not made.client.check_client_secret(made.client_secret + "x")
    assert not made.client.check_client_secret("")


def test_a_public_client_has_no_secret_and_no_guess_is_right(site: Site) -> None:
    made = registered(site, token_endpoint_auth_method="none")
    assert made.client_secret is None
    assert not made.client.check_client_secret("")
    assert made.client.pkce_required


def test_a_public_client_needs_pkce_whatever_was_said(site: Site) -> None:
    made = registered(site, token_endpoint_auth_method="none", require_pkce=False)
    assert made.client.pkce_required


@pytest.mark.parametrize(
    "metadata",
    [
        {"client_id": "with space"},
        {"client_id": "x" * 101},
        {"client_id": "ümlaut"},
        {"client_id": "a/b"},
        {"client_name": ""},
        {"client_name": "  "},
        {"client_name": "x" * 201},
        {"client_name": "line\nbreak"},
        {"redirect_uris": []},
        {"token_endpoint_auth_method": "client_secret_jwt"},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"token_endpoint_auth_method": ""},
        {"application_type": "desktop"},
        {"id_token_signed_response_alg": "none"},
        {"id_token_signed_response_alg": "HS256"},
        {"scope": ""},
        {"scope": "openid \x00"},
        {"scope": 'openid "profile"'},
        {"client_secret": "short"},
        {"client_secret": "s" * 40, "token_endpoint_auth_method": "none"},
        {"redirect_uris": [URI, "https://other.example/cb"]},
        {"sector_identifier": "x" * 256},
    ],
)
@pytest.mark.one_engine
def test_what_is_no_client_is_refused(site: Site, metadata: dict[str, Any]) -> None:
    with pytest.raises(InvalidClientMetadata):
        registered(site, **metadata)
    with reading(site.database) as connection:
        assert connection.execute(select(func.count()).select_from(clients)).scalar_one() == 0


def test_every_address_is_checked(site: Site) -> None:
    for name in ("redirect_uris", "post_logout_redirect_uris"):
        with pytest.raises(InvalidRedirectUri):
            registered(site, **{name: [URI, "https://client.example/cb#x"]})
    with pytest.raises(InvalidRedirectUri):
        registered(site, redirect_uris=["https://[broken/cb"])


def test_an_id_is_given_to_one_client_only(site: Site) -> None:
    registered(site, client_id="one")
    with pytest.raises(InvalidClientMetadata):
        registered(site, client_id="one", client_name="Another")
    client = found(site, "one")
    assert client
    assert client.client_name == "Client"


def test_of_two_registrations_at_once_one_gets_the_id(site: Site) -> None:
    results = at_once(lambda: registered(site, client_id="one"), threads=4)
    assert sum(not isinstance(result, Refusal) for result in results) == 1


def test_the_sector_is_the_host_of_the_redirect_uris(site: Site) -> None:
    uris = ["https://client.example/cb", "https://client.example:8443/other"]
    assert registered(site, redirect_uris=uris).client.sector_identifier == "client.example"


def test_the_sector_of_a_native_client_is_its_own(site: Site) -> None:
    made = registered(
        site, client_id="client.example", application_type="native", redirect_uris=["be.app:/cb"]
    )
    assert made.client.sector_identifier == "client_id:client.example"
    assert made.client.domain == "client.example"


def test_several_hosts_with_a_sector_identifier_are_one_sector(site: Site) -> None:
    uris = ["https://a.example/cb", "https://b.example/cb"]
    made = registered(site, redirect_uris=uris, sector_identifier="example")
    assert made.client.sector_identifier == "example"


def test_a_scope_without_its_permission_can_t_be_asked(site: Site) -> None:
    client = registered(site, scope="openid ssin").client
    assert client.may_ask("openid")
    assert not client.may_ask("ssin")
    assert not client.may_ask("profile")
    assert registered(site, scope="openid ssin", may_read_ssin=True).client.may_ask("ssin")


def test_the_registration_is_on_record(site: Site) -> None:
    made = registered(site)
    with reading(site.database) as connection:
        row = connection.execute(select(audit_events)).one()
    assert (row.event, row.client_id) == ("client.registered", made.client.client_id)


@pytest.mark.parametrize("client_id", ["", "\x00", "a b", "x" * 300, "' OR 1=1 --", "\ud800"])
def test_what_can_be_no_client_id_is_nobody(site: Site, client_id: str) -> None:
    assert found(site, client_id) is None


# Rules between members, and of what the operator gives

KEYS: dict[str, Any] = {"jwks": ClientKey.shared("ES256").jwks}
FAPI: dict[str, Any] = {
    "profile": "fapi2",
    "token_endpoint_auth_method": "private_key_jwt",
    "said": {**KEYS, "dpop_bound_access_tokens": True},
}
SYSTEM: dict[str, Any] = {
    "client_id": "cbe-0406798006",
    "organisation": "0406798006",
    "redirect_uris": [],
    "token_endpoint_auth_method": "private_key_jwt",
    "scope": "read",
    "said": {**KEYS, "grant_types": ("client_credentials",)},
}


def made(**values: Any) -> Client:
    """A client of these values; `said` are members of its metadata."""
    said = ClientMetadata(**values.pop("said", {}))
    usual: dict[str, Any] = {"client_name": "Client", "redirect_uris": [URI], "metadata": said}
    values = usual | values
    return new_client(MovableClock()(), **values).client


@pytest.mark.one_engine
@pytest.mark.parametrize(
    "values",
    [
        FAPI,
        FAPI | {"token_endpoint_auth_method": "self_signed_tls_client_auth"},
        FAPI | {"said": {**KEYS, "tls_client_certificate_bound_access_tokens": True}},
        FAPI | {"id_token_signed_response_alg": "PS256"},
        SYSTEM,
        {"token_endpoint_auth_method": "private_key_jwt", "said": {"jwks_uri": URI}},
        {
            "token_endpoint_auth_method": "tls_client_auth",
            "said": {"tls_client_auth_san_ip": "::1"},
        },
        {"said": {"frontchannel_logout_uri": "https://client.example/logout"}},
        {"said": {"grant_types": ()}, "redirect_uris": []},
        {"organisation": "0406798006"},
    ],
)
def test_what_keeps_the_rules_is_a_client(values: dict[str, Any]) -> None:
    assert made(**values).client_id


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("values", "words"),
    [
        (FAPI | {"token_endpoint_auth_method": "client_secret_basic"}, "FAPI client auth"),
        (FAPI | {"token_endpoint_auth_method": "none"}, "FAPI client auth"),
        (FAPI | {"said": KEYS}, "are bound"),
        (FAPI | {"id_token_signed_response_alg": "RS256"}, "never RS256"),
        *(
            (FAPI | {"said": {**FAPI["said"], f"{name}": "RS256"}}, "never RS256")
            for name in (
                "token_endpoint_auth_signing_alg",
                "request_object_signing_alg",
                "authorization_signed_response_alg",
                "userinfo_signed_response_alg",
                "introspection_signed_response_alg",
            )
        ),
        (FAPI | {"said": {**FAPI["said"], "request_uris": (URI,)}}, "request_uris"),
        (FAPI | {"redirect_uris": ["http://localhost/cb"]}, "are https"),
        (SYSTEM | {"organisation": ""}, "CBE number"),
        (SYSTEM | {"organisation": "0203430576"}, "CBE number"),
        (SYSTEM | {"client_id": "cbe-0406798007", "organisation": "0406798007"}, "CBE number"),
        (SYSTEM | {"client_id": "cbe-406798006", "organisation": "406798006"}, "CBE number"),
        (SYSTEM | {"client_id": "cbe-0406798006x"}, "CBE number"),
        (SYSTEM | {"client_id": "batch", "organisation": ""}, "CBE number of an organisation"),
        (SYSTEM | {"token_endpoint_auth_method": "client_secret_basic"}, "system auth"),
        (SYSTEM | {"token_endpoint_auth_method": "none"}, "public client"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "needs keys"),
        ({"token_endpoint_auth_method": "self_signed_tls_client_auth"}, "needs keys"),
        ({"said": {"require_signed_request_object": True}}, "needs keys"),
        ({"said": {"userinfo_encrypted_response_alg": "ECDH-ES"}}, "needs keys"),
        ({"said": {**KEYS, "jwks_uri": URI}}, "not both"),
        ({"token_endpoint_auth_method": "tls_client_auth"}, "exactly one"),
        ({"said": {"userinfo_encrypted_response_enc": "A256GCM"}}, "enc needs its alg"),
        ({"said": {"request_object_encryption_enc": "A256GCM"}}, "enc needs its alg"),
        ({"said": {"frontchannel_logout_uri": "https://x.example/"}}, "origin of a redirect"),
        ({"said": {"frontchannel_logout_uri": "http://client.example/"}}, "origin of a redirect"),
        ({"said": {"grant_types": ("refresh_token",)}}, "Refresh tokens need"),
        ({"client_id": "cbe-1", "said": {}}, "CBE number"),
        (FAPI | {"client_id": "cbe-", "organisation": ""}, "CBE number"),
    ],
)
def test_what_breaks_a_rule_is_told_which(values: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidClientMetadata) as refusal:
        made(**values)
    assert words in refusal.value.description


@pytest.mark.one_engine
def test_every_rule_is_told_in_ascii() -> None:  # RFC 6749 §5.2
    assert all(sentence.isascii() for _, sentence in RULES)


@pytest.mark.parametrize(
    ("method", "secret"),
    [
        ("client_secret_basic", True),
        ("client_secret_post", True),
        ("private_key_jwt", False),
        ("self_signed_tls_client_auth", False),
        ("none", False),
    ],
)
def test_only_who_authenticates_with_a_secret_has_one(
    site: Site, method: str, secret: bool
) -> None:
    client = registered(site, token_endpoint_auth_method=method, metadata=ClientMetadata(**KEYS))
    assert (client.client_secret is not None) == secret
    assert (client.client.client_secret_hash is not None) == secret
    with pytest.raises(InvalidClientMetadata):
        registered(
            site,
            token_endpoint_auth_method=method,
            client_secret="s" * (31 if secret else 40),
            metadata=ClientMetadata(**KEYS),
        )


def test_no_id_that_we_make_is_taken_for_an_option() -> None:
    made = {new_client_id() for _ in range(500)}
    assert len(made) == 500
    assert not any(client_id.startswith("-") for client_id in made)
    assert all(CLIENT_ID.fullmatch(client_id) for client_id in made)

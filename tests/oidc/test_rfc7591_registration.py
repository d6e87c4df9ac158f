"""RFC 7591, OAuth 2.0 Dynamic Client Registration (https://www.rfc-editor.org/rfc/rfc7591), and
OpenID Connect Dynamic Client Registration 1.0
(https://openid.net/specs/openid-connect-registration-1_0.html)."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.app import create_app
from authn.clients.client_metadata import ClientMetadata, InvalidClientMetadata
from authn.clients.client_registration.initial_access_tokens import create_initial_access_token
from authn.clients.client_registration.members import (
    COMMON_MEMBERS,
    LOCALIZED_MEMBERS,
    OPTIONAL_MEMBERS,
)
from authn.clients.client_registration.registration import new_client
from authn.clients.clients import Client, find_client
from authn.clients.tables import clients
from authn.db.transaction import reading, writing
from authn.secrets import new_token, token_hash
from authn.settings import Settings
from authn.web.site import Site
from tests.citizen import ORIGIN
from tests.conftest import MovableClock
from tests.oidc.client_keys import ClientKey
from tests.oidc.registrant import REDIRECT_URI, bearer, post, refused, registered
from tests.oidc.relying_party import Holder, RelyingParty, segment
from tests.published import Published, publishing
from tests.together import at_once

pytestmark = pytest.mark.thorough


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Everybody may register; documents on this machine may be named."""
    changes = {"registration": "open", "private_hosts": frozenset({"localhost"})}
    return settings.model_copy(update=changes)


@pytest.fixture
def published() -> Iterator[Published]:
    with publishing() as server:
        yield server


def found(site: Site, client_id: str) -> Client:
    with reading(site.database) as connection:
        client = find_client(connection, client_id)
    assert client
    return client


def count(site: Site) -> int:
    with reading(site.database) as connection:
        return connection.execute(select(func.count()).select_from(clients)).scalar_one()


# §3.2.1, and the defaults of §2 and of Registration §2


def test_a_client_that_says_little_gets_the_defaults(backchannel: TestClient, site: Site) -> None:
    answer = post(backchannel, {"redirect_uris": [REDIRECT_URI]})
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    told = answer.json()
    assert told.pop("registration_client_uri") == f"{ORIGIN}/register/{told['client_id']}"
    assert len(told.pop("registration_access_token")) == 43
    assert len(told.pop("client_secret")) == 43
    assert told.pop("client_id_issued_at") == int(site.clock().timestamp())
    client_id = told.pop("client_id")
    assert told == {
        "client_name": "app.example",
        "client_secret_expires_at": 0,
        "redirect_uris": [REDIRECT_URI],
        "post_logout_redirect_uris": [],
        "token_endpoint_auth_method": "client_secret_basic",
        "application_type": "web",
        "scope": "openid profile offline_access",
        "id_token_signed_response_alg": "RS256",
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "subject_type": "pairwise",
    }
    assert not found(site, client_id).pkce_required  # decisions 4.1


def test_what_it_was_told_works(
    backchannel: TestClient, client: TestClient, site: Site, holder: Holder
) -> None:
    told = registered(backchannel)
    rp = RelyingParty(site, client, found(site, told["client_id"]), told["client_secret"])
    rp.allowed_by(holder)
    tokens = rp.redeem(rp.code(code_challenge=None, code_challenge_method=None), code_verifier=None)
    assert tokens.status_code == 200
    assert segment(tokens.json()["id_token"], 0)["alg"] == "RS256"


def test_the_secret_and_the_token_are_stored_as_hashes(backchannel: TestClient, site: Site) -> None:
    told = registered(backchannel)
    with reading(site.database) as connection:
        row = connection.execute(select(clients)).one()
    for secret in (told["client_secret"], told["registration_access_token"]):
        assert secret not in str(row)
        assert token_hash(secret) in str(row)


def test_everything_that_can_be_said_is_told_back(backchannel: TestClient, site: Site) -> None:
    said: dict[str, Any] = {
        "client_name": "Ward",
        "client_name#nl": "Afdeling",
        "client_name#fr-BE": "Service",
        "client_uri": "https://app.example/",
        "logo_uri": "https://app.example/logo.png",
        "policy_uri": "https://app.example/privacy",
        "policy_uri#de": "https://app.example/datenschutz",
        "tos_uri": "https://app.example/terms",
        "contacts": ["ops@app.example"],
        "software_id": "4NRB1-0XZABZI9E6-5SM3R",
        "software_version": "2.1",
        "initiate_login_uri": "https://app.example/login",
        "redirect_uris": [REDIRECT_URI, "https://app.example/other"],
        "post_logout_redirect_uris": ["https://app.example/bye"],
        "application_type": "web",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": "openid offline_access",
        "subject_type": "pairwise",
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
        "jwks": ClientKey.shared("ES256").jwks,
        "dpop_bound_access_tokens": True,
        "tls_client_certificate_bound_access_tokens": True,
        "require_pushed_authorization_requests": True,
        "require_signed_request_object": True,
        "request_object_signing_alg": "PS256",
        "request_object_encryption_alg": "ECDH-ES",
        "request_object_encryption_enc": "A256GCM",
        "request_uris": ["https://app.example/request#hash"],
        "authorization_signed_response_alg": "EdDSA",
        "authorization_encrypted_response_alg": "ECDH-ES",
        "authorization_encrypted_response_enc": "A256GCM",
        "response_modes": ["jwt", "form_post.jwt"],
        "default_max_age": 0,
        "require_auth_time": True,
        "default_acr_values": ["urn:authn:level:device"],
        "id_token_signed_response_alg": "PS256",
        "id_token_encrypted_response_alg": "ECDH-ES",
        "id_token_encrypted_response_enc": "A256GCM",
        "userinfo_signed_response_alg": "ES256",
        "userinfo_encrypted_response_alg": "ECDH-ES",
        "userinfo_encrypted_response_enc": "A128GCM",
        "introspection_signed_response_alg": "ES256",
        "introspection_encrypted_response_alg": "ECDH-ES",
        "introspection_encrypted_response_enc": "A256GCM",
        "backchannel_logout_uri": "https://app.example/backchannel",
        "backchannel_logout_session_required": True,
        "frontchannel_logout_uri": "https://app.example/frontchannel",
        "frontchannel_logout_session_required": True,
    }
    told = registered(backchannel, **said)
    assert said.items() <= told.items()
    client = found(site, told["client_id"])
    assert client.metadata.client_names == {"nl": "Afdeling", "fr-BE": "Service"}
    assert client.sender_constrained
    read = {*LOCALIZED_MEMBERS, *COMMON_MEMBERS, *OPTIONAL_MEMBERS}
    untold = read - said.keys()
    assert untold == {  # what excludes something above, or has a test of its own
        "jwks_uri",
        "sector_identifier_uri",
        "authorization_details_types",
        "tls_client_auth_subject_dn",
        "tls_client_auth_san_dns",
        "tls_client_auth_san_uri",
        "tls_client_auth_san_ip",
        "tls_client_auth_san_email",
    }


def test_what_nobody_knows_is_ignored(backchannel: TestClient) -> None:  # §2
    told = registered(backchannel, example_extension_parameter={"a": [1]}, tls_client_auth=None)
    assert "example_extension_parameter" not in told


def test_null_and_empty_are_not_said(backchannel: TestClient) -> None:
    told = registered(backchannel, logo_uri="", jwks=None, token_endpoint_auth_method=None)
    assert told["token_endpoint_auth_method"] == "client_secret_basic"
    assert not {"logo_uri", "jwks"} & told.keys()


# Decisions 4.14


def test_what_the_operator_decides_can_not_be_said(backchannel: TestClient, site: Site) -> None:
    said: dict[str, Any] = {
        "client_id": "hospital",
        "client_secret": "s" * 40,
        "may_read_ssin": True,
        "may_read_device_id": True,
        "first_party": True,
        "policy": "synced",
        "level": "high",
        "profile": "fapi2",
        "require_pkce": True,
        "resources": ["https://api.example/"],
        "exchange_pairs": [{}],
        "organisation": "0406798006",
        "refresh_idle": 10**9,
        "refresh_lifetime": 10**9,
        "sector_identifier": "hospital.example",
        "profile_kinds": ["mandate"],
        "required_profile_kinds": ["mandate"],
        "default_profile_kind": "mandate",
        "scope_reasons": {"openid": {"en": "To know you"}},
        "scope": "openid ssin",
        "created_at": 0,
        "ended_at": None,
    }
    told = registered(backchannel, **said)
    client = found(site, told["client_id"])
    assert client.client_id != "hospital"
    assert not client.check_client_secret("s" * 40)
    assert (client.may_read_ssin, client.may_read_device_id) == (False, False)
    assert (client.first_party, client.policy, client.profile) == (False, None, "")
    assert (client.resources, client.organisation) == ((), "")
    assert client.allowed_profile_kinds == {"citizen"}
    assert (client.default_profile_kind, client.scope_reasons) == ("", {})
    assert client.refresh_idle < 10**9 > client.refresh_lifetime
    assert client.sector_identifier == "app.example"
    assert client.scope == told["scope"] == "openid"


@pytest.mark.parametrize(
    "grant_type",
    [
        "client_credentials",
        "implicit",
        "password",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
    ],
)
def test_no_other_grant_type_can_be_said(backchannel: TestClient, grant_type: str) -> None:
    said = {"redirect_uris": [REDIRECT_URI], "grant_types": ["authorization_code", grant_type]}
    error, description = refused(post(backchannel, said))
    assert error == "invalid_client_metadata"
    assert description.startswith("grant_types: ")


# §3.2.2


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/cb#fragment",
        "https://user@app.example/cb",
        "http://app.example/cb",
        "com.example.app:/cb",
        "javascript:alert(1)",
        "https://[broken/cb",
        "",
    ],
)
@pytest.mark.one_engine
def test_a_redirect_uri_that_is_none_has_its_own_error(backchannel: TestClient, uri: str) -> None:
    for name in ("redirect_uris", "post_logout_redirect_uris"):
        answer = post(backchannel, {"redirect_uris": [REDIRECT_URI], name: [uri]})
        error, description = refused(answer)
        assert error == "invalid_redirect_uri"
        assert not uri or uri not in description


@pytest.mark.parametrize(
    "uri", ["com.example.app:/cb", "http://127.0.0.1/cb", "http://[::1]:1/cb", REDIRECT_URI]
)
def test_a_native_client_may_say_more(backchannel: TestClient, uri: str) -> None:  # RFC 8252 §7
    told = registered(
        backchannel,
        application_type="native",
        token_endpoint_auth_method="none",
        redirect_uris=[uri],
    )
    assert "client_secret" not in told
    assert "client_secret_expires_at" not in told


EC_PRIVATE = ClientKey.shared("ES256").key.as_dict(private=True)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("redirect_uris", None),
        ("redirect_uris", []),
        ("redirect_uris", REDIRECT_URI),
        ("redirect_uris", [1]),
        ("redirect_uris", [f"https://app.example/{n}" for n in range(51)]),
        ("redirect_uris", [REDIRECT_URI, "https://other.example/cb"]),  # Core §8.1
        ("post_logout_redirect_uris", {}),
        ("client_name", 1),
        ("client_name", "x" * 201),
        ("client_name", "line\nbreak"),
        ("client_name", "\u202eevil"),
        ("client_name#", "Naam"),
        ("client_name#nl_BE", "Naam"),
        ("logo_uri", "http://app.example/logo.png"),
        ("logo_uri", "data:image/png;base64,AAAA"),
        ("logo_uri#nl", "javascript:alert(1)"),
        ("policy_uri", "https://user@app.example/"),
        ("tos_uri", ["https://app.example/"]),
        ("client_uri", "https://app.example/ "),
        ("contacts", "ops@app.example"),
        ("contacts", ["x" * 501]),
        ("contacts", ["a"] * 51),
        ("software_id", "x" * 501),
        ("application_type", "desktop"),
        ("response_types", ["token"]),
        ("response_types", ["code", "code id_token"]),
        ("response_types", []),
        ("grant_types", ["refresh_token"]),
        ("scope", 1),
        ("scope", "ssin unknown"),
        ("subject_type", "public"),
        ("token_endpoint_auth_method", "client_secret_jwt"),
        ("token_endpoint_auth_method", 1),
        ("token_endpoint_auth_method", "private_key_jwt"),
        ("id_token_signed_response_alg", "none"),
        ("id_token_signed_response_alg", "HS256"),
        ("userinfo_signed_response_alg", "none"),
        ("request_object_signing_alg", "none"),
        ("token_endpoint_auth_signing_alg", "HS256"),
        ("id_token_encrypted_response_alg", "dir"),
        ("id_token_encrypted_response_alg", "RSA1_5"),
        ("id_token_encrypted_response_alg", "RSA-OAEP-256"),  # without keys
        ("id_token_encrypted_response_enc", "A256GCM"),  # without alg
        ("jwks", []),
        ("jwks", {}),
        ("jwks", {"keys": []}),
        ("jwks", {"keys": [1]}),
        ("jwks", {"keys": [{"kty": "EC"}]}),
        ("jwks", {"keys": [EC_PRIVATE]}),
        ("jwks", {"keys": [*ClientKey.shared("ES256").jwks["keys"], {"kty": "oct", "k": "AAAA"}]}),
        ("jwks", {"keys": ClientKey.shared("ES256").jwks["keys"] * 51}),
        ("jwks_uri", "http://app.example/jwks"),
        ("jwks_uri", "https://app.example/jwks#1"),
        ("jwks_uri", "file:///etc/passwd"),
        ("dpop_bound_access_tokens", "true"),
        ("require_auth_time", 1),
        ("default_max_age", -1),
        ("default_max_age", True),
        ("default_max_age", "60"),
        ("default_max_age", 10**10),
        ("default_acr_values", "urn:a"),
        ("request_uris", ["http://app.example/request"]),
        ("request_uris", ["https://app.example/" + "x" * 500]),
        ("sector_identifier_uri", "http://app.example/sector"),
        ("initiate_login_uri", "http://app.example/login"),
        ("backchannel_logout_uri", "http://app.example/logout"),
        ("backchannel_logout_uri", "https://app.example/logout#x"),
        ("frontchannel_logout_uri", "https://other.example/logout"),
        ("authorization_details_types", ["payment"]),
        ("response_modes", ["fragment"]),
        ("response_modes", "jwt"),
        ("tls_client_auth_subject_dn", ["CN=x"]),
        ("tls_client_auth_subject_dn", "app.example"),
        ("tls_client_auth_subject_dn", "CN=app,,O=x"),
        ("tls_client_auth_san_dns", "b\u00fccher.example"),
        ("tls_client_auth_san_dns", "two names"),
        ("tls_client_auth_san_uri", "app.example"),
        ("tls_client_auth_san_ip", "app.example"),
        ("tls_client_auth_san_ip", "192.0.2.0/24"),
        ("tls_client_auth_san_ip", "192.0.2.256"),
        ("tls_client_auth_san_email", "app.example"),
    ],
)
@pytest.mark.one_engine
def test_what_can_not_be_said_is_refused(
    backchannel: TestClient, site: Site, member: str, value: Any
) -> None:
    answer = post(backchannel, {"redirect_uris": [REDIRECT_URI], member: value})
    assert refused(answer)[0] == "invalid_client_metadata"
    assert count(site) == 0


def test_two_members_that_exclude_one_another(backchannel: TestClient) -> None:  # §2
    said = {"jwks": ClientKey.shared("ES256").jwks, "jwks_uri": "https://app.example/jwks"}
    assert "jwks" in refused(post(backchannel, {"redirect_uris": [REDIRECT_URI], **said}))[1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("subject_dn", "CN=app,O=Example\\, Inc.,C=BE"),
        ("subject_dn", "2.5.4.97=#0C0A4245303132333435"),
        ("san_dns", "*.app.example"),
        ("san_uri", "spiffe://app.example/one"),
        ("san_uri", "urn:be:app"),
        ("san_ip", "192.0.2.7"),
        ("san_ip", "2001:db8::7"),
        ("san_email", "ops@app.example"),
    ],
)
@pytest.mark.one_engine
def test_a_name_that_a_certificate_can_have(
    backchannel: TestClient, name: str, value: str
) -> None:  # RFC 8705 §2.1.2
    member = f"tls_client_auth_{name}"
    answer = post(backchannel, {"redirect_uris": [REDIRECT_URI], member: value})
    assert answer.json()[member] == value, answer.text


@pytest.mark.parametrize(
    ("names", "right"),
    [({"subject_dn": "CN=app"}, True), ({}, False), ({"san_dns": "a", "san_ip": "::1"}, False)],
)
def test_a_certificate_is_known_by_exactly_one_name(  # RFC 8705 §2.1.2
    site: Site, names: dict[str, str], right: bool
) -> None:
    said: dict[str, Any] = {f"tls_client_auth_{name}": names[name] for name in names}
    metadata = ClientMetadata(**said)
    try:
        new_client(
            site.clock(),
            client_name="App",
            redirect_uris=[REDIRECT_URI],
            token_endpoint_auth_method="tls_client_auth",
            metadata=metadata,
        )
    except InvalidClientMetadata:
        assert not right
    else:
        assert right


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/json"),
        (b"[]", "application/json"),
        (b'"x"', "application/json"),
        (b"{", "application/json"),
        (b'{"redirect_uris": ["\xff"]}', "application/json"),
        (b'{"a":' * 20 + b"1" + b"}" * 20, "application/json"),
        (b'{"redirect_uris": ["https://app.example/cb"]}', "text/plain"),
        (b"redirect_uris=https://app.example/cb", "application/x-www-form-urlencoded"),
    ],
)
def test_what_is_no_json_object_is_refused(
    backchannel: TestClient, site: Site, body: bytes, content_type: str
) -> None:
    answer = backchannel.post("/register", content=body, headers={"Content-Type": content_type})
    assert refused(answer)[0] == "invalid_request"
    assert count(site) == 0


@pytest.mark.one_engine
def test_a_document_that_is_too_large_is_refused(backchannel: TestClient) -> None:
    answer = post(backchannel, {"redirect_uris": [REDIRECT_URI], "x": "x" * 65536})
    assert answer.status_code == 413


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
MEMBERS = st.sampled_from(
    sorted(
        {
            *LOCALIZED_MEMBERS,
            *COMMON_MEMBERS,
            *OPTIONAL_MEMBERS,
            "client_name#nl",
            "software_statement",
        }
    )
)


@pytest.mark.one_engine
@hypothesis_settings(
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(document=st.dictionaries(MEMBERS, JSON, max_size=5), sound=st.booleans())
def test_any_document_is_accepted_or_refused(
    backchannel: TestClient, clock: MovableClock, document: dict[str, Any], sound: bool
) -> None:
    clock.advance(minutes=5)
    if sound:
        document = {"redirect_uris": [REDIRECT_URI], **document}
    document.pop("sector_identifier_uri", None)
    body = json.dumps(document).encode("utf-8", "surrogatepass")
    answer = backchannel.post(
        "/register", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in (201, 400), answer.text


# Who may


def test_nobody_may_where_it_is_off(settings: Settings, clock: MovableClock) -> None:
    app = create_app(settings.model_copy(update={"registration": "off"}), clock=clock)
    with TestClient(app, base_url=ORIGIN) as browser:
        assert post(browser, {"redirect_uris": [REDIRECT_URI]}).status_code == 404
        assert browser.get("/register/x", headers=bearer("x")).status_code == 404
        document = browser.get("/.well-known/openid-configuration").json()
        assert "registration_endpoint" not in document
    app.state.site.database.close()


@pytest.fixture
def guarded(settings: Settings, clock: MovableClock) -> Iterator[Starlette]:
    """The service where a token is needed."""
    app = create_app(settings.model_copy(update={"registration": "token"}), clock=clock)
    yield app
    app.state.site.database.close()


@pytest.fixture
def door(guarded: Starlette) -> Iterator[TestClient]:
    with TestClient(guarded, base_url=ORIGIN) as browser:
        yield browser


def initial_access_token(site: Site, uses: int = 1) -> str:
    now = site.clock()
    with writing(site.database) as connection:
        return create_initial_access_token(connection, "test", uses, now + timedelta(days=1), now)


def test_a_token_is_for_so_many_registrations(door: TestClient, site: Site) -> None:  # §3
    token = initial_access_token(site, uses=2)
    registered(door, token)
    registered(door, token)
    answer = post(door, {"redirect_uris": [REDIRECT_URI]}, token)
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_token"
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert count(site) == 2


def test_a_mistake_costs_no_token(door: TestClient, site: Site) -> None:
    token = initial_access_token(site)
    assert refused(post(door, {"redirect_uris": []}, token))
    assert refused(post(door, {"redirect_uris": [REDIRECT_URI], "jwks": 1}, token))
    registered(door, token)


@pytest.mark.parametrize("header", [{}, bearer("x"), {"Authorization": "Basic eDp5"}])
def test_without_a_token_nothing_is_learnt(
    door: TestClient, header: dict[str, str], published: Published
) -> None:
    said = {
        "redirect_uris": ["javascript:x"],
        "sector_identifier_uri": published.put("/sector", []),
    }
    answer = door.post("/register", json=said, headers=header)
    assert answer.status_code == 401
    assert published.asked == []


def test_a_token_that_is_too_old_is_worth_nothing(
    door: TestClient, site: Site, clock: MovableClock
) -> None:
    token = initial_access_token(site)
    clock.advance(days=1)
    assert post(door, {"redirect_uris": [REDIRECT_URI]}, token).status_code == 401


def test_of_two_registrations_at_once_one_has_the_last_use(guarded: Starlette, site: Site) -> None:
    token = initial_access_token(site)

    def run() -> int:
        # Not as a context: the first to leave it would close the database for all.
        browser = TestClient(guarded, base_url=ORIGIN)
        return post(browser, {"redirect_uris": [REDIRECT_URI]}, token).status_code

    statuses = [result for result in at_once(run, threads=4) if isinstance(result, int)]
    assert sorted(statuses) == [201, 401, 401, 401]
    assert count(site) == 1


def test_where_everybody_may_there_is_a_limit(
    settings: Settings, clock: MovableClock, site: Site
) -> None:
    app = create_app(settings.model_copy(update={"registrations_per_hour": 2}), clock=clock)
    with TestClient(app, base_url=ORIGIN) as browser:
        registered(browser)
        registered(browser)
        busy = post(browser, {"redirect_uris": [REDIRECT_URI]})
        assert busy.status_code == 503
        assert busy.json()["error"] == "temporarily_unavailable"
        clock.advance(minutes=61)
        registered(browser)
    app.state.site.database.close()


# Registration §5, Core §8.1

UPPER = ["https://a.example/cb", "https://b.example/cb"]


def test_hosts_that_one_document_names_are_one_sector(
    backchannel: TestClient, site: Site, published: Published
) -> None:
    uri = published.put("/sector.json", [*UPPER, "https://c.example/cb"])
    told = registered(backchannel, redirect_uris=UPPER, sector_identifier_uri=uri)
    assert told["sector_identifier_uri"] == uri
    assert found(site, told["client_id"]).sector_identifier == "localhost"


@pytest.mark.parametrize(
    "document", [[], UPPER[:1], {"redirect_uris": UPPER}, "x", b"{", [1, None, UPPER], b"\xff"]
)
@pytest.mark.one_engine
def test_a_document_that_does_not_name_them_makes_no_sector(
    backchannel: TestClient, site: Site, published: Published, document: Any
) -> None:
    uri = published.put("/sector.json", document)
    said = {"redirect_uris": UPPER, "sector_identifier_uri": uri}
    error, description = refused(post(backchannel, said))
    assert (error, description.partition(":")[0]) == (
        "invalid_client_metadata",
        "sector_identifier_uri",
    )
    assert count(site) == 0


def test_a_document_that_is_not_there_makes_no_sector(
    backchannel: TestClient, published: Published
) -> None:
    said = {"redirect_uris": UPPER, "sector_identifier_uri": published.address + "/nothing"}
    assert "sector_identifier_uri" in refused(post(backchannel, said))[1]


# §2.3


@pytest.fixture
def directory(settings: Settings, clock: MovableClock, tmp_path: Path) -> Iterator[TestClient]:
    """A service that believes the statements of directory.example and of other.example."""
    files = {}
    for issuer, key in ISSUERS.items():
        files[issuer] = tmp_path / issuer.rpartition("/")[2]
        files[issuer].write_text(json.dumps(key.jwks))
    app = create_app(settings.model_copy(update={"software_statement_issuers": files}), clock=clock)
    with TestClient(app, base_url=ORIGIN) as browser:
        yield browser
    app.state.site.database.close()


ISSUERS = {
    "https://directory.example": ClientKey.shared("ES256"),
    "https://other.example": ClientKey.shared("PS256"),
}
STATED = {
    "iss": "https://directory.example",
    "software_id": "stated",
    "client_name": "Stated",
    "redirect_uris": ["https://stated.example/cb"],
}


def statement(key: ClientKey | None = None, **changes: Any) -> str:
    return (key or ISSUERS["https://directory.example"]).sign({**STATED, **changes})


def test_what_a_statement_says_comes_before_what_the_client_says(directory: TestClient) -> None:
    signed = statement(sub="x", jti=new_token(), iat=1, first_party=True)
    told = registered(directory, client_name="Own", software_statement=signed)
    assert told["client_name"] == "Stated"
    assert told["software_id"] == "stated"
    assert told["redirect_uris"] == ["https://stated.example/cb"]
    assert told["software_statement"] == signed  # §3.2.1: unmodified


@pytest.mark.parametrize(
    ("signed", "error"),
    [
        (1, "invalid_software_statement"),
        ("x", "invalid_software_statement"),
        (statement() + "x", "invalid_software_statement"),
        (statement(ClientKey("ES256")), "invalid_software_statement"),
        (statement(exp=1), "invalid_software_statement"),
        (statement(exp="later"), "invalid_software_statement"),
        (statement(nbf=10**10), "invalid_software_statement"),
        (statement(iss="https://somebody.example"), "unapproved_software_statement"),
        (statement(iss="https://other.example"), "unapproved_software_statement"),
    ],
)
@pytest.mark.one_engine
def test_a_statement_that_is_none(directory: TestClient, signed: Any, error: str) -> None:
    said = {"redirect_uris": [REDIRECT_URI], "software_statement": signed}
    assert refused(post(directory, said))[0] == error


def test_nobody_s_statements_are_believed_until_the_operator_says_so(
    backchannel: TestClient,
) -> None:
    said = {"redirect_uris": [REDIRECT_URI], "software_statement": statement()}
    assert refused(post(backchannel, said))[0] == "unapproved_software_statement"


def test_what_a_statement_says_is_checked_like_anything_else(directory: TestClient) -> None:
    said = {
        "redirect_uris": [REDIRECT_URI],
        "software_statement": statement(redirect_uris=["javascript:x"]),
    }
    assert refused(post(directory, said))[0] == "invalid_redirect_uri"

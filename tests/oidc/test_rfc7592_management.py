"""RFC 7592, OAuth 2.0 Dynamic Client Registration Management
(https://www.rfc-editor.org/rfc/rfc7592)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import select, update
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.audit.log import audit_events
from authn.clients.assertion_issuers import AssertionIssuer, register_assertion_issuer
from authn.clients.client_registration.registration import change_client
from authn.clients.clients import Client, find_client, lock_client
from authn.clients.resource_servers.exchange_pairs import (
    ExchangePair,
    allow_exchange,
    forbid_exchange,
)
from authn.clients.tables import clients
from authn.db.transaction import reading, writing
from authn.settings import Settings
from authn.web.site import Site
from tests.citizen import ORIGIN
from tests.oidc.apis import register_api
from tests.oidc.client_keys import ClientKey
from tests.oidc.refreshing import events
from tests.oidc.registrant import REDIRECT_URI, bearer, refused, registered
from tests.oidc.relying_party import Holder, RelyingParty, register
from tests.patience import meanwhile
from tests.published import Published, publishing
from tests.together import at_once

pytestmark = pytest.mark.thorough

Told = dict[str, Any]

KEY = ClientKey.shared("ES256")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Everybody may register, and have a document on this machine."""
    changes = {"registration": "open", "private_hosts": frozenset({"localhost"})}
    return settings.model_copy(update=changes)


@pytest.fixture
def told(backchannel: TestClient) -> Told:
    """What an application was told that has just registered itself."""
    return registered(backchannel, client_name="App", contacts=["ops@app.example"])


@pytest.fixture
def published() -> Iterator[Published]:
    """Documents at an address of their own."""
    with publishing() as found:
        yield found


def asked(browser: TestClient, told: Told, method: str = "GET", document: Any = None) -> Response:
    return browser.request(
        method,
        told["registration_client_uri"],
        headers=bearer(told["registration_access_token"]),
        json=document,
    )


def said(told: Told, **changes: Any) -> Told:
    """What the client would send back, with changes; None leaves a member out."""
    never = ("registration_", "client_secret", "client_id_issued_at")
    document = {name: told[name] for name in told if not name.startswith(never)} | changes
    return {name: value for name, value in document.items() if value is not None}


def found(site: Site, told: Told) -> Client | None:
    with reading(site.database) as connection:
        return find_client(connection, told["client_id"])


# §2.1


def test_a_client_reads_what_is_registered(backchannel: TestClient, told: Told) -> None:
    answer = asked(backchannel, told)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    without_secret = {name: told[name] for name in told if not name.startswith("client_secret")}
    assert answer.json() == without_secret


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("token", ["", "x", "é", "client_secret"])
def test_only_its_own_token_is_accepted(
    backchannel: TestClient, told: Told, site: Site, method: str, token: str
) -> None:
    other = registered(backchannel)
    for wrong in (told.get(token, token), other["registration_access_token"]):
        headers = {b"Authorization": f"Bearer {wrong}".encode()}
        uri = told["registration_client_uri"]
        answer = backchannel.request(method, uri, headers=headers, json=said(told))
        assert answer.status_code == 401
        assert answer.json()["error"] == "invalid_token"
        assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert found(site, told)


def test_who_is_nobody_is_refused_like_anybody(backchannel: TestClient, told: Told) -> None:
    for client_id in ("nobody", "hospital", "a%00b", "x" * 200):
        answer = backchannel.get(
            f"/register/{client_id}", headers=bearer(told["registration_access_token"])
        )
        assert answer.status_code == 401


def test_a_client_of_the_operator_has_no_token(
    backchannel: TestClient, rp: RelyingParty, told: Told
) -> None:
    for token in ("", "None", rp.client_secret):
        answer = backchannel.get("/register/hospital", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401


# §2.2


def test_what_is_sent_replaces_everything(backchannel: TestClient, told: Told, site: Site) -> None:
    uri = "https://app.example/new"
    document = {"client_id": told["client_id"], "redirect_uris": [uri], "tos_uri": uri}
    answer = asked(backchannel, told, "PUT", document)
    assert answer.status_code == 200, answer.text
    now = answer.json()
    assert (now["redirect_uris"], now["tos_uri"]) == ([uri], uri)
    assert "contacts" not in now
    assert now["client_name"] == "app.example"
    assert "client_secret" not in now
    client = found(site, told)
    assert client
    assert client.redirect_uris == (uri,)
    assert client.check_client_secret(told["client_secret"])
    assert asked(backchannel, told).json() == now


def test_null_is_as_if_it_were_left_out(backchannel: TestClient, told: Told) -> None:
    document = said(told) | {"contacts": None}
    assert "contacts" not in asked(backchannel, told, "PUT", document).json()


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": None},
        {"client_id": "hospital"},
        {"client_secret": "s" * 43},
        {"client_secret": 1},
        {"registration_access_token": "x"},
        {"registration_client_uri": "https://app.example/"},
        {"client_secret_expires_at": 0},
        {"client_id_issued_at": 1},
        {"redirect_uris": None},
        {"redirect_uris": ["http://app.example/cb"]},
        {"logo_uri": "http://app.example/logo"},
        {"grant_types": ["client_credentials"]},
    ],
)
def test_what_is_not_its_own_changes_nothing(
    backchannel: TestClient, told: Told, site: Site, changes: dict[str, Any]
) -> None:
    before = found(site, told)
    refused(asked(backchannel, told, "PUT", said(told, **changes)))
    assert found(site, told) == before


def test_its_own_secret_may_be_sent_and_is_not_told_again(
    backchannel: TestClient, told: Told
) -> None:
    document = said(told) | {"client_secret": told["client_secret"]}
    answer = asked(backchannel, told, "PUT", document)
    assert answer.status_code == 200
    assert "client_secret" not in answer.json()


def test_a_secret_is_told_when_it_is_made_and_forgotten_when_not_needed(
    backchannel: TestClient, site: Site
) -> None:
    app = registered(backchannel, token_endpoint_auth_method="none")
    confidential = said(app, token_endpoint_auth_method="client_secret_basic")
    now = asked(backchannel, app, "PUT", confidential).json()
    assert now["client_secret_expires_at"] == 0
    client = found(site, app)
    assert client
    assert client.check_client_secret(now["client_secret"])
    with_key = said(app, token_endpoint_auth_method="private_key_jwt", jwks=KEY.jwks)
    answer = asked(backchannel, app, "PUT", with_key)
    assert answer.status_code == 200, answer.text
    assert "client_secret" not in answer.json()
    client = found(site, app)
    assert client
    assert client.client_secret_hash is None


def test_what_the_operator_decided_stays(backchannel: TestClient, told: Told, site: Site) -> None:
    given: dict[str, Any] = {
        "require_pkce": True,
        "may_read_ssin": True,
        "first_party": True,
        "policy": "device",
        "resources": ("https://api.example/",),
        "scope": "openid ssin read",
        "refresh_idle": 60,
    }
    before = found(site, told)
    assert before
    metadata = replace(before.metadata, grant_types=("authorization_code", "device_code"))
    with writing(site.database) as connection:
        change_client(connection, site.secrets, before, site.clock(), metadata=metadata, **given)
    document = said(told, client_name="Other", scope="openid ssin read", may_read_ssin=False)
    document["grant_types"] = ["authorization_code", "device_code"]
    assert asked(backchannel, told, "PUT", document).status_code == 200
    after = found(site, told)
    assert after
    assert after.client_name == "Other"
    assert {name: getattr(after, name) for name in given} == given
    assert after.metadata.grant_types == ("authorization_code", "device_code")


# Core §8.1: people keep the `sub` by which a client knows them


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"redirect_uris": ["https://elsewhere.example/cb"]},
        {"redirect_uris": ["https://app.example.evil.example/cb"]},
        {"application_type": "native"},
        {"application_type": "native", "redirect_uris": ["example.app:/cb"]},
        {"redirect_uris": None, "grant_types": [], "response_types": []},
    ],
)
def test_a_client_does_not_move_to_another_sector(
    backchannel: TestClient, told: Told, site: Site, elsewhere: dict[str, Any]
) -> None:
    before = found(site, told)
    answer = asked(backchannel, told, "PUT", said(told, client_name="Other", **elsewhere))
    assert refused(answer)[0] == "invalid_client_metadata"
    assert found(site, told) == before


def test_nor_by_a_sector_identifier_uri(
    backchannel: TestClient, told: Told, site: Site, published: Published
) -> None:
    uri = published.put("/sector.json", told["redirect_uris"])
    answer = asked(backchannel, told, "PUT", said(told, sector_identifier_uri=uri))
    assert refused(answer)[0] == "invalid_client_metadata"
    client = found(site, told)
    assert client
    assert client.sector_identifier == "app.example"


def test_on_its_host_it_is_free(backchannel: TestClient, told: Told, site: Site) -> None:
    uris = ["https://app.example/other", "https://app.example:8443/cb"]
    assert asked(backchannel, told, "PUT", said(told, redirect_uris=uris)).status_code == 200
    client = found(site, told)
    assert client
    assert (client.redirect_uris, client.sector_identifier) == (tuple(uris), "app.example")


def test_in_its_sector_it_is_free(
    backchannel: TestClient, site: Site, published: Published
) -> None:
    first, second = ["https://a.example/cb"], ["https://b.example/cb", "https://c.example/cb"]
    uri = published.put("/sector.json", [*first, *second])
    of_sector = registered(backchannel, redirect_uris=first, sector_identifier_uri=uri)
    document = said(of_sector, redirect_uris=second)
    assert asked(backchannel, of_sector, "PUT", document).status_code == 200
    # Without the document it would be on its own host, which is another sector.
    document = said(of_sector, redirect_uris=first, sector_identifier_uri=None)
    answer = asked(backchannel, of_sector, "PUT", document)
    assert refused(answer)[0] == "invalid_client_metadata"


def test_a_sector_that_the_operator_named_is_not_left_either(
    backchannel: TestClient, told: Told, site: Site, published: Published
) -> None:
    with writing(site.database) as connection:
        client = find_client(connection, told["client_id"])
        assert client
        change_client(connection, site.secrets, client, site.clock(), sector_identifier="hospitals")
    assert asked(backchannel, told, "PUT", said(told)).status_code == 200
    uri = published.put("/sector.json", told["redirect_uris"])
    answer = asked(backchannel, told, "PUT", said(told, sector_identifier_uri=uri))
    assert refused(answer)[0] == "invalid_client_metadata"
    client = found(site, told)
    assert client
    assert client.sector_identifier == "hospitals"


# What people allowed it as: it proves itself, its requests and its tokens as well as then

STRICT: dict[str, dict[str, Any]] = {
    "confidential": {"token_endpoint_auth_method": "client_secret_basic"},
    "a key": {"token_endpoint_auth_method": "private_key_jwt"},
    "dpop": {"dpop_bound_access_tokens": True},
    "mtls": {"tls_client_certificate_bound_access_tokens": True},
    "par": {"require_pushed_authorization_requests": True},
    "jar": {"require_signed_request_object": True},
    "jarm": {"response_modes": ["jwt", "form_post.jwt"]},
}
WEAKER: dict[str, dict[str, Any]] = {
    "confidential": {"token_endpoint_auth_method": "none"},
    "a key": {"token_endpoint_auth_method": "client_secret_basic"},
    "jarm": {"response_modes": ["jwt", "query"]},
}


@pytest.mark.parametrize("rule", STRICT)
def test_a_client_does_not_make_itself_a_weaker_one(
    backchannel: TestClient, site: Site, rule: str
) -> None:
    app = registered(backchannel, **{"jwks": KEY.jwks, **STRICT[rule]})
    before = found(site, app)
    weaker = dict.fromkeys(STRICT[rule])  # what it leaves out is the default
    if rule != "confidential":
        error, description = refused(asked(backchannel, app, "PUT", said(app, **weaker)))
        assert (error, next(iter(weaker)) in description) == ("invalid_client_metadata", True)
    if rule in WEAKER:
        document = said(app, **WEAKER[rule])
        assert refused(asked(backchannel, app, "PUT", document))[0] == "invalid_client_metadata"
    assert found(site, app) == before
    # What it says anew, beside that, is its own business.
    assert asked(backchannel, app, "PUT", said(app, client_name="Other")).status_code == 200


@pytest.mark.parametrize("rule", STRICT)
def test_it_may_ask_more_of_itself(backchannel: TestClient, site: Site, rule: str) -> None:
    app = registered(backchannel, jwks=KEY.jwks, token_endpoint_auth_method="none")
    answer = asked(backchannel, app, "PUT", said(app, **STRICT[rule]))
    assert answer.status_code == 200, answer.text


def test_from_one_key_to_another_is_no_less(backchannel: TestClient) -> None:
    app = registered(backchannel, jwks=KEY.jwks, **STRICT["a key"], **STRICT["dpop"])
    other = {"jwks": ClientKey.shared("EdDSA").jwks, "dpop_bound_access_tokens": None}
    answer = asked(backchannel, app, "PUT", said(app, **other, **STRICT["mtls"]))
    assert answer.status_code == 200, answer.text


# What weighs much is held by whom two operators gave it

HEAVY: dict[str, dict[str, Any]] = {
    "redirect_uris": {"redirect_uris": ["https://app.example/other"]},
    "one more redirect_uri": {"redirect_uris": [REDIRECT_URI, "https://app.example/other"]},
    "auth method": {"token_endpoint_auth_method": "client_secret_post"},
    "key": {"token_endpoint_auth_method": "private_key_jwt", "jwks": KEY.jwks},
    "jwks": {"jwks": KEY.jwks},
    "jwks_uri": {"jwks_uri": "https://app.example/jwks"},
    "request_uris": {"request_uris": ["https://app.example/request"]},
    "grant_types": {"grant_types": ["authorization_code", "refresh_token"]},
    "scope": {
        "scope": "openid profile offline_access",
        "grant_types": ["authorization_code", "refresh_token"],
    },
    "encryption": {"userinfo_encrypted_response_alg": "RSA-OAEP-256", "jwks": KEY.jwks},
    "algorithm": {"id_token_signed_response_alg": "ES256"},
}


def given(site: Site, told: Told, **values: Any) -> None:
    """What the operators gave it."""
    with writing(site.database) as connection:
        client = find_client(connection, told["client_id"])
        assert client
        change_client(connection, site.secrets, client, site.clock(), **values)


@pytest.mark.parametrize("change", HEAVY)
@pytest.mark.parametrize(
    "much", [{"may_read_ssin": True}, {"first_party": True}, {"profile_kinds": ("staff",)}], ids=str
)
def test_who_was_given_much_is_not_changed_by_its_token_alone(
    backchannel: TestClient, told: Told, site: Site, change: str, much: dict[str, Any]
) -> None:
    given(site, told, **much)
    before = found(site, told)
    error, description = refused(asked(backchannel, told, "PUT", said(told, **HEAVY[change])))
    assert error == "invalid_client_metadata"
    assert "operator" in description
    assert found(site, told) == before


def test_it_reads_and_takes_away_and_ends_itself(backchannel: TestClient, site: Site) -> None:
    two = [REDIRECT_URI, "https://app.example/other"]
    app = registered(backchannel, redirect_uris=two, scope="openid profile")
    given(site, app, may_read_ssin=True, first_party=True)
    assert asked(backchannel, app).status_code == 200
    less = said(app, redirect_uris=[REDIRECT_URI], scope="openid", client_name="Other")
    answer = asked(backchannel, app, "PUT", less)
    assert answer.status_code == 200, answer.text
    assert refused(asked(backchannel, app, "PUT", said(app)))[0] == "invalid_client_metadata"
    assert asked(backchannel, app, "DELETE").status_code == 204


def test_what_is_registered_with_others_weighs_as_much(
    backchannel: TestClient, told: Told, site: Site
) -> None:
    for client_id in ("hospital", "letters"):
        register(site, backchannel, client_id=client_id)
    register_api(site, "https://api.example/letters", client_id="letters", may_read_ssin=True)
    pair = ExchangePair(told["client_id"], "hospital", "https://api.example/letters")
    document = said(told, redirect_uris=["https://app.example/other"])
    with writing(site.database) as connection:
        allow_exchange(connection, site.secrets, pair, site.clock())
    assert refused(asked(backchannel, told, "PUT", document))[0] == "invalid_client_metadata"
    with writing(site.database) as connection:
        forbid_exchange(connection, site.secrets, pair, site.clock())
    assert asked(backchannel, told, "PUT", document).status_code == 200
    issuer = AssertionIssuer(
        issuer="https://elsewhere.example",
        jwks=KEY.jwks,
        jwks_uri=None,
        client_id=told["client_id"],
        subject_client_id="hospital",
        created_at=site.clock(),
    )
    with writing(site.database) as connection:
        register_assertion_issuer(connection, site.secrets, issuer)
    assert refused(asked(backchannel, told, "PUT", said(told)))[0] == "invalid_client_metadata"


def test_a_change_does_not_run_beside_what_the_operators_give(
    backchannel: TestClient, told: Told, site: Site
) -> None:
    document = said(told, redirect_uris=["https://app.example/other"])
    with ThreadPoolExecutor(1) as pool:
        with writing(site.database) as connection:
            client = lock_client(connection, told["client_id"])
            assert client
            change_client(connection, site.secrets, client, site.clock(), may_read_ssin=True)
            answer = pool.submit(asked, backchannel, told, "PUT", document)
            meanwhile()
        assert refused(answer.result())[0] == "invalid_client_metadata"
    after = found(site, told)
    assert after
    assert (after.may_read_ssin, after.redirect_uris) == (True, (REDIRECT_URI,))


def test_a_fapi_client_can_not_make_itself_a_weaker_one(
    backchannel: TestClient, told: Told, site: Site
) -> None:
    with writing(site.database) as connection:
        connection.execute(update(clients).values(profile="fapi2"))
    assert refused(asked(backchannel, told, "PUT", said(told)))[0] == "invalid_client_metadata"


def test_a_change_is_on_record(backchannel: TestClient, told: Told, site: Site) -> None:
    asked(backchannel, told, "PUT", said(told))
    asked(backchannel, told, "PUT", said(told, client_name="Other"))
    with reading(site.database) as connection:
        rows = connection.execute(select(audit_events).order_by(audit_events.c.id)).all()
    assert [row.event for row in rows] == ["client.registered", "client.changed"]
    assert rows[1].details == '{"members":"client_name"}'


# §2.3


def test_a_client_that_ends_itself_is_none_any_more(
    backchannel: TestClient, client: TestClient, site: Site, holder: Holder, told: Told
) -> None:
    known = found(site, told)
    assert known
    rp = RelyingParty(site, client, known, told["client_secret"]).allowed_by(
        holder, "openid profile offline_access"
    )
    tokens = rp.tokens(scope="openid profile offline_access", prompt="consent")
    code = rp.code()
    assert rp.userinfo(tokens["access_token"]).status_code == 200
    answer = asked(backchannel, told, "DELETE")
    assert (answer.status_code, answer.content) == (204, b"")
    assert found(site, told) is None
    assert rp.userinfo(tokens["access_token"]).status_code == 401
    assert rp.redeem(code).status_code == 401
    assert rp.authorize().status_code == 400
    for method in ("GET", "PUT", "DELETE"):
        assert asked(backchannel, told, method, said(told)).status_code == 401


def test_of_two_ends_at_once_one_is_on_record(app: Starlette, site: Site, told: Told) -> None:
    def run() -> int:
        return asked(TestClient(app, base_url=ORIGIN), told, "DELETE").status_code

    statuses = at_once(run, threads=4)
    assert set(statuses) <= {204, 401}
    assert events(site, "client.ended") == 1


def test_the_grants_of_others_stay(
    backchannel: TestClient, rp: RelyingParty, holder: Holder, told: Told
) -> None:
    tokens = rp.allowed_by(holder).tokens()
    assert asked(backchannel, told, "DELETE").status_code == 204
    assert rp.userinfo(tokens["access_token"]).status_code == 200


def test_other_methods_are_refused(backchannel: TestClient, told: Told) -> None:
    for method in ("POST", "PATCH"):
        assert asked(backchannel, told, method, said(told)).status_code == 405
    assert backchannel.get("/register").status_code == 405


def test_the_address_is_ours(told: Told) -> None:
    assert told["redirect_uris"] == [REDIRECT_URI]
    assert told["registration_client_uri"].endswith(f"/register/{told['client_id']}")

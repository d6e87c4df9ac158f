"""RFC 7592, OAuth 2.0 Dynamic Client Registration Management
(https://www.rfc-editor.org/rfc/rfc7592)."""

from dataclasses import replace
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import select, update
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.audit.log import audit_events
from authn.clients.clients import Client, find_client
from authn.clients.registration import change_client
from authn.clients.tables import clients
from authn.db.transaction import reading, writing
from authn.settings import Settings
from authn.web.site import Site
from tests.citizen import ORIGIN
from tests.oidc.refreshing import events
from tests.oidc.registrant import REDIRECT_URI, bearer, refused, registered
from tests.oidc.relying_party import Holder, RelyingParty
from tests.together import at_once

pytestmark = pytest.mark.thorough

Told = dict[str, Any]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Everybody may register."""
    return settings.model_copy(update={"registration": "open"})


@pytest.fixture
def told(backchannel: TestClient) -> Told:
    """What an application was told that has just registered itself."""
    return registered(backchannel, client_name="App", contacts=["ops@app.example"])


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
    head = asked(backchannel, told, "HEAD")
    assert (head.status_code, head.content) == (200, b"")


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
    backchannel: TestClient, told: Told, site: Site
) -> None:
    public = said(told, token_endpoint_auth_method="none")
    assert "client_secret" not in asked(backchannel, told, "PUT", public).json()
    client = found(site, told)
    assert client
    assert client.client_secret_hash is None
    again = asked(backchannel, told, "PUT", said(told)).json()
    assert again["client_secret"] != told["client_secret"]
    assert again["client_secret_expires_at"] == 0
    client = found(site, told)
    assert client
    assert client.check_client_secret(again["client_secret"])


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


def test_the_sector_follows_the_redirect_uris(
    backchannel: TestClient, told: Told, site: Site
) -> None:
    document = said(told, redirect_uris=["https://elsewhere.example/cb"])
    asked(backchannel, told, "PUT", document)
    client = found(site, told)
    assert client
    assert client.sector_identifier == "elsewhere.example"


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
        rows = connection.execute(select(audit_events)).all()
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

"""Systems, which get tokens of their own: RFC 6749 §4.4, with RFC 8707 and RFC 9068.

https://www.rfc-editor.org/rfc/rfc6749#section-4.4, https://www.rfc-editor.org/rfc/rfc8707#section-2.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.clients.client_registration.registration import InvalidClientMetadata, register_client
from authn.clients.clients import find_client
from authn.clients.tables import clients, resources
from authn.db.transaction import reading, writing
from authn.keys.signing_keys import current_keys
from authn.oidc.tokens.active_token import AccessToken, read_access_token
from authn.web.site import Site
from tests.oidc.client_keys import ClientKey
from tests.oidc.dpop_proofs import DpopKey
from tests.oidc.relying_party import RelyingParty, basic, segment
from tests.oidc.systems import API, ORGANISATION, System, add_resource, register_system
from tests.oidc.test_cost import counted

pytestmark = pytest.mark.thorough

MakeRP = Callable[..., RelyingParty]
OTHER_API = "https://laboratory.example/api"


@pytest.fixture
def system(site: Site, backchannel: TestClient) -> System:
    add_resource(site)
    return register_system(site, backchannel)


def said(site: Site, token: str) -> AccessToken:
    """What the token says, verified."""
    with reading(site.database) as connection:
        keys = current_keys(site, connection, site.clock())
    return read_access_token(keys, site.settings, site.secrets, token, site.clock())


# §4.4.3: what it gets


def test_it_gets_an_access_token_and_nothing_else(system: System) -> None:
    answer = system.post()
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    body = answer.json()
    assert body.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 300)
    assert body["scope"] == "prescriptions:read prescriptions:write"


def test_the_token_is_the_organisations_and_no_persons(site: Site, system: System) -> None:
    token = system.post().json()["access_token"]
    assert segment(token, 0)["typ"] == "at+jwt"  # RFC 9068 §2.1
    read = said(site, token)
    assert (read.subject, read.client_id) == (system.client.client_id, system.client.client_id)
    assert (read.audience, read.scope) == (API, "prescriptions:read prescriptions:write")
    assert read.claims["cbe"] == ORGANISATION
    assert read.claims.keys() == {
        "iss",
        "sub",
        "aud",
        "client_id",
        "iat",
        "exp",
        "jti",
        "scope",
        "cbe",
    }


def test_two_tokens_are_two(site: Site, system: System) -> None:
    first, second = (said(site, system.post().json()["access_token"]) for _ in range(2))
    assert first.jti != second.jti


def test_it_costs_three_statements_and_one_commit(site: Site, system: System) -> None:
    system.post()
    with counted(site) as seen:
        assert system.post().status_code == 200
    # Client, resource, assertion.
    assert len(seen) - seen.count("COMMIT") == 3, seen
    assert seen.count("COMMIT") == 1


# §4.4.2: who


def test_a_partner_with_a_secret_may_as_well(site: Site, make_rp: MakeRP) -> None:
    add_resource(site)
    rp = make_rp(
        client_id="partner",
        redirect_uris=[],
        scope="prescriptions:read",
        organisation=ORGANISATION,
        resources=[API],
        metadata=ClientMetadata(grant_types=("client_credentials",)),
    )
    answer = rp.browser.post(
        "/token",
        data={"grant_type": "client_credentials"},
        headers={"Authorization": basic(rp.client.client_id, rp.client_secret)},
    )
    assert answer.status_code == 200, answer.text
    read = said(site, answer.json()["access_token"])
    assert (read.subject, read.claims["cbe"]) == ("partner", ORGANISATION)


def test_only_who_is_registered_for_it(rp: RelyingParty) -> None:
    answer = rp.browser.post(
        "/token",
        data={"grant_type": "client_credentials"},
        headers={"Authorization": basic(rp.client.client_id, rp.client_secret)},
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")


def test_a_public_client_has_none(site: Site, make_rp: MakeRP) -> None:  # §4.4
    add_resource(site)
    rp = make_rp(client_id="app", token_endpoint_auth_method="none", resources=[API])
    with writing(site.database) as connection:  # what registration refuses, found in the table
        said = ClientMetadata(grant_types=("client_credentials",)).pack()
        connection.execute(update(clients).values(client_metadata=said, organisation=ORGANISATION))
    form = {"grant_type": "client_credentials", "client_id": "app"}
    answer = rp.browser.post("/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")


def test_one_that_has_ended_is_unknown(site: Site, system: System) -> None:
    with writing(site.database) as connection:
        connection.execute(update(clients).values(ended_at=site.clock()))
        assert find_client(connection, system.client.client_id) is None
    answer = system.post()
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


# The organisation


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("client_id", "organisation"),
    [
        ("cbe-0406798007", "0406798007"),  # its check digits are 97 - number modulo 97
        ("cbe-0406798006", ""),
        ("cbe-0406798006", "0308357159"),
        ("cbe-406798006", "406798006"),
        ("cbe-0406.798.006", "0406798006"),
        ("cbe-BE0406798006", "0406798006"),
        ("cbe-9406798006", "9406798006"),
        ("cbe-", ""),
        ("batch", ""),
        ("batch", "0406798007"),
    ],
)
def test_its_id_is_the_number_of_its_organisation(
    site: Site, client_id: str, organisation: str
) -> None:
    with writing(site.database) as connection, pytest.raises(InvalidClientMetadata):
        register_client(
            connection,
            site.secrets,
            site.clock(),
            client_id=client_id,
            client_name="Batch",
            redirect_uris=[],
            token_endpoint_auth_method="private_key_jwt",
            scope="prescriptions:read",
            organisation=organisation,
            metadata=ClientMetadata(
                grant_types=("client_credentials",), jwks=ClientKey.shared("ES256").jwks
            ),
        )


# §4.4.2: scope


@pytest.mark.parametrize(
    "scope",
    [
        "openid",
        "profile",
        "ssin",
        "offline_access",
        "prescriptions:read openid",
        "prescriptions:delete",
        "laboratory:read",
        "PRESCRIPTIONS:READ",
        "\u00e9",
    ],
)
@pytest.mark.one_engine
def test_a_persons_or_an_unknown_scope_is_refused(system: System, scope: str) -> None:
    answer = system.post(scope=scope)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


def test_a_scope_that_the_resource_names_like_a_persons_is_none(
    site: Site, backchannel: TestClient
) -> None:
    add_resource(site)
    with writing(site.database) as connection:  # what registration refuses, found in the table
        said = {"name": {"en": "Read"}}
        scopes = dict.fromkeys(("openid", "ssin", "prescriptions:read"), said)
        connection.execute(update(resources).values(scopes=scopes))
    system = register_system(
        site, backchannel, scope="openid ssin prescriptions:read", may_read_ssin=True
    )
    assert system.post().json()["scope"] == "prescriptions:read"
    assert system.post(scope="ssin").json()["error"] == "invalid_scope"


def test_it_has_what_it_asks_and_no_more(site: Site, system: System) -> None:
    answer = system.post(scope="prescriptions:read prescriptions:read").json()
    assert answer["scope"] == "prescriptions:read"
    assert said(site, answer["access_token"]).scope == "prescriptions:read"


def test_it_asks_only_what_it_is_registered_for(site: Site, backchannel: TestClient) -> None:
    add_resource(site)
    system = register_system(site, backchannel, scope="prescriptions:read")
    assert system.post().json()["scope"] == "prescriptions:read"
    assert system.post(scope="prescriptions:write").json()["error"] == "invalid_scope"


def test_a_resource_without_scopes_gives_a_token_without(
    site: Site, backchannel: TestClient
) -> None:
    add_resource(site, scopes={})
    system = register_system(site, backchannel, scope="anything")
    answer = system.post().json()
    assert "scope" not in answer
    assert said(site, answer["access_token"]).scope == ""


# RFC 8707 §2.2: for whom


def test_one_of_several_resources_is_named(site: Site, backchannel: TestClient) -> None:
    add_resource(site)
    add_resource(site, OTHER_API, scopes={"laboratory:read": "Read results"})
    system = register_system(
        site,
        backchannel,
        scope="prescriptions:read laboratory:read",
        resources=[API, OTHER_API],
    )
    assert system.post().json()["error"] == "invalid_target"
    for name in ("resource", "audience"):
        answer = system.post(**{name: OTHER_API}).json()
        assert said(site, answer["access_token"]).audience == OTHER_API
        assert answer["scope"] == "laboratory:read"
    assert system.post(resource=API, scope="laboratory:read").json()["error"] == "invalid_scope"
    assert system.post(resource=API, audience=API).status_code == 200
    assert system.post(resource=API, audience=OTHER_API).json()["error"] == "invalid_target"


@pytest.mark.parametrize(
    "resource",
    [
        OTHER_API,
        "https://unknown.example",
        f"{API}/",
        f"{API} {OTHER_API}",
        "http://localhost:8000/userinfo",
        "http://localhost:8000",
        "x",
    ],
)
@pytest.mark.one_engine
def test_any_other_resource_is_an_invalid_target(site: Site, system: System, resource: str) -> None:
    add_resource(site, OTHER_API)  # it exists, but is not this client's
    answer = system.post(resource=resource)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_target")


def test_two_resources_at_once_are_an_invalid_target(system: System) -> None:
    data = {
        "grant_type": "client_credentials",
        "resource": [API, OTHER_API],
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": system.assertion(),
    }
    answer = system.backchannel.post("/token", data=data)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_target")


def test_without_a_resource_there_is_no_token(site: Site, backchannel: TestClient) -> None:
    none = register_system(site, backchannel, resources=[])
    assert none.post().json()["error"] == "invalid_target"
    gone = register_system(site, backchannel, client_id="batch", resources=[OTHER_API])
    assert gone.post().json()["error"] == "invalid_target"


# Where it is good


@pytest.fixture
def api(site: Site, make_rp: MakeRP) -> RelyingParty:
    """The resource server itself."""
    rp = make_rp(client_id="api", redirect_uris=["https://prescriptions.example/callback"])
    add_resource(site, client_id="api")
    return rp


def introspected(api: RelyingParty, token: str) -> dict[str, Any]:
    """What the resource server learns of the token."""
    answer = api.browser.post(
        "/introspect",
        data={"token": token},
        headers={"Authorization": basic("api", api.client_secret)},
    )
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_its_resource_learns_whose_it_is(
    site: Site, api: RelyingParty, backchannel: TestClient
) -> None:  # RFC 7662 §2.2
    system = register_system(site, backchannel)
    answer = introspected(api, system.post().json()["access_token"])
    assert (answer["active"], answer["cbe"], answer["aud"]) == (True, ORGANISATION, API)
    assert answer["sub"] == system.client.client_id


def test_it_ends_with_its_client(site: Site, api: RelyingParty, backchannel: TestClient) -> None:
    system = register_system(site, backchannel)
    token = system.post().json()["access_token"]
    with writing(site.database) as connection:
        ended = update(clients).where(clients.c.client_id == system.client.client_id)
        connection.execute(ended.values(ended_at=site.clock()))
    assert introspected(api, token) == {"active": False}


def test_it_can_be_revoked(site: Site, api: RelyingParty, backchannel: TestClient) -> None:
    system = register_system(site, backchannel)
    token = system.post().json()["access_token"]
    assert system.post("/revoke", token=token).status_code == 200  # RFC 7009
    assert introspected(api, token) == {"active": False}


def test_it_opens_no_userinfo(system: System) -> None:
    token = system.post().json()["access_token"]
    answer = system.backchannel.get("/userinfo", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


# Bound to a key


def test_it_is_bound_to_the_key_that_came_along(site: Site, system: System) -> None:  # RFC 9449 §5
    key = DpopKey()
    proof = key.proof("POST", f"{site.settings.issuer}/token", site.clock())
    system.backchannel.headers["DPoP"] = proof
    answer = system.post()
    assert answer.json()["token_type"] == "DPoP", answer.text
    assert said(site, answer.json()["access_token"]).confirmation.jkt == key.jkt


def test_it_must_be_where_the_client_says_so(site: Site, backchannel: TestClient) -> None:
    add_resource(site)
    system = register_system(site, backchannel, metadata={"dpop_bound_access_tokens": True})
    answer = system.post()
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_it_lives_five_minutes(site: Site, system: System) -> None:
    read = said(site, system.post().json()["access_token"])
    assert read.expires_at - site.clock() == timedelta(minutes=5)

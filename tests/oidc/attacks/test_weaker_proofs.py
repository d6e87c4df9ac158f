"""A client asks less proof than before: of what it was given then, as much is asked as then.

What a naive provider does: it looks at what the client is now. A refresh token that was worth
nothing to who stole it, since its client had to authenticate, is worth everything once the client
is a public one; and a token that anybody can use is used on after its client had to bind them. RFC
9700 §4.14 (https://www.rfc-editor.org/rfc/rfc9700#section-4.14), RFC 9449 §5, RFC 8705 §3.
"""

from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.clients.client_registration.registration import change_client
from authn.clients.clients import find_client
from authn.db.transaction import writing
from authn.web.site import Site
from tests.oidc.dpop_proofs import DpopKey
from tests.oidc.refreshing import OFFLINE, PUBLIC_CLIENT, REFRESHING, error, refreshed
from tests.oidc.relying_party import Holder, RelyingParty, register
from tests.oidc.resource_servers import API, ResourceServer, application, resource_server
from tests.oidc.systems import ORGANISATION
from tests.oidc.test_cost import counted
from tests.oidc.test_rfc8693_token_exchange import allow, exchange, exchanging

pytestmark = pytest.mark.thorough

INACTIVE = {"active": False}
BOUND = {
    "dpop": {"dpop_bound_access_tokens": True},
    "mtls": {"tls_client_certificate_bound_access_tokens": True},
}


def change(site: Site, client_id: str, **changes: Any) -> None:
    """The client has these values from now on; `metadata` are members of its metadata."""
    with writing(site.database) as connection:
        client = find_client(connection, client_id)
        assert client
        said = replace(client.metadata, **changes.pop("metadata", {}))
        change_client(
            connection, site.secrets, client, site.clock(), **{"metadata": said, **changes}
        )


def with_nothing(rp: RelyingParty, refresh_token: str) -> Any:
    """What somebody is answered who has the refresh token, and no secret."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return rp.browser.post("/token", data=form | {"client_id": rp.client.client_id})


# Refresh tokens


@pytest.fixture
def rp(site: Site, client: TestClient, holder: Holder) -> RelyingParty:
    """A confidential client with refresh tokens, that people have allowed everything."""
    confidential = register(site, client, client_id="hospital", scope=OFFLINE, metadata=REFRESHING)
    return confidential.allowed_by(holder, OFFLINE)


def test_a_refresh_token_of_a_confidential_client_is_none_of_a_public_one(
    site: Site, rp: RelyingParty
) -> None:
    token = rp.tokens(scope=OFFLINE, prompt="consent")["refresh_token"]
    assert with_nothing(rp, token).status_code == 401
    change(site, "hospital", token_endpoint_auth_method="none")
    assert error(with_nothing(rp, token)) == "invalid_grant"
    # Who authenticates again goes on with it: nothing was taken from people.
    change(site, "hospital", token_endpoint_auth_method="client_secret_basic")
    with writing(site.database) as connection:
        now = find_client(connection, "hospital")
        assert now
        change_client(
            connection,
            site.secrets,
            now,
            site.clock(),
            client_secret_hash=rp.client.client_secret_hash,
        )
    assert refreshed(rp, token)["refresh_token"] == token


def test_what_a_public_client_was_given_goes_on_when_it_has_a_secret(
    site: Site, client: TestClient, holder: Holder
) -> None:
    app = register(site, client, **PUBLIC_CLIENT).allowed_by(holder, OFFLINE)
    token = app.tokens(scope=OFFLINE, prompt="consent")["refresh_token"]
    with writing(site.database) as connection:
        changed = change_client(
            connection,
            site.secrets,
            app.client,
            site.clock(),
            token_endpoint_auth_method="client_secret_basic",
        )
    assert with_nothing(app, token).status_code == 401
    confidential = RelyingParty(site, client, changed.client, changed.client_secret or "")
    assert refreshed(confidential, token)["refresh_token"] == token
    change(site, "app", token_endpoint_auth_method="none")
    successor = with_nothing(app, token).json()["refresh_token"]
    assert successor != token
    assert with_nothing(app, successor).status_code == 200


def test_a_lost_answer_is_given_again_to_one_that_has_a_secret_since(
    site: Site, client: TestClient, holder: Holder
) -> None:
    app = register(site, client, **PUBLIC_CLIENT).allowed_by(holder, OFFLINE)
    token = app.tokens(scope=OFFLINE, prompt="consent")["refresh_token"]
    lost = with_nothing(app, token).json()["refresh_token"]
    with writing(site.database) as connection:
        changed = change_client(
            connection,
            site.secrets,
            app.client,
            site.clock(),
            token_endpoint_auth_method="client_secret_basic",
        )
    confidential = RelyingParty(site, client, changed.client, changed.client_secret or "")
    assert refreshed(confidential, token)["refresh_token"] == lost


def test_a_bound_refresh_token_stays_bound_when_its_client_need_not_bind(
    site: Site, client: TestClient, holder: Holder
) -> None:
    bound = PUBLIC_CLIENT | {"metadata": replace(REFRESHING, dpop_bound_access_tokens=True)}
    app = register(site, client, **bound).allowed_by(holder, OFFLINE)
    key = DpopKey()
    proof = key.proof("POST", f"{site.settings.issuer}/token", site.clock())
    code = app.code(scope=OFFLINE, prompt="consent")
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": app.redirect_uri}
    form |= {"client_id": "app", "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"}
    answer = client.post("/token", data=form, headers={"DPoP": proof})
    if answer.headers.get("DPoP-Nonce") and answer.status_code == 400:
        nonce = answer.headers["DPoP-Nonce"]
        proof = key.proof("POST", f"{site.settings.issuer}/token", site.clock(), nonce=nonce)
        answer = client.post("/token", data=form, headers={"DPoP": proof})
    token = answer.json()["refresh_token"]
    change(site, "app", metadata={"dpop_bound_access_tokens": False})
    assert error(with_nothing(app, token)) == "invalid_grant"


# Access tokens that are out


@pytest.fixture
def api(site: Site, backchannel: TestClient) -> ResourceServer:
    return resource_server(site, backchannel, scopes={"read": "Read your letters"})


@pytest.fixture
def reader(site: Site, client: TestClient, holder: Holder, api: ResourceServer) -> RelyingParty:
    return application(site, client, scope="openid profile read")


@pytest.mark.parametrize("how", BOUND)
def test_an_unbound_token_is_worth_nothing_once_its_client_must_bind(
    site: Site, api: ResourceServer, reader: RelyingParty, how: str
) -> None:
    at_api = reader.tokens(scope="openid read", resource=API)["access_token"]
    at_userinfo = reader.tokens()["access_token"]
    assert api.learns(at_api)["active"]
    assert reader.userinfo(at_userinfo).status_code == 200
    change(site, "hospital", metadata=BOUND[how])
    with counted(site) as seen:
        assert api.learns(at_api) == INACTIVE
    assert len(seen) == 2, seen
    assert reader.userinfo(at_userinfo).status_code == 401
    change(site, "hospital", metadata=dict.fromkeys(BOUND[how], False))
    assert api.learns(at_api)["active"]


@pytest.mark.parametrize("how", BOUND)
def test_nor_is_it_exchanged(
    site: Site, backchannel: TestClient, api: ResourceServer, reader: RelyingParty, how: str
) -> None:
    back_end = exchanging(site, backchannel)
    allow(site, "back-end", "hospital")
    first = reader.tokens(scope="openid read", resource=API)["access_token"]
    out = exchange(back_end, first).json()["access_token"]
    assert api.learns(out)["active"]
    change(site, "hospital", metadata=BOUND[how])
    assert error(exchange(back_end, first)) == "invalid_request"
    # What another client got for it is that one's, whose tokens need not be bound.
    assert api.learns(out)["active"]
    change(site, "back-end", metadata=BOUND[how])
    assert api.learns(out) == INACTIVE


@pytest.mark.parametrize("how", BOUND)
def test_nor_is_a_system_s(
    site: Site, backchannel: TestClient, api: ResourceServer, how: str
) -> None:
    batch = register(
        site,
        backchannel,
        client_id="batch",
        redirect_uris=[],
        scope="read",
        organisation=ORGANISATION,
        resources=[API],
        metadata=ClientMetadata(grant_types=("client_credentials",)),
    )
    back_end = exchanging(site, backchannel)
    allow(site, "back-end", "batch")
    form = {"grant_type": "client_credentials", "redirect_uri": None, "code_verifier": None}
    own = batch.redeem(None, **form).json()["access_token"]
    assert api.learns(own)["active"]
    change(site, "batch", metadata=BOUND[how])
    assert api.learns(own) == INACTIVE
    assert error(exchange(back_end, own)) == "invalid_request"

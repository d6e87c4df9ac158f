"""More than was allowed, asked where it is only collected.

What a naive provider does: it takes what the token request says for what the person has allowed.
Scopes and resources at refresh and exchange, one by one, are in `test_rfc6749_refresh_token`,
`test_rfc8707_resource` and `test_rfc8693_token_exchange`.
"""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.clients.client_registration.registration import change_client
from authn.clients.clients import CLIENT_CREDENTIALS, TOKEN_EXCHANGE, find_client
from authn.clients.resource_servers.exchange_pairs import ExchangePair, allow_exchange
from authn.db.transaction import writing
from authn.oidc.grant_types.token_exchange import ACCESS_TOKEN
from authn.web.site import Site
from tests.oidc.apis import PRESCRIPTIONS, REPORTS, details, register_api, register_reports
from tests.oidc.refreshing import GRANT_TYPES, refresh
from tests.oidc.relying_party import Holder, RelyingParty, basic, register, segment
from tests.oidc.systems import ORGANISATION

pytestmark = pytest.mark.thorough

ALLOWED = "openid read offline_access"
EVERYTHING = "openid profile ssin offline_access read write share"
# What may come beside a code, a refresh token, an access token to exchange, or nothing at all.
WIDER: list[dict[str, str]] = [
    {"authorization_details": details("write")},
    {"authorization_details": details("share", location=REPORTS)},
    {
        "claims": json.dumps(
            {"userinfo": {"ssin": None, "birthdate": None}, "id_token": {"name": None}}
        )
    },
    {"audience": REPORTS},
    {"resource": REPORTS},
    {"resource": f"{PRESCRIPTIONS} {REPORTS}"},
    {"acr_values": "urn:authn:level:certified"},
    {"sub": "somebody", "requested_subject": "somebody", "subject": "somebody"},
    {"act": "{}", "may_act": "{}", "cnf": "{}", "client": "other"},
    {"expires_in": "999999", "exp": "9999999999", "requested_expiry": "999999"},
    {"requested_token_type": "urn:ietf:params:oauth:token-type:access_token"},
]


@pytest.fixture
def rp(site: Site, client: TestClient, holder: Holder) -> RelyingParty:
    """It may ask for nearly everything, and was allowed to read."""
    register_api(site)
    register_reports(site)
    made = register(
        site,
        client,
        client_id="hospital",
        scope=EVERYTHING,
        resources=[PRESCRIPTIONS, REPORTS],
        may_read_ssin=True,
        first_party=True,
        metadata=ClientMetadata(grant_types=(*GRANT_TYPES, TOKEN_EXCHANGE)),
    )
    with writing(site.database) as connection:
        pair = ExchangePair("hospital", "hospital", PRESCRIPTIONS)
        allow_exchange(connection, site.secrets, pair, site.clock())
    return made


def is_no_wider(answer: Any) -> None:
    """Refused, or a token to read prescriptions, and to do nothing else anywhere."""
    if answer.status_code == 400:
        return
    assert answer.status_code == 200, answer.text
    body = answer.json()
    claims = segment(body["access_token"], 1)
    assert claims["aud"] == PRESCRIPTIONS
    assert set(claims["scope"].split()) <= {"read"}
    assert set(body["scope"].split()) <= {"read"}
    assert "authorization_details" not in body
    assert "authorization_details" not in claims
    assert claims["exp"] - claims["iat"] <= 300
    assert "act" not in claims
    assert "cnf" not in claims
    if "id_token" in body:
        assert not {"name", "birthdate", "ssin"} & segment(body["id_token"], 1).keys()


@pytest.mark.parametrize("more", WIDER, ids=lambda more: next(iter(more)))
def test_by_a_code(rp: RelyingParty, more: dict[str, str]) -> None:
    code = rp.code(scope=ALLOWED, resource=PRESCRIPTIONS)
    is_no_wider(rp.redeem(code, scope=EVERYTHING, **more))


@pytest.mark.parametrize("more", WIDER, ids=lambda more: next(iter(more)))
def test_by_a_refresh(rp: RelyingParty, more: dict[str, str]) -> None:
    token = rp.tokens(scope=ALLOWED, resource=PRESCRIPTIONS)["refresh_token"]
    is_no_wider(refresh(rp, token, **more))
    assert refresh(rp, token, scope=EVERYTHING, **more).status_code == 400
    is_no_wider(refresh(rp, token))


@pytest.mark.parametrize("more", WIDER, ids=lambda more: next(iter(more)))
def test_by_an_exchange(rp: RelyingParty, more: dict[str, str]) -> None:
    token = rp.tokens(scope=ALLOWED, resource=PRESCRIPTIONS)["access_token"]
    form = {
        "grant_type": TOKEN_EXCHANGE,
        "subject_token": token,
        "subject_token_type": ACCESS_TOKEN,
        "resource": PRESCRIPTIONS,
        **more,
    }
    headers = {"Authorization": basic("hospital", rp.client_secret)}
    is_no_wider(rp.browser.post("/token", data=form, headers=headers))
    form["scope"] = EVERYTHING
    assert rp.browser.post("/token", data=form, headers=headers).status_code == 400


@pytest.mark.parametrize("more", WIDER, ids=lambda more: next(iter(more)))
def test_by_a_client_itself(
    site: Site, rp: RelyingParty, backchannel: TestClient, more: dict[str, str]
) -> None:
    system = register(
        site,
        backchannel,
        client_id="system",
        redirect_uris=[],
        scope="read",
        organisation=ORGANISATION,
        resources=[PRESCRIPTIONS],
        metadata=ClientMetadata(grant_types=(CLIENT_CREDENTIALS,)),
    )
    headers = {"Authorization": basic("system", system.client_secret)}
    form = {"grant_type": CLIENT_CREDENTIALS, **more}
    is_no_wider(backchannel.post("/token", data=form, headers=headers))
    wide = backchannel.post("/token", data={**form, "scope": EVERYTHING}, headers=headers)
    assert wide.status_code == 400


# What the operator takes away from a client counts for what it was granted before


def taken_away(rp: RelyingParty, scope: str) -> None:
    """The client may ask for these scopes, and for no other any more."""
    with writing(rp.site.database) as connection:
        client = find_client(connection, rp.client.client_id)
        assert client
        change_client(connection, rp.site.secrets, client, rp.site.clock(), scope=scope)


def test_a_refresh_gives_no_scope_that_was_taken_away(rp: RelyingParty) -> None:
    scope = "openid read write offline_access"
    token = rp.tokens(scope=scope, resource=PRESCRIPTIONS)["refresh_token"]
    taken_away(rp, "openid read offline_access")
    body = refresh(rp, token).json()
    assert (body["scope"], segment(body["access_token"], 1)["scope"]) == ("read", "read")
    assert refresh(rp, token, scope="read write").json()["scope"] == "read"


def test_nor_does_a_code(rp: RelyingParty) -> None:
    code = rp.code(scope="openid read write", resource=PRESCRIPTIONS)
    taken_away(rp, "openid read")
    assert rp.redeem(code).json()["scope"] == "read"


def test_a_detail_goes_with_any_of_its_actions(rp: RelyingParty) -> None:
    code = rp.code(scope="openid offline_access", authorization_details=details("read", "write"))
    token = rp.redeem(code).json()
    assert token["authorization_details"]
    taken_away(rp, "openid read offline_access")
    assert "authorization_details" not in refresh(rp, token["refresh_token"]).json()


def test_no_claim_of_a_scope_that_was_taken_away_is_told(rp: RelyingParty) -> None:
    claims = json.dumps({"userinfo": {"birthdate": None}, "id_token": {"given_name": None}})
    tokens = rp.tokens(scope="openid profile offline_access", claims=claims)
    assert "given_name" in segment(tokens["id_token"], 1)
    assert {"birthdate", "family_name"} <= rp.userinfo(tokens["access_token"]).json().keys()
    taken_away(rp, "openid offline_access")
    assert rp.userinfo(tokens["access_token"]).json().keys() == {"sub"}
    body = refresh(rp, tokens["refresh_token"]).json()
    assert "given_name" not in segment(body["id_token"], 1)
    assert rp.userinfo(body["access_token"]).json().keys() == {"sub"}


def test_where_no_scope_is_left_there_is_no_token(rp: RelyingParty) -> None:
    token = rp.tokens(scope="read", resource=PRESCRIPTIONS)["refresh_token"]
    taken_away(rp, "openid share")
    answer = refresh(rp, token)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
    taken_away(rp, EVERYTHING)
    assert refresh(rp, token).json()["scope"] == "read"  # it was not spent

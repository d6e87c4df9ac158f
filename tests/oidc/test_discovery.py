"""OpenID Connect Discovery 1.0 (https://openid.net/specs/openid-connect-discovery-1_0.html), RFC
8414 (https://www.rfc-editor.org/rfc/rfc8414): everything that is listed works."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from authn.clients.registration import AUTH_METHODS
from authn.consents.scopes import SCOPES
from tests.citizen import ORIGIN
from tests.oidc.relying_party import Holder, RelyingParty, segment

MakeRP = Callable[..., RelyingParty]
ADDRESSES = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"]


@pytest.fixture
def metadata(client: TestClient) -> dict[str, Any]:
    document: dict[str, Any] = client.get(ADDRESSES[0]).json()
    return document


def test_both_names_give_the_same_document(client: TestClient) -> None:
    answers = [client.get(address) for address in ADDRESSES]
    assert answers[0].content == answers[1].content
    for answer in answers:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["access-control-allow-origin"] == "*"


def test_the_issuer_is_ours_exactly(metadata: dict[str, Any]) -> None:  # §4.3
    assert metadata["issuer"] == ORIGIN


def test_every_endpoint_answers(metadata: dict[str, Any], client: TestClient) -> None:
    endpoints = {name: url for name, url in metadata.items() if name.endswith(("_endpoint", "uri"))}
    assert len(endpoints) == 5
    for url in endpoints.values():
        assert url.startswith(ORIGIN + "/")
        assert client.get(url).status_code in (200, 400, 401, 405)


def test_the_key_set_is_open_to_all(metadata: dict[str, Any], client: TestClient) -> None:
    answer = client.get(metadata["jwks_uri"])
    assert answer.headers["access-control-allow-origin"] == "*"
    assert {key["alg"] for key in answer.json()["keys"]} == set(
        metadata["id_token_signing_alg_values_supported"]
    )


def test_every_scope_gives_its_claims(
    metadata: dict[str, Any], make_rp: MakeRP, holder: Holder
) -> None:
    scope = " ".join(metadata["scopes_supported"])
    rp = make_rp(scope=scope, may_read_ssin=True).allowed_by(holder, scope)
    tokens = rp.tokens(scope=scope)
    assert tokens["scope"] == scope
    told = rp.userinfo(tokens["access_token"]).json().keys()
    assert told == {claim for claims in SCOPES.values() for claim in claims}
    assert told | segment(tokens["id_token"], 1).keys() == set(metadata["claims_supported"])


@pytest.mark.parametrize("method", AUTH_METHODS)
@pytest.mark.parametrize("alg", ["ES256", "RS256"])
def test_every_way_to_authenticate_and_every_algorithm_works(
    metadata: dict[str, Any], make_rp: MakeRP, holder: Holder, method: str, alg: str
) -> None:
    assert method in metadata["token_endpoint_auth_methods_supported"]
    assert alg in metadata["id_token_signing_alg_values_supported"]
    rp = make_rp(token_endpoint_auth_method=method, id_token_signed_response_alg=alg)
    assert segment(rp.allowed_by(holder).tokens()["id_token"], 0)["alg"] == alg


def test_every_other_list(metadata: dict[str, Any], rp: RelyingParty, holder: Holder) -> None:
    rp.allowed_by(holder)
    for response_type in metadata["response_types_supported"]:
        assert "code" in rp.answer(response_type=response_type)
    for mode in metadata["response_modes_supported"]:
        assert rp.authorize(response_mode=mode).status_code in (200, 303)
    for prompt in metadata["prompt_values_supported"]:
        assert "error=" not in rp.authorize(prompt=prompt).headers["location"]
    for method in metadata["code_challenge_methods_supported"]:
        assert "code" in rp.answer(code_challenge_method=method)
    for grant_type in metadata["grant_types_supported"]:
        assert rp.redeem(rp.code(), grant_type=grant_type).status_code == 200
    assert metadata["subject_types_supported"] == ["pairwise"]
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert set(metadata["ui_locales_supported"]) == {"nl", "fr", "de", "en"}


def test_what_is_not_supported_is_said_to_be_so(metadata: dict[str, Any]) -> None:
    for name in ("request", "request_uri", "claims"):
        assert metadata[f"{name}_parameter_supported"] is False
    assert "registration_endpoint" not in metadata

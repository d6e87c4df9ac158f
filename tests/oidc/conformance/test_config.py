"""The plan oidcc-config-certification-test-plan, and what FAPI's plans ask of the same document.

oidcc-discovery-endpoint-verification: test_what_discovery_says, test_each_address_exists, \
test_the_keys_are_public_and_named
the same, that every address is https: - the tests run without TLS; each begins with the issuer
the same, that the languages are tags of BCP 47: test_the_languages_are_bcp_47
fapi2-security-profile-final-discovery-end-point-verification: test_what_fapi_s_plans_ask_of_it
"""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.citizen import ORIGIN
from tests.oidc.conformance import checks

pytestmark = [pytest.mark.one_engine, pytest.mark.thorough]
FAPI_ALGORITHMS = {"PS256", "ES256", "EdDSA"}
REQUIRED = {  # Discovery §3
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "response_types_supported",
    "subject_types_supported",
    "id_token_signing_alg_values_supported",
}
GET = (
    "authorization_endpoint",
    "userinfo_endpoint",
    "end_session_endpoint",
    "jwks_uri",
    "grant_management_endpoint",
)


@pytest.fixture(params=["openid-configuration", "oauth-authorization-server"])
def metadata(backchannel: TestClient, request: pytest.FixtureRequest) -> dict[str, Any]:
    """The document at each of its two addresses."""
    return checks.json_answer(backchannel.get(f"/.well-known/{request.param}"))


def test_what_discovery_says(metadata: dict[str, Any]) -> None:
    assert metadata.keys() >= REQUIRED
    assert metadata["issuer"] == ORIGIN  # Discovery §4.3: the same, without what was appended
    assert "code" in metadata["response_types_supported"]
    assert "authorization_code" in metadata["grant_types_supported"]
    assert set(metadata["subject_types_supported"]) <= {"public", "pairwise"}
    assert "openid" in metadata["scopes_supported"]
    assert {"sub", "name"} <= set(metadata["claims_supported"])
    for name in ("id_token", "userinfo", "request_object"):
        assert "RS256" in metadata[f"{name}_signing_alg_values_supported"]
    for name in ("request_parameter", "request_uri_parameter", "claims_parameter"):
        assert metadata[f"{name}_supported"] is True
    assert all(isinstance(each, str) for each in metadata["code_challenge_methods_supported"])
    for name, value in metadata.items():
        if name.endswith("_supported") and not isinstance(value, bool):
            assert isinstance(value, list), name
            assert value, name  # RFC 8414 §2: a list without an element is left out
            assert len(set(value)) == len(value), name


def test_the_languages_are_bcp_47(metadata: dict[str, Any]) -> None:
    assert set(metadata["ui_locales_supported"]) == {"nl", "fr", "de", "en"}


def test_each_address_exists(backchannel: TestClient, metadata: dict[str, Any]) -> None:
    for name in [name for name in metadata if name.endswith(("_endpoint", "jwks_uri"))]:
        assert metadata[name].startswith(f"{ORIGIN}/")
        path = metadata[name].removeprefix(ORIGIN)
        path += "/a-grant" if name == "grant_management_endpoint" else ""  # each is under it
        asked = backchannel.get(path) if name in GET else backchannel.post(path, data={})
        assert asked.status_code not in (404, 405, 500), name


def test_the_keys_are_public_and_named(backchannel: TestClient, metadata: dict[str, Any]) -> None:
    keys = checks.key_set(backchannel.get(metadata["jwks_uri"].removeprefix(ORIGIN))).keys
    signing = {key.alg for key in keys if key.get("use") == "sig"}
    assert signing >= set(metadata["id_token_signing_alg_values_supported"])


def test_what_fapi_s_plans_ask_of_it(metadata: dict[str, Any]) -> None:
    for name in ("id_token", "userinfo", "authorization", "request_object", "dpop"):
        assert FAPI_ALGORITHMS & set(metadata[f"{name}_signing_alg_values_supported"]), name
    assert FAPI_ALGORITHMS & set(metadata["token_endpoint_auth_signing_alg_values_supported"])
    assert "private_key_jwt" in metadata["token_endpoint_auth_methods_supported"]
    assert "S256" in metadata["code_challenge_methods_supported"]
    assert "plain" not in metadata["code_challenge_methods_supported"]
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert metadata["pushed_authorization_request_endpoint"]
    assert {"jwt", "query.jwt", "form_post.jwt"} <= set(metadata["response_modes_supported"])

"""The plan fapi2-message-signing-final-test-plan: JAR and JARM over the Security Profile's plan.

Every name begins with fapi2-security-profile-final-, which is left out; those of
`test_fapi2_security_profile` are in this plan too, and what they check does not depend on how a
request or an answer travels. Signed introspection is in the specification and in no module.

happy-flow: test_the_whole_flow
user-rejects-authentication: test_an_error_is_signed
ensure-server-accepts-request-object-with-multiple-aud: test_a_request_object_that_is_one
ensure-authorization-request-without-state-success: test_a_request_object_that_is_one
ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted: \
test_a_request_object_that_is_one
ensure-different-nonce-inside-and-outside-request-object: test_nothing_outside_counts
ensure-different-state-inside-and-outside-request-object: test_nothing_outside_counts
state-only-outside-request-object-not-used: test_nothing_outside_counts
ensure-request-object-without-exp-fails: test_a_request_object_that_is_none
ensure-request-object-without-nbf-fails: test_a_request_object_that_is_none
ensure-request-object-without-redirect-uri-fails: test_a_request_object_that_is_none
ensure-expired-request-object-fails: test_a_request_object_that_is_none
ensure-request-object-with-bad-aud-fails: test_a_request_object_that_is_none
ensure-request-object-with-exp-over-60-fails: test_a_request_object_that_is_none
ensure-request-object-with-nbf-over-60-fails: test_a_request_object_that_is_none
ensure-signed-request-object-with-RS256-fails: test_a_signature_that_is_none
ensure-request-object-signature-algorithm-is-not-none: test_a_signature_that_is_none
ensure-request-object-with-invalid-signature-fails: test_a_signature_that_is_none
ensure-matching-key-in-authorization-request: test_a_signature_that_is_none
ensure-unsigned-request-at-par-endpoint-fails: test_what_is_not_signed_is_refused
par-authorization-request-containing-request_uri: test_a_request_object_that_is_none
signed introspection (§5.5): \
test_fapi2_message_signing.test_what_a_resource_server_is_told_is_signed
"""

from collections.abc import Callable
from typing import Any

import pytest
from httpx2 import Response

from tests.citizen import ORIGIN
from tests.oidc.client_keys import ClientKey
from tests.oidc.conformance import checks
from tests.oidc.conformance.party import leads_to, query_of, random_value, unsigned
from tests.oidc.fapi import DPOP, MTLS, FapiParty
from tests.oidc.pushing import bring

pytestmark = pytest.mark.thorough

HOUR = 3600


@pytest.fixture(params=[DPOP, MTLS])
def party(request: pytest.FixtureRequest, make_fapi: Callable[..., FapiParty]) -> FapiParty:
    """A client that signs what it asks, and is answered by JARM alone."""
    return make_fapi(
        bound_by=request.param, require_signed_request_object=True, response_modes=("jwt",)
    )


def claims_of(party: FapiParty, **changes: Any) -> dict[str, Any]:
    """The claims of a request object (CreateAuthorizationRequestObjectSteps); None leaves out."""
    now = int(party.now.timestamp())
    usual: dict[str, Any] = {**party.rp.request(response_mode="jwt"), "iss": party.client_id}
    usual |= {"nbf": now, "exp": now + 300, "aud": ORIGIN}
    return {name: value for name, value in (usual | changes).items() if value is not None}


def push(party: FapiParty, token: str, **beside: str) -> Response:
    return party.post("/par", {"client_id": party.client_id, "request": token, **beside})


def response_to(
    party: FapiParty, token: str, *, alg: str = "ES256", **beside: str
) -> dict[str, Any]:
    """What the signed answer says (processCallbackForJARM)."""
    pushed = checks.json_answer(push(party, token, **beside), 201)
    came = query_of(leads_to(bring(party.rp, pushed["request_uri"])))
    assert came.keys() == {"response"}  # JARM §2.1, and RFC 9207 inside alone
    keys = checks.key_set(party.http.get("/jwks"))
    said = checks.signed(came["response"], keys, alg)
    assert said.pop("aud") == party.client_id
    assert 10 <= said.pop("exp") - party.now.timestamp() <= 600
    return said


def test_the_whole_flow(party: FapiParty) -> None:
    asked = claims_of(party)
    said = response_to(party, party.key.sign(asked, typ="oauth-authz-req+jwt"))
    checks.authorization_answer(said, ORIGIN, asked)
    scheme = "DPoP" if party.bound_by == DPOP else "Bearer"
    tokens = checks.token_answer(party.redeem(said["code"]), scheme)
    assert checks.json_answer(party.userinfo(tokens["access_token"]))["sub"]


def test_an_error_is_signed(party: FapiParty) -> None:
    asked = claims_of(party, prompt="none", max_age=0)
    said = response_to(party, party.key.sign(asked))
    checks.authorization_error(said, ORIGIN, asked, "login_required")


@pytest.mark.one_engine
@pytest.mark.parametrize(
    "changes",
    [
        {"aud": ["https://other.example", ORIGIN]},
        {"state": None},
        {"nonce": None},
        {"nonce": "n" * 64},
        {"state": "s" * 1000},
        {"scope": "profile openid"},
        {"nbf": 8},
        {"iat": 0},
    ],
)
def test_a_request_object_that_is_one(party: FapiParty, changes: dict[str, Any]) -> None:
    asked = claims_of(party, **at(party, changes))
    checks.authorization_answer(response_to(party, party.key.sign(asked)), ORIGIN, asked)


def at(party: FapiParty, changes: dict[str, Any]) -> dict[str, Any]:
    """The same, its times counted from now."""
    now = int(party.now.timestamp())
    return {
        name: now + value if name in ("nbf", "exp", "iat") and value is not None else value
        for name, value in changes.items()
    }


def test_nothing_outside_counts(party: FapiParty) -> None:
    for inside in ({"state": "inside", "nonce": "inside"}, {"state": None}):
        asked = claims_of(party, **inside)
        said = response_to(party, party.key.sign(asked), state="outside", nonce="outside")
        checks.authorization_answer(said, ORIGIN, asked)
        tokens = party.redeem(said["code"]).json()
        keys = checks.key_set(party.http.get("/jwks"))
        assert checks.signed(tokens["id_token"], keys, "ES256")["nonce"] == asked["nonce"]


@pytest.mark.one_engine
@pytest.mark.parametrize(
    "changes",
    [
        {"exp": None},
        {"nbf": None},
        {"redirect_uri": None},
        {"redirect_uri": "https://suite.example/x"},
        {"exp": -100, "nbf": -200},
        {"aud": "https://other.example"},
        {"aud": None},
        {"exp": 70 * 60},
        {"nbf": -70 * 60},
        {"nbf": 65},
        {"request_uri": "urn:suite:" + random_value()},
        {"response_type": "token"},
        {"response_type": "code id_token"},
        {"client_id": "another"},
    ],
)
def test_a_request_object_that_is_none(party: FapiParty, changes: dict[str, Any]) -> None:
    token = party.key.sign(claims_of(party, **at(party, changes)))
    error = checks.json_answer(push(party, token), 400)["error"]
    if changes.keys() & {"exp", "nbf", "aud"}:
        assert error == "invalid_request_object"
    else:
        errors = ("invalid_request", "invalid_request_object", "unsupported_response_type")
        assert error in errors


@pytest.mark.one_engine
@pytest.mark.parametrize("kind", ["rs256", "none", "changed", "another's"])
def test_a_signature_that_is_none(party: FapiParty, kind: str) -> None:
    claims = claims_of(party)
    token = party.key.sign(claims)
    tokens = {
        "rs256": ClientKey.shared("RS256").sign(claims),
        "none": unsigned(claims),
        "changed": token[:-8] + "AAAAAAAA",
        "another's": ClientKey("ES256", kid=party.key.kid).sign(claims),
    }
    refused = checks.json_answer(push(party, tokens[kind]), 400)
    assert refused["error"] == "invalid_request_object"


@pytest.mark.one_engine
def test_what_is_not_signed_is_refused(party: FapiParty) -> None:
    refused = checks.json_answer(party.push(response_mode="jwt"), 400)
    assert refused["error"] in ("invalid_request", "invalid_request_object")

"""The plan oidcc-basic-certification-test-plan.

oidcc-server: test_the_code_flow
oidcc-response-type-missing: test_a_missing_response_type_is_an_error
oidcc-idtoken-signature: test_the_code_flow
oidcc-idtoken-unsigned: - skipped: `none` is not one of the algorithms in the metadata
oidcc-userinfo-get: test_userinfo_answers_to_each_way_to_send_the_token
oidcc-userinfo-post-header: test_userinfo_answers_to_each_way_to_send_the_token
oidcc-userinfo-post-body: test_userinfo_answers_to_each_way_to_send_the_token
oidcc-ensure-request-without-nonce-succeeds-for-code-flow: test_what_is_optional_may_be_there
oidcc-scope-profile: test_the_claims_of_a_scope_come_from_userinfo
oidcc-scope-email: - skipped: not one of the scopes in the metadata
oidcc-scope-address: - skipped: not one of the scopes in the metadata
oidcc-scope-phone: - skipped: not one of the scopes in the metadata
oidcc-scope-all: - skipped: not all of them are in the metadata
oidcc-ensure-other-scope-order-succeeds: test_the_claims_of_a_scope_come_from_userinfo
oidcc-display-page: test_what_is_optional_may_be_there
oidcc-display-popup: test_what_is_optional_may_be_there
oidcc-prompt-login: test_prompt_login_asks_again
oidcc-prompt-none-not-logged-in: test_prompt_none_needs_somebody_who_is_signed_in
oidcc-prompt-none-logged-in: test_prompt_none_answers_for_whoever_is_signed_in
oidcc-max-age-1: test_a_max_age_that_has_passed_asks_again
oidcc-max-age-10000: test_a_max_age_that_has_not_passed_asks_nothing
oidcc-ensure-request-with-unknown-parameter-succeeds: test_what_is_optional_may_be_there
oidcc-id-token-hint: test_prompt_none_answers_for_whoever_is_signed_in
oidcc-login-hint: test_what_is_optional_may_be_there
oidcc-ui-locales: test_what_is_optional_may_be_there
oidcc-claims-locales: test_what_is_optional_may_be_there
oidcc-ensure-request-with-acr-values-succeeds: test_the_acr_is_one_that_was_asked
oidcc-codereuse: test_a_code_counts_once
oidcc-codereuse-30seconds: test_a_code_counts_once
oidcc-ensure-registered-redirect-uri: test_an_address_that_is_not_registered_is_a_page
oidcc-ensure-post-request-succeeds: test_a_request_may_be_posted
oidcc-server-client-secret-post: test_the_code_flow
oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported: - skipped: `none` is \
not one of the algorithms of request objects in the metadata
oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported: - skipped: the same
oidcc-claims-essential: test_an_essential_claim_is_given_where_it_was_asked
oidcc-ensure-request-object-with-redirect-uri: - skipped: the same
oidcc-refresh-token: test_refresh_tokens
oidcc-ensure-request-with-valid-pkce-succeeds: test_pkce_works
"""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import MovableClock
from tests.oidc.conformance import checks
from tests.oidc.conformance.party import BASIC, KEY, POST, Party, leads_to, random_value

pytestmark = pytest.mark.thorough

Register = Callable[..., Party]
UI_NEEDED = (
    "login_required",
    "interaction_required",
    "consent_required",
    "account_selection_required",
)


@pytest.fixture
def party(new_party: Register) -> Party:
    """A client as most modules of the plan have one."""
    return new_party()


def userinfo_of(party: Party, tokens: dict[str, Any]) -> dict[str, Any]:
    """The claims, about the same person as the ID token."""
    claims = checks.json_answer(party.userinfo(tokens["access_token"]))
    assert claims["sub"] == tokens["claims"]["sub"]
    assert "nonce" not in claims
    return claims


@pytest.mark.parametrize("method", [BASIC, POST, KEY])
def test_the_code_flow(new_party: Register, method: str) -> None:
    party = new_party(token_endpoint_auth_method=method)
    assert method in party.metadata["token_endpoint_auth_methods_supported"]
    userinfo_of(party, party.tokens())


def test_a_missing_response_type_is_an_error(party: Party) -> None:
    came = party.arrive(response_type=None)
    errors = ("invalid_request", "unsupported_response_type")
    checks.authorization_error(came, party.metadata["issuer"], party.asked, *errors)


def test_userinfo_answers_to_each_way_to_send_the_token(party: Party) -> None:
    token, path = party.tokens()["access_token"], party.path("userinfo_endpoint")
    bearer = {"Authorization": f"Bearer {token}"}
    answers = [
        party.http.get(path, headers=bearer),
        party.http.post(path, headers=bearer),
        party.http.post(path, data={"access_token": token}),
    ]
    subjects = {checks.json_answer(answer)["sub"] for answer in answers}
    assert len(subjects) == 1


@pytest.mark.one_engine
@pytest.mark.parametrize(
    "parameters",
    [
        {"nonce": None},
        {"display": "page"},
        {"display": "popup"},
        {"ui_locales": "se"},
        {"claims_locales": "se"},
        {"login_hint": "buffy@suite.example"},
        {"extra": "foobar"},
    ],
)
def test_what_is_optional_may_be_there(party: Party, parameters: dict[str, str | None]) -> None:
    userinfo_of(party, party.tokens(**parameters))


@pytest.mark.parametrize("scope", ["openid profile", "profile openid"])
def test_the_claims_of_a_scope_come_from_userinfo(party: Party, scope: str) -> None:
    tokens = party.tokens(scope=scope)
    claims = userinfo_of(party, tokens)
    assert {"name", "given_name", "family_name", "birthdate", "locale"} <= claims.keys()
    said = {name: value for name, value in claims.items() if name != "userProfile"}  # decisions 9.2
    assert all(isinstance(value, str) for value in said.values())
    assert not {"name", "birthdate"} & tokens["claims"].keys()  # Core §5.4


def test_prompt_login_asks_again(party: Party, clock: MovableClock) -> None:
    first = party.tokens()["claims"]
    clock.advance(seconds=2)
    asked = party.screen.client.get(
        party.address("authorization_endpoint", party.request(prompt="login"))
    )
    assert leads_to(asked).startswith("/login?")
    second = party.tokens(prompt="login")["claims"]
    assert second["sub"] == first["sub"]
    assert second["auth_time"] > first["auth_time"]


def test_prompt_none_needs_somebody_who_is_signed_in(party: Party) -> None:
    party.tokens()
    party.screen.client.cookies.clear()
    came = party.arrive(prompt="none")
    checks.authorization_error(came, party.metadata["issuer"], party.asked, *UI_NEEDED)


@pytest.mark.parametrize("hinted", [False, True])
def test_prompt_none_answers_for_whoever_is_signed_in(party: Party, hinted: bool) -> None:
    first = party.tokens()
    hint = first["id_token"] if hinted else None
    second = party.tokens(prompt="none", id_token_hint=hint)["claims"]
    assert second["sub"] == first["claims"]["sub"]
    assert second["auth_time"] == first["claims"]["auth_time"]


def test_a_max_age_that_has_passed_asks_again(party: Party, clock: MovableClock) -> None:
    first = party.tokens()["claims"]
    clock.advance(seconds=2)
    second = party.tokens(max_age="1")["claims"]
    assert second["auth_time"] > first["auth_time"]
    assert party.now - second["auth_time"] <= 1


def test_a_max_age_that_has_not_passed_asks_nothing(party: Party, clock: MovableClock) -> None:
    first = party.tokens()["claims"]
    clock.advance(seconds=2)
    second = party.tokens(max_age="10000", prompt="none")["claims"]
    assert second["auth_time"] == first["auth_time"]


def test_the_acr_is_one_that_was_asked(party: Party) -> None:
    supported = party.metadata["acr_values_supported"]
    assert party.tokens(acr_values=" ".join(supported))["claims"]["acr"] in supported


@pytest.mark.parametrize("seconds", [0, 30])
def test_a_code_counts_once(party: Party, clock: MovableClock, seconds: int) -> None:
    code = party.code()
    tokens = checks.token_answer(party.redeem(code))
    clock.advance(seconds=seconds)
    checks.token_error(party.redeem(code), "invalid_grant")
    refused = party.userinfo(tokens["access_token"])  # RFC 6749 §4.1.2
    assert refused.status_code == 401
    assert "Bearer" in refused.headers["www-authenticate"]


def test_an_address_that_is_not_registered_is_a_page(party: Party) -> None:
    elsewhere = party.redirect_uri + "/" + random_value()
    assert party.visit(party.request(redirect_uri=elsewhere)).is_error_page


def test_a_request_may_be_posted(party: Party) -> None:
    posted = party.screen.client.post(party.path("authorization_endpoint"), data=party.request())
    came = party.callback(party.follow(leads_to(posted)))
    checks.authorization_answer(came, party.metadata["issuer"], party.asked)


def test_an_essential_claim_is_given_where_it_was_asked(party: Party) -> None:
    tokens = party.tokens(claims='{"userinfo":{"name":{"essential":true}}}')
    assert userinfo_of(party, tokens)["name"]
    assert "name" not in tokens["claims"]


@pytest.mark.parametrize("method", [BASIC, KEY])
@pytest.mark.parametrize("scope", ["openid", "openid offline_access"])
def test_refresh_tokens(new_party: Register, clock: MovableClock, method: str, scope: str) -> None:
    said = {
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": method,
    }
    party, other = new_party(**said), new_party(**said, key="second")
    assert "refresh_token" in party.metadata["grant_types_supported"]
    asked = {"scope": scope, "prompt": "consent" if "offline" in scope else None}
    first, others = party.tokens(**asked), other.tokens(**asked)
    clock.advance(seconds=1)
    second = checks.token_answer(party.refresh(first["refresh_token"], scope))
    assert second["access_token"] != first["access_token"]
    compare_id_tokens(first["claims"], party.id_token(second, nonce=None))
    assert party.userinfo(second["access_token"]).status_code == 200
    checks.token_error(party.refresh(others["refresh_token"], scope), "invalid_grant")


def compare_id_tokens(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Core §12.2 (CompareIdTokenClaims)."""
    for name in ("iss", "sub", "aud", "azp", "auth_time"):
        assert first.get(name) == second.get(name), name
    assert second["iat"] > first["iat"]


def test_pkce_works(party: Party) -> None:
    verifier = random_value(64)
    challenge = checks.base64url_of(hashlib.sha256(verifier.encode()).digest())
    asked = {"code_challenge": challenge, "code_challenge_method": "S256"}
    checks.token_error(party.redeem(party.code(**asked)), "invalid_grant", "invalid_request")
    checks.token_answer(party.redeem(party.code(**asked), code_verifier=verifier))

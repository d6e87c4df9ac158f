"""The plan fapi2-security-profile-final-test-plan (`plain_fapi`, `openid_connect`), in each
combination of private_key_jwt or mTLS with DPoP or mTLS.

Every name begins with fapi2-security-profile-final-, which is left out. Its clients are made by the
operator. Modules of other profiles (Australia, Brazil, Saudi Arabia, Grant Management) have no
part here. Names after a dot are in `tests/oidc/`.

discovery-end-point-verification: test_config.test_what_fapi_s_plans_ask_of_it
happy-flow: test_the_whole_flow
user-rejects-authentication: test_who_rejects_is_sent_back_with_an_error
ensure-authorization-request-without-state-success: test_state_and_nonce_are_optional
ensure-authorization-request-without-nonce-success: test_state_and_nonce_are_optional
ensure-authorization-request-with-64-char-nonce-success: test_state_and_nonce_may_be_long
ensure-other-scope-order-succeeds: test_the_scopes_have_no_order
test-claims-parameter-identity-claims: test_every_claim_can_be_asked_by_name
access-token-type-header-case-sensitivity: test_the_scheme_has_no_case
check-dpop-proof-nbf-exp: test_a_proof_may_say_more
ensure-dpop-proof-with-iat-10seconds-before-succeeds: test_a_proof_may_be_a_little_early_or_late
ensure-dpop-proof-with-iat-10seconds-after-succeeds: test_a_proof_may_be_a_little_early_or_late
ensure-mismatched-dpop-jkt-fails: test_a_code_is_bound_to_one_key
ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt: test_a_code_is_bound_to_one_key
ensure-token-endpoint-fails-with-mismatched-dpop-jkt: test_a_code_is_bound_to_one_key
ensure-dpop-proof-at-par-endpoint-binding-success: test_a_code_is_bound_to_one_key
ensure-dpop-auth-code-binding-success: test_a_code_is_bound_to_one_key
ensure-authorization-request-with-long-nonce: test_state_and_nonce_may_be_long
ensure-authorization-request-with-long-state: test_state_and_nonce_may_be_long
ensure-registered-redirect-uri: test_what_par_refuses
plain-fapi-tolerate-unregistered-redirect-uri: test_what_par_refuses
ensure-unsigned-authorization-request-without-using-par-fails: \
test_what_was_not_pushed_is_refused
ensure-redirect-uri-in-authorization-request: test_what_par_refuses
ensure-response-type-code-idtoken-fails: test_what_par_refuses
ensure-response-type-token-fails: test_what_par_refuses
ensure-client-id-in-token-endpoint: test_another_client_s_name_is_not_enough
ensure-holder-of-key-required: test_without_the_key_there_is_nothing; - its TLS checks need a host
ensure-authorization-code-is-bound-to-client: test_what_is_another_client_s_is_refused
attempt-reuse-authorization-code-after-one-second: test_a_code_counts_once
attempt-to-use-expired-auth-code: test_a_code_counts_once
ensure-signed-client-assertion-with-RS256-fails: test_what_is_no_assertion
ensure-client-assertion-in-token-endpoint: test_what_is_no_assertion
ensure-client-assertion-with-exp-is-5-minutes-in-past-fails: test_what_is_no_assertion
ensure-client-assertion-with-wrong-aud-fails: test_what_is_no_assertion
ensure-client-assertion-with-no-sub-fails: test_what_is_no_assertion
dpop-negative-tests: test_each_proof_that_is_none, test_each_proof_that_is_one, \
test_a_proof_of_another_hour, test_a_proof_counts_once
refresh-token: test_refresh_tokens, test_what_is_another_client_s_is_refused
par-ensure-reused-request-uri-prior-to-auth-completion-succeeds: \
test_a_request_uri_may_be_loaded_again_until_it_was_answered
par-attempt-reuse-request_uri: test_a_request_uri_may_be_loaded_again_until_it_was_answered
par-attempt-to-use-expired-request_uri: test_a_request_uri_expires
par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted: \
test_an_assertion_may_be_a_little_early
par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails: \
test_an_assertion_may_be_a_little_early
par-attempt-to-use-request_uri-for-different-client: test_what_is_another_client_s_is_refused
par-authorization-request-containing-request_uri-form-param: test_what_par_refuses
par-attempt-invalid-http-method: test_par_is_posted_to
par-ensure-pkce-required: test_what_par_refuses
par-ensure-pkce-code-verifier-required: test_the_code_verifier_is_needed
par-incorrect-pkce-code-verifier-rejected: test_the_code_verifier_is_needed
par-ensure-plain-pkce-rejected: test_what_par_refuses
par-without-duplicate-parameters: test_the_whole_flow
par-endpoint-as-array-audience-fails: test_what_is_no_assertion
par-endpoint-as-audience-fails: test_what_is_no_assertion
par-token-endpoint-as-audience-fails: test_what_is_no_assertion
"""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from joserfc.jwk import KeySet

from authn.clients.clients import PRIVATE_KEY_JWT, TLS_CLIENT_AUTH
from tests.citizen import ORIGIN
from tests.conftest import MovableClock
from tests.oidc.client_keys import ClientKey
from tests.oidc.conformance import checks
from tests.oidc.conformance.party import leads_to, query_of, random_value
from tests.oidc.dpop_proofs import DpopKey
from tests.oidc.fapi import DPOP, MTLS, FapiParty
from tests.oidc.pushing import bring

pytestmark = pytest.mark.thorough

COMBINATIONS = [
    (PRIVATE_KEY_JWT, DPOP),
    (PRIVATE_KEY_JWT, MTLS),
    (TLS_CLIENT_AUTH, DPOP),
    (TLS_CLIENT_AUTH, MTLS),
]
MakeFapi = Callable[..., FapiParty]
USERINFO = ORIGIN + "/userinfo"
LACKS_POSSESSION = ("invalid_request", "invalid_grant", "invalid_client")


@pytest.fixture(params=COMBINATIONS, ids="+".join)
def any_party(request: pytest.FixtureRequest, make_fapi: MakeFapi) -> FapiParty:
    """A client of each combination."""
    method, bound_by = request.param
    return make_fapi(method=method, bound_by=bound_by)


@pytest.fixture
def party(make_fapi: MakeFapi) -> FapiParty:
    """A client with private_key_jwt and DPoP."""
    return make_fapi()


def par_answer(party: FapiParty, **asked: Any) -> str:
    """The `request_uri` (processParResponse)."""
    answer = checks.json_answer(party.push(**asked), 201)
    assert type(answer["expires_in"]) is int
    assert 5 <= answer["expires_in"] < 600  # §5.3.2.2, point 12
    checks.unguessable(answer["request_uri"].rpartition(":")[2])
    request_uri: str = answer["request_uri"]
    return request_uri


def answer_to(party: FapiParty, **asked: Any) -> dict[str, str]:
    """The answer of /authorize; the browser brings two parameters and no other."""
    location = leads_to(bring(party.rp, par_answer(party, **asked)))
    assert location.startswith(party.rp.redirect_uri)
    assert not urlsplit(location).fragment
    came = query_of(location)
    checks.authorization_answer(came, ORIGIN, party.rp.request(**asked))
    return came


def tokens_of(party: FapiParty, **asked: Any) -> dict[str, Any]:
    """The tokens, and the claims of the ID token."""
    answer = party.redeem(answer_to(party, **asked)["code"])
    tokens = checks.token_answer(answer, "DPoP" if party.bound_by == DPOP else "Bearer")
    nonce = party.rp.request(**asked).get("nonce")
    return tokens | {"claims": id_token_of(party, tokens, nonce)}


def id_token_of(party: FapiParty, tokens: dict[str, Any], nonce: str | None) -> dict[str, Any]:
    keys: KeySet = checks.key_set(party.http.get("/jwks"))
    now = int(party.now.timestamp())
    return checks.id_token(
        tokens["id_token"],
        keys,
        issuer=ORIGIN,
        client_id=party.client_id,
        alg="ES256",
        now=now,
        access_token=tokens["access_token"],
        nonce=nonce,
    )


def test_the_whole_flow(any_party: FapiParty) -> None:
    tokens = tokens_of(any_party)
    answer = any_party.userinfo(tokens["access_token"])
    assert checks.json_answer(answer)["sub"] == tokens["claims"]["sub"]


def test_who_rejects_is_sent_back_with_an_error(party: FapiParty) -> None:
    page = leads_to(bring(party.rp, par_answer(party, prompt="login")))
    declined = party.rp.browser.get("/login/declined", params=query_of(page))
    came = query_of(leads_to(declined))
    asked = party.rp.request()
    checks.authorization_error(came, ORIGIN, asked, "access_denied")


@pytest.mark.parametrize("name", ["state", "nonce"])
def test_state_and_nonce_are_optional(party: FapiParty, name: str) -> None:
    tokens_of(party, **{name: None})


@pytest.mark.one_engine
@pytest.mark.parametrize(("name", "length"), [("nonce", 64), ("nonce", 384), ("state", 1000)])
def test_state_and_nonce_may_be_long(party: FapiParty, name: str, length: int) -> None:
    tokens_of(party, **{name: random_value(length)})


def test_the_scopes_have_no_order(any_party: FapiParty) -> None:
    tokens_of(any_party, scope="profile openid")


def test_every_claim_can_be_asked_by_name(party: FapiParty) -> None:
    metadata = party.http.get("/.well-known/openid-configuration").json()
    standard = {"name", "given_name", "family_name", "birthdate", "locale", "sub"}
    names = sorted(standard & set(metadata["claims_supported"]))
    forms: list[Any] = [None, {}, {"essential": True}, {"essential": False}]
    asked = {name: forms[number % 4] for number, name in enumerate(names)}
    claims: dict[str, Any] = {"id_token": asked, "userinfo": asked}
    said = json.dumps(claims | {random_value(): {random_value(): None}})
    tokens = tokens_of(party, claims=said, scope="openid")
    userinfo = checks.json_answer(party.userinfo(tokens["access_token"]))
    assert standard <= userinfo.keys()
    assert standard <= tokens["claims"].keys()


@pytest.mark.one_engine
@pytest.mark.parametrize("scheme", [str.upper, str.lower, str.swapcase])
def test_the_scheme_has_no_case(any_party: FapiParty, scheme: Callable[[str], str]) -> None:
    tokens = tokens_of(any_party)
    answer = any_party.userinfo(tokens["access_token"], scheme(tokens["token_type"]))
    checks.json_answer(answer)


# DPoP


def test_a_proof_may_say_more(party: FapiParty) -> None:
    now = int(party.now.timestamp())
    answer = party.redeem(party.code(), nbf=now, exp=now + 300)
    checks.token_answer(answer, "DPoP")


@pytest.mark.parametrize("seconds", [-10, 8, 10])
def test_a_proof_may_be_a_little_early_or_late(party: FapiParty, seconds: int) -> None:
    iat = int(party.now.timestamp()) + seconds
    pushed = party.post("/par", party.rp.request(), iat=iat)
    code = query_of(leads_to(bring(party.rp, checks.json_answer(pushed, 201)["request_uri"])))
    token = checks.token_answer(party.redeem(code["code"], iat=iat), "DPoP")["access_token"]
    assert at_userinfo(party, token, iat=iat) == 200


def test_a_code_is_bound_to_one_key(party: FapiParty) -> None:
    own, other = party.dpop, DpopKey()
    for asked in ({"dpop_jkt": own.jkt}, {"bound": True}):
        checks.token_answer(party.redeem(party.code(**asked)), "DPoP")
        code = party.code(**asked)
        party.dpop = other
        errors = ("invalid_request", "invalid_grant", "invalid_dpop_proof")
        checks.token_error(party.redeem(code), *errors)
        party.dpop = own
    refused = party.push(dpop_jkt=other.jkt, bound=True)
    assert checks.json_answer(refused, 400)["error"] in ("invalid_request", "invalid_dpop_proof")


def at_userinfo(party: FapiParty, token: str, url: str = USERINFO, **said: Any) -> int:
    """The status of userinfo's answer to this token and a proof that says this."""
    proof = party.dpop.proof(
        said.pop("method", "GET"), url, party.now, **{"access_token": token} | said
    )
    return used(party, token, proof)


def used(party: FapiParty, token: str, *proofs: str) -> int:
    headers = [("Authorization", f"DPoP {token}"), *(("DPoP", proof) for proof in proofs)]
    answer = party.http.get("/userinfo", headers=headers)
    if answer.status_code != 200:
        assert answer.headers["www-authenticate"].startswith(("Bearer ", "DPoP "))
    return answer.status_code


def test_each_proof_that_is_none(party: FapiParty) -> None:
    token = tokens_of(party)["access_token"]
    proof = party.dpop.proof("GET", f"{ORIGIN}/userinfo", party.now, token)
    head, claims, _ = proof.split(".")
    none = checks.base64url_of(b'{"typ":"dpop+jwt","alg":"none"}')
    private = party.dpop.key.as_dict(private=True)
    assert used(party, token, proof, party.dpop.proof("GET", ORIGIN, party.now, token)) == 401
    for bad in ("not.a.jwt", f"{head}.{claims}", f"{none}.{claims}.", f"{head}.{claims}.AAAA"):
        assert used(party, token, bad) == 401, bad
    for header in ({"typ": None}, {"alg": None}, {"jwk": None}, {"typ": "jwt"}, {"jwk": private}):
        assert at_userinfo(party, token, header=header) == 401, header
    for claim in ("jti", "htm", "htu", "iat", "ath"):
        changes: dict[str, Any] = {claim: None}
        assert at_userinfo(party, token, **changes) == 401, claim
    assert at_userinfo(party, token, ath=checks.base64url_of(b"x" * 32)) == 401
    assert at_userinfo(party, token, method="PUT") == 401
    assert at_userinfo(party, token, "https://other.example/userinfo") == 401
    own, party.dpop = party.dpop, DpopKey()
    assert at_userinfo(party, token) == 401
    party.dpop = own
    assert used(party, token) == 401
    bearer = {"Authorization": f"Bearer {token}"}
    assert party.http.get("/userinfo", headers=bearer).status_code == 401
    assert at_userinfo(party, token) == 200  # the token had not stopped working


@pytest.mark.parametrize(
    "url",
    [
        f"{USERINFO}?a=b#c",
        USERINFO,
        "HTTP://LOCALHOST:8000/userinfo",
    ],
)
def test_each_proof_that_is_one(party: FapiParty, url: str) -> None:
    token = tokens_of(party)["access_token"]
    assert at_userinfo(party, token, url, extra="claim", header={"extra": "member"}) == 200


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_proof_of_another_hour(party: FapiParty, hours: int) -> None:
    token = tokens_of(party)["access_token"]
    assert at_userinfo(party, token, iat=int(party.now.timestamp()) + hours * 3600) == 401


def test_a_proof_counts_once(party: FapiParty) -> None:
    token = tokens_of(party)["access_token"]
    assert [at_userinfo(party, token, jti="once") for _ in range(2)] == [200, 401]


# Pushed authorization requests


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("parameters", "errors"),
    [
        ({"redirect_uri": "https://suite.example/x"}, ("invalid_request", "invalid_redirect_uri")),
        ({"redirect_uri": None}, ("invalid_request",)),
        ({"response_type": "code id_token"}, ("unsupported_response_type", "invalid_request")),
        ({"response_type": "token"}, ("unsupported_response_type", "invalid_request")),
        ({"request_uri": "https://suite.example/x"}, ("invalid_request", "invalid_request_object")),
        ({"code_challenge": None, "code_challenge_method": None}, ("invalid_request",)),
        ({"code_challenge_method": "plain"}, ("invalid_request",)),
    ],
)
def test_what_par_refuses(
    any_party: FapiParty, parameters: dict[str, Any], errors: tuple[str, ...]
) -> None:
    error = checks.json_answer(any_party.push(**parameters), 400)
    assert error["error"] in errors


@pytest.mark.one_engine
def test_par_is_posted_to(party: FapiParty) -> None:
    for method in ("PUT", "GET", "DELETE"):
        assert party.http.request(method, "/par").status_code == 405  # RFC 9126 §2.3


def test_what_was_not_pushed_is_refused(any_party: FapiParty) -> None:
    came = any_party.rp.answer()
    checks.authorization_error(came, ORIGIN, any_party.rp.request(), "invalid_request")


def test_a_request_uri_may_be_loaded_again_until_it_was_answered(any_party: FapiParty) -> None:
    request_uri = par_answer(any_party, prompt="login")
    for _ in range(2):
        assert leads_to(bring(any_party.rp, request_uri)).startswith("/login?")
    request_uri = par_answer(any_party)
    assert "code=" in leads_to(bring(any_party.rp, request_uri))
    again = bring(any_party.rp, request_uri)
    assert (again.status_code, leads_to(again)) == (400, "")


def test_a_request_uri_expires(party: FapiParty, clock: MovableClock) -> None:
    pushed = checks.json_answer(party.push(), 201)
    clock.advance(seconds=pushed["expires_in"] + 1)
    answer = bring(party.rp, pushed["request_uri"])
    assert (answer.status_code, leads_to(answer)) == (400, "")


# Who it is, and what it holds


@pytest.mark.one_engine
@pytest.mark.parametrize(
    "aud", [f"{ORIGIN}/token", f"{ORIGIN}/par", [f"{ORIGIN}/par"], [ORIGIN], "https://x.example"]
)
@pytest.mark.parametrize("path", ["/par", "/token"])
def test_what_is_no_assertion(party: FapiParty, aud: Any, path: str) -> None:
    form = party.rp.request() if path == "/par" else {"grant_type": "client_credentials"}
    past = int(party.now.timestamp()) - 300
    others = [
        party.assertion(aud),
        party.assertion(exp=past, iat=past - 60),
        party.assertion(sub=None),
        party.assertion(key=ClientKey.shared("RS256")),
    ]
    for signed in others:
        checks.token_error(party.post(path, form, signed=signed), "invalid_client")
    headers = {"DPoP": party.dpop.proof("POST", ORIGIN + path, party.now)}
    named = {"client_id": party.client_id}
    checks.token_error(party.http.post(path, data=form | named, headers=headers), "invalid_client")


@pytest.mark.parametrize(("seconds", "good"), [(8, True), (10, True), (65, False)])
def test_an_assertion_may_be_a_little_early(party: FapiParty, seconds: int, good: bool) -> None:
    moment = int(party.now.timestamp()) + seconds
    signed = party.assertion(iat=moment, nbf=moment, exp=moment + 60)
    answer = party.post("/par", party.rp.request(), signed=signed)
    if good:
        checks.json_answer(answer, 201)
    else:
        checks.token_error(answer, "invalid_client", "invalid_request")


def test_another_client_s_name_is_not_enough(any_party: FapiParty, make_fapi: MakeFapi) -> None:
    other = make_fapi(
        method=any_party.method,
        bound_by=any_party.bound_by,
        client_id="pharmacy",
        tls_client_auth_san_dns="pharmacy.example",
        jwks=ClientKey("ES256").jwks,
    )
    code = any_party.code()
    other.key, other.certificate = any_party.key, any_party.certificate
    checks.token_error(other.redeem(code), "invalid_client", "invalid_grant")


def test_without_the_key_there_is_nothing(any_party: FapiParty) -> None:
    code = any_party.code()
    with_cert = (any_party.method, any_party.bound_by) == (TLS_CLIENT_AUTH, MTLS)
    if with_cert:
        form = {"grant_type": "authorization_code", "code": code, "client_id": any_party.client_id}
        answer = any_party.http.post("/token", data=form)
    else:
        answer = any_party.redeem(code, bound=False)
    errors = ("invalid_request", "invalid_grant", "invalid_dpop_proof")
    checks.token_error(answer, *(("invalid_client", "invalid_request") if with_cert else errors))


def test_what_is_another_client_s_is_refused(any_party: FapiParty, make_fapi: MakeFapi) -> None:
    other = make_fapi(method=any_party.method, bound_by=any_party.bound_by, client_id="pharmacy")
    checks.token_error(other.redeem(any_party.code()), "invalid_grant")
    tokens = tokens_of(any_party, scope="openid offline_access")
    checks.token_error(other.refresh(tokens["refresh_token"]), "invalid_grant")
    answer = bring(other.rp, par_answer(any_party))
    assert (answer.status_code, leads_to(answer)) == (400, "")
    other.dpop = DpopKey()
    assert other.userinfo(tokens["access_token"]).status_code == 401


def test_a_code_counts_once(any_party: FapiParty, clock: MovableClock) -> None:
    code = any_party.code()
    assert any_party.redeem(code).status_code == 200
    clock.advance(seconds=1)
    checks.token_error(any_party.redeem(code), "invalid_grant")
    late = any_party.code()
    clock.advance(seconds=61)
    checks.token_error(any_party.redeem(late), "invalid_grant")


@pytest.mark.parametrize("verifier", ["", "x" * 64])
def test_the_code_verifier_is_needed(any_party: FapiParty, verifier: str) -> None:
    answer = any_party.redeem(any_party.code(), form={"code_verifier": verifier})
    checks.token_error(answer, "invalid_grant", "invalid_request")


def test_refresh_tokens(any_party: FapiParty, clock: MovableClock) -> None:
    asked: dict[str, Any] = {"scope": "openid offline_access", "prompt": "consent"}
    party, first = any_party, tokens_of(any_party, scope="openid offline_access")
    assert party.push(**asked).status_code == 201
    clock.advance(seconds=1)
    party.dpop = DpopKey()  # the suite takes another one
    answer = party.refresh(first["refresh_token"])
    second = checks.token_answer(answer, "DPoP" if party.bound_by == DPOP else "Bearer")
    assert second["access_token"] != first["access_token"]
    assert second.get("refresh_token", first["refresh_token"]) == first["refresh_token"]
    claims = id_token_of(party, second, None)
    for name in ("iss", "sub", "aud", "auth_time"):
        assert claims[name] == first["claims"][name]
    assert claims["iat"] > first["claims"]["iat"]
    assert party.userinfo(second["access_token"]).status_code == 200
    if (party.method, party.bound_by) != (TLS_CLIENT_AUTH, MTLS):
        without = party.refresh(first["refresh_token"], bound=False)
        checks.token_error(without, *LACKS_POSSESSION)

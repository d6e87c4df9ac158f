"""FAPI 2.0 Security Profile, Final
(https://openid.net/specs/fapi-security-profile-2_0-final.html): one switch of a client, in every
combination of how it authenticates and what its tokens are bound to.

What other clients must keep as well (JAR, PAR, DPoP, certificates) has test modules of its own.
"""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.clients.client_registration.registration import InvalidClientMetadata
from authn.clients.clients import PRIVATE_KEY_JWT, TLS_CLIENT_AUTH
from authn.clients.redirect_uris import InvalidRedirectUri
from authn.settings import Settings
from authn.web.site import Site
from tests.certificates import Held, issue
from tests.citizen import ORIGIN
from tests.conftest import MovableClock
from tests.oidc.client_keys import ClientKey
from tests.oidc.dpop_proofs import DpopKey
from tests.oidc.fapi import DPOP, MTLS, PROXY, FapiParty, behind_a_proxy, fapi_party
from tests.oidc.pushing import bring
from tests.oidc.relying_party import Holder, RelyingParty, answer_of, segment
from tests.together import at_once

pytestmark = pytest.mark.thorough

MakeRP = Callable[..., RelyingParty]
FapiClient = Callable[..., FapiParty]
COMBINATIONS = [
    (PRIVATE_KEY_JWT, DPOP),
    (PRIVATE_KEY_JWT, MTLS),
    (TLS_CLIENT_AUTH, DPOP),
    (TLS_CLIENT_AUTH, MTLS),
]


@pytest.fixture
def root(clock: MovableClock) -> Held:
    """The authority that vouches for clients."""
    return issue("Root", clock(), ca=True)


@pytest.fixture
def settings(settings: Settings, root: Held, tmp_path: Path) -> Settings:
    return behind_a_proxy(settings, root, tmp_path)


@pytest.fixture
def backchannel(app: Starlette) -> Iterator[TestClient]:
    """What connects is the proxy."""
    with TestClient(app, base_url=ORIGIN, client=(PROXY, 1), follow_redirects=False) as client:
        yield client


@pytest.fixture
def make_fapi(
    site: Site, client: TestClient, backchannel: TestClient, root: Held, holder: Holder
) -> FapiClient:
    """Registers a client under the profile; see `fapi.fapi_party`."""
    return lambda **said: fapi_party(site, client, backchannel, root, **said)


@pytest.fixture
def party(make_fapi: FapiClient) -> FapiParty:
    """A client with `private_key_jwt` and DPoP."""
    return make_fapi()


@pytest.fixture(params=COMBINATIONS, ids=lambda each: "+".join(each))
def any_party(request: pytest.FixtureRequest, make_fapi: FapiClient) -> FapiParty:
    """A client of each combination."""
    method, bound_by = request.param
    return make_fapi(method=method, bound_by=bound_by)


def refused(answer: Any, *errors: str) -> bool:
    """Whether it was refused with one of these errors, in the form of RFC 6749 §5.2."""
    assert answer.status_code in (400, 401), answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()["error"] in errors


# The whole flow


def test_the_whole_flow(any_party: FapiParty) -> None:
    party = any_party
    tokens = party.tokens(scope="openid profile offline_access", nonce="n" * 64)
    bound = party.bound_by == DPOP
    assert tokens["token_type"] == ("DPoP" if bound else "Bearer")
    cnf = segment(tokens["access_token"], 1)["cnf"]
    assert cnf.keys() == {"jkt" if bound else "x5t#S256"}
    assert segment(tokens["id_token"], 1)["nonce"] == "n" * 64
    claims = party.userinfo(tokens["access_token"])
    assert claims.json()["sub"] == segment(tokens["id_token"], 1)["sub"]
    refreshed = party.refresh(tokens["refresh_token"])
    assert refreshed.status_code == 200, refreshed.text
    assert segment(refreshed.json()["access_token"], 1)["cnf"] == cnf
    assert party.userinfo(refreshed.json()["access_token"]).status_code == 200


# §5.3.2.1, general requirements, by number


def test_metadata_is_at_both_addresses(party: FapiParty) -> None:  # 1
    names = ("openid-configuration", "oauth-authorization-server")
    first, second = (party.http.get(f"/.well-known/{name}") for name in names)
    assert first.json() == second.json()
    metadata = first.json()
    assert metadata["issuer"] == ORIGIN
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert {"PS256", "ES256", "EdDSA"} <= set(metadata["dpop_signing_alg_values_supported"])
    assert "S256" in metadata["code_challenge_methods_supported"]
    assert metadata["pushed_authorization_request_endpoint"] == f"{ORIGIN}/par"
    assert metadata["tls_client_certificate_bound_access_tokens"] is True


def test_there_is_no_password_grant(party: FapiParty) -> None:  # 2
    form = {"grant_type": "password", "username": "hanne", "password": "x"}
    assert refused(party.post("/token", form), "unsupported_grant_type")


@pytest.mark.parametrize("method", ["none", "client_secret_basic", "client_secret_post"])
def test_a_client_is_confidential_and_has_a_key(make_rp: MakeRP, method: str) -> None:  # 3, 6
    metadata = ClientMetadata(dpop_bound_access_tokens=True)
    with pytest.raises(InvalidClientMetadata):
        make_rp(profile="fapi2", token_endpoint_auth_method=method, metadata=metadata)


def test_a_client_says_what_its_tokens_are_bound_to(make_fapi: FapiClient) -> None:  # 4
    with pytest.raises(InvalidClientMetadata):
        make_fapi(dpop_bound_access_tokens=False)


def test_tokens_are_bound_to_what_the_sender_has(any_party: FapiParty) -> None:  # 4, 5
    party = any_party
    code = party.code()
    if (party.method, party.bound_by) == (TLS_CLIENT_AUTH, MTLS):
        party.certificate = issue("nobody", party.now, names=[])
        assert refused(party.redeem(code), "invalid_client")
        return
    answer = party.redeem(code, bound=False)
    assert refused(answer, "invalid_request")
    assert party.redeem(code).status_code == 200  # the code was not spent


def test_a_refresh_gives_bound_tokens_too(party: FapiParty) -> None:  # 4
    token = party.tokens(scope="openid offline_access")["refresh_token"]
    assert refused(party.refresh(token, bound=False), "invalid_request")
    party.dpop = DpopKey()  # a confidential client may change it
    answer = party.refresh(token).json()
    assert segment(answer["access_token"], 1)["cnf"] == {"jkt": party.dpop.jkt}


def test_the_client_authenticates_at_each_endpoint(any_party: FapiParty) -> None:  # 6
    party = any_party
    code, request = party.code(), party.rp.request()
    party.method, party.bound_by = "none", DPOP
    assert refused(party.redeem(code), "invalid_client")
    assert refused(party.post("/par", request), "invalid_client")


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "https://evil.example/callback",
        "https://hospital.example/callback/",
        "https://hospital.example/callback?next=https://evil.example",
        "https://hospital.example@evil.example/callback",
    ],
)
def test_there_is_no_open_redirector(party: FapiParty, redirect_uri: str) -> None:  # 7
    assert refused(party.push(redirect_uri=redirect_uri), "invalid_request", "invalid_redirect_uri")
    answers = [
        party.rp.authorize(redirect_uri=redirect_uri),
        party.rp.authorize(redirect_uri=redirect_uri, response_type="token"),
        party.rp.browser.get("/authorize", params={"redirect_uri": redirect_uri}),
        bring(party.rp, party.pushed() + "x", redirect_uri=redirect_uri),
        party.rp.browser.get("/logout", params={"post_logout_redirect_uri": redirect_uri}),
    ]
    for answer in answers:
        assert not answer.headers.get("location", "").startswith("https:")


@pytest.mark.parametrize("path", ["/token", "/par"])
@pytest.mark.parametrize(
    "aud",
    [
        f"{ORIGIN}/token",
        f"{ORIGIN}/par",
        [ORIGIN],
        [ORIGIN, "https://other.example"],
        f"{ORIGIN}/",
        "",
        None,
    ],
)
@pytest.mark.one_engine
def test_an_assertion_is_for_the_issuer_alone(party: FapiParty, path: str, aud: Any) -> None:  # 8
    code = party.code()
    request = party.rp.request()
    signed = party.assertion(aud)
    answer = (
        party.redeem(code, signed=signed)
        if path == "/token"
        else party.post("/par", request, signed=signed)
    )
    assert refused(answer, "invalid_client")
    assert party.redeem(code).status_code == 200


def test_refresh_tokens_are_not_rotated(any_party: FapiParty) -> None:  # 9
    token = any_party.tokens(scope="openid offline_access")["refresh_token"]
    for _ in range(3):
        answer = any_party.refresh(token)
        assert answer.status_code == 200
        assert answer.json().get("refresh_token", token) == token


def test_a_code_lives_for_a_minute(party: FapiParty, clock: MovableClock) -> None:  # 11
    early, late = party.code(), party.code()
    clock.advance(seconds=59)
    assert party.redeem(early).status_code == 200
    clock.advance(seconds=1)
    assert refused(party.redeem(late), "invalid_grant")


def test_a_code_can_be_bound_to_a_key(party: FapiParty) -> None:  # 12, RFC 9449 §10.1
    by_parameter = party.code(dpop_jkt=party.dpop.jkt)
    by_proof = party.code(bound=True)
    by_both = party.code(dpop_jkt=party.dpop.jkt, bound=True)
    own = party.dpop
    for code in (by_parameter, by_proof, by_both):
        party.dpop = own
        assert party.redeem(code).status_code == 200
    for parameters in ({"dpop_jkt": own.jkt}, {"bound": True}):
        party.dpop = own
        code = party.code(**parameters)
        party.dpop = DpopKey()
        assert refused(party.redeem(code), "invalid_grant")
    assert refused(party.push(dpop_jkt=own.jkt, bound=True), "invalid_request")


@pytest.mark.parametrize(
    ("seconds", "accepted"), [(0, True), (8, True), (10, True), (61, False), (3600, False)]
)
def test_clocks_may_be_a_little_ahead(party: FapiParty, seconds: int, accepted: bool) -> None:  # 13
    ahead = int(party.now.timestamp()) + seconds
    assertions = {name: party.assertion(**{name: ahead}) for name in ("iat", "nbf")}
    answers = [party.post("/par", party.rp.request(), signed=each) for each in assertions.values()]
    answers.append(party.redeem(party.code(), iat=ahead))
    assert [each.status_code < 300 for each in answers] == [accepted] * 3
    if not accepted:
        assert refused(answers[2], "invalid_dpop_proof")  # and no nonce makes it good
        nonced = party.redeem(party.code(), iat=int(party.now.timestamp()) - 3600)
        assert refused(nonced, "use_dpop_nonce")
        nonce = nonced.headers["dpop-nonce"]
        answer = party.redeem(party.code(), iat=ahead, nonce=nonce)
        assert refused(answer, "invalid_dpop_proof")


# §5.3.2.2, authorization endpoint flows, by number


@pytest.mark.parametrize("response_type", ["token", "id_token", "code id_token", "none", None])
def test_the_response_type_is_code(party: FapiParty, response_type: str | None) -> None:  # 1
    answer = party.push(response_type=response_type)
    assert refused(answer, "unsupported_response_type", "invalid_request")


def test_what_was_not_pushed_is_refused(party: FapiParty) -> None:  # 3
    rp = party.rp
    assert rp.answer()["error"] == "invalid_request"
    inside = rp.request(aud=ORIGIN, iss=party.client_id)
    signed = party.key.sign(inside, typ="oauth-authz-req+jwt")
    assert rp.answer(request=signed)["error"] == "invalid_request"
    posted = rp.browser.post("/authorize", data=rp.request())
    assert answer_of(posted, rp.redirect_uri)["error"] == "invalid_request"
    elsewhere = rp.authorize(request_uri="https://hospital.example/request.jwt")
    assert answer_of(elsewhere, rp.redirect_uri)["error"] == "invalid_request"


@pytest.mark.parametrize(
    "parameters",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
    ],
)
def test_pkce_by_s256_is_required(party: FapiParty, parameters: dict[str, Any]) -> None:  # 5
    assert refused(party.push(**parameters), "invalid_request")


@pytest.mark.parametrize("verifier", ["", "x" * 43])
def test_the_code_verifier_is_required(party: FapiParty, verifier: str) -> None:  # 5
    assert refused(party.redeem(party.code(), form={"code_verifier": verifier}), "invalid_grant")


def test_the_redirect_uri_is_in_the_pushed_request(party: FapiParty) -> None:  # 6
    assert refused(party.push(redirect_uri=None), "invalid_request", "invalid_redirect_uri")


def test_the_answer_says_who_gives_it(party: FapiParty) -> None:  # 7, RFC 9207
    assert party.answer()["iss"] == ORIGIN
    error = party.answer(prompt="none", max_age="0")
    assert (error["error"], error["iss"]) == ("login_required", ORIGIN)


def test_no_answer_travels_without_encryption(
    site: Site, client: TestClient, backchannel: TestClient, root: Held, make_rp: MakeRP
) -> None:  # 8
    said = {
        "profile": "fapi2",
        "token_endpoint_auth_method": PRIVATE_KEY_JWT,
        "metadata": ClientMetadata(
            jwks=ClientKey.shared("ES256").jwks, dpop_bound_access_tokens=True
        ),
    }
    for uri in ("http://hospital.example/cb", "http://127.0.0.1/cb"):
        with pytest.raises((InvalidClientMetadata, InvalidRedirectUri)):
            make_rp(redirect_uris=[uri], **said)
    make_rp(redirect_uris=["http://127.0.0.1/cb"], application_type="native", **said)


def test_a_code_counts_once_and_its_tokens_end_with_a_second_use(any_party: FapiParty) -> None:
    party = any_party  # 9
    code = party.code(scope="openid offline_access")
    tokens = party.redeem(code).json()
    assert party.userinfo(tokens["access_token"]).status_code == 200
    assert refused(party.redeem(code), "invalid_grant")
    assert party.userinfo(tokens["access_token"]).status_code == 401
    assert refused(party.refresh(tokens["refresh_token"]), "invalid_grant")


def test_of_parallel_uses_of_a_code_one_succeeds(party: FapiParty) -> None:  # 9
    code = party.code()
    statuses = at_once(lambda: party.redeem(code).status_code, threads=4)
    assert (statuses.count(200), statuses.count(400)) == (1, 3)


def test_a_code_is_of_its_client(party: FapiParty, make_fapi: FapiClient) -> None:
    other = make_fapi(client_id="other")
    code = party.code()
    assert refused(other.redeem(code), "invalid_grant")
    assert party.redeem(code).status_code == 200


def test_the_browser_is_sent_on_with_303(party: FapiParty) -> None:  # 10, 11
    assert bring(party.rp, party.pushed()).status_code == 303


def test_a_request_uri_lives_less_than_ten_minutes(party: FapiParty) -> None:  # 12
    assert 5 <= party.push().json()["expires_in"] < 600


def test_a_request_uri_is_of_its_client(party: FapiParty, make_fapi: FapiClient) -> None:
    other = make_fapi(client_id="other")
    assert "location" not in bring(other.rp, party.pushed()).headers


def test_a_request_uri_is_spent_by_the_code(party: FapiParty) -> None:
    request_uri = party.pushed()
    assert "code=" in bring(party.rp, request_uri).headers["location"]
    assert "code=" not in bring(party.rp, request_uri).headers.get("location", "")


def test_a_request_uri_is_not_spent_by_looking_at_it(party: FapiParty) -> None:  # note 3
    request_uri = party.pushed()
    party.rp.browser.cookies.clear()
    for _ in range(2):  # a link that is loaded before it is opened
        assert "/login" in bring(party.rp, request_uri).headers["location"]


def test_state_may_be_long(party: FapiParty) -> None:  # note 4
    assert party.answer(state="s" * 1000)["state"] == "s" * 1000


def test_nonce_may_be_left_out(party: FapiParty) -> None:
    assert "nonce" not in segment(party.tokens(nonce=None)["id_token"], 1)


# §5.3.4, requirements for resource servers, by number


@pytest.mark.parametrize("change", [str.lower, str.upper])
@pytest.mark.one_engine
def test_the_scheme_has_no_case(any_party: FapiParty, change: Callable[[str], str]) -> None:  # 1
    token = any_party.tokens()["access_token"]
    scheme = "DPoP" if any_party.bound_by == DPOP else "Bearer"
    assert any_party.userinfo(token, change(scheme)).status_code == 200


def test_a_token_in_the_query_is_not_read(any_party: FapiParty) -> None:  # 2
    token = any_party.tokens()["access_token"]
    assert any_party.http.get(f"/userinfo?access_token={token}").status_code == 401


def test_a_token_that_was_changed_is_refused(any_party: FapiParty) -> None:  # 3
    token = any_party.tokens()["access_token"]
    header, claims, signature = token.split(".")
    wider = json.loads(base64.urlsafe_b64decode(claims + "==")) | {"scope": "openid ssin"}
    forged = base64.urlsafe_b64encode(json.dumps(wider).encode()).rstrip(b"=").decode()
    assert any_party.userinfo(f"{header}.{forged}.{signature}").status_code == 401


def test_a_bound_token_alone_is_worth_nothing(any_party: FapiParty) -> None:  # 5
    party = any_party
    token = party.tokens()["access_token"]
    for scheme in ("DPoP", "Bearer"):
        answer = party.userinfo(token, scheme, bound=False)
        assert answer.status_code == 401
        assert f"{scheme} realm=" in answer.headers["www-authenticate"]
    thief = party.dpop, party.certificate
    party.dpop, party.certificate = DpopKey(), issue("thief", party.now)
    assert party.userinfo(token).json()["error"] == "invalid_token"
    party.dpop, party.certificate = thief
    assert party.userinfo(token).status_code == 200


def test_a_revoked_token_is_worth_nothing(any_party: FapiParty) -> None:  # 3
    token = any_party.tokens()["access_token"]
    assert any_party.post("/revoke", {"token": token}).status_code == 200
    assert any_party.userinfo(token).status_code == 401


# §5.4, cryptography


@pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA"])
def test_three_algorithms_are_used(make_fapi: FapiClient, alg: str) -> None:  # §5.4.1
    party = make_fapi(alg=alg)
    party.dpop = DpopKey(alg)
    token = party.tokens()["access_token"]
    assert party.userinfo(token).status_code == 200


def test_rs256_is_not_one_of_them(make_fapi: FapiClient) -> None:  # §5.4.1
    both = {"keys": [ClientKey.shared(each).jwk_public for each in ("ES256", "RS256")]}
    party = make_fapi(jwks=both)
    signed = party.assertion(key=ClientKey.shared("RS256"))
    assert refused(party.post("/par", party.rp.request(), signed=signed), "invalid_client")
    code = party.code()
    own, party.dpop = party.dpop, DpopKey("RS256")
    assert refused(party.redeem(code), "invalid_dpop_proof")
    party.dpop = own
    assert party.redeem(code).status_code == 200


def test_an_rs256_proof_is_refused_at_userinfo_too(party: FapiParty) -> None:  # §5.4.1
    party.dpop = DpopKey("PS256")
    token = party.tokens()["access_token"]
    party.dpop.alg = "RS256"
    assert party.userinfo(token).json()["error"] == "invalid_dpop_proof"
    party.dpop.alg = "PS256"
    assert party.userinfo(token).status_code == 200


@pytest.mark.parametrize(
    "said",
    [
        {"request_object_signing_alg": "RS256"},
        {"token_endpoint_auth_signing_alg": "RS256"},
        {"authorization_signed_response_alg": "RS256"},
        {"userinfo_signed_response_alg": "RS256"},
        {"introspection_signed_response_alg": "RS256"},
    ],
)
def test_nobody_registers_with_rs256(make_fapi: FapiClient, said: dict[str, str]) -> None:
    with pytest.raises(InvalidClientMetadata):
        make_fapi(**said)


def test_what_we_sign_is_not_rs256_either(party: FapiParty) -> None:  # §5.4.1
    tokens = party.tokens()
    for token in (tokens["access_token"], tokens["id_token"]):
        assert segment(token, 0)["alg"] in ("ES256", "PS256", "EdDSA")


def test_what_is_given_cannot_be_guessed(party: FapiParty) -> None:  # §5.4.1, point 4
    request_uri = party.pushed()
    code = party.code()
    tokens = party.redeem(code).json()
    for credential in (
        request_uri.rpartition(":")[2],
        code,
        segment(tokens["access_token"], 1)["jti"],
    ):
        assert len(credential) * 6 >= 128


# §5.2.3


def test_no_script_reads_the_authorization_endpoint(party: FapiParty) -> None:  # point 3
    query = urlencode(party.rp.request())
    answer = party.rp.browser.get(
        f"/authorize?{query}", headers={"Origin": "https://hospital.example"}
    )
    assert "access-control-allow-origin" not in answer.headers

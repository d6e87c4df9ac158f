"""DPoP: RFC 9449 (https://www.rfc-editor.org/rfc/rfc9449), at the token endpoint and at userinfo.

Pushed requests with a proof (§10.1) are in `test_rfc9126_par`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import gcd
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from httpx2 import Response
from hypothesis import HealthCheck, given, strategies
from hypothesis import settings as tries
from joserfc.jwk import OctKey, RSAKey
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.db.once import forget_spent_tokens
from authn.db.transaction import writing
from authn.oidc.tokens.dpop import DPOP_ALGORITHMS, current_nonce, normalise_uri
from authn.settings import Settings
from authn.web.site import Site
from tests.citizen import ORIGIN
from tests.conftest import MovableClock
from tests.oidc.dpop_proofs import DpopKey, ath
from tests.oidc.relying_party import Holder, RelyingParty, b64, segment
from tests.together import at_once

pytestmark = pytest.mark.thorough

TOKEN = f"{ORIGIN}/token"
USERINFO = f"{ORIGIN}/userinfo"
MakeRP = Callable[..., RelyingParty]


@dataclass(slots=True)
class DpopParty:
    """A public client that proves a key: its server or application speaks through `http`."""

    rp: RelyingParty
    http: TestClient
    key: DpopKey
    clock: MovableClock

    def redeem(self, code: str | None = None, proof: str | None = None, **changes: Any) -> Response:
        """The answer of /token to a code and a proof, changed."""
        sent = self.proof("POST", TOKEN, **changes) if proof is None else proof
        self.http.headers["DPoP"] = sent
        try:
            return self.rp.redeem(code or self.rp.code(), self.http)
        finally:
            del self.http.headers["DPoP"]

    def tokens(self, **changes: Any) -> dict[str, Any]:
        """What /token answered."""
        answer = self.redeem(**changes)
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    def proof(self, method: str, url: str, **changes: Any) -> str:
        """A proof of now."""
        return self.key.proof(method, url, self.clock(), **changes)

    def userinfo(self, token: str, proof: str | None = None, **changes: Any) -> Response:
        """The answer of /userinfo to this token with a proof, changed."""
        if proof is None:
            proof = self.proof("GET", USERINFO, **({"access_token": token} | changes))
        headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
        return self.http.get("/userinfo", headers=headers)


@pytest.fixture
def rp(make_rp: MakeRP, holder: Holder) -> RelyingParty:
    """A public client, an application on a phone."""
    return make_rp(
        client_id="app",
        token_endpoint_auth_method="none",
        application_type="native",
        redirect_uris=["be.example.app:/callback"],
    ).allowed_by(holder)


@pytest.fixture
def party(rp: RelyingParty, backchannel: TestClient, clock: MovableClock) -> DpopParty:
    return DpopParty(rp, backchannel, DpopKey(), clock)


@pytest.fixture
def changed() -> dict[str, str]:
    """The settings that a test changes."""
    return {}


@pytest.fixture
def settings(settings: Settings, changed: dict[str, str]) -> Settings:
    return settings.model_copy(update=changed)


def refused(answer: Response, error: str = "invalid_dpop_proof") -> bool:
    """Whether the token endpoint refused it so, in the form of RFC 6749 §5.2."""
    assert answer.headers["cache-control"] == "no-store"
    return (answer.status_code, answer.json()["error"]) == (400, error)


def challenged(answer: Response, error: str = "invalid_dpop_proof") -> bool:
    """Whether userinfo refused it so, in the form of §7.1."""
    challenge = answer.headers["www-authenticate"]
    assert 'algs="ES256 PS256 EdDSA Ed25519 RS256"' in challenge
    return (
        answer.status_code == 401
        and answer.json()["error"] == error
        and f'DPoP realm="userinfo", error="{error}"' in challenge
    )


# The happy flow


@pytest.mark.parametrize("alg", DPOP_ALGORITHMS)
def test_a_token_is_bound_to_the_key_and_used_with_it(party: DpopParty, alg: str) -> None:  # §5, §6
    party.key = DpopKey(alg)
    tokens = party.tokens()
    assert tokens["token_type"] == "DPoP"
    assert segment(tokens["access_token"], 1)["cnf"] == {"jkt": party.key.jkt}  # §6.1
    claims = party.userinfo(tokens["access_token"])
    assert claims.status_code == 200
    assert claims.json()["sub"] == segment(tokens["id_token"], 1)["sub"]


def test_without_a_proof_a_token_is_not_bound(party: DpopParty) -> None:
    tokens = party.rp.tokens()
    assert tokens["token_type"] == "Bearer"
    assert "cnf" not in segment(tokens["access_token"], 1)


def test_userinfo_by_post(party: DpopParty) -> None:
    token = party.tokens()["access_token"]
    proof = party.proof("POST", USERINFO, access_token=token)
    headers = {"Authorization": f"dpop {token}", "DpOp": proof}
    assert party.http.post("/userinfo", headers=headers).status_code == 200


def test_a_client_can_be_told_to_always_prove_its_key(
    make_rp: MakeRP, holder: Holder, party: DpopParty
) -> None:  # §5.2
    metadata = ClientMetadata(dpop_bound_access_tokens=True)
    party.rp = make_rp(
        token_endpoint_auth_method="none",
        application_type="native",
        redirect_uris=["be.example.other:/callback"],
        metadata=metadata,
    ).allowed_by(holder)
    code = party.rp.code()
    assert refused(party.rp.redeem(code), "invalid_request")
    assert party.redeem(code).json()["token_type"] == "DPoP"  # the code was not spent


# The proof (§4.3): each point


def test_two_proofs_are_refused(party: DpopParty) -> None:  # point 1
    token = party.tokens()["access_token"]
    proofs = [party.proof("GET", USERINFO, access_token=token) for _ in range(2)]
    sent = [("DPoP", proof) for proof in proofs]
    headers = [("Authorization", f"DPoP {token}"), *sent]
    assert challenged(party.http.get("/userinfo", headers=headers))
    joined = party.userinfo(token, proof=", ".join(proofs))  # by a proxy
    assert challenged(joined)
    form = {"grant_type": "authorization_code", "code": party.rp.code(), "client_id": "app"}
    twice = [("DPoP", party.proof("POST", TOKEN)) for _ in range(2)]
    assert refused(party.http.post("/token", data=form, headers=twice))


@pytest.mark.parametrize(
    "proof", ["", " ", "x", "a.b.c", "....", "x" * 9000, "e30.e30.AAAA", "e30"]
)
@pytest.mark.one_engine
def test_what_is_no_jwt_is_refused(party: DpopParty, proof: str) -> None:  # point 2
    assert refused(party.redeem(proof=proof))


@pytest.mark.parametrize("claim", ["jti", "htm", "htu", "iat"])
def test_every_claim_is_needed(party: DpopParty, claim: str) -> None:  # point 3
    code = party.rp.code()
    assert refused(party.redeem(code, **{claim: None}))
    assert party.redeem(code).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"jti": 7},
        {"jti": ""},
        {"jti": ["a"]},
        {"htm": 7},
        {"htm": ["POST"]},
        {"htu": 7},
        {"htu": [TOKEN]},
        {"iat": "now"},
        {"iat": True},
        {"iat": [0]},
        {"iat": 1e30},
    ],
)
@pytest.mark.one_engine
def test_claims_of_another_type_are_refused(party: DpopParty, changes: dict[str, Any]) -> None:
    answer = party.redeem(**changes)
    assert refused(answer) or refused(answer, "use_dpop_nonce")


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},  # point 4
        {"typ": None},
        {"typ": "DPoP+jwt"},
        {"typ": ["dpop+jwt"]},
        {"alg": "none"},  # point 5
        {"alg": None},
        {"alg": "HS256"},
        {"alg": "ES384"},
        {"alg": ["ES256"]},
        {"alg": "RS256"},  # not this key's
        {"alg": "EdDSA"},
        {"jwk": None},
        {"jwk": "key"},
        {"jwk": {}},
        {"jwk": []},
        {"crit": ["exp"]},
        {"crit": []},
        {"b64": False},
        {"jku": "https://evil.example/jwks"},
        {"x5u": "https://evil.example/x5u"},
    ],
)
@pytest.mark.one_engine
def test_a_header_that_says_something_else_is_refused(
    party: DpopParty, header: dict[str, Any]
) -> None:
    assert refused(party.redeem(header=header))


def test_a_proof_signed_by_nobody_is_refused(party: DpopParty) -> None:  # point 5
    proof = party.proof("POST", TOKEN, header={"alg": "none"})
    signed, _, _ = proof.rpartition(".")
    assert refused(party.redeem(proof=f"{signed}."))


def test_a_shared_secret_is_no_proof(party: DpopParty) -> None:
    secret = OctKey.generate_key(256)
    jwk = {"kty": "oct", "k": secret.as_dict(private=True)["k"]}
    for alg in ("HS256", "ES256"):
        assert refused(party.redeem(header={"alg": alg, "jwk": jwk}))


def test_another_key_s_signature_is_refused(party: DpopParty) -> None:  # point 6
    assert refused(party.redeem(header={"jwk": DpopKey().public_jwk}))


def test_a_signature_s_other_spelling_is_refused(party: DpopParty) -> None:
    code = party.rp.code()
    proof = party.proof("POST", TOKEN)
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".index(proof[-1])
    other = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last ^ 1]
    for changed in (proof[:-1] + other, proof + "=", proof + "\n", f"{proof}.", f".{proof}"):
        assert refused(party.redeem(code, proof=changed.replace("\n", " ")))


@pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA"])
def test_a_private_key_in_the_header_is_refused(party: DpopParty, alg: str) -> None:  # point 7
    party.key = DpopKey(alg)
    assert refused(party.redeem(header={"jwk": party.key.key.as_dict(private=True)}))


def test_a_key_has_one_spelling_and_is_on_the_curve(party: DpopParty) -> None:
    good = DpopKey().public_jwk
    own = party.key.public_jwk
    for jwk in (
        {**good, "x": good["y"]},  # no point of the curve
        {**own, "x": own["x"] + "="},  # each of these would be another thumbprint of one key
        {**own, "x": "AA" + own["x"]},
        {**own, "crv": "P-384"},
        {**own, "kty": "RSA"},
    ):
        assert refused(party.redeem(header={"jwk": jwk})), jwk


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_a_key_that_is_weak_or_costs_much_is_refused(party: DpopParty) -> None:
    for bits, exponent in ((1024, 65537), (4608, 65537), (2048, 2**32 + 15)):
        party.key = DpopKey("PS256", key=rsa_key(bits, exponent))
        assert refused(party.redeem()), (bits, exponent)
    party.key = DpopKey("PS256", key=rsa_key(2048, 3))
    assert party.redeem().status_code == 200


def rsa_key(bits: int, exponent: int) -> RSAKey:
    """A key of this size, with this public exponent."""
    while True:
        made = rsa.generate_private_key(65537, bits).private_numbers()
        phi = (made.p - 1) * (made.q - 1)
        if gcd(phi, exponent) == 1:
            break
    d = pow(exponent, -1, phi)
    numbers = rsa.RSAPrivateNumbers(
        made.p,
        made.q,
        d,
        rsa.rsa_crt_dmp1(d, made.p),
        rsa.rsa_crt_dmq1(d, made.q),
        rsa.rsa_crt_iqmp(made.p, made.q),
        rsa.RSAPublicNumbers(exponent, made.p * made.q),
    )
    pem = numbers.private_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return RSAKey.import_key(pem)


@pytest.mark.parametrize("htm", ["GET", "post", "POST ", ""])
def test_another_method_is_refused(party: DpopParty, htm: str) -> None:  # point 8
    assert refused(party.redeem(htm=htm))


@pytest.mark.parametrize(
    "htu",
    [
        f"{ORIGIN}/token?a=b#c",
        "HTTP://LOCALHOST:8000/token",
        f"{ORIGIN}/a/../token",
        f"{ORIGIN}/./token",
        f"{ORIGIN}/%74oken",
    ],
)
def test_the_address_is_compared_after_normalisation(party: DpopParty, htu: str) -> None:
    assert party.redeem(htu=htu).status_code == 200  # point 9


@pytest.mark.parametrize(
    "htu",
    [
        "",
        "/token",
        ORIGIN,
        f"{ORIGIN}/token/",
        f"{ORIGIN}//token",
        f"{ORIGIN}/Token",
        f"{ORIGIN}/userinfo",
        f"{ORIGIN}/%2574oken",
        "https://localhost:8000/token",
        "http://localhost/token",
        "http://localhost:8000@evil.example/token",
        "http://evil@localhost:8000/token",
        "http://localhost.:8000/token",
        "http://localhost:8000\\token",
        "http://localhost:80000/token",
        "http://[localhost/token",
        " http://localhost:8000/token",
        "http://localhost:8000/to\tken",
        "http://localhost:8000/tökén",
        f"{ORIGIN}/token" + "/." * 3000,
    ],
)
@pytest.mark.one_engine
def test_another_address_is_refused(party: DpopParty, htu: str) -> None:  # point 9
    assert refused(party.redeem(htu=htu))


def test_the_address_is_ours_and_not_what_the_request_says(party: DpopParty) -> None:
    code = party.rp.code()
    party.http.headers["Host"] = "evil.example"
    assert refused(party.redeem(code, htu="http://evil.example/token"))
    assert party.redeem(code).status_code == 200


@pytest.mark.parametrize("changed", [{"mtls_origin": "https://mtls.example"}])
def test_the_address_may_be_the_alias_for_mutual_tls(
    party: DpopParty, changed: dict[str, str]
) -> None:  # RFC 8705 §5
    for address in ("https://mtls.example/token", "https://MTLS.example:443/token", TOKEN):
        assert party.redeem(htu=address).status_code == 200
    assert refused(party.redeem(htu="https://other.example/token"))


@pytest.mark.parametrize("seconds", [-60, -10, 0, 10, 60])
def test_clocks_may_differ_by_a_minute(party: DpopParty, seconds: int) -> None:  # point 11
    iat = int(party.clock().timestamp()) + seconds
    assert party.redeem(iat=iat).status_code == 200


@pytest.mark.parametrize("seconds", [-61, 61, -3600, 3600])
def test_who_has_another_time_goes_on_with_a_nonce(party: DpopParty, seconds: int) -> None:  # §8
    code, iat = party.rp.code(), int(party.clock().timestamp()) + seconds
    answer = party.redeem(code, iat=iat)
    assert refused(answer, "use_dpop_nonce")
    nonce = answer.headers["dpop-nonce"]
    assert party.redeem(code, iat=iat, nonce=nonce).json()["token_type"] == "DPoP"


# Once


def test_a_proof_counts_once(party: DpopParty) -> None:  # point 11, §11.1
    proof = party.proof("POST", TOKEN)
    assert party.redeem(proof=proof).status_code == 200
    code = party.rp.code()
    assert refused(party.redeem(code, proof=proof))
    assert party.redeem(code).status_code == 200


def test_a_proof_counts_once_at_userinfo(party: DpopParty) -> None:  # decisions 4.13
    token = party.tokens()["access_token"]
    proof = party.proof("GET", USERINFO, access_token=token)
    assert party.userinfo(token, proof=proof).status_code == 200
    assert challenged(party.userinfo(token, proof=proof))


def test_the_same_jti_of_another_key_is_another_proof(party: DpopParty) -> None:
    assert party.redeem(jti="1").status_code == 200
    party.key = DpopKey()
    assert party.redeem(jti="1").status_code == 200


@pytest.mark.parametrize("with_nonce", [False, True])
def test_a_proof_is_remembered_for_as_long_as_it_would_be_accepted(
    site: Site, party: DpopParty, with_nonce: bool
) -> None:
    token = party.tokens()["access_token"]
    nonce = current_nonce(site.secrets, party.clock()) if with_nonce else None
    iat = int(party.clock().timestamp()) + 60
    proof = party.proof("GET", USERINFO, access_token=token, nonce=nonce, iat=iat)
    assert party.userinfo(token, proof=proof).status_code == 200
    for _ in range(10):
        party.clock.advance(seconds=29)
        with writing(site.database) as connection:
            forget_spent_tokens(connection, party.clock())
        assert party.userinfo(token, proof=proof).status_code == 401


def test_of_parallel_uses_of_one_proof_one_succeeds(app: Starlette, party: DpopParty) -> None:
    token = party.tokens()["access_token"]
    proof = party.proof("GET", USERINFO, access_token=token)
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof}

    def use() -> int:
        return TestClient(app, base_url=ORIGIN).get("/userinfo", headers=headers).status_code

    statuses = at_once(use)
    assert (statuses.count(200), statuses.count(401)) == (1, 7)


def test_of_parallel_redemptions_with_one_proof_one_succeeds(
    app: Starlette, party: DpopParty
) -> None:
    codes = [party.rp.code() for _ in range(4)]
    proof = party.proof("POST", TOKEN)

    def redeem() -> int:
        http = TestClient(app, base_url=ORIGIN, headers={"DPoP": proof})
        return party.rp.redeem(codes.pop(), http).status_code

    statuses = at_once(redeem, threads=4)
    assert (statuses.count(200), statuses.count(400)) == (1, 3)


# The key, at a resource (§7)


def test_a_bound_token_is_no_bearer_token(party: DpopParty) -> None:  # §7.2
    token = party.tokens()["access_token"]
    proof = party.proof("GET", USERINFO, access_token=token)
    answers = [
        party.http.get("/userinfo", headers={"Authorization": f"Bearer {token}"}),
        party.http.get("/userinfo", headers={"Authorization": f"Bearer {token}", "DPoP": proof}),
        party.http.post("/userinfo", data={"access_token": token}),
        party.http.post("/userinfo", data={"access_token": token}, headers={"DPoP": proof}),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
        assert (
            'Bearer realm="userinfo", error="invalid_token"' in answer.headers["www-authenticate"]
        )
        assert 'DPoP realm="userinfo", algs="' in answer.headers["www-authenticate"]
    assert party.userinfo(token, proof=proof).status_code == 200


def test_a_bearer_token_is_no_bound_token(party: DpopParty) -> None:
    token = party.rp.tokens()["access_token"]
    assert challenged(party.userinfo(token), "invalid_token")


def test_a_bound_token_without_a_proof_is_refused(party: DpopParty) -> None:
    token = party.tokens()["access_token"]
    assert challenged(party.http.get("/userinfo", headers={"Authorization": f"DPoP {token}"}))


def test_another_key_s_proof_is_refused(party: DpopParty) -> None:  # point 12
    token = party.tokens()["access_token"]
    proof = DpopKey().proof("GET", USERINFO, party.clock(), access_token=token)
    assert challenged(party.userinfo(token, proof=proof), "invalid_token")


@pytest.mark.parametrize("value", [None, "", 7, ath("another token"), "A" * 43])
def test_a_proof_for_another_token_is_refused(party: DpopParty, value: Any) -> None:  # point 12
    token = party.tokens()["access_token"]
    assert challenged(party.userinfo(token, ath=value))


def test_a_proof_of_the_token_endpoint_is_none_for_userinfo(party: DpopParty) -> None:
    token = party.tokens()["access_token"]
    assert challenged(party.userinfo(token, proof=party.proof("POST", TOKEN, access_token=token)))


def test_what_a_proof_says_besides_is_not_looked_at(party: DpopParty) -> None:
    header = {"kid": "my key", "foo": [1]}
    assert party.redeem(header=header, foo={"bar": 1}, exp=0, aud="x").status_code == 200


# Nonces (§8, §9)


@pytest.mark.parametrize("changed", [{"dpop_nonce": "required"}])
def test_a_nonce_is_asked_for_where_the_setting_says_so(
    party: DpopParty, changed: dict[str, str]
) -> None:
    code = party.rp.code()
    answer = party.redeem(code)
    assert refused(answer, "use_dpop_nonce")
    nonce = answer.headers["dpop-nonce"]
    answer = party.redeem(code, nonce=nonce)
    assert answer.status_code == 200
    assert answer.headers["dpop-nonce"] == nonce  # §8.2
    token = answer.json()["access_token"]
    challenge = party.userinfo(token)
    assert challenged(challenge, "use_dpop_nonce")  # §9
    assert challenge.headers["dpop-nonce"] == nonce
    assert party.userinfo(token, nonce=nonce).headers["dpop-nonce"] == nonce


def test_nonces_are_not_pressed_on_anybody(party: DpopParty) -> None:
    answer = party.redeem()
    assert "dpop-nonce" not in answer.headers
    assert "dpop-nonce" not in party.userinfo(answer.json()["access_token"]).headers


@pytest.mark.parametrize("changed", [{"dpop_nonce": "required"}])
def test_a_nonce_lives_for_one_to_two_minutes(
    site: Site, party: DpopParty, changed: dict[str, str]
) -> None:
    token = party.tokens(nonce=current_nonce(site.secrets, party.clock()))["access_token"]
    nonce = current_nonce(site.secrets, party.clock())
    party.clock.advance(seconds=60)
    following = current_nonce(site.secrets, party.clock())
    assert following != nonce
    assert party.userinfo(token, nonce=nonce).status_code == 200
    party.clock.advance(seconds=60)
    answer = party.userinfo(token, nonce=nonce)
    assert challenged(answer, "use_dpop_nonce")
    assert answer.headers["dpop-nonce"] == current_nonce(site.secrets, party.clock())
    assert answer.headers["dpop-nonce"] not in (nonce, following)


def test_a_nonce_of_a_process_whose_clock_is_ahead_is_accepted(
    site: Site, party: DpopParty
) -> None:
    party.clock.advance(seconds=29.9)  # the last moment of a minute
    nonce = current_nonce(site.secrets, party.clock())
    party.clock.advance(seconds=-29.9)
    assert party.redeem(nonce=nonce).status_code == 200


@pytest.mark.parametrize("nonce", ["", "x", 7, ["a"], "é", "A" * 43])
def test_a_nonce_that_is_not_ours_is_refused(party: DpopParty, nonce: Any) -> None:
    answer = party.redeem(nonce=nonce)
    assert refused(answer, "use_dpop_nonce")
    assert answer.headers["dpop-nonce"]


# The code's key (§10)


def test_a_code_can_be_bound_to_a_key(party: DpopParty) -> None:
    code = party.rp.code(dpop_jkt=party.key.jkt)
    assert party.redeem(code).status_code == 200


def test_a_code_bound_to_a_key_is_worth_nothing_to_another(party: DpopParty) -> None:
    jkt, party.key = party.key.jkt, DpopKey()
    assert refused(party.redeem(party.rp.code(dpop_jkt=jkt)), "invalid_grant")


def test_a_code_bound_to_a_key_needs_a_proof(party: DpopParty) -> None:
    assert refused(party.rp.redeem(party.rp.code(dpop_jkt=party.key.jkt)), "invalid_grant")


# RFC 3986 §6.2.2 and §6.2.3


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("uri", "same"),
    [
        ("https://a.example", "https://a.example/"),
        ("HTTPS://A.Example:443/b", "https://a.example/b"),
        ("http://a.example:80/b", "http://a.example/b"),
        ("https://a.example:8443/b", "https://a.example:8443/b"),
        ("https://a.example/%7Eb/%c3%a9", "https://a.example/~b/%C3%A9"),
        ("https://a.example/b/./../c/..", "https://a.example/"),
        ("https://a.example/b/c/../..", "https://a.example/"),
        ("https://a.example/b/c/.", "https://a.example/b/c/"),
        ("https://a.example/../b", "https://a.example/b"),
        ("https://a.example/%2E%2E/b", "https://a.example/b"),
        ("https://a.example/%2F", "https://a.example/%2F"),
        ("https://[2001:DB8::1]:443/", "https://[2001:db8::1]/"),
        ("ftp://a.example/", ""),
        ("a.example/b", ""),
        ("https:///b", ""),
        ("https://a.example:99999/", ""),
    ],
)
def test_two_spellings_of_one_address_are_one(uri: str, same: str) -> None:
    assert normalise_uri(uri) == same
    assert normalise_uri(same) == same


# Garbage


@pytest.mark.one_engine
@tries(max_examples=200, deadline=None)
@given(uri=strategies.text(max_size=60) | strategies.from_regex(r"https?://[^ ]*", fullmatch=True))
def test_normalisation_survives_anything(uri: str) -> None:
    once = normalise_uri(uri)
    assert normalise_uri(once) == once


Json = strategies.recursive(
    strategies.none()
    | strategies.booleans()
    | strategies.integers(-(2**63), 2**64 - 1)
    | strategies.floats(allow_nan=False)
    | strategies.text(),
    lambda inner: strategies.lists(inner) | strategies.dictionaries(strategies.text(), inner),
    max_leaves=8,
)
HEADER = strategies.sampled_from(["typ", "alg", "jwk", "kid", "crit"])
CLAIM = strategies.sampled_from(["jti", "htm", "htu", "iat", "nonce", "ath"])
JWK = strategies.sampled_from(["kty", "crv", "x", "y", "n", "e", "d"])


@pytest.mark.one_engine
@tries(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    header=strategies.dictionaries(HEADER, Json, min_size=1),
    claims=strategies.dictionaries(CLAIM, Json, min_size=1),
    jwk=strategies.dictionaries(JWK, Json, min_size=1),
    junk=strategies.binary(max_size=80),
)
def test_garbage_is_refused_in_order(
    party: DpopParty,
    header: dict[str, Any],
    claims: dict[str, Any],
    jwk: dict[str, Any],
    junk: bytes,
) -> None:
    proofs = [
        party.proof("POST", TOKEN, header=header),
        party.proof("POST", TOKEN, header={"jwk": {**party.key.public_jwk, **jwk}}),
        f"{b64(junk)}.{b64(junk)}.{b64(junk)}",
        f"{party.proof('POST', TOKEN).partition('.')[0]}.{b64(junk)}.{b64(junk)}",
    ]
    for proof in proofs:
        party.http.headers["DPoP"] = proof
        answer = party.rp.redeem("no code", party.http)
        assert answer.status_code == 400, answer.text
    party.http.headers["DPoP"] = party.proof("POST", TOKEN, **claims)
    assert party.rp.redeem("no code", party.http).status_code == 400
    raw = b" ".join(junk.split()) or b"x"
    assert (
        party.http.get(
            "/userinfo", headers={b"Authorization": b"DPoP a.b.c", b"DPoP": raw}
        ).status_code
        == 401
    )

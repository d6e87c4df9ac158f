"""Userinfo: OpenID Connect Core 1.0 §5 (https://openid.net/specs/openid-connect-core-1_0.html),
RFC 6750 (https://www.rfc-editor.org/rfc/rfc6750), RFC 9068 §4 for the token
(https://www.rfc-editor.org/rfc/rfc9068)."""

import json
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwe, jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import KeySet
from sqlalchemy import select, update
from starlette.testclient import TestClient

from authn.audit.log import audit_events
from authn.clients.client_metadata import ClientMetadata
from authn.clients.tables import clients
from authn.db.transaction import reading, writing
from authn.jose import ALGORITHMS, sign
from authn.keys.signing_keys import load_keys
from authn.people.tables import persons
from authn.web.site import Site
from tests.citizen import ORIGIN, SSIN
from tests.conftest import MovableClock
from tests.oidc.client_keys import ClientKey
from tests.oidc.relying_party import Holder, RelyingParty, b64, segment

pytestmark = pytest.mark.thorough

MakeRP = Callable[..., RelyingParty]


@pytest.fixture
def ssin_rp(make_rp: MakeRP, holder: Holder) -> RelyingParty:
    """A client that may read the national number."""
    rp = make_rp(client_id="register", scope="openid profile ssin", may_read_ssin=True)
    return rp.allowed_by(holder, "openid profile ssin")


def releases(site: Site) -> int:
    with reading(site.database) as connection:
        statement = select(audit_events).where(audit_events.c.event == "application.ssin-released")
        return len(connection.execute(statement).all())


def forged(site: Site, token: str, **changes: Any) -> str:
    """A token with other claims, signed with our own key."""
    with reading(site.database) as connection:
        keys = load_keys(connection, site.secrets)
    typ = changes.pop("typ", "at+jwt")
    return sign(keys.active["ES256"], segment(token, 1) | changes, typ)


def test_the_claims_of_profile(rp: RelyingParty, holder: Holder) -> None:  # §5.4
    tokens = rp.allowed_by(holder).tokens()
    answer = rp.userinfo(tokens["access_token"])
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    claims = answer.json()
    assert claims.pop("sub") == segment(tokens["id_token"], 1)["sub"]  # §5.3.2
    assert claims == {
        "name": "Hanne Van der Meulen",
        "given_name": "Hanne",
        "family_name": "Van der Meulen",
        "birthdate": "1903-01-01",
        "locale": "nl",
        "userProfile": {"firstName": "Hanne", "lastName": "Van der Meulen"},
    }


def test_openid_alone_gives_the_subject_alone(rp: RelyingParty, holder: Holder) -> None:
    tokens = rp.allowed_by(holder).tokens(scope="openid")
    assert rp.userinfo(tokens["access_token"]).json().keys() == {"sub"}


@pytest.mark.parametrize(
    ("known", "told"),
    [("1903-02-03", "1903-02-03"), ("1903-02", "1903"), ("1903", "1903"), (None, None)],
)
def test_a_birthdate_is_told_as_far_as_it_is_known(
    site: Site, rp: RelyingParty, holder: Holder, known: str | None, told: str | None
) -> None:  # §5.1
    token = rp.allowed_by(holder).tokens()["access_token"]
    with writing(site.database) as connection:
        connection.execute(update(persons).values(birthdate=known))
    assert rp.userinfo(token).json().get("birthdate") == told


def test_someone_without_a_given_name_has_no_such_claim(
    site: Site, rp: RelyingParty, holder: Holder
) -> None:
    token = rp.allowed_by(holder).tokens()["access_token"]
    with writing(site.database) as connection:
        connection.execute(update(persons).values(given_name=""))
    claims = rp.userinfo(token).json()
    assert "given_name" not in claims
    assert claims["name"] == "Van der Meulen"


def test_the_national_number_leaves_by_scope_and_permission_and_is_on_record(
    site: Site, ssin_rp: RelyingParty
) -> None:
    token = ssin_rp.tokens(scope="openid ssin")["access_token"]
    assert releases(site) == 0
    for count in (1, 2):
        assert ssin_rp.userinfo(token).json()["ssin"] == SSIN
        assert releases(site) == count


def test_without_the_scope_it_does_not_leave(site: Site, ssin_rp: RelyingParty) -> None:
    token = ssin_rp.tokens(scope="openid profile")["access_token"]
    assert "ssin" not in ssin_rp.userinfo(token).json()
    assert releases(site) == 0


def test_without_the_permission_it_does_not_leave(
    site: Site, make_rp: MakeRP, holder: Holder
) -> None:
    rp = make_rp(scope="openid ssin").allowed_by(holder, "openid ssin")
    tokens = rp.tokens(scope="openid ssin")
    assert tokens["scope"] == "openid"
    assert "ssin" not in rp.userinfo(tokens["access_token"]).json()
    assert releases(site) == 0


def test_a_permission_withdrawn_since_does_not_count(site: Site, ssin_rp: RelyingParty) -> None:
    token = ssin_rp.tokens(scope="openid ssin")["access_token"]
    with writing(site.database) as connection:
        connection.execute(update(clients).values(may_read_ssin=False))
    answer = ssin_rp.userinfo(token)
    assert answer.status_code == 200
    assert "ssin" not in answer.json()
    assert releases(site) == 0


def test_the_token_may_come_by_header_or_form(
    ssin_rp: RelyingParty, backchannel: TestClient
) -> None:  # RFC 6750 §2
    token = ssin_rp.tokens(scope="openid ssin")["access_token"]
    header = {"Authorization": f"Bearer {token}"}
    answers = [
        backchannel.get("/userinfo", headers=header),
        backchannel.get("/userinfo", headers={"Authorization": f"bearer {token}"}),
        backchannel.post("/userinfo", headers=header),
        backchannel.post("/userinfo", headers=header, data={}),
        backchannel.post("/userinfo", data={"access_token": token}),
    ]
    assert [each.status_code for each in answers] == [200] * 5
    assert {each.text for each in answers} == {answers[0].text}


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer", "Basic YTpi"])
def test_an_empty_header_beside_the_form_releases_on_record(
    site: Site, ssin_rp: RelyingParty, backchannel: TestClient, scheme: str
) -> None:
    token = ssin_rp.tokens(scope="openid ssin")["access_token"]
    answer = backchannel.post(
        "/userinfo", data={"access_token": token}, headers={"Authorization": scheme}
    )
    assert answer.json()["ssin"] == SSIN
    assert releases(site) == 1


def test_a_token_in_the_query_is_not_read(rp: RelyingParty, holder: Holder) -> None:  # §2.3
    token = rp.allowed_by(holder).tokens()["access_token"]
    assert rp.browser.get("/userinfo", params={"access_token": token}).status_code == 401


def test_a_token_in_two_ways_is_an_invalid_request(rp: RelyingParty, holder: Holder) -> None:
    token = rp.allowed_by(holder).tokens()["access_token"]
    answer = rp.browser.post(
        "/userinfo", data={"access_token": token}, headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 400
    assert 'error="invalid_request"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "token"])
def test_without_a_token_one_is_asked_for(rp: RelyingParty, header: str | None) -> None:  # §3.1
    headers = {} if header is None else {"Authorization": header}
    answer = rp.browser.get("/userinfo", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == (
        'Bearer realm="userinfo", DPoP realm="userinfo", algs="ES256 PS256 EdDSA Ed25519 RS256"'
    )


@pytest.mark.parametrize("token", ["x", "a.b.c", "é", "....", "\x7f", "x" * 9000, "a b"])
@pytest.mark.one_engine
def test_what_is_no_token_is_invalid(rp: RelyingParty, token: str) -> None:  # §3.1
    for answer in (
        rp.browser.get("/userinfo", headers={b"Authorization": f"Bearer {token}".encode()}),
        rp.browser.post("/userinfo", data={"access_token": token}),
    ):
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_a_token_lives_for_five_minutes(
    rp: RelyingParty, holder: Holder, clock: MovableClock
) -> None:
    token = rp.allowed_by(holder).tokens()["access_token"]
    clock.advance(minutes=4, seconds=59)
    assert rp.userinfo(token).status_code == 200
    clock.advance(seconds=1)
    assert rp.userinfo(token).status_code == 401


def test_an_id_token_is_no_access_token(rp: RelyingParty, holder: Holder) -> None:  # RFC 9068 §4
    assert rp.userinfo(rp.allowed_by(holder).tokens()["id_token"]).status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"aud": "https://evil.example/userinfo"},
        {"aud": ORIGIN},
        {"aud": [f"{ORIGIN}/userinfo"]},
        {"jti": "another"},
        {"exp": 0},
        {"typ": "JWT"},
    ],
)
@pytest.mark.one_engine
def test_a_token_for_something_else_is_refused(
    site: Site, rp: RelyingParty, holder: Holder, changes: dict[str, Any]
) -> None:  # RFC 9068 §4
    token = rp.allowed_by(holder).tokens()["access_token"]
    assert rp.userinfo(forged(site, token)).status_code == 200
    assert rp.userinfo(forged(site, token, **changes)).status_code == 401


def test_an_unsigned_token_is_refused(rp: RelyingParty, holder: Holder) -> None:
    token = rp.allowed_by(holder).tokens()["access_token"]
    header = b64({"alg": "none", "typ": "at+jwt"})
    assert rp.userinfo(f"{header}.{token.split('.')[1]}.").status_code == 401


def test_the_claims_of_an_access_token(
    rp: RelyingParty, holder: Holder, clock: MovableClock
) -> None:  # RFC 9068 §2.2
    tokens = rp.allowed_by(holder).tokens()
    assert segment(tokens["access_token"], 0)["typ"] == "at+jwt"
    claims = segment(tokens["access_token"], 1)
    now = int(clock().timestamp())
    assert len(claims.pop("jti")) == 54
    assert claims == {
        "iss": ORIGIN,
        "sub": segment(tokens["id_token"], 1)["sub"],
        "aud": f"{ORIGIN}/userinfo",
        "client_id": "hospital",
        "iat": now,
        "exp": now + 300,
        "scope": "openid profile",
        "auth_time": now,
        "acr": "urn:authn:level:device",
        "amr": ["hwk", "user", "mfa", "pop"],
    }


# Claims that were asked one by one (Core §5.5)


def test_claims_that_were_asked_one_by_one(make_rp: MakeRP, holder: Holder) -> None:  # §5.5
    asked = json.dumps({"userinfo": {"given_name": {"essential": True}, "locale": None}})
    rp = make_rp(first_party=True)
    token = rp.tokens(scope="openid", claims=asked)["access_token"]
    claims = rp.userinfo(token).json()
    assert claims.keys() == {"sub", "given_name", "locale"}
    assert claims["given_name"] == "Hanne"


# Signed, and encrypted (§5.3.2)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_the_claims_are_signed_for_a_client_that_wants_them_so(
    site: Site, make_rp: MakeRP, holder: Holder, alg: str
) -> None:  # §5.3.2
    metadata = ClientMetadata(userinfo_signed_response_alg=alg)
    rp = make_rp(metadata=metadata).allowed_by(holder)
    tokens = rp.tokens()
    answer = rp.userinfo(tokens["access_token"])
    assert answer.headers["content-type"] == "application/jwt"
    assert answer.headers["cache-control"] == "no-store"
    assert segment(answer.text, 0)["alg"] == alg
    claims = verified(rp, answer.text, alg)
    assert claims.pop("iss") == ORIGIN
    assert claims.pop("aud") == rp.client.client_id
    assert claims.pop("sub") == segment(tokens["id_token"], 1)["sub"]
    assert claims["name"] == "Hanne Van der Meulen"


def test_signed_claims_are_no_token_of_ours(make_rp: MakeRP, holder: Holder) -> None:  # RFC 8725
    metadata = ClientMetadata(userinfo_signed_response_alg="ES256")
    rp = make_rp(metadata=metadata).allowed_by(holder)
    signed = rp.userinfo(rp.tokens()["access_token"]).text
    assert rp.userinfo(signed).status_code == 401
    assert rp.answer(id_token_hint=signed)["error"] == "invalid_request"


@pytest.mark.parametrize("enc", ["", "A128CBC-HS256", "A256GCM"])
@pytest.mark.parametrize(("alg", "kind"), [("RSA-OAEP-256", "RS256"), ("ECDH-ES", "ES256")])
def test_the_claims_are_signed_and_then_encrypted(
    make_rp: MakeRP, holder: Holder, alg: str, kind: str, enc: str
) -> None:  # §5.3.2, RFC 7519 §5.2
    key = encryption_key(kind, alg)
    metadata = ClientMetadata(
        jwks=key.jwks,
        userinfo_signed_response_alg="ES256",
        userinfo_encrypted_response_alg=alg,
        userinfo_encrypted_response_enc=enc,
    )
    rp = make_rp(metadata=metadata).allowed_by(holder)
    answer = rp.userinfo(rp.tokens()["access_token"])
    assert answer.headers["content-type"] == "application/jwt"
    header = segment(answer.text, 0)
    assert (header["alg"], header["enc"]) == (alg, enc or "A128CBC-HS256")  # Registration §2
    assert (header["cty"], header["kid"]) == ("JWT", key.kid)
    decrypted = jwe.decrypt_compact(answer.text, key.key, [alg, header["enc"]])
    assert (
        verified(rp, (decrypted.plaintext or b"").decode(), "ES256")["aud"] == rp.client.client_id
    )


def test_the_claims_can_be_encrypted_alone(make_rp: MakeRP, holder: Holder) -> None:
    key = encryption_key("ES256", "ECDH-ES")
    metadata = ClientMetadata(
        jwks=key.jwks,
        userinfo_encrypted_response_alg="ECDH-ES",
        userinfo_encrypted_response_enc="A256GCM",
    )
    rp = make_rp(metadata=metadata).allowed_by(holder)
    tokens = rp.tokens()
    answer = rp.userinfo(tokens["access_token"])
    assert answer.headers["content-type"] == "application/jwt"
    assert "cty" not in segment(answer.text, 0)
    decrypted = jwe.decrypt_compact(answer.text, key.key, ["ECDH-ES", "A256GCM"])
    claims = json.loads(decrypted.plaintext or b"")
    assert claims["sub"] == segment(tokens["id_token"], 1)["sub"]


def test_a_client_without_a_key_to_encrypt_to_is_told(make_rp: MakeRP, holder: Holder) -> None:
    metadata = ClientMetadata(
        jwks=ClientKey.shared("ES256").jwks,  # for signatures alone
        userinfo_encrypted_response_alg="RSA-OAEP-256",
    )
    rp = make_rp(metadata=metadata).allowed_by(holder)
    answer = rp.userinfo(rp.tokens()["access_token"])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def encryption_key(kind: str, alg: str) -> ClientKey:
    """A key that a client publishes to be encrypted to."""
    key = ClientKey(kind, use="enc")
    key.alg = alg
    return key


def verified(rp: RelyingParty, token: str, alg: str) -> dict[str, Any]:
    """The claims of a JWT that one of our published keys signed."""
    keys = KeySet.import_key_set(rp.browser.get("/jwks").json())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # joserfc's, of the name EdDSA
        claims: dict[str, Any] = jwt.decode(token, keys, [alg]).claims
    return claims

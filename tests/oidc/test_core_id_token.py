"""ID tokens: OpenID Connect Core 1.0 §2, §3.1.3, §8
(https://openid.net/specs/openid-connect-core-1_0.html#IDToken)."""

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from starlette.testclient import TestClient

from authn.web.site import Site
from tests.citizen import KARIM, ORIGIN
from tests.conftest import MovableClock
from tests.oidc.relying_party import Holder, RelyingParty, hold_device, segment, sign_in

MakeRP = Callable[..., RelyingParty]


def verified(rp: RelyingParty, token: str, alg: str) -> dict[str, Any]:
    """The claims, verified by another implementation with the published keys."""
    keys = KeySet.import_key_set(rp.browser.get("/jwks").json())
    return jwt.decode(token, keys, [alg]).claims


def test_its_claims(rp: RelyingParty, holder: Holder, clock: MovableClock) -> None:  # §2
    rp.allowed_by(holder)
    clock.advance(seconds=30)
    tokens = rp.tokens()
    claims = verified(rp, tokens["id_token"], "ES256")
    now = int(clock().timestamp())
    sub, sid = claims.pop("sub"), claims.pop("sid")
    assert len(sub) == 43
    assert len(sid) == 22
    digest = hashlib.sha256(tokens["access_token"].encode()).digest()
    assert claims == {
        "iss": ORIGIN,
        "aud": "hospital",
        "iat": now,
        "exp": now + 300,
        "auth_time": now - 30,
        "nonce": "n-0S6_WzA2Mj",
        "acr": "urn:authn:level:device",
        "amr": ["hwk", "user", "mfa", "pop"],
        "at_hash": base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode(),
    }


def test_without_a_nonce_there_is_none(rp: RelyingParty, holder: Holder) -> None:
    tokens = rp.allowed_by(holder).tokens(nonce=None)
    assert "nonce" not in segment(tokens["id_token"], 1)


@pytest.mark.parametrize("alg", ["ES256", "RS256"])
def test_it_is_signed_as_the_client_wants(make_rp: MakeRP, holder: Holder, alg: str) -> None:
    rp = make_rp(id_token_signed_response_alg=alg).allowed_by(holder)
    token = rp.tokens()["id_token"]
    assert segment(token, 0).keys() == {"alg", "kid", "typ"}
    assert segment(token, 0)["alg"] == alg
    assert verified(rp, token, alg)["aud"] == rp.client.client_id


def test_a_synced_key_is_said_to_be_one(
    site: Site, rp: RelyingParty, client: TestClient
) -> None:  # design 5
    holder = hold_device(site, client, backup_eligible=True)
    claims = segment(rp.allowed_by(holder).tokens()["id_token"], 1)
    assert claims["acr"] == "urn:authn:level:synced"
    assert claims["amr"] == ["swk", "user", "mfa", "pop"]


def test_the_subject_is_pairwise(
    site: Site, rp: RelyingParty, other_rp: RelyingParty, make_rp: MakeRP, holder: Holder
) -> None:  # §8.1, protocol 1.3
    same_host = make_rp(client_id="hospital-two")
    native = make_rp(
        client_id="app", application_type="native", redirect_uris=["be.hospital.app:/cb"]
    )
    subjects = {
        each.client.client_id: segment(each.allowed_by(holder).tokens()["id_token"], 1)["sub"]
        for each in (rp, other_rp, same_host, native)
    }
    assert subjects["hospital"] == subjects["hospital-two"]
    assert len(set(subjects.values())) == 3
    assert not any(str(holder.person.id) in sub for sub in subjects.values())


def test_the_subject_stays_the_same_and_is_one_person_s_alone(
    site: Site, rp: RelyingParty, holder: Holder, client: TestClient
) -> None:
    first = segment(rp.allowed_by(holder).tokens()["id_token"], 1)["sub"]
    karim = hold_device(site, client, KARIM)
    other = segment(rp.allowed_by(karim).tokens()["id_token"], 1)["sub"]
    sign_in(site, client, holder.held)
    again = segment(rp.tokens()["id_token"], 1)["sub"]
    assert first == again != other


def test_sid_is_one_for_each_session_and_client(
    site: Site, rp: RelyingParty, other_rp: RelyingParty, holder: Holder, client: TestClient
) -> None:  # protocol 1.3

    def sid(relying_party: RelyingParty) -> str:
        value: str = segment(relying_party.allowed_by(holder).tokens()["id_token"], 1)["sid"]
        return value

    assert sid(rp) == sid(rp)
    assert sid(rp) != sid(other_rp)
    before = sid(rp)
    sign_in(site, client, holder.held)
    assert sid(rp) != before


def test_nothing_about_the_person_is_in_a_token(make_rp: MakeRP, holder: Holder) -> None:
    """Protocol 1.5: it comes back in URLs as id_token_hint."""
    rp = make_rp(scope="openid profile ssin", may_read_ssin=True)
    tokens = rp.allowed_by(holder, "openid profile ssin").tokens(scope="openid profile ssin")
    for token in (tokens["id_token"], tokens["access_token"]):
        claims = str(segment(token, 1))
        for personal in ("03410100128", "Hanne", "Meulen", "1903", "Laptop"):
            assert personal not in claims
    assert segment(tokens["access_token"], 1)["sub"] == segment(tokens["id_token"], 1)["sub"]

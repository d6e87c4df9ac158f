"""ID tokens: OpenID Connect Core 1.0 §2, §3.1.3, §8
(https://openid.net/specs/openid-connect-core-1_0.html#IDToken)."""

import base64
import hashlib
import json
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import KeySet
from starlette.testclient import TestClient

from authn.app import create_app
from authn.clients.client_metadata import ClientMetadata, InvalidClientMetadata
from authn.db.transaction import reading
from authn.errors import CommandError
from authn.jose import ALGORITHMS, ES256
from authn.keys.rotation import rotate
from authn.keys.signing_keys import EVERY_ALGORITHM, load_keys
from authn.keys.upkeep import maintain_keys
from authn.web.site import Site
from tests.citizen import KARIM, ORIGIN
from tests.conftest import MovableClock
from tests.oidc.client_keys import ClientKey
from tests.oidc.relying_party import Holder, RelyingParty, hold_device, segment, sign_in
from tests.together import at_once

MakeRP = Callable[..., RelyingParty]

BYE = "https://hospital.example/bye"


def verified(rp: RelyingParty, token: str, alg: str) -> dict[str, Any]:
    """The claims, verified by another implementation with the published keys."""
    keys = KeySet.import_key_set(rp.browser.get("/jwks").json())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # of EdDSA (RFC 9864)
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


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_it_is_signed_as_the_client_wants(make_rp: MakeRP, holder: Holder, alg: str) -> None:
    rp = make_rp(id_token_signed_response_alg=alg).allowed_by(holder)
    token = rp.tokens()["id_token"]
    assert segment(token, 0).keys() == {"alg", "kid", "typ"}
    assert segment(token, 0)["alg"] == alg
    assert verified(rp, token, alg)["aud"] == rp.client.client_id
    (key,) = (
        each
        for each in rp.browser.get("/jwks").json()["keys"]
        if each["kid"] == segment(token, 0)["kid"]
    )
    assert (key["alg"], key["use"]) == (alg, "sig")  # a key for this algorithm alone


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_at_hash_is_the_left_half_of_the_algorithm_s_hash(
    make_rp: MakeRP, holder: Holder, alg: str
) -> None:  # §3.1.3.6
    tokens = make_rp(id_token_signed_response_alg=alg).allowed_by(holder).tokens()
    hashing = hashlib.sha512 if alg == "EdDSA" else hashlib.sha256
    digest = hashing(tokens["access_token"].encode()).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    assert segment(tokens["id_token"], 1)["at_hash"] == half


def test_a_fapi_client_is_never_given_rs256(make_rp: MakeRP) -> None:  # FAPI 2.0 §5.4
    for alg in ALGORITHMS:
        metadata = ClientMetadata(
            jwks=ClientKey.shared("ES256").jwks, dpop_bound_access_tokens=True
        )
        registering = partial(
            make_rp,
            profile="fapi2",
            token_endpoint_auth_method="private_key_jwt",
            id_token_signed_response_alg=alg,
            metadata=metadata,
        )
        if alg == "RS256":
            with pytest.raises(InvalidClientMetadata, match="invalid_client_metadata"):
                registering()
        else:
            assert registering().client.id_token_signed_response_alg == alg


def test_claims_that_were_named_one_by_one_are_in_it(
    rp: RelyingParty, holder: Holder
) -> None:  # §5.5
    asked = {"id_token": {"given_name": None, "birthdate": {"essential": True}, "auth_time": None}}
    tokens = rp.allowed_by(holder).tokens(claims=json.dumps(asked))
    claims = segment(tokens["id_token"], 1)
    assert claims["given_name"] == "Hanne"
    assert claims["birthdate"] == "1903-01-01"
    assert "family_name" not in claims
    assert claims["sub"] == segment(tokens["access_token"], 1)["sub"]


def test_no_national_number_is_in_it_whoever_asks(
    make_rp: MakeRP, holder: Holder
) -> None:  # decisions 1.5
    scope = "openid profile ssin"
    rp = make_rp(scope=scope, may_read_ssin=True).allowed_by(holder, scope)
    asked = json.dumps({"id_token": {"ssin": {"essential": True}, "given_name": None}})
    claims = segment(rp.tokens(scope=scope, claims=asked)["id_token"], 1)
    assert claims["given_name"] == "Hanne"
    assert "ssin" not in claims
    assert "03410100128" not in str(claims)


def test_claims_can_t_be_named_that_say_who_and_when(
    rp: RelyingParty, holder: Holder, clock: MovableClock
) -> None:
    """What the token itself says stays as it is, whatever was asked."""
    plain = segment(rp.allowed_by(holder).tokens()["id_token"], 1)
    asked = json.dumps({"id_token": {"iss": {"value": "x"}, "exp": None, "sid": None, "amr": None}})
    claims = segment(rp.tokens(claims=asked)["id_token"], 1)
    changing = {"at_hash", "nonce"}
    assert {k: v for k, v in claims.items() if k not in changing} == {
        k: v for k, v in plain.items() if k not in changing
    }


# As a hint: Core §3.1.2.1, RP-Initiated Logout §2, decisions 4.15


@pytest.fixture
def leaving(make_rp: MakeRP, holder: Holder) -> MakeRP:
    """Makes applications with an address for after signing out."""
    return lambda **more: make_rp(post_logout_redirect_uris=[BYE], **more).allowed_by(holder)


def goes_back(backchannel: TestClient, hint: str) -> bool:
    query = {"post_logout_redirect_uri": BYE, "id_token_hint": hint}
    return BYE in backchannel.get("/logout", params=query).text


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_an_expired_one_of_every_algorithm_is_a_hint(
    leaving: MakeRP, backchannel: TestClient, clock: MovableClock, alg: str
) -> None:
    hint = leaving(id_token_signed_response_alg=alg).tokens()["id_token"]
    clock.advance(minutes=90)
    assert goes_back(backchannel, hint)


def test_one_of_a_retired_key_is_a_hint_for_a_year(
    site: Site, leaving: MakeRP, backchannel: TestClient, clock: MovableClock
) -> None:
    hint = leaving().tokens()["id_token"]

    def look_after() -> None:
        maintain_keys(site.database, site.settings, site.secrets, clock())
        clock.advance(minutes=1)  # by then every process has read its keys again

    clock.advance(days=90)
    look_after()
    clock.advance(days=1)
    look_after()
    published = {key["kid"] for key in backchannel.get("/jwks").json()["keys"]}
    assert segment(hint, 0)["kid"] not in published
    assert goes_back(backchannel, hint)
    clock.advance(days=364)
    look_after()
    assert goes_back(backchannel, hint)
    clock.advance(days=2)
    look_after()
    assert not goes_back(backchannel, hint)


# Rotation of a signing key: decisions 7 ("nothing ends")


def test_a_token_that_was_signed_before_a_rotation_is_accepted_after_it(
    site: Site, rp: RelyingParty, holder: Holder, clock: MovableClock
) -> None:
    before = rp.allowed_by(holder).tokens()
    for alg in EVERY_ALGORITHM:
        rotate(site.database, site.settings, site.secrets, clock(), alg, at_once=True)
    clock.advance(seconds=60)
    after = rp.tokens()
    for kind in ("access_token", "id_token"):
        assert segment(before[kind], 0)["kid"] != segment(after[kind], 0)["kid"]
    assert rp.userinfo(before["access_token"]).status_code == 200
    assert verified(rp, before["id_token"], "ES256")["aud"] == "hospital"
    assert verified(rp, after["id_token"], "ES256")["aud"] == "hospital"


def test_two_processes_believe_each_other_while_one_has_read_the_keys_and_the_other_not(
    site: Site, rp: RelyingParty, holder: Holder, clock: MovableClock
) -> None:
    slow = rp.allowed_by(holder)
    old = slow.tokens()["access_token"]
    rotate(site.database, site.settings, site.secrets, clock(), ES256, at_once=True)
    application = create_app(site.settings, clock=clock)
    with TestClient(application, base_url=ORIGIN, follow_redirects=False) as browser:
        browser.cookies.update(rp.browser.cookies)
        quick = RelyingParty(site, browser, rp.client, rp.client_secret)
        new = quick.tokens()["access_token"]
        still_old = slow.tokens()["access_token"]
        kids = [segment(each, 0)["kid"] for each in (old, still_old, new)]
        assert kids[0] == kids[1] != kids[2]
        for party in (slow, quick):
            assert [party.userinfo(each).status_code for each in (old, still_old, new)] == [200] * 3


def test_who_does_not_know_a_key_reads_them_again_and_at_most_every_five_seconds(
    site: Site, rp: RelyingParty, holder: Holder, clock: MovableClock
) -> None:
    slow = rp.allowed_by(holder)
    slow.tokens()

    def of_the_second_key_from_now() -> str:
        for _ in range(2):  # the first of them was published before
            rotate(site.database, site.settings, site.secrets, clock(), ES256, at_once=True)
        application = create_app(site.settings, clock=clock)
        with TestClient(application, base_url=ORIGIN, follow_redirects=False) as browser:
            browser.cookies.update(rp.browser.cookies)
            quick = RelyingParty(site, browser, rp.client, rp.client_secret)
            return str(quick.tokens()["access_token"])

    clock.advance(seconds=5)
    assert slow.userinfo(of_the_second_key_from_now()).status_code == 200
    token = of_the_second_key_from_now()
    assert slow.userinfo(token).status_code == 401
    clock.advance(seconds=5)
    assert slow.userinfo(token).status_code == 200


def test_ten_running_processes_go_on_through_a_rotation(
    site: Site, rp: RelyingParty, holder: Holder, clock: MovableClock
) -> None:
    """Every second one has read the keys since; two of them rotated, at the same moment."""
    rp.allowed_by(holder)
    with ExitStack() as running:
        parties = []
        for _ in range(10):
            process = create_app(site.settings, clock=clock)
            browser = TestClient(process, base_url=ORIGIN, follow_redirects=False)
            browser.cookies.update(rp.browser.cookies)
            running.callback(process.state.site.database.close)
            party = RelyingParty(process.state.site, browser, rp.client, rp.client_secret)
            assert party.tokens()  # it has read the keys
            parties.append(party)
        # Two rotations within a minute: of the second key, who has read them before knows nothing.
        clock.advance(seconds=6)

        def rotates() -> str:
            try:
                return rotate(
                    site.database, site.settings, site.secrets, clock(), ES256, at_once=True
                )
            except CommandError:  # the other one was first
                return ""

        kids = {str(each) for each in at_once(rotates, threads=2) if each}
        for party in parties[::2]:
            with reading(party.site.database) as connection:
                party.site.memory.keep(load_keys(connection, site.secrets), clock())
        tokens = [party.tokens()["access_token"] for party in parties]
        signers = {segment(each, 0)["kid"] for each in tokens}
        assert signers - kids, "nobody signed with the former key"
        assert signers & kids, "nobody signed with the new one"
        for party in parties:
            assert {party.userinfo(each).status_code for each in tokens} == {200}
        clock.advance(minutes=1, seconds=1)  # all of them have read the keys again
        for party in parties:
            assert {party.userinfo(each).status_code for each in tokens} == {200}
        last = {segment(party.tokens()["access_token"], 0)["kid"] for party in parties}
        assert len(last) == 1
        assert last <= kids


def test_a_synced_key_is_said_to_be_one(
    site: Site, rp: RelyingParty, client: TestClient
) -> None:  # decisions 6
    holder = hold_device(site, client, backup_eligible=True)
    claims = segment(rp.allowed_by(holder).tokens()["id_token"], 1)
    assert claims["acr"] == "urn:authn:level:synced"
    assert claims["amr"] == ["swk", "user", "mfa", "pop"]


def test_the_subject_is_pairwise(
    site: Site, rp: RelyingParty, other_rp: RelyingParty, make_rp: MakeRP, holder: Holder
) -> None:  # §8.1
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
) -> None:  # decisions 1.3

    def sid(relying_party: RelyingParty) -> str:
        value: str = segment(relying_party.allowed_by(holder).tokens()["id_token"], 1)["sid"]
        return value

    assert sid(rp) == sid(rp)
    assert sid(rp) != sid(other_rp)
    before = sid(rp)
    sign_in(site, client, holder.held)
    assert sid(rp) != before


def test_nothing_about_the_person_is_in_a_token(make_rp: MakeRP, holder: Holder) -> None:
    """Decisions 1.5: it comes back in URLs as id_token_hint."""
    rp = make_rp(scope="openid profile ssin", may_read_ssin=True)
    tokens = rp.allowed_by(holder, "openid profile ssin").tokens(scope="openid profile ssin")
    for token in (tokens["id_token"], tokens["access_token"]):
        claims = str(segment(token, 1))
        for personal in ("03410100128", "Hanne", "Meulen", "1903", "Laptop"):
            assert personal not in claims
    assert segment(tokens["access_token"], 1)["sub"] == segment(tokens["id_token"], 1)["sub"]

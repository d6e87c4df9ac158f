"""Access tokens that only their resource can read: opaque, or encrypted to it.

RFC 6749 §1.4 (https://www.rfc-editor.org/rfc/rfc6749#section-1.4): a token may be an identifier or
hold what was allowed; RFC 7662 for who asks, RFC 7519 §5.2 and RFC 7516 for the encrypted ones.
Decisions 1.5 and 1.3 for what may stand in them.
"""

import base64
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from sqlalchemy import update
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.clients.tables import clients
from authn.db.transaction import writing
from authn.foreign_jwt import CONTENT_ENCRYPTIONS, KEY_ENCRYPTIONS_TO_OTHERS, read_key_set
from authn.jose import InvalidToken
from authn.oidc.tokens.sealed_access_token import (
    KEY_ENCRYPTIONS,
    MARK,
    open_claims,
    open_jwe,
    seal_claims,
    seal_jwe,
)
from authn.web.site import Site
from tests.capacities import LEA, MARIE
from tests.citizen import ORIGIN, SSIN
from tests.conftest import MovableClock
from tests.oidc.acting import Acting, acting, change_resource
from tests.oidc.client_keys import ClientKey
from tests.oidc.dpop_proofs import DpopKey
from tests.oidc.relying_party import Holder, RelyingParty, b64, basic, segment
from tests.oidc.resource_servers import (
    API,
    OTHER_API,
    ResourceServer,
    application,
    resource_server,
)
from tests.oidc.test_may_act import entries
from tests.oidc.test_profile_switch_by_exchange import sub_of, switching
from tests.oidc.test_profiles_in_tokens import SCOPE, may_exchange
from tests.oidc.test_rfc7516_encrypted_id_token import private_key
from tests.oidc.test_rfc8693_token_exchange import exchange, exchanged

pytestmark = pytest.mark.thorough

OPAQUE = {"token_format": "opaque"}
ENCRYPTED = {"encrypt_tokens": True}
PLAIN = {"token_format": "jwt", "encrypt_tokens": False}
ALG = "ECDH-ES+A256KW"
ENC = "A128CBC-HS256"


def keys(alg: str = ALG, **metadata: Any) -> ClientMetadata:
    """What the resource's client has registered: a key that can be encrypted to."""
    jwks = {"keys": [private_key(alg).as_dict(private=False)]}
    return ClientMetadata(jwks=jwks, **metadata)


@pytest.fixture
def api(site: Site, backchannel: TestClient) -> ResourceServer:
    """A resource with a key of its own, that may read everything."""
    made = resource_server(site, backchannel, metadata=keys())
    change_resource(site, API, reads_profile=True, may_read_ssin=True, reads_may_act=True)
    return made


@pytest.fixture
def hanne(site: Site, client: TestClient, holder: Holder, api: ResourceServer) -> Acting:
    """Hanne, at an application that may not read the national number."""
    return acting(site, application(site, client, scope=SCOPE), holder, SSIN)


def token_of(hanne: Acting, word: str = "citizen", scope: str = "openid letters") -> str:
    token: str = hanne.tokens(word, scope=scope, resource=(API,))["access_token"]
    return token


def opened(token: str, alg: str = ALG, enc: str = ENC) -> tuple[dict[str, Any], str]:
    """The header, and what is inside, as a resource decrypts it that knows nothing of us."""
    decrypted = jwe.decrypt_compact(token, private_key(alg), [alg, enc])
    return decrypted.headers(), (decrypted.plaintext or b"").decode()


def revoke(rp: RelyingParty, token: str) -> int:
    headers = {"Authorization": basic(rp.client.client_id, rp.client_secret)}
    return rp.browser.post("/revoke", data={"token": token}, headers=headers).status_code


# Opaque


def test_an_opaque_token_says_nothing_to_whoever_holds_it(site: Site, hanne: Acting) -> None:
    change_resource(site, API, **OPAQUE)
    token = token_of(hanne, "mandate", "openid letters ssin")
    assert token.startswith(MARK)
    assert token.count(".") == 1
    content = base64.urlsafe_b64decode(token.removeprefix(MARK) + "==")
    for word in ("letters", "hospital", API, site.settings.issuer, "mandate", SSIN, MARIE.ssin):
        assert word.encode() not in content
    again = token_of(hanne, "mandate", "openid letters ssin")
    assert token[:40] != again[:40]


@pytest.mark.parametrize("word", ["citizen", "mandate"])
def test_its_resource_is_told_what_a_jwt_would_have_said(
    site: Site, hanne: Acting, api: ResourceServer, word: str
) -> None:
    plain = api.learns(token_of(hanne, word))
    change_resource(site, API, **OPAQUE)
    told = api.learns(token_of(hanne, word))
    assert dict(told) | {"jti": ""} == dict(plain) | {"jti": ""}
    assert told["active"] is True


def test_nobody_else_is(
    site: Site, hanne: Acting, api: ResourceServer, backchannel: TestClient
) -> None:
    change_resource(site, API, **OPAQUE)
    other = resource_server(site, backchannel, OTHER_API, client_id="other", scopes={"x": "X"})
    token = token_of(hanne)
    assert other.learns(token) == {"active": False}
    assert hanne.rp.userinfo(token).status_code == 401


def test_it_ends_like_any_other(
    site: Site, hanne: Acting, api: ResourceServer, clock: MovableClock
) -> None:
    change_resource(site, API, **OPAQUE)
    first, second = token_of(hanne), token_of(hanne)
    clock.advance(minutes=4)
    assert api.learns(first)["active"] is True
    clock.advance(minutes=1)
    assert api.learns(second) == {"active": False}


@pytest.mark.parametrize("form", [OPAQUE, ENCRYPTED, PLAIN], ids=["opaque", "encrypted", "jwt"])
def test_its_client_may_revoke_it(
    site: Site, hanne: Acting, api: ResourceServer, form: dict[str, Any]
) -> None:  # RFC 7009
    change_resource(site, API, **form)
    token, other = token_of(hanne), token_of(hanne)
    assert api.learns(token)["active"] is True
    assert revoke(api.client, token) == 400  # another client
    assert api.learns(token)["active"] is True
    assert revoke(hanne.rp, token) == 200
    assert api.learns(token) == {"active": False}
    assert api.learns(other)["active"] is True


@pytest.mark.parametrize("form", [OPAQUE, ENCRYPTED, PLAIN], ids=["opaque", "encrypted", "jwt"])
def test_it_may_be_exchanged_and_switched(
    site: Site, hanne: Acting, api: ResourceServer, form: dict[str, Any]
) -> None:
    change_resource(site, API, **form)
    rp = switching(site, hanne)
    token = token_of(hanne)
    given = exchanged(rp, token)["access_token"]
    assert api.learns(given)["act"] == {"sub": "switching"}
    wanted = sub_of(hanne.profiles["mandate"])
    may_exchange(site, "switching", "switching")
    switched = exchanged(rp, given, requested_subject=wanted)["access_token"]
    told = api.learns(switched)
    assert told["userProfile"]["firstName"] == "Marie"
    assert told["sub"] != told["act"]["sub"] == api.learns(token)["sub"]


def test_it_is_bound_to_a_key_where_its_client_proves_one(
    site: Site, hanne: Acting, api: ResourceServer, clock: MovableClock
) -> None:
    change_resource(site, API, **OPAQUE)
    key = DpopKey()
    hanne.rp.browser.headers["DPoP"] = key.proof("POST", f"{ORIGIN}/token", clock())
    given = hanne.tokens(scope="letters", resource=(API,))
    assert given["token_type"] == "DPoP"
    assert api.learns(given["access_token"])["cnf"] == {"jkt": key.jkt}


def test_a_token_of_another_form_lives_on_when_the_operator_changes_it(
    site: Site, hanne: Acting, api: ResourceServer
) -> None:
    tokens = []
    for form in (PLAIN, OPAQUE, PLAIN | ENCRYPTED, PLAIN):
        change_resource(site, API, **form)
        tokens.append(token_of(hanne))
    assert [api.learns(each)["active"] for each in tokens] == [True] * 4


@pytest.mark.one_engine
@hypothesis_settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    garbage=st.one_of(
        st.text(),
        st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=200),
        st.binary(max_size=200).map(lambda raw: base64.urlsafe_b64encode(raw).decode()),
        st.binary(min_size=9000, max_size=9500).map(lambda raw: raw.hex()),
    )
)
def test_nothing_but_ours_can_be_opened(site: Site, garbage: str) -> None:
    for token in (garbage, MARK + garbage):
        with pytest.raises(InvalidToken):
            open_claims(site.secrets, token)


@pytest.mark.one_engine
@hypothesis_settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(place=st.integers(0, 10_000), other=st.sampled_from("AZaz09-_.*"))
def test_one_that_was_changed_in_any_place_is_none(site: Site, place: int, other: str) -> None:
    claims = {"iss": "https://example", "scope": "letters"}
    token = seal_claims(site.secrets, claims)
    assert open_claims(site.secrets, token) == claims
    # The last character has bits that mean nothing.
    place %= len(token) - 1
    changed = token[:place] + other + token[place + 1 :]
    if changed != token:
        with pytest.raises(InvalidToken):
            open_claims(site.secrets, changed)


@pytest.mark.parametrize(
    "garbage",
    ["o.", "o.AAAA", "o." + "A" * 9000, "....", "a.b.c.d.e", "e30.a.b.c.d", "o.é", "o.a.b.c.d"],
)
def test_garbage_is_inactive_revoked_for_nothing_and_no_subject(
    site: Site, hanne: Acting, api: ResourceServer, garbage: str
) -> None:
    assert api.learns(garbage) == {"active": False}
    assert revoke(hanne.rp, garbage) == 200
    rp = switching(site, hanne)
    assert exchange(rp, garbage).json()["error"] == "invalid_request"
    assert hanne.rp.browser.post("/userinfo", data={"access_token": garbage}).status_code == 401


# Encrypted


def test_an_encrypted_token_is_signed_inside(
    site: Site, hanne: Acting, api: ResourceServer
) -> None:  # RFC 7519 §5.2, RFC 9068 §2.1
    change_resource(site, API, **ENCRYPTED)
    token = token_of(hanne, "mandate")
    assert token.count(".") == 4
    header, inside = opened(token)
    assert (header["typ"], header["cty"], header["kid"]) == ("at+jwt", "JWT", "theirs")
    assert segment(inside, 0)["typ"] == "at+jwt"
    claims = segment(inside, 1)
    assert claims["aud"] == API
    # The resource may ask with what it was sent, or with what it found inside.
    assert api.learns(token) == api.learns(inside)
    assert api.learns(token)["sub"] == claims["sub"]


def test_who_has_not_its_key_reads_nothing_of_it(site: Site, hanne: Acting) -> None:
    change_resource(site, API, **ENCRYPTED)
    token = token_of(hanne, "mandate", "openid letters ssin")
    assert segment(token, 0).keys() == {"alg", "enc", "kid", "typ", "cty", "epk"}
    content = b"".join(base64.urlsafe_b64decode(part + "==") for part in token.split("."))
    for word in ("letters", "hospital", "mandators", "child", SSIN, MARIE.ssin, LEA.ssin):
        assert word.encode() not in content
    with pytest.raises(JoseError):
        jwe.decrypt_compact(token, ECKey.generate_key("P-256"), [ALG, ENC])


@pytest.mark.one_engine
@pytest.mark.parametrize("enc", CONTENT_ENCRYPTIONS)
@pytest.mark.parametrize("alg", KEY_ENCRYPTIONS)
def test_we_open_what_we_encrypted_unless_the_key_was_agreed_on(
    site: Site, alg: str, enc: str
) -> None:
    theirs = read_key_set({"keys": [private_key(alg).as_dict(private=False)]})
    first, second = (seal_jwe(site.secrets, "a.b.c", theirs, alg, enc, "at+jwt") for _ in range(2))
    assert first.split(".")[2:] != second.split(".")[2:]  # another vector, another key
    assert opened(first, alg, enc)[1] == "a.b.c"
    others = replace(site.secrets, token_key=b"x" * 32)
    with pytest.raises(InvalidToken):
        open_jwe(others, first)
    if alg == "ECDH-ES":
        with pytest.raises(InvalidToken):
            open_jwe(site.secrets, first)
    else:
        assert open_jwe(site.secrets, first) == "a.b.c"


def test_what_another_put_into_such_an_envelope_is_no_token(
    site: Site, hanne: Acting, api: ResourceServer
) -> None:
    """The resource knows the content key of each token that it got."""
    change_resource(site, API, **ENCRYPTED)
    token = token_of(hanne)
    inside = opened(token)[1]
    head, _, signature = inside.split(".")
    other = b64(segment(inside, 1) | {"scope": "letters everything"})
    public = read_key_set(keys().jwks)
    for forged in (f"{head}.{other}.{signature}", "letters", ""):
        sealed = seal_jwe(site.secrets, forged, public, ALG, ENC, "at+jwt")
        assert api.learns(sealed) == {"active": False}


def test_the_list_is_in_it_though_its_client_may_know_no_number(
    site: Site, hanne: Acting, api: ResourceServer
) -> None:  # decisions 1.5, 4.10
    change_resource(site, API, **ENCRYPTED)
    _, inside = opened(token_of(hanne, scope="openid letters ssin"))
    listed = segment(inside, 1)["may_act"]
    assert {str(each) for each in listed} == {str(each) for each in entries(hanne).values()}


@pytest.mark.one_engine
@pytest.mark.parametrize("alg", KEY_ENCRYPTIONS_TO_OTHERS)
def test_as_the_resource_s_client_wants_it(
    site: Site, hanne: Acting, api: ResourceServer, alg: str
) -> None:
    wanted = keys(
        alg,
        introspection_encrypted_response_alg=alg,
        introspection_encrypted_response_enc="A256GCM",
    )
    _set_metadata(site, wanted)
    change_resource(site, API, **ENCRYPTED)
    header, _ = opened(token_of(hanne), alg, "A256GCM")
    assert (header["alg"], header["enc"]) == (alg, "A256GCM")


@pytest.mark.parametrize("jwks", [{"keys": []}, ClientKey.shared("ES256").jwks])
def test_where_no_key_fits_nothing_is_given_and_nothing_spent(
    site: Site, hanne: Acting, api: ResourceServer, jwks: dict[str, Any]
) -> None:
    change_resource(site, API, **ENCRYPTED)
    _set_metadata(site, ClientMetadata(jwks=jwks))
    code = hanne.code(scope="openid letters", resource=(API,))
    answer = hanne.rp.redeem(code)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"] == "invalid_target"
    _set_metadata(site, keys())
    assert hanne.rp.redeem(code).status_code == 200


def test_where_its_keys_are_away_nothing_is_given_and_nothing_spent(
    site: Site, hanne: Acting, api: ResourceServer
) -> None:
    change_resource(site, API, **ENCRYPTED)
    _set_metadata(site, ClientMetadata(jwks_uri="https://nobody.invalid/jwks"))
    code = hanne.code(scope="openid letters", resource=(API,))
    answer = hanne.rp.redeem(code)
    assert answer.status_code == 503, answer.text
    assert "retry-after" in answer.headers
    _set_metadata(site, keys())
    assert hanne.rp.redeem(code).status_code == 200


def _set_metadata(site: Site, metadata: ClientMetadata) -> None:
    with writing(site.database) as connection:
        connection.execute(
            update(clients)
            .where(clients.c.client_id == "letters")
            .values(client_metadata=metadata.pack())
        )


# The device, by permission of the resource (decisions 1.3)


@pytest.mark.parametrize(("form", "in_token"), [({}, False), (OPAQUE, True), (ENCRYPTED, True)])
def test_a_resource_with_the_permission_knows_the_device_and_the_client_does_not(
    site: Site, hanne: Acting, api: ResourceServer, form: dict[str, Any], in_token: bool
) -> None:
    change_resource(site, API, may_read_device_id=True, **form)
    token = token_of(hanne)
    known = api.learns(token)["device_id"]
    assert len(known) == 22
    if form == OPAQUE:
        claims = open_claims(site.secrets, token)
    else:
        claims = segment(opened(token)[1] if form else token, 1)
    assert claims.get("device_id") == (known if in_token else None)
    own = hanne.tokens()["access_token"]
    assert "device_id" not in segment(own, 1)


def test_without_it_no_resource_does(site: Site, hanne: Acting, api: ResourceServer) -> None:
    for form in (OPAQUE, ENCRYPTED | {"token_format": "jwt"}):
        change_resource(site, API, **form)
        assert "device_id" not in api.learns(token_of(hanne))

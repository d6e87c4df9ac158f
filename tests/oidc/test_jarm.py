"""JWT Secured Authorization Response Mode for OAuth 2.0, JARM
(https://openid.net/specs/oauth-v2-jarm.html)."""

import re
from collections.abc import Callable
from functools import cache
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from httpx2 import Response
from joserfc import jwe
from sqlalchemy import func, select

from authn.clients.client_metadata import ClientMetadata
from authn.db.transaction import reading
from authn.foreign_jwt import read_key_set, verify_jws
from authn.grants.authorization_request import RESPONSE_MODES
from authn.grants.tables import grants
from authn.jose import ALGORITHMS
from authn.settings import Settings
from tests.citizen import ORIGIN
from tests.conftest import MovableClock
from tests.oidc.client_keys import ClientKey
from tests.oidc.pushing import bring, pushed
from tests.oidc.relying_party import Holder, RelyingParty, answer_of, segment
from tests.oidc.test_form_post import posted
from tests.published import publishing

pytestmark = pytest.mark.thorough

MakeRP = Callable[..., RelyingParty]

JWT_MODES = [mode for mode in RESPONSE_MODES if mode.endswith("jwt")]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Clients may publish on this machine."""
    return settings.model_copy(update={"private_hosts": frozenset({"localhost"})})


def response_of(rp: RelyingParty, response: Response) -> str:
    """The one parameter of the answer, in the query or in the form."""
    if response.status_code == 200:
        action, fields = posted(response)
        assert action == rp.redirect_uri
    else:
        fields = answer_of(response, rp.redirect_uri)
    assert fields.keys() == {"response"}
    return fields["response"]


def verified(rp: RelyingParty, token: str, alg: str = "RS256") -> dict[str, Any]:
    """What the response says, as its client verifies it (§2.4)."""
    keys = read_key_set(rp.browser.get("/jwks").json())
    claims = verify_jws(token, keys, [alg])
    assert segment(token, 0).keys() == {"alg", "kid", "typ"}
    assert claims["iss"] == ORIGIN
    assert claims["aud"] == rp.client.client_id
    left = claims["exp"] - rp.site.clock().timestamp()
    assert 0 < left <= 600  # §2.1
    return claims


@pytest.mark.parametrize("mode", JWT_MODES)
def test_the_answer_is_one_signed_jwt(rp: RelyingParty, holder: Holder, mode: str) -> None:  # §2.1
    response = rp.allowed_by(holder).authorize(response_mode=mode, state="x y&ü")
    claims = verified(rp, response_of(rp, response))
    assert claims.keys() == {"iss", "aud", "exp", "code", "state"}
    assert claims["state"] == "x y&ü"
    assert rp.redeem(claims["code"]).status_code == 200


@pytest.mark.parametrize("mode", JWT_MODES)
def test_an_error_is_one_too(rp: RelyingParty, mode: str) -> None:  # §2.2
    for parameters, error in (
        ({"prompt": "none"}, "login_required"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "unknown"}, "invalid_scope"),
    ):
        response = rp.authorize(response_mode=mode, **parameters)
        claims = verified(rp, response_of(rp, response))
        assert claims.keys() == {"iss", "aud", "exp", "error", "error_description", "state"}
        assert claims["error"] == error


def test_jwt_is_the_query_for_a_code(rp: RelyingParty) -> None:  # §2.3.4
    for mode in ("jwt", "query.jwt"):
        assert rp.authorize(response_mode=mode, prompt="none").status_code == 303
    assert rp.authorize(response_mode="form_post.jwt", prompt="none").status_code == 200


def test_the_form_goes_to_the_client_s_origin_alone(rp: RelyingParty) -> None:  # §2.3.3
    response = rp.authorize(response_mode="form_post.jwt", prompt="none")
    policy = response.headers["content-security-policy"]
    assert "form-action 'self' https://hospital.example;" in policy


def test_a_private_use_scheme_can_t_be_posted_to(make_rp: MakeRP, holder: Holder) -> None:
    rp = make_rp(
        application_type="native",
        token_endpoint_auth_method="none",
        redirect_uris=["be.hospital.app:/cb"],
    ).allowed_by(holder)
    response = rp.authorize(response_mode="form_post.jwt")
    assert parse_qs(urlsplit(response.headers["location"]).query)["error"] == ["invalid_request"]


def test_a_mode_that_is_not_offered_answers_in_the_query(rp: RelyingParty) -> None:
    for mode in ("fragment.jwt", "fragment", "Query.jwt", "jwt.jwt"):
        assert rp.answer(response_mode=mode)["error"] == "invalid_request"


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_the_algorithm_is_the_registered_one(
    make_rp: MakeRP, holder: Holder, alg: str
) -> None:  # §3
    metadata = ClientMetadata(authorization_signed_response_alg=alg)
    rp = make_rp(metadata=metadata).allowed_by(holder)
    response = rp.authorize(response_mode="jwt")
    assert "code" in verified(rp, response_of(rp, response), alg)


def test_a_fapi_client_s_answer_is_not_signed_with_rs256(make_rp: MakeRP, holder: Holder) -> None:
    """FAPI 2.0 Security Profile §5.4.1, although RS256 is what §3 says where nothing was said."""
    key = ClientKey.shared("ES256")
    rp = make_rp(
        profile="fapi2",
        token_endpoint_auth_method="private_key_jwt",
        metadata=ClientMetadata(jwks=key.jwks, dpop_bound_access_tokens=True),
    ).allowed_by(holder)
    response = bring(rp, pushed(rp, key, response_mode="jwt"))
    assert "code" in verified(rp, response_of(rp, response), "ES256")


def test_the_whole_way_by_the_pages(rp: RelyingParty, holder: Holder) -> None:
    """What a page leads to is the signed answer: after a consent, and after a no."""
    for decision, member in (("decline", "error"), ("allow", "code")):
        location = rp.authorize(response_mode="query.jwt").headers["location"]
        form = hidden_fields(rp.browser.get(location).text)
        decided = rp.browser.post(
            "/consent",
            data=form | {"decision": decision},
            headers={"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"},
        )
        found = re.search(r'data-location="([^"]*)"', decided.text)
        assert found, decided.text
        address = unescape(found[1])
        assert address.startswith(rp.redirect_uri + "?response=")
        assert member in verified(rp, parse_qs(urlsplit(address).query)["response"][0])


def test_declining_on_the_sign_in_page(rp: RelyingParty) -> None:
    for mode, status in (("query.jwt", 303), ("form_post.jwt", 200)):
        location = rp.authorize(response_mode=mode).headers["location"]
        token = parse_qs(urlsplit(location).query)["request"][0]
        response = rp.browser.get("/login/declined?" + urlencode({"request": token}))
        assert response.status_code == status
        claims = verified(rp, response_of(rp, response))
        assert claims["error"] == "access_denied"


def hidden_fields(page: str) -> dict[str, str]:
    """What the page's form carries."""
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page)
    return {unescape(name): unescape(value) for name, value in found}


# ------------------------------------------------------------------------------- encrypted

ENCRYPTION_KEYS = {"RSA-OAEP-256": "RS256", "ECDH-ES": "ES256"}


@cache
def encryption_key(alg: str) -> ClientKey:
    """A key of the client that is for encryption by this algorithm."""
    return ClientKey(ENCRYPTION_KEYS[alg], use="enc")


def encrypted_rp(make_rp: MakeRP, key: ClientKey, alg: str, enc: str = "") -> RelyingParty:
    """A client that wants its answers encrypted to this key."""
    jwk = {**key.jwk_public, "alg": alg}
    return make_rp(
        metadata=ClientMetadata(
            jwks={"keys": [jwk]},
            authorization_encrypted_response_alg=alg,
            authorization_encrypted_response_enc=enc,
        )
    )


@pytest.mark.parametrize("alg", ENCRYPTION_KEYS)
@pytest.mark.parametrize("enc", ["", "A256GCM"])
def test_signed_and_then_encrypted(
    make_rp: MakeRP, holder: Holder, alg: str, enc: str
) -> None:  # §2.1, §3
    key = encryption_key(alg)
    rp = encrypted_rp(make_rp, key, alg, enc).allowed_by(holder)
    for parameters, member in (({}, "code"), ({"prompt": "none", "max_age": "0"}, "error")):
        token = response_of(rp, rp.authorize(response_mode="jwt", **parameters))
        said = enc or "A128CBC-HS256"
        assert segment(token, 0).items() >= {"alg": alg, "enc": said, "cty": "JWT"}.items()
        inside = jwe.decrypt_compact(token, key.key, [alg, said]).plaintext
        assert inside is not None
        assert member in verified(rp, inside.decode())


def test_without_a_key_to_encrypt_to_nobody_is_given_a_code(
    make_rp: MakeRP, holder: Holder, clock: MovableClock
) -> None:
    key = encryption_key("ECDH-ES")
    with publishing() as server:
        uri = server.put("/jwks", b"", 500)
        rp = make_rp(
            metadata=ClientMetadata(jwks_uri=uri, authorization_encrypted_response_alg="ECDH-ES")
        ).allowed_by(holder)
        response = rp.authorize(response_mode="jwt")
        assert verified(rp, response_of(rp, response))["error"] == "server_error"
        with reading(rp.site.database) as connection:
            assert connection.execute(select(func.count()).select_from(grants)).scalar_one() == 0
        server.put("/jwks", key.jwks | {"keys": [{**key.jwk_public, "alg": "ECDH-ES"}]})
        clock.advance(seconds=31)
        token = response_of(rp, rp.authorize(response_mode="jwt"))
        assert token.count(".") == 4


def test_who_answers_in_the_clear_is_not_asked_for_keys(make_rp: MakeRP, holder: Holder) -> None:
    rp = make_rp(
        metadata=ClientMetadata(
            jwks_uri="https://localhost:1/jwks", authorization_encrypted_response_alg="ECDH-ES"
        )
    ).allowed_by(holder)
    assert "code" in rp.answer()


def test_the_answer_names_its_client_and_issuer(
    rp: RelyingParty, holder: Holder, other_rp: RelyingParty
) -> None:
    """Mix-up (RFC 9207 §1): whose answer it is, and from whom, is inside the signature."""
    for each in (rp, other_rp):
        response = each.allowed_by(holder).authorize(response_mode="jwt")
        claims = verified(each, response_of(each, response))
        assert (claims["iss"], claims["aud"]) == (ORIGIN, each.client.client_id)

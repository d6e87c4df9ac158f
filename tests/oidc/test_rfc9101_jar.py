"""The OAuth 2.0 Authorization Framework: JWT-Secured Authorization Request, RFC 9101
(https://www.rfc-editor.org/rfc/rfc9101), OpenID Connect Core 1.0 §6
(https://openid.net/specs/openid-connect-core-1_0.html#JWTRequests), and FAPI 2.0 Message Signing
§5.3 (https://openid.net/specs/fapi-message-signing-2_0.html)."""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from httpx2 import Response
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.jwk import ECKey, RSAKey
from sqlalchemy import select

from authn.clients.client_metadata import ClientMetadata
from authn.db.transaction import reading
from authn.grants.tables import pushed_requests
from authn.jose import KEY_ENCRYPTIONS
from authn.oidc.requests.request_objects import REQUEST_OBJECT_ALGORITHMS
from authn.settings import Settings
from tests.citizen import ORIGIN
from tests.conftest import MovableClock
from tests.oidc.client_keys import ClientKey
from tests.oidc.pushing import bring, push, push_form
from tests.oidc.relying_party import Holder, RelyingParty, answer_of, b64, segment
from tests.oidc.test_rfc6749_authorization_endpoint import NOT_REGISTERED
from tests.published import Published, publishing

pytestmark = pytest.mark.thorough

MakeRP = Callable[..., RelyingParty]

ES256 = ClientKey.shared("ES256")
# All that a browser brings when everything else is inside (RFC 9101 §5).
NOTHING_ELSE = dict.fromkeys(
    ("response_type", "redirect_uri", "scope", "state", "nonce", "code_challenge"), None
) | {"code_challenge_method": None}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Clients may publish on this machine."""
    return settings.model_copy(update={"private_hosts": frozenset({"localhost"})})


@pytest.fixture
def published() -> Iterator[Published]:
    """The web server of a client."""
    with publishing() as server:
        yield server


@pytest.fixture
def signing_rp(make_rp: MakeRP, holder: Holder) -> RelyingParty:
    """A client with keys, whose person has consented and is signed in."""
    return make_rp(metadata=ClientMetadata(jwks=ES256.jwks)).allowed_by(holder)


@pytest.fixture
def fapi_rp(make_rp: MakeRP, holder: Holder) -> RelyingParty:
    """A client under the FAPI profile."""
    return make_rp(
        profile="fapi2",
        token_endpoint_auth_method="private_key_jwt",
        metadata=ClientMetadata(jwks=ES256.jwks, dpop_bound_access_tokens=True),
    ).allowed_by(holder)


def claims_of(rp: RelyingParty, **changes: Any) -> dict[str, Any]:
    """What a request object says; `changes` replace a claim, None leaves it out."""
    now = int(rp.site.clock().timestamp())
    claims = rp.request() | {
        "iss": rp.client.client_id,
        "aud": ORIGIN,
        "iat": now,
        "nbf": now,
        "exp": now + 300,
    }
    return {name: value for name, value in (claims | changes).items() if value is not None}


def request_object(rp: RelyingParty, key: ClientKey = ES256, /, **changes: Any) -> str:
    """A signed request object; `header` holds changes to its header."""
    header = {"typ": "oauth-authz-req+jwt"} | changes.pop("header", {})
    return key.sign(claims_of(rp, **changes), **header)


def error_of(rp: RelyingParty, token: str) -> str:
    """The error on the redirect_uri; the description helps and repeats nothing."""
    answer = rp.answer(request=token)
    assert answer.keys() == {"error", "error_description", "state", "iss"}
    assert answer["error_description"].isascii()
    return answer["error"]


def page(response: Response) -> bool:
    return response.status_code == 400 and "location" not in response.headers


# ------------------------------------------------------------------------------- by value


def test_the_request_is_inside(signing_rp: RelyingParty) -> None:  # RFC 9101 §5
    token = request_object(signing_rp, state="inside")
    response = signing_rp.authorize(**NOTHING_ELSE, request=token)
    answer = answer_of(response, signing_rp.redirect_uri)
    assert answer["state"] == "inside"
    assert signing_rp.redeem(answer["code"]).status_code == 200


def test_only_what_is_inside_counts(signing_rp: RelyingParty) -> None:  # RFC 9101 §6.3
    token = request_object(signing_rp, state=None, scope="openid", response_mode=None)
    response = signing_rp.authorize(
        request=token, state="outside", scope="openid profile", prompt="consent", max_age="0"
    )
    answer = answer_of(response, signing_rp.redirect_uri)
    assert answer.keys() == {"code", "iss"}
    assert signing_rp.redeem(answer["code"]).json()["scope"] == "openid"


def test_what_is_missing_inside_is_not_taken_from_outside(
    signing_rp: RelyingParty,
) -> None:  # RFC 9101 §6.3
    token = request_object(signing_rp, response_type=None)
    assert signing_rp.answer(request=token)["error"] == "invalid_request"
    token = request_object(signing_rp, code_challenge=None, code_challenge_method=None)
    assert signing_rp.answer(request=token)["error"] == "invalid_request"


def test_the_redirect_uri_inside_is_the_one_that_is_verified(
    signing_rp: RelyingParty,
) -> None:
    for redirect_uri in NOT_REGISTERED:
        token = request_object(signing_rp, redirect_uri=redirect_uri)
        assert page(signing_rp.authorize(request=token))
    token = request_object(signing_rp)
    outside = signing_rp.authorize(request=token, redirect_uri="https://evil.example/")
    assert "code" in answer_of(outside, signing_rp.redirect_uri)


@pytest.mark.parametrize("alg", REQUEST_OBJECT_ALGORITHMS)
def test_each_algorithm_of_discovery(make_rp: MakeRP, holder: Holder, alg: str) -> None:
    key = ClientKey.shared(alg)
    rp = make_rp(metadata=ClientMetadata(jwks=key.jwks)).allowed_by(holder)
    assert "code" in rp.answer(request=request_object(rp, key))


@pytest.mark.parametrize("typ", ["oauth-authz-req+jwt", "JWT", "jwt", None])
def test_a_typ_of_a_request_object(signing_rp: RelyingParty, typ: str | None) -> None:
    token = request_object(signing_rp, header={"typ": typ})  # RFC 9101 §4, §10.8
    assert "code" in signing_rp.answer(request=token)


@pytest.mark.parametrize("typ", ["dpop+jwt", "at+jwt", "logout+jwt", "", 1, ["JWT"]])
def test_a_typ_of_anything_else(signing_rp: RelyingParty, typ: object) -> None:
    token = request_object(signing_rp, header={"typ": typ})  # RFC 8725 §3.11
    assert error_of(signing_rp, token) == "invalid_request_object"


def test_json_types_inside(signing_rp: RelyingParty, clock: MovableClock) -> None:
    """RFC 9101 §4: numbers, objects and lists are those of JSON."""
    token = request_object(signing_rp, max_age=100)
    assert "code" in signing_rp.answer(request=token, prompt="none")
    clock.advance(seconds=101)
    token = request_object(signing_rp, max_age=100, prompt="none")
    assert signing_rp.answer(request=token)["error"] == "login_required"
    claims = {"id_token": {"acr": {"essential": True, "values": ["urn:nobody:has:this"]}}}
    for said in (claims, json.dumps(claims)):
        token = request_object(signing_rp, claims=said)
        error = signing_rp.answer(request=token)["error"]
        assert error == "unmet_authentication_requirements"
    for resource in (["https://nowhere.example"], "https://nowhere.example"):
        token = request_object(signing_rp, resource=resource)
        assert signing_rp.answer(request=token)["error"] == "invalid_target"
    details = [{"type": "nobody-knows-this"}]
    for told in (details, json.dumps(details)):
        token = request_object(signing_rp, authorization_details=told)
        error = signing_rp.answer(request=token)["error"]
        assert error == "invalid_authorization_details"


@pytest.mark.parametrize(
    "changes",
    [
        {"max_age": 1.5},
        {"max_age": True},
        {"max_age": [1]},
        {"state": 1},
        {"state": {"a": "b"}},
        {"state": "\x00"},
        {"scope": ["openid"]},
        {"resource": [1]},
        {"resource": ["https://a.example https://b.example"]},
        {"resource": {}},
        {"claims": []},
        {"authorization_details": {}},
        {"redirect_uri": ["https://hospital.example/callback"]},
        {"prompt": False},
    ],
)
@pytest.mark.one_engine
def test_values_of_another_type(signing_rp: RelyingParty, changes: dict[str, Any]) -> None:
    token = request_object(signing_rp, **changes)
    assert error_of(signing_rp, token) == "invalid_request_object"


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": None},  # RFC 9101 §6.3: identical outside and inside
        {"client_id": "pharmacy"},
        {"client_id": ["hospital"]},
        {"iss": "pharmacy"},
        {"aud": "https://other.example"},
        {"aud": ORIGIN + "/"},
        {"aud": [ORIGIN + "/authorize"]},
        {"aud": []},
        {"aud": {ORIGIN: ORIGIN}},
        {"request": "a.b.c"},  # RFC 9101 §4
        {"request_uri": "https://hospital.example/r"},
        {"exp": "soon"},
        {"exp": True},
    ],
)
@pytest.mark.one_engine
def test_what_is_not_from_this_client_to_us(
    signing_rp: RelyingParty, changes: dict[str, Any]
) -> None:
    token = request_object(signing_rp, **changes)
    assert error_of(signing_rp, token) == "invalid_request_object"


def test_the_audience_may_be_a_list_that_contains_the_issuer(
    signing_rp: RelyingParty,
) -> None:  # decisions 4.3
    for aud in ([ORIGIN], ["https://other.example", ORIGIN]):
        assert "code" in signing_rp.answer(request=request_object(signing_rp, aud=aud))


def test_iss_and_aud_may_be_left_out(signing_rp: RelyingParty) -> None:  # RFC 9101 §4: SHOULD
    token = request_object(signing_rp, iss=None, aud=None, exp=None, nbf=None)
    assert "code" in signing_rp.answer(request=token)


def test_a_client_assertion_is_no_request_object(signing_rp: RelyingParty) -> None:
    """RFC 9101 §10.8: what is signed for one purpose is of no use for another."""
    token = request_object(signing_rp, sub=signing_rp.client.client_id)
    assert error_of(signing_rp, token) == "invalid_request_object"


def test_times_have_a_minute_of_leeway(signing_rp: RelyingParty, clock: MovableClock) -> None:
    now = int(clock().timestamp())
    for changes, is_right in (
        ({"exp": now - 59}, True),
        ({"exp": now - 60}, False),
        ({"nbf": now + 60}, True),
        ({"nbf": now + 61}, False),
        ({"exp": now + 10**9, "nbf": 0}, True),
        ({"exp": 2**63}, True),
    ):
        answer = signing_rp.answer(request=request_object(signing_rp, **changes))
        assert ("code" in answer) is is_right, changes
        assert answer.get("error", "invalid_request_object") == "invalid_request_object"


def test_another_key_s_signature(signing_rp: RelyingParty) -> None:
    token = request_object(signing_rp, ClientKey("ES256", kid=ES256.kid))
    assert error_of(signing_rp, token) == "invalid_request_object"


def test_another_client_s_signature(
    signing_rp: RelyingParty, make_rp: MakeRP, holder: Holder
) -> None:
    other_key = ClientKey()
    make_rp(client_id="other", metadata=ClientMetadata(jwks=other_key.jwks))
    token = request_object(signing_rp, other_key)
    assert error_of(signing_rp, token) == "invalid_request_object"


def test_a_client_without_keys_signs_nothing(rp: RelyingParty, holder: Holder) -> None:
    rp.allowed_by(holder)
    assert error_of(rp, request_object(rp)) == "invalid_request_object"


def test_what_is_changed_after_the_signature(signing_rp: RelyingParty) -> None:
    head, _, signature = request_object(signing_rp).split(".")
    forged = f"{head}.{b64(claims_of(signing_rp, state='forged'))}.{signature}"
    assert error_of(signing_rp, forged) == "invalid_request_object"


def test_unsigned_or_signed_with_what_everybody_knows(signing_rp: RelyingParty) -> None:
    """Algorithm confusion: RFC 8725 §2.1; lessons: Pocket ID took unsigned ones."""
    body = b64(claims_of(signing_rp))
    unsigned = f"{b64({'alg': 'none'})}.{body}."
    public_key = ES256.key.as_pem(private=False)
    hs256 = f"{b64({'alg': 'HS256', 'kid': ES256.kid})}.{body}"
    mac = b64(hmac.new(public_key, hs256.encode(), hashlib.sha256).digest())
    attacker = ClientKey()
    embedded = request_object(signing_rp, attacker, header={"jwk": attacker.jwk_public})
    by_address = request_object(signing_rp, attacker, header={"jku": "https://evil.example/jwks"})
    critical = request_object(signing_rp, header={"crit": ["exp"], "exp": 1})
    for token in (unsigned, f"{hs256}.{mac}", embedded, by_address, critical):
        assert error_of(signing_rp, token) == "invalid_request_object"


def test_another_algorithm_than_the_registered_one(make_rp: MakeRP, holder: Holder) -> None:
    rsa = ClientKey.shared("PS256")
    keys = {"keys": [ES256.jwk_public, rsa.jwk_public]}
    rp = make_rp(metadata=ClientMetadata(jwks=keys, request_object_signing_alg="PS256")).allowed_by(
        holder
    )
    assert "code" in rp.answer(request=request_object(rp, rsa))
    assert error_of(rp, request_object(rp, ES256)) == "invalid_request_object"


@pytest.mark.parametrize("token", ["garbage", "a.b.c", "..", "....", "é.é.é", "a" * 9000, "{}"])
@pytest.mark.one_engine
def test_what_is_no_jwt(signing_rp: RelyingParty, token: str) -> None:
    assert error_of(signing_rp, token) == "invalid_request_object"


def test_both_by_value_and_by_reference(signing_rp: RelyingParty) -> None:  # RFC 9101 §5
    answer = signing_rp.answer(request=request_object(signing_rp), request_uri="https://a.example")
    assert answer["error"] == "invalid_request"


def test_without_a_redirect_uri_an_error_is_a_page(signing_rp: RelyingParty) -> None:
    """What could not be believed says nothing of where to go (RFC 6749 §4.1.2.1)."""
    token = request_object(signing_rp, ClientKey())
    assert page(signing_rp.authorize(**NOTHING_ELSE, request=token))
    outside = signing_rp.authorize(request=token, redirect_uri="https://evil.example/")
    assert page(outside)
    assert "evil." not in outside.text


def test_a_post_may_be_longer_than_an_address(signing_rp: RelyingParty) -> None:
    token = request_object(signing_rp, login_hint="x" * 30_000)
    form = {"client_id": signing_rp.client.client_id, "request": token}
    first = signing_rp.browser.post("/authorize", data=form)
    assert first.status_code == 303
    assert token not in first.headers["location"]
    second = signing_rp.browser.get(first.headers["location"])
    assert "code" in answer_of(second, signing_rp.redirect_uri)


def test_a_client_that_must_sign(make_rp: MakeRP, holder: Holder) -> None:  # RFC 9101 §10.5
    metadata = ClientMetadata(jwks=ES256.jwks, require_signed_request_object=True)
    rp = make_rp(metadata=metadata).allowed_by(holder)
    assert rp.answer()["error"] == "invalid_request"
    assert push(rp).json()["error"] == "invalid_request"
    assert "code" in rp.answer(request=request_object(rp))


def test_registration_inside_is_not_supported(signing_rp: RelyingParty) -> None:
    token = request_object(signing_rp, registration={"a": "b"})  # Core §7.2.1
    assert signing_rp.answer(request=token)["error"] == "registration_not_supported"


# ------------------------------------------------------------------------------- encrypted


@pytest.mark.parametrize("alg", KEY_ENCRYPTIONS)
@pytest.mark.parametrize("enc", ["A256GCM", "A128CBC-HS256"])
def test_signed_and_then_encrypted_to_us(
    signing_rp: RelyingParty, alg: str, enc: str
) -> None:  # RFC 9101 §6.1
    token = encrypted(signing_rp, request_object(signing_rp), alg, enc)
    assert "code" in signing_rp.answer(request=token)


def test_encrypted_and_not_signed(signing_rp: RelyingParty) -> None:
    for plaintext in (json.dumps(claims_of(signing_rp)), "", "a.b.c"):
        token = encrypted(signing_rp, plaintext, "ECDH-ES", "A256GCM")
        assert error_of(signing_rp, token) == "invalid_request_object"


def test_encrypted_to_somebody_else(signing_rp: RelyingParty) -> None:
    key = ECKey.generate_key("P-256")
    header = {"alg": "ECDH-ES", "enc": "A256GCM"}
    token = jwe.encrypt_compact(header, request_object(signing_rp), key, ["ECDH-ES", "A256GCM"])
    assert error_of(signing_rp, token) == "invalid_request_object"


def encrypted(rp: RelyingParty, plaintext: str, alg: str, enc: str) -> str:
    """The text for us, with the key that our key set has for it."""
    jwks = rp.browser.get("/jwks").json()["keys"]
    jwk = next(key for key in jwks if (key["use"], key["alg"]) == ("enc", alg))
    key = (RSAKey if jwk["kty"] == "RSA" else ECKey).import_key(jwk)
    header = {"alg": alg, "enc": enc, "cty": "JWT", "kid": jwk["kid"]}
    return jwe.encrypt_compact(header, plaintext, key, [alg, enc])


# ------------------------------------------------------------------------------- by reference


def test_a_registered_request_uri_is_fetched(
    make_rp: MakeRP, holder: Holder, published: Published
) -> None:  # RFC 9101 §5.2, Core §6.2
    uri = published.address + "/request.jwt"
    rp = make_rp(metadata=ClientMetadata(jwks=ES256.jwks, request_uris=(uri,))).allowed_by(holder)
    published.put("/request.jwt", request_object(rp, state="inside").encode())
    answer = answer_of(rp.authorize(**NOTHING_ELSE, request_uri=uri), rp.redirect_uri)
    assert answer["state"] == "inside"
    assert "code" in rp.answer(request_uri=uri)
    assert published.asked == ["/request.jwt"]


@pytest.mark.parametrize("change", [".evil.example", "?a=b", "/../other", "#fragment", "%2f"])
def test_no_other_address_is_fetched(
    make_rp: MakeRP, holder: Holder, published: Published, change: str
) -> None:  # decisions 4.3
    uri = published.address + "/request.jwt"
    rp = make_rp(metadata=ClientMetadata(jwks=ES256.jwks, request_uris=(uri,))).allowed_by(holder)
    assert rp.answer(request_uri=uri + change)["error"] == "invalid_request_uri"
    assert published.asked == []


def test_a_new_fragment_is_a_new_request(
    make_rp: MakeRP, holder: Holder, published: Published
) -> None:  # Core §6.2
    base = published.address + "/request.jwt"
    uris = (base + "#one", base + "#two")
    rp = make_rp(metadata=ClientMetadata(jwks=ES256.jwks, request_uris=uris)).allowed_by(holder)
    for uri, state in zip(uris, ("first", "second"), strict=True):
        published.put("/request.jwt", request_object(rp, state=state).encode())
        assert rp.answer(request_uri=uri)["state"] in (state, "af0ifjsldkj")
        response = rp.authorize(**NOTHING_ELSE, request_uri=uri)
        assert answer_of(response, rp.redirect_uri)["state"] == state
    assert published.asked == ["/request.jwt", "/request.jwt"]


@pytest.mark.parametrize(
    ("document", "status", "error"),
    [
        (b"", 404, "invalid_request_uri"),
        (b"\xff\xfe", 200, "invalid_request_uri"),
        (b"x" * 70_000, 200, "invalid_request_uri"),
        (b"garbage", 200, "invalid_request_object"),
        (b"", 200, "invalid_request_object"),
    ],
)
def test_an_address_without_a_request_object(
    make_rp: MakeRP,
    holder: Holder,
    published: Published,
    document: bytes,
    status: int,
    error: str,
) -> None:  # RFC 9101 §7
    uri = published.put("/request.jwt", document, status)
    rp = make_rp(metadata=ClientMetadata(jwks=ES256.jwks, request_uris=(uri,))).allowed_by(holder)
    assert rp.answer(request_uri=uri)["error"] == error


def test_keys_at_an_address_are_fetched_again_for_a_new_one(
    make_rp: MakeRP, holder: Holder, published: Published, clock: MovableClock
) -> None:  # RFC 9101 §6.2; decisions 4.17
    new = ClientKey()
    uri = published.put("/jwks", ES256.jwks)
    rp = make_rp(metadata=ClientMetadata(jwks_uri=uri)).allowed_by(holder)
    assert "code" in rp.answer(request=request_object(rp))
    published.put("/jwks", new.jwks)
    clock.advance(seconds=31)
    assert "code" in rp.answer(request=request_object(rp, new))
    assert published.asked == ["/jwks", "/jwks"]


def test_keys_that_can_t_be_fetched(make_rp: MakeRP, holder: Holder, published: Published) -> None:
    uri = published.put("/jwks", b"", 500)
    rp = make_rp(metadata=ClientMetadata(jwks_uri=uri)).allowed_by(holder)
    assert error_of(rp, request_object(rp)) == "invalid_request_object"


# ------------------------------------------------------------------------------- pushed


def test_a_request_object_is_pushed(signing_rp: RelyingParty) -> None:  # RFC 9126 §3
    token = request_object(signing_rp, state="inside")
    answer = push_form(signing_rp, {"request": token})
    assert answer.status_code == 201
    response = bring(signing_rp, answer.json()["request_uri"])
    assert answer_of(response, signing_rp.redirect_uri)["state"] == "inside"


def test_beside_a_pushed_request_object_nothing_counts(signing_rp: RelyingParty) -> None:
    form = signing_rp.request(state="outside", request=request_object(signing_rp, state=None))
    answer = push_form(signing_rp, form)
    response = bring(signing_rp, answer.json()["request_uri"])
    assert "state" not in answer_of(response, signing_rp.redirect_uri)


def test_what_is_wrong_with_a_pushed_one_is_told(signing_rp: RelyingParty) -> None:
    for changes in ({"client_id": "pharmacy"}, {"iss": "pharmacy"}, {"request_uri": "x"}):
        token = request_object(signing_rp, **changes)
        answer = push_form(signing_rp, {"request": token})
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request_object")
    token = request_object(signing_rp, redirect_uri="https://evil.example/")
    assert push_form(signing_rp, {"request": token}).json()["error"] == "invalid_request"


def test_no_national_number_inside_is_kept(signing_rp: RelyingParty) -> None:  # decisions 1.5
    number = "03410100128"
    claims = {"userinfo": {"ssin": {"value": number}}, "id_token": {"sub": None}}
    token = request_object(signing_rp, login_hint=number, claims=claims)
    assert push_form(signing_rp, {"request": token}).status_code == 201
    with reading(signing_rp.site.database) as connection:
        assert number not in str(connection.execute(select(pushed_requests)).all())
    response = signing_rp.browser.post(
        "/authorize", data={"client_id": signing_rp.client.client_id, "request": token}
    )
    posted = parse_qs(urlsplit(response.headers["location"]).query)["posted"][0]
    assert number not in json.dumps(segment("." + posted[1:], 1))


# ------------------------------------------------------------------------------- FAPI


def fapi_answer(rp: RelyingParty, key: ClientKey = ES256, /, **changes: Any) -> Response:
    """The answer of /par to a request object of this FAPI client."""
    return push_form(rp, {"request": request_object(rp, key, **changes)}, ES256)


def test_a_fapi_client_pushes_a_signed_request(fapi_rp: RelyingParty) -> None:
    request_uri = fapi_answer(fapi_rp).json()["request_uri"]
    assert "code" in answer_of(bring(fapi_rp, request_uri), fapi_rp.redirect_uri)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"aud": None}, 400),
        ({"exp": None}, 400),
        ({"nbf": None}, 400),
        ({"nbf": -3590, "exp": 10}, 201),
        ({"nbf": -3601, "exp": -10}, 400),
        ({"nbf": 0, "exp": 3600}, 201),
        ({"nbf": 0, "exp": 3601}, 400),
        ({"nbf": 10}, 201),
        ({"nbf": 61, "exp": 300}, 400),
    ],
)
@pytest.mark.one_engine
def test_the_life_of_a_fapi_request_object(
    fapi_rp: RelyingParty, changes: dict[str, Any], status: int
) -> None:  # FAPI 2.0 Message Signing §5.3.1; decisions 4.3
    now = int(fapi_rp.site.clock().timestamp())
    moved = {n: now + v if isinstance(v, int) else v for n, v in changes.items()}
    assert fapi_answer(fapi_rp, **moved).status_code == status


def test_a_fapi_client_never_signs_with_rs256(
    make_rp: MakeRP, holder: Holder
) -> None:  # FAPI 2.0 Security Profile §5.4.1
    rsa = ClientKey.shared("RS256")
    rp = make_rp(
        profile="fapi2",
        token_endpoint_auth_method="private_key_jwt",
        metadata=ClientMetadata(
            jwks={"keys": [ES256.jwk_public, rsa.jwk_public]}, dpop_bound_access_tokens=True
        ),
    )
    assert fapi_answer(rp, rsa).json()["error"] == "invalid_request_object"


# ------------------------------------------------------------------------------- whatever comes


@pytest.mark.thorough
@hypothesis_settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    claims=st.dictionaries(
        st.sampled_from(
            [
                *("client_id", "iss", "aud", "exp", "nbf", "sub", "redirect_uri", "state"),
                *("response_type", "scope", "max_age", "claims", "resource", "prompt"),
                *("authorization_details", "response_mode", "acr_values", "code_challenge"),
            ]
        ),
        st.recursive(
            st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=20),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
            max_leaves=6,
        ),
        max_size=4,
    )
)
def test_any_claims_in_a_request_object(signing_rp: RelyingParty, claims: dict[str, Any]) -> None:
    token = ES256.sign(claims_of(signing_rp) | claims)
    query = urlencode(signing_rp.request(request=token))
    response = signing_rp.browser.get("/authorize?" + query)
    assert response.status_code in (200, 303, 400)
    location = response.headers.get("location", "/")
    assert location.startswith(("/", signing_rp.redirect_uri + "?"))
    assert not location.startswith("//")

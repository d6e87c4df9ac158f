"""Signing and verifying: RFC 7515, 7519, 7638, 8725 (https://www.rfc-editor.org/rfc/rfc8725)."""

import base64
import hmac
import json
import warnings
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.errors import SecurityWarning, UnsupportedKeyOperationError
from joserfc.jwk import ECKey, import_key
from joserfc.jws import JWSRegistry

from authn.jose import (
    ALGORITHMS,
    KEY_ENCRYPTIONS,
    GenuineTexts,
    InvalidToken,
    OwnKey,
    export_private_key,
    export_public_key,
    generate_key,
    import_private_key,
    import_public_key,
    public_jwk,
    sign,
    verify,
)

KEYS = {key.kid: key for key in map(generate_key, ALGORITHMS)}
ES256 = next(key for key in KEYS.values() if key.alg == "ES256")
RS256 = next(key for key in KEYS.values() if key.alg == "RS256")
CLAIMS = {"sub": "somebody", "aud": "client"}


def b64(value: Any) -> str:
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@pytest.mark.parametrize("key", KEYS.values(), ids=ALGORITHMS)
def test_what_was_signed_is_verified(key: Any) -> None:
    assert verify(sign(key, CLAIMS), KEYS, "JWT") == CLAIMS


@pytest.mark.parametrize("key", KEYS.values(), ids=ALGORITHMS)
def test_another_implementation_verifies_it_with_the_published_key(key: Any) -> None:
    published = public_jwk(key)
    assert not {"d", "p", "q", "dp", "dq", "qi"} & published.keys()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # of EdDSA (RFC 9864)
        token = jwt.decode(sign(key, CLAIMS, "at+jwt"), import_key(published), [key.alg])
    assert token.claims == CLAIMS
    assert token.header == {"alg": key.alg, "kid": key.kid, "typ": "at+jwt"}


@pytest.mark.parametrize("key", KEYS.values(), ids=ALGORITHMS)
def test_a_kid_is_the_thumbprint(key: Any) -> None:  # RFC 7638
    assert key.kid == import_key(public_jwk(key)).thumbprint()


@pytest.mark.parametrize("key", KEYS.values(), ids=ALGORITHMS)
def test_a_key_survives_its_export(key: Any) -> None:
    again = import_private_key(key.alg, export_private_key(key))
    assert verify(sign(again, CLAIMS), KEYS, "JWT") == CLAIMS


@pytest.mark.parametrize("key", KEYS.values(), ids=ALGORITHMS)
def test_the_public_half_verifies_and_can_t_sign(key: Any) -> None:
    halves = [
        import_public_key(key.alg, export_public_key(key)),
        import_public_key(key.alg, export_private_key(key)),
    ]
    for half in halves:
        assert not half.key.is_private
        assert b'"d"' not in export_public_key(half)
        assert verify(sign(key, CLAIMS), {half.kid: half}, "JWT") == CLAIMS
        with pytest.raises(UnsupportedKeyOperationError):
            sign(half, CLAIMS)


def test_keys_of_one_kind_are_not_one_key() -> None:
    """RS256 and PS256 each have their own: a key is for one algorithm (RFC 8725 §3.1)."""
    rs256, ps256 = generate_key("RS256"), generate_key("PS256")
    header, payload, _ = sign(rs256, CLAIMS).split(".")
    by_the_other = sign(OwnKey(rs256.kid, "PS256", rs256.key), CLAIMS)
    assert verify(sign(ps256, CLAIMS), {ps256.kid: ps256}, "JWT") == CLAIMS
    for token in (by_the_other, f"{header}.{payload}.{by_the_other.rpartition('.')[2]}"):
        with pytest.raises(InvalidToken):
            verify(token, {rs256.kid: rs256}, "JWT")


def test_what_others_encrypt_to_is_published_for_that_alone() -> None:
    for alg in KEY_ENCRYPTIONS:
        published = public_jwk(generate_key(alg))
        assert (published["use"], published["alg"]) == ("enc", alg)
        assert not {"d", "p", "q", "dp", "dq", "qi"} & published.keys()


def test_a_key_is_not_printed() -> None:
    private = json.loads(export_private_key(ES256))["d"]
    assert private not in repr(ES256)


def test_a_token_of_another_type_is_refused() -> None:  # RFC 8725 §3.11
    with pytest.raises(InvalidToken):
        verify(sign(ES256, CLAIMS, "at+jwt"), KEYS, "JWT")


def test_a_token_of_another_key_is_refused() -> None:
    with pytest.raises(InvalidToken):
        verify(sign(generate_key("ES256"), CLAIMS), KEYS, "JWT")


def test_a_key_that_claims_our_kid_is_refused() -> None:
    stranger = ECKey.generate_key("P-256")
    forged = jwt.encode({"alg": "ES256", "kid": ES256.kid, "typ": "JWT"}, CLAIMS, stranger)
    with pytest.raises(InvalidToken):
        verify(forged, KEYS, "JWT")


@pytest.mark.parametrize(
    "alg", ["none", "None", "NONE", "HS256", "RS256", "PS256", "EdDSA", "ES384", "", None, 1]
)
def test_the_header_can_t_choose_the_algorithm(alg: Any) -> None:  # RFC 8725 §2.1
    header = {"alg": alg, "kid": ES256.kid, "typ": "JWT"}
    for signature in ("", b64(b"x" * 64), sign(ES256, CLAIMS).rpartition(".")[2]):
        with pytest.raises(InvalidToken):
            verify(f"{b64(header)}.{b64(CLAIMS)}.{signature}", KEYS, "JWT")


def test_a_public_key_is_no_shared_secret() -> None:  # RFC 8725 §2.1
    for secret in (json.dumps(public_jwk(RS256)).encode(), RS256.key.as_pem(private=False)):
        signed = f"{b64({'alg': 'HS256', 'kid': RS256.kid, 'typ': 'JWT'})}.{b64(CLAIMS)}"
        forged = hmac.digest(secret, signed.encode(), "sha256")
        with pytest.raises(InvalidToken):
            verify(f"{signed}.{b64(forged)}", KEYS, "JWT")


@pytest.mark.parametrize(
    "member",
    [
        {"jwk": public_jwk(generate_key("ES256"))},
        {"jku": "https://evil.example/jwks"},
        {"x5u": "https://evil.example/cert"},
        {"x5c": ["MIIB"]},
        {"crit": ["exp"], "exp": 1},
        {"crit": ["b64"], "b64": False},
        {"cty": "JWT"},
    ],
)
def test_a_header_says_nothing_besides_what_we_write(member: dict[str, Any]) -> None:
    header = {"alg": "ES256", "kid": ES256.kid, "typ": "JWT"} | member
    signed = f"{b64(header)}.{b64(CLAIMS)}"
    # Signed with our own key all the same: even then what it says is not followed.
    alg = JWSRegistry(algorithms=["ES256"]).get_alg("ES256")
    signature = b64(alg.sign(signed.encode(), ES256.key))
    with pytest.raises(InvalidToken):
        verify(f"{signed}.{signature}", KEYS, "JWT")


@pytest.mark.parametrize("comes_back", [False, True])
@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_changed_segment_is_refused(index: int, comes_back: bool) -> None:
    segments = sign(ES256, CLAIMS, comes_back=comes_back).split(".")
    first = segments[index][5]
    segments[index] = segments[index][:5] + ("A" if first != "A" else "B") + segments[index][6:]
    with pytest.raises(InvalidToken):
        verify(".".join(segments), KEYS, "JWT")


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "é.é.é",
        "x" * 10_000,
        sign(ES256, CLAIMS) + ".x",
        sign(ES256, CLAIMS) + "=",
        sign(ES256, CLAIMS) + "\n",
        " " + sign(ES256, CLAIMS),
        sign(ES256, CLAIMS).rpartition(".")[0],
        sign(ES256, CLAIMS).rpartition(".")[0] + ".",
    ],
)
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidToken):
        verify(token, KEYS, "JWT")


@pytest.mark.parametrize("comes_back", [False, True])
def test_a_token_that_is_remembered_is_refused_once_its_key_is_gone(comes_back: bool) -> None:
    token = sign(ES256, CLAIMS, comes_back=comes_back)
    verify(token, KEYS, "JWT")["sub"] = "nobody"  # what the caller does with it is their own
    assert verify(token, KEYS, "JWT") == CLAIMS
    others = {kid: key for kid, key in KEYS.items() if key is not ES256}
    with pytest.raises(InvalidToken):
        verify(token, others, "JWT")
    with pytest.raises(InvalidToken):
        verify(token, KEYS, "at+jwt")
    another = sign(ES256, {"sub": "nobody"})
    mixed = ".".join([*another.split(".")[:2], token.split(".")[2]])
    for _ in range(2):
        with pytest.raises(InvalidToken):
            verify(mixed, KEYS, "JWT")


def test_of_what_was_signed_the_latest_is_remembered_and_no_more() -> None:
    remembered = GenuineTexts(most=2)
    for text in (b"first", b"second", b"third"):
        remembered.add((ES256, text, b""))
    assert (ES256, b"first", b"") not in remembered
    assert (ES256, b"second", b"") in remembered
    assert (ES256, b"third", b"") in remembered
    assert (RS256, b"third", b"") not in remembered


@settings(deadline=None)
@given(
    st.text()
    | st.tuples(st.binary(), st.binary(), st.binary()).map(lambda parts: ".".join(map(b64, parts)))
    | st.binary().map(
        lambda signature: sign(ES256, CLAIMS).rpartition(".")[0] + "." + b64(signature)
    )
)
def test_any_text_is_a_token_of_ours_or_refused(token: str) -> None:
    with pytest.raises(InvalidToken):
        verify(token, KEYS, "JWT")

"""JWTs of others: RFC 7515, 7516, 7517, 8725 (https://www.rfc-editor.org/rfc/rfc8725)."""

import base64
import json
import time
import warnings
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from joserfc import jwe, jws, jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.util import urlsafe_b64encode

from authn.foreign_jwt import (
    CONTENT_ENCRYPTIONS,
    KEY_ENCRYPTIONS,
    KEY_ENCRYPTIONS_TO_OTHERS,
    LONGEST_TOKEN,
    SIGNATURES,
    NoFittingKey,
    OtherTokenType,
    UnknownForeignKey,
    decrypt_jwe,
    encrypt_jwe,
    public_key_set,
    read_key_set,
    read_private_keys,
    verify_jws,
)
from authn.jose import InvalidToken

unhurried = examples(deadline=None)  # a busy machine is no failure

RSA_KEY = RSAKey.generate_key(2048, {"kid": "one"}, private=True)
EC_KEY = ECKey.generate_key("P-256", {"kid": "two"}, private=True)
OKP_KEY = OKPKey.generate_key("Ed25519", {"kid": "three"}, private=True)
ENCRYPTION = RSAKey.generate_key(2048, {"kid": "enc", "use": "enc"}, private=True)
CLAIMS = {"sub": "somebody"}
SET = read_key_set({"keys": [key.as_dict(private=False) for key in (RSA_KEY, EC_KEY, OKP_KEY)]})
PRIVATE = read_private_keys(json.dumps(ENCRYPTION.as_dict(private=True)))
TOKEN = jwt.encode({"alg": "RS256", "kid": "one"}, CLAIMS, RSA_KEY)


def encrypted(payload: bytes, alg: str, enc: str, **header: Any) -> str:
    return jwe.encrypt_compact(
        {"alg": alg, "enc": enc, **header}, payload, ENCRYPTION, [alg, enc, "DEF"]
    )


def key_of(alg: str) -> RSAKey | ECKey | OKPKey:
    keys: dict[str, RSAKey | ECKey | OKPKey] = {"ES256": EC_KEY, "EdDSA": OKP_KEY}
    return keys.get(alg, RSA_KEY)


@pytest.mark.parametrize("alg", SIGNATURES)
def test_what_a_key_of_the_set_signed_is_verified(alg: str) -> None:
    key = key_of(alg)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # of EdDSA (RFC 9864)
        token = jwt.encode({"alg": alg, "kid": key.kid}, CLAIMS, key, algorithms=[alg])
    assert verify_jws(token, SET, SIGNATURES) == CLAIMS
    with pytest.raises(InvalidToken):
        verify_jws(token, SET, [each for each in SIGNATURES if each != alg])


def test_an_algorithm_that_is_not_listed_is_refused() -> None:
    with pytest.raises(InvalidToken):
        verify_jws(TOKEN, SET, ["ES256"])


@pytest.mark.parametrize("alg", ["RS512", "HS256", "none", "Ed25519", ""])
def test_a_list_can_t_allow_what_we_do_not_do(alg: str) -> None:
    header, payload, signature = TOKEN.split(".")
    changed = base64.urlsafe_b64encode(json.dumps({"alg": alg, "kid": "one"}).encode()).decode()
    with pytest.raises(InvalidToken):
        verify_jws(f"{changed.rstrip('=')}.{payload}.{signature}", SET, [alg, "RS256"])
    assert header != changed


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["b64"]},
        {"crit": []},
        {"b64": False},
        {"zip": "DEF"},
        {"jku": "https://x"},
        {"x5u": "https://x"},
        {"jwk": RSA_KEY.as_dict(private=False)},
    ],
)
def test_a_header_that_wants_more_is_refused(header: dict[str, Any]) -> None:  # RFC 8725 §3.10
    content = json.dumps({"alg": "RS256", "kid": "one", **header}).encode()
    changed = base64.urlsafe_b64encode(content).decode().rstrip("=")
    with pytest.raises(InvalidToken):
        verify_jws(f"{changed}.{TOKEN.partition('.')[2]}", SET, SIGNATURES)


def test_a_key_that_is_not_there_is_told_apart() -> None:
    token = jwt.encode({"alg": "RS256", "kid": "newer"}, CLAIMS, RSA_KEY)
    with pytest.raises(UnknownForeignKey):
        verify_jws(token, SET, SIGNATURES)


def test_without_a_name_the_only_key_that_fits_is_meant() -> None:
    token = jws.serialize_compact({"alg": "RS256"}, json.dumps(CLAIMS), RSA_KEY, ["RS256"])
    assert verify_jws(token, SET, SIGNATURES) == CLAIMS
    with pytest.raises(UnknownForeignKey):
        verify_jws(token, [*SET, *SET], SIGNATURES)


def test_one_that_names_no_key_may_be_of_a_newer_one() -> None:
    another = RSAKey.generate_key(2048, private=True)
    token = jws.serialize_compact({"alg": "RS256"}, json.dumps(CLAIMS), another, ["RS256"])
    with pytest.raises(UnknownForeignKey):
        verify_jws(token, SET, SIGNATURES)


# RFC 8725 §3.11; RFC 7515 §4.1.9 for how a type is written


@pytest.mark.parametrize("typ", [None, "JWT", "jwt", "Application/JWT", "secevent+jwt"])
def test_a_type_that_is_asked_for(typ: str | None) -> None:
    assert verify_jws(typed(typ), SET, SIGNATURES, ["jwt", "secevent+jwt"]) == CLAIMS


@pytest.mark.parametrize("typ", ["at+jwt", "application/at+jwt", "text/jwt", "", 1, ["JWT"], {}])
def test_a_type_of_another_kind_is_refused(typ: object) -> None:
    with pytest.raises(OtherTokenType):
        verify_jws(typed(typ), SET, SIGNATURES, ["jwt"])


def typed(typ: object) -> str:
    header = {"alg": "RS256", "kid": "one"} | ({} if typ is None else {"typ": typ})
    segments = (json.dumps(part).encode() for part in (header, CLAIMS))
    signed = b".".join(urlsafe_b64encode(each) for each in segments)
    signature = jws.JWSRegistry.algorithms["RS256"].sign(signed, RSA_KEY)
    return (signed + b"." + urlsafe_b64encode(signature)).decode()


def test_a_key_for_encryption_or_another_algorithm_verifies_nothing() -> None:  # RFC 7517 §4.2
    for changed in ({"use": "enc"}, {"alg": "PS256"}):
        keys = read_key_set({"keys": [{**RSA_KEY.as_dict(private=False), **changed}]})
        with pytest.raises(UnknownForeignKey):
            verify_jws(TOKEN, keys, SIGNATURES)


@pytest.mark.parametrize("payload", [b"[]", b"5", b"null", b"{", b"", b"\xff"])
def test_a_payload_that_is_no_object_is_refused(payload: bytes) -> None:
    token = jws.serialize_compact({"alg": "RS256", "kid": "one"}, payload, RSA_KEY, ["RS256"])
    with pytest.raises(InvalidToken):
        verify_jws(token, SET, SIGNATURES)


def test_a_short_key_is_not_believed() -> None:  # RFC 7518 §3.3
    short = rsa.generate_private_key(65537, 1024)  # noqa: S505 (it is what must be refused)
    numbers = short.public_key().public_numbers()
    modulus = numbers.n.to_bytes(128, "big")
    entry = {"kty": "RSA", "e": "AQAB", "n": base64.urlsafe_b64encode(modulus).decode().rstrip("=")}
    assert read_key_set({"keys": [entry]}) == ()


def test_the_private_half_of_somebody_s_key_is_not_looked_at() -> None:
    """Completing one from its exponent takes hours, by the size that its owner chooses."""
    modulus = base64.urlsafe_b64encode(b"\xff" * 4096).decode().rstrip("=")
    began = time.process_time()
    read = read_key_set({"keys": [{"kty": "RSA", "n": modulus, "e": "AQAB", "d": modulus}]})
    assert time.process_time() - began < 1
    assert not any(key.key.is_private for key in read)
    (whole,) = read_key_set({"keys": [RSA_KEY.as_dict(private=True)]})
    assert not whole.key.is_private
    assert verify_jws(TOKEN, [whole], SIGNATURES) == CLAIMS


def test_keys_that_can_t_be_read_are_left_out() -> None:  # RFC 7517 §5
    bad: list[Any] = [
        None,
        5,
        {},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": ["RSA"]},
        {"kty": "RSA", "n": 5, "e": "AQAB"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AA"},
        OKPKey.generate_key("X25519").as_dict(private=False),
        OKPKey.generate_key("Ed448").as_dict(private=False),
        {"kty": "RSA", "e": "AQAB", "n": "_" * 2800},
        {**RSA_KEY.as_dict(private=False), "kid": 5},
    ]
    assert read_key_set({"keys": bad}) == ()
    assert len(read_key_set({"keys": [*bad, RSA_KEY.as_dict(private=False)]})) == 1
    assert read_key_set({"keys": {}}) == read_key_set([]) == read_key_set(None) == ()


@pytest.mark.parametrize("alg", KEY_ENCRYPTIONS)
@pytest.mark.parametrize("enc", CONTENT_ENCRYPTIONS)
def test_what_was_encrypted_to_us_is_read(alg: str, enc: str) -> None:
    for named in ({}, {"kid": "enc"}, {"cty": "JWT"}):
        assert decrypt_jwe(encrypted(TOKEN.encode(), alg, enc, **named), PRIVATE) == TOKEN


def test_what_was_encrypted_to_another_key_is_refused() -> None:
    other = RSAKey.generate_key(2048, private=True)
    header = {"alg": "RSA-OAEP-256", "enc": "A256GCM"}
    token = jwe.encrypt_compact(header, TOKEN.encode(), other, list(header.values()))
    with pytest.raises(InvalidToken):
        decrypt_jwe(token, PRIVATE)
    with pytest.raises(InvalidToken):
        decrypt_jwe(encrypted(b"x", *header.values(), kid="another"), PRIVATE)


@pytest.mark.parametrize("alg", ["ECDH-ES", "ECDH-ES+A256KW"])
@pytest.mark.parametrize("enc", CONTENT_ENCRYPTIONS)
def test_by_an_elliptic_curve_too_where_the_caller_allows_it(alg: str, enc: str) -> None:
    header = {"alg": alg, "enc": enc}
    token = jwe.encrypt_compact(header, TOKEN.encode(), EC_KEY, [alg, enc])
    keys = read_private_keys(json.dumps(EC_KEY.as_dict(private=True)))
    assert decrypt_jwe(token, keys, [alg]) == TOKEN
    with pytest.raises(InvalidToken):
        decrypt_jwe(token, keys)


@pytest.mark.parametrize("epk", [None, 5, {}, {"kty": "EC"}, OKP_KEY.as_dict(private=False)])
def test_an_ephemeral_key_of_another_kind_is_refused(epk: Any) -> None:
    keys = read_private_keys(json.dumps(EC_KEY.as_dict(private=True)))
    header = json.dumps({"alg": "ECDH-ES", "enc": "A256GCM", "epk": epk}).encode()
    part = base64.urlsafe_b64encode(header).decode().rstrip("=")
    with pytest.raises(InvalidToken):
        decrypt_jwe(f"{part}..{'A' * 16}.AAAA.{'A' * 22}", keys, ["ECDH-ES"])


@pytest.mark.parametrize("alg", KEY_ENCRYPTIONS_TO_OTHERS)
@pytest.mark.parametrize("enc", CONTENT_ENCRYPTIONS)
def test_what_we_encrypt_the_owner_of_the_key_reads(alg: str, enc: str) -> None:  # RFC 7516 §7.1
    key = ENCRYPTION if alg.startswith("RSA") else EC_KEY
    keys = read_key_set({"keys": [OKP_KEY.as_dict(private=False), key.as_dict(private=False)]})
    token = encrypt_jwe(TOKEN, keys, alg, enc, "JWT")
    opened = jwe.decrypt_compact(token, key, [alg, enc])
    assert opened.plaintext == TOKEN.encode()
    assert opened.headers()["cty"] == "JWT"
    assert opened.headers()["kid"] == key.kid
    assert token != encrypt_jwe(TOKEN, keys, alg, enc, "JWT")


def test_a_key_without_a_name_is_not_named() -> None:
    keys = read_key_set({"keys": [ECKey.generate_key("P-256").as_dict(private=False)]})
    header = encrypt_jwe("x", keys, "ECDH-ES", "A256GCM").partition(".")[0]
    assert base64.urlsafe_b64decode(header + "==").count(b"kid") == 0


@pytest.mark.parametrize(
    ("change", "alg", "enc"),
    [
        ({"use": "sig"}, "RSA-OAEP-256", "A256GCM"),
        ({"alg": "RS256"}, "RSA-OAEP-256", "A256GCM"),
        ({"use": None, "key_ops": ["verify"]}, "RSA-OAEP-256", "A256GCM"),
        ({}, "ECDH-ES", "A256GCM"),
        ({}, "RSA-OAEP", "A256GCM"),
        ({}, "RSA1_5", "A256GCM"),
        ({}, "dir", "A256GCM"),
        ({}, "RSA-OAEP-256", "A192GCM"),
        ({}, "", ""),
    ],
)
def test_what_no_key_of_theirs_is_for_is_not_encrypted(
    change: dict[str, Any], alg: str, enc: str
) -> None:  # RFC 7517 §4.2, §4.3, §4.4
    jwk = {**ENCRYPTION.as_dict(private=False), **change}
    keys = read_key_set({"keys": [{name: each for name, each in jwk.items() if each}]})
    with pytest.raises(NoFittingKey):
        encrypt_jwe("x", keys, alg, enc)


def test_an_older_key_still_reads() -> None:
    """Both stand in the file while the upstream changes over."""
    older = RSAKey.generate_key(2048, {"use": "enc"}, private=True)
    keys = [older.as_dict(private=True), ENCRYPTION.as_dict(private=True)]
    both = read_private_keys(json.dumps({"keys": keys}))
    assert decrypt_jwe(encrypted(TOKEN.encode(), "RSA-OAEP", "A128GCM"), both) == TOKEN


def test_compression_is_refused() -> None:  # RFC 8725 §3.6
    token = encrypted(b"x" * 200_000, "RSA-OAEP", "A128GCM", zip="DEF")
    assert len(token) < 4_000
    with pytest.raises(InvalidToken):
        decrypt_jwe(token, PRIVATE)


def test_a_signing_key_decrypts_nothing() -> None:
    keys = read_private_keys(json.dumps({**ENCRYPTION.as_dict(private=True), "use": "sig"}))
    with pytest.raises(InvalidToken):
        decrypt_jwe(encrypted(TOKEN.encode(), "RSA-OAEP", "A128GCM"), keys)


def test_what_is_published_is_public() -> None:
    published = json.dumps(public_key_set(PRIVATE))
    assert json.loads(published)["keys"][0]["kid"] == "enc"
    assert '"d"' not in published


@pytest.mark.parametrize("text", ["", "x", "{}", '{"keys": 5}', "-----BEGIN PRIVATE KEY-----"])
def test_a_file_without_private_keys_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_private_keys(text)


def test_a_private_key_in_pem_is_read() -> None:
    pem = RSA_KEY.private_key
    assert pem
    text = pem.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    (key,) = read_private_keys(text)
    assert key.key.is_private


def test_an_endless_token_is_refused() -> None:
    with pytest.raises(InvalidToken):
        verify_jws("a" * LONGEST_TOKEN + ".b.c", SET, SIGNATURES)


_ENDS = st.text(alphabet="abcXYZ019-_.=+/ é", max_size=40)


@unhurried
@given(st.text() | st.builds(lambda start, end: TOKEN[:start] + end, st.integers(0, 500), _ENDS))
def test_whatever_comes_is_verified_or_refused(token: str) -> None:
    if token == TOKEN:
        return
    with pytest.raises(InvalidToken):
        verify_jws(token, SET, SIGNATURES)
    with pytest.raises(InvalidToken):
        decrypt_jwe(token, PRIVATE)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(), inside, max_size=3),
    max_leaves=8,
)
_NAMES = st.sampled_from(["alg", "enc", "kid", "typ", "zip", "epk", "apu", "p2c", "crit"])
_WORDS = st.sampled_from(["RS256", "RSA-OAEP", "A128GCM", "A256GCM", "ECDH-ES", "one"])
_CURVE_PRIVATE = read_private_keys(json.dumps(EC_KEY.as_dict(private=True)))
_POINT = st.just(EC_KEY.as_dict(private=False))


@unhurried
@given(st.dictionaries(_NAMES, _JSON | _WORDS | _POINT))
def test_whatever_a_header_holds_it_is_refused(header: dict[str, Any]) -> None:
    part = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
    with pytest.raises(InvalidToken):
        verify_jws(f"{part}.e30.AAAA", SET, SIGNATURES)
    with pytest.raises(InvalidToken):
        decrypt_jwe(f"{part}.AAAA.AAAA.AAAA.AAAA", PRIVATE)
    with pytest.raises(InvalidToken):
        decrypt_jwe(f"{part}..AAAA.AAAA.AAAA", _CURVE_PRIVATE, KEY_ENCRYPTIONS_TO_OTHERS)


@unhurried
@given(
    st.dictionaries(st.sampled_from(["kty", "n", "e", "crv", "x", "y", "kid", "use", "d"]), _JSON)
    | _JSON
)
def test_whatever_a_key_set_holds_it_is_read(entry: Any) -> None:
    for kind in ("RSA", "EC", "OKP"):
        keys = {"keys": [{**entry, "kty": kind} if isinstance(entry, dict) else entry]}
        assert read_key_set(keys) == ()

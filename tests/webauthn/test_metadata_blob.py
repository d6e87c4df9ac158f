"""FIDO Metadata Service v3.1 §3.1.7 and §3.2: which BLOBs are believed.

https://fidoalliance.org/specs/mds/fido-metadata-service-v3.1-ps-20250521.html
"""

import base64
import hmac
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from uuid import UUID

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from authn.certified_jws import read_certified_jws
from authn.jose import InvalidToken
from authn.webauthn.metadata import blob
from authn.webauthn.metadata.blob import SIGNER, InvalidBlob, trusted_roots, verify_blob
from tests.fido_metadata import (
    NUMBER,
    Certified,
    Lies,
    base64url,
    certify,
    entry,
    intermediate,
    signed_blob,
    signer,
    test_root,
)

pytestmark = pytest.mark.thorough

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
AAGUID = UUID("a5b1c2d3-0000-4000-8000-000000000001")
ENTRIES = [entry("Key One", AAGUID)]


def verify(blob: bytes, *, now: datetime = NOW) -> blob.VerifiedBlob:
    return verify_blob(blob, [test_root().certificate], now)


def refused(blob: bytes, reason: str | None = None, *, now: datetime = NOW) -> None:
    with pytest.raises(InvalidBlob, match=reason):
        verify(blob, now=now)


def by(who: Certified, *others: Certified, alg: str | None = None) -> bytes:
    """A BLOB that this one signed, with these certificates after theirs."""
    header = {"alg": alg} if alg else {}
    return signed_blob(ENTRIES, lies=Lies(signed_by=who, x5c=[who, *others], header=header))


def test_a_blob_whose_chain_ends_in_the_root_is_believed() -> None:
    metadata = verify(signed_blob(ENTRIES, next_update=date(2026, 4, 1))).metadata
    assert (metadata.number, metadata.next_update) == (NUMBER, date(2026, 4, 1))
    assert metadata.source == "operator"
    model = metadata.model(AAGUID)
    assert model is not None and model.name == "Key One"


def test_a_newline_at_the_end_of_the_file_is_no_matter() -> None:
    assert verify(signed_blob(ENTRIES) + b"\n").metadata.number == NUMBER


def test_the_root_may_come_along() -> None:
    assert verify(by(signer(), intermediate(), test_root())).metadata.number == NUMBER


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(ec.generate_private_key(ec.SECP384R1()), id="ES384"),
        pytest.param(rsa.generate_private_key(65537, 2048), id="RS256"),
    ],
)
def test_other_kinds_of_keys_may_sign(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    who = certify(SIGNER, intermediate(), authority=False, host=SIGNER, key=key)
    assert verify(by(who, intermediate())).metadata.number == NUMBER


def test_the_roots_of_the_alliance_are_the_two_of_globalsign() -> None:
    # As GlobalSign publishes them: https://support.globalsign.com/ca-certificates/root-certificates
    prints = {sha256(root.public_bytes(Encoding.DER)).hexdigest() for root in trusted_roots(None)}
    assert prints == {
        "4fa3126d8d3a11d1c4855a4f807cbad6cf919d3a5a88b03bea2c6372d93c40c9",
        "cbb522d7b7f127ad6a0113865bdf1cd4102e7d0759af635a7cf4720dc963c53b",
    }


# Chains


def test_a_chain_to_another_root_is_refused() -> None:
    root = certify("Another Root", None, authority=True)
    authority = certify("Another Authority", root, authority=True)
    who = certify(SIGNER, authority, authority=False, host=SIGNER)
    refused(by(who, authority), "trusted root")


def test_a_root_of_the_same_name_that_comes_along_is_no_anchor() -> None:
    root = certify("Test Metadata Root", None, authority=True)
    authority = certify("Test Metadata Authority", root, authority=True)
    who = certify(SIGNER, authority, authority=False, host=SIGNER)
    refused(by(who, authority, root), "trusted root")


def test_a_signer_that_signed_itself_is_refused() -> None:
    refused(by(certify(SIGNER, None, authority=False, host=SIGNER)), "trusted root")


def test_somebody_elses_certificate_under_the_same_root_may_not_sign() -> None:
    who = certify("attacker.example", intermediate(), authority=False, host="attacker.example")
    refused(by(who, intermediate()), "trusted root")


def test_the_name_alone_without_a_host_is_not_enough() -> None:
    refused(by(certify(SIGNER, intermediate(), authority=False), intermediate()), "trusted root")


def test_a_certificate_that_is_no_authority_can_issue_no_signer() -> None:
    host = certify("host.example", intermediate(), authority=False, host="host.example")
    who = certify(SIGNER, host, authority=False, host=SIGNER)
    refused(by(who, host, intermediate()), "trusted root")


@pytest.mark.parametrize(
    "authority",
    [
        pytest.param({"basic_constraints": False}, id="basic constraints"),
        pytest.param({"key_cert_sign": False}, id="key usage"),
        pytest.param({"end": NOW - timedelta(days=1)}, id="expired"),
        pytest.param({"begin": NOW + timedelta(days=1)}, id="not yet valid"),
    ],
)
def test_an_authority_that_may_not_issue_is_refused(authority: dict[str, object]) -> None:
    middle = certify("Middle", test_root(), authority=True, **authority)  # type: ignore[arg-type]
    who = certify(SIGNER, middle, authority=False, host=SIGNER)
    refused(by(who, middle), "trusted root")


def test_an_expired_signer_is_refused() -> None:
    who = certify(SIGNER, intermediate(), authority=False, host=SIGNER, end=NOW)
    assert verify(by(who, intermediate()), now=NOW - timedelta(days=1)).metadata.number == NUMBER
    refused(by(who, intermediate()), "trusted root", now=NOW + timedelta(seconds=1))


def test_a_signer_whose_authority_is_missing_is_refused() -> None:
    refused(by(signer()), "trusted root")


@pytest.mark.parametrize(
    ("x5c", "reason"),
    [
        (None, "does not bring"),
        ([], "does not bring"),
        ("MIIB", "does not bring"),
        ([base64.b64encode(test_root().der).decode()] * 9, "does not bring"),
        (["MIIB"], "cannot be read"),
        (["*"], "cannot be read"),
        ([7], "cannot be read"),
        ([None], "cannot be read"),
    ],
)
def test_a_header_without_readable_certificates_is_refused(x5c: object, reason: str) -> None:
    refused(signed_blob(ENTRIES, lies=Lies(header={"x5c": x5c})), reason)


# Signatures


def test_a_payload_that_was_changed_is_refused() -> None:
    refused(signed_blob(ENTRIES, lies=Lies(tampered=True)), "not signed by the certificate")


def test_a_signature_of_another_key_is_refused() -> None:
    thief = certify(SIGNER, None, authority=False, host=SIGNER)
    blob = signed_blob(ENTRIES, lies=Lies(signed_by=thief, x5c=[signer(), intermediate()]))
    refused(blob, "not signed by the certificate")


@pytest.mark.parametrize("alg", ["none", "None", "HS256", "ES512", "RS256", "", 7, None])
def test_an_algorithm_that_is_not_the_keys_is_refused(alg: object) -> None:
    refused(signed_blob(ENTRIES, lies=Lies(header={"alg": alg})), "not signed by the certificate")


def test_no_signature_at_all_is_refused() -> None:
    head, payload, _ = signed_blob(ENTRIES, lies=Lies(header={"alg": "none"})).split(b".")
    refused(head + b"." + payload + b".", "not signed by the certificate")


def test_the_public_key_is_no_shared_secret() -> None:
    # RFC 8725 §2.1: HS256 over what everybody knows
    public = signer().key.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = signed_blob(ENTRIES, lies=Lies(header={"alg": "HS256"})).rpartition(b".")[0]
    signature = base64url(hmac.digest(pem, signed, "sha256"))
    refused(signed + b"." + signature, "not signed by the certificate")


def test_an_extension_that_must_be_understood_is_refused() -> None:
    refused(signed_blob(ENTRIES, lies=Lies(header={"crit": ["b64"], "b64": False})), "no JWT")


# Contents


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"not JSON",
        orjson.dumps({"no": 1, "nextUpdate": "2026-01-01"}),
        orjson.dumps({"no": "1", "nextUpdate": "2026-01-01", "entries": []}),
        orjson.dumps({"no": True, "nextUpdate": "2026-01-01", "entries": []}),
        orjson.dumps({"no": -1, "nextUpdate": "2026-01-01", "entries": []}),
        orjson.dumps({"no": 2**40, "nextUpdate": "2026-01-01", "entries": []}),
        orjson.dumps({"no": 1, "nextUpdate": "soon", "entries": []}),
        orjson.dumps({"no": 1, "nextUpdate": "2026-01-01", "entries": {}}),
    ],
)
def test_a_signed_payload_that_says_nothing_is_refused(payload: bytes) -> None:
    refused(signed_blob([], lies=Lies(payload=payload)), "cannot be read")


def test_a_blob_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blob, "LARGEST_BLOB", 1000)
    refused(signed_blob(ENTRIES), "larger than 32 MB")


@given(garbage=st.binary(max_size=300))
def test_garbage_is_refused(garbage: bytes) -> None:
    refused(garbage)


HEADERS = st.dictionaries(
    st.sampled_from(["alg", "x5c", "crit", "typ", "x5u"]),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-9, 9)
        | st.text(max_size=20)
        | st.sampled_from(["ES256", "MIIB"]),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=8,
    ),
)


@given(header=HEADERS, payload=st.binary(max_size=40), signature=st.binary(max_size=80))
def test_any_header_is_read_or_refused(
    header: dict[str, object], payload: bytes, signature: bytes
) -> None:
    parts = (orjson.dumps(header), payload, signature)
    jwt = b".".join(base64url(part) for part in parts)
    try:
        token = read_certified_jws(jwt)
    except InvalidToken:
        assert "crit" in header
    else:
        assert token.unverified_header == header
        assert token.signature == signature
    refused(jwt)


@pytest.mark.filterwarnings("ignore:Parsed a serial number:UserWarning")
@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_flipped_bit_anywhere_is_refused(at: int, bit: int) -> None:
    blob = bytearray(signed_blob(ENTRIES))
    at %= len(blob)
    blob[at] ^= 1 << bit
    refused(bytes(blob))

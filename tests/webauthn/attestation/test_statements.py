"""Statements that do not verify: §7.1 steps 21 and 22, and each format's procedure in §8
(https://www.w3.org/TR/webauthn-3/#sctn-defined-attestation-formats).
"""

from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from authn.web.site import Site
from tests.attestation import (
    AAGUID_EXTENSION,
    ALL_APPLICATIONS,
    APPLE_NONCE,
    GENERATED,
    KEY_DESCRIPTION,
    MODEL,
    OF_THE_KEY,
    PACKED_SUBJECT,
    PURPOSE_SIGN,
    RS1,
    Ceremony,
    Maker,
    apple_nonce,
    der,
    explicit,
    integer,
    key_description,
    maker_root,
    tpm_names,
)
from tests.screens import everything, problem
from tests.webauthn.attestation.enrolment import (
    BRINGS_ITS_OWN_ROOT,
    LATER,
    ON_SQLITE,
    OTHER_KEY,
    OTHER_MODEL,
    PAST,
    Enrolment,
    authority,
    known,
    maker_of,
    nobodys_authority,
    under,
)

pytestmark = [pytest.mark.thorough, pytest.mark.one_engine]

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def of_another_challenge(ceremony: Ceremony) -> Ceremony:
    return replace(ceremony, client_data=ceremony.client_data.replace(b"challenge", b"challenged"))


def of_another_key(ceremony: Ceremony) -> Ceremony:
    return replace(ceremony, credential=replace(ceremony.credential, private_key=OTHER_KEY))


def of_another_model(ceremony: Ceremony) -> Ceremony:
    data = ceremony.authenticator_data
    return replace(ceremony, authenticator_data=data[:37] + OTHER_MODEL.bytes + data[53:])


def x5c_becomes(*x5c: Any) -> dict[str, Any]:
    return {"x5c": lambda _: list(x5c)}


def described(**parts: Any) -> dict[str, Any]:
    return {"says": lambda challenge: key_description(challenge, **parts)}


def without(oid: x509.ObjectIdentifier) -> dict[str, Any]:
    return {"extensions": {oid: None}}


def extension(oid: x509.ObjectIdentifier, value: bytes, critical: bool = False) -> dict[str, Any]:
    return {"extensions": {oid: (x509.UnrecognizedExtension(oid, value), critical)}}


def certificate_extension(value: x509.ExtensionType, critical: bool = False) -> dict[str, Any]:
    return {"extensions": {value.oid: (value, critical)}}


UNKNOWN = x509.ObjectIdentifier("1.2.3.4")
LONG_CERTIFICATE = Maker("packed", **extension(UNKNOWN, bytes(8 * 1024))).chain(
    OTHER_KEY, PACKED_SUBJECT, []
)[0]

IN_EACH: dict[str, dict[str, Any]] = {
    "a statement of another challenge": {"ceremony": of_another_challenge},
    "a statement of another key": {"ceremony": of_another_key},
    "an empty x5c": x5c_becomes(),
    "no x5c": {"members": {"x5c": None}},
    "x5c that is no list": {"members": {"x5c": {}}},
    "x5c of numbers": x5c_becomes(1, 2),
    "x5c of garbage": x5c_becomes(b"\x30\x03\x02\x01\x01", b""),
    "nine certificates": {"x5c": lambda x5c: x5c + [maker_root().der] * (9 - len(x5c))},
    "a certificate of more than 8 kB": {"x5c": lambda x5c: [*x5c, LONG_CERTIFICATE]},
}
SIGNED: dict[str, dict[str, Any]] = {
    "signed by another key": {"key": OTHER_KEY},
    "no signature": {"members": {"sig": ...}},
    "an empty signature": {"members": {"sig": b""}},
    "a signature that is a text": {"members": {"sig": "sig"}},
    "a signature of 2049 bytes": {"members": {"sig": b"\x30" * 2049}},
}
WITH_ALGORITHM: dict[str, dict[str, Any]] = {
    "no algorithm": {"members": {"alg": ...}},
    "another algorithm": {"members": {"alg": -36}},
    "an algorithm of another kind of key": {"members": {"alg": -39}},
    "an unknown algorithm": {"members": {"alg": -9999}},
    "SHA-1": {"members": {"alg": -65535}},
    "an algorithm that is true": {"members": {"alg": True}},
    "an algorithm that is a text": {"members": {"alg": "ES256"}},
}
PACKED: dict[str, dict[str, Any]] = {
    "SHA-1, signed": {"certified": RSA_KEY, "algorithm": RS1},
    "authenticator data of another model": {
        "ceremony": of_another_model,
        "extensions": {AAGUID_EXTENSION: None},
    },
    "another AAGUID in the extension": extension(AAGUID_EXTENSION, b"\x04\x10" + OTHER_MODEL.bytes),
    "an AAGUID without its tag": extension(AAGUID_EXTENSION, MODEL.bytes),
    "a critical AAGUID": extension(AAGUID_EXTENSION, b"\x04\x10" + MODEL.bytes, critical=True),
    "an authority's certificate": certificate_extension(x509.BasicConstraints(True, None), True),
    "no basic constraints": without(x509.BasicConstraints.oid),
    "another OU": {
        "subject": {**PACKED_SUBJECT, NameOID.ORGANIZATIONAL_UNIT_NAME: "Authenticator"}
    },
    "no name at all": {"subject": {}},
    **{
        f"no {name}": {
            "subject": {each: text for each, text in PACKED_SUBJECT.items() if each != oid}
        }
        for name, oid in (
            ("OU", NameOID.ORGANIZATIONAL_UNIT_NAME),
            ("country", NameOID.COUNTRY_NAME),
            ("organisation", NameOID.ORGANIZATION_NAME),
            ("common name", NameOID.COMMON_NAME),
        )
    },
}
TPM: dict[str, dict[str, Any]] = {
    "another version": {"members": {"ver": "1.2"}},
    "no version": {"members": {"ver": ...}},
    "not made by a TPM": {"cert_info": lambda info: b"\xff\x54\x43\x48" + info[4:]},
    "a quote instead of a certification": {
        "cert_info": lambda info: info[:4] + b"\x80\x18" + info[6:]
    },
    "no certInfo": {"members": {"certInfo": ...}},
    "certInfo cut off": {"cert_info": lambda info: info[:-40]},
    "an endless length in certInfo": {"cert_info": lambda info: info[:6] + b"\xff\xff" + info[8:]},
    "no pubArea": {"members": {"pubArea": ...}},
    "pubArea cut off": {"pub_area": lambda area: area[:-1]},
    "pubArea of an unknown kind": {"pub_area": lambda area: b"\x00\x08" + area[2:]},
    "another key in pubArea": {"members": {"pubArea": b"\x00\x23\x00\x0b" + bytes(80)}},
    "another name of pubArea": {"cert_info": lambda info: info[:-37] + b"?" + info[-36:]},
    "a subject": {"subject": {NameOID.COMMON_NAME: "A TPM"}},
    "no names": without(x509.SubjectAlternativeName.oid),
    "names of a host": certificate_extension(
        x509.SubjectAlternativeName([x509.DNSName("tpm.example")]), True
    ),
    "no model": certificate_extension(tpm_names(model=""), True),
    "an unknown manufacturer": certificate_extension(tpm_names(manufacturer="id:FFFFF1D0"), True),
    "no extended key usage": without(x509.ExtendedKeyUsage.oid),
    "another extended key usage": certificate_extension(
        x509.ExtendedKeyUsage([x509.ObjectIdentifier("2.23.133.8.1")])
    ),
    "an authority's certificate": certificate_extension(x509.BasicConstraints(True, None), True),
    "no basic constraints": without(x509.BasicConstraints.oid),
    "another AAGUID in the extension": extension(AAGUID_EXTENSION, b"\x04\x10" + OTHER_MODEL.bytes),
}
ANDROID_KEY: dict[str, dict[str, Any]] = {
    "another key certified": {"certified": OTHER_KEY},
    "no key description": without(KEY_DESCRIPTION),
    "a key description of another challenge": {"says": lambda _: key_description(b"x")},
    "a key description with bytes behind it": {
        "says": lambda challenge: key_description(challenge) + b"\x05\x00"
    },
    "a key description that is none": {"says": lambda _: b"\x04\x02\x00\x00"},
    "a key for all applications": described(software=[ALL_APPLICATIONS]),
    "a key for all applications of the hardware": described(
        trusted=[PURPOSE_SIGN, *OF_THE_KEY, ALL_APPLICATIONS, GENERATED]
    ),
    "a key that was imported": described(
        trusted=[PURPOSE_SIGN, *OF_THE_KEY, explicit(702, integer(2))]
    ),
    "a key to decrypt": described(
        trusted=[explicit(1, der(0x31, integer(1))), *OF_THE_KEY, GENERATED]
    ),
    "a key to sign and decrypt": described(
        trusted=[explicit(1, der(0x31, integer(1), integer(2))), *OF_THE_KEY, GENERATED]
    ),
    "a key in software": described(software=[PURPOSE_SIGN, *OF_THE_KEY, GENERATED], trusted=[]),
    "one certificate": {"x5c": lambda x5c: x5c[:1]},
    "no root in x5c": {"x5c": lambda x5c: x5c[:-1]},
    "expired": {"end": PAST},
    "not yet valid": {"begin": LATER},
    "self-signed": {"self_issued": True},
    "another root": {"issuers": under(nobodys_authority())},
    "an authority that is none": {"issuers": under(authority(authority=False))},
}
APPLES: dict[str, dict[str, Any]] = {
    "another key certified": {"certified": OTHER_KEY},
    "the AAGUID of another model": {"ceremony": of_another_model},
    "no nonce": without(APPLE_NONCE),
    "another nonce": extension(APPLE_NONCE, apple_nonce(bytes(32))),
    "a nonce of another shape": {"says": lambda nonce: b"\x04\x24" + bytes(4) + nonce},
    "another root": {"issuers": under(nobodys_authority())},
    "self-signed": {"self_issued": True},
    "self-signed root in x5c": BRINGS_ITS_OWN_ROOT,
    "expired": {"end": PAST},
    "not yet valid": {"begin": LATER},
    "no link in between": {"x5c": lambda x5c: x5c[:1]},
}
FIDO_U2F: dict[str, dict[str, Any]] = {
    "two certificates": {"x5c": lambda x5c: [*x5c, maker_root().der]},
    "an RSA key": {
        "certified": RSA_KEY,
        "key": OTHER_KEY,
    },
    "a key on P-384": {"certified": ec.generate_private_key(ec.SECP384R1())},
}
OF_EACH_FORMAT: dict[str, dict[str, dict[str, Any]]] = {
    "packed": {**IN_EACH, **SIGNED, **WITH_ALGORITHM, **PACKED},
    "packed-self": {
        **SIGNED,
        **WITH_ALGORITHM,
        "a statement of another challenge": IN_EACH["a statement of another challenge"],
        "an empty x5c": {"members": {"x5c": []}},
    },
    "tpm": {**IN_EACH, **SIGNED, **WITH_ALGORITHM, **TPM},
    "android-key": {**IN_EACH, **SIGNED, **WITH_ALGORITHM, **ANDROID_KEY},
    "apple": {**IN_EACH, **APPLES},
    "fido-u2f": {**IN_EACH, **SIGNED, **FIDO_U2F},
}
# What a packed statement says of the key is the authenticator data, which are the true ones here.
del OF_EACH_FORMAT["packed"]["a statement of another key"]
LIES = [
    pytest.param(format_, wrong, id=f"{format_}: {name}")
    for format_, lies in OF_EACH_FORMAT.items()
    for name, wrong in lies.items()
]


@ON_SQLITE
@pytest.mark.parametrize(("format_", "wrong"), LIES)
def test_a_statement_that_does_not_verify_is_refused_and_writes_nothing(
    site: Site, enrolment: Enrolment, format_: str, wrong: dict[str, Any]
) -> None:
    maker = maker_of(format_, **wrong)
    known(site, maker, roots=[maker_root().der])
    before = everything(site)
    answer = enrolment.register(maker)
    assert (answer.status_code, problem(answer)) == (400, "unverified-response")
    assert everything(site) == before


@ON_SQLITE
def test_a_fido_u2f_statement_with_an_aaguid_is_refused(site: Site, enrolment: Enrolment) -> None:
    """§8.6: U2F knows none, and the signature would not cover it."""
    maker = maker_of("fido-u2f")
    known(site, maker)
    assert problem(enrolment.register(maker, aaguid=MODEL)) == "unverified-response"

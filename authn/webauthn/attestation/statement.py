"""Attestation statements of WebAuthn §8, read with limits before anything is decoded.

py_webauthn verifies signatures and challenges of each format. What it leaves out is here: sizes and
types of the members, and what §8 wants of an attestation certificate.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cryptography import x509
from cryptography.x509.oid import NameOID
from webauthn.helpers import encode_cbor, parse_cbor

from authn.errors import N_, InvalidRequest
from authn.webauthn.authenticator_data import check_attested_data, end_of_item, read_aaguid

MOST_CERTIFICATES = 8
LONGEST_CERTIFICATE = 8 * 1024  # bytes, as all limits here
LONGEST_MEMBER = 2 * 1024

# §8.2 to §8.8: the members that a statement of each format has. All other formats are unknown to
# py_webauthn, and so to us; `compound` (§8.9) among them.
_MEMBERS: dict[str, dict[str, type]] = {
    "none": {},
    "packed": {"alg": int, "sig": bytes},  # and x5c, unless the credential's own key signed
    "tpm": {"ver": str, "alg": int, "x5c": list, "sig": bytes, "certInfo": bytes, "pubArea": bytes},
    "android-key": {"alg": int, "sig": bytes, "x5c": list},
    "fido-u2f": {"x5c": list, "sig": bytes},
    "apple": {"x5c": list},
}
FORMATS = tuple(format_ for format_ in _MEMBERS if format_ != "none")
_RETIRED = "android-safetynet"  # its service was switched off in 2025

_RS1 = -65535  # RSASSA-PKCS1-v1_5 with SHA-1: still the key of many a TPM, of nothing else
_AAGUID = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")  # id-fido-gen-ce-aaguid, §8.2.1
_APPLE_NONCE = x509.ObjectIdentifier("1.2.840.113635.100.8.2")
_OCTET_STRING_OF_16 = b"\x04\x10"
_NONCE_OF_32 = b"\x30\x24\xa1\x22\x04\x20"  # SEQUENCE { [1] { OCTET STRING } }


@dataclass(frozen=True, slots=True)
class AttestationStatement:
    """An attestation statement of the right shape, unverified.

    `attestation_object` is what has to be verified; `x5c` are its certificates (DER), empty when it
    has none.
    """

    format: str
    aaguid: UUID
    x5c: tuple[bytes, ...]
    attestation_object: bytes


def read_statement(attestation_object: bytes, *, asked: bool) -> AttestationStatement:
    """The statement in an attestation object, or the empty `none` where none was `asked` for.

    Some platforms send a statement that nobody asked for. Nobody looks at it, so it must not be
    able to refuse a person either: parsers of TPM and Android statements do so for reasons that
    aren't ours.

    Raises `ValueError` or the like for bytes of another shape, and `InvalidRequest` for a format
    that isn't verified here.
    """
    if end_of_item(attestation_object) != len(attestation_object):
        raise ValueError("bytes left behind the attestation object")
    decoded = parse_cbor(attestation_object)
    authenticator_data: bytes = decoded["authData"]
    check_attested_data(authenticator_data)
    format_, members = decoded["fmt"], decoded["attStmt"]
    if format_ == "none" and members != {}:
        raise ValueError("a statement where there should be none")  # §8.7
    aaguid = read_aaguid(authenticator_data)
    if not asked:
        without = {"fmt": "none", "attStmt": {}, "authData": authenticator_data}
        return AttestationStatement("none", aaguid, (), encode_cbor(without))
    _check_format(format_)
    _check_members(format_, members)
    statement = AttestationStatement(
        format_, aaguid, tuple(members.get("x5c", ())), attestation_object
    )
    if statement.x5c:
        _CERTIFICATE_CHECKS[format_](x509.load_der_x509_certificate(statement.x5c[0]), aaguid)
    return statement


def _check_format(format_: Any) -> None:
    """§7.1 step 21: the format is known here."""
    if not isinstance(format_, str):
        raise TypeError("the format is no text")
    if format_ not in _MEMBERS:
        why = "retired" if format_ == _RETIRED else "unknown"
        raise InvalidRequest(
            "unsupported_attestation",
            N_(
                "Your device describes itself in a way that is not accepted here. Try another "
                "device or another browser."
            ),
            detail=f"attestation format {format_[:40]!r} is {why}",
        )


def _check_members(format_: str, members: Any) -> None:
    """Each member of the statement has its type (true is no number), and none is too long."""
    if not isinstance(members, dict):
        raise TypeError("the statement is no map")
    for name, type_ in _MEMBERS[format_].items():
        if type(members.get(name)) is not type_:
            raise ValueError(f"{name} is missing or of another type")
        if type_ is bytes and not 0 < len(members[name]) <= LONGEST_MEMBER:
            raise ValueError(f"{name} is empty or too long")
    if members.get("alg") == _RS1 and format_ != "tpm":
        raise ValueError("SHA-1")
    if "x5c" in members:
        _check_sizes(members["x5c"])


def _check_sizes(x5c: Any) -> None:
    """x5c has one certificate at least: an empty list is not the same as no list (§8.2)."""
    if type(x5c) is not list or not 0 < len(x5c) <= MOST_CERTIFICATES:
        raise ValueError("x5c is no list, empty or too long")
    for certificate in x5c:
        if type(certificate) is not bytes or len(certificate) > LONGEST_CERTIFICATE:
            raise ValueError("a certificate is no bytes or too long")


def _check_packed(certificate: x509.Certificate, aaguid: UUID) -> None:
    """§8.2.1."""
    if certificate.version is not x509.Version.v3:
        raise ValueError("the certificate's version is not 3")
    subject = certificate.subject
    units = subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    if [each.value for each in units] != ["Authenticator Attestation"]:
        raise ValueError("the certificate's OU is not Authenticator Attestation")
    for attribute in (NameOID.COUNTRY_NAME, NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
        if not any(each.value for each in subject.get_attributes_for_oid(attribute)):
            raise ValueError("the certificate's subject lacks a member")
    if certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
        raise ValueError("the certificate is an authority's")
    _check_aaguid(certificate, aaguid)


def _check_aaguid(certificate: x509.Certificate, aaguid: UUID) -> None:
    """§8.2.1 and §8.3: where a certificate names an AAGUID, it is the credential's."""
    try:
        extension = certificate.extensions.get_extension_for_oid(_AAGUID)
    except x509.ExtensionNotFound:
        return
    if extension.critical:
        raise ValueError("the certificate's AAGUID is critical")
    if _bytes_of(extension) != _OCTET_STRING_OF_16 + aaguid.bytes:
        raise ValueError("the certificate's AAGUID is another")


def _check_apple(certificate: x509.Certificate, _: UUID) -> None:
    """§8.8. py_webauthn compares the nonce, without a look at what is around it."""
    nonce = _bytes_of(certificate.extensions.get_extension_for_oid(_APPLE_NONCE))
    if not nonce.startswith(_NONCE_OF_32):
        raise ValueError("the certificate's nonce has another shape")


def _check_nothing_more(*_: Any) -> None:
    """py_webauthn checks what §8.4 and §8.6 want of the certificate."""


_CERTIFICATE_CHECKS: dict[str, Callable[[x509.Certificate, UUID], None]] = {
    "packed": _check_packed,
    "tpm": _check_aaguid,  # the rest of §8.3.1 is py_webauthn's
    "android-key": _check_nothing_more,
    "fido-u2f": _check_nothing_more,
    "apple": _check_apple,
}


def _bytes_of(extension: x509.Extension[Any]) -> bytes:
    value = extension.value
    if not isinstance(value, x509.UnrecognizedExtension):
        raise TypeError("an extension of another kind")
    return value.value

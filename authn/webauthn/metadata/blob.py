"""The signature of a metadata BLOB: a JWT whose signer's certificate leads to a named root.

FIDO Metadata Service v3.1 §3.1.7 and §3.2
(https://fidoalliance.org/specs/mds/fido-metadata-service-v3.1-ps-20250521.html). The chain is
checked by cryptography's path building (RFC 5280 and the profile of the web's certificates).

Why the name in the certificate: the roots are GlobalSign's, under which anybody may have a
certificate for a host of their own. Only the certificate of the metadata's own host may sign.
Whether a certificate was revoked is not asked: that would be a call to others, and a BLOB is read
from a file on machines that can't make one.

Why two roots: in August 2026 the Alliance went over from Root CA - R3 to Root R46
(https://fidoalliance.org/metadata/); BLOBs of before, and a chain of now by way of R46's cross
certificate, end in R3.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from authn.certified_jws import read_certified_jws, verify_certified_jws
from authn.errors import CommandError
from authn.jose import InvalidToken
from authn.webauthn.metadata.entries import Metadata, UnreadableMetadata, read_metadata

SIGNER = "mds.fidoalliance.org"
LARGEST_BLOB = 32 * 1024 * 1024
MOST_CERTIFICATES = 8
LARGEST_ROOTS = 64 * 1024

# What cryptography says of a chain that it refuses, and of certificates that are malformed inside.
_UNVERIFIABLE = (
    VerificationError,
    UnsupportedAlgorithm,
    ValueError,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


class InvalidBlob(Exception):
    """A BLOB is refused; the text says why, in words that continue "the BLOB …"."""


@dataclass(frozen=True, slots=True)
class VerifiedBlob:
    """A BLOB that the FIDO Alliance signed."""

    jwt: bytes
    metadata: Metadata


def verify_blob(jwt: bytes, roots: Sequence[x509.Certificate], now: datetime) -> VerifiedBlob:
    """The BLOB, with signature and chain verified as of `now`; raises `InvalidBlob`.

    Whether the BLOB is newer than another is for the caller to check.
    """
    jwt = jwt.strip()
    if len(jwt) > LARGEST_BLOB:
        raise InvalidBlob("is larger than 32 MB")
    payload = verify_payload(jwt, roots, now)
    try:
        metadata = read_metadata(payload, "operator", now.astimezone(UTC).date())
    except UnreadableMetadata as unreadable:
        raise InvalidBlob(f"is signed, but cannot be read: {unreadable}") from None
    return VerifiedBlob(jwt, metadata)


def verify_payload(jwt: bytes, roots: Sequence[x509.Certificate], now: datetime) -> bytearray:
    """The payload of a BLOB, with signature and chain verified as of `now`; or `InvalidBlob`."""
    try:
        token = read_certified_jws(jwt)
    except InvalidToken:
        raise InvalidBlob("is no JWT as the FIDO Alliance publishes it") from None
    signer = _signer(token.unverified_header, roots, now)
    public_key = signer.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    try:
        return verify_certified_jws(token, public_key)
    except InvalidToken:
        raise InvalidBlob("is not signed by the certificate that it names") from None


def _signer(
    unverified_header: Mapping[str, Any], roots: Sequence[x509.Certificate], now: datetime
) -> x509.Certificate:
    """The signer's certificate, which leads to a root and is valid now.

    A root that comes along in `x5c` is a certificate like the others, and no root.
    """
    chain = _certificates(unverified_header.get("x5c"))
    verifier = (
        PolicyBuilder()
        .store(Store(list(roots)))
        .time(now)
        .build_server_verifier(x509.DNSName(SIGNER))
    )
    try:
        verifier.verify(chain[0], chain[1:])
    except _UNVERIFIABLE as error:
        raise InvalidBlob(
            f"is signed with a certificate that does not lead from {SIGNER} to a trusted root: "
            f"{_one_line(error)}"
        ) from None
    return chain[0]


def _certificates(x5c: object) -> list[x509.Certificate]:
    """RFC 7515 §4.1.6: base64, not base64url; the signer's comes first."""
    if not isinstance(x5c, list) or not 0 < len(x5c) <= MOST_CERTIFICATES:
        raise InvalidBlob("does not bring the certificate of its signer (x5c)")
    try:
        return [
            x509.load_der_x509_certificate(base64.b64decode(text, validate=True)) for text in x5c
        ]
    except (ValueError, TypeError, binascii.Error, x509.InvalidVersion):
        raise InvalidBlob("brings a certificate that cannot be read (x5c)") from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def trusted_roots(path: Path | None) -> list[x509.Certificate]:
    """The root certificates: the chain of a BLOB's signer must end in a root.

    Raises `CommandError` when the setting `mds_root` names a file that holds none.
    """
    if path is None:
        return _fido_roots()
    try:
        with path.open("rb") as file:
            return x509.load_pem_x509_certificates(file.read(LARGEST_ROOTS))
    except OSError as error:
        raise CommandError(f"Setting AUTHN_MDS_ROOT: {path}: {error.strerror}.") from None
    except ValueError:
        raise CommandError(f"Setting AUTHN_MDS_ROOT: {path} is not a PEM certificate.") from None


@lru_cache
def _fido_roots() -> list[x509.Certificate]:
    """GlobalSign Root R46 and GlobalSign Root CA - R3."""
    pem = resources.files("authn.webauthn.metadata").joinpath("fido_roots.pem").read_bytes()
    return x509.load_pem_x509_certificates(pem)

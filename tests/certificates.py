"""Certificates in tests: authorities, and what they or nobody vouches for."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from joserfc.jwk import import_key

CLIENT = (ExtendedKeyUsageOID.CLIENT_AUTH,)
SERVER = (ExtendedKeyUsageOID.SERVER_AUTH,)
SIGNING = ("digital_signature",)
ISSUING = ("key_cert_sign", "crl_sign")
USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


@dataclass(frozen=True, slots=True)
class Held:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def rfc_9440(self) -> str:
        """As a proxy sends it in `Client-Cert`."""
        return f":{base64.b64encode(self.der).decode()}:"

    @property
    def nginx(self) -> str:
        """As nginx sends `$ssl_client_escaped_cert`."""
        return quote(self.pem, safe="")

    @property
    def jwks(self) -> dict[str, Any]:
        """The JWK Set of its public key, with the certificate (RFC 8705 §2.2.2)."""
        key = import_key(self.key_pem, "EC")
        x5c = [base64.b64encode(self.der).decode()]
        return {"keys": [{**key.as_dict(private=False), "x5c": x5c}]}


def named(common_name: str) -> x509.Name:
    """A subject: `CN=…,O=Hospital\\, Inc,C=BE`."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "BE"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Hospital, Inc"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def issue(
    common_name: str,
    now: datetime,
    issuer: Held | None = None,
    *,
    ca: bool = False,
    names: Sequence[x509.GeneralName] = (),
    purposes: Sequence[x509.ObjectIdentifier] = CLIENT,
    usages: Sequence[str] = SIGNING,
    valid_from: timedelta = timedelta(days=-1),
    valid_until: timedelta = timedelta(days=1),
) -> Held:
    """A certificate of a new key; self-signed without an issuer."""
    key = ec.generate_private_key(ec.SECP256R1())
    signer = issuer.key if issuer else key
    usages = ISSUING if ca else usages
    builder = (
        x509.CertificateBuilder()
        .subject_name(named(common_name))
        .issuer_name(issuer.certificate.subject if issuer else named(common_name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + valid_from)
        .not_valid_after(now + valid_until)
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    if usages:
        usage = x509.KeyUsage(*(each in usages for each in USAGES))
        builder = builder.add_extension(usage, critical=True)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if purposes and not ca:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    return Held(builder.sign(signer, hashes.SHA256()), key)

"""A FIDO Alliance of the tests' own: a root, a signer under it, and BLOBs of any content.

root = test_root()
blob = signed_blob([entry("Key One", aaguid, roots=[der])], number=500)
install(site, blob, root)  # and current_metadata(site) knows it
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from authn.db.occasion import Job
from authn.db.transaction import writing
from authn.settings import Settings
from authn.web.site import Site
from authn.webauthn.metadata.blob import SIGNER, trusted_roots, verify_blob
from authn.webauthn.metadata.current import import_blob, refresh_metadata

BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
END = datetime(2040, 1, 1, tzinfo=UTC)
NUMBER = 100_000  # higher than that of any copy that a package brings

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class Certified:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: PrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


def certify(
    name: str,
    issuer: Certified | None,
    *,
    authority: bool,
    host: str | None = None,
    key: PrivateKey | None = None,
    begin: datetime = BEGIN,
    end: datetime = END,
    basic_constraints: bool = True,
    key_cert_sign: bool = True,
) -> Certified:
    """A certificate of this name, signed by the issuer, or by itself."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False
        )
        .add_extension(_usage(authority and key_cert_sign), critical=True)
    )
    if basic_constraints:
        builder = builder.add_extension(x509.BasicConstraints(authority, None), critical=True)
    if host is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), False)
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False
        )
    return Certified(builder.sign(signer, SHA256()), key)


def _usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


@cache
def test_root() -> Certified:
    """The root in which the chains of the tests' BLOBs end: the same one in the whole run."""
    return certify("Test Metadata Root", None, authority=True)


test_root.__test__ = False  # type: ignore[attr-defined]  # pytest would take it for a test


@cache
def intermediate() -> Certified:
    """The authority between the root and the signer."""
    return certify("Test Metadata Authority", test_root(), authority=True)


@cache
def signer() -> Certified:
    """Who signs BLOBs, under `intermediate`."""
    return certify(SIGNER, intermediate(), authority=False, host=SIGNER)


def entry(
    description: str,
    aaguid: UUID | None,
    *,
    roots: Sequence[bytes] = (),
    statuses: Sequence[str | tuple[str, date]] = ("FIDO_CERTIFIED_L1",),
    attestation_types: Sequence[str] = ("basic_full",),
    key_ids: Sequence[str] = (),
    **more: Any,
) -> dict[str, Any]:
    """An entry as the Service publishes it; `roots` in DER, `more` goes into its statement.

    A status may come with the day from which it is in effect.
    """
    reports = [
        {"status": status}
        if isinstance(status, str)
        else {"status": status[0], "effectiveDate": status[1].isoformat()}
        for status in statuses
    ]
    statement: dict[str, Any] = {
        "description": description,
        "attestationTypes": list(attestation_types),
        "attestationRootCertificates": [base64.b64encode(root).decode() for root in roots],
        "schema": 3,
        **more,
    }
    whole: dict[str, Any] = {"metadataStatement": statement, "statusReports": reports}
    if aaguid:
        whole["aaguid"] = statement["aaguid"] = str(aaguid)
    if key_ids:
        whole["attestationCertificateKeyIdentifiers"] = list(key_ids)
    return whole


@dataclass(frozen=True, slots=True)
class Lies:
    """What is wrong with a BLOB; nothing, unless said."""

    header: Mapping[str, Any] = field(default_factory=dict)
    x5c: Sequence[Certified] | None = None
    signed_by: Certified | None = None
    payload: bytes | None = None
    tampered: bool = False


TRUE = Lies()


def signed_blob(
    entries: Sequence[Any],
    *,
    number: int = NUMBER,
    next_update: date = date(2039, 1, 1),
    lies: Lies = TRUE,
) -> bytes:
    """A BLOB of these entries, signed by `signer()`, as `mds_root` = `test_root()` believes it."""
    content = {
        "legalHeader": "For tests.",
        "no": number,
        "nextUpdate": next_update.isoformat(),
        "entries": list(entries),
    }
    who = lies.signed_by or signer()
    chain = [who, intermediate()] if lies.x5c is None else lies.x5c
    header: dict[str, Any] = {
        "alg": algorithm(who.key),
        "typ": "JWT",
        "x5c": [base64.b64encode(each.der).decode() for each in chain],
        **lies.header,
    }
    header = {name: value for name, value in header.items() if value is not None}
    payload = orjson.dumps(content) if lies.payload is None else lies.payload
    signed = base64url(orjson.dumps(header)) + b"." + base64url(payload)
    signature = base64url(sign(who.key, signed))
    if lies.tampered:
        other = payload.replace(b"For tests.", b"For fools.")
        signed = base64url(orjson.dumps(header)) + b"." + base64url(other)
    return signed + b"." + signature


def algorithm(key: PrivateKey) -> str:
    """What a JWS signed with this key says in `alg`."""
    if isinstance(key, rsa.RSAPrivateKey):
        return "RS256"
    return {256: "ES256", 384: "ES384"}[key.curve.key_size]


def sign(key: PrivateKey, signed: bytes) -> bytes:
    """The signature of a JWS (RFC 7518 §3.3, §3.4)."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(signed, padding.PKCS1v15(), SHA256())
    hashing: HashAlgorithm = SHA256() if key.curve.key_size == 256 else SHA384()
    size = key.curve.key_size // 8
    r, s = decode_dss_signature(key.sign(signed, ec.ECDSA(hashing)))
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def base64url(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def with_test_root(settings: Settings, folder: Path) -> Settings:
    """The settings of a service that believes the tests' BLOBs."""
    path = folder / f"root-{hashlib.sha256(test_root().der).hexdigest()[:8]}.pem"
    path.write_bytes(test_root().pem)
    return settings.model_copy(update={"mds_root": path})


def install(site: Site, blob: bytes) -> None:
    """The BLOB is in force for this service, as `authn mds update` and its refresh would have it.

    The service's settings must name the tests' root (`with_test_root`).
    """
    now = site.clock()
    verified = verify_blob(blob, trusted_roots(site.settings.mds_root), now)
    with writing(site.database) as connection:
        job = Job(connection, site.settings, site.secrets, now)
        assert import_blob(job, verified) == "taken"
    refresh_metadata(site)


def day(now: datetime, days: int = 0) -> date:
    """The day that is so many days after this moment."""
    return (now + timedelta(days=days)).date()

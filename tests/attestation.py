"""True attestation statements of every format, and each way in which one can be wrong.

They are shaped as WebAuthn Level 3 §8 says (https://www.w3.org/TR/webauthn-3/),
under certification authorities of the tests' own; a maker's root belongs into a metadata entry.

    maker = Maker("packed")
    key = Authenticator(aaguid=MODEL, attests=maker)
    install(site, signed_blob([entry("Key One", MODEL, roots=[maker.root.der])]))
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.authenticator import ES256, RS256, Credential, PrivateKey
from tests.fido_metadata import BEGIN, END, Certified, certify

MODEL = UUID("a77e57ed-0000-4000-8000-000000000001")
"""The AAGUID of a model of this file's makers."""

FORMATS = ("packed", "tpm", "android-key", "apple", "fido-u2f")

RS1 = -65535
"""RSASSA-PKCS1-v1_5 with SHA-1: what an older TPM attests with."""

AAGUID_EXTENSION = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")
KEY_DESCRIPTION = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.1.17")
APPLE_NONCE = x509.ObjectIdentifier("1.2.840.113635.100.8.2")
AIK_CERTIFICATE = x509.ObjectIdentifier("2.23.133.8.3")  # TCG EK Credential Profile §3.2.16

Extension = tuple[x509.ExtensionType, bool]
"""An extension, and whether it is critical."""


@dataclass(frozen=True, slots=True)
class Ceremony:
    """What a statement is about."""

    credential: Credential
    authenticator_data: bytes
    client_data: bytes

    @property
    def client_data_hash(self) -> bytes:
        return hashlib.sha256(self.client_data).digest()

    @property
    def signed(self) -> bytes:
        """What most formats sign."""
        return self.authenticator_data + self.client_data_hash

    @property
    def aaguid(self) -> bytes:
        return self.authenticator_data[37:53]


@cache
def maker_root() -> Certified:
    """The root of a maker of authenticators; the same one in the whole run."""
    return certify("Test Maker Root", None, authority=True)


@cache
def maker_authority() -> Certified:
    """The authority of a production line, under the root."""
    return certify("Test Maker Authority", maker_root(), authority=True)


def maker_chain() -> tuple[Certified, Certified]:
    """Authority and root."""
    return maker_authority(), maker_root()


def _as_it_is(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Maker:
    """How an authenticator attests: `create` of `tests.authenticator` calls it.

    `issuers` are the authorities above the attestation certificate, nearest first, the last one its
    root. All other fields are what one statement may get wrong.
    """

    format: str
    issuers: Sequence[Certified] = field(default_factory=maker_chain)
    key: PrivateKey | None = None  # signs in place of the certified one
    certified: PrivateKey | None = None  # is certified, and signs, in place of the true one
    subject: Mapping[x509.ObjectIdentifier, str] | None = None
    extensions: Mapping[x509.ObjectIdentifier, Extension | None] = field(default_factory=dict)
    begin: datetime = BEGIN
    end: datetime = END
    self_issued: bool = False  # the attestation certificate is signed by its own key
    x5c: Callable[[list[bytes]], Any] = _as_it_is
    ceremony: Callable[[Ceremony], Ceremony] = _as_it_is  # another one is attested
    pub_area: Callable[[bytes], bytes] = _as_it_is
    cert_info: Callable[[bytes], bytes] = _as_it_is
    says: Callable[[bytes], bytes] | None = None  # in the extension with the challenge's hash
    algorithm: int | None = None  # of the attestation's signature
    members: Mapping[str, Any] = field(default_factory=dict)  # in place of the true ones; ...: none

    @property
    def root(self) -> Certified:
        """What the metadata has to name."""
        return self.issuers[-1]

    def __call__(
        self, credential: Credential, authenticator_data: bytes, client_data: bytes
    ) -> tuple[str, dict[str, Any]]:
        """`fmt` and `attStmt`."""
        ceremony = self.ceremony(Ceremony(credential, authenticator_data, client_data))
        statement = {**_STATEMENTS[self.format](self, ceremony), **self.members}
        named = {name: value for name, value in statement.items() if value is not ...}
        return self.format.removesuffix("-self"), named

    def attestation_key_id(self) -> str:
        """By which the metadata finds a FIDO U2F model (RFC 5280 §4.2.1.2, method 1)."""
        return key_identifier(_attestation_key())

    def chain(
        self,
        key: PrivateKey,
        subject: Mapping[x509.ObjectIdentifier, str],
        extensions: Sequence[Extension],
        with_root: bool = False,
    ) -> list[bytes]:
        """The certificate of this key, and those above it."""
        issuer = None if self.self_issued else self.issuers[0]
        names = subject if self.subject is None else self.subject
        name = x509.Name([x509.NameAttribute(oid, value) for oid, value in names.items()])
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer.certificate.subject if issuer else name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.begin)
            .not_valid_after(self.end)
        )
        wanted: dict[x509.ObjectIdentifier, Extension | None] = {
            x509.BasicConstraints.oid: (x509.BasicConstraints(False, None), True),
            **{value.oid: (value, critical) for value, critical in extensions},
            **self.extensions,
        }
        for extension in wanted.values():
            if extension:
                builder = builder.add_extension(*extension)
        signing = issuer.key if issuer else key
        assert isinstance(signing, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
        leaf = builder.sign(signing, SHA256()).public_bytes(Encoding.DER)
        above = [] if self.self_issued else list(self.issuers if with_root else self.issuers[:-1])
        made: list[bytes] = self.x5c([leaf, *(each.der for each in above)])
        return made


def key_identifier(key: PrivateKey) -> str:
    """Hexadecimal."""
    return x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest.hex()


@cache
def _attestation_key() -> ec.EllipticCurvePrivateKey:
    """One for a whole batch, as makers do."""
    return ec.generate_private_key(ec.SECP256R1())


@cache
def _aik() -> rsa.RSAPrivateKey:
    """The attestation identity key of a TPM."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _sign(key: PrivateKey, algorithm: int, message: bytes) -> bytes:
    if algorithm == RS1:
        assert isinstance(key, rsa.RSAPrivateKey)
        return key.sign(message, padding.PKCS1v15(), SHA1())  # noqa: S303
    return Credential(b"", "", b"", key, algorithm, False, False, 0).sign(message)


def _aaguid(aaguid: bytes) -> Extension:
    return x509.UnrecognizedExtension(AAGUID_EXTENSION, b"\x04\x10" + aaguid), False


def _packed(maker: Maker, ceremony: Ceremony) -> dict[str, Any]:
    """§8.2."""
    key = maker.certified or _attestation_key()
    algorithm = maker.algorithm or (RS256 if isinstance(key, rsa.RSAPrivateKey) else ES256)
    return {
        "alg": algorithm,
        "sig": _sign(maker.key or key, algorithm, ceremony.signed),
        "x5c": maker.chain(key, PACKED_SUBJECT, [_aaguid(ceremony.aaguid)]),
    }


PACKED_SUBJECT = {
    NameOID.COUNTRY_NAME: "BE",
    NameOID.ORGANIZATION_NAME: "Test Maker",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "Authenticator Attestation",
    NameOID.COMMON_NAME: "Key One",
}


def _packed_self(maker: Maker, ceremony: Ceremony) -> dict[str, Any]:
    """§8.2, signed by the new key itself."""
    credential = ceremony.credential
    key = maker.key or credential.private_key
    return {
        "alg": credential.algorithm,
        "sig": _sign(key, credential.algorithm, ceremony.signed),
    }


def _fido_u2f(maker: Maker, ceremony: Ceremony) -> dict[str, Any]:
    """§8.6; the root signs its only certificate."""
    credential, key = ceremony.credential, maker.certified or _attestation_key()
    point = credential.private_key.public_key()
    assert isinstance(point, ec.EllipticCurvePublicKey)
    numbers = point.public_numbers()
    raw_key = b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
    signed = b"\x00" + credential.rp_id_hash + ceremony.client_data_hash + credential.id + raw_key
    return {
        "sig": _sign(maker.key or key, ES256, signed),
        "x5c": maker.chain(key, {NameOID.COMMON_NAME: "U2F Key"}, []),
    }


def _apple(maker: Maker, ceremony: Ceremony) -> dict[str, Any]:
    """§8.8."""
    nonce = hashlib.sha256(ceremony.signed).digest()
    extension = x509.UnrecognizedExtension(APPLE_NONCE, (maker.says or apple_nonce)(nonce))
    key = maker.key or maker.certified or ceremony.credential.private_key
    return {"x5c": maker.chain(key, {NameOID.COMMON_NAME: "AAA"}, [(extension, False)])}


def apple_nonce(nonce: bytes) -> bytes:
    """SEQUENCE { [1] EXPLICIT OCTET STRING }."""
    return der(0x30, explicit(1, der(0x04, nonce)))


def _android_key(maker: Maker, ceremony: Ceremony) -> dict[str, Any]:
    """§8.4, with a key in a trusted execution environment; x5c has the root as well."""
    described = (maker.says or key_description)(ceremony.client_data_hash)
    extension = x509.UnrecognizedExtension(KEY_DESCRIPTION, described)
    key = maker.certified or ceremony.credential.private_key
    subject = {NameOID.COMMON_NAME: "Android Keystore Key"}
    return {
        "alg": ceremony.credential.algorithm,
        "sig": _sign(maker.key or key, ceremony.credential.algorithm, ceremony.signed),
        "x5c": maker.chain(key, subject, [(extension, False)], with_root=True),
    }


def key_description(
    challenge: bytes,
    *,
    software: Sequence[bytes] | None = None,
    trusted: Sequence[bytes] | None = None,
) -> bytes:
    """KeyDescription (https://source.android.com/docs/security/features/keystore/attestation)."""
    if software is None:
        software = [explicit(701, integer(1_764_000_000_000))]  # creationDateTime
    if trusted is None:
        trusted = [PURPOSE_SIGN, *OF_THE_KEY, GENERATED]
    return der(
        0x30,
        integer(200),  # attestationVersion
        der(0x0A, b"\x01"),  # attestationSecurityLevel: TrustedEnvironment
        integer(200),
        der(0x0A, b"\x01"),
        der(0x04, challenge),
        der(0x04, b""),  # uniqueId
        der(0x30, *software),
        der(0x30, *trusted),
    )


def der(tag: int, *parts: bytes) -> bytes:
    """One DER value with a tag of one byte."""
    return bytes((tag,)) + _with_length(b"".join(parts))


def explicit(number: int, content: bytes) -> bytes:
    """The value under [number] EXPLICIT."""
    if number < 31:
        return bytes((0xA0 | number,)) + _with_length(content)
    digits = [number & 0x7F]
    while number := number >> 7:
        digits.insert(0, 0x80 | (number & 0x7F))
    return b"\xbf" + bytes(digits) + _with_length(content)


def integer(value: int) -> bytes:
    return der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _with_length(content: bytes) -> bytes:
    if len(content) < 128:
        return bytes((len(content),)) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((0x80 | len(length),)) + length + content


PURPOSE_SIGN = explicit(1, der(0x31, integer(2)))
GENERATED = explicit(702, integer(0))
ALL_APPLICATIONS = explicit(600, b"\x05\x00")
OF_THE_KEY = (
    explicit(2, integer(3)),  # algorithm: EC
    explicit(3, integer(256)),
    explicit(5, der(0x31, integer(4))),  # digest: SHA-256
    explicit(10, integer(1)),  # curve: P-256
    explicit(503, b"\x05\x00"),  # noAuthRequired
)

# TPM 2.0 Part 2: Structures (https://trustedcomputinggroup.org/resource/tpm-library-specification/)
_RSA, _SHA256, _NULL, _ECC = b"\x00\x01", b"\x00\x0b", b"\x00\x10", b"\x00\x23"
_NIST_P256 = b"\x00\x03"
_GENERATED_VALUE, _ATTEST_CERTIFY = b"\xff\x54\x43\x47", b"\x80\x17"
# fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, noDA, sign
_ATTRIBUTES = (0x00040472).to_bytes(4, "big")


def _tpm(maker: Maker, ceremony: Ceremony) -> dict[str, Any]:
    """§8.3, with an AIK of RSA."""
    key = maker.certified or _aik()
    pub_area = maker.pub_area(_pub_area(ceremony.credential))
    name = _SHA256 + hashlib.sha256(pub_area).digest()
    algorithm = maker.algorithm or RS256
    hashed = hashlib.sha1 if algorithm == RS1 else hashlib.sha256
    extra_data = hashed(ceremony.signed).digest()
    cert_info = maker.cert_info(
        _GENERATED_VALUE
        + _ATTEST_CERTIFY
        + _sized(_SHA256 + hashlib.sha256(b"the AIK's parent").digest())  # qualifiedSigner
        + _sized(extra_data)
        + (1_000_000).to_bytes(8, "big")  # clock
        + (1).to_bytes(4, "big")  # resetCount
        + (0).to_bytes(4, "big")  # restartCount
        + b"\x01"  # safe
        + (0x0007_0002_0003_0001).to_bytes(8, "big")  # firmwareVersion
        + _sized(name)
        + _sized(_SHA256 + hashlib.sha256(b"its parent" + name).digest())  # qualifiedName
    )
    extensions: list[Extension] = [
        (tpm_names(), True),
        (x509.ExtendedKeyUsage([AIK_CERTIFICATE]), False),
    ]
    return {
        "ver": "2.0",
        "alg": algorithm,
        "x5c": maker.chain(key, {}, extensions),
        "sig": _sign(maker.key or key, algorithm, cert_info),
        "certInfo": cert_info,
        "pubArea": pub_area,
    }


def tpm_names(
    manufacturer: str = "id:494E5443", model: str = "Test TPM", version: str = "id:00070002"
) -> x509.SubjectAlternativeName:
    """TPM EK Profile §3.2.9; Intel, unless said."""
    oids = ("2.23.133.2.1", "2.23.133.2.2", "2.23.133.2.3")
    names = [
        x509.NameAttribute(x509.ObjectIdentifier(oid), value)
        for oid, value in zip(oids, (manufacturer, model, version), strict=True)
        if value
    ]
    return x509.SubjectAlternativeName([x509.DirectoryName(x509.Name(names))])


def _pub_area(credential: Credential) -> bytes:
    """TPMT_PUBLIC of the credential's key."""
    public = credential.private_key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        modulus = public.public_numbers().n.to_bytes(256, "big")
        bits_and_exponent = (2048).to_bytes(2, "big") + bytes(4)  # 0: 65537
        return (
            _RSA + _SHA256 + _ATTRIBUTES + _sized(b"")
            + _NULL + _NULL + bits_and_exponent + _sized(modulus)
        )  # fmt: skip
    assert isinstance(public, ec.EllipticCurvePublicKey)
    point = public.public_numbers()
    x, y = point.x.to_bytes(32, "big"), point.y.to_bytes(32, "big")
    return (
        _ECC + _SHA256 + _ATTRIBUTES + _sized(b"")
        + _NULL + _NULL + _NIST_P256 + _NULL + _sized(x) + _sized(y)
    )  # fmt: skip


def _sized(content: bytes) -> bytes:
    return len(content).to_bytes(2, "big") + content


_STATEMENTS: dict[str, Callable[[Maker, Ceremony], dict[str, Any]]] = {
    "packed": _packed,
    "packed-self": _packed_self,
    "tpm": _tpm,
    "android-key": _android_key,
    "apple": _apple,
    "fido-u2f": _fido_u2f,
}

"""Whether a verified attestation statement ends at a trust anchor (WebAuthn §6.5, §7.1 step 24).

Attestation is asked for ("direct") only where a policy in force needs it; a statement that comes
all the same is not looked at. Where it was asked for, a registration ends in one of four ways (§7.1
steps 21 to 24):

- `none` and self attestation are valid answers that vouch for nothing: `attested` is False.
- A statement that does not verify (steps 21 and 22: format, signature, what §8 wants of its
  certificate) is a lie or damaged, and is refused as `unverified_response`.
- A true statement that ends at no trust anchor (steps 23 and 24) is worth as much as none:
  `attested` is False. The step's own SHOULD is to refuse it; its note allows to treat it as self
  attestation, and we do, since which keys are good enough is policy, and policy decides afterwards.
- A true statement that ends at a trust anchor: `attested` is True, and the AAGUID more than a
  claim. Whether its model was revoked is policy again, at each login.

Two formats are stricter, since their certificate is the statement. `apple` has no signature of its
own: without a chain to a known root there is nothing true about it, so it is refused. `android-key`
has to bring its whole chain, in date, self-signed root included; whether that root is known decides
`attested` alone.

Why: a trust anchor comes from the FIDO metadata's entry for this very AAGUID (or FIDO U2F key
identifier), for Apple and Android also from the roots that py_webauthn carries, never from x5c:
what is in there can only be a link. So one maker's certificate never vouches for another maker's
model.

Why path validation is OpenSSL's, and not py_webauthn's with these roots: py_webauthn takes a root
only when that is self-signed, while nearly half of the anchors in the FIDO metadata are
intermediates or the attestation certificate itself (Metadata Statement §3.1,
attestationRootCertificates); and it judges dates by the host's clock instead of the service's.

Of a FIDO U2F statement, flags and AAGUID are not signed (§8.6): it vouches for the key alone. The
assertions that follow sign theirs. Google's list of revoked Android attestation keys is not asked:
it would be a call outside at each enrolment.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cryptography import x509
from OpenSSL import crypto
from webauthn.helpers.known_root_certs import (
    apple_webauthn_root_ca,
    google_hardware_attestation_root_2,
    google_hardware_attestation_root_3,
    google_hardware_attestation_root_4,
    google_hardware_attestation_root_5,
)
from webauthn.helpers.structs import AttestationFormat

from authn.webauthn.attestation.statement import AttestationStatement
from authn.webauthn.metadata.entries import Metadata

APPLE = UUID("f24a8e70-d0d3-f82c-2937-32523cc4de5a")
ANDROID = UUID("b93fd961-f2e6-462f-b122-82002247de78")

_VENDORS_ROOTS: dict[UUID, tuple[bytes, ...]] = {
    APPLE: (apple_webauthn_root_ca,),
    ANDROID: (
        google_hardware_attestation_root_2,
        google_hardware_attestation_root_3,
        google_hardware_attestation_root_4,
        google_hardware_attestation_root_5,
    ),
}
# These models speak one format only. The metadata's entry of Android lists the web's certification
# authorities beside Google's roots, for a format that is retired: with `packed` anybody's TLS
# certificate would come close to one of an authenticator.
_ONLY_FORMAT = {APPLE: "apple", ANDROID: "android-key"}


@dataclass(frozen=True, slots=True)
class Attestation:
    """The result of a verified attestation statement.

    `key_id` is the key identifier (hexadecimal) of a FIDO U2F attestation certificate, by which the
    metadata knows its model.
    """

    format: str
    attested: bool = False
    key_id: str | None = None


def verify_attestation(
    statement: AttestationStatement, metadata: Metadata, now: datetime
) -> Attestation:
    """The attestation by a statement that py_webauthn verified; `attested` by a trust anchor."""
    key_id = attestation_key_id(statement)
    attested = bool(statement.x5c) and chains_to(
        statement.x5c, _trust_anchors(statement, metadata, key_id), now
    )
    return Attestation(statement.format, attested, key_id)


def roots_for_library(
    statement: AttestationStatement, metadata: Metadata
) -> dict[AttestationFormat, list[bytes]]:
    """The roots (PEM) with which py_webauthn verifies the statement, a fresh list each time.

    py_webauthn appends to the list that it gets. Most formats have none here: their trust is
    decided by `verify_attestation`.
    """
    match statement.format:
        case "apple":
            anchors = _trust_anchors(statement, metadata, None)
            return {AttestationFormat.APPLE: [encode_pem(each) for each in load_readable(anchors)]}
        case "android-key":
            # py_webauthn insists on knowing the root inside x5c. Whether we do is asked afterwards.
            root = load_readable(statement.x5c[-1:])
            return {AttestationFormat.ANDROID_KEY: [encode_pem(each) for each in root]}
    return {}


def attestation_key_id(statement: AttestationStatement) -> str | None:
    """The subject key identifier (RFC 5280 §4.2.1.2 (1), hexadecimal) of a FIDO U2F certificate."""
    if statement.format != "fido-u2f":
        return None
    certificate = x509.load_der_x509_certificate(statement.x5c[0])
    return x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest.hex()


def _trust_anchors(
    statement: AttestationStatement, metadata: Metadata, key_id: str | None
) -> tuple[bytes, ...]:
    """The certificates (DER) in which an attestation of the statement's model may end."""
    aaguid = statement.aaguid
    if statement.format != _ONLY_FORMAT.get(aaguid, statement.format):
        return ()
    model = metadata.model(aaguid, key_id)
    anchors = model.roots if model else ()
    return anchors + tuple(pem_to_der(each) for each in _VENDORS_ROOTS.get(aaguid, ()))


def chains_to(x5c: Sequence[bytes], anchors: Iterable[bytes], now: datetime) -> bool:
    """Whether each certificate (DER) is signed by the next, in date, up to one of the anchors.

    The first may be an anchor itself. Raises `crypto.Error` when a certificate of x5c can't be
    read; an anchor that can't be read is none.
    """
    leaf, *others = [crypto.load_certificate(crypto.FILETYPE_ASN1, each) for each in x5c]
    store = crypto.X509Store()
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)  # an anchor need not be self-signed
    store.set_time(now)
    for anchor in load_readable(anchors):
        store.add_cert(anchor)
    try:
        crypto.X509StoreContext(store, leaf, others).verify_certificate()
    except crypto.X509StoreContextError:
        return False
    return True


def load_readable(certificates: Iterable[bytes]) -> Iterator[crypto.X509]:
    """The certificates (DER) that can be read: the metadata has some that can't."""
    for der in certificates:
        with suppress(crypto.Error):
            yield crypto.load_certificate(crypto.FILETYPE_ASN1, der)


def encode_pem(certificate: crypto.X509) -> bytes:
    """The certificate in PEM, letter by letter as py_webauthn compares them."""
    return crypto.dump_certificate(crypto.FILETYPE_PEM, certificate)


def pem_to_der(pem: bytes) -> bytes:
    """The certificate in DER."""
    certificate = crypto.load_certificate(crypto.FILETYPE_PEM, pem)
    return crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)

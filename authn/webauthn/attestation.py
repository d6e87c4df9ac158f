"""Attestation: what vouches for the authenticator of a new credential (WebAuthn §6.5, §7.1).

It is asked for ("direct") only where a policy in force needs it; a statement that comes all the
same is not looked at. What was asked for ends in one of four ways (§7.1 steps 21 to 24):

- `none` and self attestation are valid answers that vouch for nothing: `attested` is False.
- A statement that does not verify (steps 21 and 22: format, signature, what §8 wants of its
  certificate) is a lie or damaged, and is refused as `unverified_response`.
- A true statement that ends at no trust anchor (steps 23 and 24) is worth as much as none:
  `attested` is False. The step's own SHOULD is to refuse it; its note allows to treat it as self
  attestation, and we do, since which keys are good enough is policy, and policy decides afterwards.
- One that does end there: `attested` is True, and the AAGUID more than a claim. Whether its model
  was revoked is policy again, at each login.

Two formats are stricter, since their certificate is the statement. `apple` has no signature of its
own: without a chain to a known root there is nothing true about it, so it is refused. `android-key`
has to bring its whole chain, in date, self-signed root included; whether that root is known decides
`attested` alone.

Why: a trust anchor comes from the FIDO metadata's entry for this very AAGUID (or FIDO U2F key
identifier), for Apple and Android also from the roots that py_webauthn carries, never from x5c. So
one maker's certificate never vouches for another maker's model.

Of a FIDO U2F statement, flags and AAGUID are not signed (§8.6): it vouches for the key alone. The
assertions that follow sign theirs. Google's list of revoked Android attestation keys is not asked:
it would be a call outside at each enrolment.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cryptography import x509
from webauthn.helpers.known_root_certs import (
    apple_webauthn_root_ca,
    google_hardware_attestation_root_2,
    google_hardware_attestation_root_3,
    google_hardware_attestation_root_4,
    google_hardware_attestation_root_5,
)
from webauthn.helpers.structs import AttestationFormat

from authn.webauthn.attestation_statement import AttestationStatement
from authn.webauthn.attestation_trust import as_der, as_pem, chains_to, readable
from authn.webauthn.metadata import Metadata

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
    """What a verified statement says.

    `key_id` is the key identifier (hexadecimal) of a FIDO U2F attestation certificate, by which the
    metadata knows its model.
    """

    format: str
    attested: bool = False
    key_id: str | None = None


def verify_attestation(
    statement: AttestationStatement, metadata: Metadata, now: datetime
) -> Attestation:
    """Whether a statement that py_webauthn verified ends at a trust anchor of its model."""
    key_id = attestation_key_id(statement)
    attested = bool(statement.x5c) and chains_to(
        statement.x5c, _trust_anchors(statement, metadata, key_id), now
    )
    return Attestation(statement.format, attested, key_id)


def roots_for_library(
    statement: AttestationStatement, metadata: Metadata
) -> dict[AttestationFormat, list[bytes]]:
    """The roots (PEM) with which py_webauthn verifies the statement; a fresh list each time.

    It appends to the list that it is given. None for most formats: trust is `verify_attestation`'s.
    """
    match statement.format:
        case "apple":
            anchors = _trust_anchors(statement, metadata, None)
            return {AttestationFormat.APPLE: [as_pem(each) for each in readable(anchors)]}
        case "android-key":
            # It insists on knowing the root inside x5c. Whether we do is asked afterwards.
            root = readable(statement.x5c[-1:])
            return {AttestationFormat.ANDROID_KEY: [as_pem(each) for each in root]}
    return {}


def attestation_key_id(statement: AttestationStatement) -> str | None:
    """RFC 5280 §4.2.1.2 (1): SHA-1 of the subject public key, as the metadata has it."""
    if statement.format != "fido-u2f":
        return None
    certificate = x509.load_der_x509_certificate(statement.x5c[0])
    return x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest.hex()


def _trust_anchors(
    statement: AttestationStatement, metadata: Metadata, key_id: str | None
) -> tuple[bytes, ...]:
    """The certificates (DER) in which an attestation of this model may end."""
    aaguid = statement.aaguid
    if statement.format != _ONLY_FORMAT.get(aaguid, statement.format):
        return ()
    model = metadata.model(aaguid, key_id)
    anchors = model.roots if model else ()
    return anchors + tuple(as_der(each) for each in _VENDORS_ROOTS.get(aaguid, ()))

"""The registration ceremony, WebAuthn §7.1: a person's device makes a new credential."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from webauthn.helpers import (
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    parse_cbor,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AuthenticatorAttestationResponse,
    CredentialDeviceType,
    PublicKeyCredentialType,
    RegistrationCredential,
)
from webauthn.registration.verify_registration_response import (
    VerifiedRegistration,
    verify_registration_response,
)

from authn.audit.events.devices import RegistrationRefused
from authn.audit.log import record
from authn.devices.devices import check_device_limit, list_devices
from authn.devices.tables import NewCredential
from authn.errors import N_, Forbidden, Refusal
from authn.people.tables import Person
from authn.web.request import Request
from authn.webauthn.attestation.statement import FORMATS, AttestationStatement, read_statement
from authn.webauthn.attestation.trust import Attestation, roots_for_library, verify_attestation
from authn.webauthn.challenges import (
    TIMEOUT_MILLISECONDS,
    Challenge,
    ChallengePurpose,
    Conveyance,
    burn_challenge,
    new_challenge,
    read_challenge,
)
from authn.webauthn.credentials import credential_descriptor
from authn.webauthn.metadata.current import current_metadata
from authn.webauthn.policy import (
    find_model,
    find_unmet_by_key,
    needs_direct_attestation,
    required_policy,
)
from authn.webauthn.refusals import NOT_VERIFIED
from authn.webauthn.relying_party import relying_party
from authn.webauthn.responses import (
    RegistrationResponse,
    base64url,
    check_client_data,
    read_registration,
    refuse_library_errors,
    unverified_response,
)

# COSE algorithm, then the COSE key type and curve (None for RSA) that it comes with (§5.8.5).
ES256, EDDSA, RS256 = -7, -8, -257
ALGORITHMS: dict[int, tuple[int, int | None]] = {ES256: (2, 1), EDDSA: (1, 6), RS256: (3, None)}
RSA_BYTES = range(256, 512 + 1)
LARGEST_RSA_EXPONENT = 65537

# Labels of a COSE_Key: RFC 9052 §7, RFC 9053 §7, RFC 8230 §4
_KEY_TYPE, _ALGORITHM, _CURVE, _MODULUS, _EXPONENT = 1, 3, -1, -1, -2


@dataclass(frozen=True, slots=True)
class _VerifiedRegistration:
    """A registration response after verification; policy was not asked yet."""

    registration: VerifiedRegistration
    rp_id: str
    origin: str
    algorithm: int
    attestation: Attestation


def creation_options(
    request: Request,
    person: Person,
    purpose: ChallengePurpose,
    *,
    attachment: str | None = None,
    hints: tuple[str, ...] = (),
    confirmed_by: UUID | None = None,
    anew: bool = False,
) -> dict[str, Any]:
    """`{publicKey, ceremony}` to make a new credential (§5.1.9, in its JSON form).

    `attachment` is "platform" or "cross-platform" to allow no other; `hints` only suggest (§5.8.7).
    `confirmed_by` is the device that confirmed the act: it comes back with the challenge. The name
    that the system shows is the person's own, without anything of a national number. `anew` is for
    account recovery, which blocks every earlier key: one of them may be on this very device, so
    none is excluded. Raises `Forbidden` when the person has as many devices as may be.
    """
    us = relying_party(request.settings)
    others = [] if anew else list_devices(request.connection, person.id)
    check_device_limit(others)  # before the device makes a key that could not be kept
    attestation = _conveyance(request)
    challenge, token = new_challenge(request, "registration", purpose, attestation, confirmed_by)
    selection = {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    }
    if attachment is not None:
        selection["authenticatorAttachment"] = attachment
    public_key: dict[str, Any] = {
        "rp": {"id": us.id, "name": us.name},
        "user": {
            "id": base64url(person.user_handle),
            "name": person.full_name,
            "displayName": person.full_name,
        },
        "challenge": challenge,
        "pubKeyCredParams": [{"type": "public-key", "alg": each} for each in ALGORITHMS],
        "timeout": TIMEOUT_MILLISECONDS,
        "excludeCredentials": [credential_descriptor(device) for device in others],
        "authenticatorSelection": selection,
        "hints": list(hints),
        "attestation": attestation,
        "extensions": {"credProps": True},
    }
    if attestation == "direct":
        public_key["attestationFormats"] = FORMATS
    return {"publicKey": public_key, "ceremony": token}


def verify_registration(
    request: Request, person: Person, purpose: ChallengePurpose
) -> NewCredential:
    """The new credential that the person's device made for this act, verified and not stored yet.

    Raises `InvalidRequest` when the response can't be read or verified: nothing was written. After
    that the challenge is burnt: `Expired` when it was before, and `Forbidden`, on record, when
    policy refuses the key.
    """
    challenge = read_challenge(request, "registration", purpose)
    response = read_registration(request.json)
    verified = _verify(request, challenge, response)
    burn_challenge(request.connection, challenge)
    credential = _credential(person, response, verified)
    _check_policy(request, person, response, verified, credential)
    return credential


def _conveyance(request: Request) -> Conveyance:
    """Decisions 2.4: attestation is asked for where a policy in force needs it, and nowhere else.

    Elsewhere asking would make browsers warn, and hide Touch ID and synced keys from the person.
    """
    return "direct" if needs_direct_attestation(request.settings, request.connection) else "none"


def _verify(
    request: Request, challenge: Challenge, response: RegistrationResponse
) -> _VerifiedRegistration:
    """§7.1 up to step 24. Raises `InvalidRequest`; nothing is written."""
    us = relying_party(request.settings)
    origin = check_client_data(
        response.client_data_json, "webauthn.create", challenge.text, us.origins
    )
    metadata = current_metadata(request.site)
    with refuse_library_errors():
        statement = read_statement(
            response.attestation_object, asked=challenge.attestation == "direct"
        )
        registration = verify_registration_response(
            credential=_library_credential(response, statement),
            expected_challenge=challenge.bytes,
            expected_rp_id=us.id,
            expected_origin=origin,
            require_user_verification=False,  # ours, since it is policy and on record
            supported_pub_key_algs=[COSEAlgorithmIdentifier(each) for each in ALGORITHMS],
            pem_root_certs_bytes_by_fmt=roots_for_library(statement, metadata),
        )
        algorithm = _check_key(registration.credential_public_key)
        attestation = verify_attestation(statement, metadata, request.now)
    if registration.credential_id != response.credential_id:
        raise unverified_response("the credential id is not the attested one")
    return _VerifiedRegistration(registration, us.id, origin, algorithm, attestation)


def _library_credential(
    response: RegistrationResponse, statement: AttestationStatement
) -> RegistrationCredential:
    return RegistrationCredential(
        id=base64url(response.credential_id),
        raw_id=response.credential_id,
        response=AuthenticatorAttestationResponse(
            client_data_json=response.client_data_json,
            attestation_object=statement.attestation_object,
        ),
        type=PublicKeyCredentialType.PUBLIC_KEY,
    )


def _check_key(public_key: bytes) -> int:
    """The algorithm of a key that is of a kind that was asked for; raises `ValueError` or the like.

    §5.8.5 ties curves to algorithms. Without attestation py_webauthn looks at the algorithm alone,
    and would find out about the rest at the first login.
    """
    key = parse_cbor(public_key)
    algorithm: int = key[_ALGORITHM]
    key_type, curve = ALGORITHMS[algorithm]
    if key[_KEY_TYPE] != key_type or (curve is not None and key[_CURVE] != curve):
        raise ValueError("key type or curve do not go with the algorithm")
    if algorithm == RS256:
        # A huge key or exponent would make each verification slow.
        exponent = int.from_bytes(key[_EXPONENT], "big")
        if len(key[_MODULUS]) not in RSA_BYTES or exponent > LARGEST_RSA_EXPONENT:
            raise ValueError("RSA key of an unusual size")
    decoded_public_key_to_cryptography(decode_credential_public_key(public_key))
    return algorithm


def _credential(
    person: Person, response: RegistrationResponse, verified: _VerifiedRegistration
) -> NewCredential:
    registration, attestation = verified.registration, verified.attestation
    return NewCredential(
        credential_id=registration.credential_id,
        public_key=registration.credential_public_key,
        user_handle=person.user_handle,
        aaguid=UUID(registration.aaguid),
        algorithm=verified.algorithm,
        transports=response.transports,
        attachment=response.attachment,
        rp_id=verified.rp_id,
        origin=verified.origin,
        sign_count=registration.sign_count,
        backup_eligible=registration.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
        backed_up=registration.credential_backed_up,
        attestation_format=attestation.format,
        attested=attestation.attested,
        attestation_key_id=attestation.key_id,
    )


def _check_policy(
    request: Request,
    person: Person,
    response: RegistrationResponse,
    verified: _VerifiedRegistration,
    credential: NewCredential,
) -> None:
    """The verified key is good enough for the service's policy; raises `Forbidden`, on record."""
    if not verified.registration.user_verified:
        raise _record_refusal(request, person, "user not verified", NOT_VERIFIED)
    if response.resident is False:
        raise _record_refusal(request, person, "not discoverable", NOT_KEPT)
    policy = required_policy(request.settings, None)
    unmet = find_unmet_by_key(policy, credential, find_model(request.site, credential))
    if unmet is not None:
        # At once, rather than at the first login
        sentences = (request.translate(each) for each in (unmet.what_is, unmet.what_is_needed))
        raise _record_refusal(request, person, unmet.reason, " ".join(sentences))


NOT_KEPT = N_(
    "Your device did not keep the key, so you could not sign in with it. Try another device or "
    "browser."
)


def _record_refusal(request: Request, person: Person, reason: str, words: str) -> Refusal:
    """The refusal of a registration, put on record; `reason` is for operators."""
    event = RegistrationRefused(person_id=person.id, reason=reason)
    record(request.connection, request.secrets, event, request.now, request.reference)
    return Forbidden("refused_by_policy", words, detail=reason)

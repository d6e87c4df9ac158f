"""The registration ceremony, WebAuthn §7.1: a person gets one credential more."""

from typing import Any
from uuid import UUID

from webauthn.helpers import (
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    encode_cbor,
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

from authn.audit.events import RegistrationRefused
from authn.audit.log import record
from authn.devices.devices import check_room, devices_of
from authn.devices.tables import NewCredential
from authn.errors import N_, Forbidden, Refusal
from authn.people.tables import Person
from authn.web.request import Request
from authn.webauthn.authentication import descriptor
from authn.webauthn.authenticator_data import check_attested
from authn.webauthn.challenges import (
    TIMEOUT_MILLISECONDS,
    Purpose,
    burn,
    new_challenge,
    read_challenge,
)
from authn.webauthn.library import refusing_what_it_raises
from authn.webauthn.plain_cbor import end_of_item
from authn.webauthn.relying_party import RelyingParty, relying_party
from authn.webauthn.responses import (
    RegistrationResponse,
    base64url,
    check_client_data,
    read_registration,
    unverified,
)

# COSE algorithm, then the COSE key type and curve (None for RSA) that it comes with (§5.8.5).
ES256, EDDSA, RS256 = -7, -8, -257
ALGORITHMS: dict[int, tuple[int, int | None]] = {ES256: (2, 1), EDDSA: (1, 6), RS256: (3, None)}
RSA_BYTES = range(256, 512 + 1)
LARGEST_RSA_EXPONENT = 65537

# Labels of a COSE_Key: RFC 9052 §7, RFC 9053 §7, RFC 8230 §4
_KEY_TYPE, _ALGORITHM, _CURVE, _MODULUS, _EXPONENT = 1, 3, -1, -1, -2


def creation_options(
    request: Request,
    person: Person,
    purpose: Purpose,
    *,
    attachment: str | None = None,
    hints: tuple[str, ...] = (),
) -> dict[str, Any]:
    """`{publicKey, ceremony}` for one credential more (§5.1.9, its JSON form).

    `attachment` is "platform" or "cross-platform" to allow no other; `hints` only suggest (§5.8.7).
    The name that the system shows is the person's own; nothing of a national number is in it.
    """
    us = relying_party(request.settings)
    others = devices_of(request.connection, person.id)
    check_room(others)  # before the device makes a key that could not be kept
    challenge, token = new_challenge(request, "registration", purpose)
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
        "excludeCredentials": [descriptor(device) for device in others],
        "authenticatorSelection": selection,
        "hints": list(hints),
        "attestation": "none",
        "extensions": {"credProps": True},
    }
    return {"publicKey": public_key, "ceremony": token}


def register(request: Request, person: Person, purpose: Purpose) -> NewCredential:
    """The credential that the person's device made for this act; it is not stored yet.

    Raises `InvalidRequest` when it can't be read or verified: nothing was written. After that the
    challenge is burnt: by whoever stores the credential, or by the refusal of policy (`Forbidden`,
    on record). `Expired` when it was burnt before.
    """
    challenge = read_challenge(request, "registration", purpose)
    response = read_registration(request.json)
    us = relying_party(request.settings)
    check_client_data(response.client_data_json, "webauthn.create", challenge.text, us.origin)
    with refusing_what_it_raises():
        verified = _verify(response, challenge.bytes, us)
        algorithm = _check_key(verified.credential_public_key)
    if verified.credential_id != response.credential_id:
        raise unverified("the credential id is not the attested one")
    burn(request.connection, challenge)
    if not verified.user_verified:
        raise _refused(request, person, "user not verified")
    if response.resident is False:
        raise _refused(request, person, "not discoverable")
    return NewCredential(
        credential_id=verified.credential_id,
        public_key=verified.credential_public_key,
        user_handle=person.user_handle,
        aaguid=UUID(verified.aaguid),
        algorithm=algorithm,
        transports=response.transports,
        attachment=response.attachment,
        rp_id=us.id,
        origin=us.origin,
        sign_count=verified.sign_count,
        backup_eligible=verified.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
        backed_up=verified.credential_backed_up,
    )


def _verify(
    response: RegistrationResponse, challenge: bytes, us: RelyingParty
) -> VerifiedRegistration:
    return verify_registration_response(
        credential=RegistrationCredential(
            id=base64url(response.credential_id),
            raw_id=response.credential_id,
            response=AuthenticatorAttestationResponse(
                client_data_json=response.client_data_json,
                attestation_object=_without_attestation(response.attestation_object),
            ),
            type=PublicKeyCredentialType.PUBLIC_KEY,
        ),
        expected_challenge=challenge,
        expected_rp_id=us.id,
        expected_origin=us.origin,
        require_user_verification=False,  # ours, since it is policy and on record
        supported_pub_key_algs=[COSEAlgorithmIdentifier(each) for each in ALGORITHMS],
    )


def _without_attestation(attestation_object: bytes) -> bytes:
    """The attestation object with the statement that was asked for: none.

    Some platforms send one all the same. Nobody looks at it, so it must not be able to refuse a
    person either: parsers of TPM and Android statements do so for reasons that aren't ours.
    """
    if end_of_item(attestation_object) != len(attestation_object):
        raise ValueError("bytes left behind the attestation object")
    decoded = parse_cbor(attestation_object)
    authenticator_data = decoded["authData"]
    check_attested(authenticator_data)
    if decoded["fmt"] == "none" and decoded["attStmt"] != {}:
        raise ValueError("a statement where there should be none")  # §8.7
    return encode_cbor({"fmt": "none", "attStmt": {}, "authData": authenticator_data})


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


_WORDS = {
    "user not verified": N_(
        "Your device did not check that it is you. Set a PIN, fingerprint or face and try again."
    ),
    "not discoverable": N_(
        "Your device did not keep the key, so you could not sign in with it. Try another device "
        "or browser."
    ),
}


def _refused(request: Request, person: Person, reason: str) -> Refusal:
    event = RegistrationRefused(person_id=person.id, reason=reason)
    record(request.connection, request.secrets, event, request.now, request.reference)
    return Forbidden("refused_by_policy", _WORDS[reason], detail=reason)

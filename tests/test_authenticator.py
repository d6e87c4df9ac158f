"""The software authenticator is truthful and lies only as told: judged by py_webauthn.

Web Authentication Level 3, https://www.w3.org/TR/webauthn-3/
"""

import json
import time
from typing import Any
from uuid import UUID

import pytest
from webauthn import verify_authentication_response, verify_registration_response
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers.exceptions import (
    InvalidAuthenticationResponse,
    InvalidBackupFlags,
    InvalidRegistrationResponse,
)
from webauthn.helpers.structs import AttestationFormat, CredentialDeviceType
from webauthn.registration.verify_registration_response import VerifiedRegistration

from tests.authenticator import (
    EDDSA,
    ES256,
    RS256,
    Authenticator,
    InvalidState,
    NotAllowed,
    NotSupported,
    base64url,
    unbase64url,
)

ORIGIN = "http://localhost:8000"
CHALLENGE = bytes(range(32))
USER_HANDLE = bytes(reversed(range(32)))


def creation_options(**changes: Any) -> dict[str, Any]:
    return {
        "rp": {"id": "localhost", "name": "authn"},
        "user": {"id": base64url(USER_HANDLE), "name": "An Demo", "displayName": "An Demo"},
        "challenge": base64url(CHALLENGE),
        "pubKeyCredParams": [{"type": "public-key", "alg": alg} for alg in (ES256, EDDSA, RS256)],
        "extensions": {"credProps": True},
        **changes,
    }


def request_options(**changes: Any) -> dict[str, Any]:
    return {"challenge": base64url(CHALLENGE), "rpId": "localhost", **changes}


def register(credential: dict[str, Any]) -> VerifiedRegistration:
    return verify_registration_response(
        credential=credential,
        expected_challenge=CHALLENGE,
        expected_rp_id="localhost",
        expected_origin=ORIGIN,
        require_user_verification=True,
    )


def assert_with(
    credential: dict[str, Any], registered: VerifiedRegistration, count: int = 0
) -> VerifiedAuthentication:
    return verify_authentication_response(
        credential=credential,
        expected_challenge=CHALLENGE,
        expected_rp_id="localhost",
        expected_origin=ORIGIN,
        credential_public_key=registered.credential_public_key,
        credential_current_sign_count=count,
        require_user_verification=True,
    )


@pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
@pytest.mark.parametrize("attestation", ["none", "packed"])
def test_a_truthful_registration_and_assertion_verify(algorithm: int, attestation: Any) -> None:
    aaguid = UUID("01020304-0506-0708-0102-030405060708")
    laptop = Authenticator(aaguid=aaguid, algorithm=algorithm)
    created = laptop.create(json.dumps(creation_options()), ORIGIN, attestation=attestation)
    registered = register(created)
    assert registered.aaguid == str(aaguid)
    assert registered.fmt == AttestationFormat(attestation)
    assert registered.credential_device_type is CredentialDeviceType.SINGLE_DEVICE
    assert created["clientExtensionResults"] == {"credProps": {"rk": True}}

    asserted = laptop.get(json.dumps(request_options()), ORIGIN)
    assert assert_with(asserted, registered).new_sign_count == 1
    assert unbase64url(asserted["response"]["userHandle"]) == USER_HANDLE


def test_a_synced_passkey_has_backup_flags_and_a_counter_that_stays_zero() -> None:
    phone = Authenticator(backup_eligible=True, backed_up=True, counts=False)
    registered = register(phone.create(creation_options(), ORIGIN))
    assert registered.credential_device_type is CredentialDeviceType.MULTI_DEVICE
    assert registered.credential_backed_up
    for _ in range(2):
        assert assert_with(phone.get(request_options(), ORIGIN), registered).new_sign_count == 0


def test_the_counter_can_be_set_and_goes_on_from_there() -> None:
    key = Authenticator()
    registered = register(key.create(creation_options(), ORIGIN, sign_count=7))
    assert registered.sign_count == 7
    assert assert_with(key.get(request_options(), ORIGIN), registered, 7).new_sign_count == 8
    with pytest.raises(InvalidAuthenticationResponse, match="sign count"):
        assert_with(key.get(request_options(), ORIGIN, sign_count=3), registered, 8)


REGISTRATION_LIES: list[tuple[dict[str, Any], str]] = [
    ({"rp_id": "evil.example"}, "RP ID"),
    ({"type": "webauthn.get"}, "client data type"),
    ({"challenge": base64url(bytes(32))}, "challenge"),
    ({"user_present": False}, "User presence"),
    ({"user_verified": False}, "User verification"),
    ({"algorithm": -35}, "Unsupported"),
    ({"attestation": "packed", "bad_signature": True}, "signature"),
    ({"attestation_object": b"\xff\x00garbage"}, "malformed"),
    ({"truncate": 40}, "malformed"),
    ({"extra_bytes": b"??"}, "malformed"),
    ({"client_data": b"{"}, "malformed"),
]


@pytest.mark.parametrize(("lies", "reason"), REGISTRATION_LIES)
def test_a_lying_registration_is_refused_for_that_lie(lies: Any, reason: str) -> None:
    with pytest.raises(InvalidRegistrationResponse, match=reason):
        register(Authenticator().create(creation_options(), ORIGIN, **lies))


ASSERTION_LIES: list[tuple[dict[str, Any], str]] = [
    ({"rp_id": "evil.example"}, "RP ID"),
    ({"type": "webauthn.create"}, "client data type"),
    ({"challenge": base64url(bytes(32))}, "challenge"),
    ({"user_present": False}, "not present"),
    ({"user_verified": False}, "User verification"),
    ({"bad_signature": True}, "signature"),
    ({"authenticator_data": b"\xff" * 37}, "malformed"),
    ({"truncate": 36}, "malformed"),
    ({"extra_bytes": b"??"}, "malformed"),
    ({"client_data": b"\xff"}, "malformed"),
]


@pytest.mark.parametrize(("lies", "reason"), ASSERTION_LIES)
def test_a_lying_assertion_is_refused_for_that_lie(lies: Any, reason: str) -> None:
    key = Authenticator()
    registered = register(key.create(creation_options(), ORIGIN))
    with pytest.raises(InvalidAuthenticationResponse, match=reason):
        assert_with(key.get(request_options(), ORIGIN, **lies), registered)


@pytest.mark.parametrize("origin", ["https://localhost:8000", "http://localhost", "http://evil"])
def test_the_origin_given_is_the_origin_signed(origin: str) -> None:
    key = Authenticator()
    with pytest.raises(InvalidRegistrationResponse, match="origin"):
        register(key.create(creation_options(), origin))
    registered = register(key.create(creation_options(), ORIGIN))
    with pytest.raises(InvalidAuthenticationResponse, match="origin"):
        assert_with(key.get(request_options(), origin), registered)


def test_another_ones_credential_user_handle_and_id_can_be_claimed() -> None:
    mine, other = Authenticator(), Authenticator()
    registered = register(mine.create(creation_options(), ORIGIN))
    others = other.create(creation_options(), ORIGIN)
    with pytest.raises(InvalidAuthenticationResponse, match="signature"):
        assert_with(
            mine.get(request_options(), ORIGIN, credential=other.credentials[0]), registered
        )
    claimed = mine.get(request_options(), ORIGIN, credential_id=unbase64url(others["id"]))
    assert claimed["rawId"] == others["id"]
    assert_with(
        claimed, registered
    )  # the signature is true: finding the owner is the server's part
    handle = mine.get(request_options(), ORIGIN, user_handle=b"another")["response"]["userHandle"]
    assert unbase64url(handle) == b"another"
    assert "userHandle" not in mine.get(request_options(), ORIGIN, user_handle=None)["response"]


def test_what_py_webauthn_does_not_look_at_is_in_the_client_data() -> None:
    key = Authenticator()
    created = key.create(creation_options(), ORIGIN, cross_origin=True, top_origin="https://evil")
    client_data = json.loads(unbase64url(created["response"]["clientDataJSON"]))
    assert client_data["crossOrigin"] is True
    assert client_data["topOrigin"] == "https://evil"
    register(created)
    without = key.create(creation_options(), ORIGIN, cross_origin=None)
    assert b"crossOrigin" not in unbase64url(without["response"]["clientDataJSON"])


@pytest.mark.parametrize(
    ("resident", "answer"), [(False, {"credProps": {"rk": False}}), (None, {})]
)
def test_cred_props_can_say_not_discoverable_or_nothing(resident: Any, answer: Any) -> None:
    created = Authenticator().create(creation_options(), ORIGIN, resident=resident)
    assert created["clientExtensionResults"] == answer


def test_backed_up_without_being_eligible_is_refused_after_everything_else() -> None:
    """Section 6.1. py_webauthn has an exception of its own for it, outside its two usual ones."""
    key = Authenticator()
    with pytest.raises(InvalidBackupFlags):
        register(key.create(creation_options(), ORIGIN, backed_up=True))
    registered = register(key.create(creation_options(), ORIGIN))
    with pytest.raises(InvalidBackupFlags):
        assert_with(key.get(request_options(), ORIGIN, backed_up=True), registered)


def test_backup_flags_can_be_flipped_after_enrolment() -> None:
    key = Authenticator()
    registered = register(key.create(creation_options(), ORIGIN))
    flipped = key.get(request_options(), ORIGIN, backup_eligible=True, backed_up=True)
    assert (
        assert_with(flipped, registered).credential_device_type is CredentialDeviceType.MULTI_DEVICE
    )


def test_an_excluded_credential_is_not_made_twice() -> None:
    key = Authenticator()
    first = key.create(creation_options(), ORIGIN)
    excluding = creation_options(excludeCredentials=[{"type": "public-key", "id": first["id"]}])
    with pytest.raises(InvalidState):
        key.create(excluding, ORIGIN)
    key.create(excluding, ORIGIN, ignore_exclude=True)
    assert len(key.credentials) == 2


def test_the_newest_credential_answers_and_an_allow_list_chooses() -> None:
    key = Authenticator()
    first, second = (key.create(creation_options(), ORIGIN) for _ in range(2))
    assert key.get(request_options(), ORIGIN)["id"] == second["id"]
    allowed = [{"type": "public-key", "id": first["id"]}]
    assert key.get(request_options(allowCredentials=allowed), ORIGIN)["id"] == first["id"]


def test_an_authenticator_without_a_credential_here_says_so() -> None:
    key = Authenticator()
    with pytest.raises(NotAllowed):
        key.get(request_options(), ORIGIN)
    key.create(creation_options(), ORIGIN)
    with pytest.raises(NotAllowed):
        key.get(request_options(rpId="elsewhere.example"), ORIGIN)


def test_an_algorithm_that_nobody_asked_for_is_not_used() -> None:
    only_rsa = creation_options(pubKeyCredParams=[{"type": "public-key", "alg": RS256}])
    with pytest.raises(NotSupported):
        Authenticator(algorithm=ES256).create(only_rsa, ORIGIN)


def test_it_is_fast_enough_to_be_the_benchmarks_client() -> None:
    key = Authenticator()
    key.create(creation_options(), ORIGIN)
    started = time.process_time()
    for _ in range(200):
        key.get(request_options(), ORIGIN)
    assert (time.process_time() - started) / 200 < 0.002

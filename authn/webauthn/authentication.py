"""The authentication ceremony, WebAuthn §7.2: for a login, or to confirm one act."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from webauthn.authentication.verify_authentication_response import (
    VerifiedAuthentication,
    verify_authentication_response,
)
from webauthn.helpers.exceptions import InvalidBackupFlags
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorAssertionResponse,
    CredentialDeviceType,
    PublicKeyCredentialType,
)

from authn.audit.device_events import BackupFlagChanged
from authn.audit.log import record
from authn.devices.devices import devices_of, find_held_device, record_changed_backup, record_use
from authn.devices.life import resume_if_elapsed, suspend
from authn.devices.tables import Device, HeldDevice
from authn.devices.transitions import state_of
from authn.errors import N_, Forbidden, NotFound, Refusal
from authn.people.persons import lock_persons
from authn.web.request import Request
from authn.webauthn.authenticator_data import check_asserted
from authn.webauthn.challenges import (
    TIMEOUT_MILLISECONDS,
    Challenge,
    ChallengePurpose,
    burn,
    new_challenge,
    read_challenge,
)
from authn.webauthn.library import refusing_what_it_raises
from authn.webauthn.policy import model_of, policy_of, unmet
from authn.webauthn.refusals import BLOCKED, not_good_enough, refused
from authn.webauthn.relying_party import relying_party
from authn.webauthn.responses import AssertionResponse, base64url, check_client_data, read_assertion

SIGN_IN = "sign-in"
OPEN_DESK = "open-desk"
# Acts that open a session: only the service's own pages may ask for them (decisions 2.5).
_OPENING = frozenset({SIGN_IN, OPEN_DESK})


class UnknownCredential(NotFound):
    """No device has this credential: the page says that its key isn't known here."""


@dataclass(frozen=True, slots=True)
class _VerifiedAssertion:
    """An assertion whose signature verified, and the device that made it."""

    held: HeldDevice
    challenge: Challenge
    response: AssertionResponse
    verified: VerifiedAuthentication


def sign_in_options(request: Request, request_id: str | None) -> dict[str, Any]:
    """`{publicKey, ceremony}` for a login with any device (no allowCredentials: §5.1.4.1)."""
    return _options(request, ChallengePurpose(SIGN_IN, request_id=request_id), [])


def confirmation_options(
    request: Request,
    person_id: UUID,
    purpose: ChallengePurpose,
    good_enough: Callable[[Device], bool] = lambda device: True,
) -> dict[str, Any]:
    """`{publicKey, ceremony}` to confirm this act with one of the person's active devices.

    The browser offers those alone that are good enough for the act; whoever does it checks again.
    """
    allowed = [
        descriptor(device)
        for device in devices_of(request.connection, person_id)
        if state_of(device, request.now) == "active" and good_enough(device)
    ]
    return _options(request, purpose, allowed)


def authenticate_sign_in(request: Request, request_id: str | None) -> HeldDevice:
    """The device that signed in, and its holder.

    Raises `InvalidRequest` or `UnknownCredential` when it can't be verified: nothing was written.
    Once it is verified, the challenge is burnt; `Expired` (used before) or `Forbidden` may follow.
    """
    asserted = _verify(request, ChallengePurpose(SIGN_IN, request_id=request_id))
    if asserted.response.user_handle is None:
        # §7.2 step 6: required when the credential was not asked for by its id
        raise refused(request, asserted.held, "no user handle")
    return _accept(request, asserted)


def confirm(
    request: Request, person_id: UUID, purpose: ChallengePurpose, others: Iterable[UUID] = ()
) -> HeldDevice:
    """A device of this person that confirmed this act on this target, now (decisions 2.9).

    `others` are the persons whom the act is on, where it is not on themselves alone: locked with
    them. Raises as `authenticate_sign_in` does.
    """
    asserted = _verify(request, purpose)
    if asserted.held.person.id != person_id:
        raise refused(request, asserted.held, "another person's device")
    # First, as whatever is confirmed does: never the device's row before the person's.
    lock_persons(request.connection, {person_id, *others})
    return _accept(request, asserted)


def descriptor(device: Device) -> dict[str, Any]:
    """PublicKeyCredentialDescriptorJSON (§5.8.3) of a device that has a key."""
    assert device.credential_id is not None
    return {
        "type": "public-key",
        "id": base64url(device.credential_id),
        "transports": device.transports.split(",") if device.transports else [],
    }


def _options(
    request: Request, purpose: ChallengePurpose, allowed: list[dict[str, Any]]
) -> dict[str, Any]:
    """PublicKeyCredentialRequestOptionsJSON (§5.1.10)."""
    challenge, token = new_challenge(request, "authentication", purpose)
    public_key = {
        "challenge": challenge,
        "timeout": TIMEOUT_MILLISECONDS,
        "rpId": relying_party(request.settings).id,
        "allowCredentials": allowed,
        "userVerification": "required",
    }
    return {"publicKey": public_key, "ceremony": token}


def _verify(request: Request, purpose: ChallengePurpose) -> _VerifiedAssertion:
    """The signature verified, and the challenge is burnt."""
    challenge = read_challenge(request, "authentication", purpose)
    response = read_assertion(request.json)
    us = relying_party(request.settings)
    origins = us.origins if purpose.act in _OPENING else us.act_origins
    origin = check_client_data(response.client_data_json, "webauthn.get", challenge.text, origins)
    held = find_held_device(request.connection, response.credential_id)
    if held is None or held.device.public_key is None:
        raise UnknownCredential(
            "unknown_credential",
            N_("The key that your device offered is not known here. It may have been removed."),
        )
    with refusing_what_it_raises():
        check_asserted(response.authenticator_data)
        try:
            verified = verify_authentication_response(
                credential=_as_library_has_it(response),
                expected_challenge=challenge.bytes,
                expected_rp_id=us.id,
                expected_origin=origin,
                credential_public_key=held.device.public_key,
                # 0: otherwise it raises on a counter before it has looked at the signature. Counter
                # and user verification are ours, once we know that the device said so (protocol
                # 2.3).
                credential_current_sign_count=0,
                require_user_verification=False,
            )
        except InvalidBackupFlags:  # it looks at them once the signature has verified
            verified = None
    burn(request.connection, challenge)
    if verified is None:
        raise refused(request, held, "backed up without being eligible")  # §7.2 step 18
    return _VerifiedAssertion(held, challenge, response, verified)


def _accept(request: Request, asserted: _VerifiedAssertion) -> HeldDevice:
    """Policy, on what is now known to be true; then the device keeps what it asserted."""
    held = asserted.held
    device, person = held.device, held.person
    if not asserted.verified.user_verified:
        raise refused(request, held, "user not verified")
    if asserted.response.user_handle not in (None, device.user_handle):
        raise refused(request, held, "user handle of another account")
    if person.deceased:
        raise refused(request, held, "person deceased")
    if device.status == "suspended":
        device = resume_if_elapsed(request, device)
    if device.status != "active":
        raise refused(request, HeldDevice(device, person), f"device {device.status}")
    if _counter_went_back(device, asserted.verified.new_sign_count):
        raise _counter_refused(request, asserted)
    used = _as_asserted(request, device, asserted.verified)
    lacking = unmet(policy_of(request.settings, None), used, model_of(request.site, used))
    if lacking is not None:
        raise not_good_enough(request, held, lacking)
    recorded = record_use(
        request.connection,
        device,
        sign_count=used.sign_count,
        backup_eligible=used.backup_eligible,
        backed_up=used.backed_up,
        now=request.now,
    )
    if not recorded:
        raise refused(request, held, "device ended or used meanwhile")
    return HeldDevice(used, person)


def _as_asserted(request: Request, device: Device, verified: VerifiedAuthentication) -> Device:
    """The device as its assertion says that it is now; a changed backup flag is on record.

    Nobody is stranded by an update of an operating system: the flag lowers the level, for good,
    and refuses where the policy says so. It stays on record even if the login is then refused.
    """
    eligible = verified.credential_device_type is CredentialDeviceType.MULTI_DEVICE
    changed = eligible != device.backup_eligible
    if changed and not device.backup_changed:
        record_changed_backup(request.connection, device)
        event = BackupFlagChanged(
            person_id=device.person_id, device_id=device.id, backup_eligible=eligible
        )
        record(request.connection, request.secrets, event, request.now, request.reference)
    return replace(
        device,
        sign_count=verified.new_sign_count,
        # Protocol 2.4: once seen it stays, so that the level only goes down
        backup_eligible=device.backup_eligible or eligible,
        backup_changed=device.backup_changed or changed,
        backed_up=verified.credential_backed_up,
        last_used_at=request.now,
    )


def _counter_went_back(device: Device, asserted_count: int) -> bool:
    """§7.2 step 22: not greater than before, unless it was 0 and stays 0."""
    return asserted_count <= device.sign_count and (asserted_count, device.sign_count) != (0, 0)


def _counter_refused(request: Request, asserted: _VerifiedAssertion) -> Refusal:
    """Protocol 2.3: a copied key, unless an older page answered after a newer one."""
    device = asserted.held.device
    if asserted.challenge.issued_at <= device.last_used_at:
        return refused(request, asserted.held, "counter went back, in an older page")
    suspend(request, device, "system", "counter")
    return Forbidden("device_suspended", BLOCKED["counter"], detail="counter went back")


def _as_library_has_it(response: AssertionResponse) -> AuthenticationCredential:
    return AuthenticationCredential(
        id=base64url(response.credential_id),
        raw_id=response.credential_id,
        response=AuthenticatorAssertionResponse(
            client_data_json=response.client_data_json,
            authenticator_data=response.authenticator_data,
            signature=response.signature,
            user_handle=response.user_handle,
        ),
        type=PublicKeyCredentialType.PUBLIC_KEY,
    )

"""The authentication ceremony, WebAuthn §7.2: a device signs its holder in, or confirms an act.

An act is what a person does on a page of the service, such as to remove a device: its assertion
is for that act and its target alone. Once the signature has verified, the challenge is burnt; then
policy decides, and the device keeps its counter and flags.
"""

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

from authn.audit.events.devices import BackupFlagChanged
from authn.audit.log import record
from authn.devices.devices import find_held_device, list_devices, record_changed_backup, record_use
from authn.devices.life import resume_if_elapsed, suspend
from authn.devices.tables import Device, HeldDevice
from authn.devices.transitions import current_status
from authn.errors import N_, Forbidden, NotFound, Refusal
from authn.people.persons import lock_persons
from authn.web.request import Request
from authn.webauthn.authenticator_data import check_assertion_data
from authn.webauthn.challenges import (
    TIMEOUT_MILLISECONDS,
    Challenge,
    ChallengePurpose,
    burn_challenge,
    new_challenge,
    read_challenge,
)
from authn.webauthn.credentials import credential_descriptor
from authn.webauthn.policy import find_model, find_unmet, required_policy
from authn.webauthn.refusals import BLOCKED, record_assertion_refusal, record_policy_refusal
from authn.webauthn.relying_party import relying_party
from authn.webauthn.responses import (
    AssertionResponse,
    base64url,
    check_client_data,
    read_assertion,
    refuse_library_errors,
)

SIGN_IN = "sign-in"
OPEN_DESK = "open-desk"
# Acts that open a session: only the service's own pages may ask for them (decisions 2.5).
_OPENING = frozenset({SIGN_IN, OPEN_DESK})


class UnknownCredential(NotFound):
    """No device has the credential of an assertion; the page may signal so to the browser."""


@dataclass(frozen=True, slots=True)
class _VerifiedAssertion:
    """An assertion whose signature verified, with the device of its credential."""

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
    """`{publicKey, ceremony}` to confirm an act with an active device of the person.

    The browser offers devices alone that are `good_enough` for the act; the act checks that again.
    """
    allowed = [
        credential_descriptor(device)
        for device in list_devices(request.connection, person_id)
        if current_status(device, request.now) == "active" and good_enough(device)
    ]
    return _options(request, purpose, allowed)


def authenticate_sign_in(request: Request, request_id: str | None) -> HeldDevice:
    """The device that signed in by the assertion in the request, and its holder.

    Raises `InvalidRequest` or `UnknownCredential` when the assertion can't be verified: nothing was
    written. Then the challenge is burnt; `Expired` (used before) or `Forbidden` may follow.
    """
    assertion = _verify(request, ChallengePurpose(SIGN_IN, request_id=request_id))
    if assertion.response.user_handle is None:
        # §7.2 step 6: required when the credential was not asked for by its id
        raise record_assertion_refusal(request, assertion.held, "no user handle")
    return _accept(request, assertion)


def authenticate_confirmation(
    request: Request, person_id: UUID, purpose: ChallengePurpose, others: Iterable[UUID] = ()
) -> HeldDevice:
    """The device with which the person confirmed an act on its target, now (decisions 2.9).

    `others` are persons besides this person whom the act is on: all are locked. Raises as
    `authenticate_sign_in` does.
    """
    assertion = _verify(request, purpose)
    if assertion.held.person.id != person_id:
        raise record_assertion_refusal(request, assertion.held, "another person's device")
    # First of all, as the act itself does: never the device's row before the person's.
    lock_persons(request.connection, {person_id, *others})
    return _accept(request, assertion)


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
    """The assertion in the request, its signature verified and its challenge burnt."""
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
    with refuse_library_errors():
        check_assertion_data(response.authenticator_data)
        try:
            verified = verify_authentication_response(
                credential=_library_credential(response),
                expected_challenge=challenge.bytes,
                expected_rp_id=us.id,
                expected_origin=origin,
                credential_public_key=held.device.public_key,
                # 0: otherwise it raises on a counter before it has looked at the signature. Counter
                # and user verification are ours, once the signature has verified (decisions 2.3).
                credential_current_sign_count=0,
                require_user_verification=False,
            )
        except InvalidBackupFlags:  # it looks at them once the signature has verified
            verified = None
    burn_challenge(request.connection, challenge)
    if verified is None:
        raise record_assertion_refusal(
            request, held, "backed up without being eligible"
        )  # §7.2 step 18
    return _VerifiedAssertion(held, challenge, response, verified)


def _accept(request: Request, assertion: _VerifiedAssertion) -> HeldDevice:
    """The device is accepted by policy, and keeps the counter and flags that it asserted."""
    held = assertion.held
    device, person = held.device, held.person
    if not assertion.verified.user_verified:
        raise record_assertion_refusal(request, held, "user not verified")
    if assertion.response.user_handle not in (None, device.user_handle):
        raise record_assertion_refusal(request, held, "user handle of another account")
    if person.deceased:
        raise record_assertion_refusal(request, held, "person deceased")
    if device.status == "suspended":
        device = resume_if_elapsed(request, device)
    if device.status != "active":
        raise record_assertion_refusal(
            request, HeldDevice(device, person), f"device {device.status}"
        )
    if _counter_went_back(device, assertion.verified.new_sign_count):
        raise _refuse_counter(request, assertion)
    used = _record_asserted_state(request, device, assertion.verified)
    unmet = find_unmet(
        required_policy(request.settings, None), used, find_model(request.site, used)
    )
    if unmet is not None:
        raise record_policy_refusal(request, held, unmet)
    recorded = record_use(
        request.connection,
        device,
        sign_count=used.sign_count,
        backup_eligible=used.backup_eligible,
        backed_up=used.backed_up,
        now=request.now,
    )
    if not recorded:
        raise record_assertion_refusal(request, held, "device ended or used meanwhile")
    return HeldDevice(used, person)


def _record_asserted_state(
    request: Request, device: Device, verified: VerifiedAuthentication
) -> Device:
    """The device with the state that its assertion gives; a changed backup flag is on record.

    An update of an operating system strands nobody: the flag lowers the level, for good, and
    refuses where the policy says so. The event stays on record even if the login is then refused.
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
        # decisions 2.4: once seen it stays, so that the level only goes down
        backup_eligible=device.backup_eligible or eligible,
        backup_changed=device.backup_changed or changed,
        backed_up=verified.credential_backed_up,
        last_used_at=request.now,
    )


def _counter_went_back(device: Device, asserted_count: int) -> bool:
    """§7.2 step 22: not greater than before, unless it was 0 and stays 0."""
    return asserted_count <= device.sign_count and (asserted_count, device.sign_count) != (0, 0)


def _refuse_counter(request: Request, assertion: _VerifiedAssertion) -> Refusal:
    """Decisions 2.3: a copied key, unless an older page answered after a newer one."""
    device = assertion.held.device
    if assertion.challenge.issued_at <= device.last_used_at:
        return record_assertion_refusal(
            request, assertion.held, "counter went back, in an older page"
        )
    suspend(request, device, "system", "counter")
    return Forbidden("device_suspended", BLOCKED["counter"], detail="counter went back")


def _library_credential(response: AssertionResponse) -> AuthenticationCredential:
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

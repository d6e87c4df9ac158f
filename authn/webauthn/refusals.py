"""Refusals of an assertion whose signature verified: on record, and in sentences for the holder."""

from authn.audit.events.people import SignInRefused
from authn.audit.log import record
from authn.devices.tables import HeldDevice
from authn.errors import N_, Forbidden, Refusal
from authn.web.request import Request
from authn.webauthn.policy import UnmetPolicy

# What happened, what is still safe, and what to do now; by `Device.suspended_why`.
BLOCKED: dict[str | None, str] = {
    "counter": N_(
        "The key of this device may have been copied, so it was blocked. Your other devices "
        "still work: use one of them. If you have none, choose “My device is lost”."
    ),
    "emergency": N_(
        "All your devices were blocked because one was reported lost. Nobody can sign in with "
        "them. Choose “My device is lost” to get back into your account."
    ),
    "return": N_(
        "This device was blocked when you came back with a new one. Use the new one, and allow "
        "this one again under My devices."
    ),
    "desk": N_(
        "The help desk blocked this device. Your account is safe. Use another device, or ask the "
        "help desk."
    ),
}
BLOCKED_BY_HOLDER = N_(
    "This device was blocked. Your account is safe. Allow it again under My devices with another "
    "device. If you have none, choose “My device is lost”."
)
DORMANT = N_(
    "This device was not used for a long time, so it was blocked. Your account is safe. Allow it "
    "again under My devices with another device. If you have none, choose “My device is lost”."
)

NOT_VERIFIED = N_(
    "Your device did not check that it is you. Set a PIN, fingerprint or face and try again."
)

_REASONS_WITH_WORDS = {
    "user not verified": NOT_VERIFIED,
    "backed up without being eligible": N_(
        "Your device contradicts itself about its key, so we cannot trust it. Your account is "
        "safe. Update the device, or use another one."
    ),
    "device dormant": DORMANT,
}
WHAT_NOW = N_("Your account is safe. Use another device of yours, or an activation code.")


def record_assertion_refusal(request: Request, held: HeldDevice, reason: str) -> Refusal:
    """The refusal of a verified assertion, put on record; `reason` is for operators."""
    _record_refusal(request, held, reason)
    words = _REASONS_WITH_WORDS.get(reason, N_("This device cannot be used here now."))
    if held.device.status == "suspended":
        words = BLOCKED.get(held.device.suspended_why, BLOCKED_BY_HOLDER)
    return Forbidden("refused_by_policy", words, detail=reason)


def record_policy_refusal(request: Request, held: HeldDevice, unmet: UnmetPolicy) -> Refusal:
    """The refusal of a key that the service's policy doesn't accept today, put on record."""
    _record_refusal(request, held, unmet.reason)
    sentences = (unmet.what_is, unmet.what_is_needed, WHAT_NOW)
    words = " ".join(request.translate(sentence) for sentence in sentences)
    return Forbidden("device_not_good_enough", words, detail=unmet.reason)


def _record_refusal(request: Request, held: HeldDevice, reason: str) -> None:
    event = SignInRefused(person_id=held.person.id, device_id=held.device.id, reason=reason)
    record(request.connection, request.secrets, event, request.now, request.reference)

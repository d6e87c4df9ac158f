"""Confirmation of an act at the desk with the agent's own device (decisions 2.9)."""

from typing import Any
from uuid import UUID

from authn.console.act_rules import not_found_error, record_desk_refusal
from authn.console.staff_endpoints import (
    DeskSession,
    current_desk,
    desk_closed_error,
    reason_required_error,
)
from authn.devices.tables import Device
from authn.errors import Forbidden
from authn.people.persons import lock_persons
from authn.staff.roles import RULES, Act
from authn.web.request import Request
from authn.webauthn.authentication import authenticate_confirmation, confirmation_options
from authn.webauthn.challenges import ChallengePurpose
from authn.webauthn.policy import find_model, find_unmet, required_staff_policy


def desk_purpose(act: Act, target: str) -> ChallengePurpose:
    """The purpose of a challenge that confirms this act at the desk on this target alone."""
    return ChallengePurpose(f"desk:{act}", target)


def desk_confirmation_options(
    request: Request, desk: DeskSession, act: Act, target: str
) -> dict[str, Any]:
    """WebAuthn options, `{publicKey, ceremony}`, to confirm the act with a device fit for staff."""

    def good_enough(device: Device) -> bool:
        return _unmet_policy(request, device) is None

    return confirmation_options(request, desk.person_id, desk_purpose(act, target), good_enough)


def confirm_at_desk(
    request: Request, desk: DeskSession, act: Act, target: str, *others: UUID
) -> DeskSession:
    """Verify the confirmation of the act, and return the session read anew under locks.

    The agent, the person whom the reason is for and `others` are locked together, since two of the
    staff may act on each other at the same moment. Raises as `authenticate_confirmation`, and
    `Forbidden` or `NotFound` where the session, the role or the reason ended meanwhile. The
    challenge is spent whatever follows.
    """
    held = authenticate_confirmation(
        request, desk.person_id, desk_purpose(act, target), [*_persons_acted_on(desk, act), *others]
    )
    unmet_policy = _unmet_policy(request, held.device)
    if unmet_policy is not None:
        record_desk_refusal(request, desk, act, unmet_policy.reason)
        words = " ".join(
            map(request.translate, (unmet_policy.what_is, unmet_policy.what_is_needed))
        )
        raise Forbidden("device_not_good_enough", words, detail=unmet_policy.reason)
    return _require_same_session(request, desk, act)


def lock_desk_session(request: Request, desk: DeskSession, act: Act, *others: UUID) -> DeskSession:
    """The session read anew under the locks of `confirm_at_desk`, without a confirmation.

    For what follows from a confirmation of some minutes ago: whoever takes the agent's role away in
    this moment comes before or after. Raises as `confirm_at_desk`.
    """
    lock_persons(request.connection, {desk.person_id, *_persons_acted_on(desk, act), *others})
    return _require_same_session(request, desk, act)


def _persons_acted_on(desk: DeskSession, act: Act) -> list[UUID]:
    """The person whom the reason is for, where the act is on a person."""
    return [desk.about_id] if RULES[act].about_person and desk.about_id else []


def _require_same_session(request: Request, desk: DeskSession, act: Act) -> DeskSession:
    present = current_desk(request)
    if present is None or present.id != desk.id:
        raise desk_closed_error()
    if not present.staff.may(act):
        record_desk_refusal(request, desk, act, "role")
        raise not_found_error()
    if RULES[act].about_person and present.about_id != desk.about_id:
        raise reason_required_error()
    return present


def _unmet_policy(request: Request, device: Device) -> Any:
    return find_unmet(
        required_staff_policy(request.settings), device, find_model(request.site, device)
    )

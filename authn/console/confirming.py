"""Acts of weight at the desk: confirmed with the agent's own device then (decisions 2.9)."""

from typing import Any
from uuid import UUID

from authn.console.desk import DeskSession, current_desk, not_at_desk, reason_required
from authn.console.targets import note_refused, nothing_here
from authn.devices.tables import Device
from authn.errors import Forbidden
from authn.people.persons import lock_persons
from authn.staff.roles import RULES, Act
from authn.web.request import Request
from authn.webauthn.authentication import confirm, confirmation_options
from authn.webauthn.challenges import ChallengePurpose
from authn.webauthn.policy import model_of, policy_of_staff, unmet


def desk_purpose(act: Act, target: str) -> ChallengePurpose:
    """What such a challenge is for: this act at the desk, on this target alone."""
    return ChallengePurpose(f"desk:{act}", target)


def desk_confirmation_options(
    request: Request, desk: DeskSession, act: Act, target: str
) -> dict[str, Any]:
    """`{publicKey, ceremony}` to confirm the act with a device that is good enough for staff."""

    def good_enough(device: Device) -> bool:
        return _lacking(request, device) is None

    return confirmation_options(request, desk.person_id, desk_purpose(act, target), good_enough)


def confirm_at_desk(
    request: Request, desk: DeskSession, act: Act, target: str, *others: UUID
) -> DeskSession:
    """The session as it is now that the act was confirmed, and nobody else acts for this agent.

    Nor on the person whom a reason was given for, nor on `others`: they are locked together, since
    two of the staff may act on each other at the same moment. Raises as
    `webauthn.authentication.confirm` does, and `Forbidden` or `NotFound` where the session, the
    role or the reason ended meanwhile. The challenge is burnt whatever follows.
    """
    held = confirm(
        request, desk.person_id, desk_purpose(act, target), [*_about(desk, act), *others]
    )
    lacking = _lacking(request, held.device)
    if lacking is not None:
        note_refused(request, desk, act, lacking.reason)
        words = " ".join(map(request.translate, (lacking.what_is, lacking.what_is_needed)))
        raise Forbidden("device_not_good_enough", words, detail=lacking.reason)
    return _present(request, desk, act)


def hold_desk(request: Request, desk: DeskSession, act: Act, *others: UUID) -> DeskSession:
    """The session as it is now that nobody else acts for this agent, or on whom they act.

    For what follows from a confirmation of some minutes ago and has none of its own: whoever takes
    the agent's role away in this moment comes before it, or after it. Raises as `confirm_at_desk`.
    """
    lock_persons(request.connection, {desk.person_id, *_about(desk, act), *others})
    return _present(request, desk, act)


def _about(desk: DeskSession, act: Act) -> list[UUID]:
    """On whom the act is, where it is on a person."""
    return [desk.about_id] if RULES[act].about_person and desk.about_id else []


def _present(request: Request, desk: DeskSession, act: Act) -> DeskSession:
    present = current_desk(request)
    if present is None or present.id != desk.id:
        raise not_at_desk()
    if not present.staff.may(act):
        note_refused(request, desk, act, "role")
        raise nothing_here()
    if RULES[act].about_person and present.about_id != desk.about_id:
        raise reason_required()
    return present


def _lacking(request: Request, device: Device) -> Any:
    return unmet(policy_of_staff(request.settings), device, model_of(request.site, device))

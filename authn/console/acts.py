"""The acts of the desk on a person, their devices and addresses: one function an act.

Pages, the API and the command line call the same functions. Each locks the person, asks
`act_rules` who may act on whom, acts in the transaction of its caller, leaves one `desk.*`
event with the reason, and notifies the citizen. An act that needs a second member of staff waits
(`console.approvals`) and is performed in the transaction in which that one approves: everything is
checked anew then, since who asked may have lost their role, and the device may be gone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from authn.audit.events.desk_acts import ApprovalGiven
from authn.console.act_rules import find_person_at_desk, guard_target, not_found_error
from authn.console.approval_rows import Approval
from authn.console.approvals import record_decision, record_failure, request_approval
from authn.console.desk_sessions import Desk
from authn.console.device_acts import (
    ON_DEVICES,
    ActDetails,
    ActSetting,
    ActSteps,
    details_from_payload,
    device_act_by_risk,
)
from authn.console.local_operator import NOBODY, LocalOperator
from authn.console.person_acts import ON_PERSONS
from authn.console.recording import record_at_desk
from authn.db.occasion import Occasion
from authn.db.transaction import must_write
from authn.errors import N_, Forbidden, Refusal
from authn.people.persons import lock_persons
from authn.people.tables import Person
from authn.staff.members import Staff, find_staff_at_desk
from authn.staff.roles import RULES, Act

NO_STAFF: Final = N_("Who asked for this may not do it any more. Nothing was done.")
RISKIER_NOW: Final = N_("This would do more now than what was approved. Ask for it anew.")
ACT_STEPS: Final[Mapping[Act, ActSteps]] = {**ON_DEVICES, **ON_PERSONS}


@dataclass(frozen=True, slots=True)
class ActOutcome:
    """The result of an act, named by the risk that it turned out to have.

    With an `approval_id` nothing was done yet: the act waits for a second member of staff.
    """

    act: Act
    person_id: UUID
    device_id: UUID | None = None
    approval_id: UUID | None = None


def do_suspend(
    occasion: Occasion, desk: Desk, person: Person, device_id: UUID, *, checked: str = ""
) -> ActOutcome:
    """The device is blocked until somebody resumes it; its sessions and grants have ended.

    Here and below: raises `NotFound` for a role that may not and for what is gone, `Forbidden` for
    whom and what it is not possible with; each on record where it tells of an attempt.
    """
    return perform_act(occasion, desk, "suspend", person, _device_details(device_id, checked))


def do_resume(
    occasion: Occasion, desk: Desk, person: Person, device_id: UUID, *, checked: str = ""
) -> ActOutcome:
    """The device works again; after a suspicion, only once a second member of staff agrees."""
    return perform_act(occasion, desk, "resume", person, _device_details(device_id, checked))


def do_unlink(
    occasion: Occasion, desk: Desk, person: Person, device_id: UUID, *, checked: str = ""
) -> ActOutcome:
    """The device is removed for good; the last that works, only once a second one agrees."""
    return perform_act(occasion, desk, "unlink", person, _device_details(device_id, checked))


def do_block_all(
    occasion: Occasion, desk: Desk, person: Person, *, checked: str = ""
) -> ActOutcome:
    """No device of the person can be used until their account recovery (decisions 3.2)."""
    return perform_act(occasion, desk, "block-all", person, ActDetails(checked=checked))


def do_begin_return(
    occasion: Occasion, desk: Desk, person: Person, *, checked: str = ""
) -> ActOutcome:
    """An account recovery waits; every address on file can cancel it. Then a code can be issued."""
    return perform_act(occasion, desk, "begin-return", person, ActDetails(checked=checked))


def do_change_address(
    occasion: Occasion,
    desk: Desk,
    person: Person,
    *,
    add: str = "",
    remove: UUID | None = None,
    checked: str = "",
) -> ActOutcome:
    """An address is removed; or added, to be confirmed by the link that is sent there."""
    details = ActDetails(address=add, address_id=remove, checked=checked)
    return perform_act(occasion, desk, "change-address", person, details)


def do_merge(
    occasion: Occasion, desk: Desk, person: Person, merged_id: UUID, *, checked: str = ""
) -> ActOutcome:
    """Everything of the person with `merged_id` goes over to this person, who stays."""
    details = ActDetails(merged_id=merged_id, checked=checked)
    return perform_act(occasion, desk, "merge", person, details)


def perform_act(
    occasion: Occasion,
    desk: Desk,
    act: Act,
    person: Person,
    details: ActDetails,
    second: UUID | None = None,
) -> ActOutcome:
    """Perform the act, with everything checked now; or ask a second member of staff to approve.

    `second` is who approved this very act: where the act has more risk by now, it is refused.
    """
    must_write(occasion.connection)
    present = _lock_person(occasion, person.id, details)
    setting = ActSetting(occasion, desk, present, details, second)
    waits = guard_target(occasion, desk, act, present)
    classified = device_act_by_risk(act, setting) if details.device_id else act
    if classified != act:
        if second is not None and RULES[classified].second and not RULES[act].second:
            raise Forbidden("heavier_now", RISKIER_NOW)
        act, waits = classified, guard_target(occasion, desk, classified, present)
    steps = ACT_STEPS[act]
    steps.check(setting)
    outcome = ActOutcome(act, present.id, details.device_id)
    if waits and second is None:
        asked = request_approval(occasion, desk, act, present.id, details.payload())
        return replace(outcome, approval_id=asked.id)
    event = steps.do(setting)
    record_at_desk(occasion, desk, event)
    return outcome


def _lock_person(occasion: Occasion, person_id: UUID, details: ActDetails) -> Person:
    """The person as they are now, locked; for a merge both are, in one order."""
    lock_persons(occasion.connection, {person_id, details.merged_id or person_id})
    present = find_person_at_desk(occasion.connection, person_id)
    if present is None:
        raise not_found_error()
    return present


def _device_details(device_id: UUID, checked: str) -> ActDetails:
    return ActDetails(device_id=device_id, checked=checked)


def approve(occasion: Occasion, desk: Desk, approval_id: UUID) -> ActOutcome:
    """Approve an act as the second member of staff, and perform it in the name of who asked.

    An act that is not in `ACT_STEPS` (an activation code, which is printed where the registrar is)
    is only approved: who asked carries it out (`approvals.use_approval`). Raises as
    `approvals.record_decision`, and what the act raises when it is not possible any more, which is
    recorded as failed.
    """
    approval = record_decision(occasion, desk, approval_id, "approved")
    event = ApprovalGiven(**approval.event_fields(desk), asked_by=approval.asked_by)
    record_at_desk(occasion, desk, event)
    try:
        return _perform_approved(occasion, desk, approval)
    except Refusal as refusal:
        record_failure(occasion, desk, approval, refusal.error)
        raise


def _perform_approved(occasion: Occasion, desk: Desk, approval: Approval) -> ActOutcome:
    person = find_person_at_desk(occasion.connection, approval.person_id)
    asker = _find_asker(occasion, approval)
    if person is None or asker is None or not asker.may(approval.act):
        raise Forbidden("asker_may_not", NO_STAFF)
    if approval.act not in ACT_STEPS:
        return ActOutcome(approval.act, person.id, approval_id=approval.id)
    by_asker = (
        Desk(asker, approval.why) if approval.asked_by else LocalOperator(asker, approval.why)
    )
    details = details_from_payload(approval.payload)
    return perform_act(occasion, by_asker, approval.act, person, details, desk.person_id)


def _find_asker(occasion: Occasion, approval: Approval) -> Staff | None:
    """Who asked, in their roles of today at the desk where they asked, and at no other."""
    if approval.asked_by is None:
        return NOBODY
    return find_staff_at_desk(occasion.connection, approval.asked_by, approval.desk or "")

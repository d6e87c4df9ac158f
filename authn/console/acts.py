"""What the desk does to a person's devices and entry: one function an act.

Pages, the API and the command line call the same ones. Each locks the person, asks
`console.targets` who may do it to whom, does it in the transaction that it is called in, leaves one
`desk.*` event with the reason, and tells the citizen. What needs a second member of staff is not
done by it: it waits (`console.approvals`), and comes back to `perform` once it was approved.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from authn.console.approvals import ask
from authn.console.deeds import ON_DEVICES, ActDetails, ActSetting, ApprovalAct, weigh_device_act
from authn.console.desk_sessions import Desk
from authn.console.on_record import record_at_desk
from authn.console.person_deeds import ON_PERSONS
from authn.console.targets import guard_target, nothing_here, seen_person
from authn.db.occasion import Occasion
from authn.db.transaction import must_write
from authn.errors import N_, Forbidden
from authn.people.persons import lock_persons
from authn.people.tables import Person
from authn.staff.roles import RULES, Act

HEAVIER_NOW: Final = N_("This would do more now than what was approved. Ask for it anew.")
DEEDS: Final[Mapping[Act, ApprovalAct]] = {**ON_DEVICES, **ON_PERSONS}


@dataclass(frozen=True, slots=True)
class ActOutcome:
    """What came of an act, as heavy as it turned out to be.

    With an `approval_id` nothing was done yet: it waits for a second member of staff.
    """

    act: Act
    person_id: UUID
    device_id: UUID | None = None
    approval_id: UUID | None = None


def do_suspend(
    occasion: Occasion, desk: Desk, person: Person, device_id: UUID, *, checked: str = ""
) -> ActOutcome:
    """The device is blocked until somebody resumes it; what was opened with it has ended.

    Here and below: raises `NotFound` for a role that may not and for what is gone, `Forbidden` for
    whom and what it is not possible with; each on record where it tells of an attempt.
    """
    return perform(occasion, desk, "suspend", person, _of_device(device_id, checked))


def do_resume(
    occasion: Occasion, desk: Desk, person: Person, device_id: UUID, *, checked: str = ""
) -> ActOutcome:
    """The device works again; what was blocked on suspicion is reinstated by two alone."""
    return perform(occasion, desk, "resume", person, _of_device(device_id, checked))


def do_unlink(
    occasion: Occasion, desk: Desk, person: Person, device_id: UUID, *, checked: str = ""
) -> ActOutcome:
    """The device is removed for good; the last one that works, by two alone."""
    return perform(occasion, desk, "unlink", person, _of_device(device_id, checked))


def do_block_all(
    occasion: Occasion, desk: Desk, person: Person, *, checked: str = ""
) -> ActOutcome:
    """No device of the person can be used, until they come back (decisions 3.2)."""
    return perform(occasion, desk, "block-all", person, ActDetails(checked=checked))


def do_begin_return(
    occasion: Occasion, desk: Desk, person: Person, *, checked: str = ""
) -> ActOutcome:
    """A return waits, which every address on file can cancel; then a code can be issued."""
    return perform(occasion, desk, "begin-return", person, ActDetails(checked=checked))


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
    particulars = ActDetails(address=add, address_id=remove, checked=checked)
    return perform(occasion, desk, "change-address", person, particulars)


def do_merge(
    occasion: Occasion, desk: Desk, person: Person, merged_id: UUID, *, checked: str = ""
) -> ActOutcome:
    """All of the one person goes over to this one, who stays."""
    particulars = ActDetails(merged_id=merged_id, checked=checked)
    return perform(occasion, desk, "merge", person, particulars)


def perform(
    occasion: Occasion,
    desk: Desk,
    act: Act,
    person: Person,
    particulars: ActDetails,
    second: UUID | None = None,
) -> ActOutcome:
    """The act is done, everything checked at this moment; or it waits for a second one.

    `second` is who approved it: just this, so that what has become heavier since is not done by it.
    """
    must_write(occasion.connection)
    present = _locked(occasion, person.id, particulars)
    setting = ActSetting(occasion, desk, present, particulars, second)
    waits = guard_target(occasion, desk, act, present)
    weight = weigh_device_act(act, setting) if particulars.device_id else act
    if weight != act:
        if second is not None and RULES[weight].second and not RULES[act].second:
            raise Forbidden("heavier_now", HEAVIER_NOW)
        act, waits = weight, guard_target(occasion, desk, weight, present)
    deed = DEEDS[act]
    deed.check(setting)
    outcome = ActOutcome(act, present.id, particulars.device_id)
    if waits and second is None:
        asked = ask(occasion, desk, act, present.id, particulars.payload())
        return replace(outcome, approval_id=asked.id)
    event = deed.do(setting)
    record_at_desk(occasion, desk, event)
    return outcome


def _locked(occasion: Occasion, person_id: UUID, particulars: ActDetails) -> Person:
    """The person as they are now, and nobody else changes them; two of them in one order."""
    lock_persons(occasion.connection, {person_id, particulars.merged_id or person_id})
    present = seen_person(occasion.connection, person_id)
    if present is None:
        raise nothing_here()
    return present


def _of_device(device_id: UUID, checked: str) -> ActDetails:
    return ActDetails(device_id=device_id, checked=checked)

"""An act that waits to be confirmed in the hallway: who may, what for, and what they are shown.

Nobody is shown a person without a reason: the page names whom an act is on once this member of
staff has said why, which a tool does by calling the act first (it is refused, and tells what to ask
for). Without that it says what would be done, and a reference to compare with the tool's page.
"""

from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from authn.audit.staff_events import DeskRefused
from authn.consents.desk_acts import ConsentDeskAct
from authn.console.approval_rows import find_approval
from authn.console.approval_views import ApprovalView, approval_view
from authn.console.approvals import may_decide
from authn.console.confirming import desk_purpose
from authn.console.desk_sessions import NO_REASON, Desk
from authn.console.on_record import record_at_desk
from authn.console.targets import seen_person
from authn.desk_api.looking import has_said_why
from authn.devices.devices import devices_of
from authn.devices.tables import Device
from authn.errors import N_
from authn.login.acting import acting
from authn.login.passage import Passage
from authn.notices.address import mask_address
from authn.notices.addresses import addresses_of
from authn.people.tables import Person
from authn.sessions.sessions import Session, SessionDevice
from authn.sources.facts import DeskRoles
from authn.staff.roles import Act
from authn.staff.staff import Staff, staff_at
from authn.web.request import Request
from authn.webauthn.challenges import ChallengePurpose
from authn.webauthn.models import model_name
from authn.webauthn.policy import UnmetPolicy, model_of, policy_of_staff, unmet

# What is asked, and what the button says.
WORDS: Final[dict[Act, tuple[str, str]]] = {
    "suspend": (N_("Block this device?"), N_("Block this device")),
    "resume": (N_("Unblock this device?"), N_("Unblock this device")),
    "unlink": (N_("Remove this device?"), N_("Remove this device")),
    "block-all": (N_("Block all devices?"), N_("Block all devices")),
    "begin-return": (N_("Begin a return?"), N_("Begin the return")),
    "change-address": (N_("Change this address?"), N_("Ask to change it")),
    "merge": (N_("Join these two accounts?"), N_("Ask to join them")),
    "approve": (N_("Approve this?"), N_("Approve, and do it now")),
    "issue-code": (N_("Issue this activation code?"), N_("Issue the code")),
    "match-identity": (N_("Match this foreign identity?"), N_("It is the same person")),
}
FOR_GOOD: Final[frozenset[Act]] = frozenset({"unlink", "merge"})
# When the act only asks a second member of staff (`console.targets.needs_second`). A code says it
# in a line of its own, and whoever approves is the second one.
ONLY_ASKS: Final[dict[Act, str]] = {
    "suspend": N_("On a colleague's device this only asks: a second member of staff must agree."),
    "block-all": N_(
        "On a colleague's devices this only asks: a second member of staff must agree."
    ),
    "begin-return": N_("For a colleague this only asks: a second member of staff must agree."),
    "unlink": N_(
        "If it is the last device that works, or a colleague's, this only asks: a second member of "
        "staff must agree."
    ),
    "resume": N_(
        "If it was blocked on suspicion, or is a colleague's, this only asks: a second member of "
        "staff must agree."
    ),
    "change-address": N_("This only asks: a second member of staff must agree."),
    "merge": N_("This only asks: a second member of staff must agree."),
    "match-identity": N_(
        "If this person has or had a device, this only asks: a second member of staff must agree."
    ),
}
REFERENCE_LENGTH: Final = 8


@dataclass(frozen=True, slots=True)
class ConfirmationTarget:
    """On whom and what the act is, as far as this member of staff may see it.

    `reference` is always there: the end of what names it in the tool's request. `half` is where the
    second half of a code goes, `way` how it is let through.
    """

    reference: str
    person: Person | None = None
    other: Person | None = None
    device: Device | None = None
    model: str | None = None
    address: str = ""
    half: str = ""
    way: str = ""
    approval: ApprovalView | None = None

    @property
    def shown(self) -> bool:
        """Whether anything but the reference is."""
        return self.person is not None or self.approval is not None


def confirming_desk(passage: Passage, act: Act) -> Desk | None:
    """Who would confirm it: staff at the desk of the capacity in which they act, and may do it.

    None for anybody else, on record.
    """
    request, session = passage.request, passage.session
    assert session is not None, "somebody is signed in"
    fact, person_id = acting(passage).fact, session.person_id
    staff = None
    if isinstance(fact, DeskRoles):
        staff = staff_at(request.connection, person_id, fact.desk)
    desk = Desk(staff or Staff(person_id, frozenset(), frozenset()), NO_REASON)
    if desk.staff.may(act):
        return desk
    refused(passage, desk, act, "role" if staff else "no staff")
    return None


def refused(passage: Passage, desk: Desk, act: Act, why: str) -> None:
    """On record that somebody was to confirm what they may not."""
    request, session = passage.request, passage.session
    assert session is not None, "somebody is signed in"
    event = DeskRefused(
        actor_id=desk.person_id,
        device_id=session.device_id,
        client_id=passage.client.client_id,
        act=act,
        refused=why,
    )
    record_at_desk(request, desk, event)


def purpose_of(act: ConsentDeskAct, request_id: str) -> ChallengePurpose:
    """What the challenge is for: this act on this target, for this request and no other."""
    return replace(desk_purpose(act.act, act.target), request_id=request_id)


def lacking(request: Request, device: Device | SessionDevice) -> UnmetPolicy | None:
    """What the device lacks to be good enough for staff; None when it is."""
    return unmet(policy_of_staff(request.settings), device, model_of(request.site, device))


def target_of(
    request: Request, desk: Desk, session: Session, act: ConsentDeskAct
) -> ConfirmationTarget:
    """What is shown of what the act is on, to this member of staff at this moment."""
    names = act.on
    reference = act.target[-REFERENCE_LENGTH:]
    if "approval" in names:
        return ConfirmationTarget(
            reference, approval=_approval(request, desk, UUID(names["approval"]))
        )
    person_id = UUID(names["person"])
    if person_id == session.person_id or not has_said_why(request, desk, person_id):
        return ConfirmationTarget(reference)
    device = _device(request, person_id, names.get("device", ""))
    merged_id = UUID(names["merged"]) if "merged" in names else None
    return ConfirmationTarget(
        reference,
        person=seen_person(request.connection, person_id),
        other=_other(request, desk, merged_id),
        device=device,
        model=model_name(request.site, device.aaguid) if device else None,
        address=_address(request, person_id, names.get("address", names.get("half", ""))),
        half=names.get("half", ""),
        way=names.get("way", ""),
    )


def _approval(request: Request, desk: Desk, approval_id: UUID) -> ApprovalView | None:
    """What was asked, for who may decide about it; showing it is on record."""
    found = find_approval(request, approval_id)
    if found is None or not may_decide(desk, found):
        return None
    return approval_view(request, desk, found)


def _device(request: Request, person_id: UUID, device_id: str) -> Device | None:
    every = devices_of(request.connection, person_id) if device_id else ()
    return next((each for each in every if str(each.id) == device_id), None)


def _other(request: Request, desk: Desk, merged_id: UUID | None) -> Person | None:
    """The second one of two, whom a reason was given for as well."""
    if merged_id is None or not has_said_why(request, desk, merged_id):
        return None
    return seen_person(request.connection, merged_id)


def _address(request: Request, person_id: UUID, name: str) -> str:
    """An address that is there, masked; one to be added is not known by its mark."""
    if not name:
        return ""
    known = addresses_of(request.connection, request.secrets, person_id, request.now)
    return next((mask_address(each.address) for each in known if str(each.id) == name), "")

"""An act that a tool asks a member of staff to confirm: who may, for what, and what the page shows.

Nobody is shown a person without a reason. The page names the person of an act once this member of
staff has given a reason, which a tool does by calling the act first (the call is refused, and says
which authorization details to ask for). Without a reason the page says what would be done, with a
reference to compare to the tool's page.
"""

from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from authn.audit.events.staff import DeskRefused
from authn.consents.desk_acts import ConsentDeskAct
from authn.console.act_rules import find_person_at_desk
from authn.console.approval_rows import find_approval
from authn.console.approval_views import ApprovalView, approval_view
from authn.console.approvals import may_decide
from authn.console.confirmations import desk_purpose
from authn.console.desk_sessions import NO_REASON, Desk
from authn.console.recording import record_at_desk
from authn.desk_api.looks import has_reason
from authn.devices.devices import list_devices
from authn.devices.tables import Device
from authn.errors import N_
from authn.login.checks.capacity import acting_profile
from authn.login.pending import Interaction
from authn.notices.contact_addresses import list_contact_addresses
from authn.notices.mail_address import mask_address
from authn.people.tables import Person
from authn.sessions.sessions import Session, SessionDevice
from authn.sources.facts import DeskRoles
from authn.staff.members import Staff, find_staff_at_desk
from authn.staff.roles import Act
from authn.web.request import Request
from authn.webauthn.challenges import ChallengePurpose
from authn.webauthn.models.names import model_name
from authn.webauthn.policy import UnmetPolicy, find_model, find_unmet, required_staff_policy

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
# When the act only asks a second member of staff (`console.act_rules.needs_second`). A code says it
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
    """The person and thing of an act to confirm, as far as this member of staff may see them.

    `reference` is always there: the end of the target's name in the tool's request. `half` is where
    the second half of a code goes, `way` by which of `WAYS` a code is allowed.
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
        """Whether anything but the reference is shown."""
        return self.person is not None or self.approval is not None


def find_confirming_desk(interaction: Interaction, act: Act) -> Desk | None:
    """The member of staff who would confirm the act, in the capacity in which they act.

    None, on record, for who may not.
    """
    request, session = interaction.request, interaction.session
    assert session is not None, "somebody is signed in"
    fact, person_id = acting_profile(interaction).fact, session.person_id
    staff = None
    if isinstance(fact, DeskRoles):
        staff = find_staff_at_desk(request.connection, person_id, fact.desk)
    desk = Desk(staff or Staff(person_id, frozenset(), frozenset()), NO_REASON)
    if desk.staff.may(act):
        return desk
    record_refused(interaction, desk, act, "role" if staff else "no staff")
    return None


def record_refused(interaction: Interaction, desk: Desk, act: Act, why: str) -> None:
    """Record that somebody was asked to confirm what they may not."""
    request, session = interaction.request, interaction.session
    assert session is not None, "somebody is signed in"
    event = DeskRefused(
        actor_id=desk.person_id,
        device_id=session.device_id,
        client_id=interaction.client.client_id,
        act=act,
        refused=why,
    )
    record_at_desk(request, desk, event)


def confirmation_purpose(act: ConsentDeskAct, request_id: str) -> ChallengePurpose:
    """The purpose of the challenge: this act on this target, for this request and no other."""
    return replace(desk_purpose(act.act, act.target), request_id=request_id)


def unmet_staff_policy(request: Request, device: Device | SessionDevice) -> UnmetPolicy | None:
    """The policy for staff that the device does not meet; None when all are met."""
    return find_unmet(
        required_staff_policy(request.settings), device, find_model(request.site, device)
    )


def find_confirmation_target(
    request: Request, desk: Desk, session: Session, act: ConsentDeskAct
) -> ConfirmationTarget:
    """What this member of staff may see now of the person and thing of the act."""
    names = act.on
    reference = act.target[-REFERENCE_LENGTH:]
    if "approval" in names:
        return ConfirmationTarget(
            reference, approval=_find_approval_view(request, desk, UUID(names["approval"]))
        )
    person_id = UUID(names["person"])
    if person_id == session.person_id or not has_reason(request, desk, person_id):
        return ConfirmationTarget(reference)
    device = _find_device(request, person_id, names.get("device", ""))
    merged_id = UUID(names["merged"]) if "merged" in names else None
    return ConfirmationTarget(
        reference,
        person=find_person_at_desk(request.connection, person_id),
        other=_find_other_person(request, desk, merged_id),
        device=device,
        model=model_name(request.site, device.aaguid) if device else None,
        address=_masked_address(request, person_id, names.get("address", names.get("half", ""))),
        half=names.get("half", ""),
        way=names.get("way", ""),
    )


def _find_approval_view(request: Request, desk: Desk, approval_id: UUID) -> ApprovalView | None:
    """The view of the approval, for who may decide about it; recorded as a look."""
    found = find_approval(request, approval_id)
    if found is None or not may_decide(desk, found):
        return None
    return approval_view(request, desk, found)


def _find_device(request: Request, person_id: UUID, device_id: str) -> Device | None:
    every = list_devices(request.connection, person_id) if device_id else ()
    return next((each for each in every if str(each.id) == device_id), None)


def _find_other_person(request: Request, desk: Desk, merged_id: UUID | None) -> Person | None:
    """The person to be merged, if a reason was given for them as well."""
    if merged_id is None or not has_reason(request, desk, merged_id):
        return None
    return find_person_at_desk(request.connection, merged_id)


def _masked_address(request: Request, person_id: UUID, name: str) -> str:
    """The address with this id, masked; "" for an address to add, which only its mark names."""
    if not name:
        return ""
    known = list_contact_addresses(request.connection, request.secrets, person_id, request.now)
    return next((mask_address(each.address) for each in known if str(each.id) == name), "")

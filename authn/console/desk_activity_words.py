"""What a desk's events are called for a supervisor: one line an event, with its group.

Every event of the desk is here; a test holds this table against `audit`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from authn.audit import desk_events as desk
from authn.audit import registration_events as registration
from authn.audit import staff_events as staff
from authn.audit.events import Event
from authn.audit.watching_events import DeskActivitySeen
from authn.errors import N_

Group = Literal["look", "search", "act", "refusal", "approval", "unusual", "presence"]


@dataclass(frozen=True, slots=True)
class Done:
    """How one event is shown. Not counted is what always comes with one that is."""

    group: Group
    words: str
    counted: bool = True


DONE: Final[Mapping[type[Event], Done]] = {
    staff.DeskOpened: Done("presence", N_("Opened the desk")),
    staff.DeskClosed: Done("presence", N_("Closed the desk")),
    staff.DeskSearched: Done("search", N_("Searched for a person")),
    registration.CitizenSearched: Done("search", N_("Looked somebody up in the national register")),
    staff.DeskReasonGiven: Done("look", N_("Gave a reason to look"), counted=False),
    staff.DeskLookedAt: Done("look", N_("Looked at a person")),
    staff.DeskNumberShown: Done("look", N_("Had the national number shown")),
    desk.ApprovalSeen: Done("look", N_("Looked at what waits for approval")),
    registration.ForeignIdentitySeen: Done("look", N_("Looked at a foreign identity")),
    DeskActivitySeen: Done("look", N_("Looked at the desk's activity"), counted=False),
    staff.DeskRefused: Done("refusal", N_("Was refused")),
    staff.DeskActConfirmed: Done("act", N_("Confirmed an act for a tool"), counted=False),
    staff.DeskColleagueSeen: Done(
        "unusual", N_("Opened the account of a colleague"), counted=False
    ),
    staff.DeskLooksUnusual: Done("unusual", N_("Looked at unusually many people"), counted=False),
    desk.DeskSuspended: Done("act", N_("Blocked a device")),
    desk.DeskSuspensionUndone: Done("act", N_("Took back the blocking of a device")),
    desk.DeskUnlinked: Done("act", N_("Removed a device")),
    desk.DeskResumed: Done("act", N_("Unblocked a device")),
    desk.DeskReinstated: Done("act", N_("Unblocked a device that was blocked on suspicion")),
    desk.DeskBlockedAll: Done("act", N_("Blocked every device")),
    desk.DeskReturnBegun: Done("act", N_("Began a return")),
    desk.DeskAddressChanged: Done("act", N_("Changed a contact address")),
    desk.DeskMerged: Done("act", N_("Joined two accounts")),
    registration.IdentityChecked: Done("act", N_("Checked an identity document")),
    registration.DeskCodeAsked: Done("act", N_("Asked for an activation code")),
    registration.DeskCodePrinted: Done("act", N_("Printed an activation code")),
    registration.DeskCodeCancelled: Done("act", N_("Cancelled an activation code")),
    registration.ForeignIdentityMatched: Done("act", N_("Matched a foreign identity")),
    registration.ForeignIdentityParted: Done("act", N_("Parted a foreign identity again")),
    desk.ApprovalAsked: Done("approval", N_("Asked for approval")),
    desk.ApprovalGiven: Done("approval", N_("Approved")),
    desk.ApprovalRefused: Done("approval", N_("Refused to approve")),
    desk.ApprovalWithdrawn: Done("approval", N_("Withdrew a request for approval")),
    desk.ApprovalExpired: Done("approval", N_("A request for approval expired")),
    desk.ApprovalFailed: Done("approval", N_("Approved what could not be done any more")),
    desk.ApprovalLapsed: Done(
        "approval", N_("Found that an approval counts no more"), counted=False
    ),
}
NOT_OF_A_DESK: Final[Mapping[type[Event], str]] = {
    staff.StaffAppointed: "an operator's act, about staff",
    staff.StaffDismissed: "an operator's act, about staff",
    staff.DeskActedAlone: "at the machine, by nobody of the staff",
    registration.MachineCodeIssued: "at the machine, by nobody of the staff",
    registration.ForeignIdentityArrived: "nobody of the staff did it",
}
BY_NAME: Final[Mapping[str, Done]] = {event.name: done for event, done in DONE.items()}

# Why something was refused, where it is not a device's shortcoming.
REFUSED: Final[Mapping[str, str]] = {
    "role": N_("not for this role"),
    "no such person": N_("there is no such person"),
    "own_account": N_("their own account"),
    "deceased": N_("the person has died"),
    "merged": N_("the account is part of another one"),
    "too many looks": N_("too many people in an hour"),
}

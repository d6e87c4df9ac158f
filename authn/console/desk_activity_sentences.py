"""The sentence and group of each event of the desk, and the words of acts and refusals.

Shown to supervisors. A test compares the table to the events of `audit`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from authn.audit.events import desk_acts as desk
from authn.audit.events import operators, registration, staff
from authn.audit.events.audit_log import DeskActivitySeen
from authn.audit.events.event import Event
from authn.errors import N_
from authn.staff.roles import Act
from authn.webauthn import policy
from authn.webauthn.authentication import OPEN_DESK

Group = Literal["look", "search", "act", "refusal", "approval", "unusual", "presence"]


@dataclass(frozen=True, slots=True)
class ActivitySentence:
    """How an event is shown; not `counted` is one that always comes with a counted one.

    An event that `opens` groups has no line of its own where an event of such a group followed,
    since that says everything again.
    """

    group: Group
    words: str
    counted: bool = True
    opens: tuple[Group, ...] = ()


SENTENCES: Final[Mapping[type[Event], ActivitySentence]] = {
    staff.DeskOpened: ActivitySentence("presence", N_("Opened the desk")),
    staff.DeskClosed: ActivitySentence("presence", N_("Closed the desk")),
    staff.DeskSearched: ActivitySentence("search", N_("Searched for a person")),
    registration.CitizenSearched: ActivitySentence(
        "search", N_("Looked somebody up in the national register")
    ),
    staff.DeskReasonGiven: ActivitySentence(
        "look", N_("Gave a reason to look"), counted=False, opens=("look",)
    ),
    staff.DeskLookedAt: ActivitySentence("look", N_("Looked at a person")),
    staff.DeskNumberShown: ActivitySentence("look", N_("Had the national number shown")),
    desk.ApprovalSeen: ActivitySentence("look", N_("Looked at what waits for approval")),
    registration.ForeignIdentitySeen: ActivitySentence("look", N_("Looked at a foreign identity")),
    DeskActivitySeen: ActivitySentence("look", N_("Looked at the desk's activity"), counted=False),
    staff.DeskRefused: ActivitySentence("refusal", N_("Was refused")),
    staff.DeskActConfirmed: ActivitySentence(
        "act", N_("Confirmed an act for a tool"), counted=False, opens=("act", "approval")
    ),
    staff.DeskColleagueSeen: ActivitySentence(
        "unusual", N_("Opened the account of a colleague"), counted=False
    ),
    staff.DeskLooksUnusual: ActivitySentence(
        "unusual", N_("Looked at unusually many people"), counted=False
    ),
    desk.DeskSuspended: ActivitySentence("act", N_("Blocked a device")),
    desk.DeskSuspensionUndone: ActivitySentence("act", N_("Took back the blocking of a device")),
    desk.DeskUnlinked: ActivitySentence("act", N_("Removed a device")),
    desk.DeskResumed: ActivitySentence("act", N_("Unblocked a device")),
    desk.DeskReinstated: ActivitySentence(
        "act", N_("Unblocked a device that was blocked on suspicion")
    ),
    desk.DeskBlockedAll: ActivitySentence("act", N_("Blocked every device")),
    desk.DeskAccountRecoveryBegun: ActivitySentence("act", N_("Began a return")),
    desk.DeskAddressChanged: ActivitySentence("act", N_("Changed a contact address")),
    desk.DeskMerged: ActivitySentence("act", N_("Joined two accounts")),
    registration.IdentityChecked: ActivitySentence("act", N_("Checked an identity document")),
    registration.DeskCodeAsked: ActivitySentence("act", N_("Asked for an activation code")),
    registration.DeskCodePrinted: ActivitySentence("act", N_("Printed an activation code")),
    registration.DeskCodeCancelled: ActivitySentence("act", N_("Cancelled an activation code")),
    registration.ForeignIdentityMatched: ActivitySentence("act", N_("Matched a foreign identity")),
    registration.ForeignIdentityParted: ActivitySentence(
        "act", N_("Parted a foreign identity again")
    ),
    desk.ApprovalAsked: ActivitySentence("approval", N_("Asked for approval")),
    desk.ApprovalGiven: ActivitySentence("approval", N_("Approved")),
    desk.ApprovalRefused: ActivitySentence("approval", N_("Refused to approve")),
    desk.ApprovalWithdrawn: ActivitySentence("approval", N_("Withdrew a request for approval")),
    desk.ApprovalExpired: ActivitySentence("approval", N_("A request for approval expired")),
    desk.ApprovalFailed: ActivitySentence(
        "approval", N_("Approved what could not be done any more")
    ),
    desk.ApprovalLapsed: ActivitySentence(
        "approval", N_("Found that an approval counts no more"), counted=False
    ),
    operators.OperatorRequestAsked: ActivitySentence(
        "approval", N_("Asked for a permission or a role")
    ),
    operators.OperatorRequestApproved: ActivitySentence(
        "approval", N_("Agreed to a permission or a role")
    ),
    operators.OperatorRequestRefused: ActivitySentence(
        "approval", N_("Refused a permission or a role")
    ),
    operators.OperatorRequestWithdrawn: ActivitySentence(
        "approval", N_("Withdrew a request for a permission or a role")
    ),
    operators.OperatorRequestExpired: ActivitySentence(
        "approval", N_("A request for a permission or a role expired")
    ),
    operators.OperatorRequestFailed: ActivitySentence(
        "approval", N_("Agreed to a permission or a role that could not be given any more")
    ),
}
NOT_OF_A_DESK: Final[Mapping[type[Event], str]] = {
    staff.StaffAppointed: "an operator's act, about staff",
    staff.StaffDismissed: "an operator's act, about staff",
    staff.DeskActedAlone: "by a local operator, nobody of the staff",
    registration.OperatorCodeIssued: "by a local operator, nobody of the staff",
    registration.ForeignIdentityArrived: "nobody of the staff did it",
    registration.ForeignMatchEnded: "it ended by itself",
}
SENTENCE_BY_EVENT: Final[Mapping[str, ActivitySentence]] = {
    event.name: done for event, done in SENTENCES.items()
}

# The acts that an approval, a confirmation or a refusal names.
ACT_WORDS: Final[Mapping[Act | str, str]] = {
    "find": N_("Find a person"),
    "see-person": N_("Look at a person"),
    "show-number": N_("Show a national number"),
    "suspend": N_("Block a device"),
    "unlink": N_("Remove a device"),
    "unlink-last": N_("Remove the last device that works"),
    "resume": N_("Unblock a device"),
    "block-all": N_("Block all devices"),
    "begin-return": N_("Begin a return"),
    "check-identity": N_("Check an identity document"),
    "issue-code": N_("Issue an activation code"),
    "match-identity": N_("Match a foreign identity to a number"),
    "reinstate": N_("Unblock a device that was blocked on suspicion"),
    "change-address": N_("Change a mail address"),
    "merge": N_("Join two accounts"),
    "approve": N_("Decide about what a colleague asked"),
    "withdraw": N_("Take back what a colleague asked"),
    "see-desk": N_("Look at the desk's activity"),
    "see-audit": N_("Look at the audit log"),
    "see-clients": N_("Look at applications"),
    "change-clients": N_("Change an application or a resource server"),
    "see-keys": N_("Look at the signing keys"),
    "rotate-keys": N_("Replace a signing key"),
    "see-health": N_("Look at the state of the service"),
    "retry-notices": N_("Send notices again"),
    "see-requests": N_("Look at permissions and roles"),
    "decide-requests": N_("Decide about a permission or a role"),
    "use-api": N_("Use a tool of the desk"),
    OPEN_DESK: N_("Open the help desk"),
}
# What a device lacked with which somebody was to confirm something.
_DEVICES: Final = (
    policy.ALGORITHM,
    policy.DENIED,
    policy.UNKNOWN_MODEL,
    policy.NOT_ALLOWED,
    policy.PROHIBITED,
    policy.CHANGED_BACKUP,
    policy.SYNCED,
    policy.NOT_CERTIFIED,
    policy.IDENTITY,
)
# Why something was refused.
REFUSAL_WORDS: Final[Mapping[str, str]] = {
    **{each.reason: each.what_is for each in _DEVICES},
    "not_found": N_("not for this role"),
    "role": N_("not for this role"),
    "no staff": N_("not, or no longer, of the staff"),
    "no reason": N_("no reason was given for this person"),
    "another registrar's": N_("another registrar checked the document"),
    "identity not checked": N_("no identity document was checked just now"),
    "began the return": N_("they began this person's return themselves"),
    "not by this one": N_("not for this one to decide"),
    "asked by another": N_("somebody else asked for it"),
    "no second operator": N_("there is no second operator"),
    "not as shown": N_("not what the page had shown"),
    "not by this device": N_("not with the device that they signed in with"),
    "no such person": N_("there is no such person"),
    "own_account": N_("their own account"),
    "deceased": N_("the person has died"),
    "merged": N_("the account is part of another one"),
    "too many looks": N_("too many people in an hour"),
}

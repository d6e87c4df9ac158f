"""What each event is called on the page "My activity": one line an event.

Every class of `audit` is here or in `NOT_SHOWN`, with the reason; a test holds them against one
another. A word about whom staff looked at is one more line, with `why` naming the detail that the
citizen reads.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from authn.audit import desk_events as desk
from authn.audit import device_events as device
from authn.audit import (
    events,
    operator_events,
    permission_events,
    person_events,
    profile_events,
    registration_events,
    source_events,
    staff_events,
    token_events,
    watching_events,
)
from authn.audit.events import Event
from authn.errors import N_

Kind = str

# The kinds in the order of the page, by the word of its address; one without a line is not offered.
KINDS: Final[Mapping[Kind, str]] = {
    "sign-in": N_("Signing in"),
    "devices": N_("Devices"),
    "applications": N_("Applications"),
    "data": N_("What was given to whom"),
    "account": N_("Your account"),
    "staff": N_("Who looked at your account"),
}


@dataclass(frozen=True, slots=True)
class ActivityLine:
    """How one event is shown.

    `data` names the detail with what was asked or allowed, `resource` that with the service that an
    application spoke to, `why` that with a reason which a citizen reads, `roles` that with what
    they are at the help desk. What is not named here is for operators, and not shown.
    """

    kind: Kind
    what: str
    data: str = ""
    resource: str = ""
    why: str = ""
    roles: str = ""


LINES: Final[Mapping[type[Event], ActivityLine]] = {
    events.SignedIn: ActivityLine("sign-in", N_("You signed in")),
    events.SignInRefused: ActivityLine("sign-in", N_("Signing in was refused")),
    events.SignedOut: ActivityLine("sign-in", N_("You signed out")),
    events.SignedOutEverywhere: ActivityLine("sign-in", N_("You signed out everywhere")),
    device.InstallationEnded: ActivityLine("sign-in", N_("You signed out a browser or an app")),
    events.ApplicationAuthorised: ActivityLine("sign-in", N_("You signed in to an application")),
    profile_events.ProfileChosen: ActivityLine(
        "sign-in", N_("You chose in which capacity you use an application")
    ),
    events.OtherScreenAllowed: ActivityLine(
        "sign-in", N_("You signed in to an application on another screen")
    ),
    events.OtherScreenDeclined: ActivityLine(
        "sign-in", N_("You refused an application on another screen")
    ),
    events.ConsentGiven: ActivityLine(
        "applications", N_("You allowed an application"), data="scopes"
    ),
    events.ConsentDeclined: ActivityLine(
        "applications", N_("You refused an application"), data="scopes"
    ),
    events.ConsentWithdrawn: ActivityLine(
        "applications", N_("You withdrew what you had allowed an application")
    ),
    events.GrantGivenBack: ActivityLine("applications", N_("An application gave its access back")),
    events.CodeReplayed: ActivityLine(
        "applications", N_("An application lost its access: it may have been copied")
    ),
    events.RefreshTokenReplayed: ActivityLine(
        "applications", N_("An application lost its access: it may have been copied")
    ),
    token_events.EndedProfilePresented: ActivityLine(
        "applications", N_("An application lost its access: a capacity of yours has ended")
    ),
    profile_events.ProfileEnded: ActivityLine("applications", N_("A capacity of yours has ended")),
    token_events.ProfileSwitched: ActivityLine(
        "applications", N_("An application went on in another capacity"), resource="resource"
    ),
    permission_events.ScopeRefused: ActivityLine(
        "applications", N_("An application asked what it may not have in this capacity")
    ),
    events.NationalNumberReleased: ActivityLine("data", N_("Your national number was given")),
    token_events.MayActReleased: ActivityLine("data", N_("It was told for whom you may act")),
    events.TokenExchanged: ActivityLine(
        "data", N_("An application went on to a service"), resource="resource"
    ),
    events.AssertionRedeemed: ActivityLine(
        "data", N_("An application got access by another service")
    ),
    device.DeviceAdded: ActivityLine("devices", N_("A device was added")),
    device.DeviceRenamed: ActivityLine("devices", N_("A device got another name")),
    device.DeviceUnlinked: ActivityLine("devices", N_("A device was removed")),
    device.DeviceSuspended: ActivityLine("devices", N_("A device was blocked")),
    device.AllButOneBlocked: ActivityLine("devices", N_("You blocked all devices but this one")),
    device.DeviceResumed: ActivityLine("devices", N_("A device was unblocked")),
    device.DormancyAnnounced: ActivityLine(
        "devices", N_("We wrote to you about a device that you do not use")
    ),
    device.DeviceDormant: ActivityLine("devices", N_("A device that you did not use was blocked")),
    device.RegistrationRefused: ActivityLine("devices", N_("A new device was refused")),
    device.BackupFlagChanged: ActivityLine(
        "devices", N_("A key turned out to be shared by several devices")
    ),
    device.IdentityLevelRaised: ActivityLine(
        "devices", N_("You proved who you are, and confirmed it with a device")
    ),
    device.InvitationOpened: ActivityLine(
        "devices", N_("You began to add a device on another screen")
    ),
    events.ActivationCodeIssued: ActivityLine("account", N_("An activation code was made for you")),
    events.ActivationRefused: ActivityLine("account", N_("An activation code was refused")),
    device.EmergencyLinkSent: ActivityLine(
        "account", N_("A link to block all your devices was sent to you")
    ),
    device.EmergencyBlockUsed: ActivityLine("account", N_("All your devices were blocked")),
    device.EmergencyBlockConfirmed: ActivityLine(
        "account", N_("The block of all your devices was confirmed")
    ),
    device.EmergencyBlockRefused: ActivityLine(
        "account", N_("Blocking all your devices was refused")
    ),
    device.AccountRecoveryBegun: ActivityLine(
        "account", N_("A return into your account was begun")
    ),
    device.AccountRecoveryCancelled: ActivityLine(
        "account", N_("A return into your account was cancelled")
    ),
    device.AccountRecovered: ActivityLine("account", N_("You came back into your account")),
    device.AddressAdded: ActivityLine("account", N_("A mail address was added")),
    device.AddressConfirmed: ActivityLine("account", N_("A mail address was confirmed")),
    device.AddressRemoved: ActivityLine("account", N_("A mail address was removed")),
    device.NotMe: ActivityLine("account", N_("“This was not me” was pressed in a mail")),
    device.IdentityProven: ActivityLine("account", N_("You proved who you are")),
    device.IdentityRefused: ActivityLine("account", N_("A proof of who you are was refused")),
    desk.DeskSuspended: ActivityLine("staff", N_("The help desk blocked a device"), why="reason"),
    desk.DeskSuspensionUndone: ActivityLine(
        "staff", N_("The help desk took back that it had blocked a device by mistake")
    ),
    desk.DeskUnlinked: ActivityLine("staff", N_("The help desk removed a device"), why="reason"),
    desk.DeskResumed: ActivityLine("staff", N_("The help desk unblocked a device"), why="reason"),
    desk.DeskReinstated: ActivityLine(
        "staff", N_("The help desk unblocked a device"), why="reason"
    ),
    desk.DeskBlockedAll: ActivityLine(
        "staff", N_("The help desk blocked all your devices"), why="reason"
    ),
    desk.DeskAccountRecoveryBegun: ActivityLine(
        "staff", N_("The help desk began your return into your account"), why="reason"
    ),
    desk.DeskAddressChanged: ActivityLine(
        "staff", N_("The help desk changed your mail addresses"), why="reason"
    ),
    desk.DeskMerged: ActivityLine(
        "staff", N_("The help desk joined your two accounts"), why="reason"
    ),
    desk.ApprovalSeen: ActivityLine(
        "staff", N_("A supervisor read what the help desk asked to do for you"), why="reason"
    ),
    person_events.PersonsMerged: ActivityLine("account", N_("Your two accounts became one")),
    staff_events.StaffAppointed: ActivityLine(
        "account", N_("You got a role at the help desk"), roles="role"
    ),
    staff_events.StaffDismissed: ActivityLine(
        "account", N_("A role of yours at the help desk ended"), roles="role"
    ),
    staff_events.DeskOpened: ActivityLine("sign-in", N_("You opened the help desk"), roles="roles"),
    staff_events.DeskClosed: ActivityLine("sign-in", N_("You closed the help desk")),
    staff_events.DeskReasonGiven: ActivityLine(
        "staff", N_("A member of the help desk opened your account"), why="reason"
    ),
    registration_events.IdentityChecked: ActivityLine(
        "staff", N_("Your identity document was checked at a desk"), why="reason"
    ),
    registration_events.DeskCodeAsked: ActivityLine(
        "staff", N_("An activation code was asked for at a desk"), why="reason"
    ),
    registration_events.DeskCodePrinted: ActivityLine(
        "staff", N_("The letter of an activation code was printed"), why="reason"
    ),
    registration_events.DeskCodeCancelled: ActivityLine(
        "account", N_("An activation code was cancelled")
    ),
    registration_events.ForeignIdentityMatched: ActivityLine(
        "staff", N_("A foreign identity was matched to you"), why="reason"
    ),
    registration_events.ForeignIdentityParted: ActivityLine(
        "staff", N_("A foreign identity leads to you no more"), why="reason"
    ),
    registration_events.ForeignMatchEnded: ActivityLine(
        "account", N_("A foreign identity leads to you no more")
    ),
    watching_events.AuditSearched: ActivityLine(
        "staff", N_("An auditor searched what is on record about you")
    ),
    watching_events.AuditRowSeen: ActivityLine("staff", N_("An auditor read a record about you")),
    staff_events.DeskNumberShown: ActivityLine(
        "staff", N_("A member of the help desk saw your national number"), why="reason"
    ),
}
_NOBODY = "about no person"
_ACT_SHOWN = "the act itself is shown, and nothing was done before it"
_NOTHING_DONE = "nothing was done by it, and whoever asked was told at once"
NOT_SHOWN: Final[Mapping[type[Event], str]] = {
    events.FidoMetadataUpdated: _NOBODY,
    events.RegisterImported: _NOBODY,
    source_events.FactsImported: _NOBODY,
    events.ClientRegistered: _NOBODY,
    events.ClientChanged: _NOBODY,
    events.ClientEnded: _NOBODY,
    events.SigningKeyRotated: _NOBODY,
    events.SigningKeyWithdrawn: _NOBODY,
    events.ResourceRegistered: _NOBODY,
    events.ResourceEnded: _NOBODY,
    permission_events.ResourceChanged: _NOBODY,
    events.ExchangeAllowed: _NOBODY,
    events.ExchangeForbidden: _NOBODY,
    events.AssertionIssuerRegistered: _NOBODY,
    events.AssertionIssuerEnded: _NOBODY,
    events.CodeRefused: "an application's own mistake, or another one's attempt: nothing was given",
    registration_events.CitizenSearched: "whoever was found is shown why their account was opened",
    registration_events.ForeignIdentityArrived: _NOBODY,
    registration_events.ForeignIdentitySeen: "an identity that may be another person's",
    staff_events.DeskColleagueSeen: "it is shown once, with the reason that was given before",
    staff_events.DeskLooksUnusual: _NOBODY,
    staff_events.DeskActConfirmed: _ACT_SHOWN,
    watching_events.AuditArchived: _NOBODY,
    watching_events.AuditVerified: _NOBODY,
    watching_events.DeskActivitySeen: "what staff did: names of citizens, and nothing else of them",
    operator_events.OutboxRetried: _NOBODY,
    operator_events.OutboxDropped: _NOBODY,
    operator_events.OperatorActedAlone: _ACT_SHOWN,
    operator_events.OperatorRequestAsked: _ACT_SHOWN,
    operator_events.OperatorRequestApproved: _ACT_SHOWN,
    operator_events.OperatorRequestRefused: _ACT_SHOWN,
    operator_events.OperatorRequestWithdrawn: _ACT_SHOWN,
    operator_events.OperatorRequestExpired: _ACT_SHOWN,
    operator_events.OperatorRequestFailed: _ACT_SHOWN,
    staff_events.DeskSearched: "whoever was found is shown that their account was opened",
    staff_events.DeskLookedAt: "it is shown once, with the reason that was given before",
    staff_events.DeskRefused: "one of the staff asked for what they may not: nothing was shown",
    device.DeviceActRefused: _NOTHING_DONE,
    desk.ApprovalAsked: _ACT_SHOWN,
    desk.ApprovalGiven: _ACT_SHOWN,
    desk.ApprovalRefused: _ACT_SHOWN,
    desk.ApprovalWithdrawn: _ACT_SHOWN,
    desk.ApprovalExpired: _ACT_SHOWN,
    desk.ApprovalFailed: _ACT_SHOWN,
    desk.ApprovalLapsed: _ACT_SHOWN,
    staff_events.DeskActedAlone: _ACT_SHOWN,
    registration_events.OperatorCodeIssued: "shown as the code that was made, and why",
    device.DecisionRefused: _NOTHING_DONE,
    device.InvitationEnded: "its beginning is shown, and the device if there is one",
}

# By the name that a row has: its line.
BY_NAME: Final[Mapping[str, ActivityLine]] = {event.name: line for event, line in LINES.items()}

# Who did it, where it was not the person with a device in hand: of the details `by` and `proof`.
BY: Final[Mapping[str, str]] = {
    "system": N_("This service, by itself"),
    "door": N_("The page for lost devices"),
    "notice": N_("The button in a mail"),
    "return": N_("By coming back"),
    "desk": N_("The help desk"),
    "mail": N_("A link in a mail"),
    "upstream": N_("A proof of identity"),
}

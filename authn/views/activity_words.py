"""The sentence of each audit event on the page "My activity", one line an event.

Every event class is in `LINES` or, with the reason, in `NOT_SHOWN` (a test compares them).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from authn.audit.events import (
    applications,
    audit_log,
    capacities,
    clients,
    desk_acts,
    devices,
    operators,
    people,
    registration,
    service,
    staff,
)
from authn.audit.events.event import Event
from authn.errors import N_

Kind = str

# The kinds in the order of the page, by their word in its address.
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
    """How an event is shown: its kind, its sentence, and which of its details are shown with it.

    `data` names the detail that holds scopes, `resource` that of the resource server, `why` that of
    staff's reason, `roles` that of roles at the help desk. Other details are for operators.
    """

    kind: Kind
    what: str
    data: str = ""
    resource: str = ""
    why: str = ""
    roles: str = ""


LINES: Final[Mapping[type[Event], ActivityLine]] = {
    people.SignedIn: ActivityLine("sign-in", N_("You signed in")),
    people.SignInRefused: ActivityLine("sign-in", N_("Signing in was refused")),
    people.SignedOut: ActivityLine("sign-in", N_("You signed out")),
    people.SignedOutEverywhere: ActivityLine("sign-in", N_("You signed out everywhere")),
    devices.InstallationEnded: ActivityLine("sign-in", N_("You signed out a browser or an app")),
    applications.ApplicationAuthorised: ActivityLine(
        "sign-in", N_("You signed in to an application")
    ),
    capacities.ProfileChosen: ActivityLine(
        "sign-in", N_("You chose in which capacity you use an application")
    ),
    applications.OtherScreenAllowed: ActivityLine(
        "sign-in", N_("You signed in to an application on another screen")
    ),
    applications.OtherScreenDeclined: ActivityLine(
        "sign-in", N_("You refused an application on another screen")
    ),
    applications.ConsentGiven: ActivityLine(
        "applications", N_("You allowed an application"), data="scopes"
    ),
    applications.ConsentDeclined: ActivityLine(
        "applications", N_("You refused an application"), data="scopes"
    ),
    applications.ConsentWithdrawn: ActivityLine(
        "applications", N_("You withdrew what you had allowed an application")
    ),
    applications.GrantGivenBack: ActivityLine(
        "applications", N_("An application gave its access back")
    ),
    applications.CodeReplayed: ActivityLine(
        "applications", N_("An application lost its access: it may have been copied")
    ),
    applications.RefreshTokenReplayed: ActivityLine(
        "applications", N_("An application lost its access: it may have been copied")
    ),
    capacities.EndedProfilePresented: ActivityLine(
        "applications", N_("An application lost its access: a capacity of yours has ended")
    ),
    capacities.ProfileEnded: ActivityLine("applications", N_("A capacity of yours has ended")),
    capacities.ProfileSwitched: ActivityLine(
        "applications", N_("An application went on in another capacity"), resource="resource"
    ),
    applications.ScopeRefused: ActivityLine(
        "applications", N_("An application asked what it may not have in this capacity")
    ),
    applications.NationalNumberReleased: ActivityLine("data", N_("Your national number was given")),
    capacities.MayActReleased: ActivityLine("data", N_("It was told for whom you may act")),
    applications.TokenExchanged: ActivityLine(
        "data", N_("An application went on to a service"), resource="resource"
    ),
    applications.AssertionRedeemed: ActivityLine(
        "data", N_("An application got access by another service")
    ),
    devices.DeviceAdded: ActivityLine("devices", N_("A device was added")),
    devices.DeviceRenamed: ActivityLine("devices", N_("A device got another name")),
    devices.DeviceUnlinked: ActivityLine("devices", N_("A device was removed")),
    devices.DeviceSuspended: ActivityLine("devices", N_("A device was blocked")),
    devices.AllButOneBlocked: ActivityLine("devices", N_("You blocked all devices but this one")),
    devices.DeviceResumed: ActivityLine("devices", N_("A device was unblocked")),
    devices.DormancyAnnounced: ActivityLine(
        "devices", N_("We wrote to you about a device that you do not use")
    ),
    devices.DeviceDormant: ActivityLine("devices", N_("A device that you did not use was blocked")),
    devices.RegistrationRefused: ActivityLine("devices", N_("A new device was refused")),
    devices.BackupFlagChanged: ActivityLine(
        "devices", N_("A key turned out to be shared by several devices")
    ),
    devices.IdentityLevelRaised: ActivityLine(
        "devices", N_("You proved who you are, and confirmed it with a device")
    ),
    devices.InvitationOpened: ActivityLine(
        "devices", N_("You began to add a device on another screen")
    ),
    people.ActivationCodeIssued: ActivityLine("account", N_("An activation code was made for you")),
    people.ActivationRefused: ActivityLine("account", N_("An activation code was refused")),
    devices.EmergencyLinkSent: ActivityLine(
        "account", N_("A link to block all your devices was sent to you")
    ),
    devices.EmergencyBlockUsed: ActivityLine("account", N_("All your devices were blocked")),
    devices.EmergencyBlockConfirmed: ActivityLine(
        "account", N_("The block of all your devices was confirmed")
    ),
    devices.EmergencyBlockRefused: ActivityLine(
        "account", N_("Blocking all your devices was refused")
    ),
    devices.AccountRecoveryBegun: ActivityLine(
        "account", N_("A return into your account was begun")
    ),
    devices.AccountRecoveryCancelled: ActivityLine(
        "account", N_("A return into your account was cancelled")
    ),
    devices.AccountRecovered: ActivityLine("account", N_("You came back into your account")),
    devices.AddressAdded: ActivityLine("account", N_("A mail address was added")),
    devices.AddressConfirmed: ActivityLine("account", N_("A mail address was confirmed")),
    devices.AddressRemoved: ActivityLine("account", N_("A mail address was removed")),
    devices.NotMe: ActivityLine("account", N_("“This was not me” was pressed in a mail")),
    devices.IdentityProven: ActivityLine("account", N_("You proved who you are")),
    devices.IdentityRefused: ActivityLine("account", N_("A proof of who you are was refused")),
    desk_acts.DeskSuspended: ActivityLine(
        "staff", N_("The help desk blocked a device"), why="reason"
    ),
    desk_acts.DeskSuspensionUndone: ActivityLine(
        "staff", N_("The help desk took back that it had blocked a device by mistake")
    ),
    desk_acts.DeskUnlinked: ActivityLine(
        "staff", N_("The help desk removed a device"), why="reason"
    ),
    desk_acts.DeskResumed: ActivityLine(
        "staff", N_("The help desk unblocked a device"), why="reason"
    ),
    desk_acts.DeskReinstated: ActivityLine(
        "staff", N_("The help desk unblocked a device"), why="reason"
    ),
    desk_acts.DeskBlockedAll: ActivityLine(
        "staff", N_("The help desk blocked all your devices"), why="reason"
    ),
    desk_acts.DeskAccountRecoveryBegun: ActivityLine(
        "staff", N_("The help desk began your return into your account"), why="reason"
    ),
    desk_acts.DeskAddressChanged: ActivityLine(
        "staff", N_("The help desk changed your mail addresses"), why="reason"
    ),
    desk_acts.DeskMerged: ActivityLine(
        "staff", N_("The help desk joined your two accounts"), why="reason"
    ),
    desk_acts.ApprovalSeen: ActivityLine(
        "staff", N_("A supervisor read what the help desk asked to do for you"), why="reason"
    ),
    people.PersonsMerged: ActivityLine("account", N_("Your two accounts became one")),
    staff.StaffAppointed: ActivityLine(
        "account", N_("You got a role at the help desk"), roles="role"
    ),
    staff.StaffDismissed: ActivityLine(
        "account", N_("A role of yours at the help desk ended"), roles="role"
    ),
    staff.DeskOpened: ActivityLine("sign-in", N_("You opened the help desk"), roles="roles"),
    staff.DeskClosed: ActivityLine("sign-in", N_("You closed the help desk")),
    staff.DeskReasonGiven: ActivityLine(
        "staff", N_("A member of the help desk opened your account"), why="reason"
    ),
    registration.IdentityChecked: ActivityLine(
        "staff", N_("Your identity document was checked at a desk"), why="reason"
    ),
    registration.DeskCodeAsked: ActivityLine(
        "staff", N_("An activation code was asked for at a desk"), why="reason"
    ),
    registration.DeskCodePrinted: ActivityLine(
        "staff", N_("The letter of an activation code was printed"), why="reason"
    ),
    registration.DeskCodeCancelled: ActivityLine("account", N_("An activation code was cancelled")),
    registration.ForeignIdentityMatched: ActivityLine(
        "staff", N_("A foreign identity was matched to you"), why="reason"
    ),
    registration.ForeignIdentityParted: ActivityLine(
        "staff", N_("A foreign identity leads to you no more"), why="reason"
    ),
    registration.ForeignMatchEnded: ActivityLine(
        "account", N_("A foreign identity leads to you no more")
    ),
    audit_log.AuditSearched: ActivityLine(
        "staff", N_("An auditor searched what is on record about you")
    ),
    audit_log.AuditRowSeen: ActivityLine("staff", N_("An auditor read a record about you")),
    staff.DeskNumberShown: ActivityLine(
        "staff", N_("A member of the help desk saw your national number"), why="reason"
    ),
}
_NOBODY = "about no person"
_ACT_SHOWN = "the act itself is shown, and nothing was done before it"
_NOTHING_DONE = "nothing was done by it, and whoever asked was told at once"
NOT_SHOWN: Final[Mapping[type[Event], str]] = {
    service.FidoMetadataUpdated: _NOBODY,
    service.RegisterImported: _NOBODY,
    service.FactsImported: _NOBODY,
    clients.ClientRegistered: _NOBODY,
    clients.ClientChanged: _NOBODY,
    clients.ClientEnded: _NOBODY,
    service.SigningKeyRotated: _NOBODY,
    service.SigningKeyWithdrawn: _NOBODY,
    clients.ResourceRegistered: _NOBODY,
    clients.ResourceEnded: _NOBODY,
    clients.ResourceChanged: _NOBODY,
    clients.ExchangeAllowed: _NOBODY,
    clients.ExchangeForbidden: _NOBODY,
    clients.AssertionIssuerRegistered: _NOBODY,
    clients.AssertionIssuerEnded: _NOBODY,
    applications.CodeRefused: (
        "an application's own mistake, or another one's attempt: nothing was given"
    ),
    registration.CitizenSearched: "whoever was found is shown why their account was opened",
    registration.ForeignIdentityArrived: _NOBODY,
    registration.ForeignIdentitySeen: "an identity that may be another person's",
    staff.DeskColleagueSeen: "it is shown once, with the reason that was given before",
    staff.DeskLooksUnusual: _NOBODY,
    staff.DeskActConfirmed: _ACT_SHOWN,
    audit_log.AuditArchived: _NOBODY,
    audit_log.AuditVerified: _NOBODY,
    audit_log.DeskActivitySeen: "what staff did: names of citizens, and nothing else of them",
    service.OutboxRetried: _NOBODY,
    service.OutboxDropped: _NOBODY,
    operators.OperatorActedAlone: _ACT_SHOWN,
    operators.OperatorRequestAsked: _ACT_SHOWN,
    operators.OperatorRequestApproved: _ACT_SHOWN,
    operators.OperatorRequestRefused: _ACT_SHOWN,
    operators.OperatorRequestWithdrawn: _ACT_SHOWN,
    operators.OperatorRequestExpired: _ACT_SHOWN,
    operators.OperatorRequestFailed: _ACT_SHOWN,
    staff.DeskSearched: "whoever was found is shown that their account was opened",
    staff.DeskLookedAt: "it is shown once, with the reason that was given before",
    staff.DeskRefused: "one of the staff asked for what they may not: nothing was shown",
    devices.DeviceActRefused: _NOTHING_DONE,
    desk_acts.ApprovalAsked: _ACT_SHOWN,
    desk_acts.ApprovalGiven: _ACT_SHOWN,
    desk_acts.ApprovalRefused: _ACT_SHOWN,
    desk_acts.ApprovalWithdrawn: _ACT_SHOWN,
    desk_acts.ApprovalExpired: _ACT_SHOWN,
    desk_acts.ApprovalFailed: _ACT_SHOWN,
    desk_acts.ApprovalLapsed: _ACT_SHOWN,
    staff.DeskActedAlone: _ACT_SHOWN,
    registration.OperatorCodeIssued: "shown as the code that was made, and why",
    devices.DecisionRefused: _NOTHING_DONE,
    devices.InvitationEnded: "its beginning is shown, and the device if there is one",
}

# By the name of an event, as audit rows have it.
BY_NAME: Final[Mapping[str, ActivityLine]] = {event.name: line for event, line in LINES.items()}

# Who acted, if not the person with a device: by the value of the details `by` and `proof`.
BY: Final[Mapping[str, str]] = {
    "system": N_("This service, by itself"),
    "door": N_("The page for lost devices"),
    "notice": N_("The button in a mail"),
    "return": N_("By coming back"),
    "desk": N_("The help desk"),
    "mail": N_("A link in a mail"),
    "upstream": N_("A proof of identity"),
}

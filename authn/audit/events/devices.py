"""Audit events in the life of a device, of its loss and of account recovery, and of notices."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from authn.audit.events.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceAdded(Event):
    """A device was enrolled; `how` is `activation`, `here` or `invitation`."""

    name: ClassVar[str] = "device.added"
    how: str
    added_by: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRenamed(Event):
    """The holder gave a device another name."""

    name: ClassVar[str] = "device.renamed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceUnlinked(Event):
    """A device was removed; everything opened with it ended in the same moment.

    `by` is who did it, here and in what follows: `holder`, `system`, `door` (the emergency door),
    `notice` ("this was not me" in a notice), `return` or `desk`.
    """

    name: ClassVar[str] = "device.unlinked"
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSuspended(Event):
    """A device was suspended, or for longer; everything opened with it ended in the same moment.

    `reason` is `counter` when its key may have been copied, else who asked for it.
    """

    name: ClassVar[str] = "device.suspended"
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AllButOneBlocked(Event):
    """The holder blocked every device but this one; each is on record by itself too."""

    name: ClassVar[str] = "device.all-but-one-blocked"
    blocked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceResumed(Event):
    """A suspended or dormant device is active again; `system`: its suspension had an end."""

    name: ClassVar[str] = "device.resumed"
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DormancyAnnounced(Event):
    """The holder of a device was told that it will be dormant if it stays unused."""

    name: ClassVar[str] = "device.dormancy-announced"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceDormant(Event):
    """A device that was unused for long can't be used until its holder resumes it."""

    name: ClassVar[str] = "device.dormant"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceActRefused(Event):
    """A step in the life of a device was asked for and refused; `reason` is for operators.

    `act` is the state that it would have had.
    """

    name: ClassVar[str] = "device.act-refused"
    act: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationEnded(Event):
    """The holder ended one browser or app of a device; the device stays."""

    name: ClassVar[str] = "installation.ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationRefused(Event):
    """A registration ceremony of a known person was refused; `reason` is for operators."""

    name: ClassVar[str] = "device.refused"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupFlagChanged(Event):
    """A key's backup-eligible flag is not what it was at enrolment; its level is lowered for good.

    `backup_eligible` is what the assertion said. Recorded the first time.
    """

    name: ClassVar[str] = "device.backup-flag-changed"
    backup_eligible: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationOpened(Event):
    """A signed-in person asked to add a device on another screen."""

    name: ClassVar[str] = "invitation.opened"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationEnded(Event):
    """An invitation ended without a device; `reason` tells why."""

    name: ClassVar[str] = "invitation.ended"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyLinkSent(Event):
    """A link to the emergency door was sent to a confirmed address of the person."""

    name: ClassVar[str] = "emergency.link-sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyBlockUsed(Event):
    """Every device of a person was blocked at once; `proof` is `mail`, `upstream` or `desk`."""

    name: ClassVar[str] = "emergency.used"
    proof: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyBlockConfirmed(Event):
    """A block proven by mail alone was confirmed by a stronger `proof`: it has no end any more."""

    name: ClassVar[str] = "emergency.confirmed"
    proof: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyBlockRefused(Event):
    """The emergency door was asked for and refused; `reason` is for operators."""

    name: ClassVar[str] = "emergency.refused"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRecoveryBegun(Event):
    """A return waits, since its `proof` (an upstream) vouches for less than a lost key did."""

    name: ClassVar[str] = "return.begun"
    proof: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRecoveryCancelled(Event):
    """A return that waited was cancelled, by a link in a notice or on its own page."""

    name: ClassVar[str] = "return.cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRecovered(Event):
    """A person came back by `proof` (an upstream, or `activation`); the old devices are blocked."""

    name: ClassVar[str] = "return.completed"
    proof: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressAdded(Event):
    """The holder gave a contact address, which waits for its confirmation; never the address."""

    name: ClassVar[str] = "address.added"
    address_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressConfirmed(Event):
    """The link that was sent to a contact address was used: notices go there from now on."""

    name: ClassVar[str] = "address.confirmed"
    address_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressRemoved(Event):
    """A contact address, confirmed or not, was removed by its holder.

    Or withdrawn, not confirmed yet, when all devices were blocked.
    """

    name: ClassVar[str] = "address.removed"
    address_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotMe(Event):
    """Somebody used the link "this was not me" of the notice `notice`, and it did what it does."""

    name: ClassVar[str] = "notice.not-me"
    notice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRefused(Event):
    """Who came back decided about old devices, and one decision was refused: none was carried out.

    `reason` is for operators.
    """

    name: ClassVar[str] = "return.decision-refused"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityProven(Event):
    """An upstream proved who a person is, at this level and for this purpose."""

    name: ClassVar[str] = "identity.proven"
    upstream: str
    level: str
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityRefused(Event):
    """An upstream's verified answer was refused; `reason` is for operators."""

    name: ClassVar[str] = "identity.refused"
    upstream: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityLevelRaised(Event):
    """A device is worth more: its holder proved who they are, and confirmed with it."""

    name: ClassVar[str] = "device.identity-raised"
    upstream: str
    level: str

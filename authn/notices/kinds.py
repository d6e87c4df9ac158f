"""What a person can be told. A class is a kind of notice; its fields are what the mail names.

Never a national number, a code or a secret; `EmergencyLinkNotice`, `AddressConfirmationNotice` and
`ActivationLinkNotice` alone carry a link that does something, since that link is what their mail is
for.
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Notice:
    """One of the kinds below."""


@dataclass(frozen=True, slots=True)
class DeviceAddedNotice(Notice):
    """A device was added to the account; "this was not me" blocks it at once."""

    device_id: UUID
    device_name: str


@dataclass(frozen=True, slots=True)
class DeviceUnlinkedNotice(Notice):
    """A device was removed; `by` is who did it, here and below: the mail says so of the desk."""

    device_id: UUID
    device_name: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class DeviceSuspendedNotice(Notice):
    """A device was blocked; `why` is one of `devices.tables.SuspendedWhy`, or `dormant`."""

    device_id: UUID
    device_name: str
    why: str


@dataclass(frozen=True, slots=True)
class OtherDevicesSuspendedNotice(Notice):
    """The holder blocked every device but this one."""

    device_id: UUID
    device_name: str


@dataclass(frozen=True, slots=True)
class DeviceResumedNotice(Notice):
    """A blocked device works again."""

    device_id: UUID
    device_name: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class DeviceCopiedNotice(Notice):
    """A device was blocked because its key may have been copied."""

    device_id: UUID
    device_name: str


@dataclass(frozen=True, slots=True)
class DeviceDormantSoonNotice(Notice):
    """A device that nobody uses will be blocked on this day."""

    device_id: UUID
    device_name: str
    on: date


@dataclass(frozen=True, slots=True)
class EmergencyBlockNotice(Notice):
    """All devices were blocked by the emergency door; `until` when by itself it ends, if it does.

    `proof` is `mail`, `upstream` or `desk`.
    """

    proof: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class AccountRecoveryBegunNotice(Notice):
    """Somebody proved to be the person and will add a device; "this was not me" cancels it.

    At the desk nothing was proven yet: an activation code can be had from then on.
    """

    return_id: UUID
    opens_at: datetime
    by: str = ""


@dataclass(frozen=True, slots=True)
class AccountRecoveryCancelledNotice(Notice):
    """A return that waited was cancelled: nothing was added."""


@dataclass(frozen=True, slots=True)
class DeskCodeNotice(Notice):
    """An activation code was asked for at a desk; "this was not me" cancels it."""

    desk_code_id: UUID
    opens_at: datetime


@dataclass(frozen=True, slots=True)
class OperatorCodeNotice(Notice):
    """An activation code was asked for at the machine of this service; "this was not me" cancels
    it."""

    desk_code_id: UUID


@dataclass(frozen=True, slots=True)
class ActivationLinkNotice(Notice):
    """To one confirmed address: the link with the second half of an activation code."""

    link: str
    until: datetime


@dataclass(frozen=True, slots=True)
class IdentityMatchedNotice(Notice):
    """At a desk, an identity that an upstream proved was matched to the person.

    Whoever proves it comes to this account; "this was not me" takes the match away.
    """

    identity_id: UUID
    by: str = "desk"


@dataclass(frozen=True, slots=True)
class IdentityPartedNotice(Notice):
    """At a desk, such a match was taken away: the identity leads to nobody."""

    by: str = "desk"


@dataclass(frozen=True, slots=True)
class AddressAddedNotice(Notice):
    """An address waits for its confirmation; `address` is masked."""

    address: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class AddressConfirmedNotice(Notice):
    """An address was confirmed and gets these notices; `address` is masked."""

    address: str


@dataclass(frozen=True, slots=True)
class AddressRemovedNotice(Notice):
    """An address gets no more notices; `address` is masked."""

    address: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class AddressConfirmationNotice(Notice):
    """To the new address alone: the link that confirms it, until `until`."""

    link: str
    until: datetime


@dataclass(frozen=True, slots=True)
class EmergencyLinkNotice(Notice):
    """To one confirmed address: the link that blocks every device."""

    link: str


@dataclass(frozen=True, slots=True)
class PersonsMergedNotice(Notice):
    """Two persons of this service turned out to be one, with the devices of both."""


@dataclass(frozen=True, slots=True)
class ProfilesEndedNotice(Notice):
    """The person can no longer act in these capacities: each a message id, and the name in it."""

    capacities: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class UnusualRequestsNotice(Notice):
    """To the staff: at the machine one alone gave an application much; `target` is its name and
    id."""

    target: str


@dataclass(frozen=True, slots=True)
class UnusualApprovalsNotice(Notice):
    """To the staff: what `UnusualRequestsNotice` is about was asked at the machine, and `person`
    agreed to it, who may be the one who asked."""

    target: str
    person: str


@dataclass(frozen=True, slots=True)
class RoleChangedNotice(Notice):
    """To the staff: somebody called `person` has this role from now on, or (`begun`) no more."""

    person: str
    role: str
    desk: str
    begun: bool


STAFF_ALONE = (UnusualRequestsNotice, UnusualApprovalsNotice, RoleChangedNotice)
"""What is told to members of staff as such: nothing happened to their own account."""

# By the name that a row of the outbox has for it.
KINDS: dict[str, type[Notice]] = {
    "device-added": DeviceAddedNotice,
    "device-unlinked": DeviceUnlinkedNotice,
    "device-suspended": DeviceSuspendedNotice,
    "others-suspended": OtherDevicesSuspendedNotice,
    "device-resumed": DeviceResumedNotice,
    "device-copied": DeviceCopiedNotice,
    "device-dormant": DeviceDormantSoonNotice,
    "emergency-door": EmergencyBlockNotice,
    "return-begun": AccountRecoveryBegunNotice,
    "return-cancelled": AccountRecoveryCancelledNotice,
    "code-asked": DeskCodeNotice,
    "machine-code-asked": OperatorCodeNotice,
    "activation-link": ActivationLinkNotice,
    "identity-matched": IdentityMatchedNotice,
    "identity-parted": IdentityPartedNotice,
    "address-added": AddressAddedNotice,
    "address-confirmed": AddressConfirmedNotice,
    "address-removed": AddressRemovedNotice,
    "confirm-address": AddressConfirmationNotice,
    "emergency-link": EmergencyLinkNotice,
    "profiles-ended": ProfilesEndedNotice,
    "persons-merged": PersonsMergedNotice,
    "much-given": UnusualRequestsNotice,
    "much-agreed": UnusualApprovalsNotice,
    "role-changed": RoleChangedNotice,
}
NAMES = {kind: name for name, kind in KINDS.items()}

"""The kinds of notices: a class each, whose fields are filled into the mail.

A field is never a national number, a code or a secret. `EmergencyLinkNotice`,
`AddressConfirmationNotice` and `ActivationLinkNotice` alone carry a link that does something, since
their mail is for that link. Names in `KINDS` and of fields are in rows of the outbox.
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Notice:
    """A message to a person about their account; each kind is a subclass."""


@dataclass(frozen=True, slots=True)
class DeviceAddedNotice(Notice):
    """A device was added to the account; "this was not me" blocks it at once."""

    device_id: UUID
    device_name: str


@dataclass(frozen=True, slots=True)
class DeviceUnlinkedNotice(Notice):
    """A device was removed; `by` is `desk` where the help desk did it, in all kinds with `by`."""

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
    """The holder blocked every device except the one named."""

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
    """A device that nobody uses will be blocked on the day `on`."""

    device_id: UUID
    device_name: str
    on: date


@dataclass(frozen=True, slots=True)
class EmergencyBlockNotice(Notice):
    """All devices were blocked by an emergency block; `until` is its end, None without.

    `proof` is `mail`, `upstream` or `desk`.
    """

    proof: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class AccountRecoveryBegunNotice(Notice):
    """An account recovery waits: somebody proved to be the person and will add a device.

    "This was not me" cancels it. One begun at the desk has proven nothing yet: an activation code
    can be issued from `opens_at` on.
    """

    return_id: UUID
    opens_at: datetime
    by: str = ""


@dataclass(frozen=True, slots=True)
class AccountRecoveryCancelledNotice(Notice):
    """An account recovery that waited was cancelled: nothing was added."""


@dataclass(frozen=True, slots=True)
class DeskCodeNotice(Notice):
    """An activation code was asked for at a desk; "this was not me" cancels it."""

    desk_code_id: UUID
    opens_at: datetime


@dataclass(frozen=True, slots=True)
class OperatorCodeNotice(Notice):
    """An operator with a shell on the host asked for an activation code; "this was not me" cancels
    the code."""

    desk_code_id: UUID


@dataclass(frozen=True, slots=True)
class ActivationLinkNotice(Notice):
    """The link with the second half of an activation code, sent to one confirmed address."""

    link: str
    until: datetime


@dataclass(frozen=True, slots=True)
class IdentityMatchedNotice(Notice):
    """A foreign identity that an upstream proved was matched to the person, at a desk.

    Whoever proves that identity reaches this account; "this was not me" takes the match away.
    """

    identity_id: UUID
    by: str = "desk"


@dataclass(frozen=True, slots=True)
class IdentityPartedNotice(Notice):
    """The match of a foreign identity to the person was taken away."""

    by: str = "desk"


@dataclass(frozen=True, slots=True)
class AddressAddedNotice(Notice):
    """A contact address was added and is to be confirmed; `address` is masked."""

    address: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class AddressConfirmedNotice(Notice):
    """A contact address was confirmed and gets notices; `address` is masked."""

    address: str


@dataclass(frozen=True, slots=True)
class AddressRemovedNotice(Notice):
    """A contact address was removed and gets no more notices; `address` is masked."""

    address: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class AddressConfirmationNotice(Notice):
    """The link that confirms a contact address until `until`, sent to that address alone."""

    link: str
    until: datetime


@dataclass(frozen=True, slots=True)
class EmergencyLinkNotice(Notice):
    """The link that blocks every device, sent to one confirmed address."""

    link: str


@dataclass(frozen=True, slots=True)
class PersonsMergedNotice(Notice):
    """Two persons of this service turned out to be one, with the devices of both."""


@dataclass(frozen=True, slots=True)
class ProfilesEndedNotice(Notice):
    """The person can no longer act in some capacities: each a message id, and the name in it."""

    capacities: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class UnusualRequestsNotice(Notice):
    """To the staff: a local operator alone gave much to an application, named by `target`."""

    target: str


@dataclass(frozen=True, slots=True)
class UnusualApprovalsNotice(Notice):
    """To the staff: a local operator asked to give an application much, and `person` agreed.

    The two may be the same person.
    """

    target: str
    person: str


@dataclass(frozen=True, slots=True)
class RoleChangedNotice(Notice):
    """To the staff: a person has a role from now on (`begun`), or no more."""

    person: str
    role: str
    desk: str
    begun: bool


STAFF_ALONE = (UnusualRequestsNotice, UnusualApprovalsNotice, RoleChangedNotice)
"""Notices to members of staff as such: nothing happened to their own account."""

# Each kind by its name in rows of the outbox.
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

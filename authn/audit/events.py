"""Every event that is recorded. A class is an event; its docstring is its public documentation.

Persons, devices and clients by internal id alone; never a national number, a name or a secret.
"""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every event may tell: about whom, with which device, for which application."""

    name: ClassVar[str]
    person_id: UUID | None = None
    device_id: UUID | None = None
    client_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterImported(Event):
    """The rows of a file were taken into the embedded national register."""

    name: ClassVar[str] = "register.imported"
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationCodeIssued(Event):
    """An activation code was issued for a person."""

    name: ClassVar[str] = "activation.issued"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationRefused(Event):
    """An activation code was presented and refused; `reason` is for operators."""

    name: ClassVar[str] = "activation.refused"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceAdded(Event):
    """A device was enrolled; `how` is `activation`, `here` or `invitation`."""

    name: ClassVar[str] = "device.added"
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRenamed(Event):
    """The holder gave a device another name."""

    name: ClassVar[str] = "device.renamed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRemoved(Event):
    """The holder removed a device; everything opened with it ended in the same moment."""

    name: ClassVar[str] = "device.removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRemovalRefused(Event):
    """A removal was confirmed and refused all the same; `reason` is for operators."""

    name: ClassVar[str] = "device.removal-refused"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSuspended(Event):
    """A device was suspended; `reason` is `counter` when its key may have been copied."""

    name: ClassVar[str] = "device.suspended"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationRefused(Event):
    """A registration ceremony of a known person was refused; `reason` is for operators."""

    name: ClassVar[str] = "device.refused"
    reason: str


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
class SignedIn(Event):
    """A person signed in with a device; `level` is the level of the login."""

    name: ClassVar[str] = "session.signed-in"
    level: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRefused(Event):
    """A verified assertion was refused all the same; `reason` is for operators."""

    name: ClassVar[str] = "session.refused"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOut(Event):
    """A session was ended by its holder, here or from an application."""

    name: ClassVar[str] = "session.signed-out"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentGiven(Event):
    """A person allowed an application these scopes."""

    name: ClassVar[str] = "consent.given"
    scopes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentDeclined(Event):
    """A person declined what an application asked."""

    name: ClassVar[str] = "consent.declined"
    scopes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationAuthorised(Event):
    """An application was given an authorization code for a person."""

    name: ClassVar[str] = "application.authorised"
    scopes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeReplayed(Event):
    """An authorization code came a second time; what it had obtained was revoked."""

    name: ClassVar[str] = "application.code-replayed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRefused(Event):
    """An authorization code was presented and refused; `reason` is for operators.

    `client_id` is who presented it: with the reason `client` it was another one's.
    """

    name: ClassVar[str] = "application.code-refused"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NationalNumberReleased(Event):
    """The national number of a person was given to an application."""

    name: ClassVar[str] = "application.ssin-released"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRegistered(Event):
    """A relying application was registered or changed by an operator."""

    name: ClassVar[str] = "client.registered"

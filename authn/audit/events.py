"""Events of sign-ins, applications and the register; `device_events` has the others.

A class is an event, its docstring its public documentation. Persons, devices and
clients by internal id alone; never a national number, a name or a secret.
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
class FidoMetadataUpdated(Event):
    """A newer BLOB of the FIDO metadata, of this `number`, was verified and is in force."""

    name: ClassVar[str] = "fido_metadata.updated"
    number: int


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

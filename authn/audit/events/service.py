"""Audit events of the service's upkeep: metadata, imports, signing keys, undelivered messages."""

from dataclasses import dataclass
from typing import ClassVar

from authn.audit.events.event import Event


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
class SigningKeyRotated(Event):
    """The key `kid` of the service is in use for `alg`; the one before it signs nothing more."""

    name: ClassVar[str] = "signing_key.rotated"
    kid: str
    alg: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeyWithdrawn(Event):
    """The key `kid` of the service was withdrawn: nothing that it signed is believed any more."""

    name: ClassVar[str] = "signing_key.withdrawn"
    kid: str
    alg: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRetried(Event):
    """So many `rows` that could not be told to others are tried again; `row` where it was one."""

    name: ClassVar[str] = "outbox.retried"
    rows: int
    row: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxDropped(Event):
    """A `row` of this `kind` that was not told to others yet was deleted: it never will be."""

    name: ClassVar[str] = "outbox.dropped"
    row: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FactsImported(Event):
    """The facts of a file of this kind were taken into an embedded source; so many ended by it."""

    name: ClassVar[str] = "source.imported"
    kind: str
    facts: int
    rejected: int
    ended: int

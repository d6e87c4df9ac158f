"""Emergency doors that were used, and returns that have begun."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import Column, ForeignKey, String, Table, Uuid

from authn.db.metadata import UtcDateTime, metadata
from authn.devices.tables import IdentityLevel
from authn.federation.upstreams import LONGEST_ID

DoorProof = Literal["mail", "upstream", "desk"]
# A return is "expired" when nobody came back for it in time; that is never written.
ReturnState = Literal["waiting", "used", "cancelled", "expired"]

# Everything of a person was blocked; `ends_at` where an e-mail alone was the proof (decisions 3.2).
emergency_blocks = Table(
    "emergency_blocks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("person_id", Uuid, ForeignKey("persons.id"), nullable=False, index=True),
    Column("proof", String(10), nullable=False),
    Column("began_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime),
    # The stronger proof that took the end away.
    Column("confirmed_by", String(10)),
)

# When a link for the emergency door was sent to a person: they are counted.
emergency_links = Table(
    "emergency_links",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("person_id", Uuid, ForeignKey("persons.id"), nullable=False, index=True),
    Column("sent_at", UtcDateTime, nullable=False),
)

# Somebody who lost every device comes back; before `opens_at` it can be cancelled by mail.
returns = Table(
    "returns",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("person_id", Uuid, ForeignKey("persons.id"), nullable=False, index=True),
    Column("proof", String(LONGEST_ID), nullable=False),
    Column("identity_level", String(11), nullable=False),
    Column("state", String(9), nullable=False),
    Column("began_at", UtcDateTime, nullable=False),
    Column("opens_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    # Who of the staff began it; none where an upstream or a code did.
    Column("began_by", Uuid, ForeignKey("persons.id")),
)


@dataclass(frozen=True, slots=True)
class EmergencyBlock:
    """A row of `emergency_blocks`: it runs until `ends_at`, or until its person comes back."""

    id: UUID
    person_id: UUID
    proof: DoorProof
    began_at: datetime
    ends_at: datetime | None
    confirmed_by: DoorProof | None

    def runs_at(self, now: datetime) -> bool:
        """Whether it has not come to its end by itself."""
        return self.ends_at is None or self.ends_at > now


@dataclass(frozen=True, slots=True)
class AccountRecovery:
    """A row of `returns`; `proof` is the name of the upstream, "activation" or "desk"."""

    id: UUID
    person_id: UUID
    proof: str
    identity_level: IdentityLevel
    state: ReturnState
    began_at: datetime
    opens_at: datetime
    expires_at: datetime
    began_by: UUID | None = None

    def state_at(self, now: datetime) -> ReturnState:
        """Its state, "expired" when it waited for too long."""
        return "expired" if self.state == "waiting" and self.expires_at <= now else self.state

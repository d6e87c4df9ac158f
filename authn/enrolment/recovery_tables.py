"""The tables of emergency blocks, of their links, and of account recoveries."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import Column, ForeignKey, String, Table, Uuid

from authn.db.metadata import UtcDateTime, metadata
from authn.devices.tables import IdentityLevel
from authn.federation.upstreams import LONGEST_ID

EmergencyBlockProof = Literal["mail", "upstream", "desk"]
# "expired": the recovery was not completed in time; computed, never written.
AccountRecoveryState = Literal["waiting", "used", "cancelled", "expired"]

# All devices of a person were blocked; `ends_at` where mail alone was the proof (decisions 3.2).
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

# When a link for an emergency block was sent to a person: they are counted.
emergency_links = Table(
    "emergency_links",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("person_id", Uuid, ForeignKey("persons.id"), nullable=False, index=True),
    Column("sent_at", UtcDateTime, nullable=False),
)

# A person who lost every device recovers the account; until `opens_at` mail can cancel it.
account_recoveries = Table(
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
    # The member of staff who began the recovery; null where an upstream or a code did.
    Column("began_by", Uuid, ForeignKey("persons.id")),
)


@dataclass(frozen=True, slots=True)
class EmergencyBlock:
    """A row of `emergency_blocks`: all devices are blocked until `ends_at`, or until recovery."""

    id: UUID
    person_id: UUID
    proof: EmergencyBlockProof
    began_at: datetime
    ends_at: datetime | None
    confirmed_by: EmergencyBlockProof | None

    def runs_at(self, now: datetime) -> bool:
        """Whether the block has no end, or has not reached it."""
        return self.ends_at is None or self.ends_at > now


@dataclass(frozen=True, slots=True)
class AccountRecovery:
    """A row of `returns`; `proof` is the name of the upstream, "activation" or "desk"."""

    id: UUID
    person_id: UUID
    proof: str
    identity_level: IdentityLevel
    state: AccountRecoveryState
    began_at: datetime
    opens_at: datetime
    expires_at: datetime
    began_by: UUID | None = None

    def state_at(self, now: datetime) -> AccountRecoveryState:
        """The state of the recovery at a moment: "expired" when it waited for too long."""
        return "expired" if self.state == "waiting" and self.expires_at <= now else self.state

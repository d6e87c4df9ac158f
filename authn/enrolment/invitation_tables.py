"""Invitations: a device is added on another screen than the one the person is signed in on."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import Column, ForeignKey, String, Table, Uuid

from authn.db.metadata import Instant, metadata, token_hash_type

State = Literal["open", "claimed", "approved", "used", "dead"]
PENDING: tuple[State, ...] = ("open", "claimed", "approved")

invitations = Table(
    "invitations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("person_id", ForeignKey("persons.id"), nullable=False),
    Column("session_id", ForeignKey("sessions.id"), nullable=False, index=True),
    Column("secret_hash", token_hash_type(), nullable=False, unique=True),
    Column("state", String(8), nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
    # The browser that claimed it: the hash of its cookie, its words, and the number it shows.
    Column("claimant_hash", token_hash_type()),
    Column("claimed_browser", String(30)),
    Column("claimed_system", String(30)),
    Column("number", String(5)),
    Column("approved_by", ForeignKey("devices.id")),
)


@dataclass(frozen=True, slots=True)
class Invitation:
    """A row of `invitations`.

    `number` is no secret of the service: whoever claimed knows it, and it proves that the holder
    looks at the claimant's screen. `approved_by` is the device that confirmed.
    """

    id: UUID
    person_id: UUID
    session_id: UUID
    secret_hash: str
    state: State
    expires_at: datetime
    claimant_hash: str | None
    claimed_browser: str | None
    claimed_system: str | None
    number: str | None
    approved_by: UUID | None

    def state_at(self, now: datetime) -> State:
        """Its state, "dead" also when it was left open for too long."""
        return "dead" if self.state in PENDING and self.expires_at <= now else self.state

"""The table of invitations, by which a signed-in person adds a device in another browser."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import JSON, Boolean, Column, ForeignKey, String, Table, Uuid

from authn.db.metadata import UtcDateTime, metadata, token_hash_type

State = Literal["open", "claimed", "approved", "used", "dead"]
PENDING: tuple[State, ...] = ("open", "claimed", "approved")

invitations = Table(
    "invitations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("person_id", ForeignKey("persons.id"), nullable=False, index=True),
    Column("session_id", ForeignKey("sessions.id"), nullable=False, index=True),
    Column("secret_hash", token_hash_type(), nullable=False, unique=True),
    Column("state", String(8), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    # The browser that claimed: the hash of its cookie, its name and system, and its number.
    Column("claimant_hash", token_hash_type()),
    Column("claimed_browser", String(30)),
    Column("claimed_system", String(30)),
    Column("number", String(5)),
    Column("approved_by", ForeignKey("devices.id")),
    # The place of the claimant's browser, in each language; and whether in the network of the
    # signed-in browser, of which a keyed hash is kept.
    Column("claimed_place", JSON(none_as_null=True)),
    Column("claimed_near", Boolean),
    Column("opened_from", token_hash_type()),
    # The device that was added.
    Column("device_id", Uuid, ForeignKey("devices.id")),
)


@dataclass(frozen=True, slots=True)
class Invitation:
    """A row of `invitations`: a person may add a device in another browser.

    `number` is no secret: the claimant's screen shows it, and typing it proves that the holder
    looks at that screen. `approved_by` is the device that confirmed. `claimed_place` is one place
    in each of our languages; `claimed_near` is None where unknown.
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
    claimed_place: dict[str, str] | None
    claimed_near: bool | None
    opened_from: str | None
    device_id: UUID | None

    def state_at(self, now: datetime) -> State:
        """The state of the invitation at a moment: "dead" also when it has expired."""
        return "dead" if self.state in PENDING and self.expires_at <= now else self.state

"""Activation codes that somebody may have to agree to: at the desk, from the identity check to the
letter; and at the machine of this service, for who has or had a device."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import Boolean, Column, ForeignKey, Index, String, Table, Uuid

from authn.db.metadata import UtcDateTime, metadata

Document = Literal["identity-card", "residence-card", "passport"]
# How the second half of a code reaches its person: a link by mail, or a second letter.
SecondHalf = Literal["mail", "letter"]
# `checked`: the identity was. `asked`: a second member of staff must say yes. `waiting`: for the
# moment `opens_at`, until when every address on file can cancel it. `open`: it may be printed.
# That `printed` was printed anew changes its code alone. What is too old is never written.
DeskCodeState = Literal["checked", "asked", "waiting", "open", "printed", "cancelled"]

LONGEST_REFERENCE = 40

desk_codes = Table(
    "desk_codes",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("person_id", Uuid, ForeignKey("persons.id"), nullable=False, index=True),
    # Who saw which document; nobody did where it was asked for at the machine.
    Column("registrar_id", Uuid, ForeignKey("persons.id")),
    Column("document", String(14)),
    Column("state", String(9), nullable=False),
    Column("checked_at", UtcDateTime, nullable=False),
    # What follows is decided when the code is asked for.
    Column("second_half", String(6)),
    Column("address_id", Uuid, ForeignKey("contact_addresses.id", ondelete="SET NULL")),
    Column("opens_at", UtcDateTime),
    Column("expires_at", UtcDateTime, nullable=False),
    # Whether it had to wait, for somebody or for a day, as it has for who has or had a device.
    Column("guarded", Boolean, nullable=False),
    # The code that was printed last.
    Column("code_id", Uuid, ForeignKey("activation_codes.id")),
    Column("reference", String(LONGEST_REFERENCE), nullable=False),
    # When the first letter was: a spoiled one is printed anew for a while.
    Column("printed_at", UtcDateTime),
    Index(None, "registrar_id", "state"),
    sqlite_with_rowid=False,
)


@dataclass(frozen=True, slots=True)
class DeskCode:
    """A row of `desk_codes`; `reference` is what the letter and the audit log have in common.

    Without a registrar it was asked for at the machine of this service, on the command line.
    """

    id: UUID
    person_id: UUID
    registrar_id: UUID | None
    document: Document | None
    state: DeskCodeState
    checked_at: datetime
    second_half: SecondHalf | None
    address_id: UUID | None
    opens_at: datetime | None
    expires_at: datetime
    guarded: bool
    code_id: UUID | None
    reference: str
    printed_at: datetime | None = None

    def is_open_at(self, now: datetime) -> bool:
        """Whether its letter may be printed, for the first time."""
        waited = self.state == "waiting" and self.opens_at is not None and self.opens_at <= now
        return self.expires_at > now and (waited or self.state == "open")

    def is_again_at(self, now: datetime, within: timedelta) -> bool:
        """Whether its letter may be printed anew: it is spoiled, so soon after the first one."""
        if self.state != "printed" or self.printed_at is None:
            return False
        return self.printed_at + within > now

    def is_over_at(self, now: datetime) -> bool:
        """Whether nothing can come of it any more, but for the code that it may have led to."""
        return self.state == "cancelled" or (self.state != "printed" and self.expires_at <= now)

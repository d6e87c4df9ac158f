"""The table of codes of the desk, and of operators' codes that need a second approval."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import Boolean, Column, ForeignKey, Index, String, Table, Uuid

from authn.db.metadata import UtcDateTime, metadata

Document = Literal["identity-card", "residence-card", "passport"]
# How the second half of a code reaches its person: a link by mail, or a second letter.
SecondHalf = Literal["mail", "letter"]
# `checked`: the identity was checked. `asked`: a second member of staff must approve. `waiting`:
# until `opens_at`, while every contact address can cancel. `open`: may be printed. Printing anew
# leaves the state `printed`. A row that is too old keeps its state.
DeskCodeState = Literal["checked", "asked", "waiting", "open", "printed", "cancelled"]

LONGEST_REFERENCE = 40

desk_codes = Table(
    "desk_codes",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("person_id", Uuid, ForeignKey("persons.id"), nullable=False, index=True),
    # Who checked which document; null for a code that a local operator asked for.
    Column("registrar_id", Uuid, ForeignKey("persons.id")),
    Column("document", String(14)),
    Column("state", String(9), nullable=False),
    Column("checked_at", UtcDateTime, nullable=False),
    # The next columns are set when the code is asked for.
    Column("second_half", String(6)),
    Column("address_id", Uuid, ForeignKey("contact_addresses.id", ondelete="SET NULL")),
    Column("opens_at", UtcDateTime),
    Column("expires_at", UtcDateTime, nullable=False),
    # Whether an approval or a wait was needed, as for a person who has or had a device.
    Column("guarded", Boolean, nullable=False),
    # The code that was printed last.
    Column("code_id", Uuid, ForeignKey("activation_codes.id")),
    Column("reference", String(LONGEST_REFERENCE), nullable=False),
    # When the first letter was printed: a spoiled one may be printed anew for a while.
    Column("printed_at", UtcDateTime),
    Index(None, "registrar_id", "state"),
    sqlite_with_rowid=False,
)


@dataclass(frozen=True, slots=True)
class DeskCode:
    """A row of `desk_codes`; the letter and the audit log have `reference` in common.

    Without a registrar a local operator asked for the code, on the command line.
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
        """Whether the letter may be printed for the first time."""
        waited = self.state == "waiting" and self.opens_at is not None and self.opens_at <= now
        return self.expires_at > now and (waited or self.state == "open")

    def is_again_at(self, now: datetime, within: timedelta) -> bool:
        """Whether the letter may be printed anew, so soon after the first one."""
        if self.state != "printed" or self.printed_at is None:
            return False
        return self.printed_at + within > now

    def is_over_at(self, now: datetime) -> bool:
        """Whether no letter can be printed any more."""
        return self.state == "cancelled" or (self.state != "printed" and self.expires_at <= now)

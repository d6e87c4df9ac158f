"""What a person did for one authorization request: a capacity chosen, a desk act confirmed."""

from sqlalchemy import Column, ForeignKey, Index, String, Table, Uuid

from authn.clients.tables import LONGEST_CLIENT_ID
from authn.db.metadata import UtcDateTime, metadata
from authn.profiles.tables import profiles

profile_choices = Table(
    "profile_choices",
    metadata,
    # The authorization request for which it was chosen: two tabs may choose differently.
    Column("request_id", String(64), primary_key=True),
    Column("person_id", Uuid, ForeignKey("persons.id"), nullable=False),
    Column("session_id", Uuid, ForeignKey("sessions.id"), nullable=False),
    Column("client_id", String(LONGEST_CLIENT_ID), ForeignKey("clients.client_id"), nullable=False),
    # None as a citizen.
    Column("profile_id", Uuid, ForeignKey(profiles.c.id)),
    Column("chosen_at", UtcDateTime, nullable=False),
    # What was chosen last, by this person at this application.
    Index(None, "person_id", "client_id", "chosen_at"),
    sqlite_with_rowid=False,
)

# Desk acts that a member of staff confirmed for the request of a tool (`login.checks.desk_act`).
confirmed_desk_acts = Table(
    "confirmed_desk_acts",
    metadata,
    # One confirmation for each request, whatever it is of.
    Column("request_id", String(64), primary_key=True),
    Column("person_id", Uuid, ForeignKey("persons.id"), nullable=False),
    Column("device_id", Uuid, ForeignKey("devices.id"), nullable=False),
    Column("confirmed_at", UtcDateTime, nullable=False),
    sqlite_with_rowid=False,
)

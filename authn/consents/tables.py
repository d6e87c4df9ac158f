"""Consents: one row by person, client, capacity and name (`consents.consent_names`)."""

from sqlalchemy import Boolean, Column, ForeignKey, String, Table, Text, Uuid

from authn.clients.tables import LONGEST_CLIENT_ID
from authn.db.metadata import UtcDateTime, metadata

consents = Table(
    "consents",
    metadata,
    Column("person_id", Uuid, ForeignKey("persons.id"), primary_key=True),
    Column(
        "client_id", String(LONGEST_CLIENT_ID), ForeignKey("clients.client_id"), primary_key=True
    ),
    # In which capacity; `NO_PROFILE`, which is no profile's id, as a citizen.
    Column("profile_id", Uuid, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("given_at", UtcDateTime, nullable=False),
    # Asked, and not allowed: so that it is not asked again each time.
    Column("declined", Boolean, nullable=False),
    # Until when, if the person said so.
    Column("expires_at", UtcDateTime),
    sqlite_with_rowid=False,
)

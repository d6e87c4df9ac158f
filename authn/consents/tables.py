"""Consents by person, client and scope, or what else can be allowed (`consents.asked`)."""

from sqlalchemy import Column, ForeignKey, String, Table, Text, Uuid

from authn.clients.tables import LONGEST_CLIENT_ID
from authn.db.metadata import Instant, metadata

consents = Table(
    "consents",
    metadata,
    Column("person_id", Uuid, ForeignKey("persons.id"), primary_key=True),
    Column(
        "client_id", String(LONGEST_CLIENT_ID), ForeignKey("clients.client_id"), primary_key=True
    ),
    Column("scope", Text, primary_key=True),
    Column("given_at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

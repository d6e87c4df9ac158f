"""Grants, authorization codes, access tokens. Of a code only the hash, of a token only its name."""

from sqlalchemy import Column, ForeignKey, Index, String, Table, Text, Uuid

from authn.clients.tables import LONGEST_CLIENT_ID
from authn.db.metadata import Instant, metadata, token_hash_type

grants = Table(
    "grants",
    metadata,
    Column("id", Uuid, primary_key=True),
    # The authorization request that it answers: unique, so that a request is answered once
    # (protocol 4.7).
    Column("request_id", String(64), nullable=False, unique=True),
    Column("person_id", Uuid, ForeignKey("persons.id"), nullable=False),
    Column("device_id", Uuid, ForeignKey("devices.id"), nullable=False),
    Column("session_id", Uuid, ForeignKey("sessions.id"), nullable=False),
    Column("client_id", String(LONGEST_CLIENT_ID), ForeignKey("clients.client_id"), nullable=False),
    # What the client knows the person by; and how, and when, the person signed in.
    Column("subject", String(64), nullable=False),
    Column("scope", Text, nullable=False),
    Column("level", String(9), nullable=False),
    Column("auth_time", Instant, nullable=False),
    Column("granted_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    # What a device was last used for, and what it has open.
    Index(None, "device_id", "granted_at"),
    sqlite_with_rowid=False,
)

authorization_codes = Table(
    "authorization_codes",
    metadata,
    Column("code_hash", token_hash_type(), primary_key=True),
    Column("grant_id", Uuid, ForeignKey("grants.id"), nullable=False),
    Column("client_id", String(LONGEST_CLIENT_ID), nullable=False),
    Column("redirect_uri", Text, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("code_challenge", String(43), nullable=False),
    Column("expires_at", Instant, nullable=False),
    # Kept after its use: a second one must be recognised.
    Column("used_at", Instant),
    sqlite_with_rowid=False,
)

access_tokens = Table(
    "access_tokens",
    metadata,
    Column("jti", String(43), primary_key=True),
    Column("grant_id", Uuid, ForeignKey("grants.id"), nullable=False),
    Column("expires_at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

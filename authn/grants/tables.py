"""Grants and what stands for them: of codes and refresh tokens only the hash."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    Uuid,
)

from authn.clients.tables import LONGEST_CLIENT_ID
from authn.db.metadata import UtcDateTime, metadata, token_hash_type
from authn.profiles.tables import profiles

grants = Table(
    "grants",
    metadata,
    Column("id", Uuid, primary_key=True),
    # The authorization request that it answers: unique, so that a request is answered once
    # (decisions 4.7).
    Column("request_id", String(64), nullable=False, unique=True),
    Column("person_id", Uuid, ForeignKey("persons.id"), nullable=False),
    Column("device_id", Uuid, ForeignKey("devices.id"), nullable=False),
    Column("session_id", Uuid, ForeignKey("sessions.id"), nullable=False),
    Column("client_id", String(LONGEST_CLIENT_ID), ForeignKey("clients.client_id"), nullable=False),
    # What the client knows the person by; and how, and when, the person signed in.
    Column("subject", String(64), nullable=False),
    Column("scope", Text, nullable=False),
    Column("level", String(9), nullable=False),
    Column("auth_time", UtcDateTime, nullable=False),
    Column("granted_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    # An offline grant outlives its session; the device, the consent and the person it does not.
    Column("offline", Boolean, nullable=False),
    # What was allowed besides scopes, as JSON: `GrantDetails`; "" for nothing.
    Column("particulars", Text, nullable=False),
    # In which capacity; none as a citizen. And when it ends by what the person chose.
    Column("profile_id", Uuid, ForeignKey(profiles.c.id)),
    Column("ends_at", UtcDateTime),
    # What a device was last used for, and what it has open.
    Index(None, "device_id", "granted_at"),
    # What ends with a profile.
    Index(None, "profile_id"),
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
    Column("expires_at", UtcDateTime, nullable=False),
    # Kept after its use: a second one must be recognised.
    Column("used_at", UtcDateTime),
    # The thumbprint of the DPoP key that it is bound to (RFC 9449 §10); "" for none.
    Column("dpop_jkt", String(43), nullable=False),
    sqlite_with_rowid=False,
)

# Access tokens that were revoked one by one (RFC 7009), until they would have expired.
revoked_tokens = Table(
    "revoked_tokens",
    metadata,
    Column("jti", String(255), primary_key=True),
    Column("expires_at", UtcDateTime, nullable=False),
    sqlite_with_rowid=False,
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("token_hash", token_hash_type(), primary_key=True),
    Column("grant_id", Uuid, ForeignKey("grants.id"), nullable=False, index=True),
    Column("client_id", String(LONGEST_CLIENT_ID), nullable=False),
    Column("issued_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("last_used_at", UtcDateTime, nullable=False),
    # What it is bound to (RFC 9449 §5, RFC 8705 §4): "jkt:…", "x5t:…"; "client" where its client
    # has to authenticate, "" for nothing.
    Column("confirmation", String(60), nullable=False),
    # Since when a successor has taken its place; and that one, sealed under a key that only the
    # token itself gives, for a client that did not get the answer (decisions 4.9).
    Column("rotated_at", UtcDateTime),
    Column("successor_sealed", LargeBinary),
    Column("successor_hash", token_hash_type()),
    sqlite_with_rowid=False,
)


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A row of `refresh_tokens`.

    `issued_at` is when the first of the family was issued: its absolute life counts from there.
    `expires_at` is the end of its life or, once it has a successor, of the time in which its coming
    back is recognised.
    """

    token_hash: str
    grant_id: UUID
    client_id: str
    issued_at: datetime
    expires_at: datetime
    last_used_at: datetime
    confirmation: str
    rotated_at: datetime | None
    successor_sealed: bytes | None
    successor_hash: str | None


# Pushed authorization requests (RFC 9126), as they were checked.
pushed_requests = Table(
    "pushed_requests",
    metadata,
    Column("request_uri_hash", token_hash_type(), primary_key=True),
    Column("client_id", String(LONGEST_CLIENT_ID), ForeignKey("clients.client_id"), nullable=False),
    # What `AuthorizationRequest.pack` gave, as JSON.
    Column("parameters", Text, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    sqlite_with_rowid=False,
)

# Device authorization requests (RFC 8628).
device_codes = Table(
    "device_codes",
    metadata,
    Column("device_code_hash", token_hash_type(), primary_key=True),
    Column("user_code_hash", token_hash_type(), nullable=False, unique=True),
    Column("client_id", String(LONGEST_CLIENT_ID), ForeignKey("clients.client_id"), nullable=False),
    Column("scope", Text, nullable=False),
    Column("particulars", Text, nullable=False),
    Column("dpop_jkt", String(43), nullable=False),
    # At which capacity the client hints (`AuthorizationRequest.profile`); "" for none.
    Column("profile", String(64), nullable=False),
    # Where the device that asks is, roughly, as far as the operator's database tells; and in which
    # network (`web.place.network_hash`).
    Column("place", JSON),
    Column("network", token_hash_type()),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("last_polled_at", UtcDateTime),
    # Seconds that must pass between two polls.
    Column("interval", Integer, nullable=False),
    # waiting, allowed, declined, spent
    Column("state", String(8), nullable=False),
    Column("grant_id", Uuid, ForeignKey("grants.id")),
    sqlite_with_rowid=False,
)

# How many codes were typed that nobody was given, by a person or from a network.
wrong_user_codes = Table(
    "wrong_user_codes",
    metadata,
    Column("who", token_hash_type(), primary_key=True),
    Column("tries", Integer, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    sqlite_with_rowid=False,
)

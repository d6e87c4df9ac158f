"""Activation codes: the first proof of who somebody is, before they have a device."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, ForeignKey, Integer, Table, Uuid

from authn.db.metadata import UtcDateTime, metadata, token_hash_type

activation_codes = Table(
    "activation_codes",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("person_id", ForeignKey("persons.id"), nullable=False, index=True),
    Column("code_hash", token_hash_type(), nullable=False, unique=True),
    # Of the other half, that came by another way; none where the code has only one.
    Column("second_hash", token_hash_type(), unique=True),
    Column("issued_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("wrong_tries", Integer, nullable=False),
    Column("used_at", UtcDateTime),
    Column("withdrawn_at", UtcDateTime),
)


@dataclass(frozen=True, slots=True)
class ActivationCode:
    """An activation code as it is kept; the code itself is known to its holder alone."""

    id: UUID
    person_id: UUID
    expires_at: datetime
    has_second_half: bool

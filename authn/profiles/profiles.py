"""Profiles as they are kept: found, taken from an answer, ended."""

from typing import Any

from authn.db.reencryption import Encrypted
from authn.profiles.tables import profiles


def context_of(row: Any) -> str:
    """What a fact's ciphertext is bound to: one moved to another row can't be read there."""
    return f"profiles:{row.id}"


ENCRYPTED = (Encrypted(profiles.c.fact_encrypted, context_of),)

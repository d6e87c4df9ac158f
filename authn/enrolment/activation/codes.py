"""The text and the table of activation codes: 80 bits in Crockford's base32, shown in groups.

https://www.crockford.com/base32.html: no I, L, O or U; O is read as 0, and I and L as 1.
"""

import secrets
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
    # The hash of the second half; null for a code without.
    Column("second_hash", token_hash_type(), unique=True),
    Column("issued_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("wrong_tries", Integer, nullable=False),
    Column("used_at", UtcDateTime),
    Column("withdrawn_at", UtcDateTime),
)


@dataclass(frozen=True, slots=True)
class ActivationCode:
    """An activation code as it is stored; only its holder knows the code itself."""

    id: UUID
    person_id: UUID
    expires_at: datetime
    has_second_half: bool


ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 16
"""Characters of 5 bits each: 80 bits."""

_GROUPS = ((0, 5), (5, 10), (10, 16))
_READ_AS = str.maketrans("OIL", "011", " -")
_LONGEST_INPUT = 64


def new_code() -> str:
    """A new random code of 16 characters, in canonical form."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))


def display_code(code: str) -> str:
    """A canonical code in groups: `XXXXX-XXXXX-XXXXXX`."""
    return "-".join(code[start:end] for start, end in _GROUPS)


def read_code(text: str) -> str | None:
    """The canonical form of a text that was typed or pasted; None when it can't be a code.

    Case, spaces and dashes don't matter.
    """
    if len(text) > _LONGEST_INPUT or not text.isascii():
        return None
    code = "".join(text.split()).upper().translate(_READ_AS)
    if len(code) != CODE_LENGTH or not set(code) <= set(ALPHABET):
        return None
    return code

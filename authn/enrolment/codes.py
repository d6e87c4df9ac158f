"""How an activation code is written: 80 bits in Crockford's base32, in groups that can be typed.

https://www.crockford.com/base32.html: no I, L, O or U, and whoever reads 0 as O, or 1 as I or L,
is understood all the same.
"""

import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 16
"""Characters of 5 bits each: 80 bits."""

_GROUPS = ((0, 5), (5, 10), (10, 16))
_READ_AS = str.maketrans("OIL", "011", " -")
_LONGEST_INPUT = 64


def new_code() -> str:
    """16 random characters: a code that nobody can guess, in canonical form."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))


def display_code(code: str) -> str:
    """The canonical code in groups: `XXXXX-XXXXX-XXXXXX`."""
    return "-".join(code[start:end] for start, end in _GROUPS)


def read_code(text: str) -> str | None:
    """The canonical form of what somebody typed or pasted; None when it can't be a code.

    Case, spaces and dashes don't matter.
    """
    if len(text) > _LONGEST_INPUT or not text.isascii():
        return None
    code = "".join(text.split()).upper().translate(_READ_AS)
    if len(code) != CODE_LENGTH or not set(code) <= set(ALPHABET):
        return None
    return code

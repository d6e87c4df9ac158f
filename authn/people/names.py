"""Names as they are looked for: however they are written, and in whichever order they are said."""

import unicodedata
from typing import Final

LONGEST_PART: Final = 100
LONGEST_KEY: Final = 6 * LONGEST_PART + 3
"""Three orders of two names, each behind its bar."""
_BAR: Final = "|"
# Letters of their own in Unicode, and variants of another one to whoever types a name.
_LETTERS: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"}
)


def folded(text: str) -> str:
    """The letters and digits of a name, without case, accents, spaces, hyphens or apostrophes."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return "".join(letter for letter in plain.casefold() if letter.isalnum())[:LONGEST_PART]


def name_key(given_name: str, family_name: str) -> str:
    """What a name is looked for in: each order in which it may be said begins behind a bar."""
    family, given = folded(family_name), folded(given_name)
    first = folded(given_name.partition(" ")[0])
    orders = dict.fromkeys((family + given, given + family, first + family))
    return "".join(_BAR + order for order in orders)


def name_pattern(text: str) -> str:
    """What LIKE finds the key of a name by, which begins as the text does in one of its orders."""
    return f"%{_BAR}{folded(text)}%"  # letters and digits alone: no wildcard of the text's own
